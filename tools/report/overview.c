// SPDX-License-Identifier: GPL-2.0-only
/*
 * The head of the report: the file, what was recorded, and what is missing from it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "model/clock.h"
#include "model/moments.h"
#include "model/names.h"
#include "report/bpf-scheds.h"
#include "report/common.h"
#include "report/report.h"

#define INDENT		10	/* of what stands beside the labels */

static void print_lost(const struct kvs_view *view)
{
	struct kvs_lines lines = kvs_lines_begin(INDENT);
	const struct kvs_model *m = view->model;
	u64 lost;
	bool exact = kvs_model_lost(m, &lost);

	if (!lost && exact) {
		kvs_say(INDENT, "Lost      0");
		return;
	}
	kvs_lines_add(&lines, "Lost      ");
	if (lost)
		kvs_lines_strong(&lines, "%s%" PRIu64, exact ? "" : "at least ", lost);
	else
		kvs_lines_strong(&lines, "some, nobody counted how many");
	for (unsigned int i = 0; i < KS_NR_EVENTS; i++)
		if (m->lost_closing[i])
			kvs_lines_add(&lines, ", %s %" PRIu64, kvs_event_name(i),
				      m->lost_closing[i]);
	kvs_lines_end(&lines);
	kvs_say(INDENT, "          what is counted below is less than the truth; a larger ring helps: "
		"`kvmsched record -m SIZE`");
}

/* What is missing from the recording beside lost records */
static void print_missed(const struct kvs_model *m)
{
	struct kvs_lines lines = kvs_lines_begin(INDENT);

	if (m->overwritten)
		kvs_say(INDENT, "Overwritten %" PRIu64 " records, by younger ones (flight recorder)",
			m->overwritten);
	for (unsigned int i = 0; i < m->nr_missed; i++) {
		kvs_lines_add(&lines, "Missed    ");
		kvs_lines_strong(&lines, "%" PRIu64, m->missed[i].count);
		kvs_lines_add(&lines, " hits of %s, dropped by the kernel's kprobes",
			      m->missed[i].hook);
		kvs_lines_end(&lines);
	}
}

/* The hooks that are attached in one way: the way, then the names */
static void print_hooks_by(const struct kvs_model *m, unsigned int how)
{
	struct kvs_lines lines = kvs_lines_begin(27);
	bool any = false;

	for (unsigned int i = 0; i < m->nr_hooks; i++) {
		if (m->hooks[i].status || m->hooks[i].how != how)
			continue;
		if (any)
			kvs_lines_add(&lines, ", %s", m->hooks[i].name);
		else
			kvs_lines_add(&lines, "          %-17s%s", kvs_hook_how(how),
				      m->hooks[i].name);
		any = true;
	}
	if (any)
		kvs_lines_end(&lines);
}

static void print_hook_counts(const struct kvs_model *m)
{
	unsigned int attached = 0, not_here = 0, refused = 0;
	struct kvs_lines lines = kvs_lines_begin(INDENT);

	for (unsigned int i = 0; i < m->nr_hooks; i++) {
		attached += !m->hooks[i].status;
		not_here += m->hooks[i].status == -ENOENT;
		refused += m->hooks[i].status && m->hooks[i].status != -ENOENT;
	}
	kvs_lines_add(&lines, "Attached  %u hook%s", attached, attached == 1 ? "" : "s");
	if (refused) {
		kvs_lines_add(&lines, ", ");
		kvs_lines_strong(&lines, "%u not", refused);
	}
	if (not_here)
		kvs_lines_add(&lines, ", %u not in this kernel", not_here);
	kvs_lines_add(&lines, " (--verbose names them)");
	kvs_lines_end(&lines);
}

static void print_refused_hook(const struct kvs_hook *hook)
{
	struct kvs_lines lines = kvs_lines_begin(27);

	kvs_lines_add(&lines, "          ");
	kvs_lines_strong(&lines, "not");
	kvs_lines_add(&lines, "              %s: %s", hook->name, kvs_hook_why(hook->status));
	kvs_lines_end(&lines);
}

static void print_attach(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;

	if (!m->nr_hooks) {
		kvs_say(INDENT, "Attached  not told: events were enabled one by one");
		return;
	}
	if (!view->verbose) {
		print_hook_counts(m);
		return;
	}
	kvs_say(INDENT, "Attached");
	for (unsigned int how = KVMSCHED_HOW_TRACEPOINT; how <= KVMSCHED_HOW_NOTIFIER; how++)
		print_hooks_by(m, how);
	for (unsigned int i = 0; i < m->nr_hooks; i++)
		if (m->hooks[i].status)
			print_refused_hook(&m->hooks[i]);
}

/* Every vCPU tells what was known when it was seen first. */
static bool tsc_unstable(const struct kvs_model *m)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (m->vcpus[i]->features & KS_FEATURE_TSC_UNSTABLE)
			return true;
	return false;
}

static void print_tsc(const struct kvs_view *view)
{
	static const char *const sources[] = {
		[KVS_TSC_UNKNOWN] = "unknown: cycles have no time; use trace-cmd's default clock or `-C tsc2nsec`",
		[KVS_TSC_OPTION] = "by the file's TSC2NSEC",
		[KVS_TSC_SESSION] = "by the module's tsc_khz",
		[KVS_TSC_RECORDS] = "as the records' two clocks compare",
	};
	const struct kvs_scale *s = &view->times.cycles;
	struct kvs_lines lines = kvs_lines_begin(INDENT);

	/* A rate that is derived from the records is not precise to the kHz. */
	if (s->known && s->mult)
		kvs_say(INDENT, view->times.source == KVS_TSC_RECORDS ?
			"TSC       about %.0f MHz, %s" : "TSC       %.3f MHz, %s",
			1e3 * (double)(1ULL << s->shift) / s->mult,
			sources[view->times.source]);
	else
		kvs_say(INDENT, "TSC       %s", sources[KVS_TSC_UNKNOWN]);
	if (tsc_unstable(view->model)) {
		kvs_lines_add(&lines, "          ");
		kvs_lines_strong(&lines, "unstable");
		kvs_lines_add(&lines, ", as the host's kernel found: times between CPUs are not "
			      "to be trusted");
		kvs_lines_end(&lines);
	}
}

static void print_classes(const struct kvs_model *m)
{
	struct kvs_lines lines = kvs_lines_begin(INDENT);

	kvs_lines_add(&lines, "Classes  ");
	for (unsigned int bit = 0; kvs_class_name(bit); bit++)
		if (kvs_model_has_class(m, 1U << bit))
			kvs_lines_add(&lines, " %s", kvs_class_name(bit));
	if (m->overwrite)
		kvs_lines_add(&lines, "; flight recorder: the oldest records were overwritten");
	kvs_lines_end(&lines);
}

/* Older files, and those of trace-cmd, don't tell the wall clock. */
static void print_begin(const struct kvs_view *view)
{
	u64 start = kvs_model_start_ts(view->model), ns;
	struct kvs_clocks clocks;
	char text[KVS_WALL_LEN];
	s64 wall;

	kvs_clocks_init(&clocks, view->info, &view->times);
	if (kvs_clocks_wall(&clocks, start, &wall) && kvs_clocks_monotonic(&clocks, start, &ns))
		kvs_say(INDENT, "Begin     %s, %" PRIu64 ".%06" PRIu64 " s after the boot%s",
			kvs_wall_text(text, wall), ns / 1000000000, ns % 1000000000 / 1000,
			clocks.nr_ties > 2 ? "; the wall clock was set meanwhile" : "");
	kvs_clocks_free(&clocks);
}

/* Losses, hooks and classes are those of the whole recording, whatever the excerpt. */
static void print_excerpt(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	const struct kvs_excerpt *e = &m->counting.excerpt;
	u64 start = kvs_model_start_ts(m), end = kvs_model_end_ts(m);

	if (!e->on)
		return;
	kvs_say(INDENT, "Excerpt   %.6f to %.6f s of %.6f s, %" PRIu64 " of %" PRIu64
		" records; losses and hooks are the whole recording's",
		kvs_seconds_since_begin(m, &view->times, e->from),
		kvs_seconds_since_begin(m, &view->times, e->to < end ? e->to : end),
		kvs_scale(&view->times.ts, end - start) / 1e9,
		kvs_model_records(m), kvs_model_all_records(m));
}

void kvs_print_overview(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	double ns = kvs_scale_sum(&view->times.ts, kvs_model_duration_ts(m));
	struct kvs_lines lines = kvs_lines_begin(INDENT);

	kvs_blank("The recording");
	kvs_lines_bold(&lines, "File");
	kvs_lines_add(&lines, "      %s (trace.dat version %u)", view->path, view->info->version);
	kvs_lines_end(&lines);
	print_begin(view);
	print_excerpt(view);
	if (view->times.ts.known)
		kvs_say(INDENT, "Duration  %.6f s%s", ns / 1e9,
			m->started && !m->stopped ? " (the session's end is not in the file)" : "");
	kvs_say(INDENT, "CPUs      %u", view->info->cpus);
	kvs_say(INDENT, "Records   %" PRIu64, kvs_model_records(m));
	print_lost(view);
	print_missed(m);
	kvs_print_unseen(m);
	print_classes(m);
	kvs_print_bpf_scheds(view);
	print_attach(view);
	print_tsc(view);
}
