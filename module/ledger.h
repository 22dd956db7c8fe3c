/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's ledger: the time in each state, always up to date
 *
 * The time since the last change belongs to the state that ends now; so the
 * states sum to wall time by construction, whatever happens, and time stamps
 * may even go back.  docs/states.dot draws the states.
 *
 * Written by the vCPU's own thread with preemption off, never by interrupts;
 * read by anybody, any time: @seq is odd while a change is under way (writer:
 * ks_ledger_begin/end; reader: ks_ledger_read()).
 */
#ifndef _KVMSCHED_LEDGER_H
#define _KVMSCHED_LEDGER_H

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "uapi/kvmsched.h"

/**
 * struct ks_ledger - see struct kvmsched_ledger for what the fields mean
 * @seq:   see above
 * @state: enum kvmsched_state now, @since when; still guest after an exit,
 *	   until its story ends
 * @exit_time: spent in state exit since guest mode: a poll is part of it
 * @polled: of the story that is open, told before its end
 */
struct ks_ledger {
	u32 seq;
	u32 state;
	u64 since;
	u64 exit_time;
	u64 polled;
	u64 begin;
	u64 states[KVMSCHED_NR_STATES];
	u64 switches[4];
	u64 waits;
	u64 wait_max;
	struct kvmsched_ledger_exits exits;
};

/* x86 keeps the order of stores; only the compiler must be told. */
static __always_inline void ks_ledger_begin(struct ks_ledger *ledger)
{
	ledger->seq++;
	barrier();
}

static __always_inline void ks_ledger_end(struct ks_ledger *ledger)
{
	barrier();
	ledger->seq++;
}

static __always_inline void __ks_ledger_move(struct ks_ledger *ledger,
					     u32 state, u64 at)
{
	u64 time = at - ledger->since;

	ledger->states[ledger->state] += time;
	if (state == KVMSCHED_STATE_GUEST)
		ledger->exit_time = 0;
	else if (ledger->state == KVMSCHED_STATE_EXIT)
		ledger->exit_time += time;
	ledger->since = at;
	ledger->state = state;
}

/**
 * ks_ledger_move - the vCPU is in another state
 * @ledger: or NULL: nobody follows
 * @state:  enum kvmsched_state from now on
 * @at:	    TSC
 */
static __always_inline void ks_ledger_move(struct ks_ledger *ledger, u32 state,
					   u64 at)
{
	if (!ledger)
		return;
	ks_ledger_begin(ledger);
	__ks_ledger_move(ledger, state, at);
	ks_ledger_end(ledger);
}

/* Where a reason's exits are counted, unless another one was there first. */
static __always_inline unsigned long ks_ledger_usual_row(u32 reason)
{
	return reason % KVMSCHED_LEDGER_REASONS;
}

static __always_inline void
ks_ledger_count(struct kvmsched_ledger_exits *exits, unsigned long row,
		u64 cycles)
{
	exits->count[row]++;
	exits->cycles[row] += cycles;
	exits->hist[row][__fls(cycles | 1)]++; /* 0 has no highest bit */
}

void ks_ledger_story(struct ks_ledger *ledger, u32 reason, u64 guest, u64 exit,
		     u64 end, u32 next);
void ks_ledger_poll(struct ks_ledger *ledger, u64 cycles, u64 now);

/**
 * ks_ledger_entry - guest mode, an exit, and guest mode again
 * @ledger: followed
 * @reason: hardware's number
 * @guest:  cycles of the guest mode that ended
 * @exit:   TSC of the exit
 * @now:    TSC of this entry
 *
 * An exit alone moves nothing (the story that is open tells readers where the
 * vCPU is); so a round trip is booked at once, here.
 */
static __always_inline void ks_ledger_entry(struct ks_ledger *ledger,
					    u32 reason, u64 guest, u64 exit,
					    u64 now)
{
	unsigned long row = ks_ledger_usual_row(reason);

	if (unlikely(ledger->exits.reason[row] != reason ||
		     ledger->state != KVMSCHED_STATE_GUEST))
		return ks_ledger_story(ledger, reason, guest, exit, now,
				       KVMSCHED_STATE_GUEST);
	ks_ledger_begin(ledger);
	ledger->states[KVMSCHED_STATE_GUEST] += guest;
	ledger->states[KVMSCHED_STATE_EXIT] += now - exit;
	ledger->since = now;
	ks_ledger_count(&ledger->exits, row, now - exit);
	ks_ledger_end(ledger);
}

void ks_ledger_reset(struct ks_ledger *ledger);
u64 ks_ledger_exits(const struct ks_ledger *ledger);
int ks_ledger_read(const struct ks_ledger *ledger, struct kvmsched_ledger *out);

#endif /* _KVMSCHED_LEDGER_H */
