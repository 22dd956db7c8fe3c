// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM counted of directed yields; see yields.h.
 */
#include <inttypes.h>

#include "report/json-number.h"
#include "report/yields.h"

/* The VMs of a process in the records; the vCPUs of each follow one another. */
static unsigned int vms_seen(const struct kvs_model *m, s32 tgid)
{
	const struct kvs_vcpu *last = NULL;
	unsigned int nr = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct kvs_vcpu *v = m->vcpus[i];

		if (!v->identified || v->tgid != tgid)
			continue;
		nr += !last || last->vm != v->vm;
		last = v;
	}
	return nr;
}

/* KVM counts each of these hypercalls: where there are fewer, the counts are of other VMs. */
static u64 hypercalls_seen(const struct kvs_model *m, s32 tgid)
{
	u64 nr = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct kvs_vcpu *v = m->vcpus[i];

		if (v->identified && v->tgid == tgid)
			nr += v->spins[KVS_SPIN_KICK] + v->spins[KVS_SPIN_YIELD];
	}
	return nr;
}

/*
 * The sum of a process lacks a VM that came and went between the two looks of the recorder,
 * but not the records.
 */
static bool is_told(const struct kvs_view *view, const struct kvs_yields_row *row)
{
	return !view->model->counting.excerpt.on && !view->model->overwrite &&
	       vms_seen(view->model, row->pid) <= row->vms &&
	       hypercalls_seen(view->model, row->pid) <= row->attempted;
}

json_t *kvs_json_yields(const struct kvs_view *view)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < view->info->nr_yields; i++) {
		const struct kvs_yields_row *row = &view->info->yields[i];

		if (is_told(view, row))
			json_array_append_new(a, json_pack("{si sI sI sI}", "pid", row->pid,
				"vms", (json_int_t)row->vms, "attempted", clamp(row->attempted),
				"successful", clamp(row->successful)));
	}
	if (json_array_size(a))
		return a;
	json_decref(a);
	return json_null();
}

/* KVM does not count what it does at PAUSE exits. */
static bool asked(const struct kvs_vcpu *v)
{
	return v->spins[KVS_SPIN_KICK] || v->spins[KVS_SPIN_YIELD];
}

void kvs_write_yields(FILE *f, const struct kvs_view *view, const struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < view->info->nr_yields; i++) {
		const struct kvs_yields_row *row = &view->info->yields[i];

		if (!v->identified || row->pid != v->tgid || !asked(v) || !is_told(view, row))
			continue;
		fprintf(f, "; for such hypercalls of all vCPUs of its %s, KVM tried %" PRIu64
			" time%s to yield to another one, and did %" PRIu64 " time%s",
			row->vms > 1 ? "process's VMs" : "VM", row->attempted,
			row->attempted == 1 ? "" : "s", row->successful,
			row->successful == 1 ? "" : "s");
		return;
	}
}
