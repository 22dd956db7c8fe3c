// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's interrupts and its LAPIC timer.
 *
 *	arm -> expire -> accept -> inject -> eoi
 *
 * The LAPIC holds one interrupt of a vector at a time: what is accepted while
 * that one is pending is merged with it.
 *
 * With APICv or AVIC its way is seen up to acceptance: the hardware does the rest.
 */
#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"

#define SURE_ENOUGH	2
#define SURE_MAX	8

#define DELIVERY_LOWEST	1	/* fixed is 0; above: not by a vector */
#define DELIVERY_MODES	8	/* beyond: older modules left it where the ICR has it */
#define DELIVERY_SHIFT	8

struct kvs_vector_stats *kvs_vector_get(struct kvs_vcpu *v, u8 vector)
{
	if (!v->vector[vector]) {
		v->vector[vector] = xcalloc(1, sizeof(*v->vector[vector]));
		v->vector[vector]->vector = vector;
	}
	return v->vector[vector];
}

static void emit_irq(struct kvs_vcpu *v, unsigned int kind, u16 cpu,
		     struct kvs_vector_stats *s, u64 begin, u64 end)
{
	const bool way_in = kind == KVS_SPAN_IRQ;
	const struct kvs_span span = {
		.kind = kind, .vcpu = v, .cpu = cpu,
		.begin = begin, .end = end, .length = end - begin,
		.irq = {
			.vector = s, .of_timer = s->of_timer,
			.sender = way_in ? &s->senders[s->sender] : NULL,
			.sent_ts = way_in ? s->sent_ts : 0,
		},
	};

	if (kvs_span_wanted(v->sinks, kind))
		kvs_span_emit(v->sinks, &span);
}

static void emit_timer(struct kvs_vcpu *v, unsigned int kind, u16 cpu, u64 begin,
		       u64 end)
{
	const struct kvs_span span = {
		.kind = kind, .vcpu = v, .cpu = cpu,
		.begin = begin, .end = end, .length = end - begin,
	};

	if (begin <= end && kvs_span_wanted(v->sinks, kind))
		kvs_span_emit(v->sinks, &span);
}

/*
 * No record names the timer's vector: it is that of the first interrupt after
 * the timer expired.  Another one may come between, so a vector that proved
 * right some times is believed until timers go unanswered.
 */
static bool is_timer_vector(struct kvs_timer_stats *t, u8 vector)
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

/* The later of two expiries is the one that is on its way now. */
static void take_later_expiry(struct kvs_timer_stats *t)
{
	struct kvs_culprits culprits = t->trail.culprits;

	t->expiry = t->again;
	t->trail.begin = t->trail_again.begin;
	t->trail.culprits = t->trail_again.culprits;
	t->trail.on = true;
	t->trail_again.culprits = culprits;
	kvs_trail_end(&t->trail_again);
}

/* Is it the timer's?  Where the record doesn't tell, its vector does. */
static bool is_timers(struct kvs_timer_stats *t, const struct kvs_record *rec)
{
	u8 vector = rec->irq_accept.vector;

	switch (rec->irq_accept.by) {
	case KS_BY_TIMER:
		t->vector = vector;
		t->sure = SURE_MAX;
		return true;
	case KS_BY_NOT_TOLD:
	case KS_BY_OTHER:
		return is_timer_vector(t, vector);
	default:
		return false;
	}
}

/* Its sender's row; @sent gets when it was sent */
static unsigned int note_sender(struct kvs_model *m, struct kvs_vcpu *v,
				struct kvs_vector_stats *s, const struct kvs_record *rec,
				struct kvs_sending *sent)
{
	const struct kvs_timer_stats *t = &v->timer;
	const struct kvs_expiry *e = t->due_again ? &t->again : &t->expiry;
	struct kvs_sender who;
	unsigned int row;

	kvs_sender_of(m, v, rec, &who, sent);
	if (who.kind == KVS_SENDER_TIMER && t->due && e->epoch == m->epoch)
		sent->ts = e->ts;
	row = kvs_sender_row(s, &who);
	s->senders[row].accepted++;
	return row;
}

static void accept_vector(struct kvs_model *m, struct kvs_vcpu *v,
			  const struct kvs_record *rec)
{
	struct kvs_vector_stats *s = kvs_vector_get(v, rec->irq_accept.vector);
	struct kvs_timer_stats *t = &v->timer;
	bool merged = s->pending && s->accept_epoch == m->epoch;
	struct kvs_sending sent;
	unsigned int sender = note_sender(m, v, s, rec, &sent);

	s->accepted++;
	kvs_accept_emit(v, s, sender, rec, &sent, merged);
	if (merged) {
		s->merged++;
		s->senders[sender].merged++;
	} else {
		s->pending = true;
		s->sender = sender;
		s->sent_ts = sent.ts;
		s->of_timer = false;
		s->accept_ts = rec->ts;
		s->accept_epoch = m->epoch;
		s->accept_in_run = kvs_run_until(m, v, rec->ts);
		s->accept_mark = kvs_ledger_mark(&v->ledger, rec->ts);
		kvs_trail_begin(&v->waiter, &s->trail, rec->ts);
	}
	if (!t->due || t->expiry.epoch != m->epoch || !is_timers(t, rec))
		return;
	t->due = false;
	t->merged += merged;
	if (t->due_again && merged)
		return;
	/* The earlier interrupt has left the LAPIC meanwhile. */
	if (t->due_again)
		take_later_expiry(t);
	t->due_again = false;
	s->of_timer = true;
	emit_timer(v, KVS_SPAN_TIMER_ACCEPT, rec->cpu, t->expiry.ts, rec->ts);
}

/* Whoever waited for its injection would wait in vain, or take another's for it. */
static void leave_to_hardware(struct kvs_vcpu *v, u8 vector)
{
	struct kvs_vector_stats *s = kvs_vector_get(v, vector);

	s->posted++;
	v->apicv = true;
	if (s->of_timer) {
		v->timer.posted++;
		kvs_trail_end(&v->timer.trail);
	}
	kvs_trail_end(&s->trail);
	s->of_timer = s->pending = s->in_service = false;
}

/*
 * Older modules tell only whether the hardware may deliver.  A recording of enabled events
 * has no record of the hooks: what it tells shows with the first record.
 */
static bool is_surely_posted(const struct kvs_model *m, const struct kvs_vcpu *v)
{
	return !m->posts_told && v->identified && v->features & KS_FEATURE_IRQCHIP &&
	       !v->apicv_inhibits;
}

void kvs_irq_posted(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec)
{
	bool counted = is_surely_posted(m, v);

	m->posts_told = true;
	if (!counted)
		leave_to_hardware(v, rec->irq_posted.vector);
}

void kvs_irq_accept(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec)
{
	u16 mode = rec->irq_accept.delivery_mode;

	if (mode >= DELIVERY_MODES)
		mode >>= DELIVERY_SHIFT;
	if (mode > DELIVERY_LOWEST) {
		v->other_accepts++;
		return;
	}
	accept_vector(m, v, rec);
	if (is_surely_posted(m, v))
		leave_to_hardware(v, rec->irq_accept.vector);
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

static void emit_injection(struct kvs_vcpu *v)
{
	struct kvs_injection *i = &v->timer.injection;
	const struct kvs_span span = {
		.kind = KVS_SPAN_TIMER, .vcpu = v, .cpu = i->cpu,
		.begin = i->deadline < i->ts ? i->deadline : i->ts, .end = i->ts,
		.length = i->deadline < i->ts ? i->ts - i->deadline : 0,
		.timer = {
			.deadline = i->deadline, .expired = i->expired,
			.accepted = i->accepted, .spent = i->spent,
			.shares = &i->shares, .vector = i->vector,
		},
	};

	i->on = false;
	kvs_span_emit(v->sinks, &span);
}

/*
 * Who had the CPU since the expiry; or before it, if the vCPU waited only then, and its
 * timer with it
 */
static struct kvs_shares shares_of(const struct kvs_vcpu *v, const struct kvs_expiry *e)
{
	const struct kvs_past_wait *wait;
	struct kvs_shares shares;

	kvs_culprits_shares(&v->timer.trail.culprits, &shares);
	if (shares.all || e->deadline >= e->ts)
		return shares;
	wait = kvs_wait_within(&v->waiter, e->deadline, e->ts);
	return wait ? wait->shares : shares;
}

/* It may be injected before the record of the exit that let it in. */
static void note_injection(struct kvs_vcpu *v, const struct kvs_vector_stats *s,
			   const struct kvs_record *rec)
{
	const struct kvs_expiry *e = &v->timer.expiry;
	struct kvs_injection *i = &v->timer.injection;

	*i = (struct kvs_injection){
		.on = true, .cpu = rec->cpu, .vector = s->vector, .ts = rec->ts,
		.deadline = e->deadline, .expired = e->ts, .accepted = s->accept_ts,
		.hv = e->hv,
		.open_from = e->mark.ts > v->ledger.since ? e->mark.ts : v->ledger.since,
		.shares = shares_of(v, e),
	};
	blame_waits(v, e, i->spent);
	kvs_spent_since(&v->ledger, &e->mark, rec->ts, i->spent);
	if (v->ledger.state != KVMSCHED_STATE_GUEST)
		emit_injection(v);
}

/*
 * Guest mode was over at @left already: the rest was the host's.  Where a kprobe sees the
 * exit, that is late, and the preemption timer's expiry may be recorded before it.
 */
static void correct_injection(struct kvs_vcpu *v, u64 left)
{
	struct kvs_injection *i = &v->timer.injection;
	u64 from = left > i->open_from && !i->hv ? left : i->open_from;
	u64 host = i->ts > from ? i->ts - from : 0;

	if (host > i->spent[KVS_CAUSE_GUEST])
		host = i->spent[KVS_CAUSE_GUEST];
	i->spent[KVS_CAUSE_GUEST] -= host;
	i->spent[KVS_CAUSE_HOST] += host;
}

void kvs_timer_flush(struct kvs_vcpu *v)
{
	if (v->timer.injection.on)
		emit_injection(v);
}

static void timer_injected(struct kvs_model *m, struct kvs_vcpu *v,
			   struct kvs_vector_stats *s, const struct kvs_record *rec)
{
	struct kvs_timer_stats *t = &v->timer;

	s->of_timer = false;
	t->injected++;
	kvs_trail_end(&t->trail);
	if (t->expiry.epoch != m->epoch || rec->ts < t->expiry.ts)
		return;
	t->entry_due = rec->ts;
	kvs_timer_flush(v);
	if (kvs_span_wanted(v->sinks, KVS_SPAN_TIMER))
		note_injection(v, s, rec);
}

/*
 * How it got in: a vCPU that was off the CPU had to be woken and to wait for
 * one; one in guest mode had to be kicked out of it, at the begin of the next exit.
 */
static void note_way_in(struct kvs_vcpu *v, struct kvs_vector_stats *s,
			const struct kvs_record *rec)
{
	v->kick.vector = NULL;
	if (v->state != KVS_STATE_ON_CPU)
		return;
	if (v->since_ts > s->accept_ts) {
		emit_irq(v, KVS_SPAN_WAKEUP, rec->cpu, s, s->accept_ts, v->since_ts);
		return;
	}
	v->kick.vector = s;
	v->kick.accept_ts = s->accept_ts;
	v->kick.inject_ts = rec->ts;
}

/* An exit is recorded: was it for an interrupt's sake? */
static void end_kick(struct kvs_vcpu *v, u16 cpu, u64 end)
{
	struct kvs_vector_stats *s = v->kick.vector;

	/* Accepted after the exit had begun: nobody had to be kicked. */
	if (s && end > v->kick.accept_ts && end <= v->kick.inject_ts)
		emit_irq(v, KVS_SPAN_KICK, cpu, s, v->kick.accept_ts, end);
	v->kick.vector = NULL;
}

/* The guest is entered, with what was injected. */
static void timer_entered(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	if (v->timer.entry_due)
		emit_timer(v, KVS_SPAN_TIMER_ENTRY, rec->cpu, v->timer.entry_due, rec->ts);
	v->timer.entry_due = 0;
}

/* The guest was left with an injection that ends there, or may have made it leave. */
static void left_guest(const struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	u64 left = rec->ts - kvs_ts_of_cycles(m, rec->exit.host_cycles);

	if (v->timer.injection.on)
		correct_injection(v, left);
	if (v->kick.vector)
		end_kick(v, rec->cpu, left);
}

void kvs_irq_exit(struct kvs_model *m, struct kvs_vcpu *v, const struct kvs_record *rec)
{
	if (v->timer.entry_due && kvs_record_end(rec) == KS_EXIT_BY_ENTRY)
		timer_entered(v, rec);
	if ((v->timer.injection.on || v->kick.vector) && m->cycles_to_ts.known)
		left_guest(m, v, rec);
	kvs_timer_flush(v);
}

void kvs_irq_entry(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	kvs_timer_flush(v);
	timer_entered(v, rec);
}

void kvs_irq_inject(struct kvs_model *m, struct kvs_vcpu *v,
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
		note_way_in(v, s, rec);
		emit_irq(v, KVS_SPAN_IRQ, rec->cpu, s, s->accept_ts, rec->ts);
	}
	kvs_trail_end(&s->trail);
	s->pending = false;
	if (s->of_timer)
		timer_injected(m, v, s, rec);
	s->in_service = true;
	s->inject_ts = rec->ts;
	s->inject_epoch = m->epoch;
}

void kvs_irq_eoi(struct kvs_model *m, struct kvs_vcpu *v,
		 const struct kvs_record *rec)
{
	struct kvs_vector_stats *s;

	if (rec->irq_eoi.vector < 0 || rec->irq_eoi.vector >= KVS_VECTORS)
		return;
	s = kvs_vector_get(v, rec->irq_eoi.vector);
	s->eoi++;
	if (s->in_service && s->inject_epoch == m->epoch && rec->ts >= s->inject_ts)
		emit_irq(v, KVS_SPAN_SERVICE, rec->cpu, s, s->inject_ts, rec->ts);
	/* The one that is on its way may be in the guest already: that was not recorded. */
	if (!s->in_service && s->pending) {
		s->pending = s->of_timer = false;
		kvs_trail_end(&s->trail);
	}
	s->in_service = false;
}

void kvs_irq_ipi(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	unsigned int mode = rec->ipi.icr >> 8 & 7;

	if (!v->ipis)
		v->ipis = xcalloc(KVS_IPIS, sizeof(*v->ipis));
	/* Fixed, and to the lowest priority: these have a vector of the guest's choice. */
	v->ipis[mode < 2 ? rec->ipi.icr & 0xff : KVS_VECTORS + mode]++;
}

/* The guest starts or stops its timer: what was due and not accepted is dropped. */
static void drop_due(struct kvs_model *m, struct kvs_timer_stats *t)
{
	if (t->due && !t->due_again)
		t->overdue.unanswered += t->expiry.epoch == m->epoch &&
			kvs_model_has_class(m, KVMSCHED_CLASS_IRQ);
	t->due = false;
}

void kvs_timer_arm(struct kvs_model *m, struct kvs_vcpu *v,
		   const struct kvs_record *rec)
{
	struct kvs_timer_stats *t = &v->timer;
	unsigned int how = rec->timer_arm.rearm;

	kvs_timer_armed(m, v, rec);
	kvs_timer_watch_arm(m, v, rec);
	t->period.ts = kvs_ts_of_ns(m, rec->timer_arm.period_ns);
	if (how == KS_ARM_AGAIN) {
		t->rearmed++;
		return;
	}
	t->period.known = false;
	if (how == KS_ARM_STOPPED) {
		t->due = false;
		return;
	}
	drop_due(m, t);
	if (how == KS_ARM_FOUND) {
		t->found++;
		return;
	}
	if (how == KS_ARM_BY_VMM) {
		t->by_vmm++;
		return;
	}
	if (rec->timer_arm.mode < KVS_TIMER_MODES)
		t->armed[rec->timer_arm.mode]++;
	t->hv_armed += !!rec->timer_arm.hv;
}

static void emit_lateness(struct kvs_vcpu *v, const struct kvs_record *rec, u64 ts)
{
	s64 late = rec->timer_expire.late_cycles;
	const struct kvs_span span = {
		.kind = KVS_SPAN_TIMER_LATE, .vcpu = v, .cpu = rec->cpu,
		.unit = KVS_SPAN_IN_CYCLES, .length = late < 0 ? -(u64)late : (u64)late,
		.begin = late > 0 && ts < rec->ts ? rec->ts - ts : rec->ts,
		.end = rec->ts,
		.timer = { .early = late < 0 },
	};

	if (kvs_span_wanted(v->sinks, KVS_SPAN_TIMER_LATE))
		kvs_span_emit(v->sinks, &span);
}

/*
 * Periods that KVM left out: where the next target is in the past already, KVM sets it
 * to the present.  So each gap is counted by itself, since the phase moves.
 */
static void count_skipped(struct kvs_model *m, struct kvs_timer_stats *t, u64 target,
			  bool told)
{
	u64 next = t->period.target + t->period.ts;
	/* Where expiries that were merged left no record, they look the same. */
	u64 *sum = told ? &t->skipped : &t->left_out;

	if (t->period.known && t->period.epoch == m->epoch && t->period.ts && target > next)
		*sum += (target - next) / t->period.ts;
	t->period.known = true;
	t->period.target = target;
	t->period.epoch = m->epoch;
}

/* Whether the interrupt of an earlier expiry still waits in the LAPIC */
static bool interrupt_waits(const struct kvs_model *m, const struct kvs_vcpu *v)
{
	const struct kvs_vector_stats *s =
		v->timer.vector < 0 ? NULL : v->vector[v->timer.vector];

	return s && s->pending && s->of_timer && s->accept_epoch == m->epoch;
}

/* What is due is late since the first of the expiries that become one interrupt. */
static void note_due(struct kvs_model *m, struct kvs_vcpu *v, u64 ts, u64 deadline,
		     bool hv)
{
	struct kvs_timer_stats *t = &v->timer;
	struct kvs_expiry *e;

	t->due = true;
	t->due_again = interrupt_waits(m, v);
	e = t->due_again ? &t->again : &t->expiry;
	e->ts = ts;
	e->deadline = deadline;
	e->epoch = m->epoch;
	e->hv = hv;
	e->in_run = kvs_run_until(m, v, ts);
	e->mark = kvs_ledger_mark(&v->ledger, ts > deadline ? ts : deadline);
	kvs_trail_begin(&v->waiter, t->due_again ? &t->trail_again : &t->trail, e->mark.ts);
}

void kvs_timer_expire(struct kvs_model *m, struct kvs_vcpu *v,
		      const struct kvs_record *rec)
{
	struct kvs_timer_stats *t = &v->timer;
	bool unanswered = t->due && t->expiry.epoch == m->epoch;
	bool merged = rec->timer_expire.merged == KS_MERGED_YES;
	s64 late = rec->timer_expire.late_cycles;
	u64 late_ts = kvs_ts_of_cycles(m, late < 0 ? -(u64)late : (u64)late);
	u64 deadline = late < 0 ? rec->ts + late_ts : rec->ts - late_ts;

	t->expired++;
	t->hv_expired += !!rec->timer_expire.hv;
	t->merged += merged;
	t->armed_now.on = false;
	kvs_timer_armed_expires(m, v, rec, deadline);
	emit_lateness(v, rec, late_ts);
	if (rec->timer_expire.mode == KS_TIMER_PERIODIC)
		count_skipped(m, t, deadline,
			      rec->timer_expire.merged != KS_MERGED_NOT_TOLD);
	/*
	 * The pending one may have been accepted just now: KVM takes note of that a little
	 * later.  If none was recorded, it is the first of those that will be.
	 */
	if (merged && t->expiry.ts && t->expiry.epoch == m->epoch)
		return;
	if (unanswered && t->sure)
		t->sure--;
	/* Periods that pass while the vCPU waits become one interrupt. */
	if (unanswered && rec->timer_expire.mode == KS_TIMER_PERIODIC)
		return;
	note_due(m, v, rec->ts, deadline, rec->timer_expire.hv);
}
