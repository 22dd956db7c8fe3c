// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recording as a whole, as JSON: its session, its losses, its hooks, its file.
 */
#include <jansson.h>

#include "uapi/kvmsched.h"
#include "base/bytes.h"
#include "model/clock.h"
#include "model/moments.h"
#include "model/names.h"
#include "report/bpf-scheds.h"
#include "report/json-number.h"
#include "report/json-session.h"
#include "report/yields.h"

static json_t *attach_of(const struct kvs_model *m)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < m->nr_hooks; i++)
		json_array_append_new(a, json_pack("{so ss? si sI}",
			"hook", kvs_bytes_json(m->hooks[i].name),
			"how", kvs_hook_how(m->hooks[i].how),
			"status", m->hooks[i].status,
			"classes", (json_int_t)m->hooks[i].classes));
	return a;
}

static json_t *by_event(const u64 counts[KS_NR_EVENTS])
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < KS_NR_EVENTS; i++)
		json_object_set_new(o, kvs_event_name(i), number(counts[i]));
	return o;
}

static json_t *missed_of(const struct kvs_model *m)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < m->nr_missed; i++)
		json_array_append_new(a, json_pack("{so sI}",
			"hook", kvs_bytes_json(m->missed[i].hook),
			"count", clamp(m->missed[i].count)));
	return a;
}

static json_t *classes_of(const struct kvs_model *m)
{
	json_t *a = json_array();

	for (unsigned int bit = 0; kvs_class_name(bit); bit++)
		if (kvs_model_has_class(m, 1U << bit))
			json_array_append_new(a, json_string(kvs_class_name(bit)));
	return a;
}

static void add_file(json_t *o, const struct kvs_view *view)
{
	static const char *const sources[] = {
		[KVS_TSC_OPTION] = "TSC2NSEC", [KVS_TSC_SESSION] = "tsc_khz",
		[KVS_TSC_RECORDS] = "records",
	};
	const struct kvs_scale *cycles = &view->times.cycles;
	const struct kvs_trace_info *info = view->info;

	json_object_set_new(o, "version", number(info->version));
	json_object_set_new(o, "cpus", number(info->cpus));
	json_object_set_new(o, "tsc_khz", cycles->known && cycles->mult ?
			    json_real(1e6 * (double)(1ULL << cycles->shift) / cycles->mult) :
			    json_null());
	json_object_set_new(o, "tsc_source", cycles->known ?
			    json_string(sources[view->times.source]) : json_null());
	json_object_set_new(o, "truncated_bytes", number(info->absent));
	json_object_set_new(o, "bad_pages", number(info->bad_pages));
	json_object_set_new(o, "bad_records", number(info->bad_records));
	json_object_set_new(o, "unknown_records", number(info->unknown));
	json_object_set_new(o, "other_records", number(info->other));
}

static json_t *excerpt_of(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	const struct kvs_excerpt *e = &m->counting.excerpt;
	u64 end = kvs_model_end_ts(m);

	if (!e->on)
		return json_null();
	return json_pack("{so so so}",
		"from_ns", number(kvs_ns_since_begin(m, &view->times, e->from)),
		"to_ns", number(kvs_ns_since_begin(m, &view->times, e->to < end ? e->to : end)),
		"all_records", number(kvs_model_all_records(m)));
}

/* Only where the file tells the wall clock: older ones don't. */
static void add_begin(json_t *o, const struct kvs_view *view)
{
	u64 start = kvs_model_start_ts(view->model), boottime;
	struct kvs_clocks clocks;
	s64 wall;

	kvs_clocks_init(&clocks, view->info, &view->times);
	if (kvs_clocks_wall(&clocks, start, &wall) && kvs_clocks_boottime(&clocks, start, &boottime)) {
		json_object_set_new(o, "begin_realtime_ns", json_integer(wall));
		json_object_set_new(o, "begin_boottime_ns", number(boottime));
		json_object_set_new(o, "clock_was_set", json_boolean(clocks.nr_ties > 2));
	}
	kvs_clocks_free(&clocks);
}

static void add_session(json_t *o, const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	const struct kvs_scale *ts = &view->times.ts;
	u64 duration = kvs_model_duration_ts(m);
	u64 lost;
	bool exact = kvs_model_lost(m, &lost);

	json_object_set_new(o, "duration_ns", number_if(ts->known, kvs_scale_sum(ts, duration)));
	add_begin(o, view);
	json_object_set_new(o, "excerpt", excerpt_of(view));
	json_object_set_new(o, "records", number(kvs_model_records(m)));
	json_object_set_new(o, "lost", number_if(exact || lost, lost));
	/* Hits that the kernel dropped are counted, in "missed". */
	json_object_set_new(o, "lost_exact", json_boolean(exact && !kvs_model_vcpus_missing(m)));
	json_object_set_new(o, "records_by_event", by_event(m->records));
	json_object_set_new(o, "lost_by_event", m->has_closing ? by_event(m->lost_closing) : json_null());
	json_object_set_new(o, "overwritten", number(m->overwritten));
	json_object_set_new(o, "missed", missed_of(m));
	json_object_set_new(o, "refused", number(m->refused));
	json_object_set_new(o, "left_out", number(m->beyond));
	json_object_set_new(o, "attach", attach_of(m));
	json_object_set_new(o, "classes", classes_of(m));
	json_object_set_new(o, "session", m->started || m->stopped ?
		json_pack("{sb sb sb si}", "started", m->started, "stopped", m->stopped,
			  "overwrite", m->overwrite, "pages", m->pages) : json_null());
	json_object_set_new(o, "bpf_schedulers", kvs_json_bpf_scheds(view));
	json_object_set_new(o, "directed_yields", kvs_json_yields(view));
}

void kvs_json_session(json_t *o, const struct kvs_view *view)
{
	add_session(o, view);
	add_file(o, view);
}
