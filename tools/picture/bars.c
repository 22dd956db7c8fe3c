// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of bars, and their columns.
 */
#include <stdlib.h>

#include "base/util.h"
#include "picture/bars.h"

#define TIME_BYTES	6
#define WHO_BYTES	2

void kvs_bars_add(struct kvs_bars *bars, s64 begin, s64 end, unsigned int kind,
		  unsigned int who)
{
	if (bars->nr == bars->room) {
		bars->room = bars->room ? bars->room * 2 : 64;
		bars->bars = xrealloc(bars->bars, bars->room * sizeof(*bars->bars));
	}
	if (bars->nr && begin < bars->bars[bars->nr - 1].begin)
		bars->unsorted = true;
	bars->bars[bars->nr++] = (struct kvs_bar){
		.begin = begin, .kind = kind, .length = end - begin, .who = who,
	};
}

static int by_begin(const void *a, const void *b)
{
	const struct kvs_bar *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return x->length < y->length ? -1 : x->length > y->length;
}

void kvs_bars_sort(struct kvs_bars *bars)
{
	if (bars->unsorted)
		qsort(bars->bars, bars->nr, sizeof(*bars->bars), by_begin);
	bars->unsorted = false;
}

void kvs_bars_free(struct kvs_bars *bars)
{
	free(bars->bars);
}

static u64 kind_of(const struct kvs_bars *bars, size_t i)
{
	return bars->bars[i].kind;
}

static u64 gap_of(const struct kvs_bars *bars, size_t i)
{
	return bars->bars[i].begin - (i ? kvs_bar_end(&bars->bars[i - 1]) : 0);
}

static u64 length_of(const struct kvs_bars *bars, size_t i)
{
	return bars->bars[i].length;
}

static u64 who_of(const struct kvs_bars *bars, size_t i)
{
	return bars->bars[i].who;
}

/* The bytes of a column, of bars of one kind or, with KVS_BAR_KINDS, of all */
static void pack_column(const struct kvs_bars *bars, struct kvs_pack *pack, unsigned int kind,
			u64 (*value)(const struct kvs_bars *bars, size_t i), unsigned int bytes)
{
	unsigned char *column = xmalloc(bars->nr);

	for (unsigned int byte = 0; byte < bytes; byte++) {
		size_t nr = 0;

		for (size_t i = 0; i < bars->nr; i++)
			if (kind == KVS_BAR_KINDS || bars->bars[i].kind == kind)
				column[nr++] = value(bars, i) >> 8 * byte;
		kvs_pack_column(pack, column, nr);
	}
	free(column);
}

void kvs_bars_pack(const struct kvs_bars *bars, struct kvs_pack *pack)
{
	bool used[KVS_BAR_KINDS] = { false };

	if (!bars->nr)
		return;
	for (size_t i = 0; i < bars->nr; i++)
		used[bars->bars[i].kind] = true;
	pack_column(bars, pack, KVS_BAR_KINDS, kind_of, 1);
	pack_column(bars, pack, KVS_BAR_KINDS, gap_of, TIME_BYTES);
	for (unsigned int kind = 0; kind < KVS_BAR_KINDS; kind++) {
		if (!used[kind])
			continue;
		pack_column(bars, pack, kind, length_of, TIME_BYTES);
		pack_column(bars, pack, kind, who_of, WHO_BYTES);
	}
}
