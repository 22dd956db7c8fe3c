// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched report: what a recording holds, as tables or JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "model/clock.h"
#include "model/model.h"
#include "report/report.h"
#include "trace/load.h"

#define OPT_VM		256
#define OPT_VCPU	257
#define OPT_HOST	258
#define OPT_JSON	259
#define OPT_KIND	260

/* What is printed: everything, or one question's answer at length */
struct answer {
	const char *name;
	void (*text)(const struct kvs_view *view);
	const char *const *keys;	/* of each vCPU, in the JSON */
};

#define KEYS(...)	((const char *const[]){ __VA_ARGS__, NULL })

static const struct answer answers[] = {
	{ "thieves", kvs_print_thieves, KEYS("states_ns", "thieves") },
	{ "worst", kvs_print_worst, NULL },
	{ "timers", kvs_print_timers, KEYS("timers") },
	{ "irqs", kvs_print_irqs, KEYS("interrupts", "host_irqs") },
};

#define DEFAULT_WORST	10
#define MAX_WORST	10000

struct options {
	const struct answer *answer;	/* NULL: everything */
	const char *path;
	struct kvs_select select;
	long worst;
	u32 kinds;
	bool host, json, help;
};

static void help(FILE *out)
{
	fprintf(out,
		"usage: kvmsched report [thieves|worst|timers|irqs] [FILE] [OPTIONS]\n"
		"\n"
		"Summarize a recording: vCPUs, exits, switches, interrupts, timers; or one\n"
		"question at length: who took the CPU (thieves), the worst moments and how\n"
		"they came about (worst), timers or interrupts leg by leg (timers, irqs).\n"
		"FILE is " KVS_DEFAULT_FILE " unless given; any trace.dat with events of\n"
		"system kvmsched will do, one by trace-cmd, too.\n"
		"\n"
		"  -i, --input FILE  the same as FILE\n"
		"      --vm VM       only this VM: the PID of its process; PID.1 is the\n"
		"                    second VM of that process\n"
		"      --vcpu N      only vCPUs of this number\n"
		"      --host        the host's own tasks and interrupts, too\n"
		"      --json        one JSON object, for programs\n"
		"  -n, --count N     worst: so many moments (10)\n"
		"      --kind KIND   worst: only timer, irq, wait or exit; repeatable\n"
		"  -h, --help        this text\n");
}

/* "PID" or "PID.INDEX" */
static bool parse_vm(const char *arg, struct kvs_select *select)
{
	char *pid = xstrdup(arg), *dot = strchr(pid, '.');
	bool ok;

	if (dot)
		*dot++ = '\0';
	ok = kvs_parse_long(pid, 1, INT_MAX, &select->vm) &&
	     (!dot || kvs_parse_long(dot, 0, INT_MAX, &select->vm_index));
	free(pid);
	return ok;
}

static bool parse_kind(const char *arg, u32 *kinds)
{
	const char *name;

	for (unsigned int i = 0; (name = kvs_moment_kind_name(i)); i++)
		if (!strcmp(arg, name)) {
			*kinds |= 1U << i;
			return true;
		}
	return false;
}

/* A file of such a name is given with --input, or as ./thieves. */
static const struct answer *parse_answer(const char *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (!strcmp(arg, answers[i].name))
			return &answers[i];
	return NULL;
}

static int parse_operands(int argc, char **argv, struct options *o)
{
	if (optind < argc) {
		o->answer = parse_answer(argv[optind]);
		optind += !!o->answer;
	}
	if (optind < argc && !o->path)
		o->path = argv[optind++];
	if (optind < argc)
		return kvs_usage("report", "one file at a time; '%s' is one too many", argv[optind]);
	if (!o->path)
		o->path = KVS_DEFAULT_FILE;
	if ((o->worst || o->kinds) && (!o->answer || strcmp(o->answer->name, "worst")))
		return kvs_usage("report", "-n and --kind belong to `kvmsched report worst`");
	if (!o->worst)
		o->worst = DEFAULT_WORST;
	if (!o->kinds)
		o->kinds = (1U << KVS_MOMENT_KINDS) - 1;
	return KVS_EXIT_OK;
}

/* KVS_EXIT_OK, or a status to end with. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "input", required_argument, NULL, 'i' },
		{ "vm", required_argument, NULL, OPT_VM },
		{ "vcpu", required_argument, NULL, OPT_VCPU },
		{ "host", no_argument, NULL, OPT_HOST },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "count", required_argument, NULL, 'n' },
		{ "kind", required_argument, NULL, OPT_KIND },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	*o = (struct options){ .select = { -1, -1, -1 } };
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":i:n:h", longs, NULL)) != -1) {
		switch (c) {
		case 'i':
			o->path = optarg;
			break;
		case OPT_VM:
			if (!parse_vm(optarg, &o->select))
				return kvs_usage("report", "--vm takes the PID of a VM's process, not '%s'", optarg);
			break;
		case OPT_VCPU:
			if (!kvs_parse_long(optarg, 0, 65534, &o->select.vcpu))
				return kvs_usage("report", "--vcpu takes a number, not '%s'", optarg);
			break;
		case 'n':
			if (!kvs_parse_long(optarg, 1, MAX_WORST, &o->worst))
				return kvs_usage("report", "-n takes a number from 1 to %d, not '%s'", MAX_WORST, optarg);
			break;
		case OPT_KIND:
			if (!parse_kind(optarg, &o->kinds))
				return kvs_usage("report", "--kind takes timer, irq, wait or exit, not '%s'", optarg);
			break;
		case OPT_HOST:
			o->host = true;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case 'h':
			o->help = true;
			return KVS_EXIT_OK;
		case ':':
			return kvs_usage("report", "%s needs an argument", argv[optind - 1]);
		default:
			return kvs_usage("report", "unknown option %s", argv[optind - 1]);
		}
	}
	return parse_operands(argc, argv, o);
}

/* What is wrong with the file, beside the report of what is right. */
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
	const struct answer *answer = o->answer;
	bool ok = true;

	kvs_view_init(view);
	if (answer && o->json)
		ok = answer->keys ? kvs_print_json_keys(view, answer->keys) :
				    kvs_print_json_worst(view);
	else if (answer)
		answer->text(view);
	else if (o->json)
		ok = kvs_print_json(view);
	else
		kvs_print_text(view, o->host);
	kvs_view_free(view);
	if (ok && !fflush(stdout) && !ferror(stdout))
		return true;
	kvs_errno("can't write the report");
	return false;
}

static int report(const struct options *o, struct kvs_trace *trace,
		  struct kvs_model *m)
{
	struct kvs_view view = {
		.path = o->path, .info = kvs_trace_info(trace),
		.decoder = kvs_trace_decoder(trace), .model = m,
		.select = o->select,
	};
	const struct kvs_sink sink = {
		.record = kvs_model_record, .missed = kvs_model_missed, .ctx = m,
	};
	bool whole;

	kvs_model_clock(m, view.info->clock == KVS_CLOCK_NS, view.info->tsc_mult,
			view.info->tsc_shift);
	whole = kvs_trace_read(trace, &sink);
	kvs_model_finish(m);
	if (!kvs_model_records(m)) {
		kvs_err("%s: no kvmsched records in it", o->path);
		kvs_hint("did a vCPU run, and was the recording ended by `kvmsched record` itself?");
		return KVS_EXIT_FAILED;
	}
	warn_about(o->path, trace, m);
	return print(o, &view) && whole ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

int kvs_cmd_report(int argc, char **argv)
{
	struct kvs_trace *trace;
	struct kvs_model model;
	struct options o;
	int status;

	/* For the µ of the headings; numbers keep their dots for programs. */
	setlocale(LC_CTYPE, "");
	status = parse(argc, argv, &o);
	if (status)
		return status;
	if (o.help) {
		help(stdout);
		return KVS_EXIT_OK;
	}
	trace = kvs_trace_open(o.path);
	if (!trace)
		return KVS_EXIT_FAILED;
	kvs_model_init(&model);
	if (o.answer && !o.answer->keys)
		kvs_worst_init(&model.worst, o.worst, o.kinds);
	status = report(&o, trace, &model);
	kvs_model_free(&model);
	kvs_trace_close(trace);
	return status;
}
