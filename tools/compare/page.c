// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a comparison as a page for a browser: what compare's JSON has, and beside it the
 * value of each unit, the histograms, and all that is printed as text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rows.h"
#include "base/util.h"
#include "compare/compare.h"
#include "picture/assets.h"
#include "picture/template.h"

struct page {
	const struct kvs_study *study;
	unsigned int histograms;
	const char *command;
};

/* The value of each unit of an arm, in the order of its rounds or blocks */
static json_t *values_json(const struct kvs_arm *arm, unsigned int m)
{
	json_t *values = json_array(), *open = json_array();

	for (size_t i = 0; i < arm->nr[m]; i++) {
		json_array_append_new(values, json_real(arm->value[m][i].value));
		json_array_append_new(open, json_boolean(arm->value[m][i].censored));
	}
	return json_pack("{so so}", "values", values, "open", open);
}

static json_t *shares_json(const struct kvs_spread *bins, size_t arm)
{
	json_t *shares = json_array(), *open = json_array();

	for (size_t k = 0; k < bins->nr; k++) {
		json_array_append_new(shares, json_real(bins->share[arm][k]));
		json_array_append_new(open, json_boolean(bins->open[arm][k]));
	}
	return json_pack("{so so}", "shares", shares, "open", open);
}

/* null: no value of the metric is above 0 */
static json_t *histogram_json(const struct kvs_study *study, unsigned int m)
{
	json_t *edges = json_array(), *arms = json_array();
	struct kvs_spread bins;

	if (!kvs_spread_make(study, m, &bins)) {
		json_decref(edges);
		json_decref(arms);
		return json_null();
	}
	for (size_t k = 0; k <= bins.nr; k++)
		json_array_append_new(edges, json_real(bins.edge[k]));
	for (size_t i = 0; i < study->nr_arms; i++)
		json_array_append_new(arms, shares_json(&bins, i));
	kvs_spread_free(&bins);
	return json_pack("{so so}", "edges", edges, "arms", arms);
}

static bool is_present(const struct kvs_study *study, unsigned int m)
{
	for (size_t i = 0; i < study->nr_pairs; i++)
		if (study->pairs[i].result[m].present)
			return true;
	return false;
}

static json_t *metrics_json(const struct kvs_study *study)
{
	json_t *metrics = json_array();

	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		const struct kvs_metric_desc *desc = &kvs_metrics[m];
		json_t *arms = json_array();

		for (size_t i = 0; i < study->nr_arms; i++)
			json_array_append_new(arms, values_json(&study->arms[i], m));
		if (is_present(study, m))
			json_array_append_new(metrics, json_pack("{ss ss ss ss sb sO so}",
				"name", desc->name, "title", desc->title, "unit", desc->unit,
				"what", desc->what, "many", m < KVS_M_PER_UNIT, "arms", arms,
				"histogram", histogram_json(study, m)));
		json_decref(arms);
	}
	return metrics;
}

/* The verdicts in the words of the tables, in the order of the study's metrics */
static void add_words(const struct kvs_study *study, json_t *object)
{
	json_t *metrics = json_object_get(object, "metrics");
	size_t nr = 0;

	for (size_t i = 0; i < study->nr_pairs; i++) {
		for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
			const struct kvs_result *r = &study->pairs[i].result[m];
			char *words;

			if (!r->present)
				continue;
			words = kvs_verdict_words(m, r, study->settings.too_short);
			json_object_set_new(json_array_get(metrics, nr++), "words",
					    json_string(words));
			free(words);
		}
	}
}

/* What is printed goes to stdout, a variable that glibc lets a program set. */
static json_t *text_json(const struct page *page)
{
	FILE *before = stdout;
	json_t *json;
	size_t size;
	char *text;

	kvs_rows_no_colour();
	stdout = xopen_memstream(&text, &size);
	kvs_study_text(page->study, page->histograms);
	fclose(stdout);
	stdout = before;
	json = json_string(text);
	free(text);
	return json;
}

static json_t *page_json(const struct page *page)
{
	json_t *study = kvs_study_object(page->study);

	add_words(page->study, study);
	return json_pack("{so so so so}", "command", kvs_bytes_json(page->command),
		      "study", study, "metrics", metrics_json(page->study),
		      "text", text_json(page));
}

static bool put_place(FILE *f, const char *name, void *ctx)
{
	if (strcmp(name, "json"))
		return false;
	kvs_template_json(f, page_json(ctx));
	return true;
}

bool kvs_study_page(FILE *f, const struct kvs_study *study, unsigned int histograms,
		    const char *command)
{
	struct page page = { .study = study, .histograms = histograms, .command = command };

	kvs_template_write(f, kvs_page_compare_html, put_place, &page);
	return !ferror(f);
}
