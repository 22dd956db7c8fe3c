// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synthetic timers of Hyper-V's interface; see stimers.h.
 */
#include <stdio.h>

#include "uapi/kvmsched.h"

#include "model/names.h"
#include "report/common.h"
#include "report/json-dist.h"
#include "report/stimers.h"

static bool is_used(const struct kvs_stimer *t)
{
	return t->armed || t->delivered || t->refused;
}

static void row_stimer(struct kvs_rows *rows, const struct kvs_view *view,
		       const struct kvs_vcpu *v, unsigned int number)
{
	const struct kvs_stimer *t = &v->stimers[number];
	char vm[KVS_VM_LEN];

	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_vm_name(vm, v));
	kvs_cell(rows, "%u", v->id);
	kvs_cell(rows, "%u", number);
	kvs_cell(rows, "%s", !t->armed ? "-" : t->periodic ? "periodic" : "one-shot");
	kvs_cell(rows, "%s", !t->delivered ? "-" : t->direct ? "interrupt" : "message");
	kvs_cell_count(rows, t->armed);
	kvs_cell_count(rows, t->delivered);
	kvs_cell_count(rows, t->refused);
	kvs_cells_leg(rows, view, &t->late_ts);
}

/* The number of @v's that are used, if it is selected; each has a row, unless @rows is NULL. */
static unsigned int show_stimers(struct kvs_rows *rows, const struct kvs_view *view,
				 const struct kvs_vcpu *v)
{
	unsigned int used = 0;

	if (!v->stimers || !kvs_selected(&view->select, v))
		return 0;
	for (unsigned int n = 0; n < KS_STIMERS; n++) {
		if (!is_used(&v->stimers[n]))
			continue;
		used++;
		if (rows)
			row_stimer(rows, view, v, n);
	}
	return used;
}

/* The same of all vCPUs */
static unsigned int show_all_stimers(struct kvs_rows *rows, const struct kvs_view *view)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < view->model->nr_vcpus; i++)
		used += show_stimers(rows, view, view->model->vcpus[i]);
	return used;
}

void kvs_print_stimers(const struct kvs_view *view)
{
	struct kvs_rows rows;

	if (!show_all_stimers(NULL, view))
		return;
	kvs_title(view, "Synthetic timers (Hyper-V): from the deadline to KVM's delivery");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "=Timer", "<Armed as", "<Comes as",
					   "Armed", "Delivered", "Refused", "|Avg µs",
					   "p99 µs", "Max µs"));
	show_all_stimers(&rows, view);
	kvs_rows_end(&rows);
}

static json_t *stimer_of(const struct kvs_view *view, const struct kvs_stimer *t,
			 unsigned int number)
{
	return json_pack("{si sI sI sI so so so}", "timer", (int)number,
			 "armed", clamp(t->armed), "delivered", clamp(t->delivered),
			 "refused", clamp(t->refused),
			 "periodic", t->armed ? json_boolean(t->periodic) : json_null(),
			 "direct", t->delivered ? json_boolean(t->direct) : json_null(),
			 "deadline_to_delivery_ns", dist(&t->late_ts, &view->times.ts));
}

json_t *kvs_json_stimers(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	json_t *a;

	if (!view->model->stimers_told)
		return json_null();
	a = json_array();
	for (unsigned int n = 0; n < KS_STIMERS && v->stimers; n++)
		if (is_used(&v->stimers[n]))
			json_array_append_new(a, stimer_of(view, &v->stimers[n], n));
	return a;
}
