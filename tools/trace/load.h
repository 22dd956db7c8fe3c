/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a trace.dat: its records come out decoded, in the order of time over all CPUs.
 *
 *	load.c		 chooses the reader of a file; has what readers share
 *	load-v6.c	 reader of version 6, which `kvmsched record` writes: the header
 *	ranges.c	 ... and each CPU's pages, of truncated files as well
 *	merge.c		 ... whose records it brings in order
 *	load-tracecmd.c	 reader of all other versions, by libtracecmd
 */
#ifndef KVMSCHED_LOAD_H
#define KVMSCHED_LOAD_H

#include "trace/decode.h"
#include "trace/info.h"
#include "trace/schema.h"

struct kvs_trace;

/* NULL, after a message that names the file and says what to do */
struct kvs_trace *kvs_trace_open(const char *path);
/* @trace may be NULL. */
void kvs_trace_close(struct kvs_trace *trace);

/*
 * Hand all records to @sink.  False, after a message, if the file could not be read to
 * its end; what was read until then has been handed over.
 */
bool kvs_trace_read(struct kvs_trace *trace, const struct kvs_sink *sink);

const struct kvs_trace_info *kvs_trace_info(const struct kvs_trace *trace);
const struct kvs_decoder *kvs_trace_decoder(const struct kvs_trace *trace);

/* A reader.  @open and @read return false after a message, which names @path. */
struct kvs_reader {
	/* Read what comes before the records: fill in @decoder and @info. */
	bool (*open)(struct kvs_trace *trace);
	bool (*read)(struct kvs_trace *trace, const struct kvs_sink *sink);
	/* Is it a flight recorder's?  NULL: this reader can't tell before it has read it. */
	bool (*overwrites)(struct kvs_trace *trace);
	/* Is called even if @open has failed. */
	void (*close)(struct kvs_trace *trace);
};

struct kvs_trace {
	const char *path;	/* as the user wrote it */
	int fd;
	const struct kvs_reader *reader;
	struct kvs_decoder *decoder;
	struct kvs_trace_info info;
	void *priv;		/* of the reader */
};

extern const struct kvs_reader kvs_reader_v6;
extern const struct kvs_reader kvs_reader_tracecmd;

#endif /* KVMSCHED_LOAD_H */
