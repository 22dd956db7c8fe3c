/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's ledger: the time in each state, always up to date
 *
 * ledger_core.h has the arithmetic.  Here is what lets anybody read the ledger
 * at any time, although only the vCPU's own thread writes it, with preemption
 * off and never from an interrupt: @seq is odd while a change is under way
 * (writer: ks_ledger_begin() and _end(); reader: ks_ledger_read()).
 */
#ifndef _KVMSCHED_LEDGER_H
#define _KVMSCHED_LEDGER_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "ledger_core.h"

/**
 * struct ks_ledger - a ledger and its sequence count
 * @seq:  see above
 * @core: what it counts
 */
struct ks_ledger {
	u32 seq;
	struct ks_ledger_core core;
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

/* The vCPU is in another state; see ks_core_move(). */
static __always_inline void ks_ledger_move(struct ks_ledger *ledger, u32 state,
					   u64 at)
{
	ks_ledger_begin(ledger);
	ks_core_move(&ledger->core, state, at);
	ks_ledger_end(ledger);
}

/* Whatever it did since the last change; see ks_core_doubt(). */
static __always_inline void ks_ledger_doubt(struct ks_ledger *ledger)
{
	ks_ledger_begin(ledger);
	ks_core_doubt(&ledger->core);
	ks_ledger_end(ledger);
}

/* KVM_RUN begins; see ks_core_load(). */
static __always_inline void ks_ledger_load(struct ks_ledger *ledger, u64 now)
{
	ks_ledger_begin(ledger);
	ks_core_load(&ledger->core, now);
	ks_ledger_end(ledger);
}

/* The thread loses the CPU; see ks_core_switch_out(). */
static __always_inline void ks_ledger_switch_out(struct ks_ledger *ledger,
						 u32 kind, u64 irq, u64 now)
{
	ks_ledger_begin(ledger);
	ks_core_switch_out(&ledger->core, kind, irq, now);
	ks_ledger_end(ledger);
}

/* It gains the CPU; see ks_core_switch_in(). */
static __always_inline void ks_ledger_switch_in(struct ks_ledger *ledger,
						u64 woken, u64 got, u32 next)
{
	ks_ledger_begin(ledger);
	ks_core_switch_in(&ledger->core, woken, got, next);
	ks_ledger_end(ledger);
}

void ks_ledger_end_exit(struct ks_ledger *ledger, u32 reason, u64 guest,
			u64 exit, u64 end, u32 next);
void ks_ledger_poll(struct ks_ledger *ledger, u64 cycles, u64 now);

/**
 * ks_ledger_entry - guest mode begins again after an exit
 * @ledger: the ledger
 * @reason: hardware's number of the exit
 * @guest:  cycles of the guest mode that the exit ended
 * @host:   cycles from the exit to @now
 * @now:    TSC of this entry
 *
 * Context: as all writers; each exit of a CPU-bound guest comes by here.
 * Return: false if ks_ledger_end_exit() has to do it.
 */
static __always_inline bool ks_ledger_entry(struct ks_ledger *ledger,
					    u32 reason, u64 guest, u64 host,
					    u64 now)
{
	if (unlikely(ks_core_is_unusual(&ledger->core, reason)))
		return false;
	ks_ledger_begin(ledger);
	ks_core_round_trip(&ledger->core, reason, guest, host, now);
	ks_ledger_end(ledger);
	return true;
}

void ks_ledger_reset(struct ks_ledger *ledger);
u64 ks_ledger_exits(const struct ks_ledger *ledger);
int ks_ledger_read(const struct ks_ledger *ledger, struct kvmsched_ledger *out);

#endif /* _KVMSCHED_LEDGER_H */
