// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched report: what a recording holds, as tables or JSON.
 */
#include <errno.h>
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
#include "cmd/picture.h"
#include "cmd/reading.h"
#include "model/alike.h"
#include "model/details.h"
#include "model/io.h"
#include "model/model.h"
#include "model/summary.h"
#include "model/worst.h"
#include "report/report.h"

#define REPORT_POINTER(name)	&kvs_report_##name,
/* It reads guests' recordings as well, so it goes a way of its own. */
static const struct kvs_report guest_report = {
	.name = "guest", .what = "tasks of a guest, by its own trace (--guest)",
};
static const struct kvs_report *const reports[] = {
	KVS_REPORTS(REPORT_POINTER) &guest_report,
};

#define DEFAULT_WORST	10
#define MAX_WORST	10000
/* A million records make about two million spans, which take 4.5 MB of a page at most. */
#define DEFAULT_SPANS	3000000
#define MAX_SPANS	100000000

struct options {
	const struct kvs_report *report;	/* NULL: everything */
	const char *path;
	struct kvs_select select;
	long worst;
	uint32_t kinds, by;
	struct kvs_picture picture;
	bool counted;		/* --count is there */
	bool windowed;		/* --from or --to is */
	bool each, host, json, verbose;
};

static const char about[] =
	"usage: kvmsched report [REPORT] [FILE] [OPTIONS]\n\n"
	"Summarize a recording: vCPUs, exits, switches, interrupts, timers; or answer\n"
	"one question at length, REPORT.  FILE is " KVS_DEFAULT_FILE " unless given; any\n"
	"trace.dat with events of system kvmsched will do, one by trace-cmd, too.\n";

static void print_reports(void)
{
	printf("\nReports:\n");
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
		kvs_options_line(reports[i]->name, 12, reports[i]->what);
	kvs_options_times();
}

/* A file of such a name is given with --input, or as ./thieves. */
static const struct kvs_report *find_report(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
		if (!strcmp(name, reports[i]->name))
			return reports[i];
	return NULL;
}

static int check_picture(const struct options *o)
{
	const struct kvs_picture *p = &o->picture;

	if (p->large && !p->html)
		return kvs_usage("report", "--spans belongs to --html");
	if (p->svg && p->html)
		return kvs_usage("report", "--svg and --html are two commands");
	if ((p->svg || p->html) && (o->report || o->json || o->host || o->verbose))
		return kvs_usage("report", "%s draws a picture, and prints no report",
				 p->svg ? "--svg" : "--html");
	return KVS_EXIT_OK;
}

static int check_guests(const struct options *o)
{
	const struct kvs_guest_set *guests = &o->picture.guests;
	bool wanted = o->report == &guest_report;

	if (!wanted && guests->nr && !o->picture.svg && !o->picture.html)
		return kvs_usage("report", "--guest belongs to `kvmsched report guest`, --svg and --html");
	if (wanted && !guests->nr)
		return kvs_usage("report", "which guest? Say --guest GUEST.dat, a recording that it made of itself");
	if (wanted && (o->host || o->verbose))
		return kvs_usage("report", "--host and --verbose are not for `kvmsched report guest`");
	if (guests->told.nr && !guests->nr)
		return kvs_usage("report", "--cpu belongs to --guest");
	return KVS_EXIT_OK;
}

static int take_operands(const struct kvs_options *options, const struct kvs_arguments *args,
			 struct options *o)
{
	int next = 0, why;

	if (args->nr) {
		o->report = find_report(args->operands[0]);
		next += !!o->report;
	}
	if (next < args->nr && !o->path)
		o->path = args->operands[next++];
	if (next < args->nr)
		return kvs_options_too_many(options, args->operands[next]);
	if (!o->path)
		o->path = KVS_DEFAULT_FILE;
	if ((o->kinds || o->each) && (!o->report || !o->report->moments))
		return kvs_usage("report", "--kind and --each belong to `kvmsched report worst`");
	if (o->by && (!o->report || !o->report->details))
		return kvs_usage("report", "--by belongs to `kvmsched report exits`");
	if (o->counted && (!o->report || (!o->report->moments && !o->report->details &&
					  !o->report->io)))
		return kvs_usage("report", "--count belongs to `kvmsched report worst`, `exits` and `io`");
	why = check_guests(o);
	return why == KVS_EXIT_OK ? check_picture(o) : why;
}

static bool parse(int argc, char **argv, struct options *o, struct kvs_arguments *args)
{
	const char *kinds[KVS_MOMENT_KINDS + 1] = { NULL };
	const char *bys[KVS_DETAIL_KINDS + 1] = { NULL };
	const struct kvs_option rows[] = {
		KVS_OPTION('i', "input", "FILE", "the same as FILE",
			   .value = { .text = &o->path }),
		KVS_OPTION(0, "vm", "VM",
			   "only this VM: its name, or the PID of its process; PID.1 is "
			   "the second VM of that process",
			   .value = { .vm = &o->select.vm }),
		KVS_OPTION(0, "vcpu", "N", "only vCPUs of this number",
			   .value = { .number = &o->select.vcpu, .max = KVS_LAST_VCPU }),
		KVS_OPTION(0, "host", NULL, "the host's own tasks and interrupts, too",
			   .value = { .flag = &o->host }),
		KVS_OPTION(0, "json", NULL, "one JSON object, for programs",
			   .value = { .flag = &o->json }),
		KVS_OPTION(0, "verbose", NULL, "name every hook that was attached, or was not",
			   .value = { .flag = &o->verbose }),
		KVS_OPTION('n', "count", "N", "worst, exits, io: so many rows",
			   .value = { .number = &o->worst, .min = 1, .max = MAX_WORST },
			   .given = &o->counted, .show_default = true),
		KVS_OPTION(0, "kind", "KIND",
			   "worst: only timer, irq, wait or exit; repeatable",
			   .value = { .bits = &o->kinds, .names = kinds }),
		KVS_OPTION(0, "by", "DETAIL",
			   "exits: only port, msr, leaf, hypercall, address or vector; repeatable",
			   .value = { .bits = &o->by, .names = bys }),
		KVS_OPTION(0, "each", NULL,
			   "worst: the moments one by one, with their steps and causes",
			   .value = { .flag = &o->each }),
		KVS_OPTION(0, "guest", "GUEST.dat",
			   "guest, svg, html: what the guest recorded of itself; VM=GUEST.dat says whose it is; repeatable",
			   .value = { .take = kvs_take_guest_option, .to = &o->picture.guests }),
		KVS_OPTION(0, "cpu", "CPU=VCPU",
			   "guest, svg, html: this CPU of the guest is that vCPU, as for `kvmsched merge`",
			   .value = { .take = kvs_take_cpu, .to = &o->picture.guests.told }),
		KVS_OPTION(0, "svg", "PICTURE",
			   "draw the time line of vCPUs, CPUs and, with --guest, guests' tasks into this file, as SVG",
			   .value = { .text = &o->picture.svg }),
		KVS_OPTION(0, "html", "PAGE",
			   "write a page for a browser: time line, worst moments, plots, all tables",
			   .value = { .text = &o->picture.html }),
		KVS_OPTION(0, "from", "TIME",
			   "only what happened then or later: seconds since the recording began, "
			   "or see below",
			   .value = { .when = &o->picture.from, .most = KVS_RECORD_MAX_SECONDS },
			   .given = &o->windowed),
		KVS_OPTION(0, "to", "TIME", "and only before this",
			   .value = { .when = &o->picture.to, .least = KVS_SHORTEST,
				      .most = KVS_RECORD_MAX_SECONDS },
			   .given = &o->windowed),
		KVS_OPTION(0, "spans", "N", "html: show each of up to so many spans",
			   .value = { .number = &o->picture.spans, .max = MAX_SPANS },
			   .given = &o->picture.large, .show_default = true),
		{ }
	};
	const struct kvs_options options = {
		.command = "report", .about = about, .rows = rows, .print_more = print_reports,
	};

	*o = (struct options){
		.select = { .vm = KVS_ANY_VM, .vcpu = -1 },
		.worst = DEFAULT_WORST,
		.picture.spans = DEFAULT_SPANS,
	};
	for (unsigned int i = 0; i < KVS_MOMENT_KINDS; i++)
		kinds[i] = kvs_moment_kind_name(i);
	for (unsigned int i = 0; i < KVS_DETAIL_KINDS; i++)
		bys[i] = kvs_detail_by_name(i);
	if (!kvs_options_parse(&options, argc, argv, args))
		return false;
	args->status = take_operands(&options, args, o);
	if (!o->kinds)
		o->kinds = (1U << KVS_MOMENT_KINDS) - 1;
	return !args->status;
}

/* Warnings about damage; the report shows what could be read. */
static void warn_about(const char *path, const struct kvs_trace *trace,
		       const struct kvs_model *m)
{
	const struct kvs_trace_info *info = kvs_trace_info(trace);
	const char *field;

	if (info->absent)
		kvs_warn("%s: truncated, the last %" PRIu64 " bytes are missing; this is what is there",
			 path, info->absent);
	if (info->bad_pages || info->bad_records)
		kvs_warn("%s: damaged: %" PRIu64 " pages and %" PRIu64 " records make no sense and are left out",
			 path, info->bad_pages, info->bad_records);
	if (info->unknown)
		kvs_warn("%s: %" PRIu64 " records of events that this kvmsched doesn't know; use a newer one",
			 path, info->unknown);
	for (unsigned int i = 0; (field = kvs_decoder_missing(kvs_trace_decoder(trace), i)); i++)
		kvs_warn("%s: has no field %s: recorded by another version of the module",
			 path, field);
	if (m->unattributed)
		kvs_warn("%s: %" PRIu64 " records are of no vCPU that the module knew",
			 path, m->unattributed);
}

static bool print(const struct options *o, struct kvs_view *view)
{
	const struct kvs_report *report = o->report;
	bool ok = true;

	kvs_view_init(view);
	if (report && o->json)
		ok = report->keys ? kvs_print_json_keys(view, report->keys) : report->json(view);
	else if (report)
		report->text(view);
	else if (o->json)
		ok = kvs_print_json(view);
	else
		kvs_print_text(view, o->host);
	kvs_view_free(view);
	return kvs_flush("the report") && ok;
}

static int read_and_print(const struct options *o, struct kvs_reading *r,
			  struct kvs_worst *worst, const struct kvs_alike *alike,
			  const struct kvs_details *details, struct kvs_io *io)
{
	const struct kvs_model *m = &r->model;
	struct kvs_view view = {
		.path = o->path, .info = kvs_trace_info(r->trace),
		.decoder = kvs_trace_decoder(r->trace), .model = m, .worst = worst,
		.alike = alike, .details = details, .io = io, .by = o->by, .top = o->worst,
		.each = o->each, .verbose = o->verbose,
		.select = o->select,
	};
	bool whole = kvs_reading_all(r);

	kvs_worst_sort(worst);
	kvs_io_finish(io);
	if (!kvs_model_all_records(m) && !whole)
		return KVS_EXIT_FAILED;		/* and was told why */
	if (!kvs_model_all_records(m)) {
		kvs_err("%s: no kvmsched records in it", o->path);
		kvs_hint("did a vCPU run, and was the recording ended by `kvmsched record` itself?");
		return KVS_EXIT_FAILED;
	}
	warn_about(o->path, r->trace, m);
	return print(o, &view) && whole ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

static int make_picture(struct options *o, char *command)
{
	const char *to = o->picture.svg ? o->picture.svg : o->picture.html;
	int status = KVS_EXIT_FAILED;

	o->picture.path = o->path;
	o->picture.select = o->select;
	o->picture.command = command;
	if (!kvs_is_the_recording(o->path, to))
		status = o->picture.svg ? kvs_picture_make(&o->picture) :
					  kvs_page_make(&o->picture);
	kvs_guest_set_free(&o->picture.guests);
	free(command);
	return status;
}

static int report_guests(struct options *o)
{
	struct kvs_guest_set *g = &o->picture.guests;

	g->select = o->select;
	if (o->windowed && !kvs_guests_excerpt(o->path, &o->picture.from, &o->picture.to,
					       &g->excerpt, &g->from_ns, &g->to_ns)) {
		kvs_guest_set_free(g);
		return KVS_EXIT_FAILED;
	}
	return kvs_report_guests(g, o->path, o->json);
}

int kvs_cmd_report(int argc, char **argv)
{
	struct kvs_worst worst = { 0 };
	struct kvs_alike alike;
	struct kvs_details details;
	struct kvs_io io;
	struct kvs_reading r;
	struct kvs_arguments args;
	struct options o;
	char *command;
	u64 from, to;
	int status;

	/* LC_CTYPE prints the µ of headings; LC_NUMERIC would change decimal points. */
	setlocale(LC_CTYPE, "");
	command = kvs_options_command(argc, argv);
	if (!parse(argc, argv, &o, &args)) {
		free(command);
		return args.status;
	}
	if (o.picture.svg || o.picture.html)
		return make_picture(&o, command);
	free(command);
	if (o.report == &guest_report)
		return report_guests(&o);
	if (o.windowed && !kvs_reading_excerpt(o.path, &o.picture.from, &o.picture.to, &from, &to,
					       NULL, NULL))
		return KVS_EXIT_FAILED;
	if (!kvs_reading_begin(&r, o.path))
		return KVS_EXIT_FAILED;
	if (o.windowed)
		kvs_model_excerpt(&r.model, from, to);
	kvs_summary_listen(&r.model);
	kvs_alike_init(&alike, o.kinds);
	kvs_details_init(&details);
	kvs_io_init(&io);
	if (o.report && o.report->details)
		kvs_details_listen(&details, &r.model);
	if (o.report && o.report->io)
		kvs_io_listen(&io, &r.model);
	if (o.report && o.report->moments) {
		kvs_alike_listen(&alike, &r.model);
		kvs_worst_init(&worst, o.worst, o.kinds);
		kvs_worst_listen(&worst, &r.model);
	}
	status = read_and_print(&o, &r, &worst, &alike, &details, &io);
	kvs_io_free(&io);
	kvs_details_free(&details);
	kvs_alike_free(&alike);
	kvs_worst_free(&worst);
	kvs_reading_end(&r);
	return status;
}
