// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that idle while a vCPU waits for another one: for how long, on lives whose truth is
 * written down while they are made up.  One cycle is one ns here.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/model.h"
#include "model/moment.h"
#include "model/summary.h"
#include "model/worst.h"
#include "feed.h"

#define ME		.vm = 1, .vcpu = vcpu
#define MS		1000000ULL
#define CPUID		0x72
#define HOG		7
#define BIT(n)		(1ULL << (n))

static struct kvs_model m;
static u64 now;
static u16 vcpu;

#define RECORD(cpu, name, ...)	FEED(&m, now, cpu, 100 + vcpu, name, __VA_ARGS__)

static void session(u8 op)
{
	RECORD(0, session, .op = op, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL);
}

static void arrive(u16 id)
{
	vcpu = id;
	RECORD(0, vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW);
	RECORD(0, load, ME);
}

static void begin(void)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	now = MS;
	session(KS_SESSION_START);
	arrive(0);
}

static void end(void)
{
	session(KS_SESSION_STOP);
	kvs_model_finish(&m);
}

static int finish(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

static void allowed(u64 cpus, u64 idle)
{
	RECORD(0, allowed, ME, .begins = 1, .cpus = cpus, .idle = idle);
}

static void idle(u16 cpu, bool on)
{
	RECORD(cpu, idle, .idle = on, .waiters = 1);
}

/* It loses CPU 0 to the hog, or to the idle task (0). */
static void lose(s32 next)
{
	RECORD(0, exit, ME, .reason = CPUID, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	RECORD(0, switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1, .next_pid = next,
	       .next_prio = 49, .next_comm = "hog", .next_flags = KS_TASK_TOLD,
	       .next_policy = SCHED_FIFO);
}

static void regain(u64 off)
{
	RECORD(0, switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = off);
	RECORD(0, entry, ME);
}

static const struct kvs_idle_sum *sum_of(u16 id)
{
	return &m.vcpus[id]->waiter.idle.sum;
}

static const struct kvs_idle_wait *last_of(u16 id)
{
	const struct kvs_waiter *w = &m.vcpus[id]->waiter;

	return &w->past[(w->nr_past - 1) % KVS_PAST_WAITS].idle;
}

static void an_idle_cpu_counts(void **unused)
{
	begin();
	allowed(BIT(0) | BIT(2), BIT(2));
	now += 100;
	lose(HOG);
	now += 30 * MS;
	regain(30 * MS);
	end();
	assert_true(last_of(0)->known);
	assert_int_equal(last_of(0)->time, 30 * MS);
	assert_int_equal(last_of(0)->cpu, 2);
	assert_int_equal(last_of(0)->cpu_time, 30 * MS);
	assert_int_equal(sum_of(0)->time, 30 * MS);
	assert_int_equal(sum_of(0)->waited, 30 * MS);
	assert_int_equal(sum_of(0)->count, 1);
	assert_int_equal(sum_of(0)->unknown, 0);
}

/* It idles twice; the time of two CPUs at once counts once. */
static void cpus_come_and_go(void **unused)
{
	begin();
	allowed(BIT(0) | BIT(1) | BIT(2), 0);
	lose(HOG);
	now += 10 * MS;
	idle(1, true);
	now += 3 * MS;
	idle(2, true);
	now += 4 * MS;
	idle(1, false);
	now += 5 * MS;
	idle(2, false);
	now += 6 * MS;
	idle(1, true);
	now += 1 * MS;
	regain(29 * MS);
	end();
	assert_int_equal(last_of(0)->time, 13 * MS);
	assert_int_equal(last_of(0)->cpu, 2);
	assert_int_equal(last_of(0)->cpu_time, 9 * MS);
}

static void others_cpus_do_not_count(void **unused)
{
	begin();
	allowed(BIT(0), 0);
	lose(HOG);
	idle(1, true);
	now += 20 * MS;
	regain(20 * MS);
	end();
	assert_true(last_of(0)->known);
	assert_int_equal(last_of(0)->time, 0);
	assert_int_equal(sum_of(0)->count, 0);
}

/* Below a tick it is summed, and not counted. */
static void a_tick_is_told(void **unused)
{
	begin();
	for (unsigned int i = 0; i < 5; i++) {
		allowed(BIT(0) | BIT(1), BIT(1));
		lose(HOG);
		now += i == 3 ? KVS_IDLE_TICK_NS : KVS_IDLE_TICK_NS - 1;
		regain(i == 3 ? KVS_IDLE_TICK_NS : KVS_IDLE_TICK_NS - 1);
		now += MS;
	}
	end();
	assert_int_equal(sum_of(0)->time, 5 * KVS_IDLE_TICK_NS - 4);
	assert_int_equal(sum_of(0)->count, 1);
	assert_int_equal(sum_of(0)->max, KVS_IDLE_TICK_NS);
	assert_int_equal(sum_of(0)->cpu, 1);
}

/* While its own CPU idles, it is throttled or about to run: no other would help. */
static void its_own_cpu_is_none_of_them(void **unused)
{
	begin();
	allowed(BIT(0) | BIT(1), BIT(0) | BIT(1));
	lose(0);
	now += 20 * MS;
	idle(0, false);
	RECORD(0, holder, .pid = HOG, .comm = "hog", .waiters = 1);
	now += 15 * MS;
	regain(35 * MS);
	end();
	assert_int_equal(last_of(0)->time, 15 * MS);
	assert_int_equal(last_of(0)->cpu, 1);
}

static void it_waits_elsewhere(void **unused)
{
	begin();
	allowed(BIT(0) | BIT(1), BIT(1));
	lose(HOG);
	now += 2 * MS;
	/* From CPU 0 to CPU 1, which works by now; CPU 0 idles afterwards. */
	idle(1, false);
	RECORD(0, migrate, ME, .cpu = 1, .from_cpu = 0, .holder_pid = HOG,
	       .holder_comm = "hog");
	allowed(BIT(0) | BIT(1) | BIT(3), BIT(3));
	now += 1 * MS;
	idle(3, false);
	now += 1 * MS;
	idle(0, true);
	now += 4 * MS;
	regain(8 * MS);
	end();
	assert_int_equal(last_of(0)->time, 2 * MS + 1 * MS + 4 * MS);
	assert_int_equal(last_of(0)->cpu, 0);
	assert_int_equal(last_of(0)->cpu_time, 4 * MS);
}

/* The wakeup is recorded before the CPUs; what follows the end of a wait is not its. */
static void woken_and_late(void **unused)
{
	begin();
	RECORD(0, exit, ME, .reason = CPUID, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	RECORD(0, switch_out, ME, .kind = KS_SWITCH_HALTED, .loaded = 1, .next_pid = HOG,
	       .next_comm = "hog");
	now += MS;
	RECORD(0, wake, ME, .cpu = 0, .holder_pid = HOG, .holder_comm = "hog");
	allowed(BIT(0) | BIT(1), 0);
	now += 2 * MS;
	idle(1, true);
	now += 12 * MS;
	/* It has the CPU; its switch in comes after an interrupt. */
	now += 1000;
	idle(1, false);
	now += 1000;
	RECORD(0, switch_in, ME, .kind = KS_SWITCH_HALTED, .off_cycles = 15 * MS,
	       .wait_ns = 14 * MS);
	end();
	assert_true(last_of(0)->known);
	assert_int_equal(last_of(0)->time, 12 * MS);
	assert_int_equal(sum_of(0)->waited, 14 * MS);
}

/* More than 64 CPUs: a record for each 64 of them */
static void many_cpus(void **unused)
{
	begin();
	allowed(BIT(0), 0);
	RECORD(0, allowed, ME, .first_cpu = 128, .cpus = ~0ULL, .idle = BIT(63));
	lose(HOG);
	now += 11 * MS;
	idle(191, false);
	now += MS;
	idle(128, true);
	idle(64, true);
	now += 2 * MS;
	regain(14 * MS);
	end();
	assert_int_equal(last_of(0)->time, 13 * MS);
	assert_int_equal(last_of(0)->cpu, 191);
	assert_int_equal(last_of(0)->cpu_time, 11 * MS);
}

/* Of all CPUs at once: more changes than are kept back */
static void all_cpus_at_once(void **unused)
{
	begin();
	allowed(~0ULL, ~0ULL & ~BIT(0));
	lose(HOG);
	for (unsigned int i = 1; i < 64; i++) {
		now += MS;
		idle(i, false);
	}
	now += MS;
	regain(64 * MS);
	end();
	assert_int_equal(last_of(0)->time, 63 * MS);
	assert_int_equal(last_of(0)->cpu, 63);
}

static void what_is_missing_is_unknown(void **unused)
{
	begin();
	/* Records of any CPU are lost. */
	allowed(BIT(0) | BIT(1), BIT(1));
	lose(HOG);
	now += 20 * MS;
	kvs_waits_lost(&m, 1);
	regain(20 * MS);
	assert_false(last_of(0)->known);
	/* The CPUs are not told. */
	now += MS;
	lose(HOG);
	now += 3 * MS;
	regain(3 * MS);
	assert_false(last_of(0)->known);
	/* And then all is well again. */
	now += MS;
	allowed(BIT(0) | BIT(1), BIT(1));
	lose(HOG);
	now += 4 * MS;
	regain(4 * MS);
	end();
	assert_true(last_of(0)->known);
	assert_int_equal(sum_of(0)->time, 4 * MS);
	assert_int_equal(sum_of(0)->unknown, 23 * MS);
}

/* Without the hook of the switches, "idle" is what was so at the beginning. */
static void without_the_hook(void **unused)
{
	begin();
	RECORD(0, attach, .hook = "sched_switch", .classes = KVMSCHED_CLASS_STEAL,
	       .status = -12);
	allowed(BIT(0) | BIT(1), BIT(1));
	lose(HOG);
	now += 20 * MS;
	regain(20 * MS);
	end();
	assert_false(last_of(0)->known);
	assert_int_equal(sum_of(0)->unknown, 20 * MS);
}

static void two_wait_at_once(void **unused)
{
	begin();
	allowed(BIT(0) | BIT(1), 0);
	lose(HOG);
	now += MS;
	arrive(1);
	allowed(BIT(0) | BIT(2), 0);
	lose(HOG);
	now += MS;
	idle(2, true);
	now += MS;
	idle(1, true);
	now += MS;
	vcpu = 0;
	regain(4 * MS);
	now += MS;
	vcpu = 1;
	regain(4 * MS);
	end();
	assert_int_equal(last_of(0)->time, MS);
	assert_int_equal(last_of(1)->time, 3 * MS);
}

static void in_words(void **unused)
{
	struct kvs_times times;
	struct kvs_worst worst;
	char *text;

	kvs_model_init(&m);
	kvs_worst_init(&worst, 1, 1U << KVS_MOMENT_WAIT);
	kvs_worst_listen(&worst, &m);
	now = MS;
	session(KS_SESSION_START);
	arrive(0);
	allowed(BIT(0) | BIT(2), BIT(2));
	lose(HOG);
	now += 412 * MS;
	regain(412 * MS);
	end();
	kvs_worst_sort(&worst);
	assert_int_equal(worst.count, 1);
	kvs_times_init(&times, &(struct kvs_trace_info){ .clock = KVS_CLOCK_NS }, &m);
	text = kvs_moment_sentence(&m, &times, &worst.heap[0]);
	assert_non_null(strstr(text, "for 412.000 ms of that CPU 2, allowed to it, was idle"));
	free(text);
	kvs_worst_free(&worst);
}

#define TEST(name)	cmocka_unit_test_teardown(name, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_idle_cpu_counts), TEST(cpus_come_and_go),
		TEST(others_cpus_do_not_count), TEST(a_tick_is_told),
		TEST(its_own_cpu_is_none_of_them), TEST(it_waits_elsewhere),
		TEST(woken_and_late), TEST(many_cpus), TEST(all_cpus_at_once),
		TEST(what_is_missing_is_unknown), TEST(without_the_hook),
		TEST(two_wait_at_once), TEST(in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
