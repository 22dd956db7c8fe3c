// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's interrupts and its LAPIC timer.
 *
 *	arm -> expire -> accept -> inject -> eoi
 *
 * The LAPIC holds one interrupt of a vector at a time: what is accepted while
 * that one is pending is merged with it.
 */
#include "kvmsched.h"
#include "model.h"

#define SURE_ENOUGH	2
#define SURE_MAX	8

#define DELIVERY_LOWEST	1	/* fixed is 0; above: not by a vector */

struct ks_vector_stats *ks_vector_get(struct ks_vcpu *v, u8 vector)
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
static bool is_timers(struct ks_timer_stats *t, u8 vector)
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

static void accept_vector(struct ks_model *m, struct ks_vcpu *v,
			  const struct ks_record *rec)
{
	struct ks_vector_stats *s = ks_vector_get(v, rec->irq_accept.vector);
	struct ks_timer_stats *t = &v->timer;

	s->accepted++;
	if (s->pending && s->accept_epoch == m->epoch) {
		s->merged++;
	} else {
		s->pending = true;
		s->of_timer = false;
		s->accept_ts = rec->ts;
		s->accept_epoch = m->epoch;
	}
	if (!t->due || t->due_epoch != m->epoch || !is_timers(t, s->vector))
		return;
	t->due = false;
	s->of_timer = true;
	s->timer_ts = t->due_ts;
	s->timer_epoch = t->due_epoch;
}

static void irq_accept(struct ks_model *m, struct ks_vcpu *v,
		       const struct ks_record *rec)
{
	if (rec->irq_accept.delivery_mode > DELIVERY_LOWEST)
		v->other_accepts++;
	else
		accept_vector(m, v, rec);
}

static void timer_injected(struct ks_model *m, struct ks_vcpu *v,
			   struct ks_vector_stats *s, u64 ts)
{
	s->of_timer = false;
	v->timer.injected++;
	if (s->timer_epoch == m->epoch && ts >= s->timer_ts)
		ks_hist_add(&v->timer.expire_to_inject_ts, ts - s->timer_ts);
}

static void irq_inject(struct ks_model *m, struct ks_vcpu *v,
		       const struct ks_record *rec)
{
	struct ks_vector_stats *s;

	if (rec->irq_inject.vector >= KS_VECTORS)
		return;
	s = ks_vector_get(v, rec->irq_inject.vector);
	if (rec->irq_inject.reinjected) {
		s->reinjected++;
		return;
	}
	if (rec->irq_inject.soft) {
		s->soft++;
		return;
	}
	s->injected++;
	if (s->pending && s->accept_epoch == m->epoch && rec->ts >= s->accept_ts)
		ks_hist_add(&s->accept_to_inject_ts, rec->ts - s->accept_ts);
	s->pending = false;
	if (s->of_timer)
		timer_injected(m, v, s, rec->ts);
	s->in_service = true;
	s->inject_ts = rec->ts;
	s->inject_epoch = m->epoch;
}

static void irq_eoi(struct ks_model *m, struct ks_vcpu *v,
		    const struct ks_record *rec)
{
	struct ks_vector_stats *s;

	if (rec->irq_eoi.vector < 0 || rec->irq_eoi.vector >= KS_VECTORS)
		return;
	s = ks_vector_get(v, rec->irq_eoi.vector);
	s->eoi++;
	if (s->in_service && s->inject_epoch == m->epoch && rec->ts >= s->inject_ts)
		ks_hist_add(&s->inject_to_eoi_ts, rec->ts - s->inject_ts);
	s->in_service = false;
}

static void timer_arm(struct ks_vcpu *v, const struct ks_record *rec)
{
	struct ks_timer_stats *t = &v->timer;

	if (rec->timer_arm.rearm) {
		t->rearmed++;
		return;
	}
	if (rec->timer_arm.mode < KS_TIMER_MODES)
		t->armed[rec->timer_arm.mode]++;
	t->hv_armed += !!rec->timer_arm.hv;
}

static void timer_expire(struct ks_model *m, struct ks_vcpu *v,
			 const struct ks_record *rec)
{
	struct ks_timer_stats *t = &v->timer;
	bool unanswered = t->due && t->due_epoch == m->epoch;

	t->expired++;
	t->hv_expired += !!rec->timer_expire.hv;
	ks_shist_add(&t->late_cycles, rec->timer_expire.late_cycles);
	if (unanswered && t->sure)
		t->sure--;
	/* Periods that pass while the vCPU waits become one interrupt. */
	if (unanswered && rec->timer_expire.mode == KS_TIMER_PERIODIC)
		return;
	t->due = true;
	t->due_ts = rec->ts;
	t->due_epoch = m->epoch;
}

void ks_irq_record(struct ks_model *m, struct ks_vcpu *v,
		   const struct ks_record *rec)
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
		timer_arm(v, rec);
		break;
	case KS_EV_timer_expire:
		timer_expire(m, v, rec);
		break;
	}
}
