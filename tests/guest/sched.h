/* SPDX-License-Identifier: GPL-2.0-only */
/* Scheduling policy and affinity as the command line gives them. */
#ifndef GUEST_SCHED_H
#define GUEST_SCHED_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

struct sched_choice {
	bool policy_given;
	int policy;		/* SCHED_OTHER, SCHED_RR... */
	int priority;		/* rr and fifo */
	int nice;		/* other and batch */
	bool cpus_given;
	cpu_set_t cpus;
};

/* Both return 0, or -1 after saying on stderr what is wrong with @text. */
int sched_parse_policy(struct sched_choice *choice, const char *text);
int sched_parse_cpus(struct sched_choice *choice, const char *text);

/* Gives thread @tid (0: the caller) what was chosen; -1 after a message. */
int sched_apply(const struct sched_choice *choice, pid_t tid);

/* The @nth CPU of the list, counted round and round. */
int sched_nth_cpu(const struct sched_choice *choice, unsigned int nth);

/* Pins @tid to one CPU, or gives it SCHED_FIFO; -1 after a message. */
int sched_pin(pid_t tid, int cpu);
int sched_set_fifo(pid_t tid, int priority);

const char *sched_policy_name(int policy);

/* Decimal number in [min, max]; -1 after a message that names @what. */
int parse_number(const char *text, const char *what, unsigned long long min,
		 unsigned long long max, unsigned long long *value);

#endif
