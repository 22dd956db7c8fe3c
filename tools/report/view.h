/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the printers need beside the model: which vCPUs are shown, their sums, and the
 * factors that turn the model's units into nanoseconds.  It opens no file and prints
 * nothing.
 */
#ifndef KVMSCHED_VIEW_H
#define KVMSCHED_VIEW_H

#include "base/util.h"
#include "base/vm.h"
#include "model/alike.h"
#include "model/clock.h"
#include "model/details.h"
#include "model/io.h"
#include "model/model.h"
#include "model/worst.h"
#include "trace/load.h"

/* The caller sets everything but @times, @total and @selected. */
struct kvs_view {
	const char *path;	/* of the recording, for messages and the heading */
	const struct kvs_trace_info *info;
	const struct kvs_decoder *decoder;
	const struct kvs_model *model;
	const struct kvs_worst *worst;	/* of `report worst` */
	const struct kvs_alike *alike;	/* all moments, in groups */
	const struct kvs_details *details;	/* of `report exits` */
	const struct kvs_io *io;	/* of `report io` */
	u32 by;			/* its kinds, bits of enum kvs_detail_by; 0: all */
	unsigned int top;	/* the most rows of `report worst`, `exits` and `io`, by kind */
	bool each;		/* `report worst` shows them one by one */
	bool verbose;		/* name each hook */
	struct kvs_times times;
	struct kvs_select select;
	struct kvs_vcpu *total;	/* sums over the vCPUs that are selected */
	unsigned int selected;	/* how many are */
};

bool kvs_selected(const struct kvs_select *select, const struct kvs_vcpu *v);
/* By the index of each vCPU of @m: is it selected?  The caller frees it; @nr: how many are */
bool *kvs_selected_ones(const struct kvs_select *select, const struct kvs_model *m,
			unsigned int *nr);

/* The groups of alike moments of the selected vCPUs, as kvs_alike_sum() returns them */
struct kvs_group *kvs_view_groups(const struct kvs_view *view, unsigned int *nr);

/* Compute @times, @total and @selected from the other fields, and sort the thieves. */
void kvs_view_init(struct kvs_view *view);
void kvs_view_free(struct kvs_view *view);

/*
 * Add the counts and histograms of @from to @into.  Its identity, and what is still in
 * progress (an open exit, an interrupt on its way), stay those of @into.
 */
void kvs_vcpu_merge(struct kvs_vcpu *into, const struct kvs_vcpu *from);

/* Whether the watchdog of timers has something to say about @v */
static inline bool kvs_overdue(const struct kvs_vcpu *v)
{
	const struct kvs_overdue *o = &v->timer.overdue;

	/* A guest may arm its timer again just as it expires; up to 1 % of that is normal. */
	return o->not_expired || o->not_accepted || o->not_injected ||
	       o->unanswered * 100 > v->timer.expired;
}

/* Time on the CPU in ns */
double kvs_on_cpu_ns(const struct kvs_times *t, const struct kvs_vcpu *v);
/* Switches out of all kinds */
u64 kvs_switches(const struct kvs_vcpu *v);

/*
 * All waits for a CPU, in ns; the caller frees @h.  False, with an empty @h, if there are
 * waits after a preemption and the rate of the TSC, in which they are counted, is unknown.
 */
bool kvs_waits(const struct kvs_times *t, const struct kvs_vcpu *v, struct kvs_hist *h);

/*
 * A vCPU's ledger in ns.  The figures are rounded so that they still sum to the wall time
 * minus the residual.
 */
struct kvs_ledger_ns {
	u64 wall;
	u64 states[KVMSCHED_NR_STATES];	/* by enum kvmsched_state */
	u64 lost;		/* of state unknown: because records were lost */
	s64 residual;		/* wall time minus the sum of @states; not 0: a mistake */
};

void kvs_ledger_ns(const struct kvs_times *t, const struct kvs_ledger *l,
		   struct kvs_ledger_ns *ns);

/*
 * The host time of all exits of a reason, or the whole time that they were out of the
 * guest; in TSC cycles.  The caller frees @h.
 */
void kvs_exit_host(const struct kvs_exit_stats *e, struct kvs_hist *h);
void kvs_exit_out(const struct kvs_exit_stats *e, struct kvs_hist *h);

/*
 * Sort in place, the largest first: by count (exits, returns to userspace, host
 * interrupts), by the time that a vCPU waited (takers), or by time (thieves).
 */
void kvs_sort_exits(struct kvs_vcpu *v);
void kvs_sort_users(struct kvs_vcpu *v);
void kvs_sort_takers(struct kvs_vcpu *v);
void kvs_sort_host_irqs(struct kvs_host_irqs *irqs);
void kvs_sort_thieves(struct kvs_waiter *w);

#endif /* KVMSCHED_VIEW_H */
