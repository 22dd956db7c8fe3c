// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the effects of two factors, as text and as JSON.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/lines.h"
#include "base/rows.h"
#include "base/util.h"
#include "compare/compare.h"

static const char *const titles[] = {
	[KVS_E_HOST] = "the host's policy", [KVS_E_GUEST] = "the guests' policy",
	[KVS_E_INTERACTION] = "one on the other",
};

static void cell_verdict(struct kvs_rows *rows, const struct kvs_effect *e)
{
	if (e->verdict == KVS_EV_DIFFERS)
		kvs_cell_bold(rows, "%s", "differs");
	else if (e->verdict == KVS_EV_NONE)
		kvs_cell(rows, "%s", "none");
	else if (e->verdict == KVS_EV_BOUNDS)
		kvs_cell(rows, "%s", "no test: some are bounds");
	else
		kvs_cell(rows, "too few: needs %d", KVS_MIN_ROUNDS);
}

static void print_effects(const struct kvs_factors *f)
{
	struct kvs_lines lines = kvs_lines_begin(2);
	struct kvs_rows rows;

	putchar('\n');
	kvs_lines_bold(&lines, "Effects");
	kvs_lines_add(&lines, ": %zu tests", f->tests);
	kvs_lines_end(&lines);
	rows = kvs_rows_begin(KVS_HEADINGS("<Metric", "<Effect of", "p", "<Verdict"));
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		if (!(f->metrics & 1U << m))
			continue;
		for (unsigned int of = 0; of < KVS_NR_EFFECTS; of++) {
			kvs_row(&rows);
			kvs_cell(&rows, "%s", kvs_metrics[m].title);
			kvs_cell(&rows, "%s", titles[of]);
			kvs_compare_cell_p(&rows, f->effect[m][of].corrected);
			cell_verdict(&rows, &f->effect[m][of]);
		}
	}
	kvs_rows_end(&rows);
}

static void cells_levels(struct kvs_rows *rows, const struct kvs_factors *f, size_t cell)
{
	kvs_cell(rows, "%s", f->host[cell / f->nr_guest]);
	kvs_cell(rows, "%s", f->guest[cell % f->nr_guest]);
}

static void print_cells(const struct kvs_study *study, const struct kvs_factors *f,
			unsigned int m)
{
	struct kvs_lines lines = kvs_lines_begin(2);
	struct kvs_rows rows;

	putchar('\n');
	kvs_lines_bold(&lines, "%s", kvs_metrics[m].title);
	kvs_lines_add(&lines, ", %s: %s", kvs_compare_unit(m), kvs_metrics[m].what);
	kvs_lines_end(&lines);
	rows = kvs_rows_begin(KVS_HEADINGS("<Host", "<Guests", "Rounds", "Median", "p99", "Max"));
	for (size_t i = 0; i < f->nr_host * f->nr_guest; i++) {
		struct kvs_arm *arm = &study->arms[f->arm[i]];

		kvs_row(&rows);
		cells_levels(&rows, f, i);
		kvs_cell(&rows, "%zu", arm->nr[m]);
		kvs_compare_cell_value(&rows, m, &arm->pool[m], 0.5);
		kvs_compare_cell_value(&rows, m, &arm->pool[m], 0.99);
		kvs_compare_cell_value(&rows, m, &arm->pool[m], 1);
	}
	kvs_rows_end(&rows);
}

/* Who did not run has no slice, and only a bound of its wait. */
static void print_starved(const struct kvs_study *study, const struct kvs_factors *f)
{
	struct kvs_lines lines = kvs_lines_begin(2);
	struct kvs_rows rows;
	bool any = false;

	for (size_t i = 0; i < f->nr_host * f->nr_guest; i++) {
		const struct kvs_arm *arm = &study->arms[f->arm[i]];

		any |= arm->never.rounds || arm->starved;
	}
	if (!any)
		return;
	putchar('\n');
	kvs_lines_bold(&lines, "Never ran");
	kvs_lines_add(&lines, ": runnable for the whole round; each wait is at least that long");
	kvs_lines_end(&lines);
	rows = kvs_rows_begin(KVS_HEADINGS("<Host", "<Guests", "Rounds", "vCPUs", "Tasks",
					   "In rounds"));
	for (size_t i = 0; i < f->nr_host * f->nr_guest; i++) {
		const struct kvs_arm *arm = &study->arms[f->arm[i]];

		if (!arm->never.rounds && !arm->starved)
			continue;
		kvs_row(&rows);
		cells_levels(&rows, f, i);
		kvs_cell(&rows, "%zu", arm->units);
		kvs_cell(&rows, "%u", arm->starved);
		kvs_cell(&rows, "%u", arm->never.tasks);
		kvs_cell(&rows, "%u", arm->never.rounds);
	}
	kvs_rows_end(&rows);
}

/* Those that all cells have */
static size_t turns_of(const struct kvs_study *study)
{
	const struct kvs_factors *f = study->factors;
	size_t turns = SIZE_MAX;

	for (size_t i = 0; i < f->nr_host * f->nr_guest; i++) {
		const struct kvs_arm *arm = &study->arms[f->arm[i]];

		if (arm->units < turns)
			turns = arm->units;
	}
	return turns;
}

static void print_legend(const struct kvs_study *study)
{
	const struct kvs_factors *f = study->factors;
	double least = kvs_interaction_least_p(turns_of(study));

	putchar('\n');
	kvs_say(0, "p is corrected by Holm for the tests of this table. The effect of a policy: "
		"%d permutations within turns and within each policy of the other (--seed %llu). "
		"One on the other: does each policy multiply a metric by the same, whatever the "
		"other one? By the signs of whole turns. Nothing else here has a verdict. >=: at "
		"least, the end was not seen.", KVS_PERMUTATIONS,
		(unsigned long long)study->settings.seed);
	if (least * f->tests > KVS_ALPHA)
		kvs_say(0, "With %zu turns, p of \"one on the other\" is at least %.2g before it is "
			"corrected: alone among %zu tests it could not be found.", turns_of(study),
			least, f->tests);
}

void kvs_factors_text(const struct kvs_study *study)
{
	const struct kvs_factors *f = study->factors;

	print_effects(f);
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++)
		if (f->metrics & 1U << m)
			print_cells(study, f, m);
	print_starved(study, f);
	print_legend(study);
}

static json_t *levels_json(char **levels, size_t nr)
{
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(array, kvs_bytes_json(levels[i]));
	return array;
}

static json_t *number(double x)
{
	return isnan(x) ? json_null() : json_real(x);
}

static json_t *effects_json(const struct kvs_factors *f)
{
	json_t *array = json_array();

	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		if (!(f->metrics & 1U << m))
			continue;
		for (unsigned int of = 0; of < KVS_NR_EFFECTS; of++) {
			const struct kvs_effect *e = &f->effect[m][of];

			json_array_append_new(array, json_pack("{ss ss so so ss}",
				"metric", kvs_metrics[m].name, "of", kvs_effect_name(of),
				"p", number(e->corrected), "p_uncorrected", number(e->p),
				"verdict", kvs_effect_verdict_name(e->verdict)));
		}
	}
	return array;
}

json_t *kvs_factors_json(const struct kvs_study *study)
{
	const struct kvs_factors *f = study->factors;
	json_t *cells = json_array();

	for (size_t i = 0; i < f->nr_host * f->nr_guest; i++) {
		struct kvs_arm *arm = &study->arms[f->arm[i]];
		json_t *metrics = json_object();

		for (unsigned int m = 0; m < KVS_NR_METRICS; m++)
			if (f->metrics & 1U << m)
				json_object_set_new(metrics, kvs_metrics[m].name,
						    kvs_compare_arm_json(arm, m));
		json_array_append_new(cells, json_pack("{so so si si si so}",
			"host", kvs_bytes_json(f->host[i / f->nr_guest]),
			"guest", kvs_bytes_json(f->guest[i % f->nr_guest]),
			"vcpus_starved", (int)arm->starved, "tasks_never_ran", (int)arm->never.tasks,
			"rounds_with_such_tasks", (int)arm->never.rounds, "metrics", metrics));
	}
	return json_pack("{so so sI so so}", "host", levels_json(f->host, f->nr_host),
			 "guest", levels_json(f->guest, f->nr_guest),
			 "tests", (json_int_t)f->tests, "effects", effects_json(f), "cells", cells);
}
