/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between model and printers: which vCPUs are shown, their sums, and what
 * turns the model's units to nanoseconds.  Pure, as the model is.
 */
#ifndef KVMSCHED_VIEW_H
#define KVMSCHED_VIEW_H

#include "trace/load.h"
#include "model/model.h"

enum ks_tsc_source {
	KS_TSC_UNKNOWN,
	KS_TSC_OPTION,		/* the file's TSC2NSEC */
	KS_TSC_SESSION,		/* the module's tsc_khz */
	KS_TSC_RECORDS,		/* both clocks of the records, compared */
};

struct ks_times {
	struct ks_scale ts, cycles;
	struct ks_scale ns;	/* what is ns already */
	enum ks_tsc_source source;
};

struct ks_select {
	long vm, vm_index, vcpu;	/* -1: any */
};

struct ks_view {
	const char *path;
	const struct ks_trace_info *info;
	const struct ks_decoder *decoder;
	const struct ks_model *model;
	struct ks_times times;
	struct ks_select select;
	struct ks_vcpu *total;	/* of the vCPUs that are selected */
	unsigned int selected;
};

void ks_times_init(struct ks_times *t, const struct ks_trace_info *info,
		   const struct ks_model *m);

bool ks_selected(const struct ks_select *select, const struct ks_vcpu *v);

/* Fills what depends on the rest: times, total. */
void ks_view_init(struct ks_view *view);
void ks_view_free(struct ks_view *view);

/* The vCPU that this thread carried last; NULL: it's none that we know. */
const struct ks_vcpu *ks_vcpu_of_thread(const struct ks_model *m, s32 tid);

/* Add up what can be added; identity and open stories stay as they were. */
void ks_vcpu_merge(struct ks_vcpu *into, const struct ks_vcpu *from);

static inline bool ks_overdue(const struct ks_vcpu *v)
{
	const struct ks_overdue *o = &v->timer.overdue;

	/* A guest may arm again just as its timer expires: now and then. */
	return o->not_expired || o->not_accepted || o->not_injected ||
	       o->unanswered * 100 > v->timer.expired;
}

/* A vCPU's time on the CPU and sums over kinds */
double ks_on_cpu_ns(const struct ks_times *t, const struct ks_vcpu *v);
u64 ks_switches(const struct ks_vcpu *v);

/*
 * All waits for a CPU, in ns; caller frees.  Without the TSC's rate those
 * after a preemption are unknown: then false, and @h is empty.
 */
bool ks_waits(const struct ks_times *t, const struct ks_vcpu *v, struct ks_hist *h);

/*
 * A vCPU's ledger in ns, each figure rounded so that all of them still sum to
 * the wall time minus the residual.
 */
struct ks_ledger_ns {
	u64 wall, states[KVMSCHED_NR_STATES], lost;
	s64 residual;
};

void ks_ledger_ns(const struct ks_times *t, const struct ks_ledger *l,
		  struct ks_ledger_ns *ns);

/* Host time of all exits of a reason, or its whole time out of the guest */
void ks_exit_host(const struct ks_exit_stats *e, struct ks_hist *h);
void ks_exit_out(const struct ks_exit_stats *e, struct ks_hist *h);

/* The largest first, each table by what its readers look for. */
void ks_sort_exits(struct ks_vcpu *v);
void ks_sort_users(struct ks_vcpu *v);
void ks_sort_takers(struct ks_vcpu *v);
void ks_sort_host_irqs(struct ks_host_irqs *irqs);
void ks_sort_thieves(struct ks_waiter *w);

#endif /* KVMSCHED_VIEW_H */
