/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A version 6 trace.dat (trace-cmd.dat.v6(5)) in its parts, whatever events are in it, so
 * that it can be written once more with other options.  Formats and pages stay as they are.
 */
#ifndef KVMSCHED_PARTS_H
#define KVMSCHED_PARTS_H

#include "trace/format.h"
#include "trace/ranges.h"

struct kvs_part_option {
	u16 number;		/* KVS_OPTION_* */
	u32 size;		/* bytes of @data, which has a NUL behind them */
	char *data;
};

struct kvs_parts {
	const char *path;	/* of the file that is read */
	const char *name;	/* how messages call it */
	int fd;
	size_t page_size;
	u64 head;		/* bytes of everything before the options */
	struct kvs_part_option *options;
	size_t nr_options;
	unsigned int cpus;
	struct kvs_range *ranges;	/* of each CPU's pages */
	char *clocks;		/* as trace_clock in tracefs: "local [x86-tsc]"; or NULL */
};

/* The version that a file claims; 0 after a message: it is no trace.dat. */
unsigned int kvs_parts_version(const char *path, const char *name);

/*
 * NULL after a message.  @path and @name must stay valid.  Instances of tracefs beside the
 * main buffer are refused, and so are machines other than x86-64.
 */
struct kvs_parts *kvs_parts_open(const char *path, const char *name);
/* @p may be NULL. */
void kvs_parts_close(struct kvs_parts *p);

/* NULL if there is no such option; of several, the first */
const struct kvs_part_option *kvs_parts_option(const struct kvs_parts *p, u16 number);
/* Takes out all options of that number. */
void kvs_parts_drop(struct kvs_parts *p, u16 number);
/* Takes out one of them. */
void kvs_parts_drop_at(struct kvs_parts *p, size_t index);
/* Adds an option at the end; @data is copied. */
void kvs_parts_add(struct kvs_parts *p, u16 number, const void *data, u32 size);

/* The clock that time stamps are of, which the caller frees */
char *kvs_parts_clock(const struct kvs_parts *p);

/*
 * Leaves out those of a CPU's pages whose events are all before @from, or not before @to: by
 * the time that each page begins with.  False after a message.
 */
bool kvs_parts_cut(struct kvs_parts *p, unsigned int cpu, u64 from, u64 to);

/* Writes the file as it is now.  False after a message; then @path may hold a part of it. */
bool kvs_parts_write(const struct kvs_parts *p, const char *path);

/* A record of one CPU, as the kernel wrote it */
struct kvs_part_record {
	u64 ts;
	const void *data;	/* valid during the call */
	size_t size;
	s64 missed;		/* records that were lost right before it; -1: some */
};

/*
 * Calls @record for each record of a CPU, in order.  @bad is the number of pages that make
 * no sense from some place on.  False after a message.
 */
bool kvs_parts_records(const struct kvs_parts *p, unsigned int cpu,
		       void (*record)(void *ctx, const struct kvs_part_record *rec), void *ctx,
		       u64 *bad);

/* Calls @format for each event that the file describes; one that makes no sense is left out. */
void kvs_parts_formats(const struct kvs_parts *p,
		       void (*format)(void *ctx, const struct kvs_format *f), void *ctx);

#endif /* KVMSCHED_PARTS_H */
