// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of one metric.  There may be millions, but few are different: each value is
 * stored once with its count, in a hash table that becomes a sorted list when a
 * quantile is asked for.  Beyond VALUES_MAX different ones, all are rounded to one bit
 * less, as often as that takes.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort_double.h>

#include "base/util.h"
#include "compare/compare.h"

#define VALUES_MAX	49152	/* three quarters of the largest table */
#define FIRST_ROOM	64	/* of the smallest one; a power of 2 */

/* The nearest float whose lowest @dropped bits are 0; -0 becomes 0. */
static float round_value(double value, unsigned int dropped)
{
	float f = value == 0 ? 0 : value;
	uint32_t bits;

	if (!dropped)
		return f;
	memcpy(&bits, &f, sizeof(bits));
	bits += 1U << (dropped - 1);
	bits &= ~0U << dropped;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* Where @value is in the table, or the free place for it */
static struct kvs_counted *find_place(const struct kvs_values *v, float value)
{
	uint32_t bits, hash;

	memcpy(&bits, &value, sizeof(bits));
	/* Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4) */
	hash = bits * 0x9e3779b9U;
	for (size_t i = hash >> 16 ^ hash; ; i++) {
		struct kvs_counted *place = &v->seen[i & (v->room - 1)];

		if (!place->count || place->value == value)
			return place;
	}
}

static void count_value(struct kvs_values *v, float value, uint64_t count)
{
	struct kvs_counted *place = find_place(v, value);

	v->distinct += !place->count;
	place->value = value;
	place->count += count;
}

/* All values once more, in a table of @room places */
static void rebuild_table(struct kvs_values *v, size_t room)
{
	struct kvs_counted *before = v->seen;
	size_t places = v->hashed ? v->room : v->distinct;

	v->seen = xcalloc(room, sizeof(*v->seen));
	v->room = room;
	v->distinct = 0;
	v->hashed = true;
	for (size_t i = 0; i < places; i++)
		if (before[i].count)
			count_value(v, round_value(before[i].value, v->dropped),
				    before[i].count);
	free(before);
}

/* Room for one more value in a table that is never full */
static void make_room(struct kvs_values *v)
{
	if (!v->hashed)
		rebuild_table(v, v->room ? v->room : FIRST_ROOM);
	while (v->distinct >= v->room / 4 * 3) {
		if (v->distinct < VALUES_MAX) {
			rebuild_table(v, 2 * v->room);
		} else {
			v->dropped++;
			rebuild_table(v, v->room);
		}
	}
}

static void add_values(struct kvs_values *v, double value, uint64_t count)
{
	if (!v->hashed || v->distinct >= v->room / 4 * 3)
		make_room(v);
	count_value(v, round_value(value, v->dropped), count);
	v->nr += count;
}

void kvs_values_add(struct kvs_values *v, double value, bool censored)
{
	if (!censored) {
		add_values(v, value, 1);
		return;
	}
	v->censored = xrealloc(v->censored, (v->nr_censored + 1) * sizeof(*v->censored));
	v->censored[v->nr_censored++] = value;
}

void kvs_values_merge(struct kvs_values *into, const struct kvs_values *from)
{
	size_t places = from->hashed ? from->room : from->distinct;

	if (from->dropped > into->dropped) {
		into->dropped = from->dropped;
		if (into->distinct)
			rebuild_table(into, into->room);
	}
	for (size_t i = 0; i < places; i++)
		if (from->seen[i].count)
			add_values(into, from->seen[i].value, from->seen[i].count);
	for (size_t i = 0; i < from->nr_censored; i++)
		kvs_values_add(into, from->censored[i], true);
}

double kvs_values_rounding(const struct kvs_values *v)
{
	return v->dropped ? ldexp(1, (int)v->dropped - FLT_MANT_DIG) : 0;
}

void kvs_values_free(struct kvs_values *v)
{
	free(v->seen);
	free(v->censored);
	memset(v, 0, sizeof(*v));
}

static int value_order(const void *left, const void *right)
{
	const struct kvs_counted *a = left, *b = right;

	return (a->value > b->value) - (a->value < b->value);
}

void kvs_values_sort(struct kvs_values *v)
{
	size_t nr = 0;

	gsl_sort(v->censored, 1, v->nr_censored);
	if (!v->hashed)
		return;
	for (size_t i = 0; i < v->room; i++)
		if (v->seen[i].count)
			v->seen[nr++] = v->seen[i];
	v->hashed = false;
	if (nr)
		qsort(v->seen, nr, sizeof(*v->seen), value_order);
}

/* The largest of all values, censored or not; the values are sorted. */
static double largest_value(const struct kvs_values *v)
{
	double last = v->distinct ? v->seen[v->distinct - 1].value : -INFINITY;

	if (v->nr_censored)
		last = fmax(last, v->censored[v->nr_censored - 1]);
	return last;
}

/* As in stats.c: the quantile where the survival curve is level, from value @i to the next */
static struct kvs_obs level_quantile(const struct kvs_values *v, size_t i)
{
	double value = v->seen[i].value, last = largest_value(v);
	bool longer = v->nr_censored && v->censored[v->nr_censored - 1] >= value;

	if (i + 1 < v->distinct)
		return (struct kvs_obs){ (value + v->seen[i + 1].value) / 2, false };
	return (struct kvs_obs){ (value + last) / 2, longer };
}

/* The same as kvs_quantile(), but without a copy of all values */
bool kvs_values_quantile(struct kvs_values *v, double q, struct kvs_obs *obs)
{
	uint64_t all = v->nr + v->nr_censored, below = 0;
	double survive = 1, level = 1 - q;
	size_t gone = 0;

	if (!all)
		return false;
	kvs_values_sort(v);
	for (size_t i = 0; i < v->distinct; below += v->seen[i++].count) {
		double value = v->seen[i].value, at_risk;

		/* Skip what was censored below; one censored at this value lasted longer. */
		while (gone < v->nr_censored && v->censored[gone] < value)
			gone++;
		at_risk = all - below - gone;
		survive *= (at_risk - v->seen[i].count) / at_risk;
		if (fabs(survive - level) < KVS_LEVEL_EPS) {
			*obs = level_quantile(v, i);
			return true;
		}
		if (survive < level) {
			*obs = (struct kvs_obs){ value, false };
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
	kvs_values_sort(v);
	for (size_t i = 0; i < v->distinct; i++)
		sum += (double)v->seen[i].value * v->seen[i].count;
	for (size_t i = 0; i < v->nr_censored; i++)
		sum += v->censored[i];
	*obs = (struct kvs_obs){ sum / (v->nr + v->nr_censored), v->nr_censored > 0 };
	return true;
}
