// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of recording: the kernel's own counts in the recorded rounds of an experiment,
 * beside those in its unrecorded rounds.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare/compare.h"

static double number(json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* What a round cost per vCPU and second; NaN if it has no vCPUs */
static double rate(json_t *round, enum kvs_cost what)
{
	json_t *vcpus = json_object_get(round, "vcpus"), *v;
	double sum = 0;
	size_t i;

	json_array_foreach(vcpus, i, v) {
		if (what == KVS_COST_RUN)
			sum += number(v, "run_ns") / 1e9;
		else
			sum += number(v, "nvcsw") + number(v, "nivcsw");
	}
	return json_array_size(vcpus) ?
	       sum / (json_array_size(vcpus) * number(round, "seconds")) : NAN;
}

static void extend_range(struct kvs_cost_range *range, double x)
{
	if (isnan(x))
		return;
	range->low = range->rounds ? fmin(range->low, x) : x;
	range->high = range->rounds ? fmax(range->high, x) : x;
	range->rounds++;
}

bool kvs_study_cost(const struct kvs_study *study, size_t arm, struct kvs_costs *costs)
{
	json_t *round;
	size_t i;

	*costs = (struct kvs_costs){ 0 };
	json_array_foreach(json_object_get(study->result, "rounds"), i, round) {
		const char *name = json_string_value(json_object_get(round, "arm"));
		bool recorded = json_is_true(json_object_get(round, "recorded"));

		if (!name || kvs_study_arm_of_text(study, name) != arm)
			continue;
		for (unsigned int what = 0; what < KVS_NR_COSTS; what++)
			extend_range(recorded ? &costs->recorded[what] :
						&costs->unrecorded[what],
				     rate(round, what));
	}
	return costs->unrecorded[0].rounds && costs->recorded[0].rounds;
}
