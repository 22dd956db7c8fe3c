// SPDX-License-Identifier: GPL-2.0-only
/*
 * The statistics against published examples and against plain counting.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <gsl/gsl_rng.h>

#include "base/util.h"
#include "stats/stats.h"
#include "near.h"

static struct kvs_obs *plain(const double *x, size_t n)
{
	struct kvs_obs *obs = xcalloc(n, sizeof(*obs));

	for (size_t i = 0; i < n; i++)
		obs[i].value = x[i];
	return obs;
}

#define ARMS(x, y)	{ plain(x, ARRAY_SIZE(x)), plain(y, ARRAY_SIZE(y)),	\
			  ARRAY_SIZE(x), ARRAY_SIZE(y) }

static void drop(struct kvs_arms *arms)
{
	free((void *)arms->a);
	free((void *)arms->b);
}

/*
 * Permeability of the human chorioamnion at term and at 12 to 26 weeks:
 * Hollander and Wolfe, Nonparametric Statistical Methods, 1973, p. 69; also the
 * example of R's wilcox.test, where W = 35 and the one-sided p = 0.1272.
 */
static const double term[] = { 0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64,
			       0.73, 1.46 };
static const double early[] = { 1.15, 0.88, 0.90, 0.74, 1.21 };

static void rank_sum_of_hollander_and_wolfe(void **unused)
{
	struct kvs_permuter *p = kvs_permuter_create(1);
	struct kvs_arms arms = ARMS(early, term);
	enum kvs_bound bound;
	double ci[2];
	size_t draws;

	assert_near(kvs_permutation_p(p, &arms, &draws), 2 * 0.1272, 1e-4);
	assert_int_equal(draws, 0);
	/* W = 35 of 50 */
	assert_near(kvs_cliff(&arms), 2 * 35 / 50.0 - 1, 1e-12);
	assert_near(kvs_hodges_lehmann(&arms, &bound), 0.305, 1e-9);
	assert_int_equal(bound, KVS_BOUND_NONE);
	kvs_shift_interval(p, &arms, 0.95, ci);
	/* The 9th of 50 differences from either end: C(9) of their table A.5 */
	assert_near(ci[0], -0.15, 1e-9);
	assert_near(ci[1], 0.76, 1e-9);
	drop(&arms);
	kvs_permuter_destroy(p);
}

/*
 * Rats on a rotating rod, ties all over: Bergmann, Ludbrook and Spooren, The
 * American Statistician 54 (2000) 72-77; exact p = 0.0373.
 */
static void ties_of_bergmann_ludbrook_spooren(void **unused)
{
	static const double control[] = { 300, 300, 300, 300, 300, 300, 300, 300,
					  300, 300, 300, 300 };
	static const double drug[] = { 18, 22, 75, 163, 271, 300, 300, 300, 300,
				       300, 300, 300 };
	struct kvs_permuter *p = kvs_permuter_create(1);
	struct kvs_arms arms = ARMS(control, drug);
	double ci[2];
	size_t draws;

	assert_near(kvs_permutation_p(p, &arms, &draws), 0.0373, 5e-5);
	assert_int_equal(draws, 0);
	kvs_shift_interval(p, &arms, 0.95, ci);
	assert_true(ci[0] < 0 && ci[1] == 0);
	drop(&arms);
	kvs_permuter_destroy(p);
}

/* Drawn permutations must agree with the counted ones within their error. */
static void drawn_is_near_exact(void **unused)
{
	struct kvs_permuter *p = kvs_permuter_create(7);
	struct kvs_arms arms = ARMS(early, term);
	double drawn, again;
	size_t draws;

	kvs_permuter_limit(p, 0);
	drawn = kvs_permutation_p(p, &arms, &draws);
	assert_int_equal(draws, KVS_PERMUTATIONS);
	assert_near(drawn, 2 * 0.1272, 5 * sqrt(0.2544 * 0.7456 / KVS_PERMUTATIONS));
	kvs_permuter_limit(p, 0);
	again = kvs_permutation_p(p, &arms, NULL);
	assert_true(drawn == again);
	drop(&arms);
	kvs_permuter_destroy(p);
}

/* The larger arm may be either of them: the same scores are counted from the other side. */
static void arms_may_be_exchanged(void **unused)
{
	struct kvs_permuter *p = kvs_permuter_create(3);
	struct kvs_arms arms = ARMS(early, term), turned = ARMS(term, early);

	for (unsigned int drawn = 0; drawn < 2; drawn++) {
		assert_near(kvs_permutation_p(p, &arms, NULL),
			    kvs_permutation_p(p, &turned, NULL), 1e-12);
		kvs_permuter_limit(p, 0);
	}
	drop(&arms);
	drop(&turned);
	kvs_permuter_destroy(p);
}

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/*
 * Of any size: a table of twelve metrics, all with ties, whose p, interval and detectable
 * difference take no more than a second or two.
 */
static void large_arms_cost_little(void **unused)
{
	static const size_t sizes[][2] = { { 20, 90 }, { 20, 1200 }, { 37, 37 }, { 400, 400 } };
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct kvs_obs a[400], b[1200];

	gsl_rng_set(rng, 9);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = (struct kvs_obs){ gsl_rng_uniform_int(rng, 50), false };
	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		b[i] = (struct kvs_obs){ gsl_rng_uniform_int(rng, 50), false };
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct kvs_arms arms = { a, b, sizes[i][0], sizes[i][1] };
		struct kvs_permuter *p = kvs_permuter_create(1);
		double began = cpu_seconds(), took, ci[2];

		for (unsigned int metric = 0; metric < 3; metric++) {
			a[0].value = metric;
			assert_true(kvs_permutation_p(p, &arms, NULL) > 0);
			kvs_shift_interval(p, &arms, 0.95, ci);
			assert_true(ci[0] <= ci[1]);
			assert_true(kvs_detectable(p, &arms, 0.05 / 12, 0.8) > 0);
		}
		took = cpu_seconds() - began;
		print_message("# %zu values against %zu: %.0f ms a metric\n", arms.na, arms.nb,
			      1000 * took / 3);
		assert_true(took < 1);
		kvs_permuter_destroy(p);
	}
	gsl_rng_free(rng);
}

/* So few are drawn of so large arms: p says no more than they can tell. */
static void drawn_p_claims_no_more_than_its_draws(void **unused)
{
	static struct kvs_obs a[1200], b[1200];
	const struct kvs_arms arms = { a, b, ARRAY_SIZE(a), ARRAY_SIZE(b) };
	struct kvs_permuter *p = kvs_permuter_create(1);
	size_t draws;

	for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
		a[i].value = i;
		b[i].value = 2000 + i;
	}
	assert_near(kvs_permutation_p(p, &arms, &draws), 1.0 / (draws + 1), 1e-12);
	assert_in_range(draws, KVS_PERMUTATIONS_LEAST, KVS_PERMUTATIONS - 1);
	assert_int_equal(kvs_permuter_draws(p, arms.na, arms.nb), draws);
	assert_near(kvs_permuter_least_p(p, arms.na, arms.nb), 1.0 / (draws + 1), 1e-12);
	assert_near(kvs_permuter_least_p(p, 6, 6), 2 / 924.0, 1e-12);
	kvs_permuter_destroy(p);
}

/*
 * Remission of leukemia, 6-MP: Freireich et al. (1963), in Gehan, Biometrika 52
 * (1965); the medians of Kaplan and Meier are 23 weeks and, of placebo, 8.
 */
static const struct kvs_obs six_mp[] = {
	{ 6, 0 }, { 6, 0 }, { 6, 0 }, { 6, 1 }, { 7, 0 }, { 9, 1 }, { 10, 0 },
	{ 10, 1 }, { 11, 1 }, { 13, 0 }, { 16, 0 }, { 17, 1 }, { 19, 1 },
	{ 20, 1 }, { 22, 0 }, { 23, 0 }, { 25, 1 }, { 32, 1 }, { 32, 1 },
	{ 34, 1 }, { 35, 1 },
};
static const struct kvs_obs placebo[] = {
	{ 1, 0 }, { 1, 0 }, { 2, 0 }, { 2, 0 }, { 3, 0 }, { 4, 0 }, { 4, 0 },
	{ 5, 0 }, { 5, 0 }, { 8, 0 }, { 8, 0 }, { 8, 0 }, { 8, 0 }, { 11, 0 },
	{ 11, 0 }, { 12, 0 }, { 12, 0 }, { 15, 0 }, { 17, 0 }, { 22, 0 },
	{ 23, 0 },
};

static void censored_medians_of_kaplan_and_meier(void **unused)
{
	struct kvs_obs copy[ARRAY_SIZE(six_mp)], median;

	memcpy(copy, six_mp, sizeof(copy));
	median = kvs_quantile(copy, ARRAY_SIZE(copy), 0.5);
	assert_true(median.value == 23 && !median.censored);
	/* Fewer than 1 in 10 is never reached: at least the longest time. */
	median = kvs_quantile(copy, ARRAY_SIZE(copy), 0.9);
	assert_true(median.value == 35 && median.censored);
	memcpy(copy, placebo, sizeof(copy));
	median = kvs_quantile(copy, ARRAY_SIZE(copy), 0.5);
	assert_true(median.value == 8 && !median.censored);
}

/* Of an even number, and of two of which one was not seen to its end */
static void median_of_an_even_number_is_the_middle(void **unused)
{
	struct kvs_obs four[] = { { 4, 0 }, { 1, 0 }, { 3, 0 }, { 2, 0 } };
	struct kvs_obs two[] = { { 450, 1 }, { 2, 0 } }, three[] = { { 1, 0 }, { 2, 0 }, { 9, 1 } };
	struct kvs_obs median = kvs_quantile(four, 4, 0.5);

	assert_true(median.value == 2.5 && !median.censored);
	assert_true(kvs_quantile(four, 4, 1).value == 4);
	assert_true(kvs_quantile(four, 4, 0.7).value == 3);
	median = kvs_quantile(two, 2, 0.5);
	assert_true(median.value == 226 && median.censored);
	median = kvs_quantile(three, 3, 0.5);
	assert_true(median.value == 2 && !median.censored);
}

/* Gehan (1965), section 3: the statistic of these data is 271. */
static void censored_statistic_of_gehan(void **unused)
{
	const struct kvs_arms arms = { placebo, six_mp, ARRAY_SIZE(placebo),
				      ARRAY_SIZE(six_mp) };
	struct kvs_permuter *p = kvs_permuter_create(1);
	enum kvs_bound bound;

	assert_near(kvs_cliff(&arms) * arms.na * arms.nb, 271, 1e-9);
	assert_true(kvs_permutation_p(p, &arms, NULL) < 0.001);
	assert_true(kvs_hodges_lehmann(&arms, &bound) > 0);
	assert_int_equal(bound, KVS_BOUND_LOWER);
	kvs_permuter_destroy(p);
}

/*
 * Hogarty and Kromrey, "Using SAS to calculate tests of Cliff's delta" (1999),
 * also the example of R's effsize::cliff.delta: -0.25.
 */
static void effect_of_hogarty_and_kromrey(void **unused)
{
	static const double treatment[] = { 10, 10, 20, 20, 20, 30, 30, 30, 40, 50 };
	static const double control[] = { 10, 20, 30, 40, 40, 50 };
	struct kvs_arms arms = ARMS(control, treatment);

	assert_near(kvs_cliff(&arms), -0.25, 1e-12);
	drop(&arms);
}

/* Four hypotheses at p = 0.01, 0.04, 0.03, 0.005 (as in many textbooks) */
static void correction_of_holm(void **unused)
{
	const double p[] = { 0.01, 0.04, NAN, 0.03, 0.005 };
	double adjusted[ARRAY_SIZE(p)];

	kvs_holm(p, adjusted, ARRAY_SIZE(p));
	assert_near(adjusted[0], 0.03, 1e-12);
	assert_near(adjusted[1], 0.06, 1e-12);
	assert_true(isnan(adjusted[2]));
	assert_near(adjusted[3], 0.06, 1e-12);
	assert_near(adjusted[4], 0.02, 1e-12);
	memcpy(adjusted, p, sizeof(p));
	kvs_holm(adjusted, adjusted, ARRAY_SIZE(p));
	assert_near(adjusted[0], 0.03, 1e-12);
	assert_near(adjusted[1], 0.06, 1e-12);
}

/*
 * Jain, Chiu and Hawe, DEC-TR-301 (1984): an allocation that gives the same to
 * k of n users and nothing to the others has index k / n.
 */
static void fairness_of_jain_chiu_hawe(void **unused)
{
	double x[100] = { 0 };

	assert_near(kvs_jain(x, 100), 1, 0);
	for (size_t k = 1; k <= 100; k++) {
		x[k - 1] = 20;
		assert_near(kvs_jain(x, 100), k / 100.0, 1e-12);
	}
	x[0] = 1;
	x[1] = 3;
	assert_near(kvs_jain(x, 2), 16 / 20.0, 1e-12);
}

static void least_p_is_two_of_all_choices(void **unused)
{
	assert_near(kvs_least_p(6, 6), 2 / 924.0, 1e-12);
	assert_near(kvs_least_p(5, 5), 2 / 252.0, 1e-12);
	assert_near(kvs_least_p(1, 0), 1, 0);
}

/* --- plain counting of all choices ------------------------------------ */

static long statistic_of(const struct kvs_obs *all, size_t n, unsigned int choice)
{
	long sum = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (!(choice >> i & 1) && (choice >> j & 1))
				sum += kvs_order(all[i], all[j]);
	return sum;
}

static double counted_p(const struct kvs_arms *arms)
{
	size_t n = arms->na + arms->nb;
	struct kvs_obs all[16];
	unsigned long extreme = 0, choices = 0;
	long seen;

	memcpy(all, arms->a, arms->na * sizeof(*all));
	memcpy(all + arms->na, arms->b, arms->nb * sizeof(*all));
	seen = statistic_of(all, n, (1U << n) - (1U << arms->na));
	for (unsigned int choice = 0; choice < 1U << n; choice++) {
		if (__builtin_popcount(choice) != (int)arms->nb)
			continue;
		choices++;
		extreme += labs(statistic_of(all, n, choice)) >= labs(seen);
	}
	return (double)extreme / choices;
}

static void every_p_is_a_share_of_all_choices(void **unused)
{
	struct kvs_permuter *p = kvs_permuter_create(1);
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct kvs_obs x[6], y[6];

	gsl_rng_set(rng, 2);
	for (unsigned int i = 0; i < 60; i++) {
		struct kvs_arms arms = {
			x, y, 2 + gsl_rng_uniform_int(rng, 4),
			2 + gsl_rng_uniform_int(rng, 4),
		};

		/* Few values, so that there are ties; every fifth censored */
		for (size_t k = 0; k < 6; k++) {
			x[k] = (struct kvs_obs){ gsl_rng_uniform_int(rng, 6),
						!gsl_rng_uniform_int(rng, 5) };
			y[k] = (struct kvs_obs){ gsl_rng_uniform_int(rng, 6) + 1,
						!gsl_rng_uniform_int(rng, 5) };
		}
		assert_near(kvs_permutation_p(p, &arms, NULL), counted_p(&arms), 1e-12);
	}
	gsl_rng_free(rng);
	kvs_permuter_destroy(p);
}

/* --- cases whose answer is plain -------------------------------------- */

static void identical_rounds_divide_by_nothing(void **unused)
{
	static const double four[] = { 4, 4, 4, 4, 4, 4 };
	static const double hundred[] = { 100, 100, 100, 100, 100, 100 };
	struct kvs_permuter *p = kvs_permuter_create(1);
	struct kvs_arms differ = ARMS(four, hundred), equal = ARMS(four, four);
	double ci[2];

	assert_true(kvs_identical(&differ));
	assert_near(kvs_permutation_p(p, &differ, NULL), 2 / 924.0, 1e-12);
	assert_near(kvs_hodges_lehmann(&differ, NULL), 96, 0);
	kvs_shift_interval(p, &differ, 0.95, ci);
	assert_true(ci[0] == 96 && ci[1] == 96);
	assert_near(kvs_detectable(p, &differ, 0.05, 0.8), 0, 0);

	assert_near(kvs_permutation_p(p, &equal, NULL), 1, 0);
	assert_near(kvs_cliff(&equal), 0, 0);
	kvs_shift_interval(p, &equal, 0.95, ci);
	assert_true(ci[0] == 0 && ci[1] == 0);
	drop(&differ);
	drop(&equal);
	kvs_permuter_destroy(p);
}

static void too_few_say_so(void **unused)
{
	static const double x[] = { 1, 2, 3 }, y[] = { 11, 12, 13 };
	struct kvs_permuter *p = kvs_permuter_create(1);
	struct kvs_arms arms = ARMS(x, y);
	double ci[2];

	/* 2 of 20 choices is all that can be had. */
	assert_near(kvs_permutation_p(p, &arms, NULL), 0.1, 1e-12);
	kvs_shift_interval(p, &arms, 0.95, ci);
	assert_true(isinf(ci[0]) && isinf(ci[1]) && ci[0] < 0 && ci[1] > 0);
	assert_true(isinf(kvs_detectable(p, &arms, 0.05, 0.8)));
	assert_int_equal(kvs_critical(p, 3, 3, 0.05), 10);
	/* All sums are odd here: 8 isn't reached, and no less extreme than 9. */
	assert_int_equal(kvs_critical(p, 3, 3, 0.1), 8);
	drop(&arms);
	kvs_permuter_destroy(p);
}

/* One arm is never preempted: all that is known of its slices is "longer". */
static void all_censored_beats_all_seen(void **unused)
{
	const struct kvs_obs never = { 3e9, true }, tick = { 4e6, false };
	struct kvs_obs x[6], y[6];
	const struct kvs_arms arms = { x, y, 6, 6 }, same = { y, y, 6, 6 };
	struct kvs_permuter *p = kvs_permuter_create(1);
	enum kvs_bound bound;

	for (size_t i = 0; i < 6; i++) {
		x[i] = tick;
		y[i] = never;
	}
	assert_near(kvs_permutation_p(p, &arms, NULL), 2 / 924.0, 1e-12);
	assert_near(kvs_cliff(&arms), 1, 0);
	assert_near(kvs_hodges_lehmann(&arms, &bound), 2.996e9, 0);
	assert_int_equal(bound, KVS_BOUND_LOWER);
	assert_near(kvs_permutation_p(p, &same, NULL), 1, 0);
	kvs_hodges_lehmann(&same, &bound);
	assert_int_equal(bound, KVS_BOUND_UNKNOWN);
	kvs_permuter_destroy(p);
}

/*
 * The interval is the test turned round: 0 is out of it where p <= 5 %.  (0 is
 * never a difference here; an end of the interval belongs to it, whatever p is
 * for just that shift.)
 */
static void interval_and_test_agree(void **unused)
{
	struct kvs_permuter *p = kvs_permuter_create(1);
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	double x[8], y[7];

	gsl_rng_set(rng, 3);
	for (unsigned int i = 0; i < 300; i++) {
		struct kvs_arms arms;
		double ci[2];

		for (size_t k = 0; k < ARRAY_SIZE(x); k++)
			x[k] = gsl_rng_uniform_int(rng, 1000);
		for (size_t k = 0; k < ARRAY_SIZE(y); k++)
			y[k] = gsl_rng_uniform_int(rng, 1000) + (i % 4) * 200 + 0.5;
		arms = (struct kvs_arms)ARMS(x, y);
		kvs_shift_interval(p, &arms, 0.95, ci);
		assert_int_equal(kvs_permutation_p(p, &arms, NULL) > 0.05,
				 ci[0] <= 0 && ci[1] >= 0);
		drop(&arms);
	}
	gsl_rng_free(rng);
	kvs_permuter_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rank_sum_of_hollander_and_wolfe),
		cmocka_unit_test(ties_of_bergmann_ludbrook_spooren),
		cmocka_unit_test(drawn_is_near_exact),
		cmocka_unit_test(arms_may_be_exchanged),
		cmocka_unit_test(large_arms_cost_little),
		cmocka_unit_test(drawn_p_claims_no_more_than_its_draws),
		cmocka_unit_test(censored_medians_of_kaplan_and_meier),
		cmocka_unit_test(median_of_an_even_number_is_the_middle),
		cmocka_unit_test(censored_statistic_of_gehan),
		cmocka_unit_test(effect_of_hogarty_and_kromrey),
		cmocka_unit_test(correction_of_holm),
		cmocka_unit_test(fairness_of_jain_chiu_hawe),
		cmocka_unit_test(least_p_is_two_of_all_choices),
		cmocka_unit_test(every_p_is_a_share_of_all_choices),
		cmocka_unit_test(identical_rounds_divide_by_nothing),
		cmocka_unit_test(too_few_say_so),
		cmocka_unit_test(all_censored_beats_all_seen),
		cmocka_unit_test(interval_and_test_agree),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
