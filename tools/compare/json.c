// SPDX-License-Identifier: GPL-2.0-only
/*
 * A comparison as one JSON object.  `metrics` has an entry for each metric of each
 * pair of arms; the entry's `arms` names the two.
 */
#include <math.h>
#include <stdio.h>

#include "base/bytes.h"
#include "compare/compare.h"

/* JSON has no infinity and no NaN; null stands for them. */
static json_t *number(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *quantile(struct kvs_values *v, double q, bool *censored)
{
	struct kvs_obs obs;

	if (!kvs_values_quantile(v, q, &obs))
		return json_null();
	*censored |= obs.censored;
	return number(obs.value);
}

json_t *kvs_compare_arm_json(struct kvs_arm *arm, unsigned int m)
{
	bool censored[3] = { false };
	json_t *o = json_pack("{ss}", "name", arm->name);
	struct kvs_values *v = &arm->pool[m];

	json_object_set_new(o, "median", quantile(v, 0.5, &censored[0]));
	json_object_set_new(o, "p99", quantile(v, 0.99, &censored[1]));
	json_object_set_new(o, "max", quantile(v, 1, &censored[2]));
	json_object_set_new(o, "values", json_integer(v->nr + v->nr_censored));
	/* By how much each may be off, as a share of it */
	json_object_set_new(o, "rounding", number(kvs_values_rounding(v)));
	json_object_set_new(o, "censored", json_integer(v->nr_censored));
	/* true: the value is "at least" that, since its end was not seen */
	json_object_set_new(o, "bound", json_pack("{sb sb sb}", "median", censored[0],
						  "p99", censored[1],
						  "max", censored[2]));
	json_object_set_new(o, "units", json_integer(arm->nr[m]));
	return o;
}

static const char *const bounds[] = {
	[KVS_BOUND_NONE] = "exact", [KVS_BOUND_LOWER] = "at_least",
	[KVS_BOUND_UPPER] = "at_most", [KVS_BOUND_UNKNOWN] = "unknown",
};

static json_t *direction(enum kvs_direction better)
{
	if (better == KVS_DIR_NONE)
		return json_null();
	return json_string(better == KVS_DIR_LOWER ? "lower" : "higher");
}

static json_t *metric_json(const struct kvs_comparison *pair, unsigned int m)
{
	const struct kvs_result *r = &pair->result[m];
	json_t *o = json_pack("{ss ss so}", "name", kvs_metrics[m].name,
			      "unit", kvs_metrics[m].unit,
			      "direction", direction(kvs_metrics[m].better));

	json_object_set_new(o, "arms", json_pack("[oo]", kvs_compare_arm_json(pair->a, m),
						 kvs_compare_arm_json(pair->b, m)));
	json_object_set_new(o, "difference", number(r->difference));
	json_object_set_new(o, "difference_is", json_string(bounds[r->bound]));
	json_object_set_new(o, "ci", isnan(r->ci[0]) ? json_null() :
			    json_pack("[oo]", number(r->ci[0]), number(r->ci[1])));
	json_object_set_new(o, "p", number(r->corrected));
	json_object_set_new(o, "p_uncorrected", number(r->p));
	json_object_set_new(o, "exact", json_boolean(r->tested && !r->draws));
	/* How many were drawn; null: none, p is of all of them, or there is no p */
	json_object_set_new(o, "permutations", r->draws ? json_integer(r->draws) : json_null());
	json_object_set_new(o, "effect", number(r->effect));
	json_object_set_new(o, "verdict", json_string(kvs_verdict_name(r->verdict)));
	json_object_set_new(o, "detectable", number(r->detectable));
	json_object_set_new(o, "needed", r->needed ? json_integer(r->needed) : json_null());
	json_object_set_new(o, "deterministic", json_boolean(r->identical));
	return o;
}

static json_t *ranges_json(const struct kvs_cost_range *ranges)
{
	const struct kvs_cost_range *run = &ranges[KVS_COST_RUN];
	const struct kvs_cost_range *switches = &ranges[KVS_COST_SWITCHES];

	return json_pack("{si s[ff] s[ff]}", "rounds", (int)run->rounds,
			 "on_cpu_share", run->low, run->high,
			 "switches_per_s", switches->low, switches->high);
}

/* The cost of recording, see cost.c; null if there is nothing to compare */
static json_t *cost_json(const struct kvs_study *study, size_t arm)
{
	struct kvs_costs costs;

	if (!kvs_study_cost(study, arm, &costs))
		return json_null();
	return json_pack("{so so}", "recorded", ranges_json(costs.recorded),
			 "unrecorded", ranges_json(costs.unrecorded));
}

static json_t *arms_json(const struct kvs_study *study)
{
	json_t *arms = json_array();

	for (size_t i = 0; i < study->nr_arms; i++) {
		const struct kvs_arm *arm = &study->arms[i];

		json_array_append_new(arms, json_pack("{ss si si sI si si sI so}",
			"name", arm->name, "files", (int)arm->files,
			"units", (int)arm->units, "units_fit", (json_int_t)arm->fit,
			"vcpus", (int)arm->vcpus,
			"starved", (int)arm->starved, "lost", (json_int_t)arm->lost,
			"cost", cost_json(study, i)));
	}
	return arms;
}

/* Null: all VMs */
static json_t *vm_json(const struct kvs_vm_id *vm)
{
	json_t *o;
	char *text;

	if (kvs_vm_is_any(vm))
		return json_null();
	text = kvs_vm_id_text(vm);
	o = kvs_bytes_json(text);
	free(text);
	return o;
}

/* Seconds since a recording or a window began */
static json_t *seconds_json(const struct kvs_when *when)
{
	return when->kind == KVS_WHEN_SINCE_BEGIN && when->seconds > 0 ? number(when->seconds) :
									json_null();
}

/* A time of another clock, as it was written */
static json_t *clock_json(const struct kvs_when *when)
{
	return when->kind == KVS_WHEN_OPEN || when->kind == KVS_WHEN_SINCE_BEGIN ? json_null() :
		json_string(when->text);
}

/* Which part of each recording was compared; null: of that, there was no limit. */
static json_t *part_json(const struct kvs_part *part)
{
	return json_pack("{so so so so so so}", "vm", vm_json(&part->select.vm),
			 "vcpu", part->select.vcpu < 0 ? json_null() :
							 json_integer(part->select.vcpu),
			 "from_s", seconds_json(&part->from), "to_s", seconds_json(&part->to),
			 "from", clock_json(&part->from), "to", clock_json(&part->to));
}

static json_t *settings_json(const struct kvs_study *study)
{
	const struct kvs_settings *s = &study->settings;

	return json_pack("{sf sf sf ss ss so sI}",
			 "alpha", KVS_ALPHA, "confidence", KVS_CONFIDENCE,
			 "power", KVS_POWER, "correction", "holm",
			 "family", s->all_pairs ? "all pairs" : "pair",
			 "statistic", s->statistic == KVS_STATISTIC_MEAN ?
				json_string("mean") : json_real(s->statistic),
			 "seed", (json_int_t)s->seed);
}

json_t *kvs_study_object(const struct kvs_study *study)
{
	json_t *metrics = json_array(), *o;

	for (size_t i = 0; i < study->nr_pairs; i++)
		for (unsigned int m = 0; m < KVS_NR_METRICS; m++)
			if (study->pairs[i].result[m].present)
				json_array_append_new(metrics,
						      metric_json(&study->pairs[i], m));
	o = json_pack("{ss so so sb so so}",
		      "inference", study->settings.by == KVS_BY_BLOCK ? "block" : "round",
		      "block_ns", study->settings.by == KVS_BY_BLOCK ?
				number(study->block_ns) : json_null(),
		      "needed_ns", study->needed_ns > 0 ?
				number(study->needed_ns) : json_null(),
		      "deterministic", study->deterministic,
		      "settings", settings_json(study),
		      "arms", arms_json(study));
	json_object_set_new(o, "part", part_json(&study->part));
	json_object_set_new(o, "metrics", metrics);
	if (study->factors)
		json_object_set_new(o, "factors", kvs_factors_json(study));
	return o;
}

bool kvs_study_json(const struct kvs_study *study)
{
	json_t *o = kvs_study_object(study);
	int failed;

	failed = json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) ||
		 putchar('\n') == EOF;
	json_decref(o);
	return !failed;
}
