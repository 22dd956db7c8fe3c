// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints a comparison as text.  Each metric takes two rows, one for each arm; the second
 * one also has what compares the two.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/rows.h"
#include "base/util.h"
#include "compare/compare.h"

/* Times are shown in µs, shares in percent. */
static double shown(unsigned int m, double x)
{
	if (!strcmp(kvs_metrics[m].unit, "ns"))
		return x / 1000;
	return *kvs_metrics[m].unit ? x : 100 * x;
}

const char *kvs_compare_unit(unsigned int m)
{
	if (!strcmp(kvs_metrics[m].unit, "ns"))
		return kvs_utf8() ? "µs" : "us";
	return *kvs_metrics[m].unit ? kvs_metrics[m].unit : "%";
}

/* At least four digits, since a difference may be small compared with the values */
static const char *signed_text(char text[32], double x)
{
	snprintf(text, 32, fabs(x) >= 100 || x == 0 ? "%+.2f" : "%+.4g", x);
	return text;
}

void kvs_compare_cell_value(struct kvs_rows *rows, unsigned int m, struct kvs_values *v, double q)
{
	struct kvs_obs obs;

	if (!kvs_values_quantile(v, q, &obs))
		kvs_cell(rows, "-");
	else
		kvs_cell(rows, "%s%.2f", obs.censored ? ">=" : "", shown(m, obs.value));
}

static void arm_cells(struct kvs_rows *rows, unsigned int m, struct kvs_arm *arm)
{
	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_metrics[m].title);
	kvs_cell(rows, "%s", kvs_compare_unit(m));
	kvs_cell(rows, "%s", arm->name);
	kvs_compare_cell_value(rows, m, &arm->pool[m], 0.5);
	kvs_compare_cell_value(rows, m, &arm->pool[m], 0.99);
	kvs_compare_cell_value(rows, m, &arm->pool[m], 1);
}

static const char *const bounds[] = {
	[KVS_BOUND_NONE] = "", [KVS_BOUND_LOWER] = ">=", [KVS_BOUND_UPPER] = "<=",
	[KVS_BOUND_UNKNOWN] = "~",
};

/* An end is infinite if there are too few units to exclude anything on that side. */
static void cell_interval(struct kvs_rows *rows, unsigned int m, const double ci[2])
{
	char low[32], high[32];

	if (isnan(ci[0]))
		kvs_cell(rows, "-");
	else
		kvs_cell(rows, "%s .. %s", signed_text(low, shown(m, ci[0])),
			 signed_text(high, shown(m, ci[1])));
}

void kvs_compare_cell_p(struct kvs_rows *rows, double p)
{
	if (isnan(p))
		kvs_cell(rows, "-");
	else if (p < 0.0001)
		kvs_cell(rows, "<0.0001");
	else
		kvs_cell(rows, "%.4f", p);
}

char *kvs_verdict_words(enum kvs_metric m, const struct kvs_result *r, bool too_short)
{
	if (r->verdict == KVS_V_TOO_FEW && too_short)
		return xstrdup("too few: too short");
	if (r->verdict == KVS_V_TOO_FEW && r->needed)
		return xasprintf("too few: needs %zu", r->needed);
	if (r->verdict == KVS_V_TOO_FEW && r->draws)
		return xstrdup("too few draws for p");
	if (r->verdict == KVS_V_TOO_FEW)
		return xstrdup("too few");
	if (r->verdict != KVS_V_NONE || isnan(r->detectable))
		return xstrdup(kvs_verdict_name(r->verdict));
	if (r->detectable == 0)
		return xstrdup("none; any would show");
	return xasprintf("none; %.3g would show", shown(m, r->detectable));
}

static void cell_verdict(struct kvs_rows *rows, unsigned int m,
			 const struct kvs_result *r, bool too_short)
{
	bool differs = r->verdict != KVS_V_NONE && r->verdict != KVS_V_TOO_FEW;
	char *words = kvs_verdict_words(m, r, too_short);

	if (differs)
		kvs_cell_bold(rows, "%s", words);
	else
		kvs_cell(rows, "%s", words);
	free(words);
}

static void result_cells(struct kvs_rows *rows, unsigned int m,
			 const struct kvs_result *r, bool too_short)
{
	char text[32];

	if (isnan(r->difference)) {
		kvs_cell(rows, "-");
		kvs_cell(rows, "-");
	} else {
		kvs_cell(rows, "%s%s", bounds[r->bound],
			 signed_text(text, shown(m, r->difference)));
		kvs_cell(rows, "%+.2f", r->effect);
	}
	kvs_compare_cell_p(rows, r->corrected);
	cell_verdict(rows, m, r, too_short);
	if (isnan(r->difference))
		kvs_cell(rows, "-");
	else
		cell_interval(rows, m, r->ci);
}

static void pair_table(const struct kvs_comparison *pair, bool too_short)
{
	static const char *const headings[] = {
		"<Metric", "<Unit", "<Arm", "Median", "p99", "Max", "|Difference",
		"Effect", "p", "<Verdict", "|95 % interval", NULL
	};
	struct kvs_rows rows = kvs_rows_begin(headings);

	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		if (!pair->result[m].present)
			continue;
		arm_cells(&rows, m, pair->a);
		arm_cells(&rows, m, pair->b);
		result_cells(&rows, m, &pair->result[m], too_short);
	}
	kvs_rows_end(&rows);
}

static void print_pair(const struct kvs_study *study,
		       const struct kvs_comparison *pair)
{
	struct kvs_lines lines = kvs_lines_begin(2);

	putchar('\n');
	kvs_lines_bold(&lines, "%s against %s", pair->b->name, pair->a->name);
	kvs_lines_add(&lines, ": %zu tests", pair->tests);
	kvs_lines_end(&lines);
	pair_table(pair, study->settings.too_short);
}

/* Say which statistic represents a unit. */
static void print_statistic(const struct kvs_settings *s, const char *unit)
{
	if (s->statistic == KVS_STATISTIC_MEAN)
		kvs_say(0, "What stands for a %s is the mean of its values.", unit);
	else if (s->statistic == 0.5)
		kvs_say(0, "What stands for a %s is the median of its values.", unit);
	else
		kvs_say(0, "What stands for a %s is the %g quantile of its values.",
			unit, s->statistic);
}

/* Of a recording that is much longer than another one, not all blocks are compared. */
static void print_drawn_blocks(const struct kvs_study *study)
{
	for (size_t i = 0; i < study->nr_arms; i++) {
		const struct kvs_arm *arm = &study->arms[i];

		if (arm->fit > arm->units)
			kvs_say(0, "%s has time for %zu blocks: %zu are compared, each drawn from an "
				"equal part of it (--seed %" PRIu64 ").", arm->name, arm->fit,
				arm->units, study->settings.seed);
	}
}

/* ", from 1 s"; returns what comes before the next. */
static const char *add_when(struct kvs_lines *lines, const char *before, const char *what,
			    const struct kvs_when *when)
{
	char *text;

	if (when->kind == KVS_WHEN_OPEN)
		return before;
	text = kvs_when_text(when);
	kvs_lines_add(lines, "%s %s %s", before, what, text);
	free(text);
	return ",";
}

/* "Only VM web1, vCPU 0, from 1 s, to 2 s."; nothing, if all of the recordings counts */
static void print_part(const struct kvs_part *part)
{
	const struct kvs_select *select = &part->select;
	struct kvs_lines lines = kvs_lines_begin(0);
	const char *before = "Only";

	if (!kvs_vm_is_any(&select->vm)) {
		char *vm = kvs_vm_id_text(&select->vm);

		kvs_lines_add(&lines, "%s VM %s", before, vm);
		free(vm);
		before = ",";
	}
	if (select->vcpu >= 0) {
		kvs_lines_add(&lines, "%s vCPU %ld", before, select->vcpu);
		before = ",";
	}
	before = add_when(&lines, before, "from", &part->from);
	before = add_when(&lines, before, "to", &part->to);
	if (*before == ',') {
		kvs_lines_add(&lines, ".");
		kvs_lines_end(&lines);
	}
}

static void print_unit(const struct kvs_study *study)
{
	bool blocks = study->settings.by == KVS_BY_BLOCK;
	const char *unit = blocks ? "block" : "round";
	struct kvs_lines lines = kvs_lines_begin(0);

	kvs_lines_bold(&lines, "Unit of inference: %s", unit);
	for (size_t i = 0; i < study->nr_arms; i++)
		kvs_lines_add(&lines, "%s %zu of %s", i ? "," : ":", study->arms[i].units,
			      study->arms[i].name);
	kvs_lines_end(&lines);
	print_part(&study->part);
	if (study->settings.too_short) {
		kvs_lines_strong(&lines, "Too short");
		kvs_lines_add(&lines, ": %d blocks of %d of the longest slices need recordings of "
			      "%.1f s each.", KVS_MIN_BLOCKS, KVS_BLOCK_SLICES,
			      study->needed_ns / 1e9);
		kvs_lines_end(&lines);
	} else if (blocks) {
		kvs_say(0, "One recording an arm, divided into blocks of %.3g s, each at least %d "
			"of the longest slices long.", study->block_ns / 1e9, KVS_BLOCK_SLICES);
	}
	print_drawn_blocks(study);
	if (blocks)
		kvs_say(0, "Blocks allow a statement on these runs only, rounds (kvmsched "
			"experiment) one on the policies.");
	print_statistic(&study->settings, unit);
}

static void print_notes(const struct kvs_study *study)
{
	struct kvs_lines lines = kvs_lines_begin(0);

	if (study->deterministic) {
		putchar('\n');
		kvs_lines_bold(&lines, "deterministic");
		kvs_lines_add(&lines, ": all rounds of an arm are equal in every metric; p counts "
			      "them, but they are one observation, repeated. A difference seen here "
			      "will be there each time on this machine.");
		kvs_lines_end(&lines);
	}
	for (size_t i = 0; i < study->nr_arms; i++) {
		const struct kvs_arm *arm = &study->arms[i];

		if (arm->starved) {
			putchar('\n');
			kvs_say(0, "%s: %u times a vCPU was starved for a whole round; its wait "
				"counts as at least that long.", arm->name, arm->starved);
		}
		if (arm->lost) {
			putchar('\n');
			kvs_lines_strong(&lines, "%s: %llu records lost", arm->name,
					 (unsigned long long)arm->lost);
			kvs_lines_end(&lines);
		}
	}
	if (study->settings.by == KVS_BY_BLOCK && study->nr_arms == 2 &&
	    study->arms[0].vcpus != study->arms[1].vcpus) {
		putchar('\n');
		kvs_say(0, "%s shows %u vCPUs and %s %u: a vCPU that never ran leaves no record.",
			study->arms[0].name, study->arms[0].vcpus,
			study->arms[1].name, study->arms[1].vcpus);
	}
}

static void cost_cells(struct kvs_rows *rows, const struct kvs_cost_range *ranges)
{
	kvs_cell(rows, "%.3f .. %.3f", 100 * ranges[KVS_COST_RUN].low,
		 100 * ranges[KVS_COST_RUN].high);
	kvs_cell(rows, "%.1f .. %.1f", ranges[KVS_COST_SWITCHES].low,
		 ranges[KVS_COST_SWITCHES].high);
}

/*
 * There is no test, since there may be only one unrecorded round.  Its values stand beside
 * the ranges of the recorded ones, for the reader to judge.
 */
static void print_cost(const struct kvs_study *study)
{
	static const char *const headings[] = {
		"<Arm", "<Rounds", "On CPU %", "Switches 1/s", NULL
	};
	struct kvs_lines lines = kvs_lines_begin(2);
	struct kvs_rows rows = { .sheet = NULL };
	struct kvs_costs costs;

	for (size_t i = 0; i < study->nr_arms; i++) {
		if (!kvs_study_cost(study, i, &costs))
			continue;
		if (!rows.sheet) {
			putchar('\n');
			kvs_lines_bold(&lines, "What recording costs");
			kvs_lines_add(&lines, ": the kernel's own counts of each round, per vCPU");
			kvs_lines_end(&lines);
			rows = kvs_rows_begin(headings);
		}
		kvs_row(&rows);
		kvs_cell(&rows, "%s", study->arms[i].name);
		kvs_cell(&rows, "%u recorded", costs.recorded[0].rounds);
		cost_cells(&rows, costs.recorded);
		kvs_row(&rows);
		kvs_cell(&rows, "%s", "");
		kvs_cell(&rows, "%u unrecorded", costs.unrecorded[0].rounds);
		cost_cells(&rows, costs.unrecorded);
	}
	if (rows.sheet)
		kvs_rows_end(&rows);
}

/* Exact values take memory: a metric with very many different ones is rounded. */
static void print_rounding(const struct kvs_study *study)
{
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		double rounding = 0;

		for (size_t i = 0; i < study->nr_arms; i++)
			rounding = fmax(rounding, kvs_values_rounding(&study->arms[i].pool[m]));
		if (rounding > 0)
			kvs_say(0, "%s: too many different values, each is rounded by up to %.2g %%.",
				kvs_metrics[m].title, 100 * rounding);
	}
}

/* The fewest draws of any metric; 0: all permutations were counted in each */
static size_t fewest_draws(const struct kvs_study *study)
{
	size_t fewest = 0;

	for (size_t i = 0; i < study->nr_pairs; i++) {
		for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
			size_t draws = study->pairs[i].result[m].draws;

			if (draws && (!fewest || draws < fewest))
				fewest = draws;
		}
	}
	return fewest;
}

static void print_legend(const struct kvs_study *study)
{
	size_t draws = fewest_draws(study);

	putchar('\n');
	kvs_say(0, "Median, p99 and max are of all values. Difference: Hodges-Lehmann, second arm "
		"minus first, between the units; its interval inverts the permutation test and is "
		"corrected for nothing. Effect: Cliff's delta. p: permutation test, corrected by "
		"Holm for the tests of %s. \"would show\": found in %.0f %% of runs like this one. "
		">=: at least, the end was not seen.",
		study->settings.all_pairs ? "all pairs" : "its pair", 100 * KVS_POWER);
	if (draws)
		kvs_say(0, "p and intervals: where there are too many permutations to count, from "
			"%zu that are drawn (--seed %" PRIu64 ").", draws, study->settings.seed);
	else
		kvs_say(0, "p and intervals: all permutations are counted.");
	print_rounding(study);
}

/* Of the arms of two factors, only an arm and its control are compared as a pair. */
static void print_factors(const struct kvs_study *study)
{
	kvs_factors_text(study);
	for (size_t i = 0; i < study->nr_pairs; i++)
		if (kvs_study_is_control(study, &study->pairs[i]))
			print_pair(study, &study->pairs[i]);
}

void kvs_study_text(const struct kvs_study *study, unsigned int histograms)
{
	print_unit(study);
	if (study->factors)
		print_factors(study);
	for (size_t i = 0; !study->factors && i < study->nr_pairs; i++)
		print_pair(study, &study->pairs[i]);
	print_notes(study);
	print_cost(study);
	print_legend(study);
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++)
		if (histograms & 1U << m)
			kvs_histogram(study, m);
}
