// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses the windows of a page.
 */
#include <assert.h>
#include <string.h>

#include "picture/windows.h"

static void halve_cells(struct kvs_density *d)
{
	for (unsigned int i = 0; i < KVS_DENSITY / 2; i++) {
		d->begins[i] = d->begins[2 * i];
		d->counts[i] = d->counts[2 * i] + d->counts[2 * i + 1];
	}
	d->nr = KVS_DENSITY / 2;
	d->full *= 2;
}

/* The cell of a time; what is before the first is in it. */
static unsigned int cell_of(const struct kvs_density *d, u64 ts)
{
	unsigned int low = 0, high = d->nr;

	while (high - low > 1) {
		unsigned int middle = low + (high - low) / 2;

		if (d->begins[middle] <= ts)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void kvs_density_add(struct kvs_density *d, u64 end)
{
	unsigned int last = d->nr ? d->nr - 1 : 0;

	d->all++;
	if (d->nr && end < d->begins[last]) {
		d->counts[cell_of(d, end)]++;
		return;
	}
	if (!d->full)
		d->full = 1;
	if (!d->nr || (d->counts[last] >= d->full && end > d->begins[last])) {
		if (d->nr == KVS_DENSITY)
			halve_cells(d);
		last = d->nr++;
		d->begins[last] = end;
		d->counts[last] = 0;
	}
	d->counts[last]++;
}

u64 kvs_density_count(const struct kvs_density *d, u64 from, u64 to)
{
	u64 sum = 0;

	for (unsigned int cell = cell_of(d, from); to > from && d->nr && cell <= cell_of(d, to - 1);
	     cell++)
		sum += d->counts[cell];
	return sum;
}

static u64 begin_of(const struct kvs_density *d, unsigned int cell)
{
	if (!cell)
		return 0;
	return cell < d->nr ? d->begins[cell] : UINT64_MAX;
}

/* Take cells on both sides in turns, until the window has @spans spans. */
static struct kvs_window grow(const struct kvs_density *d, const struct kvs_window *whole,
			      unsigned int low, unsigned int high, u64 spans)
{
	unsigned int first = cell_of(d, whole->from), last = cell_of(d, whole->to - 1);
	struct kvs_window found;
	u64 count;

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
