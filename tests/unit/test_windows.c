// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a page shows where it can't show all: windows with about so many spans, however
 * these are spread over time, and bins whose sums stay when two become one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "picture/bins.h"
#include "picture/windows.h"

#define SPARSE	1000		/* spans before and behind a burst, far from each other */
#define BURST	2000000ULL
#define APART	1000000000ULL
#define BEGIN	(SPARSE * APART)	/* of the burst, whose spans end one a ns */
#define END	(BEGIN + BURST + SPARSE * APART)
#define WANTED	12000

static const struct kvs_window whole = { .from = 0, .to = END };
static struct kvs_density density;

static void fill(void)
{
	density = (struct kvs_density){ 0 };
	for (u64 i = 0; i < SPARSE; i++)
		kvs_density_add(&density, i * APART);
	for (u64 i = 0; i < BURST; i++)
		kvs_density_add(&density, BEGIN + i);
	for (u64 i = 1; i <= SPARSE; i++)
		kvs_density_add(&density, BEGIN + BURST + i * APART);
}

/* How many spans of the burst lie in a window */
static u64 burst_in(const struct kvs_window *w)
{
	u64 from = w->from > BEGIN ? w->from : BEGIN;
	u64 to = w->to < BEGIN + BURST ? w->to : BEGIN + BURST;

	return from < to ? to - from : 0;
}

/* Of a burst that lasts a millionth of the recording, a window takes a part. */
static void a_burst_fills_no_window(void **unused)
{
	u64 middle = BEGIN + BURST / 2;
	struct kvs_windows w = { 0 };

	fill();
	kvs_windows_add(&w, &density, &whole, middle, middle + 10, WANTED);
	assert_int_equal(w.nr, 1);
	assert_in_range(burst_in(&w.windows[0]), WANTED, 2 * WANTED);
	assert_true(w.windows[0].from <= middle && w.windows[0].to >= middle + 10);

	/* What is longer than a window has one around its end. */
	w.nr = 0;
	kvs_windows_add(&w, &density, &whole, BEGIN, BEGIN + BURST, WANTED);
	assert_in_range(burst_in(&w.windows[0]), 1, 2 * WANTED);
	assert_true(w.windows[0].to >= BEGIN + BURST);
}

static void few_spans_have_a_wide_window(void **unused)
{
	struct kvs_windows w = { 0 };

	fill();
	kvs_windows_add(&w, &density, &whole, 0, 1, SPARSE / 2);
	assert_int_equal(w.windows[0].from, 0);
	assert_in_range(w.windows[0].to, APART * SPARSE / 4, BEGIN);
}

/* Some spans are told late, since they were not over. */
static void late_spans_are_counted_where_they_end(void **unused)
{
	u64 before;

	fill();
	before = kvs_density_count(&density, 0, BEGIN);
	for (unsigned int i = 0; i < 100; i++)
		kvs_density_add(&density, 10 * APART);
	assert_int_equal(kvs_density_count(&density, 0, BEGIN), before + 100);
	assert_int_equal(kvs_density_count(&density, 0, END + 1), density.all);
}

static void nothing_has_no_window(void **unused)
{
	static const struct kvs_density none;
	struct kvs_windows w = { 0 };

	assert_int_equal(kvs_density_count(&none, 0, END), 0);
	kvs_windows_add(&w, &none, &whole, 5, 6, WANTED);
	assert_int_equal(w.windows[0].from, 0);
	assert_int_equal(w.windows[0].to, END);
}

static u64 sum_of(const struct kvs_bins *bins, unsigned int kind)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < bins->frame.nr; i++)
		sum += kvs_bins_ns(bins, kind, i);
	return sum;
}

static void halving_keeps_sums(void **unused)
{
	struct kvs_bins bins = { .frame = { .from = 0, .to = 1000003 } };

	kvs_bins_divide(&bins.frame, 1000);
	for (s64 at = 0; at < 1000003; at += 700)
		kvs_bins_add(&bins, at / 700 % 2, at, at + 500, 1);
	for (unsigned int times = 0; times < 12; times++) {
		unsigned int bin = bins.frame.nr / 2;
		s64 width = bins.frame.width;

		assert_int_equal(sum_of(&bins, 0) + sum_of(&bins, 1), 1428 * 500 + 403);
		assert_true(bins.frame.nr * width >= 1000003);
		assert_true(kvs_bins_ns(&bins, 0, bin) + kvs_bins_ns(&bins, 1, bin) <= width);
		kvs_bins_halve(&bins);
	}
	assert_int_equal(bins.frame.nr, 1);
	kvs_bins_free(&bins);
}

/* More memory is said to be used where it is, and not where nothing was added. */
static void used_memory_is_known(void **unused)
{
	struct kvs_bins bins = { .frame = { .from = 0, .to = 1 << 26 } };

	kvs_bins_divide(&bins.frame, 65536);
	kvs_bins_add(&bins, 3, 5000, 6000, 1);
	assert_int_equal(bins.size, bins.frame.nr * sizeof(u32));
	assert_in_range(bins.used, 1, 8192);
	kvs_bins_add(&bins, 3, 0, 1 << 25, 1);
	assert_in_range(bins.used, bins.size / 2, bins.size / 2 + 8192);
	kvs_bins_free(&bins);
}

/* However long a recording is, and however much overlaps */
static void no_bin_is_too_small(void **unused)
{
	static const s64 widths[] = { 1LL << 20, 1LL << 28, (1LL << 30) + 1, 1LL << 33 };

	for (unsigned int i = 0; i < 4; i++) {
		struct kvs_bins bins = { .frame = { .from = 0, .to = 64 * widths[i] } };
		u64 all = 0;

		kvs_bins_divide(&bins.frame, 64);
		/* What is taken off may come first. */
		kvs_bins_add(&bins, 1, widths[i] / 2, 3 * widths[i], -1);
		for (unsigned int times = 0; times < 20; times++, all += 63 * widths[i])
			kvs_bins_add(&bins, 1, widths[i], bins.frame.to, 1);
		kvs_bins_add(&bins, 1, widths[i] / 2, 3 * widths[i], 1);
		kvs_bins_add(&bins, 2, 5, 7, 1);
		for (; bins.frame.nr > 1; kvs_bins_halve(&bins)) {
			unsigned int last = bins.frame.nr - 1;

			assert_int_equal(kvs_bins_ns(&bins, 1, last), 20 * bins.frame.width);
			assert_int_equal(sum_of(&bins, 1), all);
			assert_int_equal(sum_of(&bins, 2), 2);
		}
		assert_int_equal(sum_of(&bins, 1), all);
		assert_int_equal(bins.size, 2 * (bins.wide ? sizeof(u64) : sizeof(u32)));
		assert_int_equal(bins.wide, i > 0);
		kvs_bins_free(&bins);
	}
}

/* Most of a long bin is nothing, and that is as long. */
static void nothing_is_not_too_long(void **unused)
{
	struct kvs_bins bins = { .frame = { .from = 0, .to = 1LL << 36 } };

	kvs_bins_divide(&bins.frame, 4);
	kvs_bins_add(&bins, 0, 0, 10, 1);
	assert_int_equal(kvs_bins_settle(&bins), KVS_BIN_NOTHING);
	assert_int_equal(sum_of(&bins, 0), 10);
	assert_int_equal(kvs_bins_bytes(&bins), 1);
	kvs_bins_free(&bins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_fills_no_window),
		cmocka_unit_test(few_spans_have_a_wide_window),
		cmocka_unit_test(late_spans_are_counted_where_they_end),
		cmocka_unit_test(nothing_has_no_window),
		cmocka_unit_test(halving_keeps_sums),
		cmocka_unit_test(used_memory_is_known),
		cmocka_unit_test(no_bin_is_too_small),
		cmocka_unit_test(nothing_is_not_too_long),
	};

	return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
