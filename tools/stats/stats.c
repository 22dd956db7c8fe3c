// SPDX-License-Identifier: GPL-2.0-only
/*
 * Describes values, estimates differences, corrects for many tests; see stats.h.
 */
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>

#include "base/util.h"
#include "stats/stats.h"

/* By value; among equal values the censored ones come last, since they are longer. */
static int obs_order(const void *left, const void *right)
{
	const struct kvs_obs *a = left, *b = right;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return (int)a->censored - (int)b->censored;
}

/*
 * The quantile where the survival curve is level: the middle between @obs[i] and the next
 * end that was seen.  If none follows, a censored value may be that end.
 */
static struct kvs_obs level_quantile(const struct kvs_obs *obs, size_t n, size_t i)
{
	for (size_t next = i + 1; next < n; next++)
		if (!obs[next].censored)
			return (struct kvs_obs){ (obs[i].value + obs[next].value) / 2, false };
	if (i + 1 == n)
		return obs[i];
	return (struct kvs_obs){ (obs[i].value + obs[n - 1].value) / 2, true };
}

struct kvs_obs kvs_quantile(struct kvs_obs *obs, size_t n, double q)
{
	double survive = 1, level = 1 - q;

	qsort(obs, n, sizeof(*obs), obs_order);
	for (size_t i = 0; i < n; i++) {
		if (obs[i].censored)
			continue;
		survive *= (double)(n - i - 1) / (double)(n - i);
		if (fabs(survive - level) < KVS_LEVEL_EPS)
			return level_quantile(obs, n, i);
		if (survive < level)
			return obs[i];
	}
	return (struct kvs_obs){ obs[n - 1].value, true };
}

double kvs_median(double *x, size_t n)
{
	gsl_sort(x, 1, n);
	return gsl_stats_median_from_sorted_data(x, 1, n);
}

double kvs_jain(const double *x, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		sum += x[i];
		squares += x[i] * x[i];
	}
	return squares > 0 ? sum * sum / (n * squares) : 1;
}

int kvs_order(struct kvs_obs x, struct kvs_obs y)
{
	if (x.censored && y.censored)
		return 0;
	if (x.censored)
		return x.value >= y.value ? -1 : 0;
	if (y.censored)
		return y.value >= x.value ? 1 : 0;
	return (x.value < y.value) - (x.value > y.value);
}

double kvs_cliff(const struct kvs_arms *arms)
{
	long sum = 0;

	for (size_t i = 0; i < arms->na; i++)
		for (size_t j = 0; j < arms->nb; j++)
			sum += kvs_order(arms->a[i], arms->b[j]);
	return (double)sum / ((double)arms->na * arms->nb);
}

/* In which direction the true value may lie from @estimate, given the censored values */
static enum kvs_bound bound_of(const struct kvs_arms *arms, double estimate)
{
	bool lower = false, upper = false;

	for (size_t i = 0; i < arms->na; i++) {
		for (size_t j = 0; j < arms->nb; j++) {
			double d = arms->b[j].value - arms->a[i].value;

			lower |= arms->b[j].censored && d <= estimate;
			upper |= arms->a[i].censored && d >= estimate;
		}
	}
	if (lower && upper)
		return KVS_BOUND_UNKNOWN;
	return lower ? KVS_BOUND_LOWER : upper ? KVS_BOUND_UPPER : KVS_BOUND_NONE;
}

double kvs_hodges_lehmann(const struct kvs_arms *arms, enum kvs_bound *bound)
{
	double *d = xcalloc(arms->na * arms->nb, sizeof(*d)), estimate;
	size_t n = 0;

	for (size_t i = 0; i < arms->na; i++)
		for (size_t j = 0; j < arms->nb; j++)
			d[n++] = arms->b[j].value - arms->a[i].value;
	estimate = kvs_median(d, n);
	free(d);
	if (bound)
		*bound = bound_of(arms, estimate);
	return estimate;
}

void kvs_holm(const double *p, double *adjusted, size_t n)
{
	size_t *order = xcalloc(n, sizeof(*order)), tests = 0;
	double largest = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = tests;

		adjusted[i] = p[i];
		if (isnan(p[i]))
			continue;
		for (; at && p[order[at - 1]] > p[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
		tests++;
	}
	/* p and adjusted may be the same array, so read each p before it is overwritten. */
	for (size_t k = 0; k < tests; k++) {
		double own = (tests - k) * p[order[k]];

		if (own > largest)
			largest = own;
		adjusted[order[k]] = fmin(1, largest);
	}
	free(order);
}

double kvs_least_p(size_t na, size_t nb)
{
	if (!na || !nb)
		return 1;
	return fmin(1, 2 * exp(-gsl_sf_lnchoose(na + nb, na)));
}

static bool all_equal(const struct kvs_obs *x, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (x[i].value != x[0].value || x[i].censored != x[0].censored)
			return false;
	return true;
}

bool kvs_identical(const struct kvs_arms *arms)
{
	return all_equal(arms->a, arms->na) && all_equal(arms->b, arms->nb);
}
