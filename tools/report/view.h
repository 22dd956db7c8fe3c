/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between model and printers: which vCPUs are shown, their sums, and what
 * turns the model's units to nanoseconds.  Pure, as the model is.
 */
#ifndef KVMSCHED_VIEW_H
#define KVMSCHED_VIEW_H

#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/worst.h"
#include "trace/load.h"

struct kvs_select {
	struct kvs_vm_id vm;
	long vcpu;		/* -1: any */
};

struct kvs_view {
	const char *path;
	const struct kvs_trace_info *info;
	const struct kvs_decoder *decoder;
	const struct kvs_model *model;
	const struct kvs_worst *worst;	/* of `report worst` */
	struct kvs_times times;
	struct kvs_select select;
	struct kvs_vcpu *total;	/* of the vCPUs that are selected */
	unsigned int selected;
};

bool kvs_selected(const struct kvs_select *select, const struct kvs_vcpu *v);

/* Fills what depends on the rest: times, total. */
void kvs_view_init(struct kvs_view *view);
void kvs_view_free(struct kvs_view *view);

/* Add up what can be added; identity and open stories stay as they were. */
void kvs_vcpu_merge(struct kvs_vcpu *into, const struct kvs_vcpu *from);

static inline bool kvs_overdue(const struct kvs_vcpu *v)
{
	const struct kvs_overdue *o = &v->timer.overdue;

	/* A guest may arm again just as its timer expires: now and then. */
	return o->not_expired || o->not_accepted || o->not_injected ||
	       o->unanswered * 100 > v->timer.expired;
}

/* A vCPU's time on the CPU and sums over kinds */
double kvs_on_cpu_ns(const struct kvs_times *t, const struct kvs_vcpu *v);
u64 kvs_switches(const struct kvs_vcpu *v);

/*
 * All waits for a CPU, in ns; caller frees.  Without the TSC's rate those
 * after a preemption are unknown: then false, and @h is empty.
 */
bool kvs_waits(const struct kvs_times *t, const struct kvs_vcpu *v, struct kvs_hist *h);

/*
 * A vCPU's ledger in ns, each figure rounded so that all of them still sum to
 * the wall time minus the residual.
 */
struct kvs_ledger_ns {
	u64 wall, states[KVMSCHED_NR_STATES], lost;
	s64 residual;
};

void kvs_ledger_ns(const struct kvs_times *t, const struct kvs_ledger *l,
		   struct kvs_ledger_ns *ns);

/* Host time of all exits of a reason, or its whole time out of the guest */
void kvs_exit_host(const struct kvs_exit_stats *e, struct kvs_hist *h);
void kvs_exit_out(const struct kvs_exit_stats *e, struct kvs_hist *h);

/* The largest first, each table by what its readers look for. */
void kvs_sort_exits(struct kvs_vcpu *v);
void kvs_sort_users(struct kvs_vcpu *v);
void kvs_sort_takers(struct kvs_vcpu *v);
void kvs_sort_host_irqs(struct kvs_host_irqs *irqs);
void kvs_sort_thieves(struct kvs_waiter *w);

#endif /* KVMSCHED_VIEW_H */
