// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the arms of an experiment to the effects of the host's and the guests' policies: which
 * arm is which cell, what is tested, what is found.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "base/log.h"
#include "base/util.h"
#include "compare/compare.h"

#define ROUNDS	8

static const char *const hosts[] = { "other", "rr:10", "fifo:10" };
static const char *const guests[] = { "cfs", "rr", "fifo" };

static json_t *arm_json(const char *name, const char *host, const char *guest)
{
	return json_pack("{ss s[{sn ss}] s{} ss}", "name", name, "settings", "vcpu",
			 "policy", host, "knobs", "guest", guest);
}

static void add_arm(struct kvs_study *study, const char *name)
{
	study->arms = xrealloc(study->arms, (study->nr_arms + 1) * sizeof(*study->arms));
	study->arms[study->nr_arms++] = (struct kvs_arm){ .name = xstrdup(name), .units = ROUNDS };
}

static void add_value(struct kvs_arm *arm, enum kvs_metric m, double value, bool censored)
{
	arm->value[m] = xrealloc(arm->value[m], (arm->nr[m] + 1) * sizeof(struct kvs_obs));
	arm->value[m][arm->nr[m]++] = (struct kvs_obs){ value, censored };
	kvs_values_add(&arm->pool[m], value, censored);
}

/* Nine arms and the control, in an order that is not that of the cells */
static struct kvs_study plan(void)
{
	struct kvs_study study = {
		.settings = { .seed = 1, .metrics = 1U << KVS_M_TASK_SLICE |
						    1U << KVS_M_TASK_WAIT },
	};
	json_t *arms = json_array(), *control;

	for (unsigned int guest = 0; guest < 3; guest++)
		for (unsigned int host = 0; host < 3; host++) {
			char *name = xasprintf("%u-%u", host, guest);

			add_arm(&study, name);
			json_array_append_new(arms, arm_json(name, hosts[host], guests[guest]));
			free(name);
		}
	add_arm(&study, "again");
	control = arm_json("again", hosts[0], guests[0]);
	json_object_set_new(control, "control_of", json_string("0-0"));
	json_array_append_new(arms, control);
	study.result = json_pack("{so}", "arms", arms);
	return study;
}

/* The slice is the host's doing alone, and the wait starves where either is FIFO. */
static void fill(struct kvs_study *study)
{
	static const double slice[] = { 4e6, 100e6, 400e6 };
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

	gsl_rng_set(rng, 7);
	for (unsigned int i = 0; i < 9; i++)
		for (unsigned int round = 0; round < ROUNDS; round++) {
			bool starves = i % 3 == 2 || i / 3 == 2;

			add_value(&study->arms[i], KVS_M_TASK_SLICE,
				  slice[i % 3] * gsl_ran_lognormal(rng, 0, 0.1), false);
			add_value(&study->arms[i], KVS_M_TASK_WAIT, starves ? 2e9 :
				  10e6 * gsl_ran_lognormal(rng, 0, 0.1), starves);
		}
	gsl_rng_free(rng);
}

static void drop(struct kvs_study *study)
{
	kvs_study_free(study);
}

static void planted_effects_are_found(void **unused)
{
	struct kvs_study study = plan();
	const struct kvs_factors *f;

	fill(&study);
	assert_true(kvs_factors_make(&study));
	f = study.factors;
	assert_int_equal(f->nr_host, 3);
	assert_int_equal(f->nr_guest, 3);
	for (unsigned int i = 0; i < 9; i++) {
		assert_string_equal(f->host[i / 3], hosts[i / 3]);
		assert_string_equal(f->guest[i % 3], guests[i % 3]);
		/* Arm 3 * guest + host */
		assert_int_equal(f->arm[i], 3 * (i % 3) + i / 3);
	}
	assert_int_equal(f->effect[KVS_M_TASK_SLICE][KVS_E_HOST].verdict, KVS_EV_DIFFERS);
	assert_int_equal(f->effect[KVS_M_TASK_SLICE][KVS_E_GUEST].verdict, KVS_EV_NONE);
	assert_int_equal(f->effect[KVS_M_TASK_SLICE][KVS_E_INTERACTION].verdict, KVS_EV_NONE);
	/* Bounds are enough for the main effects, and nothing is said of the interaction. */
	assert_int_equal(f->effect[KVS_M_TASK_WAIT][KVS_E_HOST].verdict, KVS_EV_DIFFERS);
	assert_int_equal(f->effect[KVS_M_TASK_WAIT][KVS_E_GUEST].verdict, KVS_EV_DIFFERS);
	assert_int_equal(f->effect[KVS_M_TASK_WAIT][KVS_E_INTERACTION].verdict, KVS_EV_BOUNDS);
	/* Lateness was not asked for, and others have no values. */
	assert_int_equal(f->metrics, 1U << KVS_M_TASK_SLICE | 1U << KVS_M_TASK_WAIT);
	assert_int_equal(f->tests, 5);
	assert_true(f->effect[KVS_M_TASK_SLICE][KVS_E_HOST].corrected >=
		    5 * f->effect[KVS_M_TASK_SLICE][KVS_E_HOST].p - 1e-12);
	drop(&study);
}

static void few_rounds_have_no_verdict(void **unused)
{
	struct kvs_study study = plan();

	fill(&study);
	study.arms[4].nr[KVS_M_TASK_SLICE] = KVS_MIN_ROUNDS - 1;
	assert_true(kvs_factors_make(&study));
	for (unsigned int of = 0; of < KVS_NR_EFFECTS; of++)
		assert_int_equal(study.factors->effect[KVS_M_TASK_SLICE][of].verdict,
				 KVS_EV_TOO_FEW);
	assert_int_equal(study.factors->tests, 2);
	drop(&study);
}

/* The last turn has no round of one arm: the turns before it are compared. */
static void a_turn_cut_short_does_not_count(void **unused)
{
	struct kvs_study whole = plan(), cut = plan();

	fill(&whole);
	fill(&cut);
	for (size_t i = 0; i < 9; i++)
		whole.arms[i].nr[KVS_M_TASK_SLICE]--;
	cut.arms[4].nr[KVS_M_TASK_SLICE]--;
	assert_true(kvs_factors_make(&whole));
	assert_true(kvs_factors_make(&cut));
	for (unsigned int of = 0; of < KVS_NR_EFFECTS; of++)
		assert_true(whole.factors->effect[KVS_M_TASK_SLICE][of].p ==
			    cut.factors->effect[KVS_M_TASK_SLICE][of].p);
	drop(&whole);
	drop(&cut);
}

/* An arm once more under another policy: whatever the change, it is no design any more. */
static void refused(size_t arm, const char *key, json_t *value)
{
	struct kvs_study study = plan();
	json_t *of = json_array_get(json_object_get(study.result, "arms"), arm);

	fill(&study);
	if (value)
		json_object_set_new(of, key, value);
	else
		json_object_del(of, key);
	assert_false(kvs_factors_make(&study));
	drop(&study);
}

static void other_designs_are_refused(void **unused)
{
	struct kvs_study study = plan();

	/* The control counts as an arm, a combination is there twice, one is missing */
	refused(9, "control_of", NULL);
	refused(4, "guest", json_string("cfs"));
	refused(4, "guest", json_string("batch"));
	refused(4, "guest", NULL);
	refused(4, "settings", json_pack("[{sn ss}]", "vcpu", "policy", "batch"));
	json_decref(study.result);
	study.result = NULL;
	assert_false(kvs_factors_make(&study));
	drop(&study);
}

/* An arm's own settings of the kernel are a policy of the host's, too. */
static void knobs_are_levels(void **unused)
{
	struct kvs_study study = plan();
	json_t *arms = json_object_get(study.result, "arms"), *arm;
	size_t i;

	fill(&study);
	json_array_foreach(arms, i, arm)
		if (i % 3 == 1 && i < 9) {
			json_object_set_new(arm, "settings", json_pack("[{sn ss} {si ss}]",
				"vcpu", "policy", "other", "vcpu", 0, "policy", "rr:5"));
			json_object_set_new(arm, "knobs", json_pack("{ss}", "rr_timeslice_ms",
								    "20"));
		}
	assert_true(kvs_factors_make(&study));
	assert_string_equal(study.factors->host[1], "other, vCPU 0: rr:5, rr_timeslice_ms=20");
	drop(&study);
}

static void is_control_of_its_arm_alone(void **unused)
{
	struct kvs_study study = plan();
	struct kvs_comparison pair = { .a = &study.arms[0], .b = &study.arms[9] };

	assert_true(kvs_study_is_control(&study, &pair));
	pair.a = &study.arms[1];
	assert_false(kvs_study_is_control(&study, &pair));
	pair = (struct kvs_comparison){ .a = &study.arms[0], .b = &study.arms[1] };
	assert_false(kvs_study_is_control(&study, &pair));
	drop(&study);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(planted_effects_are_found),
		cmocka_unit_test(few_rounds_have_no_verdict),
		cmocka_unit_test(a_turn_cut_short_does_not_count),
		cmocka_unit_test(other_designs_are_refused),
		cmocka_unit_test(knobs_are_levels),
		cmocka_unit_test(is_control_of_its_arm_alone),
	};

	return cmocka_run_group_tests_name("factors", tests, NULL, NULL);
}
