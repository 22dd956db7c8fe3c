// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sink behind a still: spans become time in the columns of lanes.
 */
#include <stdlib.h>

#include "base/util.h"
#include "picture/still.h"

void kvs_still_init(struct kvs_still *still, const struct kvs_frame *frame)
{
	*still = (struct kvs_still){
		.frame = *frame,
		.vcpus = xcalloc(KVS_STILL_VCPUS, sizeof(*still->vcpus)),
		.cpus = xcalloc(KVS_STILL_VCPUS, sizeof(*still->cpus)),
	};
}

void kvs_still_free(struct kvs_still *still)
{
	for (unsigned int i = 0; i < still->nr_vcpus; i++) {
		kvs_strip_free(&still->vcpus[i].states);
		kvs_strip_free(&still->vcpus[i].timer);
		free(still->vcpus[i].injected);
	}
	for (unsigned int i = 0; i < still->nr_cpus; i++)
		kvs_strip_free(&still->cpus[i].runs);
	free(still->vcpus);
	free(still->cpus);
}

static unsigned int hue_of(struct kvs_still *still, u16 vm)
{
	for (unsigned int i = 0; i < still->nr_vcpus; i++)
		if (still->vcpus[i].vm == vm)
			return still->vcpus[i].hue;
	return still->nr_vms++ % KVS_STILL_HUES;
}

bool kvs_still_want(struct kvs_still *still, u16 vm, u16 id)
{
	struct kvs_still_vcpu *lane;

	if (still->nr_vcpus == KVS_STILL_VCPUS)
		return false;
	lane = &still->vcpus[still->nr_vcpus];
	lane->vm = vm;
	lane->id = id;
	lane->hue = hue_of(still, vm);
	kvs_strip_init(&lane->states, &still->frame, KVMSCHED_NR_STATES, false);
	kvs_strip_init(&lane->timer, &still->frame, 1, false);
	lane->injected = xcalloc(still->frame.columns, sizeof(*lane->injected));
	still->nr_vcpus++;
	return true;
}

static struct kvs_still_vcpu *lane_of(struct kvs_still *still, const struct kvs_vcpu *v)
{
	for (unsigned int i = 0; v && i < still->nr_vcpus; i++) {
		struct kvs_still_vcpu *lane = &still->vcpus[i];

		if (lane->vm != v->vm || lane->id != v->id)
			continue;
		lane->vcpu = v;
		return lane;
	}
	return NULL;
}

static struct kvs_still_cpu *cpu_of(struct kvs_still *still, unsigned int cpu)
{
	for (unsigned int i = 0; i < still->nr_cpus; i++)
		if (still->cpus[i].cpu == cpu)
			return &still->cpus[i];
	if (still->nr_cpus == KVS_STILL_VCPUS) {
		still->cpus_left_out = true;
		return NULL;
	}
	still->cpus[still->nr_cpus].cpu = cpu;
	kvs_strip_init(&still->cpus[still->nr_cpus].runs, &still->frame, KVS_STILL_RUNS, true);
	return &still->cpus[still->nr_cpus++];
}

static void take_state(struct kvs_still *still, const struct kvs_span *span)
{
	struct kvs_still_vcpu *lane = lane_of(still, span->vcpu);

	if (!lane)
		return;
	kvs_strip_add(&lane->states, &still->frame, span->state.state, span->begin, span->end,
		      1, NULL);
	/* It was told as part of state exit, too. */
	if (span->state.state == KVMSCHED_STATE_POLL)
		kvs_strip_add(&lane->states, &still->frame, KVMSCHED_STATE_EXIT, span->begin,
			      span->end, -1, NULL);
}

static void take_run(struct kvs_still *still, const struct kvs_span *span, unsigned int kind,
		     const void *who)
{
	struct kvs_still_cpu *lane;

	if (span->end <= still->frame.from || span->begin >= still->frame.to)
		return;
	lane = cpu_of(still, span->cpu);
	if (lane)
		kvs_strip_add(&lane->runs, &still->frame, span->gap ? KVS_STILL_UNKNOWN : kind,
			      span->begin, span->end, 1, who);
}

static void take_slice(struct kvs_still *still, const struct kvs_span *span)
{
	const struct kvs_still_vcpu *lane = lane_of(still, span->vcpu);

	if (span->slice.since)
		take_run(still, span, lane ? lane->hue : KVS_STILL_OTHER_VCPU, span->vcpu);
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
		kvs_strip_add(&lane->timer, &still->frame, 0, span->begin, span->end, 1, NULL);
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_still *still = ctx;

	switch (span->kind) {
	case KVS_SPAN_STATE:
		return take_state(still, span);
	case KVS_SPAN_SLICE:
		return take_slice(still, span);
	case KVS_SPAN_TASK:
		/* A vCPU's thread comes as its slices. */
		if (!span->task->is_vcpu)
			take_run(still, span, KVS_STILL_TASK, span->task);
		return;
	case KVS_SPAN_TIMER:
		return take_timer(still, span);
	case KVS_SPAN_IRQ:
		return take_irq(still, span);
	}
}

void kvs_still_listen(struct kvs_still *still, struct kvs_model *m)
{
	kvs_sinks_add(&m->sinks, KVS_SPAN_BIT(STATE) | KVS_SPAN_BIT(SLICE) | KVS_SPAN_BIT(TASK) |
				 KVS_SPAN_BIT(TIMER) | KVS_SPAN_BIT(IRQ),
		      take_span, still);
}

static int by_number(const void *a, const void *b)
{
	const struct kvs_still_cpu *x = a, *y = b;

	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

void kvs_still_finish(struct kvs_still *still)
{
	qsort(still->cpus, still->nr_cpus, sizeof(*still->cpus), by_number);
}
