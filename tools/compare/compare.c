// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two arms, to verdicts.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/compare.h"
#include "base/kvmsched.h"

const struct ks_metric_desc ks_metrics[KS_NR_METRICS] = {
	[KS_M_SLICE] = { "slice", "slice", "ns", KS_DIR_NONE,
		"time on the CPU, from switch in to switch out" },
	[KS_M_SLICES] = { "slices", "slices", "1/s", KS_DIR_NONE,
		"slices that ended, per vCPU and second" },
	[KS_M_WAIT_PREEMPTED] = { "wait_preempted", "wait, preempted", "ns", KS_DIR_LOWER,
		"runnable and off the CPU after a preemption" },
	[KS_M_WAIT_WOKEN] = { "wait_woken", "wait, woken", "ns", KS_DIR_LOWER,
		"from the wakeup to the CPU" },
	[KS_M_PREEMPTIONS] = { "preemptions", "preemptions", "1/s", KS_DIR_NONE,
		"CPU lost while runnable, per vCPU and second" },
	[KS_M_FAIRNESS] = { "fairness", "fairness (Jain)", "", KS_DIR_HIGHER,
		"of the shares of what each vCPU wanted: 1/n .. 1" },
	[KS_M_TIMER_LATENESS] = { "timer_lateness", "timer lateness", "ns", KS_DIR_LOWER,
		"expiry of the guest's LAPIC timer after its deadline" },
	[KS_M_IRQ_DELIVERY] = { "interrupt_delivery", "interrupt delivery", "ns", KS_DIR_LOWER,
		"accepted by the virtual LAPIC to injected" },
	[KS_M_EXIT_COST] = { "exit_cost", "exit cost", "ns", KS_DIR_LOWER,
		"host time of an exit, on the CPU and in the kernel" },
	[KS_M_GUEST_SHARE] = { "guest_share", "guest share", "", KS_DIR_HIGHER,
		"time in guest mode, of each vCPU's wall time" },
	[KS_M_SWITCHES] = { "context_switches", "context switches", "1/s", KS_DIR_NONE,
		"of vCPU threads, per second on a CPU" },
	[KS_M_STEAL] = { "steal", "steal", "", KS_DIR_LOWER,
		"runnable and not running, of each vCPU's wall time" },
};

static const char *const verdicts[] = {
	[KS_V_BETTER] = "better", [KS_V_WORSE] = "worse",
	[KS_V_HIGHER] = "higher", [KS_V_LOWER] = "lower",
	[KS_V_NONE] = "none", [KS_V_TOO_FEW] = "too_few",
};

const char *ks_verdict_name(enum ks_verdict verdict)
{
	return verdicts[verdict];
}

static void arm_value(struct ks_arm *arm, unsigned int metric, struct ks_obs obs)
{
	arm->value[metric] = xrealloc(arm->value[metric],
				      (arm->nr[metric] + 1) * sizeof(obs));
	arm->value[metric][arm->nr[metric]++] = obs;
}

void ks_arm_add(struct ks_arm *arm, struct ks_units *units, double statistic)
{
	for (size_t i = 0; i < units->nr; i++) {
		struct ks_unit *unit = &units->units[i];
		struct ks_obs obs;

		arm->units++;
		for (unsigned int m = 0; m < KS_M_PER_UNIT; m++) {
			if (ks_values_statistic(&unit->values[m], statistic, &obs))
				arm_value(arm, m, obs);
			ks_values_merge(&arm->pool[m], &unit->values[m]);
		}
		for (unsigned int m = KS_M_PER_UNIT; m < KS_NR_METRICS; m++) {
			if (!unit->known[m])
				continue;
			arm_value(arm, m, unit->single[m]);
			ks_values_add(&arm->pool[m], unit->single[m].value,
				      unit->single[m].censored);
		}
	}
}

void ks_arm_free(struct ks_arm *arm)
{
	for (unsigned int m = 0; m < KS_NR_METRICS; m++) {
		free(arm->value[m]);
		ks_values_free(&arm->pool[m]);
	}
	free(arm->name);
	memset(arm, 0, sizeof(*arm));
}

static struct ks_arms arms_of(const struct ks_comparison *pair, unsigned int metric)
{
	return (struct ks_arms){ pair->a->value[metric], pair->b->value[metric],
				 pair->a->nr[metric], pair->b->nr[metric] };
}

static size_t least_units(const struct ks_settings *settings)
{
	return settings->by == KS_BY_BLOCK ? KS_MIN_BLOCKS : KS_MIN_ROUNDS;
}

/* Estimates need no more than a value on either side. */
static void estimate(struct ks_permuter *permuter, struct ks_result *r,
		     const struct ks_arms *arms, bool enough)
{
	r->difference = ks_hodges_lehmann(arms, &r->bound);
	r->effect = ks_cliff(arms);
	r->identical = ks_identical(arms);
	r->tested = enough;
	if (!enough)
		return;
	r->p = ks_permutation_p(permuter, arms, &r->exact);
	ks_shift_interval(permuter, arms, KS_CONFIDENCE, r->ci);
}

static void measure(struct ks_permuter *permuter, struct ks_comparison *pair,
		    const struct ks_settings *settings)
{
	size_t least = least_units(settings);

	for (unsigned int m = 0; m < KS_NR_METRICS; m++) {
		struct ks_arms arms = arms_of(pair, m);
		struct ks_result *r = &pair->result[m];

		*r = (struct ks_result){
			.difference = NAN, .effect = NAN, .p = NAN, .corrected = NAN,
			.ci = { NAN, NAN }, .detectable = NAN,
			.verdict = KS_V_TOO_FEW,
		};
		r->present = settings->metrics & 1U << m && (arms.na || arms.nb);
		if (r->present && arms.na && arms.nb)
			estimate(permuter, r, &arms, !settings->too_short &&
				 arms.na >= least && arms.nb >= least);
		pair->tests += r->tested;
	}
}

/* Units an arm that @tests tests need, so that any of them can be significant. */
static size_t needed_for(size_t tests, size_t least)
{
	while (ks_least_p(least, least) * tests > KS_ALPHA)
		least++;
	return least;
}

static enum ks_verdict verdict_of(const struct ks_result *r,
				  enum ks_direction better)
{
	bool up = r->effect > 0;

	if (r->corrected > KS_ALPHA)
		return KS_V_NONE;
	if (better == KS_DIR_NONE)
		return up ? KS_V_HIGHER : KS_V_LOWER;
	return up == (better == KS_DIR_HIGHER) ? KS_V_BETTER : KS_V_WORSE;
}

static bool any_censored(const struct ks_arms *arms)
{
	for (size_t i = 0; i < arms->na; i++)
		if (arms->a[i].censored)
			return true;
	for (size_t i = 0; i < arms->nb; i++)
		if (arms->b[i].censored)
			return true;
	return false;
}

/* The strictest level that Holm may ask of one of @tests tests */
static void decide(struct ks_permuter *permuter, struct ks_comparison *pair,
		   size_t tests, const struct ks_settings *settings)
{
	double strictest = KS_ALPHA / (tests ? tests : 1);

	for (unsigned int m = 0; m < KS_NR_METRICS; m++) {
		struct ks_arms arms = arms_of(pair, m);
		struct ks_result *r = &pair->result[m];
		bool hopeless = ks_least_p(arms.na, arms.nb) > strictest;

		if (!r->tested || (hopeless && r->corrected > KS_ALPHA)) {
			r->needed = needed_for(tests ? tests : 1, least_units(settings));
			continue;
		}
		r->verdict = verdict_of(r, ks_metrics[m].better);
		if (r->verdict == KS_V_NONE && !any_censored(&arms))
			r->detectable = ks_detectable(permuter, &arms, strictest, KS_POWER);
	}
}

static void correct(struct ks_comparison *pairs, size_t nr)
{
	double *p = xcalloc(nr * KS_NR_METRICS, sizeof(*p));

	for (size_t i = 0; i < nr * KS_NR_METRICS; i++)
		p[i] = pairs[i / KS_NR_METRICS].result[i % KS_NR_METRICS].p;
	ks_holm(p, p, nr * KS_NR_METRICS);
	for (size_t i = 0; i < nr * KS_NR_METRICS; i++)
		pairs[i / KS_NR_METRICS].result[i % KS_NR_METRICS].corrected = p[i];
	free(p);
}

void ks_compare(struct ks_comparison *pairs, size_t nr,
		const struct ks_settings *settings)
{
	struct ks_permuter *permuter = ks_permuter_create(settings->seed);
	size_t tests = 0;

	for (size_t i = 0; i < nr; i++) {
		pairs[i].tests = 0;
		measure(permuter, &pairs[i], settings);
		tests += pairs[i].tests;
	}
	for (size_t i = 0; i < nr; i++) {
		if (!settings->all_pairs) {
			tests = pairs[i].tests;
			correct(&pairs[i], 1);
		} else if (!i) {
			correct(pairs, nr);
		}
		decide(permuter, &pairs[i], tests, settings);
	}
	ks_permuter_destroy(permuter);
}
