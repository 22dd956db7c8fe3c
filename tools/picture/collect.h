/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sink behind a page: spans become bars and bins in lanes.
 */
#ifndef KVMSCHED_COLLECT_H
#define KVMSCHED_COLLECT_H

#include "model/clock.h"
#include "picture/bars.h"
#include "picture/bins.h"
#include "picture/lanes.h"
#include "picture/who.h"
#include "picture/windows.h"

/* What both kinds of lanes have */
struct kvs_lane {
	struct kvs_bars bars;	/* kinds: enum kvmsched_state but poll, or enum kvs_runs */
	struct kvs_bins bins;	/* the same kinds, and poll */
	int rest;		/* as kvs_bins_settle() says */
};

struct kvs_vcpu_lane {
	struct kvs_lane states;		/* who of state exit: the reason's number */
	struct kvs_bars polls;		/* parts of state exit */
	struct kvs_bars pieces;		/* of waits; who had the CPU */
	struct {
		s64 begin, end;
		u16 who;
	} exit;				/* the last span of an exit */
};

struct kvs_collect {
	/* The caller sets these, from a reading before. */
	struct kvs_lanes lanes;
	struct kvs_bins_frame frame;
	const struct kvs_times *times;
	u64 start;			/* time stamp of the recording's begin */
	bool whole;			/* all spans of the frame are kept, and no bins */
	struct kvs_windows windows;	/* in ns; else those that touch one of these */
	/* And gets these. */
	struct kvs_vcpu_lane vcpus[KVS_LANES];
	struct kvs_lane cpus[KVS_LANES];
	struct kvs_whos whos;		/* of CPUs and pieces */
	struct kvs_reasons reasons;
	u64 spans;			/* that are kept */
};

/* Before the first record; the kinds of spans that are counted for the density, too */
u32 kvs_collect_kinds(void);
void kvs_collect_listen(struct kvs_collect *c, struct kvs_model *m);
/* After the last record */
void kvs_collect_sort(struct kvs_collect *c);
void kvs_collect_free(struct kvs_collect *c);

/* A time stamp in ns since the recording began, as an export has it */
s64 kvs_collect_ns(const struct kvs_times *times, u64 start, u64 ts);

#endif /* KVMSCHED_COLLECT_H */
