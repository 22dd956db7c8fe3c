// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched export: the spans of a recording as rows of a database or of CSV files, or as
 * a trace for Perfetto.
 *
 * The recording is read three times.  The first reading finds the vCPUs, and the rate of
 * the clock; the second counts the rows, so that the size is known before the third
 * writes anything.
 */
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/guestfile.h"
#include "cmd/guests.h"
#include "cmd/options.h"
#include "cmd/reading.h"
#include "export/feed.h"
#include "export/form.h"
#include "report/view.h"

/* A trace has no rows of guest I/O, only their exits. */
#define PERFETTO_KINDS	(KVS_SPAN_ALL | KVS_KIND_GUEST_TASKS)
#define LARGE		(2ULL << 30)	/* bytes that only --force writes */

struct options {
	const char *path, *sqlite, *csv, *perfetto;
	const struct kvs_form *form;
	const char *to_path;	/* what is written: one of those three */
	struct kvs_select select;
	struct kvs_when from, to;
	u32 kinds;
	struct kvs_guest_set guests;	/* what guests recorded of themselves */
	bool force;
};

static const char about[] =
	"usage: kvmsched export --sqlite FILE.db [FILE] [OPTIONS]\n"
	"       kvmsched export --csv FOLDER [FILE] [OPTIONS]\n"
	"       kvmsched export --perfetto FILE.pftrace [FILE] [OPTIONS]\n\n"
	"Write all that a recording tells into tables: a row for each exit, slice,\n"
	"wait, timer, interrupt; or into a trace for ui.perfetto.dev.  FILE is\n"
	KVS_DEFAULT_FILE " unless given.\n";

static void print_kinds(void)
{
	printf("\nKinds:\n");
	for (unsigned int i = KVS_TABLE_SPANS; kvs_export_table(i); i++)
		printf("  %s\n", kvs_export_table(i)->name);
	kvs_options_times();
}

static char *take_kinds(void *to, const char *list)
{
	char *copy = xstrdup(list), *next = copy, *name, *why = NULL;
	u32 kinds = 0;

	while (!why && (name = strsep(&next, ","))) {
		unsigned int i = KVS_TABLE_SPANS;

		while (kvs_export_table(i) && strcmp(kvs_export_table(i)->name, name))
			i++;
		if (kvs_export_table(i))
			kinds |= 1U << (i - KVS_TABLE_SPANS);
		else
			why = xasprintf("there is no kind '%s'; --help lists them", name);
	}
	free(copy);
	if (!why)
		*(u32 *)to = kinds;
	return why;
}

static int take_operands(const struct kvs_options *options, const struct kvs_arguments *args,
			 struct options *o)
{
	if (args->nr > 1)
		return kvs_options_too_many(options, args->operands[1]);
	if (args->nr)
		o->path = args->operands[0];
	if (!!o->sqlite + !!o->csv + !!o->perfetto != 1)
		return kvs_usage("export",
				 "%s? Say --sqlite FILE.db, --csv FOLDER or --perfetto FILE.pftrace",
				 o->sqlite || o->csv ? "which of them" : "into which file");
	if (o->guests.told.nr && !o->guests.nr)
		return kvs_usage("export", "--cpu belongs to --guest");
	o->form = o->csv ? &kvs_form_csv : o->sqlite ? &kvs_form_sqlite : &kvs_form_perfetto;
	o->to_path = o->csv ?: o->sqlite ?: o->perfetto;
	return KVS_EXIT_OK;
}

static bool parse(int argc, char **argv, struct options *o, struct kvs_arguments *args)
{
	const struct kvs_option rows[] = {
		KVS_OPTION(0, "sqlite", "DATABASE", "write an SQLite database",
			   .value = { .text = &o->sqlite }),
		KVS_OPTION(0, "csv", "FOLDER", "write a CSV file for each table",
			   .value = { .text = &o->csv }),
		KVS_OPTION(0, "perfetto", "TRACE", "write a trace for Perfetto",
			   .value = { .text = &o->perfetto }),
		KVS_OPTION(0, "vm", "VM",
			   "only this VM: its name, or the PID of its process; PID.1 is "
			   "the second VM of that process",
			   .value = { .vm = &o->select.vm }),
		KVS_OPTION(0, "vcpu", "N", "only vCPUs of this number",
			   .value = { .number = &o->select.vcpu, .max = KVS_LAST_VCPU }),
		KVS_OPTION(0, "from", "TIME",
			   "only what lasted until then, or longer: seconds since the recording "
			   "began, or see below",
			   .value = { .when = &o->from, .most = KVS_RECORD_MAX_SECONDS }),
		KVS_OPTION(0, "to", "TIME", "only what began before this",
			   .value = { .when = &o->to, .least = KVS_SHORTEST,
				      .most = KVS_RECORD_MAX_SECONDS }),
		KVS_OPTION(0, "kinds", "KIND,...", "only these tables of spans",
			   .value = { .take = take_kinds, .to = &o->kinds }),
		KVS_OPTION(0, "guest", "GUEST.dat",
			   "what the guest recorded of itself, too; VM=GUEST.dat says whose it is; repeatable",
			   .value = { .take = kvs_take_guest_option, .to = &o->guests }),
		KVS_OPTION(0, "cpu", "CPU=VCPU",
			   "this CPU of the guest is that vCPU, as for `kvmsched merge`",
			   .value = { .take = kvs_take_cpu, .to = &o->guests.told }),
		KVS_OPTION(0, "force", NULL, "even if it will have more than 2 GB",
			   .value = { .flag = &o->force }),
		{ }
	};
	const struct kvs_options options = {
		.command = "export", .about = about, .rows = rows, .print_more = print_kinds,
	};

	*o = (struct options){
		.path = KVS_DEFAULT_FILE, .kinds = KVS_KIND_ALL,
		.select = { .vm = KVS_ANY_VM, .vcpu = -1 },
	};
	if (!kvs_options_parse(&options, argc, argv, args))
		return false;
	args->status = take_operands(&options, args, o);
	return !args->status;
}

/* By the index of each vCPU: is it wanted?  The caller frees it; NULL: none is. */
static bool *choose_vcpus(const struct options *o, const struct kvs_model *m)
{
	unsigned int nr;
	bool *wanted = kvs_selected_ones(&o->select, m, &nr);

	/* A recording may be of the host alone. */
	if (nr || kvs_select_is_any(&o->select))
		return wanted;
	free(wanted);
	kvs_err("%s: no such vCPU in it", o->path);
	return NULL;
}

/* Which part of the recording is wanted; false after a message */
static bool choose_time(const struct options *o, const struct kvs_reading *r,
			struct kvs_feed *feed)
{
	const struct kvs_trace_info *info = kvs_trace_info(r->trace);
	const struct kvs_model *m = &r->model;

	if (!kvs_model_records(m)) {
		kvs_err("%s: no kvmsched records in it", o->path);
		return false;
	}
	if (!r->times.ts.known || !r->times.cycles.known) {
		kvs_err("%s: the rate of its clock is unknown, so nothing in it has a length in ns",
			o->path);
		return false;
	}
	feed->start = kvs_model_start_ts(m);
	feed->tsc_known = info->clock == KVS_CLOCK_TSC;
	feed->tsc = feed->start;
	feed->monotonic_known = feed->tsc_known && info->tsc_mult;
	feed->monotonic_ns = kvs_scale(&r->times.ts, feed->start) + info->tsc_offset;
	feed->wall_known = kvs_clocks_wall(&r->clocks, feed->start, &feed->realtime_ns) &&
			   kvs_clocks_boottime(&r->clocks, feed->start, &feed->boottime_ns);
	return kvs_reading_part(r, o->path, &o->from, &o->to, &feed->from, &feed->to);
}

struct guest_runs {
	struct kvs_feed *feed;
	const struct kvs_guest *guest;
};

static void take_guest_run(void *ctx, const struct kvs_guest_run *run)
{
	static const char *const what[] = {
		[KVS_GUEST_RAN] = "runs", [KVS_GUEST_WAITED] = "waits", [KVS_GUEST_LATE] = "late",
		[KVS_GUEST_IDLE] = "idle",
	};
	const struct guest_runs *runs = ctx;
	const struct kvs_guest_task *t = &runs->guest->tasks[run->task];
	const struct kvs_feed_guest_task task = {
		.vm = kvs_joined_vcpu(&runs->guest->joined)->vm, .pid = t->pid, .comm = t->comm,
		.what = what[run->what], .cpu = run->cpu, .begin = run->begin, .end = run->end,
		.open = run->open,
	};

	kvs_feed_guest_task(runs->feed, &task);
}

static void feed_guests(const struct kvs_guest_set *set, struct kvs_feed *feed)
{
	for (size_t i = 0; i < set->nr; i++) {
		struct guest_runs runs = { .feed = feed, .guest = &set->guests[i] };

		kvs_guest_runs(runs.guest, &set->host.ns, take_guest_run, &runs);
	}
}

/* Reads the recording once more than @known; its spans become rows. */
static bool feed_from(const struct options *o, const struct kvs_model *known,
		      struct kvs_feed *feed)
{
	struct kvs_reading r;
	struct kvs_io io;
	bool whole;

	if (!kvs_reading_begin(&r, o->path))
		return false;
	memset(feed->rows, 0, sizeof(feed->rows));
	feed->model = known;
	kvs_feed_recording(feed, known, o->path);
	feed->model = &r.model;
	kvs_io_init(&io);
	kvs_feed_listen(feed, &r.model, &io);
	whole = kvs_reading_all(&r);
	kvs_io_finish(&io);
	feed_guests(&o->guests, feed);
	kvs_io_free(&io);
	kvs_reading_end(&r);
	return whole;
}

/* Tell the size; false after a message if it is too large, or can't be known. */
static bool size_is_right(const struct options *o, const struct kvs_model *known,
			  struct kvs_feed *feed)
{
	u64 size, rows = 0;

	if (!feed_from(o, known, feed))
		return false;
	for (unsigned int i = 0; kvs_export_table(i); i++)
		rows += feed->rows[i];
	size = o->form->size(feed->rows);
	fprintf(stderr, "kvmsched: %" PRIu64 " rows, about %.1f MB\n", rows, size / 1e6);
	if (size <= LARGE || o->force)
		return true;
	kvs_err("%s would have more than 2 GB", o->to_path);
	kvs_hint("take a part: --from, --to, --vm, --kinds; or say --force");
	return false;
}

static int write_export(const struct options *o, const struct kvs_model *known,
			struct kvs_feed *feed)
{
	void *ctx;
	bool ok;

	if (!size_is_right(o, known, feed))
		return KVS_EXIT_FAILED;
	ctx = o->form->create(o->to_path, feed->rows);
	if (!ctx)
		return KVS_EXIT_FAILED;
	feed->row = o->form->row;
	feed->ctx = ctx;
	ok = feed_from(o, known, feed);
	return o->form->finish(ctx, ok) && ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

int kvs_cmd_export(int argc, char **argv)
{
	struct kvs_feed feed = { 0 };
	int status = KVS_EXIT_FAILED;
	struct kvs_arguments args;
	struct kvs_reading r;
	struct options o;
	bool *wanted;

	setlocale(LC_CTYPE, "");
	if (!parse(argc, argv, &o, &args))
		return args.status;
	o.guests.host_path = o.path;
	o.guests.select = o.select;
	if (kvs_is_the_recording(o.path, o.to_path) ||
	    (o.guests.nr && !kvs_guest_set_read(&o.guests)) || !kvs_reading_begin(&r, o.path)) {
		kvs_guest_set_free(&o.guests);
		return status;
	}
	/* What can't be read is told by the next reading, too: once is enough. */
	if (kvs_reading_all(&r) && choose_time(&o, &r, &feed)) {
		wanted = choose_vcpus(&o, &r.model);
		feed.wanted = wanted;
		feed.nr_wanted = r.model.nr_vcpus;
		feed.all = kvs_select_is_any(&o.select);
		feed.kinds = o.perfetto ? o.kinds & PERFETTO_KINDS : o.kinds;
		feed.irqs = kvs_model_has_class(&r.model, KVMSCHED_CLASS_IRQ);
		feed.times = &r.times;
		status = wanted ? write_export(&o, &r.model, &feed) : KVS_EXIT_FAILED;
		free(wanted);
	}
	kvs_reading_end(&r);
	kvs_guest_set_free(&o.guests);
	return status;
}
