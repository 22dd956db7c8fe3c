// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of exits: what each reason cost.
 */
#include <stdio.h>

#include "uapi/kvmsched.h"
#include "model/names.h"
#include "report/common.h"
#include "report/report.h"

static void row_exit(struct kvs_rows *rows, const struct kvs_view *view,
		     const struct kvs_exit_stats *e, struct kvs_split *count,
		     struct kvs_split *time)
{
	char name[KVS_EXIT_NAME_LEN];
	struct kvs_summary s;
	struct kvs_hist host;
	bool known;

	kvs_exit_host(e, &host);
	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_exit_name(name, e->isa, e->reason, e->l2, e->fastpath));
	kvs_cell_count(rows, e->count);
	kvs_cell_share_part(rows, count, e->count);
	kvs_cell_share_part(rows, time, host.sum);
	known = kvs_hist_summary(&e->poll_cycles, &view->times.cycles, &s);
	kvs_cell_us(rows, known, s.total);
	known = kvs_hist_summary(&e->blocked_ts, &view->times.ts, &s);
	kvs_cell_us(rows, known, s.total);
	known = kvs_hist_summary(&host, &view->times.cycles, &s);
	kvs_cells_full(rows, &s, known);
	kvs_hist_free(&host);
}

/* What was slept in KVM_RUN, but in no exit that is known */
static void row_blocked(struct kvs_rows *rows, const struct kvs_view *view, const char *where,
			const struct kvs_hist *h)
{
	struct kvs_summary s;
	bool known = kvs_hist_summary(h, &view->times.ts, &s);

	if (!h->count)
		return;
	kvs_row(rows);
	kvs_cell(rows, "%s", where);
	for (unsigned int i = 0; i < 4; i++)
		kvs_cell(rows, "-");
	kvs_cell_us(rows, known, s.total);
}

void kvs_print_exits(const struct kvs_view *view)
{
	const struct kvs_vcpu *v = view->total;
	struct kvs_split count = { .whole = v->exit_count }, time = { 0 };
	struct kvs_rows rows;
	bool polls;

	if (!kvs_recorded(view, KVMSCHED_CLASS_EXIT, "Exits", "exit"))
		return;
	polls = kvs_model_has_class(view->model, KVMSCHED_CLASS_SWITCH);
	kvs_title(view, "Exits: host time in the kernel and on the CPU, until entry, switch or userspace%s",
		  polls ? ", without polling" : "");
	for (unsigned int i = 0; i < v->nr_exits; i++)
		time.whole += v->exits[i].uncut_cycles.sum + v->exits[i].cut_cycles.sum;
	rows = kvs_rows_begin(KVS_HEADINGS("<Reason", "Samples", "Samples%", "Time%",
					   "Polled µs", "Blocked µs", "|Min µs", "Max µs",
					   "Avg µs", "|p50 µs", "p99 µs", "p99.9 µs"));
	for (unsigned int i = 0; i < v->nr_exits; i++)
		row_exit(&rows, view, &v->exits[i], &count, &time);
	row_blocked(&rows, view, "(none: waits for SIPI)", &v->blocked_sipi_ts);
	row_blocked(&rows, view, "(none: async page fault)", &v->blocked_page_ts);
	row_blocked(&rows, view, "(none: before the entry)", &v->blocked_before_ts);
	row_blocked(&rows, view, "(unknown: records are missing)", &v->blocked_unknown_ts);
	kvs_rows_end(&rows);
	if (!polls)
		kvs_say(0, "Halt polling, if any, is part of these times: class switch tells it, and was not recorded");
}
