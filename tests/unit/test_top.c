// SPDX-License-Identifier: GPL-2.0-only
/*
 * Differences of ledgers, as `kvmsched top` shows them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/top.h"

#define GUEST	KVMSCHED_STATE_GUEST
#define WAIT	KVMSCHED_STATE_WAIT_PREEMPTED

/* At time 100 and at 200; vCPU 1 of VM 2 came in between. */
static const struct kvs_top_sample before[] = {
	{ .tgid = 9, .tid = 10, .vm = 1, .vcpu = 0, .begin = 20, .now = 100,
	  .states = { [GUEST] = 80 }, .exits = 5, .waits = 1, .wait_max = 3 },
	{ .tgid = 9, .tid = 11, .vm = 1, .vcpu = 1, .begin = 20, .now = 100,
	  .states = { [GUEST] = 30, [WAIT] = 50 }, .exits = 7 },
};
static const struct kvs_top_sample after[] = {
	{ .tgid = 9, .tid = 10, .vm = 1, .vcpu = 0, .begin = 20, .now = 200,
	  .states = { [GUEST] = 120, [WAIT] = 60 }, .exits = 15, .waits = 4, .wait_max = 30 },
	{ .tgid = 8, .tid = 21, .vm = 2, .vcpu = 1, .begin = 150, .now = 200,
	  .states = { [GUEST] = 50 }, .exits = 2 },
	{ .tgid = 9, .tid = 11, .vm = 1, .vcpu = 1, .begin = 20, .now = 200,
	  .states = { [GUEST] = 130, [WAIT] = 50 }, .exits = 8, .wait_max = 7,
	  .features = 4 },
};

static void rows_are_differences(void **unused)
{
	struct kvs_top_row rows[3];

	assert_int_equal(kvs_top_rows(rows, before, 2, after, 3, false), 3);
	assert_int_equal(rows[0].span, 100);
	assert_int_equal(rows[0].states[GUEST], 40);
	assert_int_equal(rows[0].states[WAIT], 60);
	assert_int_equal(rows[0].exits, 10);
	assert_int_equal(rows[0].waits, 3);
	assert_int_equal(rows[0].wait_max, 30);
	/* It began within the interval. */
	assert_int_equal(rows[1].span, 50);
	assert_int_equal(rows[1].states[GUEST], 50);
	assert_int_equal(rows[2].states[WAIT], 0);
}

static void a_ledger_begun_anew_is_another(void **unused)
{
	struct kvs_top_sample again = after[0];
	struct kvs_top_row row;

	again.begin = 170;
	again.states[GUEST] = 30;
	again.states[WAIT] = 0;
	assert_int_equal(kvs_top_rows(&row, before, 2, &again, 1, false), 1);
	assert_int_equal(row.span, 30);
	assert_int_equal(row.states[GUEST], 30);
}

static void by_vm(void **unused)
{
	struct kvs_top_row rows[3];

	assert_int_equal(kvs_top_rows(rows, before, 2, after, 3, true), 2);
	assert_int_equal(rows[0].vcpus, 2);
	assert_int_equal(rows[0].span, 200);
	assert_int_equal(rows[0].longest, 100);
	assert_int_equal(rows[0].states[GUEST], 140);
	assert_int_equal(rows[0].exits, 11);
	assert_int_equal(rows[0].wait_max, 30);
	assert_int_equal(rows[0].features, 4);
	assert_int_equal(rows[1].features, 0);
}

static void sorted(void **unused)
{
	struct kvs_top_row rows[3];
	enum kvs_top_sort by;

	kvs_top_rows(rows, before, 2, after, 3, false);
	kvs_top_sort(rows, 3, KVS_TOP_BY_VM);
	assert_int_equal(rows[0].tid, 21);
	assert_int_equal(rows[1].tid, 10);
	assert_true(kvs_top_sort_parse("wait", &by));
	kvs_top_sort(rows, 3, by);
	assert_int_equal(rows[0].tid, 10);
	assert_true(kvs_top_sort_parse("guest", &by));
	kvs_top_sort(rows, 3, by);
	assert_int_equal(rows[2].tid, 10);
	assert_false(kvs_top_sort_parse("colour", &by));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_differences),
		cmocka_unit_test(a_ledger_begun_anew_is_another),
		cmocka_unit_test(by_vm),
		cmocka_unit_test(sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
