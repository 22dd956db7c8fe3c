/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of a file, a range of it for each CPU, as sources of a merge.
 */
#ifndef KVMSCHED_RANGES_H
#define KVMSCHED_RANGES_H

#include "trace/load.h"

/* One CPU's pages within a file */
struct kvs_range {
	u64 offset, size;	/* bytes */
};

/*
 * Hands all records of @ranges, one for each CPU, to @sink; counts what makes no sense,
 * or isn't there, in @trace->info.  False after a message: the file can't be read.
 */
bool kvs_ranges_read(struct kvs_trace *trace, const struct kvs_range *ranges,
		     unsigned int cpus, size_t page_size, const struct kvs_sink *sink);

#endif /* KVMSCHED_RANGES_H */
