// SPDX-License-Identifier: GPL-2.0-only
/*
 * A moment in words, for reports and for `record --stop-on`.
 */
#include <stdio.h>
#include <stdlib.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/clock.h"
#include "model/holder.h"
#include "model/moment.h"
#include "model/names.h"

struct context {
	FILE *f;
	const struct kvs_model *model;
	const struct kvs_times *times;
};

static double ms_of(const struct context *t, u64 ts)
{
	return kvs_us_of(&t->times->ts, ts) / 1e3;
}

static double seconds_at(const struct context *t, u64 ts)
{
	return kvs_seconds_since_begin(t->model, t->times, ts);
}

/* "vm 4711 vcpu1, thread CPU 1/KVM/4713 (SCHED_RR 20; own vCPU)" */
static void write_task(const struct context *t, const struct kvs_vcpu *waiting,
		       const struct kvs_holder *who)
{
	enum kvs_relation relation = kvs_holder_relation(t->model, waiting, who);
	const struct kvs_vcpu *v = kvs_vcpu_of_thread(t->model, who->pid);
	char vcpu[KVS_VCPU_LEN], policy[KVS_POLICY_LEN];

	if (kvs_is_others(who)) {
		fprintf(t->f, "others");
		return;
	}
	if (v)
		fprintf(t->f, "%s, thread ", kvs_vcpu_words(vcpu, v));
	fprintf(t->f, "%s/%d (%s", who->comm, who->pid, kvs_holder_policy(policy, who));
	if (relation != KVS_RELATION_UNKNOWN)
		fprintf(t->f, "; %s", kvs_relation_name(relation));
	fputc(')', t->f);
}

/* "3.200 ms", or "3.200 of 5.000 ms" if others had the CPU as well */
static void write_time(const struct context *t, const struct kvs_moment *moment)
{
	const struct kvs_shares *shares = &moment->shares;

	fprintf(t->f, "%.3f ", ms_of(t, moment->thief_time));
	if (moment->thief_time < shares->all)
		fprintf(t->f, "of %.3f ", ms_of(t, shares->all));
	fprintf(t->f, "ms");
}

/* Without class steal only the first successor is known. */
static bool has_shares(const struct context *t)
{
	return kvs_model_has_class(t->model, KVMSCHED_CLASS_STEAL);
}

/* "runnable, but CPU 3 ran ..." */
static void write_thief(const struct context *t, const struct kvs_moment *moment)
{
	const struct kvs_holder *who = &moment->thief;

	switch (who->kind) {
	case KVS_THIEF_TASK:
	case KVS_THIEF_MIGRATION:
		fprintf(t->f, "runnable, but CPU %u %s ", who->cpu,
			has_shares(t) ? "ran" : "went to");
		write_task(t, moment->vcpu, who);
		if (has_shares(t)) {
			fprintf(t->f, " for ");
			write_time(t, moment);
		}
		break;
	case KVS_THIEF_INTERRUPT:
		fprintf(t->f, "runnable, but CPU %u served the interrupt %s for ", who->cpu,
			who->comm);
		write_time(t, moment);
		break;
	case KVS_THIEF_IDLE:
		fprintf(t->f, "runnable, but CPU %u was idle for ", who->cpu);
		write_time(t, moment);
		fprintf(t->f, ": it had to wake up, or the vCPU was throttled");
		break;
	case KVS_THIEF_THROTTLED:
		fprintf(t->f, "runnable, but CPU %u stayed idle for ", who->cpu);
		write_time(t, moment);
		fprintf(t->f, " (throttled, it seems)");
		break;
	case KVS_THIEF_QUOTA:
		fprintf(t->f, "runnable, but %s on CPU %u for ", kvs_thief_name(who),
			who->cpu);
		write_time(t, moment);
		break;
	case KVS_THIEF_RT_THROTTLED:
		fprintf(t->f, "runnable at real-time priority, but CPU %u went to less for ",
			who->cpu);
		write_time(t, moment);
		fprintf(t->f, " (real-time throttling, inferred)");
		break;
	default:
		fprintf(t->f, "runnable; who had the CPU was not recorded");
	}
}

/* The parts of a sum are rounded so that the figures sum to that of the whole. */
static void write_part(const struct context *t, u64 before, u64 upto)
{
	u64 us = kvs_us_of(&t->times->ts, upto) - kvs_us_of(&t->times->ts, before);

	fprintf(t->f, "; %.3f ms: ", us / 1e3);
}

static void write_who(const struct context *t, const struct kvs_moment *moment,
		      const struct kvs_holder *who)
{
	switch (who->kind) {
	case KVS_THIEF_TASK:
	case KVS_THIEF_MIGRATION:
		write_task(t, moment->vcpu, who);
		break;
	case KVS_THIEF_INTERRUPT:
		fprintf(t->f, "interrupt %s", who->comm);
		break;
	case KVS_THIEF_IDLE:
		fprintf(t->f, "idle");
		break;
	case KVS_THIEF_THROTTLED:
		fprintf(t->f, "idle, throttled it seems");
		break;
	case KVS_THIEF_QUOTA:
		fprintf(t->f, "%s", kvs_thief_name(who));
		break;
	case KVS_THIEF_RT_THROTTLED:
		fprintf(t->f, "real-time throttling, inferred");
		break;
	default:
		fprintf(t->f, "not recorded");
	}
}

/* "...; 9.100 ms: spin/237 (SCHED_OTHER, nice 0; other process); 0.300 ms: others" */
static void write_shares(const struct context *t, const struct kvs_moment *moment)
{
	const struct kvs_shares *shares = &moment->shares;
	u64 sum = shares->top[0].time;

	if (!has_shares(t))
		return;
	for (unsigned int i = 1; i < shares->nr; i++) {
		write_part(t, sum, sum + shares->top[i].time);
		write_who(t, moment, &shares->top[i].who);
		sum += shares->top[i].time;
	}
	if (sum < shares->all) {
		write_part(t, sum, shares->all);
		fprintf(t->f, "others");
	}
}

/* It waited although it could have run elsewhere, for a tick or longer. */
static void write_idle(const struct context *t, const struct kvs_moment *moment)
{
	const struct kvs_idle_wait *idle = &moment->idle;

	if (kvs_scale(&t->times->ts, idle->time) < KVS_IDLE_TICK_NS)
		return;
	fprintf(t->f, "; for %.3f ms of that CPU %u, allowed to it, was idle",
		ms_of(t, idle->cpu_time), idle->cpu);
	if (idle->time > idle->cpu_time)
		fprintf(t->f, " (with others, in turn, for %.3f ms)", ms_of(t, idle->time));
}

/* Whoever had the CPU, somebody else than the kernel's own scheduler may have decided so. */
static void write_scheduler(const struct context *t, const struct kvs_moment *moment)
{
	char *text = moment->policy_known ?
		     kvs_bpf_sched_words(&t->model->bpf_scheds, moment->policy, moment->begin,
					 moment->end) : NULL;

	if (text)
		fprintf(t->f, "; %s", text);
	free(text);
}

/* "it was blocked in the host's kernel for 3.000 ms, mostly while npf was handled" */
static void write_blocked(const struct context *t, const struct kvs_moment *moment, double time)
{
	char name[KVS_EXIT_NAME_LEN];

	fprintf(t->f, "it was blocked in the host's kernel for %.3f ms, ", time);
	switch (moment->slept_for) {
	case KVS_SLEPT_IN_EXIT:
		fprintf(t->f, "mostly while %s was handled",
			kvs_exit_name(name, moment->isa, moment->reason, moment->l2, false));
		break;
	case KVS_SLEPT_BEFORE_ENTRY:
		fprintf(t->f, "mostly before it entered the guest");
		break;
	case KVS_SLEPT_FOR_SIPI:
		fprintf(t->f, "mostly until another vCPU started it (SIPI)");
		break;
	case KVS_SLEPT_FOR_PAGE:
		fprintf(t->f, "mostly until the host had a page of the guest (async page fault)");
		break;
	default:
		fprintf(t->f, "within KVM_RUN but not in HLT");
	}
}

static void write_cause(const struct context *t, const struct kvs_moment *moment)
{
	unsigned int cause = kvs_cause_main(moment->spent);
	double time = ms_of(t, moment->spent[cause]);

	switch (cause) {
	case KVS_CAUSE_TIMER:
		fprintf(t->f, "the timer that backs it expired %.3f ms late", time);
		break;
	case KVS_CAUSE_WAIT:
		write_thief(t, moment);
		write_shares(t, moment);
		write_scheduler(t, moment);
		break;
	case KVS_CAUSE_USER:
		fprintf(t->f, "the VMM kept it out of KVM_RUN for %.3f ms", time);
		break;
	case KVS_CAUSE_HOST:
		fprintf(t->f, "the host kernel was at work on its CPU for %.3f ms", time);
		break;
	case KVS_CAUSE_GUEST:
		fprintf(t->f, "it stayed in guest mode for %.3f ms before an exit let it in", time);
		break;
	case KVS_CAUSE_SLEEP:
		fprintf(t->f, "it slept for %.3f ms more", time);
		break;
	case KVS_CAUSE_BLOCKED:
		write_blocked(t, moment, time);
		break;
	default:
		fprintf(t->f, "what it did for %.3f ms is unknown: %s", time,
			kvs_model_why_unknown(t->model));
	}
}

static void write_exit(const struct context *t, const struct kvs_moment *moment)
{
	char name[KVS_EXIT_NAME_LEN];

	fprintf(t->f, "exit %s at %.6f s took %.3f ms of host time on CPU %u, until %s",
		kvs_exit_name(name, moment->isa, moment->reason, moment->l2, false),
		seconds_at(t, moment->begin),
		ms_of(t, moment->length), moment->cpu, kvs_exit_end(moment->exit_end));
	if (moment->polled)
		fprintf(t->f, ", beside %.3f ms of halt polling", ms_of(t, moment->polled));
}

/* What is pending as the recording begins may have been due before. */
static void write_due(const struct context *t, const struct kvs_moment *moment)
{
	u64 start = kvs_model_start_ts(t->model);

	if (moment->begin < start)
		fprintf(t->f, "timer, due %.3f ms before the recording began,",
			ms_of(t, start - moment->begin));
	else
		fprintf(t->f, "timer due at %.6f s", seconds_at(t, moment->begin));
	fprintf(t->f, " injected %.3f ms late: ", ms_of(t, moment->length));
}

static void write_sentence(const struct context *t, const struct kvs_moment *moment)
{
	double length = ms_of(t, moment->length), begin = seconds_at(t, moment->begin);
	char vcpu[KVS_VCPU_LEN];

	fprintf(t->f, "%s: ", kvs_vcpu_words(vcpu, moment->vcpu));
	switch (moment->kind) {
	case KVS_MOMENT_TIMER:
		write_due(t, moment);
		write_cause(t, moment);
		break;
	case KVS_MOMENT_IRQ:
		fprintf(t->f, "vector %#x accepted at %.6f s, injected %.3f ms later: ",
			moment->vector, begin, length);
		write_cause(t, moment);
		break;
	case KVS_MOMENT_WAIT:
		fprintf(t->f, "waited %.3f ms for a CPU at %.6f s after %s: ", length, begin,
			moment->preempted ? "a preemption" : "a wakeup");
		write_thief(t, moment);
		write_shares(t, moment);
		write_idle(t, moment);
		write_scheduler(t, moment);
		break;
	case KVS_MOMENT_EXIT:
		write_exit(t, moment);
		break;
	}
}

char *kvs_moment_sentence(const struct kvs_model *m, const struct kvs_times *times,
			  const struct kvs_moment *moment)
{
	char *text = NULL;
	size_t size;
	struct context t = {
		.f = xopen_memstream(&text, &size), .model = m, .times = times,
	};

	write_sentence(&t, moment);
	fclose(t.f);
	return text;
}
