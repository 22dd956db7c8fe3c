/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An experiment: rounds of a workload under several policies, one after the
 * other, each recorded.
 *
 *	file.c    FILE (YAML, by libyaml) to struct experiment
 *	plan.c    which round comes when; pure
 *	threads.c the workload's vCPU threads, and the kernel's counts
 *	spawn.c   workload and recorder, two processes of ours
 *	round.c   one round
 *	result.c  the folder's result.json
 *	experiment.c	     all of it, with signals and progress
 */
#ifndef KVMSCHED_EXPERIMENT_H
#define KVMSCHED_EXPERIMENT_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/policy.h"

struct kvs_exp_setting {
	long vcpu;		/* -1: all others */
	struct kvs_setting setting;
	char *policy, *cpus;	/* as written; NULL: left as they are */
};

struct kvs_exp_arm {
	char *name;
	struct kvs_exp_setting *settings;
	size_t nr;
	struct kvs_knob_list knobs;
	char *control_of;	/* the arm that this one repeats */
};

struct kvs_experiment {
	char *title;
	char **workload;	/* argv, NULL at the end; NULL: VMs that run */
	struct kvs_selection select;
	long vcpus;		/* wait for so many; 0: until no more come */
	long rounds;		/* of each arm */
	bool shuffled;
	long seed;
	double warmup, phase, length;	/* seconds */
	char *events;		/* as `record -e` takes them */
	uint64_t memory;	/* ring of each CPU; 0: default */
	char *control;		/* arm to repeat; NULL: the first, "none": none */
	long unrecorded;	/* rounds without a recording */
	bool force;
	struct kvs_knob_list knobs;	/* of all arms */
	struct kvs_exp_arm *arms;
	size_t nr_arms;
	char *folder;
	bool quiet;
};

void kvs_experiment_init(struct kvs_experiment *e);
void kvs_experiment_free(struct kvs_experiment *e);
/* Each false after a message. */
bool kvs_experiment_read(struct kvs_experiment *e, const char *path);
bool kvs_experiment_check(struct kvs_experiment *e);

/*
 * What options and FILE add.  They return NULL, or a sentence about what is
 * wrong, on the heap.
 */
/* "NAME=POLICY[@CPUS]" to a struct kvs_experiment, as kvs_value_take() does. */
char *kvs_exp_arm_take(void *experiment, const char *text);
char *kvs_exp_events_take(void *events, const char *text);	/* to a char * */
char *kvs_exp_arm_add(struct kvs_experiment *e, const char *name, struct kvs_exp_arm **arm);
char *kvs_exp_setting_add(struct kvs_exp_arm *arm, long vcpu, const char *policy,
			  const char *cpus);

/* The most rounds of an arm: more would take weeks. */
#define KVS_EXP_MAX_ROUNDS	1000000
#define KVS_EXP_MAX_SECONDS	1e6

/* --- plan.c ------------------------------------------------ */

struct kvs_exp_round {
	size_t arm;
	bool recorded;
	double phase;		/* seconds beside the warm-up */
	uint32_t seed;		/* for the workload */
};

/* All rounds in their order; caller frees. */
struct kvs_exp_round *kvs_exp_plan(const struct kvs_experiment *e, size_t *nr);

/* --- threads.c --------------------------------------------- */

/* What the kernel counted for one thread */
struct kvs_exp_counts {
	uint64_t run_ns, wait_ns, nvcsw, nivcsw;
};

struct kvs_exp_witness {
	struct kvs_thread thread;
	struct kvs_exp_counts begin, end;
	bool starved;		/* runnable all the time, and never on a CPU */
};

bool kvs_exp_counts_read(pid_t tid, struct kvs_exp_counts *counts);
/* The vCPU threads that there are now; those of @root and its children alone. */
void kvs_exp_threads(const struct kvs_experiment *e, pid_t root, struct kvs_threads *threads);
/* What each of @threads gets in @arm */
struct kvs_setting *kvs_exp_settings(const struct kvs_exp_arm *arm,
				     const struct kvs_threads *threads);

/* --- spawn.c ----------------------------------------------- */

/* Both 0 after a message.  Workload: its own process group, output to @log. */
pid_t kvs_exp_spawn_workload(char **argv, const char *log, const sigset_t *mask);
pid_t kvs_exp_spawn_recorder(const struct kvs_experiment *e, const char *file);
/* Has it ended?  Then its status, as the shell has it */
bool kvs_exp_reap(pid_t pid, int *status);

/* --- round.c ----------------------------------------------- */

struct kvs_exp_run {
	struct kvs_experiment *e;
	sigset_t signals, old;
	int signal;		/* that ended it; 0: none */
	unsigned int above;	/* RT priority of the arms; 0: none is RT */
	json_t *rounds;
	/* Progress */
	struct kvs_exp_round *plan;
	size_t nr_rounds, at;
	double begin;
	bool terminal;
};

double kvs_exp_now(void);
/* Sleeps; true when a signal ended it. */
bool kvs_exp_sleep(struct kvs_exp_run *run, double seconds);
void kvs_exp_progress(struct kvs_exp_run *run, const char *doing);
/* False after a message, or when a signal came. */
bool kvs_exp_round(struct kvs_exp_run *run, const struct kvs_exp_round *round);

/* --- result.c ---------------------------------------------- */

/* What counts of a recording */
struct kvs_exp_window {
	uint64_t begin_tsc, end_tsc;
	double seconds;
};

json_t *kvs_exp_round_json(const struct kvs_exp_run *run, const struct kvs_exp_round *round,
			   const char *file, const struct kvs_exp_window *window,
			   json_t *knobs, const struct kvs_exp_witness *witnesses, size_t nr);
bool kvs_exp_result_write(const struct kvs_exp_run *run, bool complete);

/* --- experiment.c ----------------------------------------------------- */

/* Returns the program's exit status. */
int kvs_experiment_run(struct kvs_experiment *e);

#endif /* KVMSCHED_EXPERIMENT_H */
