/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An experiment: rounds of a workload under several policies, one after the
 * other, each recorded.
 *
 *	plan.c		what was asked for, and which round comes when
 *	file.c		reads it from FILE (YAML, by libyaml)
 *	progress.c	time, signals and the progress line while it runs
 *	threads.c	the workload's vCPU threads, and the kernel's counts
 *	spawn.c		starts commands and the recorder, processes of ours
 *	guest.c		calls a command that knows the guests
 *	result.c	writes the folder's result.json
 *	round.c		runs one round
 *	experiment.c	runs all of them
 */
#ifndef KVMSCHED_EXPERIMENT_H
#define KVMSCHED_EXPERIMENT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "experiment/plan.h"
#include "experiment/progress.h"

/* --- threads.c -------------------------------------------------------- */

/* What the kernel counted for one thread, recorded or not */
struct kvs_exp_counts {
	uint64_t run_ns, wait_ns, nvcsw, nivcsw;
};

/* A vCPU thread at both ends of what counts of a round */
struct kvs_exp_witness {
	struct kvs_thread thread;
	struct kvs_exp_counts begin, end;
	bool starved;		/* runnable all the time, and never on a CPU */
};

bool kvs_exp_counts_read(pid_t tid, struct kvs_exp_counts *counts);
/* The vCPU threads of now.  @root not 0: only those of it and its descendants. */
void kvs_exp_threads(const struct kvs_experiment *e, pid_t root, struct kvs_threads *threads);
/* What each of @threads gets in @arm */
struct kvs_setting *kvs_exp_settings(const struct kvs_exp_arm *arm,
				     const struct kvs_threads *threads);

/* --- spawn.c ---------------------------------------------------------- */

/*
 * Each starts a process in a group of its own, and returns 0 after a message.
 * The command's output is added to the folder's file @stem.log.
 */
pid_t kvs_exp_spawn_command(const struct kvs_exp_run *run, char **argv, const char *stem);
pid_t kvs_exp_spawn_recorder(const struct kvs_experiment *e, const char *file);
/* True: the process has ended, with @status as a shell would give it. */
bool kvs_exp_reap(pid_t pid, int *status);

/* --- guest.c ---------------------------------------------------------- */

/*
 * Before and after what counts of a round, whose files have names that begin with @stem:
 * the guests get @arm's policy; their files come into the folder, and their names into
 * @files.  False after a message, or, at the beginning, when a signal came.
 */
bool kvs_exp_guest_begin(struct kvs_exp_run *run, const struct kvs_exp_arm *arm, const char *stem);
bool kvs_exp_guest_end(struct kvs_exp_run *run, const struct kvs_exp_arm *arm, const char *stem,
		       json_t *files);

/* --- round.c ---------------------------------------------------------- */

/* Runs one round.  False after a message, or when a signal came. */
bool kvs_exp_round(struct kvs_exp_run *run, const struct kvs_exp_round *round);

/* --- result.c --------------------------------------------------------- */

/* What there is of a round beside its recording */
struct kvs_exp_gains {
	/* The part of the recording that counts: when all was set, and nothing else ran */
	uint64_t begin_tsc, end_tsc;
	double seconds;
	json_t *knobs;		/* the kernel's settings in that part */
	json_t *guests;		/* names of files of the guests */
	struct kvs_exp_witness *witnesses;
	size_t nr_witnesses;
};

json_t *kvs_exp_round_json(const struct kvs_exp_run *run, const struct kvs_exp_round *round,
			   const char *file, const struct kvs_exp_gains *gains);
bool kvs_exp_result_write(const struct kvs_exp_run *run, bool complete);

/* --- experiment.c ----------------------------------------------------- */

/* Runs all rounds; returns the program's exit status. */
int kvs_experiment_run(struct kvs_experiment *e);

#endif /* KVMSCHED_EXPERIMENT_H */
