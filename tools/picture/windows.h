/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a page that can't hold all spans shows each of them: windows around the worst
 * moments, and at both ends.
 */
#ifndef KVMSCHED_WINDOWS_H
#define KVMSCHED_WINDOWS_H

#include <stdbool.h>

#include "trace/schema.h"

#define KVS_DENSITY	16384

/*
 * How many spans end when: cells of about equally many spans, however the time is between
 * them, so that a burst has as many as it needs.  How many there are turns out as they
 * come, nearly in order: whenever there are more cells than room, two become one.
 */
struct kvs_density {
	u64 begins[KVS_DENSITY];	/* of cells, in order; a cell ends where the next begins */
	u32 counts[KVS_DENSITY];
	unsigned int nr;
	u64 full;			/* a cell with so many ends before the next span; 0 is 1 */
	u64 all;
};

void kvs_density_add(struct kvs_density *d, u64 end);
/* How many end within [@from, @to), to the next cell */
u64 kvs_density_count(const struct kvs_density *d, u64 from, u64 to);

#define KVS_WINDOWS	16

struct kvs_window {
	u64 from, to;
};

struct kvs_windows {
	struct kvs_window windows[KVS_WINDOWS];	/* in order, apart from each other */
	unsigned int nr;
};

/*
 * Add a window with about @spans spans within @whole: around [@begin, @end), or around
 * its end, if there are too many.  It is merged with those that it touches.
 */
void kvs_windows_add(struct kvs_windows *w, const struct kvs_density *d,
		     const struct kvs_window *whole, u64 begin, u64 end, u64 spans);

#endif /* KVMSCHED_WINDOWS_H */
