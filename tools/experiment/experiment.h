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

struct exp_setting {
	long vcpu;		/* -1: all others */
	struct ks_setting setting;
	char *policy, *cpus;	/* as written; NULL: left as they are */
};

struct exp_knobs {
	struct ks_knob_setting *knobs;
	size_t nr;
};

struct exp_arm {
	char *name;
	struct exp_setting *settings;
	size_t nr;
	struct exp_knobs knobs;
	char *control_of;	/* the arm that this one repeats */
};

struct experiment {
	char *title;
	char **workload;	/* argv, NULL at the end; NULL: VMs that run */
	struct ks_selection select;
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
	struct exp_knobs knobs;	/* of all arms */
	struct exp_arm *arms;
	size_t nr_arms;
	char *folder;
	bool quiet;
};

void experiment_init(struct experiment *e);
void experiment_free(struct experiment *e);
/* Each false after a message. */
bool experiment_read(struct experiment *e, const char *path);
bool exp_arm_option(struct experiment *e, const char *arg);	/* NAME=POLICY[@CPUS] */
bool exp_knob_option(struct exp_knobs *knobs, const char *arg);	/* NAME=VALUE */
bool experiment_check(struct experiment *e);

/* file.c and options share these; false with a reason. */
struct exp_arm *exp_arm_add(struct experiment *e, const char *name);
bool exp_setting_add(struct exp_arm *arm, long vcpu, const char *policy,
		     const char *cpus, const char **why);
bool exp_knob_add(struct exp_knobs *knobs, const char *name, const char *value,
		  const char **why);

/* --- plan.c ------------------------------------------------ */

struct exp_round {
	size_t arm;
	bool recorded;
	double phase;		/* seconds beside the warm-up */
	uint32_t seed;		/* for the workload */
};

/* All rounds in their order; caller frees. */
struct exp_round *exp_plan(const struct experiment *e, size_t *nr);

/* --- threads.c --------------------------------------------- */

/* What the kernel counted for one thread */
struct exp_counts {
	uint64_t run_ns, wait_ns, nvcsw, nivcsw;
};

struct exp_witness {
	struct ks_thread thread;
	struct exp_counts begin, end;
	bool starved;		/* runnable all the time, and never on a CPU */
};

bool exp_counts_read(pid_t tid, struct exp_counts *counts);
/* The vCPU threads that there are now; those of @root and its children alone. */
void exp_threads(const struct experiment *e, pid_t root, struct ks_threads *threads);
/* What each of @threads gets in @arm */
struct ks_setting *exp_settings(const struct exp_arm *arm,
				const struct ks_threads *threads);

/* --- spawn.c ----------------------------------------------- */

/* Both 0 after a message.  Workload: its own process group, output to @log. */
pid_t exp_spawn_workload(char **argv, const char *log, const sigset_t *mask);
pid_t exp_spawn_recorder(const struct experiment *e, const char *file);
/* Has it ended?  Then its status, as the shell has it */
bool exp_reap(pid_t pid, int *status);

/* --- round.c ----------------------------------------------- */

struct exp_run {
	struct experiment *e;
	sigset_t signals, old;
	int signal;		/* that ended it; 0: none */
	unsigned int above;	/* RT priority of the arms; 0: none is RT */
	json_t *rounds;
	/* Progress */
	struct exp_round *plan;
	size_t nr_rounds, at;
	double begin;
	bool terminal;
};

double exp_now(void);
/* Sleeps; true when a signal ended it. */
bool exp_sleep(struct exp_run *run, double seconds);
void exp_progress(struct exp_run *run, const char *doing);
/* False after a message, or when a signal came. */
bool exp_round(struct exp_run *run, const struct exp_round *round);

/* --- result.c ---------------------------------------------- */

/* What counts of a recording */
struct exp_window {
	uint64_t begin_tsc, end_tsc;
	double seconds;
};

json_t *exp_round_json(const struct exp_run *run, const struct exp_round *round,
		       const char *file, const struct exp_window *window,
		       json_t *knobs, const struct exp_witness *witnesses, size_t nr);
bool exp_result_write(const struct exp_run *run, bool complete);

/* --- experiment.c ----------------------------------------------------- */

/* Returns the program's exit status. */
int experiment_run(struct experiment *e);

#endif /* KVMSCHED_EXPERIMENT_H */
