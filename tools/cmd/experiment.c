// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched experiment: rounds of a workload under several policies
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "compare/compare.h"
#include "experiment/experiment.h"
#include "host/device.h"

static const char about[] =
	"usage: kvmsched experiment FILE [OPTIONS]\n"
	"       kvmsched experiment --arm NAME=POLICY --arm NAME=POLICY... [OPTIONS]\n"
	"                           [-- WORKLOAD [ARG...]]\n\n"
	"Record rounds of a workload whose vCPU threads run under one policy after the\n"
	"other.  FILE is YAML, see kvmsched-experiment(1); options go before it.  Without\n"
	"WORKLOAD, the VMs that run are used.  `kvmsched compare FOLDER` tells the rest.\n";

/*
 * FILE first, wherever it stands among the options, and then the options: what
 * they say goes before it.
 */
static bool take_arguments(const struct kvs_options *options, int argc, char **argv,
			   struct kvs_experiment *e, struct kvs_arguments *args)
{
	if (!kvs_options_check(options, argc, argv, args))
		return false;
	if (args->nr > 1) {
		args->status = kvs_usage("experiment", "one FILE at a time; a WORKLOAD comes after --");
		return false;
	}
	if (args->nr && !kvs_experiment_read(e, args->operands[0])) {
		args->status = KVS_EXIT_FAILED;
		return false;
	}
	return kvs_options_take(options, args);
}

static bool parse(int argc, char **argv, struct kvs_experiment *e, struct kvs_arguments *args)
{
	const struct kvs_option rows[] = {
		KVS_OPTION(0, "arm", "NAME=POLICY[@CPUS]",
			   "policy as in `kvmsched policy set`",
			   .value = { .take = kvs_exp_arm_take, .to = e }),
		KVS_OPTION(0, "rounds", "N",
			   "recorded rounds of each arm, at least " KVS_STRING(KVS_MIN_ROUNDS)
			   " for a verdict",
			   .value = { .number = &e->rounds, .min = 1, .max = KVS_EXP_MAX_ROUNDS },
			   .show_default = true),
		KVS_OPTION(0, "order", "ORDER", "of the arms in each turn",
			   .value = { .choice = &e->order, .names = kvs_exp_orders },
			   .show_default = true),
		KVS_OPTION(0, "seed", "N",
			   "of order, phases and workload; 0: another one each time",
			   .value = { .number = &e->seed }, .show_default = true),
		KVS_OPTION(0, "warmup", "SECONDS", "from the change of policy to what counts",
			   .value = { .seconds = &e->warmup, .most = KVS_EXP_MAX_SECONDS },
			   .show_default = true),
		KVS_OPTION(0, "phase", "SECONDS", "up to so many more seconds, at random",
			   .value = { .seconds = &e->phase, .most = KVS_EXP_MAX_SECONDS },
			   .show_default = true),
		KVS_OPTION(0, "length", "SECONDS", "that count of each round",
			   .value = { .seconds = &e->length, .least = KVS_SHORTEST,
				     .most = KVS_EXP_MAX_SECONDS },
			   .show_default = true),
		KVS_OPTION(0, "control", "ARM",
			   "which arm is repeated as a control; none (default: the first)",
			   .value = { .copy = &e->control }),
		KVS_OPTION(0, "unrecorded", "N",
			   "rounds of the first arm without a recording",
			   .value = { .number = &e->unrecorded, .max = KVS_EXP_MAX_ROUNDS },
			   .show_default = true),
		KVS_OPTION(0, "knob", "NAME=VALUE",
			   "a setting of the kernel, in all rounds (repeatable)",
			   .value = { .take = kvs_knob_take, .to = &e->knobs }),
		KVS_OPTION(0, "vm", "VM",
			   "only this VM that runs: its name, its PID, or PID.1 for the second of that process",
			   .value = { .vm = &e->select.vm }),
		KVS_OPTION(0, "vcpus", "N", "wait until the workload has so many",
			   .value = { .number = &e->vcpus, .min = 1, .max = KVS_LAST_VCPU }),
		KVS_OPTION('e', "events", "CLASS,...",
			   "what to record, as in `kvmsched record`",
			   .value = { .take = kvs_exp_events_take, .to = &e->events }),
		KVS_OPTION('m', "memory", "SIZE", "ring of each CPU, likewise",
			   .value = { .size = &e->memory, .largest = KVS_MAX_RING }),
		KVS_OPTION('o', "output", "FOLDER",
			   "results (default kvmsched.experiment); new, or empty",
			   .value = { .copy = &e->folder }),
		KVS_OPTION(0, "force", NULL, "even if an arm could lock the host up",
			   .value = { .flag = &e->force }),
		KVS_OPTION('q', "quiet", NULL, "no progress",
			   .value = { .flag = &e->quiet }),
		{ }
	};
	const struct kvs_options options = {
		.command = "experiment", .about = about, .rows = rows,
		.operands = KVS_OPERANDS_COMMAND,
	};

	return take_arguments(&options, argc, argv, e, args);
}

static char **copy_words(char *const *words)
{
	size_t nr = 0;
	char **copy;

	while (words[nr])
		nr++;
	copy = xcalloc(nr + 1, sizeof(*copy));
	for (size_t i = 0; i < nr; i++)
		copy[i] = xstrdup(words[i]);
	return copy;
}

int kvs_cmd_experiment(int argc, char **argv)
{
	struct kvs_arguments args;
	struct kvs_experiment e;
	int status;

	kvs_experiment_init(&e);
	if (!parse(argc, argv, &e, &args)) {
		status = args.status;
	} else {
		if (args.command)
			e.workload = copy_words(args.command);
		status = kvs_experiment_check(&e) ? kvs_experiment_run(&e) : KVS_EXIT_USAGE;
	}
	kvs_experiment_free(&e);
	return status;
}
