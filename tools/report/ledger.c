// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of the ledger: where each vCPU's time went, and who had the CPU that it waited for.
 */
#include <inttypes.h>
#include <stdio.h>

#include "uapi/kvmsched.h"

#include "model/holder.h"
#include "model/names.h"
#include "report/common.h"
#include "report/idle.h"
#include "report/quotas.h"
#include "report/report.h"

/* A residual above this share of the wall time gets a warning: the ledger is wrong. */
#define RESIDUAL_MAX	1e-4

static void cells_states(struct kvs_rows *rows, const u64 states[KVMSCHED_NR_STATES],
			 u64 wall)
{
	struct kvs_split split = { .whole = wall };

	for (unsigned int i = KVMSCHED_STATE_GUEST; i < KVMSCHED_NR_STATES; i++)
		kvs_cell_share_part(rows, &split, states[i]);
	kvs_cell_share_part(rows, &split, states[KVMSCHED_STATE_UNKNOWN]);
}

/* The ledger that the kernel kept, in a row below; the two should agree. */
static void row_kernel(struct kvs_rows *rows, const struct kvs_view *view,
		       const struct kvs_vcpu *v)
{
	u64 wall = 0;

	if (!v->kernel.known)
		return;
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		wall += v->kernel.states[i];
	kvs_row(rows);
	kvs_cell(rows, "(kernel)");
	kvs_cell(rows, "%u", v->id);
	kvs_cell_us(rows, view->times.cycles.known, kvs_scale(&view->times.cycles, wall));
	cells_states(rows, v->kernel.states, wall);
	kvs_cell(rows, " ");
}

static bool row_ledger(struct kvs_rows *rows, const struct kvs_view *view,
		       const struct kvs_vcpu *v)
{
	struct kvs_ledger_ns ns;
	char vm[KVS_VM_LEN];

	kvs_ledger_ns(&view->times, &v->ledger, &ns);
	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_vm_name(vm, v));
	kvs_cell(rows, "%u", v->id);
	kvs_cell_us(rows, view->times.ts.known, ns.wall);
	cells_states(rows, ns.states, ns.wall);
	kvs_cell(rows, "%" PRId64 " ns", ns.residual);
	row_kernel(rows, view, v);
	return !ns.wall || (ns.residual < 0 ? -ns.residual : ns.residual) <=
			   RESIDUAL_MAX * ns.wall;
}

static void print_open(void)
{
	struct kvs_lines lines = kvs_lines_begin(0);

	kvs_lines_strong(&lines, "THE LEDGER DOES NOT CLOSE: the states miss more than 0.01 %% of the time; please report this");
	kvs_lines_end(&lines);
}

void kvs_print_ledger(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	struct kvs_rows rows;
	bool closes = true, kernel = false;
	u64 lost = 0;

	if (!kvs_recorded(view, KVMSCHED_CLASS_SWITCH, "Ledger", "switch") ||
	    !kvs_recorded(view, KVMSCHED_CLASS_EXIT, "Ledger", "exit"))
		return;
	kvs_title(view, "Ledger: all time of each vCPU's life, by state");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "Life µs", "Guest", "Exit", "User",
					   "Poll", "Halted", "Blocked", "|Preempted", "Woken",
					   "Unknown", "Residual"));
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		if (!kvs_selected(&view->select, m->vcpus[i]))
			continue;
		closes &= row_ledger(&rows, view, m->vcpus[i]);
		lost += m->vcpus[i]->ledger.lost;
		kernel |= m->vcpus[i]->kernel.known;
	}
	kvs_rows_end(&rows);
	kvs_say(2, "Life: from its first KVM_RUN to the end of its thread or VM, as far as that was %s",
		m->counting.excerpt.on ? "in the excerpt" : "recorded");
	kvs_say(2, "Preempted and Woken: waits for a CPU");
	kvs_say(2, "Unknown: before its first record, if it may have run before; between two threads%s",
		lost ? "; where records are missing" : "");
	if (kernel)
		kvs_say(2, "(kernel): the ledger that the kernel kept of the vCPU above");
	kvs_note_idle(view);
	if (!closes)
		print_open();
}

static void row_thief(struct kvs_rows *rows, const struct kvs_view *view,
		      const struct kvs_vcpu *v, const struct kvs_thief *t,
		      struct kvs_split *split)
{
	const struct kvs_scale *ts = &view->times.ts;
	const struct kvs_vcpu *sibling = t->who.kind == KVS_THIEF_TASK ?
					kvs_vcpu_of_thread(view->model, t->who.pid) : NULL;
	char vm[KVS_VM_LEN], policy[KVS_POLICY_LEN];

	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_vm_name(vm, v));
	kvs_cell(rows, "%u", v->id);
	if (sibling)
		kvs_cell(rows, "%s (VM %s, vCPU %u)", t->who.comm,
			 kvs_vm_name(vm, sibling), sibling->id);
	else
		kvs_cell(rows, "%s", kvs_thief_name(&t->who));
	if (kvs_thief_is_task(&t->who)) {
		kvs_cell(rows, "%d", t->who.pid);
		kvs_cell(rows, "%s", kvs_holder_policy(policy, &t->who));
		kvs_cell(rows, "%s", kvs_relation_name(
				 kvs_holder_relation(view->model, v, &t->who)));
	} else {
		kvs_cell(rows, "-");
		kvs_cell(rows, "-");
		kvs_cell(rows, "-");
	}
	kvs_cell_count(rows, t->count);
	kvs_cells_part(rows, ts, split, t->time);
	kvs_cell_us(rows, ts->known, kvs_scale(ts, t->max));
}

/* A row for each thief of a vCPU; the last row is their sum. */
static void rows_vcpu(struct kvs_rows *rows, const struct kvs_view *view,
		      const struct kvs_vcpu *v)
{
	const struct kvs_scale *ts = &view->times.ts;
	const struct kvs_waiter *w = &v->waiter;
	struct kvs_split split = { 0 }, all;
	char vm[KVS_VM_LEN];
	u64 count = 0;

	for (unsigned int i = 0; i < w->nr; i++)
		split.whole += w->thieves[i].time;
	all = split;
	for (unsigned int i = 0; i < w->nr; i++) {
		row_thief(rows, view, v, &w->thieves[i], &split);
		count += w->thieves[i].count;
	}
	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_vm_name(vm, v));
	kvs_cell(rows, "%u", v->id);
	kvs_cell(rows, "= all its waits");
	kvs_cell(rows, " ");
	kvs_cell(rows, " ");
	kvs_cell(rows, " ");
	kvs_cell_count(rows, count);
	kvs_cells_part(rows, ts, &all, split.shown);
	kvs_cell(rows, " ");
}

static void print_thieves(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	struct kvs_rows rows;

	if (!kvs_recorded(view, KVMSCHED_CLASS_STEAL, "Thieves", "steal; `kvmsched record -e +steal`") ||
	    !kvs_recorded(view, KVMSCHED_CLASS_SWITCH, "Thieves", "switch") ||
	    !kvs_recorded(view, KVMSCHED_CLASS_EXIT, "Thieves", "exit"))
		return;
	kvs_title(view, "Thieves: who held the CPU that a vCPU waited for");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "=<Thief", "=PID", "<Policy",
					   "<Relation", "|Pieces", "Wait µs", "Share",
					   "Longest µs"));
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (kvs_selected(&view->select, m->vcpus[i]))
			rows_vcpu(&rows, view, m->vcpus[i]);
	kvs_rows_end(&rows);
	kvs_note_quotas(view);
	kvs_print_quotas(view);
	kvs_print_idle(view);
}

const struct kvs_report kvs_report_thieves = {
	.name = "thieves", .what = "who took the CPU that each vCPU waited for",
	.text = print_thieves, .keys = KVS_KEYS("states_ns", "thieves", "idle_allowed"),
};
