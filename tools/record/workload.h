/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * COMMAND of `kvmsched record -- COMMAND`: it waits until the recording runs.
 */
#ifndef KVMSCHED_WORKLOAD_H
#define KVMSCHED_WORKLOAD_H

#include <signal.h>
#include <sys/types.h>

struct kvs_workload {
	pid_t pid;	/* 0: there is none, or it has been waited for */
	int pidfd;	/* readable when it ends; -1: there is none */
	int go, failed;	/* pipes: it may run now; errno if it could not be run */
	int status;	/* exit status once it has ended, 128 + N for signal N */
};

/* Fork it with the signal mask @mask; -1 after a message. */
int kvs_workload_fork(struct kvs_workload *w, char **argv, const sigset_t *mask);

/* Let it run.  0, or the exit status for a command that can't, after a message. */
int kvs_workload_go(struct kvs_workload *w, const char *name);

void kvs_workload_signal(struct kvs_workload *w, int sig);

/* Has it ended?  Then its status is in @w.  With @block, wait for it. */
int kvs_workload_ended(struct kvs_workload *w, int block);

/* It never ran, or is none of ours any more. */
void kvs_workload_drop(struct kvs_workload *w);

#endif /* KVMSCHED_WORKLOAD_H */
