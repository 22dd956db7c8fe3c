/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What KVM counted of directed yields while it was recorded, for the file's header:
 * trace/yields.h.
 */
#ifndef KVMSCHED_RECORD_YIELDS_H
#define KVMSCHED_RECORD_YIELDS_H

#include <stddef.h>

#include "trace/yields.h"

struct kvs_vm_yields;

struct kvs_yields {
	struct kvs_vm_yields *begin;	/* NULL: not looked, or nothing could be read */
	size_t nr_begin;
	struct kvs_yields_row *rows;	/* known once the end was looked at; may be NULL */
	size_t nr;			/* of @rows; 0: nothing is told */
};

/*
 * Look at all VMs, as the recording begins and as it ends.  @folder is KVS_KVM_DEBUGFS, or
 * a test's.  Without the first look the second one tells nothing.
 */
void kvs_yields_begin(struct kvs_yields *y, const char *folder);
void kvs_yields_end(struct kvs_yields *y, const char *folder);
/* The same with what the second look found: @nr VMs */
void kvs_yields_take(struct kvs_yields *y, const struct kvs_vm_yields *end, size_t nr);
void kvs_yields_free(struct kvs_yields *y);

#endif /* KVMSCHED_RECORD_YIELDS_H */
