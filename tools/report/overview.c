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
#include "base/bytes.h"
#include "model/clock.h"
#include "model/names.h"
#include "report/bpf-scheds.h"
#include "report/common.h"
#include "report/report.h"

#define WIDTH		100	/* of the lines that are wrapped */

static void print_lost(const struct kvs_view *view)
{
	static const char *const names[KS_NR_EVENTS] = {
#define LOST_NAME(record, FIELDS, classes) [KS_EV_##record] = #record,
		KS_RECORDS(LOST_NAME)
	};
	const struct kvs_model *m = view->model;
	u64 lost;
	bool exact = kvs_model_lost(m, &lost);

	if (!lost && exact) {
		printf("Lost      0\n");
		return;
	}
	printf("Lost      %s", kvs_alarm());
	if (lost)
		printf("%s%" PRIu64, exact ? "" : "at least ", lost);
	else
		printf("some, nobody counted how many");
	printf("%s", kvs_plain());
	for (unsigned int i = 0; i < KS_NR_EVENTS; i++)
		if (m->lost_closing[i])
			printf(", %s %" PRIu64, names[i], m->lost_closing[i]);
	printf("\n          what is counted below is less than the truth; a larger ring helps: "
	       "`kvmsched record -m SIZE`\n");
}

/* What is missing from the recording beside lost records */
static void print_missed(const struct kvs_model *m)
{
	if (m->overwritten)
		printf("Overwritten %" PRIu64 " records, by younger ones (flight recorder)\n",
		       m->overwritten);
	for (unsigned int i = 0; i < m->nr_missed; i++) {
		printf("Missed    %s%" PRIu64 "%s hits of ", kvs_alarm(), m->missed[i].count,
		       kvs_plain());
		kvs_bytes_print(m->missed[i].hook);
		printf(", dropped by the kernel's kprobes\n");
	}
}

/* The hooks that are attached in one way: the way, then the names in wrapped lines */
static void print_hooks_by(const struct kvs_model *m, unsigned int how)
{
	size_t column = 0;

	for (unsigned int i = 0; i < m->nr_hooks; i++) {
		size_t length = strlen(m->hooks[i].name);
		char *name;

		if (m->hooks[i].status || m->hooks[i].how != how)
			continue;
		if (!column) {
			column = printf("          %-17s", kvs_hook_how(how));
		} else if (column + length > WIDTH - 3) {
			column = printf(",\n%27s", "") - 2;
		} else {
			column += printf(", ");
		}
		name = kvs_bytes_shown(m->hooks[i].name);
		column += printf("%s", name);
		free(name);
	}
	if (column)
		putchar('\n');
}

static void print_hook_counts(const struct kvs_model *m)
{
	unsigned int attached = 0, not_here = 0, refused = 0;

	for (unsigned int i = 0; i < m->nr_hooks; i++) {
		attached += !m->hooks[i].status;
		not_here += m->hooks[i].status == -ENOENT;
		refused += m->hooks[i].status && m->hooks[i].status != -ENOENT;
	}
	printf("Attached  %u hook%s", attached, attached == 1 ? "" : "s");
	if (refused)
		printf(", %s%u not%s", kvs_alarm(), refused, kvs_plain());
	if (not_here)
		printf(", %u not in this kernel", not_here);
	printf(" (--verbose names them)\n");
}

static void print_attach(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;

	if (!m->nr_hooks) {
		printf("Attached  not told: events were enabled one by one\n");
		return;
	}
	if (!view->verbose) {
		print_hook_counts(m);
		return;
	}
	printf("Attached\n");
	for (unsigned int how = KVMSCHED_HOW_TRACEPOINT; how <= KVMSCHED_HOW_NOTIFIER; how++)
		print_hooks_by(m, how);
	for (unsigned int i = 0; i < m->nr_hooks; i++) {
		if (m->hooks[i].status) {
			printf("          %snot%s              ", kvs_alarm(), kvs_plain());
			kvs_bytes_print(m->hooks[i].name);
			printf(": %s\n", kvs_hook_why(m->hooks[i].status));
		}
	}
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

	/* A rate that is derived from the records is not precise to the kHz. */
	if (s->known && s->mult)
		printf(view->times.source == KVS_TSC_RECORDS ?
		       "TSC       about %.0f MHz, %s\n" : "TSC       %.3f MHz, %s\n",
		       1e3 * (double)(1ULL << s->shift) / s->mult,
		       sources[view->times.source]);
	else
		printf("TSC       %s\n", sources[KVS_TSC_UNKNOWN]);
	if (tsc_unstable(view->model))
		printf("          %sunstable%s, as the host's kernel found: times between CPUs are not to be trusted\n",
		       kvs_alarm(), kvs_plain());
}

static void print_classes(const struct kvs_model *m)
{
	printf("Classes  ");
	for (unsigned int bit = 0; kvs_class_name(bit); bit++)
		if (kvs_model_has_class(m, 1U << bit))
			printf(" %s", kvs_class_name(bit));
	printf("%s\n", m->overwrite ? "; flight recorder: the oldest records were overwritten" : "");
}

void kvs_print_overview(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	double ns = kvs_scale_sum(&view->times.ts, kvs_model_duration_ts(m));

	printf("%sFile%s      ", kvs_bold(), kvs_plain());
	kvs_bytes_print(view->path);
	printf(" (trace.dat version %u)\n", view->info->version);
	if (view->times.ts.known)
		printf("Duration  %.6f s%s\n", ns / 1e9,
		       m->started && !m->stopped ? " (the session's end is not in the file)" : "");
	printf("CPUs      %u\n", view->info->cpus);
	printf("Records   %" PRIu64 "\n", kvs_model_records(m));
	print_lost(view);
	print_missed(m);
	kvs_print_unseen(m);
	print_classes(m);
	kvs_print_bpf_scheds(view);
	print_attach(view);
	print_tsc(view);
}
