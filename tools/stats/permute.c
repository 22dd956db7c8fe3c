// SPDX-License-Identifier: GPL-2.0-only
/*
 * The permutation test and its inversion.
 *
 * The score of a value is the number of all other values that are certainly smaller,
 * minus the number of those that are certainly larger.  The scores of all values sum
 * to 0.  The scores of one arm sum to the statistic: the number of comparisons with the
 * other arm's values that it wins, minus the number that it loses, which is na * nb
 * times Cliff's delta.  If the arms don't differ, every choice of nb values out of
 * na + nb was as likely as the one that was seen.  Since scores are whole numbers, the
 * choices can be counted by their sums without listing them (the shift algorithm of
 * Streitberg and Roehmel, 1986).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort_double.h>

#include "base/util.h"
#include "stats/stats.h"

#define EXACT_STEPS	4e8	/* additions: about a second */

struct kvs_permuter {
	uint64_t seed;
	double limit;
	size_t na, nb;
	long *scores;		/* sorted; the distribution in @tail is that of these */
	double *tail;		/* tail[t]: P(|statistic| >= t), t = 0 .. na * nb + 1 */
	bool exact;
};

struct kvs_permuter *kvs_permuter_create(uint64_t seed)
{
	struct kvs_permuter *p = xcalloc(1, sizeof(*p));

	p->seed = seed;
	p->limit = EXACT_STEPS;
	return p;
}

void kvs_permuter_destroy(struct kvs_permuter *p)
{
	if (!p)
		return;
	free(p->scores);
	free(p->tail);
	free(p);
}

void kvs_permuter_limit(struct kvs_permuter *p, double steps)
{
	p->limit = steps;
	p->na = p->nb = 0;
}

uint64_t kvs_permuter_seed(const struct kvs_permuter *p)
{
	return p->seed;
}

static int long_order(const void *left, const void *right)
{
	const long *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The largest |sum| of @k scores out of @n */
static long largest_sum(size_t n, size_t k)
{
	return (long)(k * (n - k));
}

/* The same for any number of scores */
static long largest_of_sums(size_t n)
{
	return largest_sum(n, n / 2);
}

/*
 * ways[k][s] is the number of ways in which k of the scores so far sum to s.  These numbers
 * get large, so they are floating point: exact up to 2^53, and precise to 15 digits
 * beyond.
 */
static void count_ways(const long *scores, size_t n, size_t nb, double *ways)
{
	long w = largest_of_sums(n), width = 2 * w + 1;

	ways[w] = 1;
	for (size_t i = 0; i < n; i++) {
		size_t most = i + 1 < nb ? i + 1 : nb;

		for (size_t k = most; k >= 1; k--) {
			double *to = ways + k * width;
			const double *from = ways + (k - 1) * width;
			long lo = scores[i] > 0 ? scores[i] : 0;
			long hi = scores[i] < 0 ? width + scores[i] : width;

			for (long s = lo; s < hi; s++)
				to[s] += from[s - scores[i]];
		}
	}
}

static void fill_exact_tail(struct kvs_permuter *p, size_t n)
{
	long w = largest_of_sums(n), width = 2 * w + 1, most = largest_sum(n, p->nb);
	double *ways = xcalloc((p->nb + 1) * width, sizeof(*ways));
	const double *sums = ways + p->nb * width + w;
	double all = 0;

	count_ways(p->scores, n, p->nb, ways);
	for (long t = most; t > 0; t--) {
		all += sums[t] + sums[-t];
		p->tail[t] = all;
	}
	all += sums[0];
	p->tail[0] = all;
	for (long t = 0; t <= most; t++)
		p->tail[t] /= all;
	free(ways);
}

/* The permutation that was seen counts as one of those drawn, so p is never 0. */
static void fill_drawn_tail(struct kvs_permuter *p, size_t n)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	long *drawn = xcalloc(p->nb, sizeof(*drawn)), most = largest_sum(n, p->nb);

	gsl_rng_set(rng, p->seed);
	for (long draw = 0; draw < KVS_PERMUTATIONS; draw++) {
		long sum = 0;

		gsl_ran_choose(rng, drawn, p->nb, p->scores, n, sizeof(*drawn));
		for (size_t k = 0; k < p->nb; k++)
			sum += drawn[k];
		p->tail[labs(sum)]++;
	}
	for (long t = most; t > 0; t--)
		p->tail[t - 1] += p->tail[t];
	for (long t = 0; t <= most; t++)
		p->tail[t] = (p->tail[t] + 1) / (KVS_PERMUTATIONS + 1);
	free(drawn);
	gsl_rng_free(rng);
}

/*
 * Compute the distribution of the statistic for these sizes and sorted @scores, unless it
 * is there already.  Takes over @scores.
 */
static void set_distribution(struct kvs_permuter *p, size_t na, size_t nb, long *scores)
{
	size_t n = na + nb;
	double steps = (double)n * nb * (2.0 * largest_of_sums(n) + 1);

	if (p->na == na && p->nb == nb &&
	    !memcmp(p->scores, scores, n * sizeof(*scores))) {
		free(scores);
		return;
	}
	free(p->scores);
	free(p->tail);
	p->na = na;
	p->nb = nb;
	p->scores = scores;
	/* One element more than there are statistics: for one out of reach, p = 0. */
	p->tail = xcalloc(na * nb + 2, sizeof(*p->tail));
	p->exact = steps <= p->limit;
	if (p->exact)
		fill_exact_tail(p, n);
	else
		fill_drawn_tail(p, n);
}

/*
 * The statistic of @arms if @shift is subtracted from the values of @b.  Fills in the
 * @scores of all values, those of @b after those of @a.
 */
static long score_all(const struct kvs_arms *arms, double shift, long *scores)
{
	size_t n = arms->na + arms->nb;
	struct kvs_obs *all = xcalloc(n, sizeof(*all));
	long statistic = 0;

	memcpy(all, arms->a, arms->na * sizeof(*all));
	memcpy(all + arms->na, arms->b, arms->nb * sizeof(*all));
	for (size_t j = arms->na; j < n; j++)
		all[j].value -= shift;
	for (size_t i = 0; i < n; i++) {
		scores[i] = 0;
		for (size_t j = 0; j < n; j++)
			scores[i] += kvs_order(all[j], all[i]);
	}
	for (size_t j = arms->na; j < n; j++)
		statistic += scores[j];
	free(all);
	return statistic;
}

static double p_shifted(struct kvs_permuter *p, const struct kvs_arms *arms,
			double shift)
{
	size_t n = arms->na + arms->nb;
	long *scores = xcalloc(n, sizeof(*scores));
	long statistic = score_all(arms, shift, scores);

	qsort(scores, n, sizeof(*scores), long_order);
	set_distribution(p, arms->na, arms->nb, scores);
	return p->tail[labs(statistic)];
}

double kvs_permutation_p(struct kvs_permuter *p, const struct kvs_arms *arms,
			 bool *exact)
{
	double value = p_shifted(p, arms, 0);

	if (exact)
		*exact = p->exact;
	return value;
}

long kvs_critical(struct kvs_permuter *p, size_t na, size_t nb, double alpha)
{
	size_t n = na + nb;
	long *scores = xcalloc(n, sizeof(*scores)), t = na * nb;

	for (size_t i = 0; i < n; i++)
		scores[i] = 2 * (long)i - (long)n + 1;
	set_distribution(p, na, nb, scores);
	while (t >= 0 && p->tail[t] <= alpha)
		t--;
	return t + 1;
}

/*
 * As a function of the shift, p changes only where some b - a equals the shift.  So there
 * are n differences @d, sorted and all different, and 2 n + 1 shifts to try.  Position 0
 * is a shift below the first difference, position 2 i + 1 is difference i, and position
 * 2 i + 2 lies between difference i and the next.
 */
struct grid {
	struct kvs_permuter *permuter;
	const struct kvs_arms *arms;
	double *d;
	size_t n;
	double alpha;
};

static double shift_at(const struct grid *g, size_t at)
{
	size_t i = at / 2;
	double wide = g->d[g->n - 1] - g->d[0] + fabs(g->d[0]) + 1;

	if (at % 2)
		return g->d[i];
	if (!i)
		return g->d[0] - wide;
	if (i == g->n)
		return g->d[g->n - 1] + wide;
	return g->d[i - 1] + (g->d[i] - g->d[i - 1]) / 2;
}

static bool is_accepted(const struct grid *g, size_t at)
{
	return p_shifted(g->permuter, g->arms, shift_at(g, at)) > g->alpha;
}

/* The last position that is accepted on the way from @in, which is accepted, to @out */
static size_t find_edge(const struct grid *g, size_t in, size_t out)
{
	if (is_accepted(g, out))
		return out;
	while (in + 1 < out || out + 1 < in) {
		size_t middle = (in + out) / 2;

		if (is_accepted(g, middle))
			in = middle;
		else
			out = middle;
	}
	return in;
}

static void grid_init(struct grid *g)
{
	const struct kvs_arms *arms = g->arms;
	size_t all = 0;

	g->d = xcalloc(arms->na * arms->nb, sizeof(*g->d));
	for (size_t i = 0; i < arms->na; i++)
		for (size_t j = 0; j < arms->nb; j++)
			g->d[all++] = arms->b[j].value - arms->a[i].value;
	gsl_sort(g->d, 1, all);
	/* Differences that differ by rounding only count as one. */
	for (size_t i = 0; i < all; i++) {
		double last = g->n ? g->d[g->n - 1] : 0;

		if (!g->n || g->d[i] - last > 1e-12 * (fabs(last) + fabs(g->d[i])))
			g->d[g->n++] = g->d[i];
	}
}

/* The position nearest to the estimate, which the test accepts at any level */
static size_t find_centre(const struct grid *g, double estimate)
{
	size_t best = 1;

	for (size_t at = 1; at < 2 * g->n; at++)
		if (fabs(shift_at(g, at) - estimate) <
		    fabs(shift_at(g, best) - estimate))
			best = at;
	return best;
}

void kvs_shift_interval(struct kvs_permuter *p, const struct kvs_arms *arms,
			double confidence, double ci[2])
{
	struct grid g = { .permuter = p, .arms = arms, .alpha = 1 - confidence };
	size_t middle, low, high;

	grid_init(&g);
	middle = find_centre(&g, kvs_hodges_lehmann(arms, NULL));
	low = find_edge(&g, middle, 0);
	high = find_edge(&g, middle, 2 * g.n);
	/* Between two differences nothing changes, so the ends are differences. */
	ci[0] = !low ? -INFINITY : g.d[low % 2 ? low / 2 : low / 2 - 1];
	ci[1] = high == 2 * g.n ? INFINITY : g.d[high / 2];
	free(g.d);
}
