// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stretches of time; see hostside.h.
 */
#include <stdlib.h>

#include "base/util.h"
#include "merge/hostside.h"

void kvs_stretches_add(struct kvs_stretches *s, u64 begin, u64 end)
{
	/* Mostly they come in order, and many follow upon the one before. */
	if (s->nr && begin >= s->at[s->nr - 1].begin && begin <= s->at[s->nr - 1].end) {
		if (end > s->at[s->nr - 1].end)
			s->at[s->nr - 1].end = end;
		return;
	}
	if (s->nr == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->at = xrealloc(s->at, s->room * sizeof(*s->at));
	}
	s->at[s->nr++] = (struct kvs_stretch){ .begin = begin, .end = end };
}

static int by_begin(const void *a, const void *b)
{
	const struct kvs_stretch *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

void kvs_stretches_sort(struct kvs_stretches *s)
{
	size_t nr = s->nr;

	if (!nr)
		return;
	qsort(s->at, nr, sizeof(*s->at), by_begin);
	s->nr = 1;
	for (size_t i = 1; i < nr; i++)
		kvs_stretches_add(s, s->at[i].begin, s->at[i].end);
}

size_t kvs_stretches_before(const struct kvs_stretches *s, u64 at)
{
	size_t low = 0, high = s->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->at[middle].begin < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void kvs_stretches_free(struct kvs_stretches *s)
{
	free(s->at);
	*s = (struct kvs_stretches){ 0 };
}
