// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas in doubt: throttling that began before it could be seen is told when its end is
 * seen, and until then nobody is blamed.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"
#include "throttling.h"

/* It sleeps, and is woken for CPU 1, where nothing of its cgroup was seen to run. */
static void wake_elsewhere(void)
{
	RECORD(exit, ME, .reason = 0x78, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	RECORD(switch_out, ME, .kind = KS_SWITCH_HALTED, .loaded = 1);
	now += MS;
	RECORD(wake, ME, .cpu = 1, .holder_pid = BYSTANDER, .holder_comm = "bystander",
	       .holder_flags = KS_TASK_TOLD);
}

static void get_cpu_1(u64 off)
{
	cpu = 1;
	RECORD(switch_in, ME, .kind = KS_SWITCH_HALTED, .from_cpu = 0, .off_cycles = off);
}

/* CPU 1 goes from one task to the other, @nr times, every 100 us. */
static void change_holders(unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		now += MS / 10;
		FEED(&m, now, 1, 0, holder, .pid = 8 + i % 2, .comm = "other");
	}
}

/* It was on before anybody listened: only its end is seen, and tells of the wait before. */
static void throttled_before_the_beginning(void **unused)
{
	begin(SCHED_OTHER);
	now += 3 * MS;
	wake_elsewhere();
	change_holders(50);
	FEED(&m, now, 1, 0, host_irq, .name = "local_timer", .cycles = 5000);
	now += 5 * MS;
	throttle(OUTER, 1, false);
	now += 2 * MS;
	get_cpu_1(13 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 10 * MS);
	assert_int_equal(longest_of(0), 10 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 2 * MS);
	assert_int_equal(m.vcpus[0]->waiter.nr, 2);
	assert_int_equal(cgroup_of(OUTER)->open, 1);
	assert_int_equal(cgroup_of(OUTER)->open_ts, 14 * MS);
	assert_int_equal(cgroup_of(OUTER)->throttled_ts, 0);
	assert_int_equal(cgroup_of(OUTER)->count, 0);
}

/* So many may have been the thieves that not all of them are told apart. */
static void too_many_in_doubt(void **unused)
{
	u64 task, unknown;

	begin(SCHED_OTHER);
	wake_elsewhere();
	change_holders(1000);
	throttle(OUTER, 1, false);
	get_cpu_1(101 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 100 * MS);
	assert_int_equal(m.vcpus[0]->waiter.nr, 1);
	finish(unused);

	begin(SCHED_OTHER);
	wake_elsewhere();
	change_holders(1000);
	get_cpu_1(101 * MS);
	end();
	task = part_of(0, KVS_THIEF_TASK, 0);
	unknown = part_of(0, KVS_THIEF_UNKNOWN, 0);
	assert_int_equal(task + unknown, 100 * MS);
	assert_in_range(task, KVS_DOUBT_PIECES / 2 * MS / 10, KVS_DOUBT_PIECES * MS / 10);
}

/* It gets that CPU, and no throttling has ended: whoever had it was the thief. */
static void not_throttled_after_all(void **unused)
{
	begin(SCHED_OTHER);
	wake_elsewhere();
	change_holders(50);
	get_cpu_1(6 * MS);
	RECORD(entry, ME);
	lose(9, SCHED_OTHER, 0, 0);
	now += 3 * MS;
	/* Here it has run: that is no throttling of before. */
	migrate_to_0();
	now += 3 * MS;
	cpu = 0;
	regain(6 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 11 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_UNKNOWN, 0), 0);
}

/* It goes elsewhere before that is known. */
static void moved_in_doubt(void **unused)
{
	begin(SCHED_OTHER);
	wake_elsewhere();
	change_holders(50);
	migrate_to_0();
	now += 3 * MS;
	throttle(OUTER, 1, false);
	now += 4 * MS;
	RECORD(switch_in, ME, .kind = KS_SWITCH_HALTED, .off_cycles = 13 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_UNKNOWN, 0), 5 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 7 * MS);
}

/* The same without a quota: there is nothing to doubt. */
static void moved_without_a_quota(void **unused)
{
	begin(SCHED_OTHER);
	RECORD(quota, .cgroup = OUTER, .quota_us = -1, .period_us = 100000, .name = "/outer");
	wake_elsewhere();
	change_holders(50);
	migrate_to_0();
	now += 3 * MS;
	RECORD(switch_in, ME, .kind = KS_SWITCH_HALTED, .off_cycles = 9 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_UNKNOWN, 0), 0);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 8 * MS);
}

/* The recording ends before that is known; the quota itself is told during the wait. */
static void ended_in_doubt(void **unused)
{
	begin(SCHED_OTHER);
	RECORD(quota, .cgroup = OUTER, .quota_us = -1, .period_us = 100000, .name = "/outer");
	wake_elsewhere();
	now += 5 * MS;
	RECORD(quota, .cgroup = OUTER, .quota_us = 5000, .period_us = 100000, .name = "/outer");
	now += 5 * MS;
	end();
	assert_int_equal(part_of(0, KVS_THIEF_UNKNOWN, 0), 10 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 0);
}

/* It begins while that is in doubt: so it was not on before. */
static void begins_in_doubt(void **unused)
{
	begin(SCHED_OTHER);
	wake_elsewhere();
	now += 4 * MS;
	throttle(INNER, 1, true);
	throttle(OUTER, 1, true);
	now += 10 * MS;
	throttle(OUTER, 1, false);
	throttle(INNER, 1, false);
	get_cpu_1(15 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, INNER), 10 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 4 * MS);
	assert_int_equal(cgroup_of(INNER)->open, 0);
}

/* Nobody watched that cgroup before the thread came to it. */
static void moved_into_a_throttled_cgroup(void **unused)
{
	begin(SCHED_OTHER);
	RECORD(cgroup, .tid = 100);
	lose(BYSTANDER, SCHED_IDLE, 0, 0);
	now += 2 * MS;
	FEED(&m, now, 1, 999, cgroup, .tid = 100, .id = 80, .parent = 1);
	for (unsigned int i = 0; i < 40; i++) {
		now += MS / 2;
		FEED(&m, now, 0, 0, holder, .pid = 8 + i % 2, .comm = "other");
	}
	throttle(80, 0, false);
	now += MS;
	regain(23 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, 80), 20 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 3 * MS);
	assert_int_equal(cgroup_of(80)->open_ts, 20 * MS);
}

/* Newer kernels tell that it is throttled: by which cgroup, only the end does. */
static void by_itself_since_before(void **unused)
{
	begin(SCHED_OTHER);
	lose(BYSTANDER, SCHED_OTHER, 0, KS_THROTTLED_YES);
	now += 10 * MS;
	throttle(OUTER, 0, false);
	now += 2 * MS;
	regain(12 * MS);
	lose(BYSTANDER, SCHED_OTHER, 0, KS_THROTTLED_YES);
	now += 7 * MS;
	regain(7 * MS);
	lose(BYSTANDER, SCHED_OTHER, 0, KS_THROTTLED_NO);
	now += 5 * MS;
	regain(5 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 10 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_UNKNOWN, 0), 7 * MS);
	assert_int_equal(part_of(0, KVS_THIEF_TASK, 0), 7 * MS);
}

/* Real-time tasks run in spite of quotas: that one ran tells nothing. */
static void real_time_is_no_proof(void **unused)
{
	begin(SCHED_FIFO);
	RECORD(policy, ME, .policy = SCHED_OTHER, .prio = 120);
	lose(BYSTANDER, SCHED_OTHER, 0, 0);
	now += 6 * MS;
	throttle(OUTER, 0, false);
	regain(6 * MS);
	end();
	assert_int_equal(part_of(0, KVS_THIEF_QUOTA, OUTER), 6 * MS);
}

int main(void)
{
#define TEST(name)	cmocka_unit_test_teardown(name, finish)
	const struct CMUnitTest tests[] = {
		TEST(throttled_before_the_beginning),
		TEST(too_many_in_doubt),
		TEST(not_throttled_after_all),
		TEST(moved_in_doubt),
		TEST(moved_without_a_quota),
		TEST(ended_in_doubt),
		TEST(begins_in_doubt),
		TEST(moved_into_a_throttled_cgroup),
		TEST(by_itself_since_before),
		TEST(real_time_is_no_proof),
	};

	return cmocka_run_group_tests_name("quota in doubt", tests, NULL, NULL);
}
