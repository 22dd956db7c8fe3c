// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worst moments.  What is alike is one row; with --each, every moment has a sentence,
 * the time of each step, and the causes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "uapi/kvmsched.h"
#include "base/bytes.h"
#include "model/clock.h"
#include "model/moment.h"
#include "model/names.h"
#include "report/common.h"
#include "report/report.h"

static double ms(const struct kvs_view *view, u64 ts)
{
	return kvs_us_of(&view->times.ts, ts) / 1e3;
}

static double seconds_at(const struct kvs_view *view, u64 ts)
{
	return kvs_ns_from(&view->times, kvs_model_start_ts(view->model), ts) / 1e9;
}

static void print_chain(const struct kvs_view *view, const struct kvs_moment *moment)
{
	static const char *const from[] = {
		[KVS_MOMENT_TIMER] = "due", [KVS_MOMENT_IRQ] = "accepted",
		[KVS_MOMENT_WAIT] = "runnable", [KVS_MOMENT_EXIT] = "exit",
	};
	static const char *const to[] = {
		[KVS_MOMENT_TIMER] = "injected", [KVS_MOMENT_IRQ] = "injected",
		[KVS_MOMENT_WAIT] = "on a CPU", [KVS_MOMENT_EXIT] = "told",
	};
	struct kvs_lines lines = kvs_lines_begin(5);
	u64 begin = moment->begin, sum = 0, us;

	kvs_lines_add(&lines, "     %s %.6f s", from[moment->kind], seconds_at(view, begin));
	if (moment->expired > begin)
		kvs_lines_add(&lines, ", expired +%.3f ms", ms(view, moment->expired - begin));
	if (moment->accepted > begin)
		kvs_lines_add(&lines, ", accepted +%.3f ms", ms(view, moment->accepted - begin));
	kvs_lines_add(&lines, ", %s +%.3f ms (CPU %u)", to[moment->kind],
		      ms(view, moment->end - begin), moment->cpu);
	kvs_lines_end(&lines);
	for (unsigned int i = 0; i < KVS_CAUSES; i++) {
		if (!moment->spent[i])
			continue;
		us = kvs_us_of(&view->times.ts, sum);
		sum += moment->spent[i];
		kvs_say(7, "       %-20s %10.3f ms", kvs_cause_name(i),
			(kvs_us_of(&view->times.ts, sum) - us) / 1e3);
	}
}

/* Returns whether they name who had a CPU that a vCPU waited for. */
static bool print_each(const struct kvs_view *view)
{
	const struct kvs_worst *w = view->worst;
	unsigned int shown = 0;
	bool named = false;

	kvs_title(view, "Worst moments; times are since the recording began");
	for (unsigned int i = 0; i < w->count; i++) {
		char *text;

		if (!kvs_selected(&view->select, w->heap[i].vcpu))
			continue;
		text = kvs_moment_sentence(view->model, &view->times, &w->heap[i]);
		kvs_say(5, "%3u. %s", ++shown, text);
		free(text);
		print_chain(view, &w->heap[i]);
		named |= w->heap[i].shares.all;
	}
	if (!shown)
		kvs_say(0, "none");
	return named;
}

static void print_group(const struct kvs_view *view, unsigned int number,
			const struct kvs_group *g)
{
	static const char *const one[] = {
		[KVS_MOMENT_TIMER] = "timer", [KVS_MOMENT_IRQ] = "interrupt",
		[KVS_MOMENT_WAIT] = "wait", [KVS_MOMENT_EXIT] = "exit",
	};
	char *text = kvs_moment_sentence(view->model, &view->times, &g->worst);
	struct kvs_lines lines = kvs_lines_begin(5);

	kvs_lines_add(&lines, "%3u. %" PRIu64 " %s%s%s, worst %.3f ms, sum %.3f ms", number,
		      g->count, g->others ? "other " : "", one[g->worst.kind],
		      g->count == 1 ? "" : "s", ms(view, g->worst.length), ms(view, g->sum));
	if (g->count > 1)
		kvs_lines_add(&lines, ", from %.6f s to %.6f s", seconds_at(view, g->first),
			      seconds_at(view, g->last));
	kvs_lines_end(&lines);
	kvs_say(5, "     %s", text);
	free(text);
}

/* Returns the same. */
static bool print_alike(const struct kvs_view *view)
{
	unsigned int nr, shown;
	bool named = false;
	struct kvs_group *groups = kvs_view_groups(view, &nr);

	kvs_title(view, "Worst moments, alike ones together; --each shows them one by one");
	for (shown = 0; shown < nr && shown < view->worst->room; shown++) {
		print_group(view, shown + 1, &groups[shown]);
		named |= groups[shown].worst.shares.all;
	}
	if (!nr)
		kvs_say(0, "none");
	else if (shown < nr)
		kvs_say(0, "and %u more kinds; `-n %u` shows them", nr - shown, nr);
	free(groups);
	return named;
}

static void print_worst(const struct kvs_view *view)
{
	if (view->each ? print_each(view) : print_alike(view))
		kvs_note_quotas(view);
}

const struct kvs_report kvs_report_worst = {
	.name = "worst", .what = "the worst moments, and how they came about",
	.text = print_worst, .json = kvs_print_json_worst, .moments = true,
};
