// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas of cgroups: how long each was throttled over all CPUs, and what of that its vCPUs
 * waited, as a table and as JSON.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "report/common.h"
#include "report/json-number.h"
#include "report/quotas.h"

/* Cgroups above a vCPU that have no quota are of no interest. */
static bool is_shown(const struct kvs_cgroup *c)
{
	return kvs_cgroup_limited(c) || c->count || c->open;
}

/* What the selected vCPUs waited for its quota */
static kvs_u128 part_of(const struct kvs_view *view, const struct kvs_cgroup *c)
{
	const struct kvs_model *m = view->model;
	kvs_u128 sum = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct kvs_waiter *w = &m->vcpus[i]->waiter;

		if (!kvs_selected(&view->select, m->vcpus[i]))
			continue;
		for (unsigned int j = 0; j < w->nr; j++)
			if (w->thieves[j].who.kind == KVS_THIEF_QUOTA &&
			    w->thieves[j].who.cgroup == c)
				sum += w->thieves[j].time;
	}
	return sum;
}

static void row_cgroup(struct kvs_rows *rows, const struct kvs_view *view,
		       const struct kvs_cgroup *c)
{
	const struct kvs_scale *ts = &view->times.ts;
	bool counted = c->stats > 1;

	kvs_row(rows);
	if (*c->name)
		kvs_cell(rows, "%s", c->name);
	else
		kvs_cell(rows, "%" PRIu64, c->id);
	if (!c->limit_told)
		kvs_cell(rows, "?");
	else if (c->quota_us < 0)
		kvs_cell(rows, "max %" PRIu64, c->period_us);
	else
		kvs_cell(rows, "%" PRId64 " %" PRIu64, c->quota_us, c->period_us);
	kvs_cell_count(rows, c->count);
	kvs_cell_us(rows, ts->known, kvs_scale_sum(ts, c->throttled_ts));
	kvs_cell_us(rows, ts->known, kvs_scale_sum(ts, part_of(view, c)));
	kvs_cell_us(rows, ts->known && counted,
		    kvs_scale_sum(ts, c->last.told_ts - c->first.told_ts));
	kvs_cell_us(rows, counted, 1000 * (c->last.throttled_us - c->first.throttled_us));
}

/* Throttling that was on before it could be seen */
static void note_open_ends(const struct kvs_view *view, u64 count, kvs_u128 open_ts)
{
	const struct kvs_scale *ts = &view->times.ts;

	if (!count)
		return;
	if (ts->known && open_ts)
		kvs_say(2, "Throttling that began before the recording, or unseen, is in no sum, and ended %" PRIu64 " times: for %.3f ms, at least, it is known",
			count, kvs_scale_sum(ts, open_ts) / 1e6);
	else
		kvs_say(2, "Throttling that began before the recording, or unseen, is in no sum, and ended %" PRIu64 " times",
			count);
}

void kvs_print_quotas(const struct kvs_view *view)
{
	const struct kvs_quotas *q = &view->model->quotas;
	kvs_u128 open_ts = 0;
	struct kvs_rows rows;
	bool any = false;
	u64 open = 0;

	for (unsigned int i = 0; i < q->nr; i++)
		any |= is_shown(q->cgroups[i]);
	if (!any)
		return;
	kvs_title(view, "Quotas: cgroups that were throttled, over all CPUs");
	rows = kvs_rows_begin(KVS_HEADINGS("<Cgroup", "<cpu.max", "Times", "Throttled µs",
				       "vCPUs waited µs", "|Compared µs", "cpu.stat µs"));
	for (unsigned int i = 0; i < q->nr; i++) {
		if (!is_shown(q->cgroups[i]))
			continue;
		row_cgroup(&rows, view, q->cgroups[i]);
		open += q->cgroups[i]->open;
		open_ts += q->cgroups[i]->open_ts;
	}
	kvs_rows_end(&rows);
	kvs_say(2, "Compared: of Throttled, what ended between the first and the last look at cpu.stat. Newer kernels count there only while a task of the cgroup is kept from that CPU");
	note_open_ends(view, open, open_ts);
}

static json_t *stat_of(const struct kvs_view *view, const struct kvs_cgroup *c)
{
	const struct kvs_scale *ts = &view->times.ts;

	if (c->stats < 2)
		return json_null();
	return json_pack("{sI sI so sI}",
		"throttled_us", clamp(c->last.throttled_us - c->first.throttled_us),
		"nr_throttled", clamp(c->last.throttled - c->first.throttled),
		"compared_ns", number_if(ts->known, kvs_scale_sum(ts, c->last.told_ts -
								      c->first.told_ts)),
		"ends_only", clamp(c->last.open - c->first.open));
}

json_t *kvs_json_quotas(const struct kvs_view *view)
{
	const struct kvs_quotas *q = &view->model->quotas;
	const struct kvs_scale *ts = &view->times.ts;
	json_t *a = json_array();

	for (unsigned int i = 0; i < q->nr; i++) {
		const struct kvs_cgroup *c = q->cgroups[i];

		if (!is_shown(c))
			continue;
		json_array_append_new(a, json_pack("{sI so so so sI so so sI so so}",
			"id", clamp(c->id),
			"name", *c->name ? kvs_bytes_json(c->name) : json_null(),
			"quota_us", number_if(kvs_cgroup_limited(c), c->quota_us),
			"period_us", number_if(c->limit_told, c->period_us),
			"count", clamp(c->count),
			"throttled_ns", number_if(ts->known, kvs_scale_sum(ts, c->throttled_ts)),
			"vcpus_waited_ns", number_if(ts->known,
						     kvs_scale_sum(ts, part_of(view, c))),
			"ends_only", clamp(c->open),
			"ends_only_ns", number_if(ts->known, kvs_scale_sum(ts, c->open_ts)),
			"cpu_stat", stat_of(view, c)));
	}
	return a;
}
