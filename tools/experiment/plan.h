/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an experiment is: its arms, and which round of which arm comes when.
 */
#ifndef KVMSCHED_PLAN_H
#define KVMSCHED_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

/* What the threads of a vCPU get in an arm */
struct kvs_exp_setting {
	long vcpu;		/* -1: all vCPUs without a setting of their own */
	struct kvs_setting setting;
	char *policy, *cpus;	/* as written; NULL: left as they are */
};

/* A policy to be compared, with its name */
struct kvs_exp_arm {
	char *name;
	struct kvs_exp_setting *settings;
	size_t nr;
	struct kvs_knob_list knobs;
	char *guest;		/* the policy within the guests, for their hook; NULL: none */
	char *control_of;	/* the arm that this one repeats */
};

/* In which order the arms have their rounds, each one in each turn */
enum kvs_exp_order {
	KVS_EXP_SHUFFLED,	/* each turn has an order of its own, drawn by the seed */
	KVS_EXP_INTERLEAVED,	/* A B C A B C */
};
/* Their names in files and options, NULL at the end */
extern const char *const kvs_exp_orders[];

struct kvs_experiment {
	char *title;
	char **workload;	/* argv, NULL at the end; NULL: VMs that run */
	char **guest_hook;	/* argv likewise, see guest.c; NULL: none */
	char **guests;		/* files that the hook leaves, NULL at the end; NULL: none */
	struct kvs_selection select;
	long vcpus;		/* a round waits until there are this many; 0: until no more come */
	long rounds;		/* of each arm */
	unsigned int order;	/* enum kvs_exp_order */
	long seed;		/* 0: one is drawn */
	double warmup, phase, length;	/* seconds */
	char *events;		/* as `record -e` takes them */
	uint64_t memory;	/* ring of each CPU; 0: default */
	char *control;		/* arm that is repeated; NULL: the first, "none": none */
	long unrecorded;	/* rounds of the first arm without a recording */
	bool force;
	struct kvs_knob_list knobs;	/* of all arms */
	struct kvs_exp_arm *arms;
	size_t nr_arms;
	char *folder;
	bool quiet;
};

/* Limits that keep numbers sane; nobody waits for so long. */
#define KVS_EXP_MAX_ROUNDS	1000000
#define KVS_EXP_MAX_SECONDS	1e6

void kvs_experiment_init(struct kvs_experiment *e);	/* defaults */
void kvs_experiment_free(struct kvs_experiment *e);

/* file.c: false after a message. */
bool kvs_experiment_read(struct kvs_experiment *e, const char *path);

/*
 * Parts of an experiment, from options or FILE.  Each function returns NULL, or
 * a sentence about what is wrong, on the heap.  The first two are for
 * kvs_value_take().
 */
/* "NAME=POLICY[@CPUS]" to a struct kvs_experiment */
char *kvs_exp_arm_take(void *experiment, const char *text);
/* Event classes, checked, to a char * */
char *kvs_exp_events_take(void *events, const char *text);
char *kvs_exp_arm_add(struct kvs_experiment *e, const char *name, struct kvs_exp_arm **arm);
char *kvs_exp_setting_add(struct kvs_exp_arm *arm, long vcpu, const char *policy,
			  const char *cpus);

/* When all parts are there: adds the control arm.  False after a message. */
bool kvs_experiment_check(struct kvs_experiment *e);

struct kvs_exp_round {
	size_t arm;		/* index into the arms */
	bool recorded;
	double phase;		/* random seconds on top of the warm-up */
	uint32_t seed;		/* for the workload */
};

/* All rounds in their order; caller frees. */
struct kvs_exp_round *kvs_exp_plan(const struct kvs_experiment *e, size_t *nr);

#endif /* KVMSCHED_PLAN_H */
