// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which BPF scheduler was loaded when, as text and as JSON.
 */
#include "base/bytes.h"
#include "base/lines.h"
#include "report/bpf-scheds.h"
#include "report/json-number.h"

static double seconds(const struct kvs_view *view, u64 ts)
{
	return kvs_seconds_since_begin(view->model, &view->times, ts);
}

static void print_stretch(const struct kvs_view *view, const char *label,
			  const struct kvs_bpf_stretch *s)
{
	struct kvs_lines lines = kvs_lines_begin(10);

	kvs_lines_add(&lines, "%-10s", label);
	if (s->loaded)
		kvs_lines_add(&lines, "BPF scheduler %s%s", s->name, s->all_threads ?
			      ", for all threads but real-time ones" :
			      ", for threads of SCHED_EXT alone");
	else
		kvs_lines_add(&lines, "no BPF scheduler");
	if (view->model->bpf_scheds.nr > 1 && view->times.ts.known)
		kvs_lines_add(&lines, ", seen from %.3f to %.3f s", seconds(view, s->first_ts),
			      seconds(view, s->last_ts));
	kvs_lines_end(&lines);
}

void kvs_print_bpf_scheds(const struct kvs_view *view)
{
	const struct kvs_bpf_scheds *s = &view->model->bpf_scheds;
	bool any = false;

	for (unsigned int i = 0; i < s->nr; i++)
		any |= s->list[i].loaded;
	for (unsigned int i = 0; any && i < s->nr; i++)
		print_stretch(view, i ? "" : "Scheduler", &s->list[i]);
}

static json_t *json_time(const struct kvs_view *view, u64 ts)
{
	return number_if(view->times.ts.known,
			 kvs_ns_since_begin(view->model, &view->times, ts));
}

json_t *kvs_json_bpf_scheds(const struct kvs_view *view)
{
	const struct kvs_bpf_scheds *s = &view->model->bpf_scheds;
	json_t *a = json_array();

	for (unsigned int i = 0; i < s->nr; i++) {
		const struct kvs_bpf_stretch *now = &s->list[i];

		json_array_append_new(a, json_pack("{so so so so so}",
			"name", now->loaded ? kvs_bytes_json(now->name) : json_null(),
			"all_threads", now->loaded ? json_boolean(now->all_threads) : json_null(),
			"loads", number(now->loads),
			"first_ns", json_time(view, now->first_ts),
			"last_ns", json_time(view, now->last_ts)));
	}
	return a;
}
