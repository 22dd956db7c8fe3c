// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which difference a comparison of this size would have found.
 *
 * The deviations of both arms from their medians, put together, are taken as the way in
 * which rounds scatter.  Runs of the same size are drawn from them, smoothed (Silverman
 * and Young, Biometrika 74, 1987), because a few rounds have no tails, and two arms
 * overlap in their tails.  One arm is shifted, and the share of runs in which the test
 * finds that is the power.  All shifts use the same draws, so the power never falls as
 * the shift grows.
 */
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort_double.h>

#include "base/util.h"
#include "stats/stats.h"

#define DRAWS		500
#define STEPS		20	/* of bisection: 6 digits */

struct scatter {
	double *drawn;		/* DRAWS runs of na + nb values, each arm's in order */
	double most;		/* the largest |value| of them */
	long critical;		/* the least |statistic| that the test rejects */
};

static void add_deviations(double *to, const struct kvs_obs *x, size_t n)
{
	double *copy = xcalloc(n, sizeof(*copy)), middle;

	for (size_t i = 0; i < n; i++)
		copy[i] = x[i].value;
	middle = kvs_median(copy, n);
	for (size_t i = 0; i < n; i++)
		to[i] = x[i].value - middle;
	free(copy);
}

/*
 * Standard deviation.  The divisor is n - 2, because two medians were estimated from the
 * same values.
 */
static double spread_of(const double *deviation, size_t n)
{
	double squares = 0;

	for (size_t i = 0; i < n; i++)
		squares += deviation[i] * deviation[i];
	return sqrt(squares / (n > 2 ? n - 2 : 1));
}

static void scatter_init(struct scatter *s, const struct kvs_arms *arms,
			 uint64_t seed)
{
	size_t n = arms->na + arms->nb;
	double *deviation = xcalloc(n, sizeof(*deviation)), spread, smooth;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	double wider = n > 2 ? sqrt(n / (n - 2.0)) : 1;

	add_deviations(deviation, arms->a, arms->na);
	add_deviations(deviation + arms->na, arms->b, arms->nb);
	spread = spread_of(deviation, n);
	/* Silverman's width.  Dividing below removes what smoothing adds to the variance. */
	smooth = 0.9 * pow(n, -0.2);
	gsl_rng_set(rng, seed);
	s->drawn = xcalloc(DRAWS * n, sizeof(*s->drawn));
	s->most = 0;
	for (size_t i = 0; i < DRAWS * n; i++) {
		double x = deviation[gsl_rng_uniform_int(rng, n)] * wider;

		x += gsl_ran_gaussian(rng, smooth) * spread;
		s->drawn[i] = x / sqrt(1 + smooth * smooth);
		s->most = fmax(s->most, fabs(s->drawn[i]));
	}
	for (size_t at = 0; at < DRAWS * n; at += n) {
		gsl_sort(s->drawn + at, 1, arms->na);
		gsl_sort(s->drawn + at + arms->na, 1, arms->nb);
	}
	gsl_rng_free(rng);
	free(deviation);
}

/* @a and @b are sorted. */
static bool finds_shift(const double *a, size_t na, const double *b, size_t nb,
			double shift, long critical)
{
	size_t below = 0, not_above = 0;
	long statistic = 0;

	for (size_t j = 0; j < nb; j++) {
		while (below < na && a[below] < b[j] + shift)
			below++;
		while (not_above < na && a[not_above] <= b[j] + shift)
			not_above++;
		statistic += (long)below - (long)(na - not_above);
	}
	return labs(statistic) >= critical;
}

static double power_of(const struct scatter *s, const struct kvs_arms *arms,
		       double shift)
{
	const double *run = s->drawn;
	unsigned int hits = 0;

	for (unsigned int draw = 0; draw < DRAWS; draw++) {
		hits += finds_shift(run, arms->na, run + arms->na, arms->nb, shift,
				    s->critical);
		run += arms->na + arms->nb;
	}
	return (double)hits / DRAWS;
}

double kvs_power(struct kvs_permuter *p, const struct kvs_arms *arms, double shift,
		 double alpha)
{
	struct scatter s;
	double power;

	s.critical = kvs_critical(p, arms->na, arms->nb, alpha);
	scatter_init(&s, arms, kvs_permuter_seed(p));
	power = power_of(&s, arms, shift);
	free(s.drawn);
	return power;
}

double kvs_detectable(struct kvs_permuter *p, const struct kvs_arms *arms,
		      double alpha, double power)
{
	double low = 0, high;
	struct scatter s;

	s.critical = kvs_critical(p, arms->na, arms->nb, alpha);
	if (s.critical > (long)(arms->na * arms->nb))
		return INFINITY;
	scatter_init(&s, arms, kvs_permuter_seed(p));
	/* A shift of more than twice the largest deviation separates the arms completely. */
	high = 2.01 * s.most;
	for (unsigned int step = 0; high > 0 && step < STEPS; step++) {
		double middle = (low + high) / 2;

		if (power_of(&s, arms, middle) >= power)
			high = middle;
		else
			low = middle;
	}
	free(s.drawn);
	return high;
}
