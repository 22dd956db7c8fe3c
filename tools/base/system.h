/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel tells about threads, modules and the time.
 */
#ifndef KVMSCHED_SYSTEM_H
#define KVMSCHED_SYSTEM_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Seconds of CLOCK_MONOTONIC */
double kvs_now(void);

bool kvs_module_loaded(const char *name);

/* The number in line "@field:" of /proc/TID/status; -1: no such thread or line */
long kvs_thread_number(pid_t tid, const char *field);

/* struct sched_attr of linux/sched/types.h, as far as it is needed here */
struct kvs_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;	/* ns */
};

/* sched_getattr(2), for which the C library has no wrapper; -1 with errno set */
int kvs_attr_get(pid_t tid, struct kvs_attr *attr);

/* Blocks the signals that end a program, to be waited for. */
void kvs_block_signals(sigset_t *blocked, sigset_t *old);

#endif /* KVMSCHED_SYSTEM_H */
