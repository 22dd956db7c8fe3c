/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Brings the records of several CPUs in the order of time, from a file as well as while
 * they are being recorded.
 */
#ifndef KVMSCHED_MERGE_H
#define KVMSCHED_MERGE_H

#include "trace/info.h"

/* The pages of one CPU, in order */
struct kvs_source {
	unsigned int cpu;
	/*
	 * The next page, of which @size bytes are there; NULL: none for now.  The page
	 * stays as it is until the next call.
	 */
	const void *(*next_page)(void *ctx, size_t *size);
	void *ctx;
};

struct kvs_merge;

/*
 * @sink gets the records; @info, the counts of what makes no sense.  All three stay where
 * they are until kvs_merge_destroy().
 */
struct kvs_merge *kvs_merge_create(const struct kvs_decoder *decoder, size_t page_size,
				   struct kvs_trace_info *info,
				   const struct kvs_sink *sink);
void kvs_merge_destroy(struct kvs_merge *m);
void kvs_merge_add(struct kvs_merge *m, const struct kvs_source *source);

/*
 * Hands over all records up to the time stamp @until.  A source that has no page now
 * promises by that: nothing comes from it any more that is not later than @until.
 */
void kvs_merge_run(struct kvs_merge *m, u64 until);

/* After the last run: reports the losses that were flagged by pages without a record. */
void kvs_merge_finish(struct kvs_merge *m);

#endif /* KVMSCHED_MERGE_H */
