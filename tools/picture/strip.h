/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Strips: time drawn as columns.  A strip has a fixed number of columns of equal time
 * between two moments, and knows of each column how much of it each kind of thing took:
 * exactly, whatever the scale.
 */
#ifndef KVMSCHED_STRIP_H
#define KVMSCHED_STRIP_H

#include <stdbool.h>

#include "trace/schema.h"

/* What all strips of a picture share */
struct kvs_frame {
	u64 from, to;		/* time stamps, from < to */
	unsigned int columns;
};

struct kvs_strip {
	unsigned int kinds;
	s64 *time;		/* [column][kind], in time stamps */
	/*
	 * [column]: what alone took time there; NULL: nothing did, or several.  Compared
	 * only; NULL instead of the array if nobody asks.
	 */
	const void **who;
	bool *shared;		/* [column]: several did; with @who */
};

void kvs_strip_init(struct kvs_strip *strip, const struct kvs_frame *frame,
		    unsigned int kinds, bool who);
void kvs_strip_free(struct kvs_strip *strip);

/* Where a column begins; one beyond the last: where the frame ends */
u64 kvs_frame_begin(const struct kvs_frame *frame, unsigned int column);
/* The column in which a moment within the frame lies */
unsigned int kvs_frame_column(const struct kvs_frame *frame, u64 ts);

/*
 * Add @sign times the part of [@begin, @end) that lies within the frame to @kind.
 * @who: whose time it is, if the strip asks
 */
void kvs_strip_add(struct kvs_strip *strip, const struct kvs_frame *frame, unsigned int kind,
		   u64 begin, u64 end, int sign, const void *who);

/* The sum of a kind over all columns */
u64 kvs_strip_sum(const struct kvs_strip *strip, const struct kvs_frame *frame,
		  unsigned int kind);

#endif /* KVMSCHED_STRIP_H */
