// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JSON within a page.  All times are ns since the recording began.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "model/moment.h"
#include "model/names.h"
#include "picture/kept.h"
#include "picture/page-json.h"
#include "picture/paint.h"
#include "picture/plots.h"

static void add_text(json_t *a, char *text)
{
	json_array_append_new(a, kvs_bytes_json(text));
	free(text);
}

static json_t *paint_of(const struct kvs_paint *paint, unsigned int nr)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < nr; i++)
		json_array_append_new(a, json_pack("{ss ss ss ss ss?}", "name", paint[i].name,
			"words", paint[i].words, "light", paint[i].light,
			"dark", paint[i].dark, "lines", paint[i].lines));
	return a;
}

/* The vCPU of a lane, in the reading of the bars */
static const struct kvs_vcpu *vcpu_of(const struct kvs_page *page, unsigned int lane)
{
	const struct kvs_model *m = page->model;

	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (m->vcpus[i]->index == page->collect->lanes.vcpus[lane].index)
			return m->vcpus[i];
	return NULL;
}

static json_t *vcpus_of(const struct kvs_page *page)
{
	const struct kvs_collect *c = page->collect;
	json_t *a = json_array();

	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++) {
		const struct kvs_vcpu_lane *lane = &c->vcpus[i];
		const struct kvs_vcpu *v = vcpu_of(page, i);
		char name[KVS_VM_LEN];

		json_array_append_new(a, json_pack("{so si si sI sI sI}",
			"vm", kvs_bytes_json(kvs_vm_name(name, v)), "vcpu", v->id,
			"index", v->index,
			"bars", (json_int_t)lane->states.bars.nr,
			"polls", (json_int_t)lane->polls.nr,
			"pieces", (json_int_t)lane->pieces.nr));
	}
	return a;
}

static json_t *cpus_of(const struct kvs_page *page)
{
	const struct kvs_collect *c = page->collect;
	json_t *a = json_array();

	for (unsigned int i = 0; i < c->lanes.nr_cpus; i++)
		json_array_append_new(a, json_pack("{si sI}", "cpu", c->lanes.cpus[i],
			"bars", (json_int_t)c->cpus[i].bars.nr));
	return a;
}

/* A lane that stands below another one */
static void add_below(json_t *a, unsigned int lane, const struct kvs_lane *below)
{
	json_array_append_new(a, json_pack("{si sI}", "lane", lane,
					   "bars", (json_int_t)below->bars.nr));
}

static json_t *timers_of(const struct kvs_collect *c)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++)
		if (c->lanes.vcpus[i].timer)
			add_below(a, i, &c->timers[i]);
	return a;
}

static json_t *irqs_of(const struct kvs_collect *c)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++)
		if (c->lanes.vcpus[i].irqs)
			add_below(a, i, &c->irqs[i]);
	return a;
}

static json_t *hosts_of(const struct kvs_collect *c)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < c->lanes.nr_cpus; i++)
		if (kvs_collect_has_host(c, i))
			add_below(a, i, &c->hosts[i]);
	return a;
}

/* What interrupts and softirqs of the host are called */
static json_t *host_names_of(const struct kvs_collect *c)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < c->host_irqs.nr; i++) {
		const struct kvs_host_irq_stats *irq = &c->host_irqs.irqs[i];
		char *words = irq->irq >= 0 ? xasprintf("%s, IRQ %d", irq->name, irq->irq) :
			irq->vector ? xasprintf("%s, vector %#x", irq->name, irq->vector) :
			xstrdup(irq->name);

		add_text(a, words);
	}
	return a;
}

static json_t *tasks_of(const struct kvs_collect *c)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < c->lanes.nr_tasks; i++)
		json_array_append_new(a, json_pack("{so si sI}",
			"comm", kvs_bytes_json(c->lanes.tasks[i].comm),
			"pid", c->lanes.tasks[i].pid,
			"bars", (json_int_t)c->tasks[i].bars.nr));
	return a;
}

static json_t *guests_of(const struct kvs_collect *c)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < c->lanes.nr_guests; i++)
		json_array_append_new(a, json_pack("{so so si sI}",
			"vm", kvs_bytes_json(c->lanes.guests[i].vm),
			"comm", kvs_bytes_json(c->lanes.guests[i].comm),
			"pid", c->lanes.guests[i].pid,
			"bars", (json_int_t)c->guests[i].bars.nr));
	return a;
}

static json_t *windows_of(const struct kvs_collect *c)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < c->windows.nr; i++)
		json_array_append_new(a, json_pack("[II]",
			(json_int_t)c->windows.windows[i].from,
			(json_int_t)c->windows.windows[i].to));
	return a;
}

static json_t *moment_of(const struct kvs_page *page, const struct kvs_moment *moment)
{
	const struct kvs_view *view = page->view;
	const struct kvs_collect *c = page->collect;
	char *text = kvs_moment_sentence(view->model, &view->times, moment);
	json_t *o = json_pack("{ss so si sI sI sI si}", "kind", kvs_moment_kind_name(moment->kind),
		"sentence", kvs_bytes_json(text),
		"lane", kvs_lanes_vcpu(&c->lanes, moment->vcpu),
		"ns", (json_int_t)kvs_scale(&view->times.ts, moment->length),
		"begin_ns", (json_int_t)kvs_ns_from(c->times, c->start, moment->begin),
		"end_ns", (json_int_t)kvs_ns_from(c->times, c->start, moment->end),
		"cpu", moment->cpu);

	free(text);
	return o;
}

static json_t *moments_of(const struct kvs_page *page)
{
	const struct kvs_moment *moments[KVS_PAGE_MOMENTS];
	unsigned int nr = kvs_page_moments(page->view, moments);
	json_t *a = json_array();

	for (unsigned int i = 0; i < nr; i++)
		json_array_append_new(a, moment_of(page, moments[i]));
	return a;
}

/* When records were lost, [cpu, from, to, how many or null, times, last] */
static json_t *losses_of(const struct kvs_page *page)
{
	const struct kvs_collect *c = page->collect;
	json_t *a = json_array();

	for (unsigned int i = 0; i < page->losses->nr; i++) {
		const struct kvs_loss *loss = &page->losses->list[i];

		json_array_append_new(a, json_pack("[iIIoib]", loss->cpu,
			(json_int_t)kvs_ns_from(c->times, c->start, loss->from),
			(json_int_t)kvs_ns_from(c->times, c->start, loss->to),
			loss->records < 0 ? json_null() : json_integer(loss->records),
			loss->times, loss->last));
	}
	return a;
}

/* What a reader has to know before he believes the pictures */
static json_t *notes_of(const struct kvs_page *page)
{
	const struct kvs_model *m = page->model;
	json_t *a = json_array();

	if (!kvs_model_has_class(m, KVMSCHED_CLASS_EXIT))
		json_array_append_new(a, json_string("What a vCPU does within KVM_RUN is unknown while it is on a CPU: class exit was not recorded."));
	if (!kvs_model_has_class(m, KVMSCHED_CLASS_SWITCH))
		json_array_append_new(a, json_string("What a vCPU does out of guest mode is unknown: class switch was not recorded."));
	if (!kvs_model_has_class(m, KVMSCHED_CLASS_TIMER))
		json_array_append_new(a, json_string("No timers are drawn: class timer was not recorded."));
	if (!kvs_model_has_class(m, KVMSCHED_CLASS_IRQ))
		json_array_append_new(a, json_string("No interrupts of guests are drawn: class irq was not recorded."));
	if (!kvs_model_has_class(m, KVMSCHED_CLASS_HOST))
		json_array_append_new(a, json_string("CPUs: nothing is drawn where another task ran, or none, and no task has a lane: class host was not recorded."));
	if (!kvs_model_has_class(m, KVMSCHED_CLASS_STEAL))
		json_array_append_new(a, json_string("Who had the CPU during a wait is known only as far as its first holder: class steal was not recorded."));
	if (kvs_model_vcpus_missing(m))
		json_array_append_new(a, json_string("There were more vCPUs than kvmsched had room for: what they did is not in the page, and nobody knows when they ran."));
	for (unsigned int i = 0; i < m->nr_missed; i++)
		add_text(a, xasprintf("The kernel dropped %" PRIu64 " hits of %s, nobody knows when: what they would have told is missing, and is not hatched.",
			m->missed[i].count, m->missed[i].hook));
	if (page->hidden)
		add_text(a, xasprintf("%u vCPU%s not drawn, as there are more than %u: choose with --vm and --vcpu.",
			page->hidden, page->hidden == 1 ? " is" : "s are", KVS_LANES));
	if (page->collect->lanes.guests_left_out)
		add_text(a, xasprintf("More tasks of guests ran or waited than fit: %u are left out.",
			page->collect->lanes.guests_left_out));
	if (page->collect->lanes.cpus_left_out)
		add_text(a, xasprintf("More than %u CPUs were in use: the others are not drawn.",
			KVS_LANES));
	return a;
}

/* The options that chose the vCPUs, and guests' recordings */
static json_t *options_of(const struct kvs_page *page)
{
	const struct kvs_select *select = &page->view->select;
	const struct kvs_vm_id *vm = &select->vm;
	json_t *a = json_array();

	if (!kvs_vm_is_any(vm)) {
		add_text(a, xstrdup("--vm"));
		add_text(a, kvs_vm_id_text(vm));
	}
	if (select->vcpu >= 0) {
		add_text(a, xstrdup("--vcpu"));
		add_text(a, xasprintf("%ld", select->vcpu));
	}
	for (unsigned int i = 0; i < page->nr_guests; i++) {
		add_text(a, xstrdup("--guest"));
		add_text(a, xstrdup(page->guests[i]));
	}
	return a;
}

static void add_recording(json_t *o, const struct kvs_page *page)
{
	const struct kvs_view *view = page->view;
	const struct kvs_collect *c = page->collect;
	u64 lost;
	bool exact = kvs_model_lost(page->model, &lost);

	json_object_set_new(o, "file", kvs_bytes_json(view->path));
	json_object_set_new(o, "command", kvs_bytes_json(page->command));
	json_object_set_new(o, "select", options_of(page));
	json_object_set_new(o, "records", json_integer(kvs_model_records(page->model)));
	json_object_set_new(o, "lost", exact || lost ? json_integer(lost) : json_null());
	json_object_set_new(o, "lost_is_exact", json_boolean(exact));
	json_object_set_new(o, "length_ns", json_integer(kvs_ns_from(c->times, c->start,
		c->start + kvs_model_duration_ts(page->model))));
	json_object_set_new(o, "excerpt", json_boolean(view->model->counting.excerpt.on));
}

json_t *kvs_page_json(const struct kvs_page *page)
{
	const struct kvs_collect *c = page->collect;
	json_t *o = json_object();
	unsigned int left_out;

	add_recording(o, page);
	json_object_set_new(o, "frame", json_pack("{sI sI sI si}",
		"from", (json_int_t)c->frame.from, "to", (json_int_t)c->frame.to,
		"width", (json_int_t)c->frame.width, "nr", c->frame.nr));
	json_object_set_new(o, "whole", json_boolean(c->whole));
	json_object_set_new(o, "spans", json_integer(c->spans));
	json_object_set_new(o, "all_spans", json_integer(c->all_spans));
	json_object_set_new(o, "windows", windows_of(c));
	json_object_set_new(o, "states", paint_of(kvs_state_paint, KVMSCHED_NR_STATES));
	json_object_set_new(o, "runs", paint_of(kvs_runs_paint, KVS_RUNS_KINDS));
	json_object_set_new(o, "timer_kinds", paint_of(kvs_timer_paint, KVS_TIMER_KINDS));
	json_object_set_new(o, "irq_kinds", paint_of(kvs_irq_paint, KVS_IRQ_KINDS));
	json_object_set_new(o, "host_kinds", paint_of(kvs_host_paint, KVS_HOST_SERVES_KINDS));
	json_object_set_new(o, "task_kinds", paint_of(kvs_task_paint, KVS_TASK_KINDS));
	json_object_set_new(o, "guest_kinds",
			    paint_of(kvs_guest_task_paint, KVS_GUEST_TASK_KINDS));
	json_object_set_new(o, "vcpus", vcpus_of(page));
	json_object_set_new(o, "timers", timers_of(c));
	json_object_set_new(o, "irqs", irqs_of(c));
	json_object_set_new(o, "hosts", hosts_of(c));
	json_object_set_new(o, "host_names", host_names_of(c));
	json_object_set_new(o, "tasks", tasks_of(c));
	json_object_set_new(o, "guests", guests_of(c));
	json_object_set_new(o, "cpus", cpus_of(page));
	json_object_set_new(o, "whos", kvs_whos_json(&c->whos, page->model));
	json_object_set_new(o, "reasons", kvs_reasons_json(&c->reasons));
	json_object_set_new(o, "moments", moments_of(page));
	json_object_set_new(o, "report", kvs_kept_report(page->view));
	json_object_set_new(o, "spreads", kvs_plots_spreads(page->view, &left_out));
	json_object_set_new(o, "spreads_left_out", json_integer(left_out));
	json_object_set_new(o, "thieves", kvs_plots_thieves(page->view));
	json_object_set_new(o, "losses", losses_of(page));
	json_object_set_new(o, "notes", notes_of(page));
	return o;
}

/* Which kinds of bins follow, in order */
static json_t *kinds_of(const struct kvs_bins *bins)
{
	json_t *a = json_array();

	for (unsigned int kind = 0; kind < KVS_BIN_KINDS; kind++)
		if (bins->ns[kind])
			json_array_append_new(a, json_integer(kind));
	return a;
}

json_t *kvs_page_json_bins(struct kvs_collect *c)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);
	json_t *a = json_array();

	for (unsigned int i = 0; i < nr; i++)
		json_array_append_new(a, json_pack("{so si si si}",
			"kinds", kinds_of(&lanes[i]->bins), "rest", lanes[i]->rest,
			"bytes", kvs_bins_bytes(&lanes[i]->bins),
			"halved", lanes[i]->bins.halved));
	return a;
}
