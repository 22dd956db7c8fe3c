// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of one metric.  There may be millions, so that they are kept small,
 * and sorted only when somebody asks.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_sort_float.h>

#include "compare.h"
#include "kvmsched.h"

void ks_values_add(struct ks_values *v, double value, bool censored)
{
	if (censored) {
		v->censored = xrealloc(v->censored,
				       (v->nr_censored + 1) * sizeof(*v->censored));
		v->censored[v->nr_censored++] = value;
		return;
	}
	if (v->nr == v->room) {
		v->room = v->room ? 2 * v->room : 64;
		v->seen = xrealloc(v->seen, v->room * sizeof(*v->seen));
	}
	v->seen[v->nr++] = value;
	v->sorted = false;
}

void ks_values_merge(struct ks_values *into, const struct ks_values *from)
{
	for (size_t i = 0; i < from->nr; i++)
		ks_values_add(into, from->seen[i], false);
	for (size_t i = 0; i < from->nr_censored; i++)
		ks_values_add(into, from->censored[i], true);
}

void ks_values_free(struct ks_values *v)
{
	free(v->seen);
	free(v->censored);
	memset(v, 0, sizeof(*v));
}

static void sort(struct ks_values *v)
{
	if (!v->sorted)
		gsl_sort_float(v->seen, 1, v->nr);
	gsl_sort(v->censored, 1, v->nr_censored);
	v->sorted = true;
}

/* As ks_quantile(), without a copy of all values; both kinds are sorted. */
bool ks_values_quantile(struct ks_values *v, double q, struct ks_obs *obs)
{
	size_t all = v->nr + v->nr_censored, gone = 0;
	double survive = 1, last = 0;

	if (!all)
		return false;
	sort(v);
	for (size_t i = 0; i < v->nr; i++) {
		/* One that is censored at the same value lasted longer. */
		while (gone < v->nr_censored && v->censored[gone] < v->seen[i])
			gone++;
		survive *= (double)(all - i - gone - 1) / (double)(all - i - gone);
		if (survive <= (1 - q) * (1 + 1e-9) + 1e-12) {
			*obs = (struct ks_obs){ v->seen[i], false };
			return true;
		}
	}
	if (v->nr)
		last = v->seen[v->nr - 1];
	if (v->nr_censored)
		last = fmax(last, v->censored[v->nr_censored - 1]);
	*obs = (struct ks_obs){ last, v->nr_censored > 0 };
	return true;
}

/* A mean with censored values in it is a lower bound. */
bool ks_values_statistic(struct ks_values *v, double statistic, struct ks_obs *obs)
{
	double sum = 0;

	if (statistic != KS_STATISTIC_MEAN)
		return ks_values_quantile(v, statistic, obs);
	if (!(v->nr + v->nr_censored))
		return false;
	for (size_t i = 0; i < v->nr; i++)
		sum += v->seen[i];
	for (size_t i = 0; i < v->nr_censored; i++)
		sum += v->censored[i];
	*obs = (struct ks_obs){ sum / (v->nr + v->nr_censored), v->nr_censored > 0 };
	return true;
}
