// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bounded heap of moments.
 */
#include <stdlib.h>

#include "base/util.h"
#include "model/worst.h"

static const char *const kinds[] = {
	[KVS_MOMENT_TIMER] = "timer", [KVS_MOMENT_IRQ] = "irq",
	[KVS_MOMENT_WAIT] = "wait", [KVS_MOMENT_EXIT] = "exit",
};

static const char *const causes[] = {
	[KVS_CAUSE_TIMER] = "timer late", [KVS_CAUSE_WAIT] = "vCPU descheduled",
	[KVS_CAUSE_USER] = "in userspace", [KVS_CAUSE_HOST] = "host at work",
	[KVS_CAUSE_GUEST] = "waiting for an exit", [KVS_CAUSE_SLEEP] = "asleep, to be woken",
	[KVS_CAUSE_UNKNOWN] = "unknown",
};

const char *kvs_moment_kind_name(unsigned int kind)
{
	return kind < KVS_MOMENT_KINDS ? kinds[kind] : NULL;
}

const char *kvs_cause_name(unsigned int cause)
{
	return cause < KVS_CAUSES ? causes[cause] : NULL;
}

unsigned int kvs_cause_main(const uint64_t spent[KVS_CAUSES])
{
	unsigned int best = KVS_CAUSE_UNKNOWN;

	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		if (spent[i] > spent[best])
			best = i;
	return best;
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
