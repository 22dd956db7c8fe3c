// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder's looks at the host's clocks: tools/record/ties.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "record/ties.h"

#define MS	1000000ULL
#define SECOND	(1000 * MS)

/* @at ns after the boot, when the wall clock is @ahead of what it was at first */
static void add(struct kvs_ties *t, uint64_t at, int64_t ahead, uint64_t width)
{
	const struct kvs_tie tie = {
		.tsc = 2 * at, .monotonic_ns = at, .boottime_ns = at,
		.realtime_ns = 1000 * SECOND + at + ahead,
	};

	kvs_ties_add(t, &tie, width);
}

static void keeps_both_ends(void **state)
{
	struct kvs_ties t = { .nr = 0 };

	for (uint64_t at = SECOND; at <= 5 * SECOND; at += 100 * MS)
		add(&t, at, 0, 500);
	assert_int_equal(t.nr, 2);
	assert_int_equal(t.ties[0].monotonic_ns, SECOND);
	assert_int_equal(t.ties[1].monotonic_ns, 5 * SECOND);
}

static void a_set_clock_begins_a_stretch(void **state)
{
	struct kvs_ties t = { .nr = 0 };

	add(&t, 1 * SECOND, 0, 500);
	add(&t, 2 * SECOND, MS / 2, 500);	/* no more than two clocks read one after another */
	assert_int_equal(t.nr, 2);
	add(&t, 3 * SECOND, -3600LL * (int64_t)SECOND, 500);
	assert_int_equal(t.nr, 4);
	add(&t, 4 * SECOND, -3600LL * (int64_t)SECOND, 500);
	assert_int_equal(t.nr, 4);
	assert_int_equal(t.ties[1].monotonic_ns, 2 * SECOND);
	assert_int_equal(t.ties[2].monotonic_ns, 3 * SECOND);
	assert_int_equal(t.ties[3].monotonic_ns, 4 * SECOND);
}

/* Small ones that sum up are one, too. */
static void steps_sum_up(void **state)
{
	struct kvs_ties t = { .nr = 0 };

	for (unsigned int i = 0; i < 4; i++)
		add(&t, (i + 1) * SECOND, i * MS * 2 / 5, 500);
	assert_int_equal(t.nr, 4);
}

static void a_slow_look_tells_nothing(void **state)
{
	struct kvs_ties t = { .nr = 0 };

	add(&t, 1 * SECOND, 0, 50 * MS);	/* better than none */
	assert_int_equal(t.nr, 2);
	add(&t, 2 * SECOND, 40 * MS, 50 * MS);
	assert_int_equal(t.nr, 2);
	assert_int_equal(t.ties[1].monotonic_ns, SECOND);
}

static void too_many_are_none(void **state)
{
	struct kvs_ties t = { .nr = 0 };

	for (unsigned int i = 0; i < KVS_TIES_STRETCHES; i++)
		add(&t, (i + 1) * SECOND, i * SECOND, 500);
	assert_int_equal(t.nr, KVS_TIES_MAX);
	add(&t, 100 * SECOND, 1000 * SECOND, 500);
	assert_int_equal(t.nr, 0);
	add(&t, 101 * SECOND, 1000 * SECOND, 500);
	assert_int_equal(t.nr, 0);
}

static void looks_at_the_clocks(void **state)
{
	struct kvs_ties t = { .nr = 0 };
	time_t before = time(NULL), after;

	kvs_ties_look(&t);
	kvs_ties_look(&t);
	after = time(NULL);
	assert_in_range(t.nr, 2, 4);	/* 4, if the clock of this machine was set just now */
	assert_in_range(t.ties[0].realtime_ns / SECOND, before, after);
	assert_true(t.ties[1].tsc > t.ties[0].tsc || t.nr == 4);
	assert_true(t.ties[0].boottime_ns >= t.ties[0].monotonic_ns - 100 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_both_ends),
		cmocka_unit_test(a_set_clock_begins_a_stretch),
		cmocka_unit_test(steps_sum_up),
		cmocka_unit_test(a_slow_look_tells_nothing),
		cmocka_unit_test(too_many_are_none),
		cmocka_unit_test(looks_at_the_clocks),
	};

	return cmocka_run_group_tests_name("ties", tests, NULL, NULL);
}
