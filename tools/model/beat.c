// SPDX-License-Identifier: GPL-2.0-only
/*
 * The beat at which waits end; see beat.h.
 */
#include "model/beat.h"

#define MIN_HITS	5
#define MAX_MISSED	8	/* the most periods from one long wait to the next */
/* A period's timer may be late, and the scheduler's choice after it: a hundredth of it */
#define TOLERANCE	100

/* How many times @period is @distance, within the tolerance?  0: it is no multiple. */
static uint64_t times(uint64_t distance, uint64_t period)
{
	uint64_t n = (distance + period / 2) / period;
	uint64_t exact = n * period;
	uint64_t off = distance > exact ? distance - exact : exact - distance;

	return n <= MAX_MISSED && off <= period / TOLERANCE ? n : 0;
}

void kvs_beat_note(struct kvs_beat *b, uint64_t begin, uint64_t end, uint64_t least)
{
	uint64_t distance = end - b->last_end;
	bool first = !b->last_end;

	if (end <= begin || end - begin < least || end <= b->last_end)
		return;
	b->last_end = end;
	b->all++;
	if (first)
		return;
	/* Between those before, there may have been periods without a long wait. */
	if (!b->period || (!times(distance, b->period) && times(b->period, distance)))
		b->period = distance;
	if (!times(distance, b->period) && ++b->misses <= b->hits)
		return;
	/* It was chosen by chance: another one may fit. */
	if (b->misses > b->hits)
		*b = (struct kvs_beat){ .last_end = end, .all = b->all, .period = distance };
	b->hits++;
	b->fitting += distance;
}

uint64_t kvs_beat_period(const struct kvs_beat *b)
{
	if (b->hits < MIN_HITS || b->misses > b->hits / 8 || b->hits < b->all / 2)
		return 0;
	return b->fitting / ((b->fitting + b->period / 2) / b->period);
}
