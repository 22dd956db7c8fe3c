// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints histograms of all arms side by side, on one scale.  Bins begin at 1, 2 and 5 times
 * each power of ten; bars are shares of an arm's values.
 */
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/rows.h"
#include "base/util.h"
#include "compare/compare.h"

#define BAR		20	/* characters, at most */
#define MIN_BAR		10
#define LABEL		10	/* columns of the labels */
#define BESIDE_BAR	11	/* columns that each arm takes beside its bar */

bool kvs_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/*
 * The range of the values of all arms; false if none is above 0.  @low is above 0, as a scale
 * of powers needs it; smaller values go to the first bin.
 */
static bool find_range(const struct kvs_study *study, enum kvs_metric m, double *low, double *high)
{
	*low = INFINITY;
	*high = 0;
	for (size_t i = 0; i < study->nr_arms; i++) {
		struct kvs_values *v = &study->arms[i].pool[m];

		kvs_values_sort(v);
		for (size_t k = 0; k < v->distinct; k++) {
			if (v->seen[k].value > 0)
				*low = fmin(*low, v->seen[k].value);
			*high = fmax(*high, v->seen[k].value);
		}
		for (size_t k = 0; k < v->nr_censored; k++)
			*high = fmax(*high, v->censored[k]);
	}
	*low = fmin(*low, *high);
	return *high > 0;
}

static double next_edge(double edge)
{
	double decade = pow(10, floor(log10(edge) + 1e-9));
	double digit = round(edge / decade);

	return digit < 2 ? 2 * decade : digit < 5 ? 5 * decade : 10 * decade;
}

static void make_edges(struct kvs_spread *b, double low, double high)
{
	double edge = pow(10, floor(log10(low) + 1e-9));

	while (next_edge(edge) <= low)
		edge = next_edge(edge);
	b->nr = 0;
	while (edge <= high && b->nr < KVS_MAX_BINS) {
		b->edge[b->nr++] = edge;
		edge = next_edge(edge);
	}
	b->edge[b->nr] = edge;
}

static size_t bin_of(const struct kvs_spread *b, double x)
{
	size_t i = 0;

	while (i + 1 < b->nr && x >= b->edge[i + 1])
		i++;
	return i;
}

/*
 * The share of the values, which find_range() sorted, in each bin; @open: some values
 * of the bin are censored.
 */
static void count_shares(const struct kvs_spread *b, const struct kvs_values *v,
			 double share[KVS_MAX_BINS], bool open[KVS_MAX_BINS])
{
	double one = 1.0 / (v->nr + v->nr_censored);

	memset(share, 0, KVS_MAX_BINS * sizeof(*share));
	memset(open, 0, KVS_MAX_BINS * sizeof(*open));
	for (size_t i = 0; i < v->distinct; i++)
		share[bin_of(b, v->seen[i].value)] += one * v->seen[i].count;
	for (size_t i = 0; i < v->nr_censored; i++) {
		share[bin_of(b, v->censored[i])] += one;
		open[bin_of(b, v->censored[i])] = true;
	}
}

/* A bar with a resolution of an eighth of a character in UTF-8, else of whole ones */
static void print_bar(double share, double largest, int bar)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int n = lround(8 * bar * share / largest), width = n / 8;

	if (share > 0 && !n)
		n = 1;
	if (!kvs_utf8()) {
		width = (n + 7) / 8;
		for (int i = 0; i < width; i++)
			putchar('#');
	} else {
		for (int i = 0; i < width; i++)
			fputs("█", stdout);
		fputs(eighths[n % 8], stdout);
		width += n % 8 > 0;
	}
	printf("%*s", bar - width, "");
}

static void print_label(enum kvs_metric m, double edge)
{
	if (strcmp(kvs_metrics[m].unit, "ns"))
		printf("%10g", *kvs_metrics[m].unit ? edge : 100 * edge);
	else if (edge >= 1e9)
		printf("%7g s ", edge / 1e9);
	else if (edge >= 1e6)
		printf("%7g ms", edge / 1e6);
	else if (edge >= 1e3)
		printf(kvs_utf8() ? "%7g µs" : "%7g us", edge / 1e3);
	else
		printf("%7g ns", edge);
}

static void print_title(enum kvs_metric m)
{
	struct kvs_lines lines = kvs_lines_begin(2);

	putchar('\n');
	kvs_lines_bold(&lines, "%s", kvs_metrics[m].title);
	kvs_lines_add(&lines, ": %s; share of each arm's values", kvs_metrics[m].what);
	kvs_lines_end(&lines);
}

/* Arms that stand beside each other */
struct side {
	size_t first, end;
	int bar;	/* columns of a whole bar */
};

static void print_heading(const struct kvs_study *study, const struct side *side)
{
	int width = side->bar + BESIDE_BAR - 2;

	printf("%*s", LABEL, "from");
	for (size_t i = side->first; i < side->end; i++)
		printf("  %-*.*s", width, width, study->arms[i].name);
	putchar('\n');
}

/* The same number of arms in each part of the histogram, with bars as long as there is room */
static struct side first_side(size_t nr_arms)
{
	size_t room = kvs_width() - LABEL, most = room / (MIN_BAR + BESIDE_BAR);
	size_t parts = (nr_arms + most - !!most) / (most ? most : 1);
	size_t arms = (nr_arms + parts - 1) / parts;
	size_t bar = room / arms > BESIDE_BAR + MIN_BAR ? room / arms - BESIDE_BAR : MIN_BAR;

	return (struct side){ .end = arms, .bar = bar < BAR ? bar : BAR };
}

bool kvs_spread_make(const struct kvs_study *study, enum kvs_metric m, struct kvs_spread *b)
{
	double low, high;

	if (!find_range(study, m, &low, &high))
		return false;
	make_edges(b, low, high);
	b->share = xcalloc(study->nr_arms, sizeof(*b->share));
	b->open = xcalloc(study->nr_arms, sizeof(*b->open));
	for (size_t i = 0; i < study->nr_arms; i++)
		count_shares(b, &study->arms[i].pool[m], b->share[i], b->open[i]);
	return true;
}

void kvs_spread_free(struct kvs_spread *b)
{
	free(b->share);
	free(b->open);
}

/* Whether some values have no end */
static bool print_side(const struct kvs_study *study, enum kvs_metric m,
		       const struct kvs_spread *b, const struct side *side, double largest)
{
	bool any = false;

	print_heading(study, side);
	for (size_t k = 0; k < b->nr; k++) {
		print_label(m, b->edge[k]);
		for (size_t i = side->first; i < side->end; i++) {
			printf("  ");
			print_bar(b->share[i][k], largest, side->bar);
			printf(" %6.2f%%%c", 100 * b->share[i][k], b->open[i][k] ? '+' : ' ');
			any |= b->open[i][k];
		}
		putchar('\n');
	}
	return any;
}

void kvs_histogram(const struct kvs_study *study, enum kvs_metric m)
{
	struct side side = first_side(study->nr_arms);
	size_t arms = side.end;
	double largest = 0;
	bool any = false;
	struct kvs_spread b;

	if (!kvs_spread_make(study, m, &b))
		return;
	for (size_t i = 0; i < study->nr_arms; i++)
		for (size_t k = 0; k < b.nr; k++)
			largest = fmax(largest, b.share[i][k]);
	print_title(m);
	for (; side.first < study->nr_arms; side.first = side.end) {
		side.end = side.first + arms < study->nr_arms ? side.first + arms :
								study->nr_arms;
		any |= print_side(study, m, &b, &side, largest);
	}
	if (any)
		printf("%*s  +: with values whose end was not seen\n", LABEL, "");
	kvs_spread_free(&b);
}
