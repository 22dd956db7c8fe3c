// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "sched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct policy_name {
	const char *text;
	const char *kernel;
	int policy;
	bool has_priority;
	bool has_nice;
} policies[] = {
	{ "other", "SCHED_OTHER", SCHED_OTHER, false, true },
	{ "batch", "SCHED_BATCH", SCHED_BATCH, false, true },
	{ "idle", "SCHED_IDLE", SCHED_IDLE, false, false },
	{ "rr", "SCHED_RR", SCHED_RR, true, false },
	{ "fifo", "SCHED_FIFO", SCHED_FIFO, true, false },
	/* Newer than the headers of the oldest distribution */
	{ "ext", "SCHED_EXT", 7, false, true },
};

#define N_POLICIES (sizeof(policies) / sizeof(policies[0]))

int parse_number(const char *text, const char *what, unsigned long long min,
		 unsigned long long max, unsigned long long *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno ||
	    *value < min || *value > max) {
		fprintf(stderr, "%s: \"%s\" is not a number from %llu to %llu\n",
			what, text, min, max);
		return -1;
	}
	return 0;
}

static int parse_nice(struct sched_choice *choice, const char *text)
{
	char *end;
	long nice = strtol(text, &end, 10);

	if (end == text || *end || nice < -20 || nice > 19) {
		fprintf(stderr, "nice value \"%s\" is not a number from -20 to 19\n",
			text);
		return -1;
	}
	choice->nice = (int)nice;
	return 0;
}

static int parse_priority(struct sched_choice *choice, const char *text)
{
	unsigned long long value;

	if (parse_number(text, "priority", 1, 99, &value))
		return -1;
	choice->priority = (int)value;
	return 0;
}

int sched_parse_policy(struct sched_choice *choice, const char *text)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	const struct policy_name *p;

	for (p = policies; p < policies + N_POLICIES; p++)
		if (strlen(p->text) == len && !strncmp(p->text, text, len))
			break;
	if (p == policies + N_POLICIES) {
		fprintf(stderr, "policy \"%s\" is none of other[:NICE], batch[:NICE], idle, ext[:NICE], rr:PRIO, fifo:PRIO\n",
			text);
		return -1;
	}
	choice->policy_given = true;
	choice->policy = p->policy;
	if (p->has_priority && !colon) {
		fprintf(stderr, "policy %s needs a priority, for example %s:10\n",
			p->text, p->text);
		return -1;
	}
	if (!colon)
		return 0;
	if (p->has_priority)
		return parse_priority(choice, colon + 1);
	if (p->has_nice)
		return parse_nice(choice, colon + 1);
	fprintf(stderr, "policy %s takes no value\n", p->text);
	return -1;
}

/* One "a" or "a-b" of the list; advances @text beyond it. */
static int parse_range(struct sched_choice *choice, const char **text)
{
	char *end;
	unsigned long first, last;

	if (**text < '0' || **text > '9')
		return -1;
	first = last = strtoul(*text, &end, 10);
	if (*end == '-') {
		*text = end + 1;
		if (**text < '0' || **text > '9')
			return -1;
		last = strtoul(*text, &end, 10);
	}
	if (last < first || last >= CPU_SETSIZE)
		return -1;
	for (; first <= last; first++)
		CPU_SET(first, &choice->cpus);
	*text = end;
	return 0;
}

int sched_parse_cpus(struct sched_choice *choice, const char *text)
{
	const char *rest = text;

	CPU_ZERO(&choice->cpus);
	for (;;) {
		if (parse_range(choice, &rest))
			break;
		if (!*rest) {
			choice->cpus_given = true;
			return 0;
		}
		if (*rest++ != ',')
			break;
	}
	fprintf(stderr, "CPU list \"%s\" is not of the form 0,2-3 (numbers below %d)\n",
		text, CPU_SETSIZE);
	return -1;
}

int sched_nth_cpu(const struct sched_choice *choice, unsigned int nth)
{
	int cpu = -1;

	nth %= (unsigned int)CPU_COUNT(&choice->cpus);
	do {
		cpu++;
		if (CPU_ISSET(cpu, &choice->cpus) && !nth--)
			return cpu;
	} while (cpu < CPU_SETSIZE - 1);
	return -1;
}

static int set_affinity(pid_t tid, const cpu_set_t *set)
{
	if (!sched_setaffinity(tid, sizeof(*set), set))
		return 0;
	fprintf(stderr, "cannot set the affinity of thread %d: %s%s\n", tid,
		strerror(errno),
		errno == EINVAL ? " (is such a CPU online?)" : "");
	return -1;
}

int sched_pin(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return set_affinity(tid, &set);
}

static int set_policy(pid_t tid, int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (!sched_setscheduler(tid, policy, &param))
		return 0;
	fprintf(stderr, "cannot give thread %d policy %s: %s%s\n", tid,
		sched_policy_name(policy), strerror(errno),
		errno == EPERM ? " (run as root or with CAP_SYS_NICE)" : "");
	return -1;
}

int sched_set_fifo(pid_t tid, int priority)
{
	return set_policy(tid, SCHED_FIFO, priority);
}

int sched_apply(const struct sched_choice *choice, pid_t tid)
{
	if (choice->cpus_given && set_affinity(tid, &choice->cpus))
		return -1;
	if (!choice->policy_given)
		return 0;
	if (set_policy(tid, choice->policy, choice->priority))
		return -1;
	if (choice->nice && setpriority(PRIO_PROCESS, (id_t)tid, choice->nice)) {
		fprintf(stderr, "cannot give thread %d nice %d: %s\n", tid,
			choice->nice, strerror(errno));
		return -1;
	}
	return 0;
}

const char *sched_policy_name(int policy)
{
	const struct policy_name *p;

	for (p = policies; p < policies + N_POLICIES; p++)
		if (p->policy == policy)
			return p->kernel;
	return "?";
}
