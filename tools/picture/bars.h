/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bars: spans as a page keeps them, in 16 bytes each, and as columns that compress well.
 */
#ifndef KVMSCHED_BARS_H
#define KVMSCHED_BARS_H

#include <stdbool.h>
#include <stddef.h>

#include "picture/pack.h"
#include "trace/schema.h"

#define KVS_BAR_KINDS	16
#define KVS_MAX_WHO	UINT16_MAX
/* The longest time that bars can tell, in ns: 39 hours */
#define KVS_BAR_MAX_NS	((s64)1 << 47)

/* Times are ns since the recording began. */
struct kvs_bar {
	s64 begin : 56;
	u64 kind : 8;		/* below KVS_BAR_KINDS */
	u64 length : 48;
	u64 who : 16;		/* a number that its lane gives a meaning; 0: not told */
};

/* All zeroes is an empty list. */
struct kvs_bars {
	struct kvs_bar *bars;
	size_t nr, room;
	bool unsorted;		/* one came later than another that begins after it */
};

static inline s64 kvs_bar_end(const struct kvs_bar *bar)
{
	return bar->begin + (s64)bar->length;
}

void kvs_bars_add(struct kvs_bars *bars, s64 begin, s64 end, unsigned int kind,
		  unsigned int who);
/* By their begins; those that begin together by their ends */
void kvs_bars_sort(struct kvs_bars *bars);
void kvs_bars_free(struct kvs_bars *bars);

/*
 * Write the columns of sorted bars: each one's kind, a byte; the gap between its begin and
 * the end of the one before; and for each kind in turn the lengths and then the who's of
 * its bars.  Numbers are divided into bytes: first the lowest byte of all, then the next.
 * Gaps and lengths have 6 bytes, who has 2.
 */
void kvs_bars_pack(const struct kvs_bars *bars, struct kvs_pack *pack);

#endif /* KVMSCHED_BARS_H */
