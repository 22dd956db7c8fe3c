// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ledgers: what is not on the way of every exit.  See ledger.h.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "ledger.h"

/* A vCPU that changes state all the time is still caught between changes. */
#define KS_LEDGER_TRIES	1000

static u32 find_row(struct kvmsched_ledger_exits *exits, u32 reason)
{
	u32 i, row;

	for (i = 0; i < KVMSCHED_LEDGER_REASONS; i++) {
		row = ks_ledger_usual_row(reason + i);
		if (exits->reason[row] == reason && exits->count[row])
			return row;
		if (!exits->count[row]) {
			exits->reason[row] = reason;
			return row;
		}
	}
	/* All rows are taken, by more reasons than any guest is known to have. */
	exits->reason[KVMSCHED_LEDGER_REASONS - 1] = KVMSCHED_REASON_OTHER;
	return KVMSCHED_LEDGER_REASONS - 1;
}

/*
 * Of state exit up to now, so much was poll.  KVM measures it by the clock, so
 * it may hold time in which the vCPU was off the CPU: that is booked already.
 */
static void spun(struct ks_ledger *ledger, u64 cycles)
{
	cycles = min(cycles, ledger->exit_time);
	ledger->states[KVMSCHED_STATE_EXIT] -= cycles;
	ledger->states[KVMSCHED_STATE_POLL] += cycles;
	ledger->exit_time -= cycles;
}

/**
 * ks_ledger_poll - a halt is over, and the host spun in it
 * @ledger: followed; where the story is still open, the caller has it end by
 *	    ks_ledger_story()
 * @cycles: so long
 * @now:    TSC
 *
 * Context: as all writers.
 */
void ks_ledger_poll(struct ks_ledger *ledger, u64 cycles, u64 now)
{
	ks_ledger_begin(ledger);
	if (ledger->state == KVMSCHED_STATE_GUEST) {
		ledger->polled += cycles;
	} else if (ledger->state == KVMSCHED_STATE_EXIT) {
		__ks_ledger_move(ledger, KVMSCHED_STATE_EXIT, now);
		spun(ledger, cycles);
	}
	ks_ledger_end(ledger);
}

/**
 * ks_ledger_story - the story of an exit ends, in any way
 * @ledger: followed
 * @reason: hardware's number
 * @guest:  cycles of the guest mode before it, 0 if unknown
 * @exit:   TSC since when its host time counts
 * @end:    TSC of its end
 * @next:   enum kvmsched_state from @end on
 *
 * Context: as all writers.
 */
void ks_ledger_story(struct ks_ledger *ledger, u32 reason, u64 guest, u64 exit,
		     u64 end, u32 next)
{
	ks_ledger_begin(ledger);
	if (ledger->state == KVMSCHED_STATE_GUEST)
		__ks_ledger_move(ledger, KVMSCHED_STATE_EXIT,
				 ledger->since + guest);
	__ks_ledger_move(ledger, KVMSCHED_STATE_EXIT, end);
	spun(ledger, ledger->polled);
	ledger->polled = 0;
	__ks_ledger_move(ledger, next, end);
	ks_ledger_count(&ledger->exits, find_row(&ledger->exits, reason),
			end - exit);
	ks_ledger_end(ledger);
}

/**
 * ks_ledger_reset - begin anew, in state unknown
 * @ledger: nobody else writes it now, but some may read
 */
void ks_ledger_reset(struct ks_ledger *ledger)
{
	ks_ledger_begin(ledger);
	memset_after(ledger, 0, seq);
	ledger->begin = rdtsc_ordered();
	ledger->since = ledger->begin;
	ks_ledger_end(ledger);
}

/**
 * ks_ledger_exits - exits for all reasons
 * @ledger: followed
 */
u64 ks_ledger_exits(const struct ks_ledger *ledger)
{
	u64 exits = 0;
	int i;

	for (i = 0; i < KVMSCHED_LEDGER_REASONS; i++)
		exits += READ_ONCE(ledger->exits.count[i]);
	return exits;
}

static void copy(const struct ks_ledger *ledger, struct kvmsched_ledger *out)
{
	out->now = rdtsc_ordered();
	out->state = ledger->state;
	out->begin = ledger->begin;
	memcpy(out->states, ledger->states, sizeof(out->states));
	out->states[ledger->state % KVMSCHED_NR_STATES] +=
		out->now - ledger->since;
	memcpy(out->switches, ledger->switches, sizeof(out->switches));
	out->waits = ledger->waits;
	out->wait_max = ledger->wait_max;
	memcpy(&out->by_reason, &ledger->exits, sizeof(out->by_reason));
	out->exits = ks_ledger_exits(ledger);
}

/**
 * ks_ledger_read - a copy of one instant
 * @ledger: followed
 * @out:    the counts and times
 *
 * Context: any.
 * Return: 0 or -EAGAIN.
 */
int ks_ledger_read(const struct ks_ledger *ledger, struct kvmsched_ledger *out)
{
	int tries;
	u32 seq;

	for (tries = 0; tries < KS_LEDGER_TRIES; tries++) {
		seq = READ_ONCE(ledger->seq);
		/* Loads are not reordered with loads on x86. */
		barrier();
		copy(ledger, out);
		barrier();
		if (!(seq & 1) && READ_ONCE(ledger->seq) == seq)
			return 0;
	}
	return -EAGAIN;
}
