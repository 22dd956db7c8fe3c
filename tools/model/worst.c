// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bounded heap of moments.
 */
#include <stdlib.h>

#include "base/kvmsched.h"
#include "model/worst.h"

static const char *const kinds[] = {
	[KS_MOMENT_TIMER] = "timer", [KS_MOMENT_IRQ] = "irq",
	[KS_MOMENT_WAIT] = "wait", [KS_MOMENT_EXIT] = "exit",
};

static const char *const causes[] = {
	[KS_CAUSE_TIMER] = "timer late", [KS_CAUSE_WAIT] = "vCPU descheduled",
	[KS_CAUSE_USER] = "in userspace", [KS_CAUSE_HOST] = "host at work",
	[KS_CAUSE_GUEST] = "waiting for an exit", [KS_CAUSE_SLEEP] = "asleep, to be woken",
	[KS_CAUSE_UNKNOWN] = "unknown",
};

const char *ks_moment_kind_name(unsigned int kind)
{
	return kind < KS_MOMENT_KINDS ? kinds[kind] : NULL;
}

const char *ks_cause_name(unsigned int cause)
{
	return cause < KS_CAUSES ? causes[cause] : NULL;
}

unsigned int ks_cause_main(const uint64_t spent[KS_CAUSES])
{
	unsigned int best = KS_CAUSE_UNKNOWN;

	for (unsigned int i = 0; i < KS_CAUSES; i++)
		if (spent[i] > spent[best])
			best = i;
	return best;
}

void ks_worst_init(struct ks_worst *w, unsigned int room, uint32_t mask)
{
	*w = (struct ks_worst){ .kinds = mask, .room = room };
	w->heap = xcalloc(room, sizeof(*w->heap));
}

void ks_worst_free(struct ks_worst *w)
{
	free(w->heap);
}

static void sift_down(struct ks_worst *w)
{
	struct ks_moment moment = w->heap[0];
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

void ks_worst_add(struct ks_worst *w, const struct ks_moment *moment)
{
	unsigned int i;

	if (!ks_worst_wants(w, moment->kind, moment->length))
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
	const struct ks_moment *a = left, *b = right;

	if (a->length != b->length)
		return a->length > b->length ? -1 : 1;
	return a->begin < b->begin ? -1 : a->begin > b->begin;
}

void ks_worst_sort(struct ks_worst *w)
{
	w->kinds = 0;
	if (w->count)
		qsort(w->heap, w->count, sizeof(*w->heap), longest_first);
}
