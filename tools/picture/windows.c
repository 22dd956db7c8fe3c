// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses the windows of a page.
 */
#include <assert.h>
#include <string.h>

#include "picture/windows.h"

static void double_cells(struct kvs_density *d)
{
	for (unsigned int i = 0; i < KVS_DENSITY / 2; i++)
		d->counts[i] = d->counts[2 * i] + d->counts[2 * i + 1];
	memset(d->counts + KVS_DENSITY / 2, 0, sizeof(d->counts) / 2);
	d->shift++;
}

void kvs_density_add(struct kvs_density *d, u64 begin)
{
	u64 since = begin > d->base ? begin - d->base : 0;

	while (since >> d->shift >= KVS_DENSITY)
		double_cells(d);
	d->counts[since >> d->shift]++;
	d->all++;
}

static u64 cell_of(const struct kvs_density *d, u64 ts)
{
	u64 cell = ts > d->base ? (ts - d->base) >> d->shift : 0;

	return cell < KVS_DENSITY ? cell : KVS_DENSITY - 1;
}

u64 kvs_density_count(const struct kvs_density *d, u64 from, u64 to)
{
	u64 sum = 0;

	for (u64 cell = cell_of(d, from); to > from && cell <= cell_of(d, to - 1); cell++)
		sum += d->counts[cell];
	return sum;
}

static u64 begin_of(const struct kvs_density *d, u64 cell)
{
	return d->base + (cell << d->shift);
}

/* Take cells on both sides in turns, until there are so many spans. */
static struct kvs_window grow(const struct kvs_density *d, const struct kvs_window *whole,
			      u64 low, u64 high, u64 spans)
{
	u64 first = cell_of(d, whole->from), last = cell_of(d, whole->to - 1), count;
	struct kvs_window found;

	count = kvs_density_count(d, begin_of(d, low), begin_of(d, high + 1));
	while (count < spans && (low > first || high < last)) {
		if (low > first)
			count += d->counts[--low];
		if (high < last)
			count += d->counts[++high];
	}
	found.from = begin_of(d, low) > whole->from ? begin_of(d, low) : whole->from;
	found.to = begin_of(d, high + 1) < whole->to ? begin_of(d, high + 1) : whole->to;
	return found;
}

static void insert(struct kvs_windows *w, struct kvs_window add)
{
	unsigned int kept = 0, at;

	for (unsigned int i = 0; i < w->nr; i++) {
		struct kvs_window old = w->windows[i];

		if (old.to < add.from || old.from > add.to) {
			w->windows[kept++] = old;
			continue;
		}
		add.from = old.from < add.from ? old.from : add.from;
		add.to = old.to > add.to ? old.to : add.to;
	}
	assert(kept < KVS_WINDOWS);
	for (at = kept; at && w->windows[at - 1].from > add.from; at--)
		w->windows[at] = w->windows[at - 1];
	w->windows[at] = add;
	w->nr = kept + 1;
}

void kvs_windows_add(struct kvs_windows *w, const struct kvs_density *d,
		     const struct kvs_window *whole, u64 begin, u64 end, u64 spans)
{
	if (begin < whole->from)
		begin = whole->from;
	if (end > whole->to)
		end = whole->to;
	if (begin >= end)
		return;
	if (kvs_density_count(d, begin, end) > spans)
		begin = end - 1;
	insert(w, grow(d, whole, cell_of(d, begin), cell_of(d, end - 1), spans));
}
