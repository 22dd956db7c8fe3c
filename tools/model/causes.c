// SPDX-License-Identifier: GPL-2.0-only
/*
 * Causes of lateness.
 */
#include <stddef.h>

#include "base/base.h"
#include "model/causes.h"

static const char *const causes[] = {
	[KVS_CAUSE_TIMER] = "timer late", [KVS_CAUSE_WAIT] = "vCPU descheduled",
	[KVS_CAUSE_USER] = "in userspace", [KVS_CAUSE_HOST] = "host at work",
	[KVS_CAUSE_GUEST] = "waiting for an exit", [KVS_CAUSE_SLEEP] = "asleep, to be woken",
	[KVS_CAUSE_BLOCKED] = "blocked in the host's kernel", [KVS_CAUSE_UNKNOWN] = "unknown",
};

const char *kvs_cause_name(unsigned int cause)
{
	return cause < KVS_CAUSES ? causes[cause] : NULL;
}

unsigned int kvs_cause_main(const uint64_t spent[KVS_CAUSES])
{
	unsigned int best = KVS_CAUSE_UNKNOWN;

	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		if (spent[i] > spent[best])
			best = i;
	return best;
}

void kvs_spent_since(const struct kvs_ledger *l,
		     const uint64_t states[KVMSCHED_NR_STATES], uint64_t paused, uint64_t ts,
		     uint64_t spent[KVS_CAUSES])
{
	static const uint8_t cause_of[KVMSCHED_NR_STATES] = {
		[KVMSCHED_STATE_UNKNOWN]	= KVS_CAUSE_UNKNOWN,
		[KVMSCHED_STATE_GUEST]		= KVS_CAUSE_GUEST,
		[KVMSCHED_STATE_EXIT]		= KVS_CAUSE_HOST,
		[KVMSCHED_STATE_USER]		= KVS_CAUSE_USER,
		[KVMSCHED_STATE_POLL]		= KVS_CAUSE_SLEEP,
		[KVMSCHED_STATE_HALTED]		= KVS_CAUSE_SLEEP,
		[KVMSCHED_STATE_BLOCKED]	= KVS_CAUSE_BLOCKED,
		[KVMSCHED_STATE_WAIT_PREEMPTED]	= KVS_CAUSE_WAIT,
		[KVMSCHED_STATE_WAIT_WOKEN]	= KVS_CAUSE_WAIT,
	};
	uint64_t now[KVMSCHED_NR_STATES];

	kvs_ledger_at(l, ts, now);
	/* What was learnt late (an exit, a wakeup) may have moved some time. */
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		if (now[i] > states[i])
			spent[cause_of[i]] += now[i] - states[i];
	paused = kvs_ledger_paused_at(l, ts) - paused;
	if (paused > spent[KVS_CAUSE_BLOCKED])
		paused = spent[KVS_CAUSE_BLOCKED];
	spent[KVS_CAUSE_BLOCKED] -= paused;
	spent[KVS_CAUSE_USER] += paused;
}
