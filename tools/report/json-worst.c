// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worst moments as one JSON object.  Times are ns since the recording began.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "uapi/kvmsched.h"
#include "report/print.h"
#include "model/names.h"

static json_t *at(const struct ks_view *view, u64 ts)
{
	const struct ks_model *m = view->model;
	u64 start = m->started ? m->start_ts : m->first_ts;

	if (!ts)
		return json_null();
	return json_integer(ts > start ? ks_scale(&view->times.ts, ts - start) : 0);
}

static json_t *thief_of(const struct ks_view *view, const struct ks_moment *moment)
{
	const struct ks_holder *who = &moment->thief;

	if (!moment->thief_time)
		return json_null();
	return json_pack("{ss* ss si si si sI}", "who", ks_thief_name(who),
			 "kind", ks_thief_kind_name(who->kind), "pid", who->pid,
			 "prio", who->prio, "cpu", who->cpu,
			 "ns", (json_int_t)ks_scale(&view->times.ts, moment->thief_time));
}

static json_t *causes_of(const struct ks_view *view, const struct ks_moment *moment)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < KS_CAUSES; i++)
		if (moment->spent[i])
			json_object_set_new(o, ks_cause_name(i),
				json_integer(ks_scale(&view->times.ts, moment->spent[i])));
	return o;
}

static json_t *moment_of(const struct ks_view *view, const struct ks_moment *moment)
{
	const struct ks_vcpu *v = moment->vcpu;
	char *text = ks_moment_sentence(view, moment), name[KS_NAME_LEN];
	bool exit = moment->kind == KS_MOMENT_EXIT;
	bool irq = moment->kind == KS_MOMENT_IRQ || moment->kind == KS_MOMENT_TIMER;
	json_t *o = json_pack("{ss ss* so so si si sI so so so so so so so si so so}",
		"kind", ks_moment_kind_name(moment->kind), "sentence", text,
		"vm", v->identified ? json_integer(v->tgid) : json_null(),
		"vm_index", v->identified ? json_integer(v->vm_index) : json_null(),
		"vcpu", v->id, "tid", v->tid,
		"ns", (json_int_t)ks_scale(&view->times.ts, moment->length),
		"begin_ns", at(view, moment->begin), "expired_ns", at(view, moment->expired),
		"accepted_ns", at(view, moment->accepted), "end_ns", at(view, moment->end),
		"cause", irq ? json_string(ks_cause_name(ks_cause_main(moment->spent))) : json_null(),
		"causes_ns", causes_of(view, moment), "thief", thief_of(view, moment),
		"cpu", moment->cpu,
		"vector", irq ? json_integer(moment->vector) : json_null(),
		"reason", exit ? json_string(ks_exit_reason(name, moment->isa, moment->reason)) :
				 json_null());

	free(text);
	return o;
}

bool ks_print_json_worst(const struct ks_view *view)
{
	const struct ks_worst *w = &view->model->worst;
	json_t *o, *a = json_array();
	int failed;

	for (unsigned int i = 0; i < w->count; i++)
		if (ks_selected(&view->select, w->heap[i].vcpu))
			json_array_append_new(a, moment_of(view, &w->heap[i]));
	o = json_pack("{so}", "worst", a);
	failed = json_dumpf(o, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(o);
	return !failed;
}
