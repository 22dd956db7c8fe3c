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

/* Who kept the vCPU off the CPU */
static void set_thief(struct kvs_moment *moment, const struct kvs_shares *shares)
{
	moment->shares = *shares;
	moment->thief = shares->top[0].who;
	moment->thief_time = shares->top[0].time;
}

static void fill_exit(struct kvs_moment *moment, const struct kvs_span *span)
{
	moment->polled = span->exit.poll_ts;
	moment->reason = span->exit.reason;
	moment->isa = span->exit.isa;
	moment->exit_end = span->exit.end;
	moment->l2 = span->exit.l2;
}

/* The longest sleep tells what it slept for, if that was most of it. */
static void fill_sleep(struct kvs_moment *moment)
{
	const struct kvs_sleep *s = &moment->vcpu->last_sleep;
	u64 begin = s->begin > moment->begin ? s->begin : moment->begin;

	if (s->end > moment->end || s->end <= begin ||
	    s->end - begin <= moment->spent[KVS_CAUSE_BLOCKED] / 2)
		return;
	moment->slept_for = s->what;
	moment->reason = s->reason;
	moment->isa = s->isa;
	moment->l2 = s->l2;
}

static void fill_irq(struct kvs_moment *moment, const struct kvs_span *span)
{
	const struct kvs_vector_stats *vector = span->irq.vector;
	struct kvs_shares shares;

	moment->accepted = span->begin;
	moment->vector = vector->vector;
	kvs_spent_since(&span->vcpu->ledger, &vector->accept_mark, span->end, moment->spent);
	kvs_culprits_shares(&vector->trail.culprits, &shares);
	set_thief(moment, &shares);
}

static void fill_timer(struct kvs_moment *moment, const struct kvs_span *span)
{
	moment->begin = span->timer.deadline;
	moment->expired = span->timer.expired;
	moment->accepted = span->timer.accepted;
	moment->vector = span->timer.vector;
	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		moment->spent[i] = span->timer.spent[i];
	set_thief(moment, span->timer.shares);
}

int kvs_moment_kind_of(const struct kvs_span *span)
{
	if (span->open)
		return -1;
	switch (span->kind) {
	case KVS_SPAN_EXIT:
		/* Of a halt that goes on, nobody knows yet how much was polling. */
		return span->exit.halts ? -1 : KVS_MOMENT_EXIT;
	case KVS_SPAN_WAIT:
		return KVS_MOMENT_WAIT;
	case KVS_SPAN_IRQ:
		/* An interrupt of the timer is part of the timer's own moment. */
		return span->irq.of_timer ? -1 : KVS_MOMENT_IRQ;
	case KVS_SPAN_TIMER:
		return KVS_MOMENT_TIMER;
	}
	return -1;
}

/* While the host polls in a halt, the vCPU idles: that is no cost of the exit. */
u64 kvs_moment_length(const struct kvs_span *span)
{
	u64 length = span->end - span->begin;

	if (span->kind != KVS_SPAN_EXIT)
		return length;
	return span->exit.poll_ts < length ? length - span->exit.poll_ts : 0;
}

void kvs_moment_of(struct kvs_moment *moment, const struct kvs_span *span)
{
	*moment = (struct kvs_moment){
		.kind = kvs_moment_kind_of(span), .vcpu = span->vcpu,
		.length = kvs_moment_length(span),
		.begin = span->begin, .end = span->end, .cpu = span->cpu,
		.policy_known = span->vcpu->policy_known, .policy = span->vcpu->policy,
	};
	switch (moment->kind) {
	case KVS_MOMENT_EXIT:
		fill_exit(moment, span);
		break;
	case KVS_MOMENT_WAIT:
		set_thief(moment, &span->wait->shares);
		moment->idle = span->wait->idle;
		moment->preempted = span->wait->span.preempted;
		break;
	case KVS_MOMENT_IRQ:
		fill_irq(moment, span);
		fill_sleep(moment);
		break;
	case KVS_MOMENT_TIMER:
		fill_timer(moment, span);
		fill_sleep(moment);
		break;
	}
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_worst *w = ctx;
	int kind = kvs_moment_kind_of(span);
	struct kvs_moment moment;

	if (kind < 0 || !kvs_worst_wants(w, kind, kvs_moment_length(span)))
		return;
	kvs_moment_of(&moment, span);
	kvs_worst_add(w, &moment);
}

u32 kvs_moment_spans(u32 mask)
{
	static const u32 spans_of[KVS_MOMENT_KINDS] = {
		[KVS_MOMENT_TIMER] = KVS_SPAN_BIT(TIMER),
		[KVS_MOMENT_IRQ] = KVS_SPAN_BIT(IRQ),
		[KVS_MOMENT_WAIT] = KVS_SPAN_BIT(WAIT),
		[KVS_MOMENT_EXIT] = KVS_SPAN_BIT(EXIT),
	};
	u32 spans = 0;

	for (unsigned int kind = 0; kind < KVS_MOMENT_KINDS; kind++)
		if (mask >> kind & 1)
			spans |= spans_of[kind];
	return spans;
}

void kvs_worst_listen(struct kvs_worst *w, struct kvs_model *m)
{
	kvs_sinks_add(&m->sinks, kvs_moment_spans(w->kinds), take_span, w);
}
