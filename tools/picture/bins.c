// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bins of time, and their columns.
 */
#include <stdlib.h>

#include "base/util.h"
#include "picture/bins.h"

#define BYTES	4		/* of a bin's time */

void kvs_bins_divide(struct kvs_bins_frame *frame, unsigned int least)
{
	u64 length = frame->to - frame->from;

	frame->width = length / least;
	if (!frame->width)
		frame->width = 1;
	frame->nr = (length + frame->width - 1) / frame->width;
}

void kvs_bins_add(struct kvs_bins *bins, const struct kvs_bins_frame *frame,
		  unsigned int kind, s64 begin, s64 end, int sign)
{
	unsigned int bin;
	s64 until;

	if (begin < frame->from)
		begin = frame->from;
	if (end > frame->to)
		end = frame->to;
	if (begin >= end)
		return;
	if (!bins->ns[kind])
		bins->ns[kind] = xcalloc(frame->nr, sizeof(*bins->ns[kind]));
	bin = (u64)(begin - frame->from) / frame->width;
	for (; begin < end; begin = until, bin++) {
		until = frame->from + (s64)((bin + 1) * frame->width);
		if (until > end)
			until = end;
		bins->ns[kind][bin] += sign * (until - begin);
	}
}

void kvs_bins_merge(struct kvs_bins *bins, const struct kvs_bins_frame *frame)
{
	for (unsigned int kind = 0; kind < KVS_BIN_KINDS; kind++) {
		u32 *ns = bins->ns[kind];

		for (unsigned int i = 0; ns && i < frame->nr; i += 2)
			ns[i / 2] = ns[i] + (i + 1 < frame->nr ? ns[i + 1] : 0);
	}
}

void kvs_bins_halve(struct kvs_bins_frame *frame)
{
	frame->width *= 2;
	frame->nr = (frame->nr + 1) / 2;
}

void kvs_bins_free(struct kvs_bins *bins)
{
	for (unsigned int kind = 0; kind < KVS_BIN_KINDS; kind++)
		free(bins->ns[kind]);
}

static u64 width_of(const struct kvs_bins_frame *frame, unsigned int bin)
{
	u64 left = frame->to - frame->from - bin * frame->width;

	return left < frame->width ? left : frame->width;
}

/* What is left of a bin; negative: it has more than its width */
static s64 nothing_of(const struct kvs_bins *bins, const struct kvs_bins_frame *frame,
		      unsigned int bin)
{
	s64 left = width_of(frame, bin);

	for (unsigned int kind = 0; kind < KVS_BIN_NOTHING; kind++)
		left -= bins->ns[kind] ? bins->ns[kind][bin] : 0;
	return left;
}

static u64 sum_of(const struct kvs_bins *bins, const struct kvs_bins_frame *frame,
		  unsigned int kind)
{
	u64 sum = 0;

	for (unsigned int bin = 0; bins->ns[kind] && bin < frame->nr; bin++)
		sum += bins->ns[kind][bin];
	return sum;
}

int kvs_bins_settle(struct kvs_bins *bins, const struct kvs_bins_frame *frame)
{
	u32 *nothing = xcalloc(frame->nr, sizeof(*nothing));
	unsigned int most = 0;

	bins->ns[KVS_BIN_NOTHING] = nothing;
	for (unsigned int bin = 0; bin < frame->nr; bin++) {
		s64 left = nothing_of(bins, frame, bin);

		if (left < 0) {
			free(nothing);
			bins->ns[KVS_BIN_NOTHING] = NULL;
			return -1;
		}
		nothing[bin] = left;
	}
	for (unsigned int kind = 1; kind < KVS_BIN_KINDS; kind++)
		if (sum_of(bins, frame, kind) > sum_of(bins, frame, most))
			most = kind;
	free(bins->ns[most]);
	bins->ns[most] = NULL;
	return most;
}

void kvs_bins_pack(const struct kvs_bins *bins, const struct kvs_bins_frame *frame,
		   struct kvs_pack *pack)
{
	unsigned char *column = xmalloc(frame->nr);

	for (unsigned int kind = 0; kind < KVS_BIN_KINDS; kind++) {
		for (unsigned int byte = 0; bins->ns[kind] && byte < BYTES; byte++) {
			for (unsigned int i = 0; i < frame->nr; i++)
				column[i] = bins->ns[kind][i] >> 8 * byte;
			kvs_pack_add(pack, column, frame->nr);
		}
	}
	free(column);
}
