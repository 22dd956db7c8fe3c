// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stretches for which a LAPIC timer is armed: until it expires, or is set anew.
 *
 * Only in TSC-deadline mode does a record tell that the guest stops its timer.  In the
 * other modes nobody knows how long one was armed that never expired: it is no span.
 */
#include "model/model.h"

static bool stop_is_told(const struct kvs_armed_stretch *a)
{
	return a->mode == KS_TIMER_DEADLINE;
}

static void emit(const struct kvs_model *m, struct kvs_vcpu *v, u16 cpu, u64 end,
		 unsigned int how, u64 deadline)
{
	const struct kvs_armed_stretch *a = &v->timer.stretch;
	const struct kvs_span span = {
		.kind = KVS_SPAN_TIMER_ARMED, .vcpu = v, .cpu = cpu,
		.begin = a->ts, .end = end, .length = end - a->ts,
		.gap = a->epoch != m->epoch, .open = how == KVS_ARMED_OPEN,
		.armed = { .mode = a->mode, .end = how, .since = a->since,
			   .deadline = deadline },
	};

	if (a->ts <= end && kvs_span_wanted(v->sinks, span.kind))
		kvs_span_emit(v->sinks, &span);
}

/* It is over without an expiry. */
static void end_early(struct kvs_model *m, struct kvs_vcpu *v, u16 cpu, u64 end,
		      unsigned int how)
{
	const struct kvs_armed *now = &v->timer.armed_now;
	struct kvs_armed_stretch *a = &v->timer.stretch;

	if (a->on && stop_is_told(a))
		emit(m, v, cpu, end, how, now->on ? now->deadline : 0);
	a->on = false;
}

void kvs_timer_armed(struct kvs_model *m, struct kvs_vcpu *v, const struct kvs_record *rec)
{
	struct kvs_armed_stretch *a = &v->timer.stretch;
	unsigned int how = rec->timer_arm.rearm;

	/* The same one goes on, or the next period, which began with the expiry. */
	if (how == KS_ARM_AGAIN)
		return;
	end_early(m, v, rec->cpu, rec->ts, how == KS_ARM_STOPPED ? KVS_ARMED_STOPPED :
								   KVS_ARMED_REPLACED);
	if (how == KS_ARM_STOPPED)
		return;
	*a = (struct kvs_armed_stretch){
		.on = true, .since = how != KS_ARM_FOUND, .mode = rec->timer_arm.mode,
		.ts = rec->ts, .epoch = m->epoch,
	};
}

void kvs_timer_armed_expires(struct kvs_model *m, struct kvs_vcpu *v,
			     const struct kvs_record *rec, u64 deadline)
{
	struct kvs_armed_stretch *a = &v->timer.stretch;
	u8 mode = rec->timer_expire.mode;

	if (a->on && a->mode == mode)
		emit(m, v, rec->cpu, rec->ts, KVS_ARMED_EXPIRED, deadline);
	*a = (struct kvs_armed_stretch){
		.on = mode == KS_TIMER_PERIODIC, .since = true, .mode = mode,
		.ts = rec->ts, .epoch = m->epoch,
	};
}

void kvs_timer_armed_end(struct kvs_model *m, struct kvs_vcpu *v, u64 end)
{
	end_early(m, v, v->last_cpu, end, KVS_ARMED_OPEN);
}
