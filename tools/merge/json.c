// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what a merge has found, as one JSON object.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/util.h"
#include "merge/merge.h"

/* In ns; null: there is no limit */
static json_t *shift_json(const struct kvs_host_side *h, s64 cycles)
{
	u64 length = cycles < 0 ? -(u64)cycles : (u64)cycles;
	json_int_t ns = kvs_scale(&h->ns, length);

	if (length == KVS_SHIFT_MAX)
		return json_null();
	return json_integer(cycles < 0 ? -ns : ns);
}

static json_t *offset_json(const struct kvs_guest_tsc *tsc, s64 shift)
{
	if (shift == KVS_SHIFT_MAX || shift == -KVS_SHIFT_MAX)
		return json_null();
	return json_integer((s64)(tsc->offset - kvs_guest_length(tsc, shift)));
}

/* 64 bits without a sign, which JSON's numbers may not hold */
static json_t *id_json(u64 id)
{
	char *text = xasprintf("0x%016" PRIx64, id);
	json_t *o = json_string(text);

	free(text);
	return o;
}

/* When each change of the TSC was told, and the offsets before and since then */
static json_t *changes_json(const struct kvs_host_side *h, const struct kvs_host_vcpu *v)
{
	json_t *changes = json_array();

	for (size_t i = v->first_epoch + 1; i < v->nr_epochs; i++)
		json_array_append_new(changes, json_pack("{so sI sI}",
			"at_ns", shift_json(h, v->epochs[i].since - h->begin),
			"from", (json_int_t)v->epochs[i - 1].tsc.offset,
			"to", (json_int_t)v->epochs[i].tsc.offset));
	return changes;
}

static void add_vcpu(json_t *o, const struct kvs_host_side *h, const struct kvs_joined *g,
		     const struct kvs_joined_cpu *cpu)
{
	const struct kvs_guest_tsc *tsc = &kvs_last_tsc(cpu->vcpu)->tsc;

	json_object_set_new(o, "vcpu", json_integer(cpu->vcpu->id));
	json_object_set_new(o, "tid", json_integer(cpu->vcpu->tid));
	json_object_set_new(o, "in_guest_mode", json_integer(cpu->placed.inside));
	json_object_set_new(o, "not_told", json_integer(cpu->placed.unknown));
	json_object_set_new(o, "not_joined", json_integer(cpu->placed.between));
	json_object_set_new(o, "tsc_changes", changes_json(h, cpu->vcpu));
	json_object_set_new(o, "tsc_offset", json_integer((s64)tsc->offset));
	json_object_set_new(o, "tsc_offset_from", offset_json(tsc, g->shifts.to));
	json_object_set_new(o, "tsc_offset_to", offset_json(tsc, g->shifts.from));
	json_object_set_new(o, "tsc_ratio", id_json(tsc->ratio));
	json_object_set_new(o, "tsc_frac_bits", json_integer(tsc->frac_bits));
}

static json_t *cpus_json(const struct kvs_host_side *h, const struct kvs_joined *g)
{
	json_t *cpus = json_array();

	for (unsigned int cpu = 0; cpu < g->side.parts->cpus; cpu++) {
		json_t *o = json_pack("{si sI}", "cpu", (int)cpu,
				      "events", (json_int_t)g->side.cpus[cpu].nr);

		if (g->cpus[cpu].vcpu)
			add_vcpu(o, h, g, &g->cpus[cpu]);
		else
			json_object_set_new(o, "vcpu", json_null());
		json_array_append_new(cpus, o);
	}
	return cpus;
}

static json_t *carried_json(const struct kvs_host_side *h, const struct kvs_carried *carried)
{
	if (!carried->there)
		return json_null();
	if (carried->damaged || !carried->samples)
		return json_pack("{si}", "samples", 0);
	return json_pack("{sI so so}", "samples", (json_int_t)carried->samples,
			 "later_ns_from", shift_json(h, carried->least),
			 "later_ns_to", shift_json(h, carried->most));
}

static json_t *guest_json(const struct kvs_merged *m, const struct kvs_merged_guest *guest)
{
	const struct kvs_joined *g = &guest->joined;
	const struct kvs_host_vcpu *vcpu = kvs_joined_vcpu(g);
	json_t *o = json_object();

	json_object_set_new(o, "recording", kvs_bytes_json(g->side.path));
	json_object_set_new(o, "file", kvs_bytes_json(guest->file));
	json_object_set_new(o, "trace_id", id_json(guest->trace_id));
	json_object_set_new(o, "vm_name", vcpu->vm_name ? kvs_bytes_json(vcpu->vm_name) :
			    json_null());
	json_object_set_new(o, "pid", json_integer(vcpu->tgid));
	json_object_set_new(o, "vm_index", json_integer(vcpu->vm_index));
	json_object_set_new(o, "later_ns_from", shift_json(&m->host, g->shifts.from));
	json_object_set_new(o, "later_ns_to", shift_json(&m->host, g->shifts.to));
	json_object_set_new(o, "carried", carried_json(&m->host, &guest->carried));
	json_object_set_new(o, "cpus", cpus_json(&m->host, g));
	return o;
}

static json_t *excerpt_json(const struct kvs_merged *m)
{
	if (!m->excerpt.on)
		return json_null();
	return json_pack("{sI so}", "from_ns", (json_int_t)m->from_ns, "to_ns",
			 m->to_ns ? json_integer(m->to_ns) : json_null());
}

bool kvs_merged_json(const struct kvs_merged *m)
{
	json_t *guests = json_array(), *o = json_object();
	int failed;

	for (size_t i = 0; i < m->nr_guests; i++)
		json_array_append_new(guests, guest_json(m, &m->guests[i]));
	json_object_set_new(o, "folder", kvs_bytes_json(m->folder));
	json_object_set_new(o, "recording", kvs_bytes_json(m->host_path));
	json_object_set_new(o, "file", json_string(KVS_MERGED_HOST));
	json_object_set_new(o, "trace_id", id_json(m->trace_id));
	json_object_set_new(o, "excerpt", excerpt_json(m));
	json_object_set_new(o, "only_vcpu", m->select.vcpu >= 0 ? json_integer(m->select.vcpu) :
			    json_null());
	json_object_set_new(o, "guests", guests);
	failed = json_dumpf(o, stdout, JSON_INDENT(1)) || putchar('\n') == EOF;
	json_decref(o);
	return !failed;
}
