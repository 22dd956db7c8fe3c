// SPDX-License-Identifier: GPL-2.0-only
/*
 * What would lock the host up: RT threads that nothing throttles, running on
 * every CPU at the same time, so that no CPU is left for anything else.
 *
 * Whether they can is a matching: each thread to one of the CPUs of its
 * affinity, no CPU twice.  It is found by augmenting paths.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "policy/policy.h"

/* The matching so far */
struct seats {
	const struct kvs_hog *hogs;
	const struct kvs_cpus *online;
	int *taken_by;		/* by CPU: index into @hogs; -1: nobody */
	bool *tried;		/* by CPU: looked at for the present hog */
	size_t nr_cpus;
};

/* Gives @hog a CPU, if need be by moving another hog to a free CPU. */
static bool give_cpu(struct seats *s, int hog)
{
	for (size_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		if (s->tried[cpu] || !kvs_cpus_has(s->online, cpu) ||
		    !kvs_cpus_has(s->hogs[hog].cpus, cpu))
			continue;
		s->tried[cpu] = true;
		if (s->taken_by[cpu] < 0 || give_cpu(s, s->taken_by[cpu])) {
			s->taken_by[cpu] = hog;
			return true;
		}
	}
	return false;
}

static size_t count_cpu_numbers(const struct kvs_cpus *cpus)
{
	size_t cpu = KVS_MAX_CPUS;

	while (cpu && !kvs_cpus_has(cpus, cpu - 1))
		cpu--;
	return cpu;
}

bool kvs_guard_fills(const struct kvs_hog *hogs, size_t nr,
		     const struct kvs_cpus *online)
{
	struct seats s = { .hogs = hogs, .online = online, .nr_cpus = count_cpu_numbers(online) };
	size_t seated = 0;

	s.taken_by = xcalloc(s.nr_cpus, sizeof(*s.taken_by));
	s.tried = xcalloc(s.nr_cpus, sizeof(*s.tried));
	for (size_t cpu = 0; cpu < s.nr_cpus; cpu++)
		s.taken_by[cpu] = -1;
	for (size_t i = 0; i < nr; i++) {
		if (!kvs_policy_is_rt(hogs[i].attr->policy) &&
		    hogs[i].attr->policy != SCHED_DEADLINE)
			continue;
		memset(s.tried, 0, s.nr_cpus * sizeof(*s.tried));
		seated += give_cpu(&s, i);
	}
	free(s.taken_by);
	free(s.tried);
	return seated && seated >= kvs_cpus_count(online);
}

/* The value of a knob as @knobs will set it, or as it is; -2: it does not exist */
static long get_knob_value(const char *name, const struct kvs_knob_setting *knobs,
			   size_t nr)
{
	char *now = NULL;
	long value = -2;

	for (size_t i = 0; i < nr; i++)
		if (!strcmp(knobs[i].knob->name, name))
			now = xstrdup(knobs[i].value);
	if (!now)
		now = kvs_knob_get(kvs_knob_find(name));
	if (now && !kvs_parse_long(now, -1, INT64_MAX, &value))
		value = -2;
	free(now);
	return value;
}

/*
 * From Linux 6.12 on the fair server keeps time for SCHED_OTHER, which
 * sched_rt_runtime_us did before.  That sysctl still exists, but has no effect
 * on RT threads any more.
 */
struct kvs_throttling kvs_throttling(const struct kvs_knob_setting *knobs, size_t nr)
{
	long server = get_knob_value("fair_server_runtime_ns", knobs, nr);
	long runtime = get_knob_value("rt_runtime_us", knobs, nr);
	long period = get_knob_value("rt_period_us", knobs, nr);

	if (server >= 0)
		return (struct kvs_throttling){ true, server > 0,
					       "fair_server_runtime_ns" };
	if (runtime == -2)
		return (struct kvs_throttling){ .by = "nothing that can be read" };
	return (struct kvs_throttling){ true, runtime >= 0 && runtime < period,
				       "rt_runtime_us" };
}
