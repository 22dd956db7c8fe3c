/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a recording says of itself, and what was wrong with it.
 */
#ifndef KVMSCHED_INFO_H
#define KVMSCHED_INFO_H

#include <stdbool.h>

#include "trace/decode.h"
#include "trace/schema.h"
#include "trace/ties.h"
#include "trace/vmnames.h"
#include "trace/yields.h"

enum kvs_file_clock {
	KVS_CLOCK_NS,		/* time stamps are nanoseconds */
	KVS_CLOCK_TSC,		/* they are cycles of the TSC */
};

struct kvs_trace_info {
	unsigned int version;	/* of the file's format */
	unsigned int cpus;	/* that the file has data for */
	unsigned int events;	/* of system kvmsched that the file describes */
	enum kvs_file_clock clock;
	/* The file's option TSC2NSEC: ns = (tsc * mult >> shift) + offset.  */
	u32 tsc_mult, tsc_shift; /* mult 0: the file doesn't have it */
	u64 tsc_offset;
	/* Of time stamps to the host's clocks, two for each stretch: trace/ties.h */
	struct kvs_tie *ties;
	unsigned int nr_ties;	/* 0: the file doesn't tell */
	/* What KVM counted of directed yields, by process: trace/yields.h */
	struct kvs_yields_row *yields;
	unsigned int nr_yields;	/* 0: the file doesn't tell */
	struct kvs_vm_names names;

	/* These are known after kvs_trace_read(). */
	u64 other;		/* records of other event systems */
	u64 unknown;		/* records of kvmsched's events that are unknown here */
	u64 bad_records;	/* records that are shorter than their fields */
	u64 bad_pages;		/* pages that made no sense from some place on */
	u64 absent;		/* bytes that a truncated file lacks */
};

void kvs_info_count_unusable(struct kvs_trace_info *info, enum kvs_decoded what);

/* Counts the result of decoding a record.  True: it is for the sink, as nearly all are. */
static inline bool kvs_info_count(struct kvs_trace_info *info, enum kvs_decoded what)
{
	if (what == KVS_DECODED)
		return true;
	kvs_info_count_unusable(info, what);
	return false;
}

#endif /* KVMSCHED_INFO_H */
