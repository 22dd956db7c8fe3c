// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an experiment is: its arms, and which round of which arm comes when.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "base/log.h"
#include "base/util.h"
#include "compare/compare.h"
#include "experiment/plan.h"
#include "host/device.h"

const char *const kvs_exp_orders[] = {
	[KVS_EXP_SHUFFLED] = "shuffled",
	[KVS_EXP_INTERLEAVED] = "interleaved",
	NULL,
};

void kvs_experiment_init(struct kvs_experiment *e)
{
	*e = (struct kvs_experiment){
		.select = KVS_SELECT_ANY,
		.rounds = 8, .warmup = 0.5, .phase = 0.1, .length = 2,
		.unrecorded = 1,
	};
}

static void arm_free(struct kvs_exp_arm *arm)
{
	for (size_t i = 0; i < arm->nr; i++) {
		free(arm->settings[i].policy);
		free(arm->settings[i].cpus);
	}
	free(arm->settings);
	kvs_knob_list_free(&arm->knobs);
	free(arm->guest);
	free(arm->control_of);
	free(arm->name);
}

static void words_free(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}

void kvs_experiment_free(struct kvs_experiment *e)
{
	for (size_t i = 0; i < e->nr_arms; i++)
		arm_free(&e->arms[i]);
	free(e->arms);
	kvs_knob_list_free(&e->knobs);
	words_free(e->workload);
	words_free(e->guest_hook);
	words_free(e->guests);
	free(e->title);
	free(e->events);
	free(e->control);
	free(e->folder);
}

/* --- parts ------------------------------------------------------------ */

static struct kvs_exp_arm *arm_find(const struct kvs_experiment *e, const char *name)
{
	for (size_t i = 0; i < e->nr_arms; i++)
		if (!strcmp(e->arms[i].name, name))
			return &e->arms[i];
	return NULL;
}

char *kvs_exp_arm_add(struct kvs_experiment *e, const char *name, struct kvs_exp_arm **arm)
{
	if (arm_find(e, name))
		return xasprintf("there is an arm '%s' already", name);
	e->arms = xrealloc(e->arms, (e->nr_arms + 1) * sizeof(*e->arms));
	*arm = &e->arms[e->nr_arms++];
	**arm = (struct kvs_exp_arm){ .name = xstrdup(name) };
	return NULL;
}

char *kvs_exp_setting_add(struct kvs_exp_arm *arm, long vcpu, const char *policy,
			  const char *cpus)
{
	struct kvs_exp_setting s = { .vcpu = vcpu };
	const char *why;

	if (policy && !kvs_policy_parse(policy, &s.setting.attr, &why))
		return xasprintf("'%s': %s", policy, why);
	if (cpus && !kvs_cpus_parse(cpus, &s.setting.cpus))
		return xasprintf("'%s' is not a list of CPUs such as 0,2-3", cpus);
	s.setting.has_policy = policy;
	s.setting.has_cpus = cpus;
	s.policy = policy ? xstrdup(policy) : NULL;
	s.cpus = cpus ? xstrdup(cpus) : NULL;
	arm->settings = xrealloc(arm->settings, (arm->nr + 1) * sizeof(s));
	arm->settings[arm->nr++] = s;
	return NULL;
}

char *kvs_exp_arm_take(void *experiment, const char *text)
{
	char *name = xstrdup(text), *policy = strchr(name, '='), *cpus, *why;
	struct kvs_exp_arm *arm;

	if (policy && policy != name) {
		*policy++ = '\0';
		cpus = strchr(policy, '@');
		if (cpus)
			*cpus++ = '\0';
		why = kvs_exp_arm_add(experiment, name, &arm);
		if (!why)
			why = kvs_exp_setting_add(arm, -1, policy, cpus);
	} else {
		why = xasprintf("'%s' is not NAME=POLICY or NAME=POLICY@CPUS", text);
	}
	free(name);
	return why;
}

/* The text is kept as it is: the recorder of each round takes it once more. */
char *kvs_exp_events_take(void *events, const char *text)
{
	uint32_t classes;
	char *why = kvs_class_take(&classes, text);

	if (!why) {
		free(*(char **)events);
		*(char **)events = xstrdup(text);
	}
	return why;
}

/* --- the whole -------------------------------------------------------- */

/* Repeats one arm under another name: what differs between the two is noise. */
static bool add_control(struct kvs_experiment *e)
{
	const char *name = e->control ? e->control : e->arms[0].name;
	const struct kvs_exp_arm *of;
	struct kvs_exp_arm *twin;
	char *twin_name, *why;

	if (!strcmp(name, "none"))
		return true;
	if (!arm_find(e, name)) {
		kvs_err("the control arm '%s' is none of the arms", name);
		return false;
	}
	twin_name = xasprintf("%s again", name);
	why = kvs_exp_arm_add(e, twin_name, &twin);
	free(twin_name);
	/* An arm of that name stands in FILE: it is the control. */
	if (why) {
		free(why);
		return true;
	}
	/* The array may have moved. */
	of = arm_find(e, name);
	twin->control_of = xstrdup(name);
	twin->guest = of->guest ? xstrdup(of->guest) : NULL;
	for (size_t i = 0; i < of->nr; i++)
		kvs_exp_setting_add(twin, of->settings[i].vcpu, of->settings[i].policy,
				    of->settings[i].cpus);
	for (size_t i = 0; i < of->knobs.nr; i++)
		kvs_knob_list_add(&twin->knobs, of->knobs.knobs[i].knob->name,
				  of->knobs.knobs[i].value);
	return true;
}

/* A policy within the guests needs who sets it; without one, a hook has nothing to set. */
static bool check_guests(const struct kvs_experiment *e)
{
	for (size_t i = 0; i < e->nr_arms; i++) {
		if (!e->arms[i].guest == !e->guest_hook)
			continue;
		kvs_err(e->guest_hook ? "there is a guest_hook, but the arm '%s' names no policy for it: guest" :
			"the arm '%s' has a policy for its guests, but there is no guest_hook",
			e->arms[i].name);
		return false;
	}
	if (!e->guests || e->guest_hook)
		return true;
	kvs_err("guests: without a guest_hook nothing leaves these files");
	return false;
}

/* Another plan each time, unless one is asked for; the result tells which it was. */
static void draw_seed(struct kvs_experiment *e)
{
	uint32_t seed;

	while (!e->seed) {
		if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
			e->seed = seed;
	}
}

bool kvs_experiment_check(struct kvs_experiment *e)
{
	if (!e->nr_arms) {
		kvs_usage("experiment", "which arms? A FILE, or --arm NAME=POLICY");
		return false;
	}
	if (!(e->length > 0)) {
		kvs_usage("experiment", "a round must last some time");
		return false;
	}
	if (e->workload && !kvs_vm_is_any(&e->select.vm)) {
		kvs_usage("experiment", "a workload or a VM that runs already, not both");
		return false;
	}
	if (!add_control(e) || !check_guests(e))
		return false;
	if (e->nr_arms < 2) {
		kvs_usage("experiment", "one arm alone can't be compared: add one, or a control");
		return false;
	}
	draw_seed(e);
	if (e->rounds < KVS_MIN_ROUNDS)
		kvs_warn("%ld rounds of an arm are too few for any verdict; it takes %d",
			 e->rounds, KVS_MIN_ROUNDS);
	return true;
}

/* --- order of the rounds ---------------------------------------------- */

/*
 * One round of each arm.  Turns spread over all arms what changes slowly, such as
 * heat.  Shuffled, each turn has an order of its own: what a round leaves behind for
 * the next is no arm's lot, and chance alone says which arm a round belongs to, as
 * permutation tests assume.  All rounds of a turn have one phase: where the window
 * begins can't be what tells two arms apart.
 */
static void plan_turn(const struct kvs_experiment *e, gsl_rng *rng, struct kvs_exp_round *rounds)
{
	size_t *order = xcalloc(e->nr_arms, sizeof(*order));
	double phase = e->phase * gsl_rng_uniform(rng);

	for (size_t i = 0; i < e->nr_arms; i++)
		order[i] = i;
	if (e->order == KVS_EXP_SHUFFLED)
		gsl_ran_shuffle(rng, order, e->nr_arms, sizeof(*order));
	for (size_t i = 0; i < e->nr_arms; i++)
		rounds[i] = (struct kvs_exp_round){
			.arm = order[i], .recorded = true, .phase = phase,
		};
	free(order);
}

/*
 * The rounds without a recording, all of the first arm, stand in the middle of
 * the others: what changes slowly is there as it is on average.
 */
struct kvs_exp_round *kvs_exp_plan(const struct kvs_experiment *e, size_t *nr)
{
	size_t recorded = e->nr_arms * e->rounds, at = 0;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct kvs_exp_round *plan;

	*nr = recorded + e->unrecorded;
	plan = xcalloc(*nr, sizeof(*plan));
	gsl_rng_set(rng, e->seed);
	for (long round = 0; round < e->rounds; round++) {
		plan_turn(e, rng, &plan[at]);
		at += e->nr_arms;
		for (long i = 0; round == (e->rounds - 1) / 2 && i < e->unrecorded; i++)
			plan[at++] = (struct kvs_exp_round){
				.arm = 0, .phase = e->phase * gsl_rng_uniform(rng),
			};
	}
	for (size_t i = 0; i < *nr; i++)
		plan[i].seed = gsl_rng_get(rng);
	gsl_rng_free(rng);
	return plan;
}
