// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bins of time, and their columns.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/util.h"
#include "picture/bins.h"

#define PAGE	4096

void kvs_bins_divide(struct kvs_bins_frame *frame, unsigned int least)
{
	u64 length = frame->to - frame->from;

	frame->width = length / least;
	if (!frame->width)
		frame->width = 1;
	frame->nr = (length + frame->width - 1) / frame->width;
}

/* Bytes of a bin: times of most recordings are short enough for few. */
static size_t room_of(const struct kvs_bins *bins)
{
	return bins->wide ? sizeof(s64) : sizeof(s32);
}

static void *new_kind(struct kvs_bins *bins)
{
	bins->size += bins->frame.nr * room_of(bins);
	return xcalloc(bins->frame.nr, room_of(bins));
}

static void set(struct kvs_bins *bins, unsigned int kind, unsigned int bin, s64 ns)
{
	if (bins->wide)
		((s64 *)bins->ns[kind])[bin] = ns;
	else
		((s32 *)bins->ns[kind])[bin] = ns;
}

/* Memory that was not used is only read. */
static void widen(struct kvs_bins *bins)
{
	struct kvs_bins narrow = *bins;

	bins->wide = true;
	bins->size = 0;
	bins->used *= 2;
	for (unsigned int kind = 0; kind < KVS_BIN_KINDS; kind++) {
		if (!narrow.ns[kind])
			continue;
		bins->ns[kind] = new_kind(bins);
		bins->page[kind] = 0;
		for (unsigned int bin = 0; bin < bins->frame.nr; bin++)
			if (kvs_bins_ns(&narrow, kind, bin))
				set(bins, kind, bin, kvs_bins_ns(&narrow, kind, bin));
		free(narrow.ns[kind]);
	}
}

/* Spans come nearly in order, and so do the pages that they need. */
static void use_bin(struct kvs_bins *bins, unsigned int kind, unsigned int bin)
{
	unsigned int page = 1 + bin / (PAGE / room_of(bins));

	if (page == bins->page[kind])
		return;
	bins->page[kind] = page;
	bins->used = bins->used + PAGE < bins->size ? bins->used + PAGE : bins->size;
}

/* Most often that of the span before, so that nothing is divided. */
static unsigned int bin_of(const struct kvs_bins *bins, s64 ts)
{
	u64 at = ts - bins->frame.from, begin = bins->last * bins->frame.width;

	if (at >= begin && at - begin < bins->frame.width)
		return bins->last;
	return at / bins->frame.width;
}

void kvs_bins_add(struct kvs_bins *bins, unsigned int kind, s64 begin, s64 end, int sign)
{
	const struct kvs_bins_frame *frame = &bins->frame;
	unsigned int bin;
	s64 until, ns;

	if (begin < frame->from)
		begin = frame->from;
	if (end > frame->to)
		end = frame->to;
	if (begin >= end)
		return;
	if (!bins->ns[kind])
		bins->ns[kind] = new_kind(bins);
	bin = bin_of(bins, begin);
	for (; begin < end; begin = until, bin++) {
		until = frame->from + (s64)((bin + 1) * frame->width);
		if (until > end)
			until = end;
		ns = kvs_bins_ns(bins, kind, bin) + sign * (until - begin);
		if (!bins->wide && ns != (s32)ns)
			widen(bins);
		set(bins, kind, bin, ns);
		use_bin(bins, kind, bin);
	}
	bins->last = bin - 1;
}

static s64 pair_of(const struct kvs_bins *bins, unsigned int kind, unsigned int bin)
{
	return kvs_bins_ns(bins, kind, bin) +
	       (bin + 1 < bins->frame.nr ? kvs_bins_ns(bins, kind, bin + 1) : 0);
}

static bool pairs_fit(const struct kvs_bins *bins)
{
	for (unsigned int kind = 0; kind < KVS_BIN_KINDS; kind++)
		for (unsigned int i = 0; bins->ns[kind] && i < bins->frame.nr; i += 2)
			if (pair_of(bins, kind, i) != (s32)pair_of(bins, kind, i))
				return false;
	return true;
}

/* Memory that was not used is only read. */
static void merge(struct kvs_bins *bins, unsigned int kind)
{
	for (unsigned int i = 0; i < bins->frame.nr; i += 2) {
		s64 sum = pair_of(bins, kind, i);

		if (kvs_bins_ns(bins, kind, i / 2) != sum)
			set(bins, kind, i / 2, sum);
	}
}

void kvs_bins_halve(struct kvs_bins *bins)
{
	struct kvs_bins_frame *frame = &bins->frame;
	unsigned int nr = (frame->nr + 1) / 2;

	if (!bins->wide && !pairs_fit(bins))
		widen(bins);
	bins->size = 0;
	for (unsigned int kind = 0; kind < KVS_BIN_KINDS; kind++) {
		if (!bins->ns[kind])
			continue;
		merge(bins, kind);
		bins->ns[kind] = xrealloc(bins->ns[kind], nr * room_of(bins));
		bins->size += nr * room_of(bins);
		bins->page[kind] = 0;
	}
	bins->used = bins->used / 2 < bins->size ? bins->used / 2 : bins->size;
	frame->width *= 2;
	frame->nr = nr;
	bins->halved++;
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
static s64 nothing_of(const struct kvs_bins *bins, unsigned int bin)
{
	s64 left = width_of(&bins->frame, bin);

	for (unsigned int kind = 0; kind < KVS_BIN_NOTHING; kind++)
		left -= bins->ns[kind] ? kvs_bins_ns(bins, kind, bin) : 0;
	return left;
}

static u64 sum_of(const struct kvs_bins *bins, unsigned int kind)
{
	u64 sum = 0;

	for (unsigned int bin = 0; bins->ns[kind] && bin < bins->frame.nr; bin++)
		sum += kvs_bins_ns(bins, kind, bin);
	return sum;
}

int kvs_bins_settle(struct kvs_bins *bins)
{
	unsigned int most = 0;

	/* What is left of a bin may be all of it. */
	if (!bins->wide && bins->frame.width > INT32_MAX)
		widen(bins);
	bins->ns[KVS_BIN_NOTHING] = new_kind(bins);
	for (unsigned int bin = 0; bin < bins->frame.nr; bin++) {
		s64 left = nothing_of(bins, bin);

		if (left < 0) {
			free(bins->ns[KVS_BIN_NOTHING]);
			bins->ns[KVS_BIN_NOTHING] = NULL;
			return -1;
		}
		if (left)
			set(bins, KVS_BIN_NOTHING, bin, left);
	}
	for (unsigned int kind = 1; kind < KVS_BIN_KINDS; kind++)
		if (sum_of(bins, kind) > sum_of(bins, most))
			most = kind;
	free(bins->ns[most]);
	bins->ns[most] = NULL;
	return most;
}

unsigned int kvs_bins_bytes(const struct kvs_bins *bins)
{
	unsigned int bytes = 1;
	u64 all = 0;

	for (unsigned int kind = 0; kind < KVS_BIN_KINDS; kind++)
		for (unsigned int i = 0; bins->ns[kind] && i < bins->frame.nr; i++)
			all |= kvs_bins_ns(bins, kind, i);
	while (bytes < sizeof(all) && all >> 8 * bytes)
		bytes++;
	return bytes;
}

void kvs_bins_pack(const struct kvs_bins *bins, struct kvs_pack *pack)
{
	unsigned char *column = xmalloc(bins->frame.nr);
	unsigned int bytes = kvs_bins_bytes(bins);

	for (unsigned int kind = 0; kind < KVS_BIN_KINDS; kind++) {
		for (unsigned int byte = 0; bins->ns[kind] && byte < bytes; byte++) {
			for (unsigned int i = 0; i < bins->frame.nr; i++)
				column[i] = (u64)kvs_bins_ns(bins, kind, i) >> 8 * byte;
			kvs_pack_column(pack, column, bins->frame.nr);
		}
	}
	free(column);
}
