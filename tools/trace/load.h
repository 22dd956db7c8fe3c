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

enum kvs_file_clock {
	KVS_CLOCK_NS,		/* time stamps are nanoseconds */
	KVS_CLOCK_TSC,		/* they are cycles of the TSC */
};

struct kvs_trace_info {
	unsigned int version;	/* of the file's format */
	unsigned int cpus;
	unsigned int events;	/* of our system that it describes */
	enum kvs_file_clock clock;
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

struct kvs_trace;

/* NULL after a message that names the file and says what to do. */
struct kvs_trace *kvs_trace_open(const char *path);
void kvs_trace_close(struct kvs_trace *trace);

/* False after a message: what was read until then has been handed over. */
bool kvs_trace_read(struct kvs_trace *trace, const struct kvs_sink *sink);

const struct kvs_trace_info *kvs_trace_info(const struct kvs_trace *trace);
const struct kvs_decoder *kvs_trace_decoder(const struct kvs_trace *trace);

/* The readers; paths in messages are the user's. */
struct kvs_reader {
	bool (*open)(struct kvs_trace *trace);
	bool (*read)(struct kvs_trace *trace, const struct kvs_sink *sink);
	void (*close)(struct kvs_trace *trace);
};

struct kvs_trace {
	const char *path;
	int fd;
	const struct kvs_reader *reader;
	struct kvs_decoder *decoder;
	struct kvs_trace_info info;
	void *priv;		/* the reader's */
};

extern const struct kvs_reader kvs_reader_v6;
extern const struct kvs_reader kvs_reader_tracecmd;

/* Count what a record turned out to be; true: it belongs to the sink. */
bool kvs_trace_count(struct kvs_trace *trace, enum kvs_decoded what);

#endif /* KVMSCHED_LOAD_H */
