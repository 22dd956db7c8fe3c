// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sink behind a still: spans become time in the columns of lanes, and so does what
 * tasks of guests did.
 */
#include <stdlib.h>

#include "base/util.h"
#include "picture/still.h"

void kvs_still_init(struct kvs_still *still, const struct kvs_frame *frame)
{
	*still = (struct kvs_still){
		.frame = *frame,
		.vcpus = xcalloc(KVS_LANES, sizeof(*still->vcpus)),
		.cpus = xcalloc(KVS_LANES, sizeof(*still->cpus)),
		.guests = xcalloc(KVS_GUEST_LANES, sizeof(*still->guests)),
	};
}

void kvs_still_free(struct kvs_still *still)
{
	for (unsigned int i = 0; i < still->lanes.nr_vcpus; i++) {
		kvs_strip_free(&still->vcpus[i].states);
		kvs_strip_free(&still->vcpus[i].armed);
		kvs_strip_free(&still->vcpus[i].timer);
		free(still->vcpus[i].injected);
	}
	for (unsigned int i = 0; i < still->lanes.nr_cpus; i++)
		kvs_strip_free(&still->cpus[i].runs);
	for (unsigned int i = 0; i < still->lanes.nr_guests; i++)
		kvs_strip_free(&still->guests[i]);
	free(still->vcpus);
	free(still->cpus);
	free(still->guests);
	kvs_lanes_free(&still->lanes);
}

bool kvs_still_want(struct kvs_still *still, const struct kvs_vcpu *v)
{
	struct kvs_still_vcpu *lane = &still->vcpus[still->lanes.nr_vcpus];

	if (!kvs_lanes_want(&still->lanes, v))
		return false;
	kvs_strip_init(&lane->states, &still->frame, KVMSCHED_NR_STATES, false);
	kvs_strip_init(&lane->armed, &still->frame, 1, false);
	kvs_strip_init(&lane->timer, &still->frame, 1, false);
	lane->injected = xcalloc(still->frame.columns, sizeof(*lane->injected));
	return true;
}

static struct kvs_still_vcpu *lane_of(struct kvs_still *still, const struct kvs_vcpu *v)
{
	int lane = kvs_lanes_vcpu(&still->lanes, v);

	if (lane < 0)
		return NULL;
	still->vcpus[lane].vcpu = v;
	return &still->vcpus[lane];
}

static struct kvs_still_cpu *cpu_of(struct kvs_still *still, unsigned int cpu)
{
	unsigned int known = still->lanes.nr_cpus;
	int lane = kvs_lanes_cpu(&still->lanes, cpu);

	if (lane < 0)
		return NULL;
	if (still->lanes.nr_cpus > known) {
		still->cpus[lane].cpu = cpu;
		kvs_strip_init(&still->cpus[lane].runs, &still->frame, KVS_RUNS_KINDS, true);
	}
	return &still->cpus[lane];
}

static void take_state(struct kvs_still *still, const struct kvs_span *span)
{
	struct kvs_still_vcpu *lane = lane_of(still, span->vcpu);

	if (!lane)
		return;
	kvs_strip_add(&lane->states, &still->frame, span->state.state, span->begin, span->end,
		      1, NULL);
	/* The span of state exit had the time of the poll, too. */
	if (span->state.state == KVMSCHED_STATE_POLL)
		kvs_strip_add(&lane->states, &still->frame, KVMSCHED_STATE_EXIT, span->begin,
			      span->end, -1, NULL);
}

static void take_run(struct kvs_still *still, const struct kvs_span *span, const void *who)
{
	int kind = kvs_lanes_runs(&still->lanes, span);
	struct kvs_still_cpu *lane;

	/* It may be the first that is seen of this vCPU. */
	lane_of(still, span->vcpu);
	if (kind < 0 || span->end <= still->frame.from || span->begin >= still->frame.to)
		return;
	lane = cpu_of(still, span->cpu);
	if (lane)
		kvs_strip_add(&lane->runs, &still->frame, kind, span->begin, span->end, 1, who);
}

static void take_irq(struct kvs_still *still, const struct kvs_span *span)
{
	struct kvs_still_vcpu *lane = lane_of(still, span->vcpu);

	if (lane && span->end >= still->frame.from && span->end < still->frame.to)
		lane->injected[kvs_frame_column(&still->frame, span->end)] = true;
}

static void take_timer(struct kvs_still *still, const struct kvs_span *span)
{
	struct kvs_still_vcpu *lane = lane_of(still, span->vcpu);

	if (lane)
		kvs_strip_add(span->kind == KVS_SPAN_TIMER ? &lane->timer : &lane->armed,
			      &still->frame, 0, span->begin, span->end, 1, NULL);
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_still *still = ctx;

	switch (span->kind) {
	case KVS_SPAN_STATE:
		return take_state(still, span);
	case KVS_SPAN_SLICE:
		return take_run(still, span, span->vcpu);
	case KVS_SPAN_TASK:
		return take_run(still, span, span->task);
	case KVS_SPAN_TIMER_ARMED:
	case KVS_SPAN_TIMER:
		return take_timer(still, span);
	case KVS_SPAN_IRQ:
		return take_irq(still, span);
	}
}

void kvs_still_listen(struct kvs_still *still, struct kvs_model *m)
{
	kvs_sinks_add(&m->sinks, KVS_SPAN_BIT(STATE) | KVS_SPAN_BIT(SLICE) | KVS_SPAN_BIT(TASK) |
				 KVS_SPAN_BIT(TIMER_ARMED) | KVS_SPAN_BIT(TIMER) |
				 KVS_SPAN_BIT(IRQ),
		      take_span, still);
}

void kvs_still_guest(void *ctx, unsigned int lane, enum kvs_guest_task_does does, u64 begin,
		     u64 end)
{
	struct kvs_still *still = ctx;
	struct kvs_strip *strip = &still->guests[lane];

	if (!strip->time)
		kvs_strip_init(strip, &still->frame, KVS_GUEST_TASK_KINDS, false);
	kvs_strip_add(strip, &still->frame, does, begin, end, 1, NULL);
}

static int by_number(const void *a, const void *b)
{
	const struct kvs_still_cpu *x = a, *y = b;

	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

void kvs_still_finish(struct kvs_still *still)
{
	qsort(still->cpus, still->lanes.nr_cpus, sizeof(*still->cpus), by_number);
}
