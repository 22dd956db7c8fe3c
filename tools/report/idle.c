// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that idled while a vCPU, allowed to use them, waited: as a table and as JSON.
 */
#include <stdio.h>

#include "uapi/kvmsched.h"
#include "model/names.h"
#include "report/common.h"
#include "report/idle.h"
#include "report/json-number.h"

static bool is_told(const struct kvs_view *view)
{
	return kvs_model_ever(view->model, KS_EV_allowed) && view->times.ts.known;
}

static void row_vcpu(struct kvs_rows *rows, const struct kvs_view *view,
		     const struct kvs_vcpu *v)
{
	const struct kvs_idle_sum *sum = &v->waiter.idle.sum;
	const struct kvs_scale *ts = &view->times.ts;
	struct kvs_split split = { .whole = sum->waited };
	char vm[KVS_VM_LEN];

	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_vm_name(vm, v));
	kvs_cell(rows, "%u", v->id);
	kvs_cell_us(rows, true, kvs_scale(ts, sum->waited));
	kvs_cells_part(rows, ts, &split, sum->time);
	kvs_cell_count(rows, sum->count);
	kvs_cell_us(rows, true, kvs_scale(ts, sum->max));
	if (sum->time)
		kvs_cell(rows, "%u", sum->cpu);
	else
		kvs_cell(rows, "-");
	kvs_cell_us(rows, true, kvs_scale(ts, sum->unknown));
}

void kvs_print_idle(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	struct kvs_rows rows;

	if (!is_told(view)) {
		kvs_say(0, "Idle CPUs: not recorded");
		return;
	}
	kvs_title(view, "Idle CPUs: waits while a CPU idled that the vCPU was allowed to use");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "Waits µs", "Idle µs", "Share",
					   "10 ms or more", "Longest µs", "CPU",
					   "|Unknown µs"));
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (kvs_selected(&view->select, m->vcpus[i]))
			row_vcpu(&rows, view, m->vcpus[i]);
	kvs_rows_end(&rows);
	kvs_say(2, "Idle: at least one such CPU idled, while another task had the one that was waited for; without throttling");
	kvs_say(2, "Unknown: waits beside those, of which records are missing%s",
		m->queues.idles.blind ? ": the switches of CPUs could not be hooked" : "");
}

json_t *kvs_json_idle(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	const struct kvs_idle_sum *sum = &v->waiter.idle.sum;
	const struct kvs_scale *ts = &view->times.ts;

	if (!is_told(view))
		return json_null();
	return json_pack("{sI sI sI sI so sI}",
			 "waited_ns", clamp(kvs_scale(ts, sum->waited)),
			 "ns", clamp(kvs_scale(ts, sum->time)), "count", clamp(sum->count),
			 "max_ns", clamp(kvs_scale(ts, sum->max)),
			 "cpu", number_if(sum->time, sum->cpu),
			 "unknown_ns", clamp(kvs_scale(ts, sum->unknown)));
}

json_t *kvs_json_idle_wait(const struct kvs_view *view, const struct kvs_idle_wait *idle)
{
	const struct kvs_scale *ts = &view->times.ts;

	if (!idle->known)
		return json_null();
	return json_pack("{sI so sI}", "ns", clamp(kvs_scale(ts, idle->time)),
			 "cpu", number_if(idle->time, idle->cpu),
			 "cpu_ns", clamp(kvs_scale(ts, idle->cpu_time)));
}
