/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Do the long waits of a vCPU end at a beat?
 *
 * A quota (cpu.max) lets its cgroup run again at the begin of each of its periods, so waits
 * that it caused end whole periods after one another.  A task that wakes up at a beat, and
 * has the CPU for as long each time, makes the same.  Where a file tells nothing of quotas,
 * this is all there is: enough to name the beat, not whose it is.
 */
#ifndef KVMSCHED_BEAT_H
#define KVMSCHED_BEAT_H

#include <stdbool.h>
#include <stdint.h>

/* Times are time stamps, or differences of them. */
struct kvs_beat {
	uint64_t last_end;	/* of the last long wait; 0: none yet */
	uint64_t period;	/* the shortest distance that fits; 0: not known yet */
	uint64_t fitting;	/* sum of the distances that are whole periods */
	unsigned int hits, misses;	/* how many are, and are not, since the period was chosen */
	unsigned int all;	/* long waits */
};

#define KVS_BEAT_WAIT_NS	10000000	/* a long wait */

/* It has waited from @begin to @end; shorter waits than @least, 0: all, don't count. */
void kvs_beat_note(struct kvs_beat *b, uint64_t begin, uint64_t end, uint64_t least);
/* Its mean period; 0: there is none.  Enough waits end at it, and hardly another. */
uint64_t kvs_beat_period(const struct kvs_beat *b);

#endif /* KVMSCHED_BEAT_H */
