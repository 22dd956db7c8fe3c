// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread's policy and affinity.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/system.h"
#include "base/util.h"
#include "host/bpf-sched.h"
#include "policy/policy.h"

#define RESET_ON_FORK	0x01	/* SCHED_FLAG_RESET_ON_FORK */

bool kvs_policy_is_rt(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* --- text ------------------------------------------------------------- */

/* RUNTIME/DEADLINE[/PERIOD] */
static bool parse_deadline(const char *arg, struct kvs_attr *attr, const char **why)
{
	uint64_t *const parts[] = { &attr->runtime, &attr->deadline, &attr->period };
	unsigned int n = 0;
	double ns;

	*why = "deadline takes RUNTIME/DEADLINE[/PERIOD] with units, as in deadline:10ms/50ms/100ms";
	for (; arg && n < ARRAY_SIZE(parts); n++) {
		const char *slash = strchr(arg, '/');
		char *part = strndup(arg, slash ? (size_t)(slash - arg) : strlen(arg));
		bool ok = kvs_parse_time(part, &ns) && ns > 0;

		free(part);
		if (!ok)
			return false;
		*parts[n] = ns + 0.5;
		arg = slash ? slash + 1 : NULL;
	}
	if (arg || n < 2)
		return false;
	if (n == 2)
		attr->period = attr->deadline;
	*why = "deadline wants RUNTIME <= DEADLINE <= PERIOD";
	return attr->runtime <= attr->deadline && attr->deadline <= attr->period;
}

static bool parse_nice(const char *arg, struct kvs_attr *attr, const char **why)
{
	long nice = 0;

	*why = "nice is a number from -20 to 19, as in other:-5";
	if (arg && !kvs_parse_long(arg, -20, 19, &nice))
		return false;
	attr->nice = nice;
	return true;
}

static bool parse_priority(const char *arg, struct kvs_attr *attr, const char **why)
{
	long priority;

	*why = "it takes a priority from 1 to 99, as in rr:10";
	if (!arg || !kvs_parse_long(arg, 1, 99, &priority))
		return false;
	attr->priority = priority;
	return true;
}

static const struct {
	const char *name;
	int policy;
} names[] = {
	{ "other", SCHED_OTHER }, { "batch", SCHED_BATCH }, { "idle", SCHED_IDLE },
	{ "fifo", SCHED_FIFO }, { "rr", SCHED_RR }, { "deadline", SCHED_DEADLINE },
	{ "ext", SCHED_EXT },
	/* What SCHED_OTHER is called after its schedulers, understood only */
	{ "cfs", SCHED_OTHER }, { "eevdf", SCHED_OTHER },
};

bool kvs_policy_parse(const char *text, struct kvs_attr *attr, const char **why)
{
	const char *colon = strchr(text, ':'), *arg = colon ? colon + 1 : NULL;
	size_t len = colon ? (size_t)(colon - text) : strlen(text), i = 0;

	*attr = (struct kvs_attr){ .size = sizeof(*attr) };
	while (i < ARRAY_SIZE(names) &&
	       (strlen(names[i].name) != len || strncmp(text, names[i].name, len)))
		i++;
	if (i == ARRAY_SIZE(names)) {
		*why = "policies are other, batch, idle, fifo, rr, deadline and ext";
		return false;
	}
	attr->policy = names[i].policy;
	switch (attr->policy) {
	case SCHED_DEADLINE:
		return parse_deadline(arg, attr, why);
	case SCHED_FIFO:
	case SCHED_RR:
		return parse_priority(arg, attr, why);
	case SCHED_IDLE:
		*why = "idle takes no argument";
		return !arg;
	}
	return parse_nice(arg, attr, why);
}

const char *kvs_policy_text(const struct kvs_attr *attr)
{
	static char text[96];
	const char *name = "policy";

	for (size_t i = ARRAY_SIZE(names); i--;)
		if (names[i].policy == (int)attr->policy)
			name = names[i].name;
	switch (attr->policy) {
	case SCHED_DEADLINE:
		snprintf(text, sizeof(text), "%s:%gus/%gus/%gus", name,
			 attr->runtime / 1e3, attr->deadline / 1e3,
			 attr->period / 1e3);
		break;
	case SCHED_FIFO:
	case SCHED_RR:
		snprintf(text, sizeof(text), "%s:%u", name, attr->priority);
		break;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_EXT:
		snprintf(text, sizeof(text), "%s:%d", name, attr->nice);
		break;
	default:
		snprintf(text, sizeof(text), "%s", name);
	}
	return text;
}

bool kvs_cpus_parse(const char *list, struct kvs_cpus *cpus)
{
	char *copy = xstrdup(list), *next = copy, *item;
	bool ok = true;

	memset(cpus, 0, sizeof(*cpus));
	while (ok && (item = strsep(&next, ","))) {
		char *dash = strchr(item, '-');
		long from, to;

		if (dash)
			*dash++ = '\0';
		ok = kvs_parse_long(item, 0, KVS_MAX_CPUS - 1, &from);
		to = from;
		ok = ok && (!dash || kvs_parse_long(dash, from, KVS_MAX_CPUS - 1, &to));
		for (; ok && from <= to; from++)
			CPU_SET_S(from, sizeof(*cpus), cpus->set);
	}
	free(copy);
	return ok;
}

char *kvs_cpus_text(const struct kvs_cpus *cpus)
{
	char *text = xstrdup(""), *longer;

	for (size_t cpu = 0; cpu < KVS_MAX_CPUS; cpu++) {
		size_t first = cpu;

		if (!kvs_cpus_has(cpus, cpu))
			continue;
		while (cpu + 1 < KVS_MAX_CPUS && kvs_cpus_has(cpus, cpu + 1))
			cpu++;
		if (cpu > first)
			longer = xasprintf("%s%s%zu-%zu", text, *text ? "," : "", first, cpu);
		else
			longer = xasprintf("%s%s%zu", text, *text ? "," : "", cpu);
		free(text);
		text = longer;
	}
	return text;
}

size_t kvs_cpus_count(const struct kvs_cpus *cpus)
{
	return CPU_COUNT_S(sizeof(*cpus), cpus->set);
}

bool kvs_cpus_has(const struct kvs_cpus *cpus, size_t cpu)
{
	return CPU_ISSET_S(cpu, sizeof(*cpus), cpus->set);
}

bool kvs_cpus_online(struct kvs_cpus *cpus)
{
	char *list = kvs_read_line("/sys/devices/system/cpu/online");
	bool ok = list && kvs_cpus_parse(list, cpus);

	free(list);
	return ok;
}

/* --- threads ---------------------------------------------------------- */

/*
 * In /proc/TID/stat the name may hold blanks and parentheses: the fields are
 * counted from its last parenthesis on.
 */
bool kvs_thread_look(pid_t tid, struct kvs_thread *t)
{
	char *path = xasprintf("/proc/%d/stat", tid), *text = kvs_read_line(path);
	char *open = text ? strchr(text, '(') : NULL;
	char *close = text ? strrchr(text, ')') : NULL;
	unsigned long long starttime;
	bool ok = false;

	*t = (struct kvs_thread){ .tid = tid, .vcpu = -1 };
	/* State is field 3, starttime 22. */
	if (open && close && close > open &&
	    sscanf(close + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &t->state, &starttime) == 2) {
		t->pid = kvs_thread_number(tid, "Tgid");
		t->starttime = starttime;
		snprintf(t->comm, sizeof(t->comm), "%.*s", (int)(close - open - 1), open + 1);
		/* The thread may have ended between the two files. */
		ok = t->pid > 0;
	}
	free(text);
	free(path);
	return ok;
}

bool kvs_thread_same(const struct kvs_thread *thread)
{
	struct kvs_thread now;

	/* A zombie (Z) or dead thread (X) never runs again: its policy is irrelevant. */
	return kvs_thread_look(thread->tid, &now) && now.starttime == thread->starttime &&
	       now.pid == thread->pid && now.state != 'Z' && now.state != 'X';
}

/*
 * From Linux 6.12 on sched_getattr() returns the slice of a SCHED_OTHER thread
 * as its runtime, and setting a runtime fixes the slice for good.  Drop the
 * default slice, so that restoring the policy does not fix it.
 */
static void drop_default_slice(struct kvs_attr *attr)
{
	char *base = kvs_knob_get(kvs_knob_find("base_slice_ns"));
	long ns;

	if (!base || !kvs_parse_long(base, 0, INT64_MAX, &ns) ||
	    (uint64_t)ns == attr->runtime)
		attr->runtime = 0;
	free(base);
}

int kvs_thread_get(pid_t tid, struct kvs_attr *attr, struct kvs_cpus *cpus)
{
	memset(cpus, 0, sizeof(*cpus));
	if (kvs_attr_get(tid, attr))
		return -1;
	attr->size = sizeof(*attr);
	if (!kvs_policy_is_rt(attr->policy) && attr->policy != SCHED_DEADLINE)
		drop_default_slice(attr);
	return sched_getaffinity(tid, sizeof(*cpus), cpus->set);
}

int kvs_thread_set(pid_t tid, const struct kvs_setting *s)
{
	/*
	 * A SCHED_DEADLINE thread refuses a new affinity: set it before the
	 * thread becomes one, and after it has ceased to be one.
	 */
	bool late = s->has_policy && s->attr.policy != SCHED_DEADLINE;

	if (s->has_cpus && !late && sched_setaffinity(tid, sizeof(s->cpus), s->cpus.set))
		return -1;
	if (s->has_policy && syscall(SYS_sched_setattr, tid, &s->attr, 0))
		return -1;
	if (s->has_cpus && late && sched_setaffinity(tid, sizeof(s->cpus), s->cpus.set))
		return -1;
	return 0;
}

const char *kvs_thread_advice(int error, const struct kvs_setting *s)
{
	bool deadline = s->has_policy && s->attr.policy == SCHED_DEADLINE;
	bool ext = s->has_policy && s->attr.policy == SCHED_EXT;

	switch (error) {
	case EPERM:
		if (deadline && !geteuid())
			return "SCHED_DEADLINE wants a thread that may run on all CPUs of its root domain";
		return "it takes root, or CAP_SYS_NICE";
	case EACCES:
		if (ext)
			return "the BPF scheduler that is loaded does not take this thread";
		break;
	case EBUSY:
		return "the kernel's admission test says that the CPUs have no room for this SCHED_DEADLINE reservation";
	case EINVAL:
		if (ext && access(KVS_SCHED_EXT, F_OK))
			return "this kernel has no sched_ext (CONFIG_SCHED_CLASS_EXT, Linux 6.12 and later)";
		if (s->has_cpus)
			return "is one of these CPUs online, and allowed by its cpuset?";
		if (deadline)
			return "the kernel takes runtimes from 1 us, and periods within sched_deadline_period_{min,max}_us";
		return "does its control group have real-time runtime (cpu.rt_runtime_us)?";
	case ESRCH:
		return "the thread is gone";
	}
	return NULL;
}

int kvs_stay_above(unsigned int priority)
{
	struct kvs_setting s = {
		.has_policy = true,
		.attr = {
			.size = sizeof(s.attr), .policy = SCHED_FIFO,
			.priority = priority < 99 ? priority + 1 : 99,
			/* Commands that we start must not inherit it. */
			.flags = RESET_ON_FORK,
		},
	};

	return kvs_thread_set(0, &s);
}
