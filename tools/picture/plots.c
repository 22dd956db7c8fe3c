// SPDX-License-Identifier: GPL-2.0-only
/*
 * Distributions in bins, and the sums of thieves, as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "model/names.h"
#include "picture/plots.h"

#define MAX_THIEVES	1000	/* rows; the later ones of a vCPU had less time */

static void add_bin(void *ctx, uint64_t low, uint64_t high, uint64_t count)
{
	json_array_append_new(ctx, json_pack("[III]", (json_int_t)low, (json_int_t)high,
					     (json_int_t)count));
}

/* Nothing, where there is no value or no length in ns is known */
static void add_spread(json_t *a, const char *group, const char *name,
		       const struct kvs_hist *h, u64 early, const struct kvs_scale *scale)
{
	struct kvs_hist ns = { 0 };
	json_t *bins;

	if (!scale->known || !(h->count + early))
		return;
	kvs_hist_merge_scaled(&ns, h, scale);
	bins = json_array();
	kvs_hist_bins(&ns, add_bin, bins);
	json_array_append_new(a, json_pack("{ss ss sI sI sI sI so}", "group", group, "name", name,
		"count", (json_int_t)(h->count + early), "early", (json_int_t)early,
		"total_ns", (json_int_t)ns.sum, "max_ns", (json_int_t)ns.max, "bins", bins));
	kvs_hist_free(&ns);
}

static void add_signed(json_t *a, const char *group, const char *name,
		       const struct kvs_shist *h, const struct kvs_scale *scale)
{
	add_spread(a, group, name, &h->above, h->below.count, scale);
}

static void add_exits(json_t *a, const struct kvs_view *view)
{
	for (unsigned int i = 0; i < view->total->nr_exits; i++) {
		const struct kvs_exit_stats *e = &view->total->exits[i];
		char name[KVS_EXIT_NAME_LEN];
		struct kvs_hist host;

		kvs_exit_host(e, &host);
		add_spread(a, "exits",
			   kvs_exit_name(name, e->isa, e->reason, e->l2, e->fastpath), &host, 0,
			   &view->times.cycles);
		kvs_hist_free(&host);
	}
}

static void add_interrupts(json_t *a, const struct kvs_view *view)
{
	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		const struct kvs_vector_stats *s = view->total->vector[i];
		char name[64];

		if (!s)
			continue;
		snprintf(name, sizeof(name), "vector %#x, accepted to injected", i);
		add_spread(a, "interrupts", name, &s->accept_to_inject_ts, 0, &view->times.ts);
		snprintf(name, sizeof(name), "vector %#x, injected to EOI", i);
		add_spread(a, "interrupts", name, &s->inject_to_eoi_ts, 0, &view->times.ts);
	}
}

/* A distribution that wants its place in the page */
struct candidate {
	size_t index, size;
	json_int_t weight;
};

/* A guest has any number of reasons and vectors; of the others there are few. */
static json_int_t weight_of(const json_t *spread)
{
	const char *group = json_string_value(json_object_get(spread, "group"));

	if (strcmp(group, "exits") && strcmp(group, "interrupts"))
		return INT64_MAX;
	return json_integer_value(json_object_get(spread, "total_ns"));
}

static int weight_order(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

static int index_order(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return a->index < b->index ? -1 : a->index > b->index;
}

/* Those of @all that fit, in their order; @all is given up. */
static json_t *keep_heaviest(json_t *all, unsigned int *left_out)
{
	size_t nr = json_array_size(all), kept = 0, size = 0;
	struct candidate *list = xcalloc(nr + 1, sizeof(*list));
	json_t *a = json_array();

	for (size_t i = 0; i < nr; i++) {
		const json_t *spread = json_array_get(all, i);

		list[i] = (struct candidate){
			.index = i, .size = json_dumpb(spread, NULL, 0, JSON_COMPACT) + 1,
			.weight = weight_of(spread),
		};
	}
	qsort(list, nr, sizeof(*list), weight_order);
	while (kept < nr && size + list[kept].size < KVS_SPREADS_SIZE)
		size += list[kept++].size;
	qsort(list, kept, sizeof(*list), index_order);
	for (size_t i = 0; i < kept; i++)
		json_array_append(a, json_array_get(all, list[i].index));
	*left_out = nr - kept;
	free(list);
	json_decref(all);
	return a;
}

json_t *kvs_plots_spreads(const struct kvs_view *view, unsigned int *left_out)
{
	const struct kvs_switch_stats *sw = &view->total->sw;
	const struct kvs_timer_stats *t = &view->total->timer;
	const struct kvs_times *times = &view->times;
	json_t *a = json_array();

	add_exits(a, view);
	add_spread(a, "waits", "after a preemption", &sw->preempted_wait_cycles, 0, &times->cycles);
	add_spread(a, "waits", "after a wakeup", &sw->woken_wait_ns, 0, &times->ns);
	add_spread(a, "slices", "all", &sw->slice_cycles, 0, &times->cycles);
	add_spread(a, "slices", "ended by a preemption", &sw->full_slice_cycles, 0,
		   &times->cycles);
	add_signed(a, "timers", "deadline to expiry", &t->late_cycles, &times->cycles);
	add_spread(a, "timers", "expiry to accept", &t->expire_to_accept_ts, 0, &times->ts);
	add_spread(a, "timers", "accept to injection", &t->accept_to_inject_ts, 0, &times->ts);
	add_spread(a, "timers", "injection to entry", &t->inject_to_entry_ts, 0, &times->ts);
	add_signed(a, "timers", "deadline to injection", &t->deadline_to_inject_ts, &times->ts);
	add_interrupts(a, view);
	return keep_heaviest(a, left_out);
}

static void add_thieves(json_t *a, const struct kvs_view *view, const struct kvs_vcpu *v)
{
	const struct kvs_waiter *w = &v->waiter;

	for (unsigned int i = 0; i < w->nr && json_array_size(a) < MAX_THIEVES; i++) {
		const struct kvs_thief *t = &w->thieves[i];

		json_array_append_new(a, json_pack("{si so so sI}", "vcpu", v->index,
			"who", kvs_bytes_json(kvs_thief_name(&t->who)),
			"pid", kvs_thief_is_task(&t->who) ? json_integer(t->who.pid) : json_null(),
			"ns", (json_int_t)kvs_scale(&view->times.ts, t->time)));
	}
}

json_t *kvs_plots_thieves(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	json_t *a = json_array();

	if (view->times.ts.known && kvs_model_has_class(m, KVMSCHED_CLASS_STEAL))
		for (unsigned int i = 0; i < m->nr_vcpus; i++)
			if (kvs_selected(&view->select, m->vcpus[i]))
				add_thieves(a, view, m->vcpus[i]);
	return a;
}
