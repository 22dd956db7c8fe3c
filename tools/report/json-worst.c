// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the worst moments as one JSON object.  Times are ns since the recording began.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "uapi/kvmsched.h"
#include "base/bytes.h"
#include "model/moment.h"
#include "model/names.h"
#include "report/idle.h"
#include "report/json-task.h"
#include "report/report.h"

/* What a pending timer was set to may lie before the recording. */
static json_t *json_time(const struct kvs_view *view, u64 ts)
{
	return ts ? json_integer(kvs_ns_from(&view->times, kvs_model_start_ts(view->model), ts)) : json_null();
}

static json_t *thief_of(const struct kvs_view *view, const struct kvs_moment *moment,
			const struct kvs_holder *who, u64 ns)
{
	return json_pack("{so* ss si si si sI so}", "who",
			 kvs_bytes_json(kvs_thief_name(who)),
			 "kind", kvs_thief_kind_name(who->kind), "pid", who->pid,
			 "prio", who->prio, "cpu", who->cpu,
			 "ns", (json_int_t)ns,
			 "task", kvs_json_task(view, moment->vcpu, who));
}

/* The largest parts of its waits, and what is beside them: they sum to the whole. */
static json_t *thieves_of(const struct kvs_view *view, const struct kvs_moment *moment)
{
	const struct kvs_shares *shares = &moment->shares;
	const struct kvs_scale *ts = &view->times.ts;
	u64 all = kvs_scale(ts, shares->all), sum = 0, before = 0, upto;
	json_t *a;

	if (!shares->all)
		return json_null();
	a = json_array();
	for (unsigned int i = 0; i < shares->nr; i++, before = upto) {
		sum += shares->top[i].time;
		upto = kvs_scale(ts, sum);
		json_array_append_new(a, thief_of(view, moment, &shares->top[i].who,
						  upto - before));
	}
	return json_pack("{sI so sI}", "waited_ns", (json_int_t)all, "largest", a,
			 "others_ns", (json_int_t)(all - before));
}

/* They sum to the moment's length. */
static json_t *causes_of(const struct kvs_view *view, const struct kvs_moment *moment)
{
	const struct kvs_scale *ts = &view->times.ts;
	json_t *o = json_object();
	u64 sum = 0, before;

	for (unsigned int i = 0; i < KVS_CAUSES; i++) {
		if (!moment->spent[i])
			continue;
		before = kvs_scale(ts, sum);
		sum += moment->spent[i];
		json_object_set_new(o, kvs_cause_name(i),
				    json_integer(kvs_scale(ts, sum) - before));
	}
	return o;
}

static json_t *moment_of(const struct kvs_view *view, const struct kvs_moment *moment)
{
	const struct kvs_vcpu *v = moment->vcpu;
	char *text = kvs_moment_sentence(view->model, &view->times, moment), name[KVS_NAME_LEN];
	bool exit = moment->kind == KVS_MOMENT_EXIT;
	bool irq = moment->kind == KVS_MOMENT_IRQ || moment->kind == KVS_MOMENT_TIMER;
	json_t *o = json_pack("{ss so so so so si si sI so so so so so so so so so si so so so}",
		"kind", kvs_moment_kind_name(moment->kind), "sentence", kvs_bytes_json(text),
		"vm", v->identified ? json_integer(v->tgid) : json_null(),
		"vm_index", v->identified ? json_integer(v->vm_index) : json_null(),
		"vm_name", kvs_json_vm_name(v),
		"vcpu", v->id, "tid", v->tid,
		"ns", (json_int_t)kvs_scale(&view->times.ts, moment->length),
		"begin_ns", json_time(view, moment->begin),
		"expired_ns", json_time(view, moment->expired),
		"accepted_ns", json_time(view, moment->accepted),
		"end_ns", json_time(view, moment->end),
		"cause", irq ? json_string(kvs_cause_name(kvs_cause_main(moment->spent))) : json_null(),
		"causes_ns", causes_of(view, moment),
		"thief", moment->thief_time ?
			thief_of(view, moment, &moment->thief,
				 kvs_scale(&view->times.ts, moment->thief_time)) : json_null(),
		"thieves", thieves_of(view, moment),
		"idle_allowed", kvs_json_idle_wait(view, &moment->idle),
		"cpu", moment->cpu,
		"vector", irq ? json_integer(moment->vector) : json_null(),
		"reason", exit ? json_string(kvs_exit_reason(name, moment->isa, moment->reason)) :
				 json_null(),
		"l2", exit ? json_boolean(moment->l2) : json_null());

	free(text);
	return o;
}

static json_t *group_of(const struct kvs_view *view, const struct kvs_group *g)
{
	return json_pack("{ss so sI sI so so so}",
		"kind", kvs_moment_kind_name(g->worst.kind),
		"others", json_boolean(g->others), "count", (json_int_t)g->count,
		"sum_ns", (json_int_t)kvs_scale(&view->times.ts, g->sum),
		"first_ns", json_time(view, g->first), "last_ns", json_time(view, g->last),
		"worst", moment_of(view, &g->worst));
}

static json_t *groups_of(const struct kvs_view *view)
{
	unsigned int nr;
	struct kvs_group *groups = kvs_view_groups(view, &nr);
	json_t *a = json_array();

	for (unsigned int i = 0; i < nr && i < view->worst->room; i++)
		json_array_append_new(a, group_of(view, &groups[i]));
	free(groups);
	return a;
}

bool kvs_print_json_worst(const struct kvs_view *view)
{
	const struct kvs_worst *w = view->worst;
	json_t *o, *a = json_array();
	int failed;

	for (unsigned int i = 0; i < w->count; i++)
		if (kvs_selected(&view->select, w->heap[i].vcpu))
			json_array_append_new(a, moment_of(view, &w->heap[i]));
	o = json_pack("{so so}", "worst", a, "alike", groups_of(view));
	failed = json_dumpf(o, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(o);
	return !failed;
}
