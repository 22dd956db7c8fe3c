// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strips: the sums of time behind the columns of a picture.
 */
#include <stdlib.h>

#include "base/hist.h"
#include "base/util.h"
#include "picture/strip.h"

void kvs_strip_init(struct kvs_strip *strip, const struct kvs_frame *frame,
		    unsigned int kinds, bool who)
{
	*strip = (struct kvs_strip){
		.kinds = kinds,
		.time = xcalloc((size_t)frame->columns * kinds, sizeof(*strip->time)),
	};
	if (!who)
		return;
	strip->who = xcalloc(frame->columns, sizeof(*strip->who));
	strip->shared = xcalloc(frame->columns, sizeof(*strip->shared));
}

void kvs_strip_free(struct kvs_strip *strip)
{
	free(strip->time);
	free(strip->who);
	free(strip->shared);
}

u64 kvs_frame_begin(const struct kvs_frame *frame, unsigned int column)
{
	return frame->from + (u64)((kvs_u128)(frame->to - frame->from) * column /
				   frame->columns);
}

unsigned int kvs_frame_column(const struct kvs_frame *frame, u64 ts)
{
	unsigned int column = (kvs_u128)(ts - frame->from) * frame->columns /
			      (frame->to - frame->from);

	/* Both divisions round down: the next column may have begun. */
	while (column + 1 < frame->columns && kvs_frame_begin(frame, column + 1) <= ts)
		column++;
	return column;
}

static void note_who(struct kvs_strip *strip, unsigned int column, const void *who)
{
	if (!strip->who || strip->shared[column])
		return;
	strip->shared[column] = strip->who[column] && strip->who[column] != who;
	strip->who[column] = strip->shared[column] ? NULL : who;
}

void kvs_strip_add(struct kvs_strip *strip, const struct kvs_frame *frame, unsigned int kind,
		   u64 begin, u64 end, int sign, const void *who)
{
	unsigned int column;
	u64 until;

	if (begin < frame->from)
		begin = frame->from;
	if (end > frame->to)
		end = frame->to;
	if (begin >= end)
		return;
	for (column = kvs_frame_column(frame, begin); begin < end; begin = until, column++) {
		until = kvs_frame_begin(frame, column + 1);
		if (until > end)
			until = end;
		strip->time[(size_t)column * strip->kinds + kind] += sign * (s64)(until - begin);
		note_who(strip, column, who);
	}
}

u64 kvs_strip_sum(const struct kvs_strip *strip, const struct kvs_frame *frame,
		  unsigned int kind)
{
	s64 sum = 0;

	for (unsigned int column = 0; column < frame->columns; column++)
		sum += strip->time[(size_t)column * strip->kinds + kind];
	return sum > 0 ? sum : 0;
}
