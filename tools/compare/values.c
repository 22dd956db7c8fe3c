// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of one metric.  There may be millions, so they are stored as floats, and sorted
 * only when a quantile is asked for.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_sort_float.h>

#include "base/util.h"
#include "compare/compare.h"

void kvs_values_add(struct kvs_values *v, double value, bool censored)
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

void kvs_values_merge(struct kvs_values *into, const struct kvs_values *from)
{
	for (size_t i = 0; i < from->nr; i++)
		kvs_values_add(into, from->seen[i], false);
	for (size_t i = 0; i < from->nr_censored; i++)
		kvs_values_add(into, from->censored[i], true);
}

void kvs_values_free(struct kvs_values *v)
{
	free(v->seen);
	free(v->censored);
	memset(v, 0, sizeof(*v));
}

static void sort_values(struct kvs_values *v)
{
	if (!v->sorted)
		gsl_sort_float(v->seen, 1, v->nr);
	gsl_sort(v->censored, 1, v->nr_censored);
	v->sorted = true;
}

/* The largest of all values, censored or not; the values are sorted. */
static double largest_value(const struct kvs_values *v)
{
	double last = v->nr ? v->seen[v->nr - 1] : -INFINITY;

	if (v->nr_censored)
		last = fmax(last, v->censored[v->nr_censored - 1]);
	return last;
}

/* As in stats.c: the quantile where the survival curve is level, from value @i to the next */
static struct kvs_obs level_quantile(const struct kvs_values *v, size_t i)
{
	double value = v->seen[i], last = largest_value(v);
	bool longer = v->nr_censored && v->censored[v->nr_censored - 1] >= value;

	if (i + 1 < v->nr)
		return (struct kvs_obs){ (value + v->seen[i + 1]) / 2, false };
	return (struct kvs_obs){ (value + last) / 2, longer };
}

/* The same as kvs_quantile(), but without a copy of all values */
bool kvs_values_quantile(struct kvs_values *v, double q, struct kvs_obs *obs)
{
	size_t all = v->nr + v->nr_censored, gone = 0;
	double survive = 1, level = 1 - q;

	if (!all)
		return false;
	sort_values(v);
	for (size_t i = 0; i < v->nr; i++) {
		/* Skip what was censored below; one censored at this value lasted longer. */
		while (gone < v->nr_censored && v->censored[gone] < v->seen[i])
			gone++;
		survive *= (double)(all - i - gone - 1) / (double)(all - i - gone);
		if (fabs(survive - level) < KVS_LEVEL_EPS) {
			*obs = level_quantile(v, i);
			return true;
		}
		if (survive < level) {
			*obs = (struct kvs_obs){ v->seen[i], false };
			return true;
		}
	}
	*obs = (struct kvs_obs){ largest_value(v), true };
	return true;
}

/* The mean of values of which some are censored is a lower bound, so it is censored. */
bool kvs_values_statistic(struct kvs_values *v, double statistic, struct kvs_obs *obs)
{
	double sum = 0;

	if (statistic != KVS_STATISTIC_MEAN)
		return kvs_values_quantile(v, statistic, obs);
	if (!(v->nr + v->nr_censored))
		return false;
	for (size_t i = 0; i < v->nr; i++)
		sum += v->seen[i];
	for (size_t i = 0; i < v->nr_censored; i++)
		sum += v->censored[i];
	*obs = (struct kvs_obs){ sum / (v->nr + v->nr_censored), v->nr_censored > 0 };
	return true;
}
