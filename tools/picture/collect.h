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
	/* Kinds: enum kvmsched_state but poll, or one of those in lanes.h */
	struct kvs_bars bars;
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
	struct kvs_bins_frame frame;	/* of all lanes; each may have coarser bins */
	const struct kvs_times *times;
	u64 start;			/* time stamp of the recording's begin */
	bool whole;			/* all spans of the frame are kept, and no bins */
	struct kvs_windows windows;	/* in ns; else those that touch one of these */
	/* And gets these. */
	s64 gap_from, gap_to;		/* in ns: there is no window within; 0, 0: not known yet */
	struct kvs_vcpu_lane vcpus[KVS_LANES];
	struct kvs_lane timers[KVS_LANES];	/* by the lane of the vCPU; who: see below */
	struct kvs_lane irqs[KVS_LANES];	/* likewise; who: the vector + 1 */
	struct kvs_lane cpus[KVS_LANES];
	struct kvs_lane hosts[KVS_LANES];	/* by the lane of the CPU; who: see below */
	struct kvs_lane tasks[KVS_TASK_LANES];	/* who: the CPU's number + 1 */
	struct kvs_lane guests[KVS_GUEST_LANES];
	struct kvs_whos whos;		/* of CPUs and pieces */
	struct kvs_reasons reasons;
	struct kvs_host_irqs host_irqs;	/* who of a host interrupt: the place in it + 1 */
	u64 all_spans, spans;		/* of the frame, and those that are kept */
	size_t bins_size;		/* memory that all bins use */
};

/* Before the first record; the kinds of spans that are counted for the density, too */
u32 kvs_collect_kinds(void);
void kvs_collect_listen(struct kvs_collect *c, struct kvs_model *m);
/* After the last record: a kvs_guest_lane_fn; @ctx: struct kvs_collect */
void kvs_collect_guest(void *ctx, unsigned int lane, enum kvs_guest_task_does does, u64 begin,
		       u64 end);
/* After all that */
void kvs_collect_sort(struct kvs_collect *c);
void kvs_collect_free(struct kvs_collect *c);
/*
 * There are too many spans for the page: keep only those that touch a window.  If all had
 * been kept (@whole), first make bins of them.
 */
void kvs_collect_thin(struct kvs_collect *c);

/* Who of a timer's bar: what ended its being armed */
#define KVS_TIMER_WHO(end)	((end) + 1U)	/* enum kvs_armed_end */

/* Has the CPU of that lane served interrupts? */
bool kvs_collect_has_host(const struct kvs_collect *c, unsigned int lane);

/*
 * All lanes that there are: of vCPUs, of their timers and interrupts, of CPUs, of their
 * interrupts, of tasks, and of guests' tasks, in this order
 */
#define KVS_ALL_LANES	(5 * KVS_LANES + KVS_TASK_LANES + KVS_GUEST_LANES)
unsigned int kvs_collect_lanes(struct kvs_collect *c, struct kvs_lane *lanes[KVS_ALL_LANES]);

#endif /* KVMSCHED_COLLECT_H */
