// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report's tables about the host: interrupts it serves, its processes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "report/print.h"
#include "model/names.h"

#define TASKS_SHOWN	40

static void print_irqs(const struct ks_view *view, const struct ks_host_irqs *irqs,
		       bool of_vcpus)
{
	struct ks_rows rows = ks_rows_begin(of_vcpus ?
		HEADINGS("<Interrupt", "<Kind", "IRQ", "Count", "Ended guest",
			 "Total µs", "Avg µs", "p50 µs", "p99 µs", "Max µs") :
		HEADINGS("<Interrupt", "<Kind", "IRQ", "Count", "Total µs",
			 "Avg µs", "p50 µs", "p99 µs", "Max µs"));

	for (unsigned int i = 0; i < irqs->nr; i++) {
		const struct ks_host_irq_stats *irq = &irqs->irqs[i];
		const char *kind = ks_host_irq_kind(irq->kind);
		struct ks_summary s;
		bool known = ks_hist_summary(&irq->cycles, &view->times.cycles, &s);

		ks_row(&rows);
		ks_cell(&rows, "%s", irq->name);
		ks_cell(&rows, "%s", kind ? kind : "?");
		if (irq->irq >= 0)
			ks_cell(&rows, "%d", irq->irq);
		else if (irq->vector)
			ks_cell(&rows, "%#x", irq->vector);
		else
			ks_cell(&rows, "-");
		ks_cell_count(&rows, irq->count);
		if (of_vcpus)
			ks_cell_count(&rows, irq->ended_guest);
		ks_cell_us(&rows, known, s.total);
		ks_cell_us(&rows, known, s.avg);
		ks_cell_us(&rows, known, s.p50);
		ks_cell_us(&rows, known, s.p99);
		ks_cell_us(&rows, known, s.max);
	}
	ks_rows_end(&rows);
}

void ks_print_host_irqs(const struct ks_view *view)
{
	if (!view->total->host_irqs.nr)
		return;
	ks_title(view, "Host interrupts served on a vCPU's time: handler, entry to exit");
	print_irqs(view, &view->total->host_irqs, true);
}

static int task_order(const void *left, const void *right)
{
	const struct ks_task *a = *(const struct ks_task *const *)left;
	const struct ks_task *b = *(const struct ks_task *const *)right;

	if (a->slice_ts.sum != b->slice_ts.sum)
		return a->slice_ts.sum > b->slice_ts.sum ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

static void row_task(struct ks_rows *rows, const struct ks_view *view,
		     const struct ks_task *t)
{
	const char *policy = ks_policy_name(t->policy);
	struct ks_summary slice, wait;
	bool known = ks_hist_summary(&t->slice_ts, &view->times.ts, &slice);
	bool waited = ks_hist_summary(&t->preempted_wait_ts, &view->times.ts, &wait);

	ks_row(rows);
	ks_cell(rows, "%s", t->comm);
	ks_cell(rows, "%d", t->pid);
	ks_cell(rows, "%s%s", strncmp(policy, "SCHED_", 6) ? policy : policy + 6,
		t->is_vcpu ? " vCPU" : "");
	ks_cell(rows, "%d", t->prio);
	ks_cell_count(rows, t->slices);
	ks_cell_us(rows, known, slice.avg);
	ks_cell_us(rows, known, slice.p50);
	ks_cell_us(rows, known, slice.max);
	ks_cell_count(rows, t->preempted);
	ks_cell_count(rows, t->blocked);
	ks_cell_us(rows, waited, wait.avg);
	ks_cell_us(rows, waited, wait.max);
}

static void print_tasks(const struct ks_view *view)
{
	const struct ks_model *m = view->model;
	struct ks_task **tasks = xmalloc(m->nr_tasks * sizeof(*tasks));
	unsigned int shown = 0;
	struct ks_rows rows;

	if (m->nr_tasks) {
		memcpy(tasks, m->tasks, m->nr_tasks * sizeof(*tasks));
		qsort(tasks, m->nr_tasks, sizeof(*tasks), task_order);
	}
	ks_title(view, "Host tasks: slices, and waits after a preemption");
	rows = ks_rows_begin(HEADINGS("<Task", "PID", "<Policy", "Prio", "Slices",
				      "Avg µs", "p50 µs", "Max µs", "Preempted",
				      "Blocked", "Wait avg µs", "Max µs"));
	for (; shown < m->nr_tasks && shown < TASKS_SHOWN; shown++)
		row_task(&rows, view, tasks[shown]);
	ks_rows_end(&rows);
	if (shown < m->nr_tasks)
		printf("and %u others; --json has them all\n", m->nr_tasks - shown);
	free(tasks);
}

void ks_print_host(const struct ks_view *view)
{
	if (!ks_model_has_class(view->model, KVMSCHED_CLASS_HOST)) {
		printf("\n%sHost tasks%s: not recorded; `kvmsched record -e +host` records them\n",
		       ks_bold(), ks_plain());
		return;
	}
	print_tasks(view);
	if (!view->model->host_irqs.nr)
		return;
	ks_title(view, "Host interrupts whose target was a host process");
	print_irqs(view, &view->model->host_irqs, false);
}
