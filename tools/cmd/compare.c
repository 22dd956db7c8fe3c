// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched compare: what differs between recordings under different policies
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/picture.h"
#include "compare/compare.h"

#define DEFAULT_HISTOGRAMS	(1U << KVS_M_SLICE | 1U << KVS_M_WAIT_PREEMPTED)

struct options {
	struct kvs_study study;
	unsigned int histograms;
	long seed;
	unsigned int family;		/* index of families */
	bool json;
	char *command;			/* that was given */
};

static const char about[] =
	"usage: kvmsched compare [OPTIONS] A.dat B.dat [C.dat...]\n"
	"       kvmsched compare [OPTIONS] NAME=FILE NAME=FILE...\n"
	"       kvmsched compare [OPTIONS] FOLDER\n\n"
	"Compare what vCPUs got under different policies: each recording with the first,\n"
	"the rounds of named arms, or the arms of an experiment's result folder.\n";

static void print_metrics(void)
{
	printf("\nMetrics:\n");
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		char *what = xasprintf("%s%s", kvs_metrics[m].what,
			kvs_metrics[m].better == KVS_DIR_LOWER ? "; lower is better" :
			kvs_metrics[m].better == KVS_DIR_HIGHER ? "; higher is better" : "");

		kvs_options_line(kvs_metrics[m].name, 22, what);
		free(what);
	}
	kvs_options_times();
}

static char *take_metrics(void *to, const char *list)
{
	char *copy = xstrdup(list), *next = copy, *name, *why = NULL;
	unsigned int mask = 0;

	while (!why && (name = strsep(&next, ","))) {
		unsigned int m = 0;

		while (m < KVS_NR_METRICS && strcmp(kvs_metrics[m].name, name))
			m++;
		if (m < KVS_NR_METRICS)
			mask |= 1U << m;
		else
			why = xasprintf("there is no metric '%s'; --help lists them", name);
	}
	free(copy);
	if (!why)
		*(unsigned int *)to = mask;
	return why;
}

static char *take_histograms(void *to, const char *list)
{
	unsigned int *mask = to;

	if (!strcmp(list, "none"))
		*mask = 0;
	else if (!strcmp(list, "all"))
		*mask = (1U << KVS_NR_METRICS) - 1;
	else
		return take_metrics(to, list);
	return NULL;
}

static char *take_statistic(void *to, const char *text)
{
	double *statistic = to, quantile;

	if (!strcmp(text, "median") || !strcmp(text, "mean")) {
		*statistic = text[2] == 'd' ? 0.5 : KVS_STATISTIC_MEAN;
		return NULL;
	}
	if (!kvs_parse_decimal(text, &quantile) || quantile <= 0 || quantile > 1)
		return xasprintf("'%s' is not median, mean or a quantile up to 1", text);
	*statistic = quantile;
	return NULL;
}

#define ALL_METRICS	((1U << KVS_NR_METRICS) - 1)

/* Few tests, since each makes the others weaker.  False: the user wants too many. */
static bool choose_factor_metrics(struct options *o)
{
	unsigned int *metrics = &o->study.settings.metrics;

	if (*metrics == ALL_METRICS && o->study.task)
		*metrics = 1U << KVS_M_TASK_SLICE | 1U << KVS_M_TASK_WAIT | 1U << KVS_M_TASK_LATENESS;
	else if (*metrics == ALL_METRICS)
		*metrics = 1U << KVS_M_SLICE | 1U << KVS_M_WAIT_PREEMPTED | 1U << KVS_M_WAIT_WOKEN;
	o->histograms &= *metrics;
	return __builtin_popcount(*metrics) <= KVS_MAX_FACTOR_METRICS;
}

static bool parse(int argc, char **argv, struct options *o, struct kvs_arguments *args)
{
	static const char *const families[] = { "pair", "all", NULL };
	struct kvs_settings *s = &o->study.settings;
	struct kvs_part *part = &o->study.part;
	const struct kvs_option rows[] = {
		KVS_OPTION(0, "baseline", "ARM",
			   "compare the others with ARM, not with the first",
			   .value = { .text = &o->study.baseline }),
		KVS_OPTION(0, "metric", "M,...",
			   "only these, so that p is corrected for fewer",
			   .value = { .take = take_metrics, .to = &s->metrics }),
		KVS_OPTION(0, "statistic", "S",
			   "what stands for a round or block: median (default), mean, or a "
			   "quantile such as 0.99",
			   .value = { .take = take_statistic, .to = &s->statistic }),
		KVS_OPTION(0, "family", "F",
			   "correct p for the tests of each pair or of all pairs: pair, all",
			   .value = { .choice = &o->family, .names = families },
			   .show_default = true),
		KVS_OPTION(0, "vm", "VM",
			   "only this VM: its name, or the PID of its process; PID.1 is "
			   "the second VM of that process",
			   .value = { .vm = &part->select.vm }),
		KVS_OPTION(0, "vcpu", "N", "only vCPUs of this number",
			   .value = { .number = &part->select.vcpu, .max = KVS_LAST_VCPU }),
		KVS_OPTION(0, "from", "TIME",
			   "only what was then or later: seconds since each recording, or a "
			   "round's window, began; or see below",
			   .value = { .when = &part->from, .most = KVS_RECORD_MAX_SECONDS }),
		KVS_OPTION(0, "to", "TIME", "and only before this",
			   .value = { .when = &part->to, .least = KVS_SHORTEST,
				      .most = KVS_RECORD_MAX_SECONDS }),
		KVS_OPTION(0, "guest-task", "NAME",
			   "in an experiment's folder: compare the guests' tasks of this name, too, "
			   "by what the guests recorded",
			   .value = { .text = &o->study.task }),
		KVS_OPTION(0, "factors", NULL,
			   "of an experiment: the effects of the host's policies and of those within "
			   "guests, and whether they depend on each other",
			   .value = { .flag = &o->study.by_factors }),
		KVS_OPTION(0, "seed", "N", "of drawn permutations and blocks, and of the power",
			   .value = { .number = &o->seed }, .show_default = true),
		KVS_OPTION(0, "histogram", "M,...",
			   "draw these metrics; none, all; default: slice, wait_preempted",
			   .value = { .take = take_histograms, .to = &o->histograms }),
		KVS_OPTION(0, "html", "PAGE",
			   "print nothing, but write a page for a browser into this file",
			   .value = { .text = &o->study.to }),
		KVS_OPTION(0, "json", NULL, "one JSON object, for programs",
			   .value = { .flag = &o->json }),
		{ }
	};
	const struct kvs_options options = {
		.command = "compare", .about = about, .rows = rows, .print_more = print_metrics,
	};

	if (!kvs_options_parse(&options, argc, argv, args))
		return false;
	s->seed = o->seed;
	s->all_pairs = o->family == 1;
	if (o->study.by_factors && !choose_factor_metrics(o))
		args->status = kvs_usage("compare", "--factors tests at most four metrics");
	else if (o->study.by_factors && o->study.to)
		args->status = kvs_usage("compare", "--html does not show --factors");
	else if (!args->nr)
		args->status = kvs_usage("compare", "which recordings?");
	else if (part->from.kind == KVS_WHEN_SINCE_BEGIN &&
		 part->to.kind == KVS_WHEN_SINCE_BEGIN && part->from.seconds >= part->to.seconds)
		args->status = kvs_usage("compare", "--from is not before --to");
	else if (o->json && o->study.to)
		args->status = kvs_usage("compare", "--html and --json are two commands");
	else
		return true;
	return false;
}

static bool put_page(FILE *f, void *ctx)
{
	const struct options *o = ctx;

	return kvs_study_page(f, &o->study, o->histograms, o->command);
}

static int show(struct options *o)
{
	bool ok = true;

	if (o->study.to)
		return kvs_picture_write(o->study.to, put_page, o) ? KVS_EXIT_OK : KVS_EXIT_FAILED;
	if (o->json)
		ok = kvs_study_json(&o->study);
	else
		kvs_study_text(&o->study, o->histograms);
	return kvs_flush("the comparison") && ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

int kvs_cmd_compare(int argc, char **argv)
{
	struct options o = {
		.study.settings = {
			.statistic = 0.5,
			.metrics = ALL_METRICS,
		},
		.study.part.select = { .vm = KVS_ANY_VM, .vcpu = -1 },
		.histograms = DEFAULT_HISTOGRAMS,
		.seed = 1,
	};
	int status = KVS_EXIT_FAILED;
	struct kvs_arguments args;

	setlocale(LC_CTYPE, "");
	o.command = kvs_options_command(argc, argv);
	if (!parse(argc, argv, &o, &args)) {
		free(o.command);
		return args.status;
	}
	if (kvs_study_load(&o.study, args.operands, args.nr))
		status = show(&o);
	free(o.command);
	kvs_study_free(&o.study);
	return status;
}
