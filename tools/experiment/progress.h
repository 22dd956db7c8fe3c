/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An experiment while it runs: time, signals, and what the user sees.
 */
#ifndef KVMSCHED_PROGRESS_H
#define KVMSCHED_PROGRESS_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "experiment/plan.h"

struct kvs_exp_run {
	struct kvs_experiment *e;
	sigset_t signals;	/* blocked here, taken by kvs_exp_sleep() */
	sigset_t old;		/* mask of before, for the workload */
	int signal;		/* that ended the experiment; 0: none */
	unsigned int above;	/* highest RT priority of the arms; 0: none is RT */
	int folder;		/* descriptor of the results' folder; -1: not open */
	json_t *rounds;		/* results so far */
	struct kvs_exp_round *plan;
	size_t nr_rounds;
	size_t at;		/* the round that runs, index into @plan */
	double begin;		/* of the first round, in seconds of kvs_now() */
	bool terminal;		/* the progress line is overwritten in place */
};

/* Sleeps.  True: a signal ended it. */
bool kvs_exp_sleep(struct kvs_exp_run *run, double seconds);
/* Shows which round runs, what it is @doing, and how long all will take. */
void kvs_exp_progress(struct kvs_exp_run *run, const char *doing);

#endif /* KVMSCHED_PROGRESS_H */
