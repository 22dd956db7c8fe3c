/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks at the host's clocks while it is recorded, for the file's header: trace/ties.h.
 */
#ifndef KVMSCHED_RECORD_TIES_H
#define KVMSCHED_RECORD_TIES_H

#include <stdbool.h>
#include <stddef.h>

#include "trace/ties.h"

struct kvs_ties {
	struct kvs_tie ties[KVS_TIES_MAX];
	size_t nr;		/* of @ties that count */
	bool unknown;		/* the wall clock was set too often */
};

/* Look at all clocks; the first look begins the first stretch. */
void kvs_ties_look(struct kvs_ties *ties);
/*
 * What a look found; @width_ns is how long it took.  One that took too long, as where
 * the CPU was lost within it, does not tell whether the clock was set.
 */
void kvs_ties_add(struct kvs_ties *ties, const struct kvs_tie *tie, uint64_t width_ns);

#endif /* KVMSCHED_RECORD_TIES_H */
