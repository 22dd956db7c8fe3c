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

/*
 * What each state has gained since @before.  What was learnt late (when guest mode ended,
 * what was polled, when it was woken, what was lost) has moved time from before @before
 * to another state: the one has less than it had then, and of the other's gain that much
 * is older.
 */
static void gains_since(const uint64_t before[KVMSCHED_NR_STATES],
			const uint64_t now[KVMSCHED_NR_STATES],
			uint64_t gains[KVMSCHED_NR_STATES])
{
	static const uint8_t moved_to[KVMSCHED_NR_STATES] = {
		[KVMSCHED_STATE_GUEST]		= KVMSCHED_STATE_EXIT,
		[KVMSCHED_STATE_EXIT]		= KVMSCHED_STATE_POLL,
		[KVMSCHED_STATE_USER]		= KVMSCHED_STATE_UNKNOWN,
		[KVMSCHED_STATE_POLL]		= KVMSCHED_STATE_UNKNOWN,
		[KVMSCHED_STATE_HALTED]		= KVMSCHED_STATE_WAIT_WOKEN,
		[KVMSCHED_STATE_BLOCKED]	= KVMSCHED_STATE_WAIT_WOKEN,
		[KVMSCHED_STATE_WAIT_PREEMPTED]	= KVMSCHED_STATE_UNKNOWN,
		[KVMSCHED_STATE_WAIT_WOKEN]	= KVMSCHED_STATE_UNKNOWN,
	};
	uint64_t moved[KVMSCHED_NR_STATES] = { 0 };

	for (unsigned int n = 1; n <= KVMSCHED_NR_STATES; n++) {
		unsigned int i = n % KVMSCHED_NR_STATES;	/* unknown is the last */
		uint64_t gain = now[i] > before[i] ? now[i] - before[i] : 0;
		uint64_t older = moved[i] < gain ? moved[i] : gain;

		gains[i] = gain - older;
		moved[moved_to[i]] += moved[i] - older;
		if (now[i] < before[i])
			moved[moved_to[i]] += before[i] - now[i];
	}
}

/* Makes the gains sum to @all, whatever records contradict each other. */
static void fit_gains(uint64_t gains[KVMSCHED_NR_STATES], uint64_t all)
{
	for (unsigned int n = 1; n <= KVMSCHED_NR_STATES; n++) {
		unsigned int i = n % KVMSCHED_NR_STATES;
		uint64_t sum = 0;

		for (unsigned int other = 0; other < KVMSCHED_NR_STATES; other++)
			sum += gains[other];
		if (sum > all)
			gains[i] -= sum - all < gains[i] ? sum - all : gains[i];
		else if (i == KVMSCHED_STATE_UNKNOWN)
			gains[i] += all - sum;
	}
}

void kvs_spent_since(const struct kvs_ledger *l, const struct kvs_ledger_mark *mark,
		     uint64_t ts, uint64_t spent[KVS_CAUSES])
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
	const struct kvs_ledger_mark now = kvs_ledger_mark(l, ts);
	uint64_t gains[KVMSCHED_NR_STATES], paused;

	gains_since(mark->states, now.states, gains);
	fit_gains(gains, ts > mark->ts ? ts - mark->ts : 0);
	paused = now.paused > mark->paused ? now.paused - mark->paused : 0;
	if (paused > gains[KVMSCHED_STATE_BLOCKED])
		paused = gains[KVMSCHED_STATE_BLOCKED];
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		spent[cause_of[i]] += gains[i];
	spent[KVS_CAUSE_BLOCKED] -= paused;
	spent[KVS_CAUSE_USER] += paused;
}
