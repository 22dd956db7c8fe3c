/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bins: how much of each stretch of time each kind of thing took, to the ns.  A page that
 * can't hold all spans holds the bins of the whole time; coarser ones are their sums.
 */
#ifndef KVMSCHED_BINS_H
#define KVMSCHED_BINS_H

#include <stdbool.h>

#include "picture/pack.h"
#include "trace/schema.h"

#define KVS_BIN_KINDS	16
#define KVS_BIN_NOTHING	(KVS_BIN_KINDS - 1)	/* the rest of a bin, in which no span was */

/* What time they are of.  The last bin ends with the frame, and may be shorter. */
struct kvs_bins_frame {
	s64 from, to;		/* ns since the recording began, from < to */
	u64 width;		/* of a bin */
	unsigned int nr;
};

struct kvs_bins {
	struct kvs_bins_frame frame;	/* set before the first span is added */
	unsigned int halved;		/* how often kvs_bins_halve() was called since then */
	bool wide;			/* some bin has more than 32 bits can hold */
	void *ns[KVS_BIN_KINDS];	/* see kvs_bins_ns(); NULL: nothing was of that kind */
	unsigned int page[KVS_BIN_KINDS];	/* of memory, where the last span was added */
	unsigned int last;		/* the bin that was added to last */
	size_t size, used;		/* bytes of memory, and those that are not untouched */
};

/*
 * The time of a kind that is there.  Until all is added it may be less than 0, as what is
 * taken off may come first.
 */
static inline s64 kvs_bins_ns(const struct kvs_bins *bins, unsigned int kind, unsigned int bin)
{
	const void *ns = bins->ns[kind];

	return bins->wide ? ((const s64 *)ns)[bin] : ((const s32 *)ns)[bin];
}

/* Set @width and @nr of a frame: at least @least bins, unless the frame has fewer ns. */
void kvs_bins_divide(struct kvs_bins_frame *frame, unsigned int least);

/* Add @sign times the part of [@begin, @end) within the frame. */
void kvs_bins_add(struct kvs_bins *bins, unsigned int kind, s64 begin, s64 end, int sign);
/* Make one bin of each two. */
void kvs_bins_halve(struct kvs_bins *bins);
void kvs_bins_free(struct kvs_bins *bins);

/*
 * Fill kind KVS_BIN_NOTHING, and drop the kind that has most, since it is what the others
 * leave of each bin's width.  Returns that kind; -1: none is dropped, since some bin has
 * more than its width, of spans that overlap.
 */
int kvs_bins_settle(struct kvs_bins *bins);

/* How many bytes the largest time of a bin has */
unsigned int kvs_bins_bytes(const struct kvs_bins *bins);
/*
 * Write the kinds that are there, in order: first the lowest byte of all bins of a kind, and
 * so on, kvs_bins_bytes() of each.
 */
void kvs_bins_pack(const struct kvs_bins *bins, struct kvs_pack *pack);

#endif /* KVMSCHED_BINS_H */
