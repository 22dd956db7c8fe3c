// SPDX-License-Identifier: GPL-2.0-only
/*
 * From two arms to verdicts.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "compare/compare.h"

const struct kvs_metric_desc kvs_metrics[KVS_NR_METRICS] = {
	[KVS_M_SLICE] = { "slice", "slice", "ns", KVS_DIR_NONE,
		"time on the CPU, from switch in to switch out" },
	[KVS_M_SLICES] = { "slices", "slices", "1/s", KVS_DIR_NONE,
		"slices that ended, per vCPU and second" },
	[KVS_M_WAIT_PREEMPTED] = { "wait_preempted", "wait, preempted", "ns", KVS_DIR_LOWER,
		"runnable and off the CPU after a preemption" },
	[KVS_M_WAIT_WOKEN] = { "wait_woken", "wait, woken", "ns", KVS_DIR_LOWER,
		"from the wakeup to the CPU" },
	[KVS_M_PREEMPTIONS] = { "preemptions", "preemptions", "1/s", KVS_DIR_NONE,
		"CPU lost while runnable, per vCPU and second" },
	[KVS_M_FAIRNESS] = { "fairness", "fairness (Jain)", "", KVS_DIR_HIGHER,
		"of the shares of what each vCPU wanted: 1/n .. 1" },
	[KVS_M_TIMER_LATENESS] = { "timer_lateness", "timer lateness", "ns", KVS_DIR_LOWER,
		"expiry of the guest's LAPIC timer after its deadline" },
	[KVS_M_IRQ_DELIVERY] = { "interrupt_delivery", "interrupt delivery", "ns", KVS_DIR_LOWER,
		"accepted by the virtual LAPIC to injected" },
	[KVS_M_EXIT_COST] = { "exit_cost", "exit cost", "ns", KVS_DIR_LOWER,
		"host time of an exit, on the CPU and in the kernel, without halt polling" },
	[KVS_M_TASK_SLICE] = { "task_slice", "task's slice", "ns", KVS_DIR_NONE,
		"a guest's task ran: its guest and the host both let it (--guest-task)" },
	[KVS_M_TASK_WAIT] = { "task_wait", "task's wait", "ns", KVS_DIR_LOWER,
		"a guest's task was runnable, and its guest or the host did not let it" },
	[KVS_M_TASK_LATENESS] = { "task_lateness", "task's lateness", "ns", KVS_DIR_LOWER,
		"end of a sleep after its time, as a guest's task says in its trace" },
	[KVS_M_GUEST_SHARE] = { "guest_share", "guest share", "", KVS_DIR_HIGHER,
		"time in guest mode, of each vCPU's wall time" },
	[KVS_M_SWITCHES] = { "context_switches", "context switches", "1/s", KVS_DIR_NONE,
		"of vCPU threads, per second on a CPU" },
	[KVS_M_STEAL] = { "steal", "steal", "", KVS_DIR_LOWER,
		"runnable and not running, of each vCPU's wall time" },
};

static const char *const verdicts[] = {
	[KVS_V_BETTER] = "better", [KVS_V_WORSE] = "worse",
	[KVS_V_HIGHER] = "higher", [KVS_V_LOWER] = "lower",
	[KVS_V_NONE] = "none", [KVS_V_TOO_FEW] = "too_few",
};

const char *kvs_verdict_name(enum kvs_verdict verdict)
{
	return verdicts[verdict];
}

static void add_value(struct kvs_arm *arm, unsigned int metric, struct kvs_obs obs)
{
	arm->value[metric] = xrealloc(arm->value[metric],
				      (arm->nr[metric] + 1) * sizeof(obs));
	arm->value[metric][arm->nr[metric]++] = obs;
}

void kvs_arm_add(struct kvs_arm *arm, struct kvs_units *units, double statistic)
{
	arm->fit += units->fit;
	for (unsigned int m = 0; m < KVS_M_PER_UNIT; m++)
		kvs_values_merge(&arm->pool[m], &units->rest.values[m]);
	for (size_t i = 0; i < units->nr; i++) {
		struct kvs_unit *unit = &units->units[i];
		struct kvs_obs obs;

		arm->units++;
		for (unsigned int m = 0; m < KVS_M_PER_UNIT; m++) {
			if (kvs_values_statistic(&unit->values[m], statistic, &obs))
				add_value(arm, m, obs);
			kvs_values_merge(&arm->pool[m], &unit->values[m]);
		}
		for (unsigned int m = KVS_M_PER_UNIT; m < KVS_NR_METRICS; m++) {
			if (!unit->known[m])
				continue;
			add_value(arm, m, unit->single[m]);
			kvs_values_add(&arm->pool[m], unit->single[m].value,
				       unit->single[m].censored);
		}
	}
}

void kvs_arm_free(struct kvs_arm *arm)
{
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		free(arm->value[m]);
		kvs_values_free(&arm->pool[m]);
	}
	free(arm->name);
	memset(arm, 0, sizeof(*arm));
}

static struct kvs_arms arms_of(const struct kvs_comparison *pair, unsigned int metric)
{
	return (struct kvs_arms){ pair->a->value[metric], pair->b->value[metric],
				 pair->a->nr[metric], pair->b->nr[metric] };
}

static size_t least_units(const struct kvs_settings *settings)
{
	return settings->by == KVS_BY_BLOCK ? KVS_MIN_BLOCKS : KVS_MIN_ROUNDS;
}

/* Estimates need one value in each arm; the test needs @enough of them. */
static void fill_result(struct kvs_permuter *permuter, struct kvs_result *r,
		     const struct kvs_arms *arms, bool enough)
{
	r->difference = kvs_hodges_lehmann(arms, &r->bound);
	r->effect = kvs_cliff(arms);
	r->identical = kvs_identical(arms);
	r->tested = enough;
	if (!enough)
		return;
	r->p = kvs_permutation_p(permuter, arms, &r->draws);
	kvs_shift_interval(permuter, arms, KVS_CONFIDENCE, r->ci);
}

static void test_pair(struct kvs_permuter *permuter, struct kvs_comparison *pair,
		      const struct kvs_settings *settings)
{
	size_t least = least_units(settings);

	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		struct kvs_arms arms = arms_of(pair, m);
		struct kvs_result *r = &pair->result[m];

		*r = (struct kvs_result){
			.difference = NAN, .effect = NAN, .p = NAN, .corrected = NAN,
			.ci = { NAN, NAN }, .detectable = NAN,
			.verdict = KVS_V_TOO_FEW,
		};
		r->present = settings->metrics & 1U << m && (arms.na || arms.nb);
		if (r->present && arms.na && arms.nb)
			fill_result(permuter, r, &arms, !settings->too_short &&
				    arms.na >= least && arms.nb >= least);
		pair->tests += r->tested;
	}
}

/*
 * How many units an arm needs so that any one of @tests tests can be significant; 0: it has
 * enough, but the permutations that are drawn can't tell so small a p.
 */
static size_t needed_for(const struct kvs_result *r, const struct kvs_arms *arms,
			 size_t tests, size_t least)
{
	if (r->tested && kvs_least_p(arms->na, arms->nb) * tests <= KVS_ALPHA)
		return 0;
	while (kvs_least_p(least, least) * tests > KVS_ALPHA)
		least++;
	return least;
}

static enum kvs_verdict verdict_of(const struct kvs_result *r,
				   enum kvs_direction better)
{
	bool up = r->effect > 0;

	if (r->corrected > KVS_ALPHA)
		return KVS_V_NONE;
	if (better == KVS_DIR_NONE)
		return up ? KVS_V_HIGHER : KVS_V_LOWER;
	return up == (better == KVS_DIR_HIGHER) ? KVS_V_BETTER : KVS_V_WORSE;
}

static bool any_censored(const struct kvs_arms *arms)
{
	for (size_t i = 0; i < arms->na; i++)
		if (arms->a[i].censored)
			return true;
	for (size_t i = 0; i < arms->nb; i++)
		if (arms->b[i].censored)
			return true;
	return false;
}

/*
 * The verdicts of a pair.  The difference that would be found is computed for the strictest
 * level that Holm's method may require of one of @tests tests.
 */
static void fill_verdicts(struct kvs_permuter *permuter, struct kvs_comparison *pair,
			  size_t tests, const struct kvs_settings *settings)
{
	double strictest = KVS_ALPHA / (tests ? tests : 1);

	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		struct kvs_arms arms = arms_of(pair, m);
		struct kvs_result *r = &pair->result[m];
		bool hopeless = kvs_permuter_least_p(permuter, arms.na, arms.nb) > strictest;

		if (!r->tested || (hopeless && r->corrected > KVS_ALPHA)) {
			r->needed = needed_for(r, &arms, tests ? tests : 1,
					       least_units(settings));
			continue;
		}
		r->verdict = verdict_of(r, kvs_metrics[m].better);
		if (r->verdict == KVS_V_NONE && !any_censored(&arms))
			r->detectable = kvs_detectable(permuter, &arms, strictest, KVS_POWER);
	}
}

/* Correct p for the number of tests in all of @pairs. */
static void correct_p(struct kvs_comparison *pairs, size_t nr)
{
	double *p = xcalloc(nr * KVS_NR_METRICS, sizeof(*p));

	for (size_t i = 0; i < nr * KVS_NR_METRICS; i++)
		p[i] = pairs[i / KVS_NR_METRICS].result[i % KVS_NR_METRICS].p;
	kvs_holm(p, p, nr * KVS_NR_METRICS);
	for (size_t i = 0; i < nr * KVS_NR_METRICS; i++)
		pairs[i / KVS_NR_METRICS].result[i % KVS_NR_METRICS].corrected = p[i];
	free(p);
}

void kvs_compare(struct kvs_comparison *pairs, size_t nr,
		 const struct kvs_settings *settings)
{
	struct kvs_permuter *permuter = kvs_permuter_create(settings->seed);
	size_t tests = 0;

	for (size_t i = 0; i < nr; i++) {
		pairs[i].tests = 0;
		test_pair(permuter, &pairs[i], settings);
		tests += pairs[i].tests;
	}
	for (size_t i = 0; i < nr; i++) {
		if (!settings->all_pairs) {
			tests = pairs[i].tests;
			correct_p(&pairs[i], 1);
		} else if (!i) {
			correct_p(pairs, nr);
		}
		fill_verdicts(permuter, &pairs[i], tests, settings);
	}
	kvs_permuter_destroy(permuter);
}
