/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns what the model says into rows of the tables.  It writes no file: a row is an
 * argument of a function.
 */
#ifndef KVMSCHED_FEED_H
#define KVMSCHED_FEED_H

#include <stdbool.h>

#include "export/tables.h"
#include "model/clock.h"
#include "model/io.h"
#include "model/model.h"

/* The caller sets all but @rows. */
struct kvs_feed {
	const struct kvs_model *model;
	const struct kvs_times *times;
	u64 start;		/* time stamp that is 0 in the tables */
	u64 from, to;		/* time stamps: spans that touch [from, to) are rows */
	/* CLOCK_MONOTONIC and the TSC at @start, as far as the file tells them */
	bool monotonic_known, tsc_known;
	u64 monotonic_ns, tsc;
	/* CLOCK_BOOTTIME and CLOCK_REALTIME at @start, if the file tells them */
	bool wall_known;
	u64 boottime_ns;
	s64 realtime_ns;
	u32 kinds;		/* that are wanted: KVS_SPAN_BIT(), KVS_KIND_* */
	bool irqs;		/* interrupts were recorded */
	/* By the index of a vCPU at first sight: is it wanted? */
	const bool *wanted;
	unsigned int nr_wanted;
	bool all;		/* of all VMs: rows of no vCPU as well */
	/* Gets each row; NULL: they are only counted. */
	void (*row)(void *ctx, unsigned int table, const struct kvs_value_of *values);
	void *ctx;
	u64 rows[KVS_TABLES];
};

/*
 * Before the first record: spans become rows, and so do exits that are guest I/O, with all
 * that @io finds out, until kvs_io_finish().
 */
void kvs_feed_listen(struct kvs_feed *feed, struct kvs_model *m, struct kvs_io *io);
/* What a task of a guest did, by the guest's own trace; times are time stamps */
struct kvs_feed_guest_task {
	u16 vm;
	s32 pid;		/* in its guest */
	const char *comm, *what;
	s32 cpu;		/* of the guest; -1: none */
	u64 begin, end;
	bool open;		/* it lasted at least until @end */
};

void kvs_feed_guest_task(struct kvs_feed *feed, const struct kvs_feed_guest_task *task);

/* Of a model that is finished: the tables that hold no spans */
void kvs_feed_recording(struct kvs_feed *feed, const struct kvs_model *m, const char *path);

#endif /* KVMSCHED_FEED_H */
