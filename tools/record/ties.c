// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's clocks while it is recorded; see ties.h.
 *
 * CLOCK_REALTIME and CLOCK_MONOTONIC are slewed together, so the difference of both
 * changes only where somebody sets the wall clock, or a leap second comes.
 */
#include <stdlib.h>
#include <time.h>
#include <x86intrin.h>

#include "record/ties.h"

#define LOOKS		3		/* the quickest of them counts */
#define STEP_NS		1000000		/* smaller steps are taken for slewing */
#define WIDE_NS		(STEP_NS / 2)

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Returns how long it took. */
static uint64_t look_once(struct kvs_tie *tie)
{
	uint64_t before = clock_ns(CLOCK_MONOTONIC), after;

	tie->boottime_ns = clock_ns(CLOCK_BOOTTIME);
	tie->tsc = __rdtsc();
	tie->realtime_ns = clock_ns(CLOCK_REALTIME);
	after = clock_ns(CLOCK_MONOTONIC);
	tie->monotonic_ns = before + (after - before) / 2;
	return after - before;
}

static bool was_set(const struct kvs_tie *first, const struct kvs_tie *now)
{
	int64_t old = first->realtime_ns - first->monotonic_ns;
	int64_t new = now->realtime_ns - now->monotonic_ns;

	return llabs(new - old) > STEP_NS;
}

static void begin_stretch(struct kvs_ties *t, const struct kvs_tie *tie)
{
	t->ties[t->nr++] = *tie;
	t->ties[t->nr++] = *tie;
}

void kvs_ties_add(struct kvs_ties *t, const struct kvs_tie *tie, uint64_t width_ns)
{
	if (t->unknown || (t->nr && width_ns > WIDE_NS))
		return;
	if (t->nr && !was_set(&t->ties[t->nr - 2], tie)) {
		t->ties[t->nr - 1] = *tie;
	} else if (t->nr < KVS_TIES_MAX) {
		begin_stretch(t, tie);
	} else {
		/* Better nothing than a part of it, by which other times would be wrong. */
		t->unknown = true;
		t->nr = 0;
	}
}

void kvs_ties_look(struct kvs_ties *t)
{
	uint64_t width = UINT64_MAX;
	struct kvs_tie best;

	for (unsigned int i = 0; i < LOOKS; i++) {
		struct kvs_tie tie;
		uint64_t w = look_once(&tie);

		if (w < width) {
			width = w;
			best = tie;
		}
	}
	kvs_ties_add(t, &best, width);
}
