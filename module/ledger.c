// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ledgers: what few exits need, and reading one.  See ledger.h.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "ledger.h"

/* A vCPU that changes state all the time is still caught between changes. */
#define KS_LEDGER_TRIES	1000

/**
 * ks_ledger_poll - a halt is over, and the host polled in it
 * @ledger: the ledger
 * @cycles: how long it polled
 * @now:    TSC
 *
 * See ks_core_poll().
 *
 * Context: as all writers.
 */
void ks_ledger_poll(struct ks_ledger *ledger, u64 cycles, u64 now)
{
	ks_ledger_begin(ledger);
	ks_core_poll(&ledger->core, cycles, now);
	ks_ledger_end(ledger);
}

/**
 * ks_ledger_end_exit - the host's part of an exit ends, in any way
 * @ledger: the ledger
 * @reason: hardware's number
 * @guest:  cycles of the guest mode before it, 0 if unknown
 * @exit:   TSC since when its host time counts
 * @end:    TSC of its end
 * @next:   enum kvmsched_state from @end on
 *
 * See ks_core_end_exit().
 *
 * Context: as all writers.
 */
void ks_ledger_end_exit(struct ks_ledger *ledger, u32 reason, u64 guest,
			u64 exit, u64 end, u32 next)
{
	ks_ledger_begin(ledger);
	ks_core_end_exit(&ledger->core, reason, guest, exit, end, next);
	ks_ledger_end(ledger);
}

/**
 * ks_ledger_reset - begin anew, in state unknown
 * @ledger: nobody else writes it now, but some may read
 */
void ks_ledger_reset(struct ks_ledger *ledger)
{
	ks_ledger_begin(ledger);
	memset(&ledger->core, 0, sizeof(ledger->core));
	ledger->core.begin = rdtsc_ordered();
	ledger->core.since = ledger->core.begin;
	ks_ledger_end(ledger);
}

/**
 * ks_ledger_exits - exits for all reasons
 * @ledger: the ledger
 */
u64 ks_ledger_exits(const struct ks_ledger *ledger)
{
	u64 exits = 0;
	int i;

	for (i = 0; i < KVMSCHED_LEDGER_REASONS; i++)
		exits += READ_ONCE(ledger->core.exits.count[i]);
	return exits;
}

/* What readers get of a copy that was made at @now */
static void ks_ledger_tell(const struct ks_ledger_core *core, u64 now,
			   struct kvmsched_ledger *out)
{
	out->now = now;
	out->state = core->state;
	out->begin = core->begin;
	ks_core_sum(core, out->states, now);
	memcpy(out->switches, core->switches, sizeof(out->switches));
	out->waits = core->waits;
	out->wait_max = core->wait_max;
	out->exits = ks_core_copy_exits(&core->exits, &out->by_reason);
}

/**
 * ks_ledger_read - read a ledger as it was at one instant
 * @ledger: the ledger
 * @out:    the counts and times
 *
 * The shorter the copy takes, the rarer does the vCPU change it meanwhile: so
 * all is copied as it is first.
 *
 * Context: process.
 * Return: 0, -EAGAIN or -ENOMEM.
 */
int ks_ledger_read(const struct ks_ledger *ledger, struct kvmsched_ledger *out)
{
	struct ks_ledger_core *core = kvmalloc(sizeof(*core), GFP_KERNEL);
	int ret = -EAGAIN;
	int tries;
	u64 now;
	u32 seq;

	if (!core)
		return -ENOMEM;
	for (tries = 0; ret && tries < KS_LEDGER_TRIES; tries++) {
		seq = READ_ONCE(ledger->seq);
		/* Loads are not reordered with loads on x86. */
		barrier();
		now = rdtsc_ordered();
		memcpy(core, &ledger->core, sizeof(*core));
		barrier();
		if (!(seq & 1) && READ_ONCE(ledger->seq) == seq)
			ret = 0;
	}
	if (!ret)
		ks_ledger_tell(core, now, out);
	kvfree(core);
	return ret;
}
