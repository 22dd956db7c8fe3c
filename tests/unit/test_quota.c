// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas: who is kept from a CPU by which cgroup, and for how long.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/model.h"
#include "model/moment.h"
#include "model/worst.h"
#include "throttling.h"

/* Nobody takes what the vCPU may not have: neither a task nor an interrupt. */
static void a_bystander_is_no_thief(void **unused)
{
	begin(SCHED_OTHER);
	throttle(OUTER, 0, true);
	now += 1000;
	lose(BYSTANDER, SCHED_IDLE, 0, 0);
	now += 30 * MS;
	FEED(&m, now, 0, 0, host_irq, .name = "local_timer", .cycles = 5000);
	FEED(&m, now, 0, 0, holder, .pid = 8, .comm = "other");
	now += 10 * MS;
	throttle(OUTER, 0, false);
	now += 2000;
	regain(40 * MS + 2000);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 40 * MS);
	assert_int_equal(longest_of(0), 40 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 2000);
	assert_int_equal(part_of(0, KVS_THIEF_INTERRUPT, 0), 0);
	assert_int_equal(m.vcpus[0]->waiter.nr, 2);
	assert_int_equal(cgroup_of(OUTER)->throttled_ts, 40 * MS + 1000);
	assert_int_equal(cgroup_of(OUTER)->count, 1);
}

static void its_name_has_the_limit(void **unused)
{
	begin(SCHED_OTHER);
	assert_string_equal(cgroup_of(OUTER)->label,
			    "throttled by cgroup /outer (cpu.max 50000 100000)");
	assert_string_equal(cgroup_of(INNER)->label, "throttled by cgroup 21474836551");
	RECORD(quota, .cgroup = INNER, .quota_us = -1, .period_us = 100000,
	       .name = "/outer/inner");
	assert_string_equal(cgroup_of(INNER)->label, "throttled by cgroup /outer/inner");
	end();
}

static void woken_into_it(void **unused)
{
	begin(SCHED_OTHER);
	RECORD(exit, ME, .reason = 0x78, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	RECORD(switch_out, ME, .kind = KS_SWITCH_HALTED, .loaded = 1);
	now += 10 * MS;
	throttle(INNER, 0, true);
	now += 5 * MS;
	RECORD(wake, ME, .cpu = 0, .holder_pid = 0);
	now += 20 * MS;
	throttle(INNER, 0, false);
	now += 3000;
	RECORD(switch_in, ME, .kind = KS_SWITCH_HALTED, .off_cycles = 35 * MS + 3000);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, INNER), 20 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_IDLE, 0), 3000);
	assert_int_equal(cgroup_of(INNER)->throttled_ts, 25 * MS);
}

/* The first of several is named as long as it lasts, then the other one. */
static void nested_quotas(void **unused)
{
	begin(SCHED_OTHER);
	throttle(INNER, 0, true);
	lose(0, 0, 0, 0);
	now += 10 * MS;
	throttle(OUTER, 0, true);
	now += 10 * MS;
	throttle(INNER, 0, false);
	now += 15 * MS;
	throttle(OUTER, 0, false);
	regain(35 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, INNER), 20 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 15 * MS);
	assert_int_equal(m.vcpus[0]->waiter.nr, 2);
	assert_int_equal(cgroup_of(INNER)->throttled_ts, 20 * MS);
	assert_int_equal(cgroup_of(OUTER)->throttled_ts, 25 * MS);
}

/* Another CPU's throttling is none of this one's, until the vCPU waits there. */
static void on_another_cpu(void **unused)
{
	begin(SCHED_OTHER);
	throttle(OUTER, 1, true);
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += 10 * MS;
	RECORD(migrate, ME, .cpu = 1, .from_cpu = 0, .holder_pid = 9, .holder_comm = "c");
	now += 20 * MS;
	migrate_to_0();
	now += 5 * MS;
	regain(35 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 15 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 20 * MS);
}

static void two_vcpus_on_one_cpu(void **unused)
{
	begin(SCHED_OTHER);
	arrive(1, SCHED_OTHER);
	vcpu = 0;
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += 10 * MS;
	throttle(OUTER, 0, true);
	vcpu = 1;
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += 20 * MS;
	throttle(OUTER, 0, false);
	vcpu = 0;
	regain(30 * MS);
	now += 5 * MS;
	vcpu = 1;
	regain(25 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 20 * MS);
	assert_int_equal(part_of(1, KVS_THIEF_QUOTA, OUTER), 20 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 10 * MS);
	assert_int_equal(part_of(1, KVS_THIEF_TASK, 0), 5 * MS);
	assert_int_equal(cgroup_of(OUTER)->throttled_ts, 20 * MS);
}

static void over_two_cpus(void **unused)
{
	begin(SCHED_OTHER);
	throttle(OUTER, 0, true);
	now += 10 * MS;
	throttle(OUTER, 1, true);
	now += 10 * MS;
	throttle(OUTER, 0, false);
	throttle(OUTER, 1, false);
	end();
	assert_int_equal(cgroup_of(OUTER)->throttled_ts, 30 * MS);
	assert_int_equal(cgroup_of(OUTER)->count, 2);
}

static void moved_to_another_cgroup(void **unused)
{
	begin(SCHED_OTHER);
	throttle(INNER, 0, true);
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += 10 * MS;
	FEED(&m, now, 1, 999, cgroup, .tid = 100, .id = 80, .parent = 1);
	now += 5 * MS;
	FEED(&m, now, 1, 999, cgroup, .tid = 100, .id = INNER, .parent = OUTER);
	now += 3 * MS;
	FEED(&m, now, 1, 999, cgroup, .tid = 100);
	now += 2 * MS;
	regain(20 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, INNER), 13 * MS);
	/* Whether cgroup 80 was throttled since before is not told any more. */
	assert_int_equal(part_of(0, KVS_THIEF_UNKNOWN, 0), 5 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 2 * MS);
}

/* Both ends may have been among the lost ones; after that, its end tells of the time since. */
static void a_loss_makes_it_unknown(void **unused)
{
	begin(SCHED_OTHER);
	throttle(OUTER, 0, true);
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += 10 * MS;
	kvs_model_missed(&m, 1, 1);
	now += 10 * MS;
	FEED(&m, now, 0, 0, holder, .pid = 8, .comm = "other");
	now += 10 * MS;
	throttle(OUTER, 0, false);
	regain(30 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 10 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_UNKNOWN, 0), 20 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 0);
	assert_int_equal(cgroup_of(OUTER)->throttled_ts, 0);
	assert_int_equal(cgroup_of(OUTER)->open_ts, 0);
}

/* Newer kernels let each task run on up to its return to the guest. */
static void throttled_by_itself(void **unused)
{
	begin(SCHED_OTHER);
	throttle(OUTER, 0, true);
	lose(BYSTANDER, SCHED_OTHER, 0, KS_THROTTLED_NO);
	now += 10 * MS;
	regain(10 * MS);
	now += 1000;
	lose(BYSTANDER, SCHED_OTHER, 0, KS_THROTTLED_YES);
	now += 20 * MS;
	throttle(OUTER, 0, false);
	now += MS;
	/* It is on the queue again, and what comes now concerns others. */
	throttle(OUTER, 0, true);
	now += MS;
	regain(22 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 20 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 12 * MS);
}

/* Quotas are for ordinary tasks. */
static void real_time_has_no_quota(void **unused)
{
	begin(SCHED_FIFO);
	throttle(OUTER, 0, true);
	RECORD(exit, ME, .reason = CPUID, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1, .next_pid = 9,
	       .next_policy = SCHED_FIFO, .next_prio = 40, .next_comm = "hog",
	       .next_flags = KS_TASK_TOLD);
	now += 10 * MS;
	regain(10 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 10 * MS);
	assert_int_equal(m.vcpus[0]->waiter.nr, 1);
}

/* The scheduler gives the CPU to less, though one of real-time priority could run. */
static void real_time_throttling(void **unused)
{
	begin(SCHED_RR);
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += 30 * MS;
	FEED(&m, now, 0, BYSTANDER, holder, .pid = 0);
	now += 20 * MS;
	/* A server is no throttling: it is a task of its own. */
	FEED(&m, now, 0, 0, holder, .pid = 8, .policy = SCHED_OTHER, .prio = 120,
	     .comm = "served", .flags = KS_TASK_TOLD | KS_TASK_SERVER);
	now += 10 * MS;
	/* Nor is one that holds a lock for somebody of real-time priority. */
	FEED(&m, now, 0, 8, holder, .pid = 9, .policy = SCHED_OTHER, .prio = 50,
	     .comm = "boosted", .flags = KS_TASK_TOLD);
	now += 5 * MS;
	/* A BPF scheduler comes after real-time tasks, too. */
	FEED(&m, now, 0, 9, holder, .pid = 10, .policy = SCHED_EXT, .prio = 120,
	     .comm = "ext", .flags = KS_TASK_TOLD);
	now += 3 * MS;
	regain(68 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_RT_THROTTLED, 0), 53 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 15 * MS);
}

static void in_words(void **unused)
{
	struct kvs_worst worst;
	struct kvs_times times;
	char *sentence;

	begin(SCHED_OTHER);
	kvs_worst_init(&worst, 1, 1U << KVS_MOMENT_WAIT);
	kvs_worst_listen(&worst, &m);
	throttle(OUTER, 0, true);
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += 40 * MS;
	throttle(OUTER, 0, false);
	now += 2 * MS;
	regain(42 * MS);
	end();
	kvs_worst_sort(&worst);
	kvs_times_init(&times, &(struct kvs_trace_info){ .clock = KVS_CLOCK_NS }, &m);
	sentence = kvs_moment_sentence(&m, &times, &worst.heap[0]);
	assert_string_equal(sentence, "vm 50 vcpu0: waited 42.000 ms for a CPU at 0.000000 s "
		"after a preemption: runnable, but throttled by cgroup /outer (cpu.max 50000 "
		"100000) on CPU 0 for 40.000 of 42.000 ms; 2.000 ms: bystander/7 (SCHED_OTHER, "
		"nice 0; other process)");
	free(sentence);
	kvs_worst_free(&worst);
}

/* What the kernel counts between two looks, and what the records say of that time */
static void kernels_own_counts(void **unused)
{
	begin(SCHED_OTHER);
	throttle(OUTER, 0, true);
	now += 10 * MS;
	RECORD(quota, .cgroup = OUTER, .quota_us = 50000, .period_us = 100000,
	       .throttled_us = 7000, .name = "/outer");
	now += 10 * MS;
	throttle(OUTER, 0, false);
	RECORD(quota, .cgroup = OUTER, .quota_us = 50000, .period_us = 100000,
	       .throttled_us = 27000, .name = "/outer");
	throttle(OUTER, 0, true);
	now += MS;
	throttle(OUTER, 0, false);
	end();
	assert_int_equal(cgroup_of(OUTER)->stats, 3);
	assert_int_equal(cgroup_of(OUTER)->last.throttled_us, 27000);
	assert_int_equal(cgroup_of(OUTER)->first.told_ts, 0);
	assert_int_equal(cgroup_of(OUTER)->last.told_ts, 20 * MS);
	assert_int_equal(cgroup_of(OUTER)->throttled_ts, 21 * MS);
}

static unsigned int open_kind;

static void take_piece(void *ctx, const struct kvs_span *span)
{
	if (span->open)
		open_kind = span->piece->kind;
}

/* A piece that goes on when the recording is cut is the quota's as well, or unknown. */
static void an_open_piece(void **unused)
{
	open_kind = KVS_THIEF_UNKNOWN;
	kvs_model_init(&m);
	kvs_sinks_add(&m.sinks, KVS_SPAN_BIT(PIECE), take_piece, NULL);
	now = MS;
	cpu = 0;
	session(KS_SESSION_START);
	arrive(0, SCHED_OTHER);
	throttle(OUTER, 0, true);
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += MS;
	kvs_model_cut(&m, now);
	assert_int_equal(open_kind, KVS_THIEF_QUOTA);
	throttle(OUTER, 0, false);
	RECORD(quota, .cgroup = OUTER, .quota_us = 5000, .period_us = 100000, .name = "/outer");
	RECORD(migrate, ME, .cpu = 1, .from_cpu = 0, .holder_pid = 9, .holder_comm = "c");
	now += MS;
	open_kind = KVS_THIEF_TASK;
	kvs_model_cut(&m, now);
	assert_int_equal(open_kind, KVS_THIEF_UNKNOWN);
	end();
}

/* A damaged file: cgroups above themselves */
static void a_circle_of_cgroups(void **unused)
{
	begin(SCHED_OTHER);
	RECORD(cgroup, .id = OUTER, .parent = INNER);
	throttle(99, 0, true);
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += MS;
	regain(MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), MS);
}

int main(void)
{
#define TEST(name)	cmocka_unit_test_teardown(name, finish)
	const struct CMUnitTest tests[] = {
		TEST(a_bystander_is_no_thief),
		TEST(its_name_has_the_limit),
		TEST(woken_into_it),
		TEST(nested_quotas),
		TEST(on_another_cpu),
		TEST(two_vcpus_on_one_cpu),
		TEST(over_two_cpus),
		TEST(moved_to_another_cgroup),
		TEST(a_loss_makes_it_unknown),
		TEST(throttled_by_itself),
		TEST(real_time_has_no_quota),
		TEST(real_time_throttling),
		TEST(in_words),
		TEST(kernels_own_counts),
		TEST(an_open_piece),
		TEST(a_circle_of_cgroups),
	};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
