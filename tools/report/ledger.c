// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where each vCPU's time went, and who took the CPU that it waited for.
 */
#include <inttypes.h>
#include <stdio.h>

#include "uapi/kvmsched.h"
#include "report/print.h"

/* A residual above this part of the wall time is an error of ours. */
#define RESIDUAL_MAX	1e-4

static void cells_states(struct ks_rows *rows, const u64 states[KVMSCHED_NR_STATES],
			 u64 wall)
{
	for (unsigned int i = KVMSCHED_STATE_GUEST; i < KVMSCHED_NR_STATES; i++)
		ks_cell_share(rows, states[i], wall);
	ks_cell_share(rows, states[KVMSCHED_STATE_UNKNOWN], wall);
}

/* The kernel's own, below the report's: they are to agree. */
static void row_kernel(struct ks_rows *rows, const struct ks_vcpu *v)
{
	u64 wall = 0;

	if (!v->kernel.known)
		return;
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		wall += v->kernel.states[i];
	ks_row(rows);
	for (unsigned int i = 0; i < 3; i++)
		ks_cell(rows, " ");
	ks_cell(rows, "(kernel's ledger)");
	cells_states(rows, v->kernel.states, wall);
	ks_cell(rows, " ");
}

static bool row_ledger(struct ks_rows *rows, const struct ks_view *view,
		       const struct ks_vcpu *v)
{
	struct ks_ledger_ns ns;

	ks_ledger_ns(&view->times, &v->ledger, &ns);
	ks_cells_vcpu(rows, v);
	cells_states(rows, ns.states, ns.wall);
	ks_cell(rows, "%" PRId64 " ns", ns.residual);
	row_kernel(rows, v);
	return !ns.wall || (ns.residual < 0 ? -ns.residual : ns.residual) <=
			   RESIDUAL_MAX * ns.wall;
}

void ks_print_ledger(const struct ks_view *view)
{
	const struct ks_model *m = view->model;
	struct ks_rows rows;
	bool closes = true;
	u64 lost = 0;

	if (!ks_recorded(view, KVMSCHED_CLASS_SWITCH, "Ledger", "switch") ||
	    !ks_recorded(view, KVMSCHED_CLASS_EXIT, "Ledger", "exit"))
		return;
	ks_title(view, "Ledger: all time of each vCPU, by state");
	rows = ks_rows_begin(HEADINGS("VM", "vCPU", "TID", "<Policy", "Guest", "Exit",
				      "User", "Poll", "Halted", "Blocked", "Preempted",
				      "Woken", "Unknown", "Residual"));
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		if (!ks_selected(&view->select, m->vcpus[i]))
			continue;
		closes &= row_ledger(&rows, view, m->vcpus[i]);
		lost += m->vcpus[i]->ledger.lost;
	}
	ks_rows_end(&rows);
	printf("Preempted and Woken: waits for a CPU. Unknown: before the first record, behind the last%s\n",
	       lost ? ", where records were lost" : "");
	if (!closes)
		printf("%sTHE LEDGER DOES NOT CLOSE: the states miss more than 0.01 %% of the time; please report this%s\n",
		       ks_alarm(), ks_plain());
}

static void row_thief(struct ks_rows *rows, const struct ks_view *view,
		      const struct ks_vcpu *v, const struct ks_thief *t, u64 all)
{
	const struct ks_scale *ts = &view->times.ts;
	const struct ks_vcpu *sibling = t->who.kind == KS_THIEF_TASK ?
					ks_vcpu_of_thread(view->model, t->who.pid) : NULL;
	char vm[KS_VM_LEN];

	ks_row(rows);
	ks_cell(rows, "%s", ks_vm_name(vm, v));
	ks_cell(rows, "%u", v->id);
	ks_cell(rows, "%d", v->tid);
	if (sibling)
		ks_cell(rows, "%s (VM %s, vCPU %u)", t->who.comm,
			ks_vm_name(vm, sibling), sibling->id);
	else
		ks_cell(rows, "%s", ks_thief_name(&t->who));
	if (t->who.kind == KS_THIEF_TASK)
		ks_cell(rows, "%d", t->who.pid);
	else
		ks_cell(rows, "-");
	ks_cell_count(rows, t->count);
	ks_cell_us(rows, ts->known, ks_scale(ts, t->time));
	ks_cell_share(rows, t->time, all);
	ks_cell_us(rows, ts->known, ks_scale(ts, t->max));
}

/* Behind each vCPU's thieves the wait that they sum to, from its ledger */
static void rows_vcpu(struct ks_rows *rows, const struct ks_view *view,
		      const struct ks_vcpu *v)
{
	const struct ks_scale *ts = &view->times.ts;
	u64 wait = v->ledger.states[KVMSCHED_STATE_WAIT_PREEMPTED] +
		   v->ledger.states[KVMSCHED_STATE_WAIT_WOKEN];
	char vm[KS_VM_LEN];
	u64 count = 0;

	for (unsigned int i = 0; i < v->waiter.nr; i++) {
		if (!v->waiter.thieves[i].count)
			continue;
		row_thief(rows, view, v, &v->waiter.thieves[i], wait);
		count += v->waiter.thieves[i].count;
	}
	ks_row(rows);
	ks_cell(rows, "%s", ks_vm_name(vm, v));
	ks_cell(rows, "%u", v->id);
	ks_cell(rows, "%d", v->tid);
	ks_cell(rows, "= all its waits");
	ks_cell(rows, " ");
	ks_cell_count(rows, count);
	ks_cell_us(rows, ts->known, ks_scale(ts, wait));
	ks_cell_share(rows, wait, wait);
	ks_cell(rows, " ");
}

void ks_print_thieves(const struct ks_view *view)
{
	const struct ks_model *m = view->model;
	struct ks_rows rows;

	if (!ks_recorded(view, KVMSCHED_CLASS_STEAL, "Thieves", "steal; `kvmsched record -e +steal`") ||
	    !ks_recorded(view, KVMSCHED_CLASS_SWITCH, "Thieves", "switch") ||
	    !ks_recorded(view, KVMSCHED_CLASS_EXIT, "Thieves", "exit"))
		return;
	ks_title(view, "Thieves: who held the CPU that a vCPU waited for");
	rows = ks_rows_begin(HEADINGS("VM", "vCPU", "TID", "<Thief", "PID", "Pieces",
				      "Wait µs", "Share", "Longest µs"));
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (ks_selected(&view->select, m->vcpus[i]))
			rows_vcpu(&rows, view, m->vcpus[i]);
	ks_rows_end(&rows);
}
