// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watchdog of LAPIC timers: which never reached their guest, and which are due
 * after the recording.
 *
 * A timer is judged only by the time that its vCPU spent within KVM_RUN since it was
 * due, on a CPU or asleep: a vCPU that is dead, that its VMM keeps in userspace, or that
 * waits for a CPU, takes no interrupt.
 */
#include "model/clock.h"
#include "model/model.h"

/*
 * A timer that has not reached the guest is overdue this long after its deadline, in ns.
 * A host that is merely busy delays timers far less.
 */
#define OVERDUE_NS	10000000
/*
 * A guest that is powered off masks its timer and halts with interrupts off before it
 * dies: what was due in the last moments of a vCPU's life may never have been wanted.
 */
#define LAST_MOMENTS_NS	100000000

/*
 * Since the deadline, at least: what is known is the time since the arm, of which
 * the vCPU may have spent all until the deadline within KVM_RUN.
 */
static u64 in_run_since_due(const struct kvs_model *m, const struct kvs_vcpu *v, u64 ts)
{
	const struct kvs_armed *a = &v->timer.armed_now;
	u64 run = kvs_run_since(m, v, a->in_run, ts);
	u64 early = a->deadline > a->ts ? a->deadline - a->ts : 0;

	return run > early ? run - early : 0;
}

static void count_one(struct kvs_overdue *o, u64 *step, u64 deadline, bool judged, bool at_end)
{
	if (judged) {
		(*step)++;
		o->last_deadline = deadline;
	} else if (at_end) {
		o->not_judged++;
	}
}

/* What is still on its way at @ts, and should have arrived @grace before */
static void count_overdue(struct kvs_model *m, struct kvs_vcpu *v, u64 ts, u64 grace, bool at_end)
{
	struct kvs_timer_stats *t = &v->timer;
	struct kvs_overdue *o = &t->overdue;
	u64 since;

	if (t->armed_now.on && t->armed_now.epoch == m->epoch &&
	    t->armed_now.deadline < ts)
		count_one(o, &o->not_expired, t->armed_now.deadline,
			  in_run_since_due(m, v, ts) > grace, at_end);
	if (t->due && !t->due_again && t->expiry.epoch == m->epoch &&
	    kvs_model_has_class(m, KVMSCHED_CLASS_IRQ)) {
		since = kvs_run_since(m, v, t->expiry.in_run, ts);
		count_one(o, &o->not_accepted, t->expiry.deadline, since > grace, at_end);
	}
}

/* One that is set so far ahead that this recording cannot see it expire */
static void note_far(const struct kvs_model *m, struct kvs_vcpu *v, u64 end)
{
	const struct kvs_armed *a = &v->timer.armed_now;
	u64 start = kvs_model_start_ts(m);

	if (!a->on || a->epoch != m->epoch || a->expires < end || end < start ||
	    a->expires - a->ts < end - start)
		return;
	v->timer.far.ahead_ts = a->expires - a->ts;
	v->timer.far.asleep = v->ledger.state == KVMSCHED_STATE_HALTED;
}

static void look_at_vectors(struct kvs_model *m, struct kvs_vcpu *v, u64 end, u64 grace)
{
	struct kvs_timer_stats *t = &v->timer;

	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		struct kvs_vector_stats *s = v->vector[i];
		u64 since;

		if (!s || !s->pending || !s->of_timer || s->accept_epoch != m->epoch)
			continue;
		since = kvs_run_since(m, v, s->accept_in_run, end);
		count_one(&t->overdue, &t->overdue.not_injected, t->expiry.deadline,
			  since > grace, true);
		s->of_timer = false;
	}
}

void kvs_timer_watch(struct kvs_model *m, struct kvs_vcpu *v, u64 end, bool dies)
{
	struct kvs_timer_stats *t = &v->timer;
	u64 grace = kvs_ts_of_ns(m, dies ? LAST_MOMENTS_NS : OVERDUE_NS);

	kvs_timer_flush(v);
	kvs_timer_armed_end(m, v, end);
	count_overdue(m, v, end, grace, true);
	look_at_vectors(m, v, end, grace);
	if (!dies)
		note_far(m, v, end);
	t->due = t->armed_now.on = false;
}

/* The guest's deadline by the host's TSC, as its TSC stands now */
static u64 deadline_now(const struct kvs_vcpu *v, u64 guest_deadline)
{
	u64 scaled = guest_deadline - v->tsc_offset;

	if (v->tsc_ratio == 1ULL << v->tsc_frac_bits)
		return scaled;
	return (u64)(((kvs_u128)scaled << v->tsc_frac_bits) / v->tsc_ratio);
}

void kvs_timer_follow_tsc(struct kvs_vcpu *v)
{
	struct kvs_armed *a = &v->timer.armed_now;

	if (a->on && a->guest_deadline && v->tsc_ratio && v->tsc_frac_bits < 64)
		a->deadline = deadline_now(v, a->guest_deadline);
}

/*
 * Only where time stamps are cycles does a deadline have a place among them;
 * and only in this mode does a record say that a guest stops its timer.
 */
static void note_armed(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	struct kvs_armed *a = &v->timer.armed_now;

	*a = (struct kvs_armed){
		.on = rec->timer_arm.deadline && !m->learn &&
		      rec->timer_arm.mode == KS_TIMER_DEADLINE &&
		      m->cycles_to_ts.mult == 1 && !m->cycles_to_ts.shift,
		.deadline = rec->timer_arm.deadline, .expires = rec->timer_arm.deadline,
		.guest_deadline = rec->timer_arm.guest_deadline,
		.ts = rec->ts, .in_run = kvs_run_until(m, v, rec->ts), .epoch = m->epoch,
	};
	/* KVM's hrtimer may be set to another time than the one the guest means. */
	if (rec->timer_arm.rearm == KS_ARM_FOUND && v->identified)
		kvs_timer_follow_tsc(v);
}

void kvs_timer_watch_arm(struct kvs_model *m, struct kvs_vcpu *v,
			 const struct kvs_record *rec)
{
	count_overdue(m, v, rec->ts, kvs_ts_of_ns(m, OVERDUE_NS), false);
	note_armed(m, v, rec);
}
