// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bounded heap of moments, filled from spans.
 */
#include <stdlib.h>

#include "base/util.h"
#include "model/model.h"
#include "model/worst.h"

static const char *const kinds[] = {
	[KVS_MOMENT_TIMER] = "timer", [KVS_MOMENT_IRQ] = "irq",
	[KVS_MOMENT_WAIT] = "wait", [KVS_MOMENT_EXIT] = "exit",
};

const char *kvs_moment_kind_name(unsigned int kind)
{
	return kind < KVS_MOMENT_KINDS ? kinds[kind] : NULL;
}

void kvs_worst_init(struct kvs_worst *w, unsigned int room, uint32_t mask)
{
	*w = (struct kvs_worst){ .kinds = mask, .room = room };
	w->heap = xcalloc(room, sizeof(*w->heap));
}

void kvs_worst_free(struct kvs_worst *w)
{
	free(w->heap);
}

static void sift_down(struct kvs_worst *w)
{
	struct kvs_moment moment = w->heap[0];
	unsigned int i = 0, child;

	while ((child = 2 * i + 1) < w->count) {
		if (child + 1 < w->count &&
		    w->heap[child + 1].length < w->heap[child].length)
			child++;
		if (w->heap[child].length >= moment.length)
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = moment;
}

void kvs_worst_add(struct kvs_worst *w, const struct kvs_moment *moment)
{
	unsigned int i;

	if (!kvs_worst_wants(w, moment->kind, moment->length))
		return;
	if (w->count == w->room) {
		w->heap[0] = *moment;
		sift_down(w);
		return;
	}
	for (i = w->count++; i; i = (i - 1) / 2) {
		if (w->heap[(i - 1) / 2].length <= moment->length)
			break;
		w->heap[i] = w->heap[(i - 1) / 2];
	}
	w->heap[i] = *moment;
}

static int longest_first(const void *left, const void *right)
{
	const struct kvs_moment *a = left, *b = right;

	if (a->length != b->length)
		return a->length > b->length ? -1 : 1;
	return a->begin < b->begin ? -1 : a->begin > b->begin;
}

void kvs_worst_sort(struct kvs_worst *w)
{
	w->kinds = 0;
	if (w->count)
		qsort(w->heap, w->count, sizeof(*w->heap), longest_first);
}

/* While the host polls in a halt, the vCPU idles: that is no cost of the exit. */
static u64 length_of(const struct kvs_span *span)
{
	u64 length = span->end - span->begin;

	if (span->kind != KVS_SPAN_EXIT)
		return length;
	return span->exit.poll_ts < length ? length - span->exit.poll_ts : 0;
}

static void add_exit(struct kvs_worst *w, const struct kvs_span *span)
{
	struct kvs_moment moment = {
		.kind = KVS_MOMENT_EXIT, .vcpu = span->vcpu,
		.length = length_of(span), .polled = span->exit.poll_ts,
		.begin = span->begin, .end = span->end, .cpu = span->cpu,
		.reason = span->exit.reason, .isa = span->exit.isa,
		.exit_end = span->exit.end, .l2 = span->exit.l2,
	};

	kvs_worst_add(w, &moment);
}

/* Who kept the vCPU off the CPU */
static void set_thief(struct kvs_moment *moment, const struct kvs_shares *shares)
{
	moment->shares = *shares;
	moment->thief = shares->top[0].who;
	moment->thief_time = shares->top[0].time;
}

static void add_wait(struct kvs_worst *w, const struct kvs_span *span)
{
	struct kvs_moment moment = {
		.kind = KVS_MOMENT_WAIT, .vcpu = span->vcpu,
		.length = span->end - span->begin,
		.begin = span->begin, .end = span->end, .cpu = span->cpu,
		.preempted = span->wait->span.preempted,
	};

	set_thief(&moment, &span->wait->shares);
	kvs_worst_add(w, &moment);
}

static void add_irq(struct kvs_worst *w, const struct kvs_span *span)
{
	const struct kvs_vector_stats *vector = span->irq.vector;
	struct kvs_moment moment = {
		.kind = KVS_MOMENT_IRQ, .vcpu = span->vcpu,
		.length = span->end - span->begin,
		.begin = span->begin, .accepted = span->begin, .end = span->end,
		.cpu = span->cpu, .vector = vector->vector,
	};
	struct kvs_shares shares;

	kvs_spent_since(&span->vcpu->ledger, &vector->accept_mark, span->end, moment.spent);
	kvs_culprits_shares(&vector->trail.culprits, &shares);
	set_thief(&moment, &shares);
	kvs_worst_add(w, &moment);
}

static void add_timer(struct kvs_worst *w, const struct kvs_span *span)
{
	struct kvs_moment moment = {
		.kind = KVS_MOMENT_TIMER, .vcpu = span->vcpu,
		.begin = span->timer.deadline, .length = span->end - span->begin,
		.expired = span->timer.expired, .accepted = span->timer.accepted,
		.end = span->end, .cpu = span->cpu, .vector = span->timer.vector,
	};

	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		moment.spent[i] = span->timer.spent[i];
	set_thief(&moment, span->timer.shares);
	kvs_worst_add(w, &moment);
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_worst *w = ctx;
	u64 length = length_of(span);

	/* An interrupt of the timer is part of the timer's own moment. */
	if (span->open || (span->kind == KVS_SPAN_IRQ && span->irq.of_timer))
		return;
	switch (span->kind) {
	case KVS_SPAN_EXIT:
		if (!span->exit.halts && kvs_worst_wants(w, KVS_MOMENT_EXIT, length))
			add_exit(w, span);
		break;
	case KVS_SPAN_WAIT:
		if (kvs_worst_wants(w, KVS_MOMENT_WAIT, length))
			add_wait(w, span);
		break;
	case KVS_SPAN_IRQ:
		if (kvs_worst_wants(w, KVS_MOMENT_IRQ, length))
			add_irq(w, span);
		break;
	case KVS_SPAN_TIMER:
		if (kvs_worst_wants(w, KVS_MOMENT_TIMER, length))
			add_timer(w, span);
		break;
	}
}

void kvs_worst_listen(struct kvs_worst *w, struct kvs_model *m)
{
	static const u32 spans_of[KVS_MOMENT_KINDS] = {
		[KVS_MOMENT_TIMER] = KVS_SPAN_BIT(TIMER),
		[KVS_MOMENT_IRQ] = KVS_SPAN_BIT(IRQ),
		[KVS_MOMENT_WAIT] = KVS_SPAN_BIT(WAIT),
		[KVS_MOMENT_EXIT] = KVS_SPAN_BIT(EXIT),
	};
	u32 spans = 0;

	for (unsigned int kind = 0; kind < KVS_MOMENT_KINDS; kind++)
		if (w->kinds >> kind & 1)
			spans |= spans_of[kind];
	kvs_sinks_add(&m->sinks, spans, take_span, w);
}
