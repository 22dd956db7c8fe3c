/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Consumer of the module's rings: whole pages, never single records.
 */
#ifndef KVMSCHED_RING_H
#define KVMSCHED_RING_H

#include <stdbool.h>
#include <stddef.h>

struct kvs_rings;

/* Takes complete pages of a CPU; 0, or -1 to stop. */
typedef int (*ring_sink)(void *ctx, unsigned int cpu, const void *pages,
			 size_t size);

/* Maps the rings of the session that @fd has started; NULL with errno set. */
struct kvs_rings *kvs_rings_map(int fd, unsigned int nr_cpus, unsigned int pages);
void kvs_rings_unmap(struct kvs_rings *rings);

/* All pages that are complete now; -1 when the sink said so. */
int kvs_rings_drain(struct kvs_rings *rings, ring_sink sink, void *ctx);

/*
 * A copy of each page that is complete now and was not handed on by this yet;
 * the writer overwrites and doesn't wait.  A page that follows overwritten ones
 * has ftrace's flag for lost records.
 */
int kvs_rings_peek(struct kvs_rings *rings, ring_sink sink, void *ctx);

/*
 * The same for rings whose writer overwrites; only after STOP.  The first page
 * of a ring that was overwritten gets ftrace's flag for lost records.
 */
int kvs_rings_drain_overwritten(struct kvs_rings *rings, ring_sink sink, void *ctx);

#endif /* KVMSCHED_RING_H */
