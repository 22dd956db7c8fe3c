// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched experiment: rounds of a workload under several policies
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "compare/compare.h"
#include "experiment/experiment.h"

enum {
	OPT_ARM = 256, OPT_ROUNDS, OPT_SHUFFLE, OPT_SEED, OPT_WARMUP, OPT_PHASE,
	OPT_LENGTH, OPT_CONTROL, OPT_UNRECORDED, OPT_KNOB, OPT_VM, OPT_VCPUS,
	OPT_FORCE,
};

static void help(void)
{
	struct kvs_experiment d;

	kvs_experiment_init(&d);
	printf("usage: kvmsched experiment FILE [OPTIONS]\n"
	       "       kvmsched experiment --arm NAME=POLICY --arm NAME=POLICY... [OPTIONS]\n"
	       "                           [-- WORKLOAD [ARG...]]\n\n"
	       "Record rounds of a workload whose vCPU threads run under one policy after the\n"
	       "other.  FILE is YAML, see kvmsched-experiment(1); options go before it.  Without\n"
	       "WORKLOAD, the VMs that run are used.  `kvmsched compare FOLDER` tells the rest.\n\n"
	       "      --arm NAME=POLICY[@CPUS]  policy as in `kvmsched policy set`\n"
	       "      --rounds N       recorded rounds of each arm (default %ld, at least %d)\n"
	       "      --shuffle        in a random order, not A B C A B C...\n"
	       "      --seed N         of order, phases and workload (default %ld)\n"
	       "      --warmup S       seconds before a round is recorded (default %g)\n"
	       "      --phase S        and up to so many more, at random (default %g)\n"
	       "      --length S       seconds that are recorded (default %g)\n"
	       "      --control ARM    which arm is repeated as a control; none (default: the\n"
	       "                       first)\n"
	       "      --unrecorded N   rounds of the first arm without a recording (default %ld)\n"
	       "      --knob NAME=VALUE  a setting of the kernel, in all rounds (repeatable)\n"
	       "      --vm VM          only this VM that runs: PID, or PID.1 for its second\n"
	       "      --vcpus N        wait until the workload has so many\n"
	       "  -e, --events=CLASS,...  what to record, as in `kvmsched record`\n"
	       "  -m, --memory=SIZE    ring of each CPU, likewise\n"
	       "  -o, --output=FOLDER  results (default kvmsched.experiment); must not be there\n"
	       "      --force          even if an arm could lock the host up\n"
	       "  -q, --quiet          no progress\n"
	       "  -h, --help           this text\n",
	       d.rounds, KVS_MIN_ROUNDS, d.seed, d.warmup, d.phase, d.length, d.unrecorded);
}

static int take_seconds(const char *name, double *to)
{
	char *end;

	errno = 0;
	*to = strtod(optarg, &end);
	if (errno || end == optarg || *end || !(*to >= 0) || *to > 1e6)
		return kvs_usage("experiment", "%s takes a number of seconds, not '%s'", name, optarg);
	return 0;
}

static int take_long(const char *name, long min, long *to)
{
	if (kvs_parse_long(optarg, min, INT_MAX, to))
		return 0;
	return kvs_usage("experiment", "%s takes a number, not '%s'", name, optarg);
}

static int take_text(char **to)
{
	free(*to);
	*to = xstrdup(optarg);
	return 0;
}

static int take_option(struct kvs_experiment *e, int c)
{
	switch (c) {
	case OPT_ARM:
		return kvs_exp_arm_option(e, optarg) ? 0 : KVS_EXIT_USAGE;
	case OPT_KNOB:
		return kvs_exp_knob_option(&e->knobs, optarg) ? 0 : KVS_EXIT_USAGE;
	case OPT_ROUNDS:
		return take_long("--rounds", 1, &e->rounds);
	case OPT_SEED:
		return take_long("--seed", 0, &e->seed);
	case OPT_UNRECORDED:
		return take_long("--unrecorded", 0, &e->unrecorded);
	case OPT_VCPUS:
		return take_long("--vcpus", 1, &e->vcpus);
	case OPT_WARMUP:
		return take_seconds("--warmup", &e->warmup);
	case OPT_PHASE:
		return take_seconds("--phase", &e->phase);
	case OPT_LENGTH:
		return take_seconds("--length", &e->length);
	case OPT_CONTROL:
		return take_text(&e->control);
	case 'e':
		return take_text(&e->events);
	case 'o':
		return take_text(&e->folder);
	case 'm':
		return kvs_parse_size(optarg, &e->memory) ? 0 :
			kvs_usage("experiment", "'%s' is not a size; say e.g. 512K or 4M", optarg);
	case OPT_VM:
		return kvs_parse_vm(optarg, &e->select) ? 0 :
			kvs_usage("experiment", "--vm takes the PID of a VM's process, not '%s'", optarg);
	case OPT_SHUFFLE:
		e->shuffled = true;
		return 0;
	case OPT_FORCE:
		e->force = true;
		return 0;
	case 'q':
		e->quiet = true;
		return 0;
	}
	kvs_hint("see `kvmsched experiment --help`");
	return KVS_EXIT_USAGE;
}

static const struct option longs[] = {
	{ "arm", required_argument, NULL, OPT_ARM },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "shuffle", no_argument, NULL, OPT_SHUFFLE },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "warmup", required_argument, NULL, OPT_WARMUP },
	{ "phase", required_argument, NULL, OPT_PHASE },
	{ "length", required_argument, NULL, OPT_LENGTH },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "unrecorded", required_argument, NULL, OPT_UNRECORDED },
	{ "knob", required_argument, NULL, OPT_KNOB },
	{ "vm", required_argument, NULL, OPT_VM },
	{ "vcpus", required_argument, NULL, OPT_VCPUS },
	{ "events", required_argument, NULL, 'e' },
	{ "memory", required_argument, NULL, 'm' },
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

#define SHORTS	"e:m:o:qh"

/* FILE first, wherever it stands: what the options say goes before it. */
static int parse(int argc, char **argv, struct kvs_experiment *e, bool *helped)
{
	int c, ret;

	while ((c = getopt_long(argc, argv, SHORTS, longs, NULL)) != -1)
		if (c == '?' || c == 'h')
			break;
	*helped = c == 'h';
	if (c != -1)
		return *helped ? 0 : take_option(e, '?');
	/* getopt has moved FILE behind the options. */
	if (optind < argc && !kvs_experiment_read(e, argv[optind]))
		return KVS_EXIT_FAILED;
	if (optind + 1 < argc)
		return kvs_usage("experiment", "one FILE at a time; a WORKLOAD comes after --");
	optind = 0;
	while ((c = getopt_long(argc, argv, SHORTS, longs, NULL)) != -1) {
		ret = take_option(e, c);
		if (ret)
			return ret;
	}
	return 0;
}

static void take_workload(struct kvs_experiment *e, char **argv, size_t nr)
{
	e->workload = xcalloc(nr + 1, sizeof(*e->workload));
	for (size_t i = 0; i < nr; i++)
		e->workload[i] = xstrdup(argv[i]);
}

int kvs_cmd_experiment(int argc, char **argv)
{
	int end = argc, status;
	struct kvs_experiment e;
	bool helped;

	kvs_experiment_init(&e);
	for (int i = 1; i < argc && end == argc; i++)
		if (!strcmp(argv[i], "--"))
			end = i;
	status = parse(end, argv, &e, &helped);
	if (helped) {
		help();
	} else if (!status) {
		if (end < argc - 1)
			take_workload(&e, argv + end + 1, argc - end - 1);
		status = kvs_experiment_check(&e) ? kvs_experiment_run(&e) : KVS_EXIT_USAGE;
	}
	kvs_experiment_free(&e);
	return status;
}
