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

/*
 * A metric takes one distribution for p, and with ties up to two dozen for the interval;
 * a pair of arms has twelve metrics.  So each may take some milliseconds.
 */
#define EXACT_STEPS	8e6	/* additions */
#define DRAWN_STEPS	2e6

/*
 * All scores sum to 0, so those of the arms sum to the same but for the sign, and it is
 * enough to choose the smaller arm's.
 */
struct kvs_permuter {
	uint64_t seed;
	double limit;
	size_t n, k;		/* scores, and how many of them are chosen: up to half */
	long *scores;		/* sorted; the distribution in @tail is that of these */
	double *tail;		/* tail[t]: P(|statistic| >= t), t = 0 .. k * (n - k) + 1 */
	bool exact;
	/* Drawn choices, made once for each @n and @k: indices of scores, @k for each */
	struct {
		size_t n, k, nr;
		uint32_t *at;
	} drawn;
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
	free(p->drawn.at);
	free(p);
}

void kvs_permuter_limit(struct kvs_permuter *p, double steps)
{
	p->limit = steps;
	p->n = p->k = 0;
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

static size_t smaller_arm(size_t na, size_t nb)
{
	return na < nb ? na : nb;
}

/*
 * ways[j][s] is the number of ways in which j of the scores so far sum to s.  These numbers
 * get large, so they are floating point: exact up to 2^53, and precise to 15 digits
 * beyond.
 */
static void count_ways(const long *scores, size_t n, size_t k, double *ways)
{
	long zero = largest_sum(n, k), width = 2 * zero + 1;

	ways[zero] = 1;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1 < k ? i + 1 : k; j >= 1; j--) {
			double *to = ways + j * width;
			const double *from = ways + (j - 1) * width;
			long reach = largest_sum(n, j);
			long lo = zero - reach, hi = zero + reach + 1;

			if (lo < scores[i])
				lo = scores[i];
			if (hi > width + scores[i])
				hi = width + scores[i];
			for (long s = lo; s < hi; s++)
				to[s] += from[s - scores[i]];
		}
	}
}

static double steps_of(size_t n, size_t k)
{
	return (double)n * k * (2.0 * largest_sum(n, k) + 1);
}

static void fill_exact_tail(struct kvs_permuter *p)
{
	long most = largest_sum(p->n, p->k), width = 2 * most + 1;
	double *ways = xcalloc((p->k + 1) * width, sizeof(*ways));
	const double *sums = ways + p->k * width + most;
	double all = 0;

	count_ways(p->scores, p->n, p->k, ways);
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

static size_t draws_for(size_t k)
{
	double most = DRAWN_STEPS / (k ? k : 1);

	if (most >= KVS_PERMUTATIONS)
		return KVS_PERMUTATIONS;
	return most > KVS_PERMUTATIONS_LEAST ? most : KVS_PERMUTATIONS_LEAST;
}

/* The choices depend on the seed and on the sizes alone: each metric gets the same ones. */
static void draw_choices(struct kvs_permuter *p)
{
	gsl_rng *rng;
	uint32_t *all;

	if (p->drawn.n == p->n && p->drawn.k == p->k)
		return;
	p->drawn.n = p->n;
	p->drawn.k = p->k;
	p->drawn.nr = draws_for(p->k);
	p->drawn.at = xrealloc(p->drawn.at, p->drawn.nr * p->k * sizeof(*p->drawn.at));
	all = xcalloc(p->n, sizeof(*all));
	for (size_t i = 0; i < p->n; i++)
		all[i] = i;
	rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(rng, p->seed);
	for (size_t draw = 0; draw < p->drawn.nr; draw++)
		gsl_ran_choose(rng, p->drawn.at + draw * p->k, p->k, all, p->n, sizeof(*all));
	gsl_rng_free(rng);
	free(all);
}

/*
 * The permutation that was seen counts as one of those drawn: so p is never 0, and a
 * verdict at a level is wrong no more often than the level says, however few are drawn
 * (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).
 */
static void fill_drawn_tail(struct kvs_permuter *p)
{
	long most = largest_sum(p->n, p->k);
	const uint32_t *at;

	draw_choices(p);
	at = p->drawn.at;
	for (size_t draw = 0; draw < p->drawn.nr; draw++) {
		long sum = 0;

		for (size_t j = 0; j < p->k; j++)
			sum += p->scores[*at++];
		p->tail[labs(sum)]++;
	}
	for (long t = most; t > 0; t--)
		p->tail[t - 1] += p->tail[t];
	for (long t = 0; t <= most; t++)
		p->tail[t] = (p->tail[t] + 1) / (p->drawn.nr + 1);
}

/*
 * Compute the distribution of the statistic for these sizes and sorted @scores, unless it
 * is there already.  Takes over @scores.
 */
static void set_distribution(struct kvs_permuter *p, size_t na, size_t nb, long *scores)
{
	size_t n = na + nb, k = smaller_arm(na, nb);

	if (p->n == n && p->k == k && !memcmp(p->scores, scores, n * sizeof(*scores))) {
		free(scores);
		return;
	}
	free(p->scores);
	free(p->tail);
	p->n = n;
	p->k = k;
	p->scores = scores;
	/* One element more than there are statistics: for one out of reach, p = 0. */
	p->tail = xcalloc(na * nb + 2, sizeof(*p->tail));
	p->exact = steps_of(n, k) <= p->limit;
	if (p->exact)
		fill_exact_tail(p);
	else
		fill_drawn_tail(p);
}

size_t kvs_permuter_draws(const struct kvs_permuter *p, size_t na, size_t nb)
{
	size_t k = smaller_arm(na, nb);

	return steps_of(na + nb, k) <= p->limit ? 0 : draws_for(k);
}

double kvs_permuter_least_p(const struct kvs_permuter *p, size_t na, size_t nb)
{
	size_t draws = kvs_permuter_draws(p, na, nb);

	return fmax(kvs_least_p(na, nb), draws ? 1.0 / (draws + 1) : 0);
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
			 size_t *draws)
{
	double value = p_shifted(p, arms, 0);

	if (draws)
		*draws = p->exact ? 0 : p->drawn.nr;
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
