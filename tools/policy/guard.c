// SPDX-License-Identifier: GPL-2.0-only
/*
 * What would lock the host up: threads that nothing throttles, on every CPU.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "policy/policy.h"

/* Which hog has a CPU; -1: none */
struct seats {
	const struct kvs_hog *hogs;
	const struct kvs_cpus *online;
	int *taken_by;
	bool *tried;
	size_t nr_cpus;
};

/* Give @hog a CPU, if need be by moving another to a CPU that is free. */
static bool seat(struct seats *s, int hog)
{
	for (size_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		if (s->tried[cpu] || !kvs_cpus_has(s->online, cpu) ||
		    !kvs_cpus_has(s->hogs[hog].cpus, cpu))
			continue;
		s->tried[cpu] = true;
		if (s->taken_by[cpu] < 0 || seat(s, s->taken_by[cpu])) {
			s->taken_by[cpu] = hog;
			return true;
		}
	}
	return false;
}

static size_t highest(const struct kvs_cpus *cpus)
{
	size_t cpu = KVS_MAX_CPUS;

	while (cpu && !kvs_cpus_has(cpus, cpu - 1))
		cpu--;
	return cpu;
}

bool kvs_guard_fills(const struct kvs_hog *hogs, size_t nr,
		     const struct kvs_cpus *online)
{
	struct seats s = { .hogs = hogs, .online = online, .nr_cpus = highest(online) };
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
		seated += seat(&s, i);
	}
	free(s.taken_by);
	free(s.tried);
	return seated && seated >= kvs_cpus_count(online);
}

/* A knob as it will be; -2: this kernel has none */
static long knob_value(const char *name, const struct kvs_knob_setting *knobs,
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
 * From 6.12 on the fair server does what sched_rt_runtime_us did; the sysctl is
 * still there, and without effect on RT threads.
 */
struct kvs_throttling kvs_throttling(const struct kvs_knob_setting *knobs, size_t nr)
{
	long server = knob_value("fair_server_runtime_ns", knobs, nr);
	long runtime = knob_value("rt_runtime_us", knobs, nr);
	long period = knob_value("rt_period_us", knobs, nr);

	if (server >= 0)
		return (struct kvs_throttling){ true, server > 0,
					       "fair_server_runtime_ns" };
	if (runtime == -2)
		return (struct kvs_throttling){ .by = "nothing that can be read" };
	return (struct kvs_throttling){ true, runtime >= 0 && runtime < period,
				       "rt_runtime_us" };
}
