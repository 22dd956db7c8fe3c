// SPDX-License-Identifier: GPL-2.0-only
/*
 * A comparison as text.  Each metric takes two lines, one for each arm; what
 * holds for both stands in the second.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare/compare.h"
#include "report/print.h"

/* Times are shown in µs, shares in percent. */
static double shown(unsigned int m, double x)
{
	if (!strcmp(ks_metrics[m].unit, "ns"))
		return x / 1000;
	return *ks_metrics[m].unit ? x : 100 * x;
}

static const char *unit_of(unsigned int m)
{
	if (!strcmp(ks_metrics[m].unit, "ns"))
		return ks_utf8() ? "µs" : "us";
	return *ks_metrics[m].unit ? ks_metrics[m].unit : "%";
}

/* Differences may be small beside what they are of: four digits at least. */
static const char *signed_text(char text[32], double x)
{
	snprintf(text, 32, fabs(x) >= 100 || x == 0 ? "%+.2f" : "%+.4g", x);
	return text;
}

static void cell_value(struct ks_rows *rows, unsigned int m, struct ks_values *v,
		       double q)
{
	struct ks_obs obs;

	if (!ks_values_quantile(v, q, &obs))
		ks_cell(rows, "-");
	else
		ks_cell(rows, "%s%.2f", obs.censored ? ">=" : "", shown(m, obs.value));
}

static void arm_cells(struct ks_rows *rows, unsigned int m, struct ks_arm *arm)
{
	ks_cell(rows, "%s", arm->name);
	cell_value(rows, m, &arm->pool[m], 0.5);
	cell_value(rows, m, &arm->pool[m], 0.99);
	cell_value(rows, m, &arm->pool[m], 1);
}

static const char *const bounds[] = {
	[KS_BOUND_NONE] = "", [KS_BOUND_LOWER] = ">=", [KS_BOUND_UPPER] = "<=",
	[KS_BOUND_UNKNOWN] = "~",
};

/* An end at infinity: so few units exclude nothing on that side. */
static void cell_interval(struct ks_rows *rows, unsigned int m, const double ci[2])
{
	char low[32], high[32];

	if (isnan(ci[0]))
		ks_cell(rows, "-");
	else
		ks_cell(rows, "%s .. %s", signed_text(low, shown(m, ci[0])),
			signed_text(high, shown(m, ci[1])));
}

static void cell_p(struct ks_rows *rows, double p)
{
	if (isnan(p))
		ks_cell(rows, "-");
	else if (p < 0.0001)
		ks_cell(rows, "<0.0001");
	else
		ks_cell(rows, "%.4f", p);
}

static void cell_verdict(struct ks_rows *rows, unsigned int m,
			 const struct ks_result *r, bool too_short)
{
	const char *name = ks_verdict_name(r->verdict);

	if (r->verdict == KS_V_TOO_FEW && too_short)
		ks_cell(rows, "too few: too short");
	else if (r->verdict == KS_V_TOO_FEW && r->needed)
		ks_cell(rows, "too few: needs %zu", r->needed);
	else if (r->verdict == KS_V_TOO_FEW)
		ks_cell(rows, "too few");
	else if (r->verdict != KS_V_NONE)
		ks_cell(rows, "%s%s%s", ks_bold(), name, ks_plain());
	else if (isnan(r->detectable))
		ks_cell(rows, "%s", name);
	else if (r->detectable == 0)
		ks_cell(rows, "none; any would show");
	else
		ks_cell(rows, "none; %.3g would show", shown(m, r->detectable));
}

static void result_cells(struct ks_rows *rows, unsigned int m,
			 const struct ks_result *r, bool too_short)
{
	char text[32];

	if (isnan(r->difference)) {
		ks_cell(rows, "-");
		ks_cell(rows, "-");
		ks_cell(rows, "-");
	} else {
		ks_cell(rows, "%s%s", bounds[r->bound],
			signed_text(text, shown(m, r->difference)));
		cell_interval(rows, m, r->ci);
		ks_cell(rows, "%+.2f", r->effect);
	}
	cell_p(rows, r->corrected);
	cell_verdict(rows, m, r, too_short);
}

static void pair_table(const struct ks_comparison *pair, bool too_short)
{
	static const char *const headings[] = {
		"<Metric", "<Unit", "<Arm", "Median", "p99", "Max", "Difference",
		"95 % interval", "Effect", "p", "<Verdict", NULL
	};
	struct ks_rows rows = ks_rows_begin(headings);

	for (unsigned int m = 0; m < KS_NR_METRICS; m++) {
		if (!pair->result[m].present)
			continue;
		ks_row(&rows);
		ks_cell(&rows, "%s", ks_metrics[m].title);
		ks_cell(&rows, "%s", unit_of(m));
		arm_cells(&rows, m, pair->a);
		ks_row(&rows);
		ks_cell(&rows, "%s", "");
		ks_cell(&rows, "%s", "");
		arm_cells(&rows, m, pair->b);
		result_cells(&rows, m, &pair->result[m], too_short);
	}
	ks_rows_end(&rows);
}

static void print_pair(const struct ks_study *study,
		       const struct ks_comparison *pair)
{
	printf("\n%s%s against %s%s: %zu tests\n", ks_bold(), pair->b->name,
	       pair->a->name, ks_plain(), pair->tests);
	pair_table(pair, study->settings.too_short);
}

/* What a median, or whatever stands for a unit, is of. */
static void print_statistic(const struct ks_settings *s, const char *unit)
{
	if (s->statistic == KS_STATISTIC_MEAN)
		printf("What stands for a %s is the mean of its values.\n", unit);
	else if (s->statistic == 0.5)
		printf("What stands for a %s is the median of its values.\n", unit);
	else
		printf("What stands for a %s is the %g quantile of its values.\n",
		       unit, s->statistic);
}

static void print_unit(const struct ks_study *study)
{
	bool blocks = study->settings.by == KS_BY_BLOCK;
	const char *unit = blocks ? "block" : "round";

	printf("%sUnit of inference: %s%s", ks_bold(), unit, ks_plain());
	for (size_t i = 0; i < study->nr_arms; i++)
		printf("%s %zu of %s", i ? "," : ":", study->arms[i].units,
		       study->arms[i].name);
	printf("\n");
	if (study->settings.too_short)
		printf("%sToo short%s: %d blocks of %d of the longest slices need recordings of %.1f s each.\n",
		       ks_alarm(), ks_plain(), KS_MIN_BLOCKS, KS_BLOCK_SLICES,
		       study->needed_ns / 1e9);
	else if (blocks)
		printf("One recording an arm, cut into blocks of %.3f s, at least %d of the longest slices each.\n",
		       study->block_ns / 1e9, KS_BLOCK_SLICES);
	if (blocks)
		printf("Blocks tell of these very runs; rounds (kvmsched experiment) tell of the policies.\n");
	print_statistic(&study->settings, unit);
}

static void print_notes(const struct ks_study *study)
{
	if (study->deterministic)
		printf("\n%sdeterministic%s: all rounds of an arm are the same in every metric; p counts them, but they\n"
		       "are one observation, made again.  What differs here differs on this machine, always.\n",
		       ks_bold(), ks_plain());
	for (size_t i = 0; i < study->nr_arms; i++) {
		const struct ks_arm *arm = &study->arms[i];

		if (arm->starved)
			printf("\n%s: %u times a vCPU was starved for a whole round; its wait is as long as that, at least.\n",
			       arm->name, arm->starved);
		if (arm->lost)
			printf("\n%s%s: %llu records lost%s\n", ks_alarm(), arm->name,
			       (unsigned long long)arm->lost, ks_plain());
	}
	if (study->settings.by == KS_BY_BLOCK && study->nr_arms == 2 &&
	    study->arms[0].vcpus != study->arms[1].vcpus)
		printf("\n%s shows %u vCPUs and %s %u: one that never ran leaves no record.\n",
		       study->arms[0].name, study->arms[0].vcpus,
		       study->arms[1].name, study->arms[1].vcpus);
}

static void cost_cells(struct ks_rows *rows, const struct ks_cost_range *ranges)
{
	ks_cell(rows, "%.3f .. %.3f", 100 * ranges[KS_COST_RUN].low,
		100 * ranges[KS_COST_RUN].high);
	ks_cell(rows, "%.1f .. %.1f", ranges[KS_COST_SWITCHES].low,
		ranges[KS_COST_SWITCHES].high);
}

/* One round has no spread: it is shown beside the others, and judged by eye. */
static void print_cost(const struct ks_study *study)
{
	static const char *const headings[] = {
		"<Arm", "<Rounds", "On CPU %", "Switches 1/s", NULL
	};
	struct ks_rows rows = { .table = NULL };
	struct ks_costs costs;

	for (size_t i = 0; i < study->nr_arms; i++) {
		if (!ks_study_cost(study, i, &costs))
			continue;
		if (!rows.table) {
			printf("\n%sWhat recording costs%s: the kernel's own counts of each round, per vCPU\n",
			       ks_bold(), ks_plain());
			rows = ks_rows_begin(headings);
		}
		ks_row(&rows);
		ks_cell(&rows, "%s", study->arms[i].name);
		ks_cell(&rows, "%u recorded", costs.recorded[0].rounds);
		cost_cells(&rows, costs.recorded);
		ks_row(&rows);
		ks_cell(&rows, "%s", "");
		ks_cell(&rows, "%u unrecorded", costs.unrecorded[0].rounds);
		cost_cells(&rows, costs.unrecorded);
	}
	if (rows.table)
		ks_rows_end(&rows);
}

static void print_legend(const struct ks_study *study)
{
	printf("\nMedian, p99 and max are of all values.  Difference: Hodges-Lehmann, second arm minus first, between\n"
	       "the units; its interval inverts the permutation test and is corrected for nothing.  Effect: Cliff's\n"
	       "delta.  p: permutation test, corrected by Holm for the tests of %s.  \"would show\": found in\n"
	       "%.0f %% of runs like this one.  >=: at least, the end was not seen.\n",
	       study->settings.all_pairs ? "all pairs" : "its pair", 100 * KS_POWER);
}

void ks_study_text(const struct ks_study *study, unsigned int histograms)
{
	print_unit(study);
	for (size_t i = 0; i < study->nr_pairs; i++)
		print_pair(study, &study->pairs[i]);
	print_notes(study);
	print_cost(study);
	print_legend(study);
	for (unsigned int m = 0; m < KS_NR_METRICS; m++)
		if (histograms & 1U << m)
			ks_histogram(study, m);
}
