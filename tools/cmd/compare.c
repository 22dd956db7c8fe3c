// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched compare: what differs between recordings under different policies
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "compare/compare.h"

enum {
	OPT_JSON = 256, OPT_BASELINE, OPT_METRIC, OPT_STATISTIC, OPT_FAMILY,
	OPT_SEED, OPT_HISTOGRAM,
};

#define DEFAULT_HISTOGRAMS	(1U << KVS_M_SLICE | 1U << KVS_M_WAIT_PREEMPTED)

struct options {
	struct kvs_study study;
	unsigned int histograms;
	bool json, help;
};

static void help(void)
{
	printf("usage: kvmsched compare [OPTIONS] A.dat B.dat [C.dat...]\n"
	       "       kvmsched compare [OPTIONS] NAME=FILE NAME=FILE...\n"
	       "       kvmsched compare [OPTIONS] FOLDER\n\n"
	       "Compare what vCPUs got under different policies: each recording with the first,\n"
	       "the rounds of named arms, or the arms of an experiment's result folder.\n\n"
	       "      --baseline ARM    compare the others with ARM, not with the first\n"
	       "      --metric M,...    only these, so that p is corrected for fewer\n"
	       "      --statistic S     what stands for a round or block: median (default),\n"
	       "                        mean, or a quantile such as 0.99\n"
	       "      --family F        correct p for the tests of each pair (default) or of\n"
	       "                        all pairs: pair, all\n"
	       "      --seed N          of drawn permutations and of the power (default 1)\n"
	       "      --histogram M,... draw these metrics; none, all; default: slice,\n"
	       "                        wait_preempted\n"
	       "      --json            one JSON object, for programs\n"
	       "  -h, --help            this text\n\nMetrics:\n");
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++)
		printf("  %-20s%s%s\n", kvs_metrics[m].name, kvs_metrics[m].what,
		       kvs_metrics[m].better == KVS_DIR_LOWER ? "; lower is better" :
		       kvs_metrics[m].better == KVS_DIR_HIGHER ? "; higher is better" : "");
}

static bool parse_metrics(const char *list, unsigned int *mask)
{
	char *copy = xstrdup(list), *next = copy, *name;
	bool ok = true;

	*mask = 0;
	while (ok && (name = strsep(&next, ","))) {
		unsigned int m = 0;

		while (m < KVS_NR_METRICS && strcmp(kvs_metrics[m].name, name))
			m++;
		ok = m < KVS_NR_METRICS;
		if (ok)
			*mask |= 1U << m;
		else
			kvs_usage("compare", "there is no metric '%s'", name);
	}
	free(copy);
	return ok;
}

static bool parse_histograms(const char *list, unsigned int *mask)
{
	if (!strcmp(list, "none"))
		*mask = 0;
	else if (!strcmp(list, "all"))
		*mask = (1U << KVS_NR_METRICS) - 1;
	else
		return parse_metrics(list, mask);
	return true;
}

static bool parse_statistic(const char *s, double *statistic)
{
	char *end;

	if (!strcmp(s, "median") || !strcmp(s, "mean")) {
		*statistic = s[2] == 'd' ? 0.5 : KVS_STATISTIC_MEAN;
		return true;
	}
	errno = 0;
	*statistic = strtod(s, &end);
	return !errno && end != s && !*end && *statistic > 0 && *statistic <= 1;
}

static int take_option(struct options *o, int c)
{
	struct kvs_settings *s = &o->study.settings;
	long seed;

	switch (c) {
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_BASELINE:
		o->study.baseline = optarg;
		return 0;
	case OPT_METRIC:
		return parse_metrics(optarg, &s->metrics) ? 0 : KVS_EXIT_USAGE;
	case OPT_HISTOGRAM:
		return parse_histograms(optarg, &o->histograms) ? 0 : KVS_EXIT_USAGE;
	case OPT_STATISTIC:
		if (parse_statistic(optarg, &s->statistic))
			return 0;
		return kvs_usage("compare", "--statistic takes median, mean or a quantile up to 1, not '%s'", optarg);
	case OPT_FAMILY:
		s->all_pairs = !strcmp(optarg, "all");
		if (s->all_pairs || !strcmp(optarg, "pair"))
			return 0;
		return kvs_usage("compare", "--family takes pair or all, not '%s'", optarg);
	case OPT_SEED:
		if (!kvs_parse_long(optarg, 0, LONG_MAX, &seed))
			return kvs_usage("compare", "--seed takes a number, not '%s'", optarg);
		s->seed = seed;
		return 0;
	}
	kvs_hint("see `kvmsched compare --help`");
	return KVS_EXIT_USAGE;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		{ "baseline", required_argument, NULL, OPT_BASELINE },
		{ "metric", required_argument, NULL, OPT_METRIC },
		{ "statistic", required_argument, NULL, OPT_STATISTIC },
		{ "family", required_argument, NULL, OPT_FAMILY },
		{ "seed", required_argument, NULL, OPT_SEED },
		{ "histogram", required_argument, NULL, OPT_HISTOGRAM },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c, ret;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h') {
			o->help = true;
			return 0;
		}
		ret = take_option(o, c);
		if (ret)
			return ret;
	}
	if (optind == argc)
		return kvs_usage("compare", "which recordings?");
	return 0;
}

static int show(const struct options *o)
{
	bool ok = true;

	if (o->json)
		ok = kvs_study_json(&o->study);
	else
		kvs_study_text(&o->study, o->histograms);
	if (ok && !fflush(stdout) && !ferror(stdout))
		return KVS_EXIT_OK;
	kvs_errno("can't write the comparison");
	return KVS_EXIT_FAILED;
}

int kvs_cmd_compare(int argc, char **argv)
{
	struct options o = {
		.study.settings = {
			.statistic = 0.5, .seed = 1,
			.metrics = (1U << KVS_NR_METRICS) - 1,
		},
		.histograms = DEFAULT_HISTOGRAMS,
	};
	int status;

	setlocale(LC_CTYPE, "");
	status = parse(argc, argv, &o);
	if (status)
		return status;
	if (o.help) {
		help();
		return KVS_EXIT_OK;
	}
	status = KVS_EXIT_FAILED;
	if (kvs_study_load(&o.study, argv + optind, argc - optind))
		status = show(&o);
	kvs_study_free(&o.study);
	return status;
}
