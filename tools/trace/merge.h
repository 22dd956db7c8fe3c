/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of several CPUs, read in pieces and merged by time.
 */
#ifndef KVMSCHED_MERGE_H
#define KVMSCHED_MERGE_H

#include "trace/load.h"

/* One CPU's pages within a file */
struct kvs_range {
	u64 offset, size;
};

/*
 * Hand all records of @ranges, one for each CPU, to @sink; counts what makes
 * no sense, or isn't there, in @trace->info.  False after a message.
 */
bool kvs_merge(struct kvs_trace *trace, const struct kvs_range *ranges,
	       unsigned int cpus, size_t page_size, const struct kvs_sink *sink);

#endif /* KVMSCHED_MERGE_H */
