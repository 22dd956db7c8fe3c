/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines and cells that several tables of the report have in common.
 */
#ifndef KVMSCHED_COMMON_H
#define KVMSCHED_COMMON_H

#include <stdbool.h>

#include "base/lines.h"
#include "base/rows.h"
#include "report/view.h"

/* Print the line above a table.  It ends with the number of lost records, if there are any. */
void kvs_title(const struct kvs_view *view, const char *fmt, ...) __printf(2, 3);
/*
 * Whether @class (KVMSCHED_CLASS_*) was recorded.  If it was not, print a line that says so:
 * @what is missing, and @option is the class that would record it.
 */
bool kvs_recorded(const struct kvs_view *view, u32 class, const char *what,
		  const char *option);
/* Begin a row about @v with the cells VM, vCPU, TID and policy. */
void kvs_cells_vcpu(struct kvs_rows *rows, const struct kvs_vcpu *v);
/* The cells min, max and avg, in the order of perf kvm stat, and the percentiles */
void kvs_cells_full(struct kvs_rows *rows, const struct kvs_summary *s, bool known);
/* The cells avg, p99 and max of time stamps' differences; dashes where there are none */
void kvs_cells_leg(struct kvs_rows *rows, const struct kvs_view *view, const struct kvs_hist *h);
/* Print a line if the hardware delivers interrupts to a selected vCPU without an exit. */
void kvs_note_apicv(const struct kvs_view *view);

/* "HLT doesn't exit", of a vCPU for which kvs_idles_in_guest() is true */
const char *kvs_idle_why(const struct kvs_vcpu *v);
/* Print which of the selected VMs idle without an exit, if there are any. */
void kvs_note_idle(const struct kvs_view *view);

/* Print lines with the numbers of timers armed, by whom, and of those that expired. */
void kvs_print_timer_counts(const struct kvs_timer_stats *t);

/* Print the selected VMs whose timers can't be seen, as their LAPIC is in userspace. */
void kvs_note_unseen_timers(const struct kvs_view *view);

/*
 * Below what names thieves: whether some of them may have run only while a quota kept the
 * vCPU from its CPU, since nothing tells of quotas
 */
void kvs_note_quotas(const struct kvs_view *view);

/*
 * If no LAPIC timer of the selected vCPUs was seen, say so, and what can be seen of others.
 * Returns whether that is so.
 */
bool kvs_note_no_timers(const struct kvs_view *view);

/* Why a hook is not attached: @status is its negative errno. */
const char *kvs_hook_why(s32 status);

#endif /* KVMSCHED_COMMON_H */
