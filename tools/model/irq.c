// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's interrupts and its LAPIC timer.
 *
 *	arm -> expire -> accept -> inject -> eoi
 *
 * The LAPIC holds one interrupt of a vector at a time: what is accepted while
 * that one is pending is merged with it.
 */
#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"

#define SURE_ENOUGH	2
#define SURE_MAX	8

#define DELIVERY_LOWEST	1	/* fixed is 0; above: not by a vector */

struct kvs_vector_stats *kvs_vector_get(struct kvs_vcpu *v, u8 vector)
{
	if (!v->vector[vector]) {
		v->vector[vector] = xcalloc(1, sizeof(*v->vector[vector]));
		v->vector[vector]->vector = vector;
	}
	return v->vector[vector];
}

/*
 * No record names the timer's vector: it is that of the first interrupt after
 * the timer expired.  Another one may come between, so a vector that proved
 * right some times is believed until timers go unanswered.
 */
static bool is_timers(struct kvs_timer_stats *t, u8 vector)
{
	if (t->vector == vector) {
		if (t->sure < SURE_MAX)
			t->sure++;
		return true;
	}
	if (t->sure >= SURE_ENOUGH)
		return false;
	t->vector = vector;
	t->sure = 1;
	return true;
}

static void accept_vector(struct kvs_model *m, struct kvs_vcpu *v,
			  const struct kvs_record *rec)
{
	struct kvs_vector_stats *s = kvs_vector_get(v, rec->irq_accept.vector);
	struct kvs_timer_stats *t = &v->timer;

	s->accepted++;
	if (s->pending && s->accept_epoch == m->epoch) {
		s->merged++;
	} else {
		s->pending = true;
		s->of_timer = false;
		s->accept_ts = rec->ts;
		s->accept_epoch = m->epoch;
		kvs_ledger_at(&v->ledger, rec->ts, s->accept_states);
	}
	if (!t->due || t->expiry.epoch != m->epoch || !is_timers(t, s->vector))
		return;
	t->due = false;
	s->of_timer = true;
	kvs_hist_add(&t->expire_to_accept_ts, rec->ts - t->expiry.ts);
}

static void irq_accept(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	if (rec->irq_accept.delivery_mode > DELIVERY_LOWEST)
		v->other_accepts++;
	else
		accept_vector(m, v, rec);
}

/* Where the time since then went; @states: the ledger then */
static void spent_since(const struct kvs_vcpu *v, const u64 states[KVMSCHED_NR_STATES],
			u64 ts, u64 spent[KVS_CAUSES])
{
	static const u8 cause_of[KVMSCHED_NR_STATES] = {
		[KVMSCHED_STATE_UNKNOWN]	= KVS_CAUSE_UNKNOWN,
		[KVMSCHED_STATE_GUEST]		= KVS_CAUSE_GUEST,
		[KVMSCHED_STATE_EXIT]		= KVS_CAUSE_HOST,
		[KVMSCHED_STATE_USER]		= KVS_CAUSE_USER,
		[KVMSCHED_STATE_POLL]		= KVS_CAUSE_SLEEP,
		[KVMSCHED_STATE_HALTED]		= KVS_CAUSE_SLEEP,
		[KVMSCHED_STATE_BLOCKED]	= KVS_CAUSE_SLEEP,
		[KVMSCHED_STATE_WAIT_PREEMPTED]	= KVS_CAUSE_WAIT,
		[KVMSCHED_STATE_WAIT_WOKEN]	= KVS_CAUSE_WAIT,
	};
	u64 now[KVMSCHED_NR_STATES];

	kvs_ledger_at(&v->ledger, ts, now);
	/* What was learnt late (an exit, a wakeup) may have moved some time. */
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		if (now[i] > states[i])
			spent[cause_of[i]] += now[i] - states[i];
}

static void add_thief(const struct kvs_vcpu *v, struct kvs_moment *moment)
{
	const struct kvs_past_wait *wait = kvs_wait_within(&v->waiter, moment->begin,
							   moment->end);

	moment->thief.pid = -1;
	if (!wait)
		return;
	moment->thief = wait->top;
	moment->thief_time = wait->top_time;
	moment->preempted = wait->span.preempted;
}

static void worst_irq(struct kvs_model *m, struct kvs_vcpu *v,
		      const struct kvs_vector_stats *s, const struct kvs_record *rec)
{
	struct kvs_moment moment = {
		.kind = KVS_MOMENT_IRQ, .vcpu = v, .length = rec->ts - s->accept_ts,
		.begin = s->accept_ts, .accepted = s->accept_ts, .end = rec->ts,
		.cpu = rec->cpu, .vector = s->vector,
	};

	if (!kvs_worst_wants(&m->worst, KVS_MOMENT_IRQ, moment.length))
		return;
	spent_since(v, s->accept_states, rec->ts, moment.spent);
	add_thief(v, &moment);
	kvs_worst_add(&m->worst, &moment);
}

/* A timer that needs the vCPU to run, the preemption timer, waits with it. */
static void blame_waits(const struct kvs_vcpu *v, const struct kvs_expiry *e,
			u64 spent[KVS_CAUSES])
{
	const struct kvs_waiter *w = &v->waiter;
	u64 late = e->ts > e->deadline ? e->ts - e->deadline : 0, waited = 0;

	for (unsigned int i = 0; late && i < KVS_PAST_WAITS && i < w->nr_past; i++) {
		const struct kvs_ledger_wait *span = &w->past[i].span;
		u64 from = span->begin > e->deadline ? span->begin : e->deadline;
		u64 to = span->end < e->ts ? span->end : e->ts;

		if (to > from)
			waited += to - from;
	}
	if (waited > late)
		waited = late;
	spent[KVS_CAUSE_WAIT] += waited;
	spent[KVS_CAUSE_TIMER] += late - waited;
}

static void timer_injected(struct kvs_model *m, struct kvs_vcpu *v,
			   struct kvs_vector_stats *s, const struct kvs_record *rec)
{
	struct kvs_timer_stats *t = &v->timer;
	const struct kvs_expiry *e = &t->expiry;
	struct kvs_moment moment = {
		.kind = KVS_MOMENT_TIMER, .vcpu = v, .begin = e->deadline,
		.length = rec->ts > e->deadline ? rec->ts - e->deadline : 0,
		.expired = e->ts, .accepted = s->accept_ts, .end = rec->ts,
		.cpu = rec->cpu, .vector = s->vector,
	};

	s->of_timer = false;
	t->injected++;
	if (e->epoch != m->epoch || rec->ts < e->ts)
		return;
	kvs_hist_add(&t->expire_to_inject_ts, rec->ts - e->ts);
	kvs_hist_add(&t->accept_to_inject_ts, rec->ts - s->accept_ts);
	kvs_shist_add(&t->deadline_to_inject_ts, (s64)(rec->ts - e->deadline));
	t->entry_due = rec->ts;
	blame_waits(v, e, moment.spent);
	spent_since(v, e->states, rec->ts, moment.spent);
	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		kvs_hist_add(&t->cause_ts[i], moment.spent[i]);
	t->main_cause[kvs_cause_main(moment.spent)]++;
	if (!kvs_worst_wants(&m->worst, KVS_MOMENT_TIMER, moment.length))
		return;
	add_thief(v, &moment);
	kvs_worst_add(&m->worst, &moment);
}

/*
 * How it got in: a vCPU that was off the CPU had to be woken and to wait for
 * one; one in guest mode had to be kicked out of it, the exit will tell when.
 */
static void got_in(struct kvs_vcpu *v, struct kvs_vector_stats *s, u64 ts)
{
	v->kick.vector = NULL;
	if (v->state != KVS_STATE_ON_CPU)
		return;
	if (v->since_ts > s->accept_ts) {
		kvs_hist_add(&s->accept_to_cpu_ts, v->since_ts - s->accept_ts);
		return;
	}
	v->kick.vector = s;
	v->kick.accept_ts = s->accept_ts;
	v->kick.inject_ts = ts;
}

void kvs_irq_kicked(struct kvs_vcpu *v, u64 end)
{
	struct kvs_vector_stats *s = v->kick.vector;

	/* Accepted after the exit had begun: nobody had to be kicked. */
	if (s && end > v->kick.accept_ts && end <= v->kick.inject_ts)
		kvs_hist_add(&s->accept_to_exit_ts, end - v->kick.accept_ts);
	v->kick.vector = NULL;
}

static void irq_inject(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	struct kvs_vector_stats *s;

	if (rec->irq_inject.vector >= KVS_VECTORS)
		return;
	s = kvs_vector_get(v, rec->irq_inject.vector);
	if (rec->irq_inject.reinjected) {
		s->reinjected++;
		return;
	}
	if (rec->irq_inject.soft) {
		s->soft++;
		return;
	}
	s->injected++;
	if (s->pending && s->accept_epoch == m->epoch && rec->ts >= s->accept_ts) {
		kvs_hist_add(&s->accept_to_inject_ts, rec->ts - s->accept_ts);
		got_in(v, s, rec->ts);
		if (!s->of_timer)
			worst_irq(m, v, s, rec);
	}
	s->pending = false;
	if (s->of_timer)
		timer_injected(m, v, s, rec);
	s->in_service = true;
	s->inject_ts = rec->ts;
	s->inject_epoch = m->epoch;
}

static void irq_eoi(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec)
{
	struct kvs_vector_stats *s;

	if (rec->irq_eoi.vector < 0 || rec->irq_eoi.vector >= KVS_VECTORS)
		return;
	s = kvs_vector_get(v, rec->irq_eoi.vector);
	s->eoi++;
	if (s->in_service && s->inject_epoch == m->epoch && rec->ts >= s->inject_ts)
		kvs_hist_add(&s->inject_to_eoi_ts, rec->ts - s->inject_ts);
	s->in_service = false;
}

/*
 * A timer is overdue so long behind its deadline: far beyond what a host that
 * is merely busy makes of it, in ns.
 */
#define OVERDUE_NS	10000000

/* Whatever is still on its way at @ts, and should have arrived long ago */
static void watch(struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	struct kvs_timer_stats *t = &v->timer;
	u64 grace = kvs_ts_of_ns(m, OVERDUE_NS);

	if (t->armed_now.on && t->armed_now.epoch == m->epoch &&
	    t->armed_now.deadline + grace < ts) {
		t->overdue.not_expired++;
		t->overdue.last_deadline = t->armed_now.deadline;
	}
	if (t->due && t->expiry.epoch == m->epoch && t->expiry.ts + grace < ts &&
	    kvs_model_has_class(m, KVMSCHED_CLASS_IRQ)) {
		t->overdue.not_accepted++;
		t->overdue.last_deadline = t->expiry.deadline;
	}
}

void kvs_timer_watch(struct kvs_model *m, struct kvs_vcpu *v, u64 end)
{
	struct kvs_timer_stats *t = &v->timer;
	u64 grace = kvs_ts_of_ns(m, OVERDUE_NS);

	watch(m, v, end);
	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		struct kvs_vector_stats *s = v->vector[i];

		if (!s || !s->pending || !s->of_timer || s->accept_epoch != m->epoch ||
		    s->accept_ts + grace >= end)
			continue;
		s->of_timer = false;
		t->overdue.not_injected++;
		t->overdue.last_deadline = t->expiry.deadline;
	}
	t->due = t->armed_now.on = false;
}

/*
 * Only where time stamps are cycles does a deadline have a place among them;
 * and only in this mode is it told that a guest stops its timer.
 */
static void note_armed(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	struct kvs_timer_stats *t = &v->timer;

	t->armed_now.on = rec->timer_arm.deadline && !m->learn &&
			  rec->timer_arm.mode == KS_TIMER_DEADLINE &&
			  m->cycles_to_ts.mult == 1 && !m->cycles_to_ts.shift;
	t->armed_now.deadline = rec->timer_arm.deadline;
	t->armed_now.epoch = m->epoch;
}

static void timer_arm(struct kvs_model *m, struct kvs_vcpu *v,
		      const struct kvs_record *rec)
{
	struct kvs_timer_stats *t = &v->timer;

	watch(m, v, rec->ts);
	if (t->due && !rec->timer_arm.rearm) {
		t->overdue.unanswered += t->expiry.epoch == m->epoch &&
			kvs_model_has_class(m, KVMSCHED_CLASS_IRQ);
		t->due = false;
	}
	note_armed(m, v, rec);
	if (rec->timer_arm.rearm) {
		t->rearmed++;
		return;
	}
	if (rec->timer_arm.mode < KVS_TIMER_MODES)
		t->armed[rec->timer_arm.mode]++;
	t->hv_armed += !!rec->timer_arm.hv;
}

static void timer_expire(struct kvs_model *m, struct kvs_vcpu *v,
			 const struct kvs_record *rec)
{
	struct kvs_timer_stats *t = &v->timer;
	bool unanswered = t->due && t->expiry.epoch == m->epoch;
	s64 late = rec->timer_expire.late_cycles;
	u64 late_ts = kvs_ts_of_cycles(m, late < 0 ? -late : late);

	t->expired++;
	t->hv_expired += !!rec->timer_expire.hv;
	t->armed_now.on = false;
	kvs_shist_add(&t->late_cycles, rec->timer_expire.late_cycles);
	if (unanswered && t->sure)
		t->sure--;
	/* Periods that pass while the vCPU waits become one interrupt. */
	if (unanswered && rec->timer_expire.mode == KS_TIMER_PERIODIC)
		return;
	t->due = true;
	t->expiry.ts = rec->ts;
	t->expiry.deadline = late < 0 ? rec->ts + late_ts : rec->ts - late_ts;
	t->expiry.epoch = m->epoch;
	kvs_ledger_at(&v->ledger, rec->ts, t->expiry.states);
}

void kvs_irq_record(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec)
{
	switch (rec->event) {
	case KS_EV_irq_accept:
		irq_accept(m, v, rec);
		break;
	case KS_EV_irq_inject:
		irq_inject(m, v, rec);
		break;
	case KS_EV_irq_eoi:
		irq_eoi(m, v, rec);
		break;
	case KS_EV_timer_arm:
		timer_arm(m, v, rec);
		break;
	case KS_EV_timer_expire:
		timer_expire(m, v, rec);
		break;
	}
}
