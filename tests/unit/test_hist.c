// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histograms: what is exact is exact, what isn't stays within its promise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hist.h"

#define NR	20000

static uint64_t state = 88172645463325252ULL;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Values of all magnitudes, as latencies have them */
static uint64_t next_latency(void)
{
	return next_random() >> (24 + next_random() % 40);
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* The promise of hist.h: less than a bucket */
static void assert_near(uint64_t got, uint64_t truth)
{
	uint64_t off = got > truth ? got - truth : truth - got;

	assert_true(off * KVS_HIST_STEPS <= truth);
}

static uint64_t nearest_rank(const uint64_t *sorted, size_t n, uint32_t num, uint32_t den)
{
	size_t rank = (n * (kvs_u128)num + den - 1) / den;

	return sorted[rank ? rank - 1 : 0];
}

static void percentiles_keep_their_promise(void **unused)
{
	static const uint32_t q[][2] = {
		{ 0, 1 }, { 1, 100 }, { 1, 4 }, { 1, 2 }, { 9, 10 },
		{ 99, 100 }, { 999, 1000 }, { 1, 1 },
	};
	uint64_t *values = malloc(NR * sizeof(*values));
	struct kvs_hist h = { 0 };

	for (size_t i = 0; i < NR; i++)
		kvs_hist_add(&h, values[i] = next_latency());
	qsort(values, NR, sizeof(*values), compare);
	for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++)
		assert_near(kvs_hist_percentile(&h, q[i][0], q[i][1]),
			    nearest_rank(values, NR, q[i][0], q[i][1]));
	kvs_hist_free(&h);
	free(values);
}

static void count_sum_ends_are_exact(void **unused)
{
	uint64_t min = UINT64_MAX, max = 0;
	struct kvs_hist h = { 0 };
	kvs_u128 sum = 0;

	for (size_t i = 0; i < NR; i++) {
		/* The largest ones: their sum leaves 64 bits. */
		uint64_t v = next_random();

		kvs_hist_add(&h, v);
		sum += v;
		min = v < min ? v : min;
		max = v > max ? v : max;
	}
	assert_true(h.count == NR);
	assert_true(h.sum == sum);
	assert_true(sum >> 64);
	assert_true(h.min == min && h.max == max);
	kvs_hist_free(&h);
}

static void small_values_are_exact(void **unused)
{
	struct kvs_hist h = { 0 };

	for (uint64_t v = 0; v < KVS_HIST_STEPS; v++)
		kvs_hist_add(&h, v);
	for (uint32_t v = 1; v <= KVS_HIST_STEPS; v++)
		assert_int_equal(kvs_hist_percentile(&h, v, KVS_HIST_STEPS), v - 1);
	kvs_hist_free(&h);
}

/* The first and the last value of each bucket are its own. */
static void ends_of_octaves(void **unused)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t edges[] = { (1ULL << bit) - 1, 1ULL << bit, (1ULL << bit) + 1 };

		for (size_t i = 0; i < 3; i++) {
			struct kvs_hist h = { 0 };

			/* Neighbours, so that the ends don't help. */
			kvs_hist_add(&h, 0);
			kvs_hist_add(&h, edges[i]);
			kvs_hist_add(&h, UINT64_MAX);
			assert_near(kvs_hist_percentile(&h, 1, 2), edges[i]);
			kvs_hist_free(&h);
		}
	}
}

/* 4 ms between other values: shown as 4 ms, not as the middle of a bucket */
static void equal_values_are_exact(void **unused)
{
	struct kvs_hist h = { 0 };

	kvs_hist_add(&h, 17);
	for (unsigned int i = 0; i < 100; i++)
		kvs_hist_add(&h, 4000000);
	kvs_hist_add(&h, 8000000);
	assert_int_equal(kvs_hist_percentile(&h, 1, 2), 4000000);
	assert_int_equal(kvs_hist_percentile(&h, 99, 100), 4000000);
	kvs_hist_free(&h);
}

/* The sum of a bucket wraps: its percentile stays within it. */
static void wrapped_buckets_stay_near(void **unused)
{
	uint64_t large = 3ULL << 62;
	struct kvs_hist h = { 0 };

	kvs_hist_add(&h, 1);
	for (unsigned int i = 0; i < 5; i++)
		kvs_hist_add(&h, large + i);
	kvs_hist_add(&h, UINT64_MAX);
	assert_near(kvs_hist_percentile(&h, 1, 2), large);
	kvs_hist_free(&h);
}

static void nothing_is_nothing(void **unused)
{
	const struct kvs_scale ns = KVS_SCALE_NONE;
	const struct kvs_scale unknown = { 0 };
	struct kvs_hist h = { 0 };
	struct kvs_summary s;

	assert_false(kvs_hist_summary(&h, &ns, &s));
	assert_int_equal(s.count, 0);
	kvs_hist_add(&h, 5);
	assert_true(kvs_hist_summary(&h, &ns, &s));
	assert_int_equal(s.min, 5);
	/* Cycles without a rate are no time at all. */
	assert_false(kvs_hist_summary(&h, &unknown, &s));
	kvs_hist_free(&h);
}

static void merging_is_adding(void **unused)
{
	struct kvs_hist a = { 0 }, b = { 0 }, all = { 0 };

	for (size_t i = 0; i < NR; i++) {
		uint64_t v = next_latency();

		kvs_hist_add(i % 3 ? &a : &b, v);
		kvs_hist_add(&all, v);
	}
	kvs_hist_merge(&a, &b);
	assert_true(a.count == all.count && a.sum == all.sum);
	assert_true(a.min == all.min && a.max == all.max);
	for (uint32_t q = 0; q <= 1000; q++)
		assert_true(kvs_hist_percentile(&a, q, 1000) ==
			    kvs_hist_percentile(&all, q, 1000));
	kvs_hist_free(&a);
	kvs_hist_free(&b);
	kvs_hist_free(&all);
}

static void scaled_merge_stays_near(void **unused)
{
	const struct kvs_scale third = { .mult = 1431655766, .shift = 32, .known = true };
	struct kvs_hist from = { 0 }, into = { 0 }, truth = { 0 };

	for (size_t i = 0; i < NR; i++) {
		uint64_t v = 300 + next_latency() % 1000000;

		kvs_hist_add(&from, v);
		kvs_hist_add(&truth, kvs_scale(&third, v));
	}
	kvs_hist_merge_scaled(&into, &from, &third);
	assert_true(into.count == NR);
	/* One rounding for the sum, NR for the sum of what was rounded */
	assert_true(into.sum - truth.sum <= NR);
	for (uint32_t q = 0; q <= 100; q++) {
		uint64_t a = kvs_hist_percentile(&into, q, 100);
		uint64_t b = kvs_hist_percentile(&truth, q, 100);

		assert_true((a > b ? a - b : b - a) * KVS_HIST_STEPS <= b + KVS_HIST_STEPS);
	}
	kvs_hist_free(&from);
	kvs_hist_free(&into);
	kvs_hist_free(&truth);
}

/* Sums of 128 bits through a mult of 32 and more: nothing is cut off. */
static void sums_are_scaled_exactly(void **unused)
{
	const struct kvs_scale half = { .mult = 1U << 31, .shift = 32, .known = true };
	kvs_u128 sum = ((kvs_u128)12345 << 64) + 6;

	assert_true(kvs_scale_sum(&half, sum) == sum / 2);
	assert_true(kvs_scale_sum(&half, UINT64_MAX) == UINT64_MAX / 2);
}

static void early_is_before_late(void **unused)
{
	const struct kvs_scale ns = KVS_SCALE_NONE;
	struct kvs_shist h = { 0 };
	struct kvs_summary s;

	for (int64_t v = -30; v <= 10; v++)
		kvs_shist_add(&h, v);
	assert_true(kvs_shist_summary(&h, &ns, &s));
	assert_int_equal(s.count, 41);
	assert_int_equal(s.min, -30);
	assert_int_equal(s.p50, -10);
	assert_int_equal(s.max, 10);
	assert_int_equal((int64_t)s.total, -410);
	assert_true(s.avg == -10.0);
	for (uint32_t rank = 1; rank <= 41; rank++)
		assert_int_equal(kvs_shist_percentile(&h, rank, 41), (int64_t)rank - 31);
	kvs_shist_free(&h);
}

struct bins {
	const uint64_t *values;	/* sorted */
	uint64_t last, count;
};

static void check_bin(void *ctx, uint64_t low, uint64_t high, uint64_t count)
{
	struct bins *b = ctx;
	uint64_t truth = 0;

	for (size_t i = 0; i < NR; i++)
		truth += b->values[i] >= low && b->values[i] < high;
	assert_true(low >= b->last && high > low && count);
	assert_true(low < 4 ? high == low + 1 : high - low == 1ULL << (63 - __builtin_clzll(low) - 2));
	assert_int_equal(count, truth);
	b->last = high;
	b->count += count;
}

static void bins_have_their_values(void **unused)
{
	static uint64_t values[NR];
	struct bins b = { .values = values };
	struct kvs_hist h = { 0 };

	for (size_t i = 0; i < NR; i++) {
		values[i] = next_latency();
		kvs_hist_add(&h, values[i]);
	}
	kvs_hist_bins(&h, check_bin, &b);
	assert_int_equal(b.count, NR);
	kvs_hist_free(&h);
	kvs_hist_bins(&h, check_bin, &b);
	assert_int_equal(b.count, NR);
}

static void extremes_saturate(void **unused)
{
	const struct kvs_scale ns = KVS_SCALE_NONE;
	struct kvs_shist h = { 0 };
	struct kvs_summary s;

	kvs_shist_add(&h, INT64_MIN);
	kvs_shist_add(&h, INT64_MAX);
	assert_true(kvs_shist_summary(&h, &ns, &s));
	assert_true(s.min <= -INT64_MAX);
	assert_true(s.max == INT64_MAX);
	kvs_shist_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_keep_their_promise),
		cmocka_unit_test(count_sum_ends_are_exact),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(ends_of_octaves),
		cmocka_unit_test(equal_values_are_exact),
		cmocka_unit_test(wrapped_buckets_stay_near),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(merging_is_adding),
		cmocka_unit_test(scaled_merge_stays_near),
		cmocka_unit_test(sums_are_scaled_exactly),
		cmocka_unit_test(early_is_before_late),
		cmocka_unit_test(bins_have_their_values),
		cmocka_unit_test(extremes_saturate),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
