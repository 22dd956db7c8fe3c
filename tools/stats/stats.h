/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of a comparison.  Pure: numbers in, numbers out, the same for the
 * same seed.
 *
 * The test is the permutation test of Gehan's generalized Wilcoxon statistic
 * (Gehan, Biometrika 52, 1965), which without censored values is the rank sum
 * of Wilcoxon, Mann and Whitney with ties as they are.  It judges shifts of one
 * arm against the other, so that the estimate (Hodges and Lehmann, 1963), the
 * interval (all shifts that the test doesn't reject) and p belong together.
 *
 *	stats.c		describe, estimate, correct
 *	stats-permute.c	the test and its inversion
 *	stats-power.c	what a run of this size could have found
 */
#ifndef KVMSCHED_STATS_H
#define KVMSCHED_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One value; censored: it is at least that, its end was not seen. */
struct kvs_obs {
	double value;
	bool censored;
};

/* Two arms: @a is what @b is compared with. */
struct kvs_arms {
	const struct kvs_obs *a, *b;
	size_t na, nb;
};

/*
 * The @q quantile by Kaplan and Meier: the smallest value that a share of more
 * than @q doesn't exceed; where it is exactly @q, the middle between that value
 * and the next, as in the median of an even number.  Where that end was not
 * seen, the largest value instead of it, censored.  Sorts @obs; n > 0.
 */
#define KVS_LEVEL_EPS	1e-9	/* shares that rounding alone tells apart */
struct kvs_obs kvs_quantile(struct kvs_obs *obs, size_t n, double q);

/* Median of plain numbers, the mean of the middle two; sorts @x; n > 0. */
double kvs_median(double *x, size_t n);

/* Jain, Chiu and Hawe's fairness, 1/n .. 1; 1 where nobody got anything. */
double kvs_jain(const double *x, size_t n);

/* Whether @x < @y (1), @x > @y (-1), or no one can tell (0). */
int kvs_order(struct kvs_obs x, struct kvs_obs y);

/* Cliff's delta: P(b > a) - P(b < a), -1 .. 1 */
double kvs_cliff(const struct kvs_arms *arms);

enum kvs_bound {
	KVS_BOUND_NONE,
	KVS_BOUND_LOWER,		/* it is at least that */
	KVS_BOUND_UPPER,		/* at most */
	KVS_BOUND_UNKNOWN,	/* both arms are censored there */
};

/* Hodges and Lehmann: the median of all differences b - a */
double kvs_hodges_lehmann(const struct kvs_arms *arms, enum kvs_bound *bound);

/* Holm (1979): @adjusted may be @p; NaN is no test and stays NaN. */
void kvs_holm(const double *p, double *adjusted, size_t n);

/* The least p that two arms of this size can give: 2 / (na + nb over na) */
double kvs_least_p(size_t na, size_t nb);

/* Whether all values of each arm are the same. */
bool kvs_identical(const struct kvs_arms *arms);

/*
 * Null distributions, kept as long as the sizes and ties stay the same.  Exact
 * up to about 100 values an arm; beyond, KVS_PERMUTATIONS random permutations
 * from @seed.
 */
#define KVS_PERMUTATIONS	99999
struct kvs_permuter;

struct kvs_permuter *kvs_permuter_create(uint64_t seed);
void kvs_permuter_destroy(struct kvs_permuter *p);
/* For tests: beyond so many steps, permutations are drawn. */
void kvs_permuter_limit(struct kvs_permuter *p, double steps);

/* p of no difference, both sides; @exact may be NULL. */
double kvs_permutation_p(struct kvs_permuter *p, const struct kvs_arms *arms,
			 bool *exact);

/*
 * The interval of shifts that the test at 1 - @confidence doesn't reject, with
 * its ends; infinite ends where the arms are too small for that level.
 */
void kvs_shift_interval(struct kvs_permuter *p, const struct kvs_arms *arms,
			double confidence, double ci[2]);

/*
 * The least |statistic| that the test rejects at @alpha with arms of that size
 * without ties; na * nb + 1 where it never does.
 */
long kvs_critical(struct kvs_permuter *p, size_t na, size_t nb, double alpha);

/*
 * The chance to find a shift @shift of one arm at level @alpha: by resampling
 * what the two arms scatter around their medians.
 */
double kvs_power(struct kvs_permuter *p, const struct kvs_arms *arms, double shift,
		 double alpha);

/*
 * The least shift that is found with chance @power; 0 where nothing scatters,
 * infinite where the arms are too small for @alpha.
 */
double kvs_detectable(struct kvs_permuter *p, const struct kvs_arms *arms,
		      double alpha, double power);

/* stats-permute.c for stats-power.c */
uint64_t kvs_permuter_seed(const struct kvs_permuter *p);

#endif /* KVMSCHED_STATS_H */
