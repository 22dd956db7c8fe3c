// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what guests' tasks did, as one JSON object.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/bytes.h"
#include "guest/guest.h"
#include "report/json-number.h"

/* The parts are rounded so that they sum to the whole. */
static json_t *span_json(const struct kvs_scale *ns, const struct kvs_guest_span *span)
{
	json_t *o = json_pack("{so so so}", "count", number(span->count),
			      "sum_ns", number(kvs_scale(ns, span->sum)),
			      "max_ns", number(kvs_scale(ns, span->longest)));
	u64 sum = 0, before = 0;

	for (unsigned int part = 0; part < KVS_PARTS; part++) {
		u64 upto;
		char key[32];

		sum += span->part[part];
		upto = kvs_scale(ns, sum);
		snprintf(key, sizeof(key), "%s_ns", kvs_guest_part_name(part));
		json_object_set_new(o, key, number(upto - before));
		before = upto;
	}
	return o;
}

static json_t *quanta_json(const struct kvs_guest *g, const struct kvs_guest_task *t,
			   const struct kvs_scale *ns)
{
	u64 asked = kvs_guest_asked_ns(g, t);
	json_t *o;

	if (!t->quanta.count)
		return json_null();
	o = span_json(ns, &t->quanta);
	json_object_set_new(o, "min_ns", number(kvs_scale(ns, t->shortest_quantum)));
	json_object_set_new(o, "asked_ns", number_if(asked, asked));
	json_object_set_new(o, "got_per_asked",
			    asked ? json_real(kvs_guest_inflation(g, t, ns)) : json_null());
	return o;
}

static json_t *counted_json(const struct kvs_guest_task *t, const struct kvs_scale *ns)
{
	struct kvs_guest_span between = t->mark.last;
	json_t *o;

	if (!kvs_guest_counted(t))
		return json_null();
	between.count -= t->mark.first.count;
	between.sum -= t->mark.first.sum;
	for (unsigned int part = 0; part < KVS_PARTS; part++)
		between.part[part] -= t->mark.first.part[part];
	o = span_json(ns, &between);
	json_object_del(o, "max_ns");
	json_object_set_new(o, "guest_counts_ns", number(t->mark.last_ns - t->mark.first_ns));
	return o;
}

static json_t *task_json(const struct kvs_guest *g, const struct kvs_guest_task *t,
			 const struct kvs_scale *ns)
{
	char policy[KVS_GUEST_POLICY_LEN];

	return json_pack("{so si so ss so so so so so so so so}",
			 "comm", kvs_bytes_json(t->comm), "pid", (int)t->pid,
			 "idle_of_cpu", t->cpu >= 0 ? json_integer(t->cpu) : json_null(),
			 "policy", kvs_guest_policy(policy, t),
			 "prio", t->seen ? json_integer(t->prio) : json_null(),
			 "slices", span_json(ns, &t->slices),
			 "cut_slices", number(t->cut_slices), "cuts", number(t->cuts),
			 "waits", span_json(ns, &t->waits), "woken", number(t->woken),
			 "quanta", quanta_json(g, t, ns), "marked", counted_json(t, ns));
}

static json_t *stolen_json(const struct kvs_guest *g, unsigned int cpu, const struct kvs_scale *ns)
{
	const struct kvs_guest_stolen stolen = kvs_guest_stolen(g, cpu);
	json_t *o = json_pack("{so so so}", "waits", number(stolen.waits),
			      "sum_ns", number(kvs_scale(ns, stolen.sum)), "throttled_ns",
			      number_if(g->throttling, kvs_scale(ns, stolen.throttled)));
	char key[32];

	for (unsigned int how = 0; how < KVS_STEALS; how++) {
		snprintf(key, sizeof(key), "%s_ns", kvs_steal_name(how));
		json_object_set_new(o, key, number(kvs_scale(ns, stolen.by[how])));
	}
	return o;
}

static json_t *cpu_json(const struct kvs_guest *g, unsigned int i, const struct kvs_scale *ns)
{
	const struct kvs_guest_cpu *cpu = &g->cpus[i];
	const struct kvs_host_vcpu *v = g->lines[i].vcpu;

	return json_pack("{si so so so so so so so so so so}", "cpu", (int)i,
			 "vcpu", v ? json_integer(v->id) : json_null(),
			 "time_ns", number(kvs_scale(ns, cpu->last - cpu->first)),
			 "switches", number(cpu->switches),
			 "led_to_exit", number(cpu->switched_exits),
			 "cr3_exits", number(cpu->cr3),
			 "cr3_switches", number_if(g->flushes, cpu->cr3_switches),
			 "cr3_flushes", number_if(g->flushes, cpu->cr3_flushes),
			 "cr3_unpaired", number_if(g->flushes, kvs_guest_unpaired(cpu)),
			 "gaps", number(cpu->lost), "stolen", stolen_json(g, i, ns));
}

static json_t *guest_json(const struct kvs_guest_set *all, const struct kvs_guest *g)
{
	const struct kvs_host_vcpu *v = kvs_joined_vcpu(&g->joined);
	json_t *cpus = json_array(), *tasks = json_array();
	u32 *order = kvs_guest_order(g);

	for (unsigned int i = 0; i < g->joined.side.parts->cpus; i++)
		if (kvs_guest_has_cpu(g, i))
			json_array_append_new(cpus, cpu_json(g, i, &all->host.ns));
	for (size_t i = 0; i < g->nr_tasks; i++)
		if (kvs_guest_span_any(&g->tasks[order[i]].slices) ||
		    kvs_guest_span_any(&g->tasks[order[i]].waits))
			json_array_append_new(tasks, task_json(g, &g->tasks[order[i]],
							       &all->host.ns));
	free(order);
	return json_pack("{so so si si so so so so so so so}",
			 "recording", kvs_bytes_json(g->joined.side.path),
			 "vm_name", v->vm_name ? kvs_bytes_json(v->vm_name) : json_null(),
			 "pid", (int)v->tgid, "vm_index", (int)v->vm_index,
			 "rr_ms", number_if(g->rr_ms, g->rr_ms),
			 "hz", number_if(g->hz, g->hz),
			 "steal_left_out", g->hz ? json_boolean(g->steal_left_out) : json_null(),
			 "wakeups_recorded", json_boolean(g->wakings),
			 "tlb_flush_recorded", json_boolean(g->flushes),
			 "cpus", cpus, "tasks", tasks);
}

static json_t *excerpt_json(const struct kvs_guest_set *g)
{
	if (!g->excerpt.on)
		return json_null();
	return json_pack("{so so}", "from_ns", number(g->from_ns),
			 "to_ns", number_if(g->to_ns, g->to_ns));
}

bool kvs_guest_set_json(const struct kvs_guest_set *g)
{
	json_t *guests = json_array(), *o;
	int failed;

	for (size_t i = 0; i < g->nr; i++)
		json_array_append_new(guests, guest_json(g, &g->guests[i]));
	o = json_pack("{so so so}", "recording", kvs_bytes_json(g->host_path),
		      "excerpt", excerpt_json(g), "guests", guests);
	failed = json_dumpf(o, stdout, JSON_INDENT(1)) || putchar('\n') == EOF;
	json_decref(o);
	return !failed;
}
