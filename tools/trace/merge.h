/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of several CPUs, read in pieces and merged by time.
 */
#ifndef KVMSCHED_MERGE_H
#define KVMSCHED_MERGE_H

#include "trace/load.h"

/* One CPU's pages within a file */
struct ks_range {
	u64 offset, size;
};

/*
 * Hand all records of @ranges, one for each CPU, to @sink; counts what makes
 * no sense, or isn't there, in @trace->info.  False after a message.
 */
bool ks_merge(struct ks_trace *trace, const struct ks_range *ranges,
	      unsigned int cpus, size_t page_size, const struct ks_sink *sink);

#endif /* KVMSCHED_MERGE_H */
