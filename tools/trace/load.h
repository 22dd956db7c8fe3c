/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a trace.dat to decoded records, in the order of time over all CPUs.
 *
 *	load.c		 which reader takes the file; what the readers share
 *	load-v6.c	 version 6, as `kvmsched record` writes it: its header ...
 *	merge.c		 ... and its pages, read in pieces, as far as they go
 *	load-tracecmd.c	 any other version, by libtracecmd
 */
#ifndef KVMSCHED_LOAD_H
#define KVMSCHED_LOAD_H

#include "trace/decode.h"
#include "trace/schema.h"

enum ks_file_clock {
	KS_CLOCK_NS,		/* time stamps are nanoseconds */
	KS_CLOCK_TSC,		/* they are cycles of the TSC */
};

struct ks_trace_info {
	unsigned int version;	/* of the file's format */
	unsigned int cpus;
	unsigned int events;	/* of our system that it describes */
	enum ks_file_clock clock;
	/* Option TSC2NSEC; mult 0: the file has none */
	u32 tsc_mult, tsc_shift;
	u64 tsc_offset;

	/* Known once it was read. */
	u64 other;		/* records of other event systems */
	u64 unknown;		/* ours, of events that we don't know */
	u64 bad_records;	/* too short for their event */
	u64 bad_pages;
	u64 absent;		/* bytes that a truncated file lacks */
};

struct ks_trace;

/* NULL after a message that names the file and says what to do. */
struct ks_trace *ks_trace_open(const char *path);
void ks_trace_close(struct ks_trace *trace);

/* False after a message: what was read until then has been handed over. */
bool ks_trace_read(struct ks_trace *trace, const struct ks_sink *sink);

const struct ks_trace_info *ks_trace_info(const struct ks_trace *trace);
const struct ks_decoder *ks_trace_decoder(const struct ks_trace *trace);

/* The readers; paths in messages are the user's. */
struct ks_reader {
	bool (*open)(struct ks_trace *trace);
	bool (*read)(struct ks_trace *trace, const struct ks_sink *sink);
	void (*close)(struct ks_trace *trace);
};

struct ks_trace {
	const char *path;
	int fd;
	const struct ks_reader *reader;
	struct ks_decoder *decoder;
	struct ks_trace_info info;
	void *priv;		/* the reader's */
};

extern const struct ks_reader ks_reader_v6;
extern const struct ks_reader ks_reader_tracecmd;

/* Count what a record turned out to be; true: it belongs to the sink. */
bool ks_trace_count(struct ks_trace *trace, enum ks_decoded what);

#endif /* KVMSCHED_LOAD_H */
