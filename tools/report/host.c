// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables about the host: the interrupts that it serves, and its tasks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/names.h"
#include "report/common.h"
#include "report/report.h"

#define TASKS_SHOWN	40

static void print_irqs(const struct kvs_view *view, const struct kvs_host_irqs *irqs,
		       bool of_vcpus)
{
	struct kvs_rows rows = kvs_rows_begin(of_vcpus ?
		KVS_HEADINGS("=<Interrupt", "=<Kind", "=IRQ", "Count", "Ended guest",
			     "Total µs", "|Avg µs", "p50 µs", "p99 µs", "Max µs") :
		KVS_HEADINGS("=<Interrupt", "=<Kind", "=IRQ", "Count", "Total µs",
			     "|Avg µs", "p50 µs", "p99 µs", "Max µs"));

	for (unsigned int i = 0; i < irqs->nr; i++) {
		const struct kvs_host_irq_stats *irq = &irqs->irqs[i];
		const char *kind = kvs_host_irq_kind(irq->kind);
		struct kvs_summary s;
		bool known = kvs_hist_summary(&irq->cycles, &view->times.cycles, &s);

		kvs_row(&rows);
		kvs_cell(&rows, "%s", irq->name);
		kvs_cell(&rows, "%s", kind ? kind : "?");
		if (irq->irq >= 0)
			kvs_cell(&rows, "%d", irq->irq);
		else if (irq->vector)
			kvs_cell(&rows, "%#x", irq->vector);
		else
			kvs_cell(&rows, "-");
		kvs_cell_count(&rows, irq->count);
		if (of_vcpus)
			kvs_cell_count(&rows, irq->ended_guest);
		kvs_cell_us(&rows, known, s.total);
		kvs_cell_us(&rows, known, s.avg);
		kvs_cell_us(&rows, known, s.p50);
		kvs_cell_us(&rows, known, s.p99);
		kvs_cell_us(&rows, known, s.max);
	}
	kvs_rows_end(&rows);
}

void kvs_print_host_irqs(const struct kvs_view *view)
{
	if (!view->total->host_irqs.nr)
		return;
	kvs_title(view, "Host interrupts and softirqs served on a vCPU's time: handler, entry to exit");
	print_irqs(view, &view->total->host_irqs, true);
}

static int task_order(const void *left, const void *right)
{
	const struct kvs_task *a = *(const struct kvs_task *const *)left;
	const struct kvs_task *b = *(const struct kvs_task *const *)right;

	if (a->slice_ts.sum != b->slice_ts.sum)
		return a->slice_ts.sum > b->slice_ts.sum ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

static void row_task(struct kvs_rows *rows, const struct kvs_view *view,
		     const struct kvs_task *t)
{
	const char *policy = kvs_policy_name(t->policy);
	struct kvs_summary slice, wait;
	bool known = kvs_hist_summary(&t->slice_ts, &view->times.ts, &slice);
	bool waited = kvs_hist_summary(&t->preempted_wait_ts, &view->times.ts, &wait);

	kvs_row(rows);
	kvs_cell(rows, "%s", t->comm);
	kvs_cell(rows, "%d", t->pid);
	kvs_cell(rows, "%s%s", strncmp(policy, "SCHED_", 6) ? policy : policy + 6,
		 t->is_vcpu ? " vCPU" : "");
	kvs_cell(rows, "%d", t->prio);
	kvs_cell_count(rows, t->slices);
	kvs_cell_us(rows, known, slice.avg);
	kvs_cell_us(rows, known, slice.p50);
	kvs_cell_us(rows, known, slice.max);
	kvs_cell_count(rows, t->preempted);
	kvs_cell_count(rows, t->blocked);
	kvs_cell_us(rows, waited, wait.avg);
	kvs_cell_us(rows, waited, wait.max);
}

static void print_tasks(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	struct kvs_task **tasks = xmalloc(m->nr_tasks * sizeof(*tasks));
	unsigned int shown = 0;
	struct kvs_rows rows;

	if (m->nr_tasks) {
		memcpy(tasks, m->tasks, m->nr_tasks * sizeof(*tasks));
		qsort(tasks, m->nr_tasks, sizeof(*tasks), task_order);
	}
	kvs_title(view, "Host tasks: slices, and waits after a preemption");
	rows = kvs_rows_begin(KVS_HEADINGS("=<Task", "=PID", "<Policy", "Prio", "Slices",
					   "|Avg µs", "p50 µs", "Max µs", "|Preempted",
					   "Blocked", "Wait avg µs", "Wait max µs"));
	for (; shown < m->nr_tasks && shown < TASKS_SHOWN; shown++)
		row_task(&rows, view, tasks[shown]);
	kvs_rows_end(&rows);
	if (shown < m->nr_tasks)
		kvs_say(0, "and %u others; --json has them all", m->nr_tasks - shown);
	free(tasks);
}

void kvs_print_host(const struct kvs_view *view)
{
	if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_HOST)) {
		kvs_recorded(view, KVMSCHED_CLASS_HOST, "Host tasks",
			     "host; `kvmsched record -e +host` records them");
		return;
	}
	print_tasks(view);
	if (!view->model->host_irqs.nr)
		return;
	kvs_title(view, "Host interrupts and softirqs served on a host process's time");
	print_irqs(view, &view->model->host_irqs, false);
}
