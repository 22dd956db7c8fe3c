/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of a comparison.  The functions compute on numbers alone, and give the
 * same results for the same seed.
 *
 * The test is the permutation test of Gehan's generalized Wilcoxon statistic
 * (Gehan, Biometrika 52, 1965).  Without censored values that is the rank sum of
 * Wilcoxon, Mann and Whitney, with ties as they are.  It tests for a shift of one
 * arm against the other, so the estimate (Hodges and Lehmann, 1963), the interval
 * (all shifts that the test doesn't reject) and p belong together.
 *
 *	stats.c		describes, estimates, corrects
 *	permute.c	the test and its inversion
 *	power.c		which difference a comparison of this size would have found
 *	factorial.c	two factors at once: the effect of each, and whether they depend on each other
 */
#ifndef KVMSCHED_STATS_H
#define KVMSCHED_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One observation, in the unit of its metric.  If it is censored, its end was not seen,
 * and the true value is at least @value.
 */
struct kvs_obs {
	double value;
	bool censored;
};

/* Two arms: @b is compared with @a.  Unless a function says otherwise, none is empty. */
struct kvs_arms {
	const struct kvs_obs *a, *b;
	size_t na, nb;
};

/* Shares that differ by less than this differ by rounding only. */
#define KVS_LEVEL_EPS	1e-9

/*
 * The @q quantile (0 .. 1) by Kaplan and Meier: the smallest value such that a share of
 * more than @q doesn't exceed it.  If the share is exactly @q, the result is the middle
 * between that value and the next, as for the median of an even number of values.  If
 * the quantile lies beyond the last end that was seen, the result is the largest value,
 * censored.  Sorts @obs; @n > 0.
 */
struct kvs_obs kvs_quantile(struct kvs_obs *obs, size_t n, double q);

/* Median of @n > 0 plain numbers; of an even number, the mean of the middle two.  Sorts @x. */
double kvs_median(double *x, size_t n);

/* The fairness index of Jain, Chiu and Hawe: 1/n .. 1; 1 if all of @x are 0 */
double kvs_jain(const double *x, size_t n);

/* 1 if @x < @y for certain, -1 if @x > @y for certain, 0 if equal or not known */
int kvs_order(struct kvs_obs x, struct kvs_obs y);

/* Cliff's delta: P(b > a) - P(b < a), -1 .. 1 */
double kvs_cliff(const struct kvs_arms *arms);

/* What censored values make of an estimate */
enum kvs_bound {
	KVS_BOUND_NONE,		/* nothing: it is the estimate */
	KVS_BOUND_LOWER,	/* the truth is at least that */
	KVS_BOUND_UPPER,	/* the truth is at most that */
	KVS_BOUND_UNKNOWN,	/* it may be either, since both arms have censored values */
};

/* Hodges and Lehmann's estimate of the shift: the median of all b - a; @bound may be NULL. */
double kvs_hodges_lehmann(const struct kvs_arms *arms, enum kvs_bound *bound);

/*
 * Correct the @n values of @p for their number, by Holm's method (1979).  @adjusted may be
 * the same array as @p.  NaN stands for a test that was not made; it isn't counted, and
 * stays NaN.
 */
void kvs_holm(const double *p, double *adjusted, size_t n);

/* The least p that arms of these sizes can give: 2 / (na + nb over na); 1 if one is empty */
double kvs_least_p(size_t na, size_t nb);

/* Whether within each arm all values are equal */
bool kvs_identical(const struct kvs_arms *arms);

/*
 * The distribution of the statistic if the arms don't differ.  It depends on the arms'
 * sizes and ties alone, and is kept until one of these changes.  Where counting all
 * permutations would take longer than some milliseconds (beyond 37 values in each arm, or
 * 20 and 90), it comes from random ones: from KVS_PERMUTATIONS, or from fewer where both
 * arms have more than 200 values.
 */
#define KVS_PERMUTATIONS	9999
#define KVS_PERMUTATIONS_LEAST	999
struct kvs_permuter;

/* @seed of the random permutations */
struct kvs_permuter *kvs_permuter_create(uint64_t seed);
/* @p may be NULL. */
void kvs_permuter_destroy(struct kvs_permuter *p);
/* For tests: draw permutations if the exact distribution takes more than @steps additions. */
void kvs_permuter_limit(struct kvs_permuter *p, double steps);
/* How many are drawn for arms of these sizes; 0: none, all are counted */
size_t kvs_permuter_draws(const struct kvs_permuter *p, size_t na, size_t nb);
/* The least p that they can give: as kvs_least_p(), but no less than the draws can tell */
double kvs_permuter_least_p(const struct kvs_permuter *p, size_t na, size_t nb);

/*
 * Two-sided p of the hypothesis that the arms don't differ.  @draws, which may be NULL: how
 * many permutations it comes from; 0: from all.
 */
double kvs_permutation_p(struct kvs_permuter *p, const struct kvs_arms *arms,
			 size_t *draws);

/*
 * The closed interval of shifts that the test at level 1 - @confidence doesn't reject.  An
 * end is infinite if the arms are too small for that level.
 */
void kvs_shift_interval(struct kvs_permuter *p, const struct kvs_arms *arms,
			double confidence, double ci[2]);

/*
 * The least |statistic| that the test rejects at level @alpha, for arms of these sizes
 * without ties; na * nb + 1 if it rejects none.
 */
long kvs_critical(struct kvs_permuter *p, size_t na, size_t nb, double alpha);

/*
 * The probability (0 .. 1) that a test at level @alpha finds a shift of @shift between arms
 * of these sizes, whose values scatter around their medians as those of @arms do.  It is
 * estimated by resampling.
 */
double kvs_power(struct kvs_permuter *p, const struct kvs_arms *arms, double shift,
		 double alpha);

/*
 * The least shift that is found with probability @power; 0 if the values of @arms don't
 * scatter, infinite if the arms are too small for @alpha.
 */
double kvs_detectable(struct kvs_permuter *p, const struct kvs_arms *arms,
		      double alpha, double power);

/*
 * Two factors, each level of one (rows) with each level of the other (columns).  The values
 * of a cell come in the order of turns, in each of which every cell had its round.
 */
struct kvs_cell {
	const struct kvs_obs *obs;
	size_t nr;
};

struct kvs_cells {
	const struct kvs_cell *cells;	/* row by row */
	size_t rows, columns;		/* at least 2 */
};

enum kvs_factor { KVS_FACTOR_ROWS, KVS_FACTOR_COLUMNS };

/*
 * p of the hypothesis that the levels of @factor don't differ, whatever the other one's, from
 * KVS_PERMUTATIONS random permutations.  Values may be censored.
 */
double kvs_main_effect_p(const struct kvs_cells *c, enum kvs_factor factor, uint64_t seed);

/*
 * The turns that the interaction can be tested with: 0 if a value is censored or not above
 * 0, or cells differ in their number of values
 */
size_t kvs_cells_turns(const struct kvs_cells *c);
/*
 * p of the hypothesis that each factor multiplies the values by the same, whatever the other
 * one's level; NaN if there are no such turns.  From all changes of signs, up to 14 turns.
 */
double kvs_interaction_p(const struct kvs_cells *c, uint64_t seed);
/* The least p that is possible with @turns turns */
double kvs_interaction_least_p(size_t turns);

/* The seed that @p was made with; for power.c */
uint64_t kvs_permuter_seed(const struct kvs_permuter *p);

#endif /* KVMSCHED_STATS_H */
