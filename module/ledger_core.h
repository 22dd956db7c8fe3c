/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of a vCPU's ledger, and nothing of the kernel
 *
 * The time since the last change belongs to the state that ends now.  So the
 * states sum to wall time by construction, whatever happens, and time stamps
 * may even go back: what one state is given too little then, another is given
 * too much, and the next move back takes both away.  Only who reads the times
 * sees none below 0 (ks_core_sum()).  docs/states.dot draws the states.
 *
 * All times are TSC cycles, and the caller says what time it is.  ledger.h says
 * who may write and how others read meanwhile.  tests/unit/test_ledger_core.c
 * compares this with the ledger that the program makes of the records.
 */
#ifndef _KVMSCHED_LEDGER_CORE_H
#define _KVMSCHED_LEDGER_CORE_H

#include <linux/types.h>

#include "since.h"
#include "uapi/records.h"

/**
 * struct ks_core_exits - exits by reason, see struct kvmsched_ledger_exits
 * @hist: has a bucket for each bit, so that no exit needs a test whether its
 *	  bucket is the last; readers get fewer (ks_core_copy_exits())
 */
struct ks_core_exits {
	__u64 count[KVMSCHED_LEDGER_REASONS];
	__u64 cycles[KVMSCHED_LEDGER_REASONS];
	__u32 reason[KVMSCHED_LEDGER_REASONS];
	__u32 hist[KVMSCHED_LEDGER_REASONS][64];
};

/**
 * struct ks_ledger_core - see struct kvmsched_ledger for what the fields mean
 * @state: enum kvmsched_state now, @since when.  It is still guest after an
 *	   exit, until the host's part of that exit ends
 * @exit_time: time in state exit that a halt's poll can be part of: since guest
 *	   mode, or since KVM_RUN began if that came later
 * @polled: cycles that were polled in the host's part of an exit, which has not
 *	   ended yet
 */
struct ks_ledger_core {
	__u32 state;
	__u64 since;
	__u64 exit_time;
	__u64 polled;
	__u64 begin;
	__u64 states[KVMSCHED_NR_STATES];
	__u64 switches[4];
	__u64 waits;
	__u64 wait_max;
	struct ks_core_exits exits;
};

/**
 * ks_core_move - the vCPU is in another state
 * @core:  the ledger
 * @state: enum kvmsched_state from now on
 * @at:	   since when
 */
static __always_inline void ks_core_move(struct ks_ledger_core *core,
					 __u32 state, __u64 at)
{
	__u64 time = at - core->since;

	core->states[core->state] += time;
	if (state == KVMSCHED_STATE_GUEST)
		core->exit_time = 0;
	else if (core->state == KVMSCHED_STATE_EXIT)
		core->exit_time += time;
	core->since = at;
	core->state = state;
}

/**
 * ks_core_doubt - it is not in guest mode, and has not been since the last change
 * @core: the ledger
 *
 * For an entry that failed: no hook saw when.
 */
static __always_inline void ks_core_doubt(struct ks_ledger_core *core)
{
	if (core->state == KVMSCHED_STATE_GUEST)
		core->state = KVMSCHED_STATE_UNKNOWN;
}

/**
 * ks_core_load - KVM_RUN begins
 * @core: the ledger
 * @now:  when
 */
static __always_inline void ks_core_load(struct ks_ledger_core *core, __u64 now)
{
	ks_core_move(core, KVMSCHED_STATE_EXIT, now);
	core->exit_time = 0;
}

/*
 * The row that counts a reason's exits, unless another reason was there first
 */
static __always_inline unsigned long ks_core_usual_row(__u32 reason)
{
	return reason % KVMSCHED_LEDGER_REASONS;
}

static __always_inline void
ks_core_count_exit(struct ks_core_exits *exits, unsigned long row,
		   __u64 cycles)
{
	exits->count[row]++;
	exits->cycles[row] += cycles;
	/*
	 * The highest bit, of which 0 has none; unsigned, or gcc extends a
	 * sign.
	 */
	exits->hist[row][63UL - (unsigned long)__builtin_clzll(cycles | 1)]++;
}

static inline unsigned long ks_core_find_row(struct ks_core_exits *exits,
					     __u32 reason)
{
	unsigned long row;
	__u32 i;

	for (i = 0; i < KVMSCHED_LEDGER_REASONS; i++) {
		row = ks_core_usual_row(reason + i);
		if (exits->reason[row] == reason && exits->count[row])
			return row;
		if (!exits->count[row]) {
			exits->reason[row] = reason;
			return row;
		}
	}
	/*
	 * All rows are taken, by more reasons than any guest is known to have.
	 */
	exits->reason[KVMSCHED_LEDGER_REASONS - 1] = KVMSCHED_REASON_OTHER;
	return KVMSCHED_LEDGER_REASONS - 1;
}

/**
 * ks_core_is_unusual - can ks_core_round_trip() not book this exit?
 * @core:   the ledger
 * @reason: hardware's number
 */
static __always_inline int ks_core_is_unusual(const struct ks_ledger_core *core,
						 __u32 reason)
{
	return __builtin_expect(core->exits.reason[ks_core_usual_row(reason)] !=
				reason, 0) ||
	       __builtin_expect(core->state != KVMSCHED_STATE_GUEST, 0);
}

/**
 * ks_core_round_trip - guest mode, an exit, and guest mode again
 * @core:   the ledger, in which nothing was polled meanwhile
 * @reason: hardware's number
 * @guest:  cycles of the guest mode that ended
 * @host:   cycles from the exit to @now
 * @now:    when guest mode begins again
 *
 * An exit alone moves nothing, so its round trip is booked at once, here.
 */
static __always_inline void ks_core_round_trip(struct ks_ledger_core *core,
					       __u32 reason, __u64 guest,
					       __u64 host, __u64 now)
{
	core->states[KVMSCHED_STATE_GUEST] += guest;
	core->states[KVMSCHED_STATE_EXIT] += host;
	core->since = now;
	ks_core_count_exit(&core->exits, ks_core_usual_row(reason), host);
}

/*
 * Of state exit up to now, @cycles were poll.  KVM measures a poll by the
 * clock, so it may include time in which the vCPU was off the CPU: that is
 * booked already.
 */
static inline void ks_core_book_poll(struct ks_ledger_core *core, __u64 cycles)
{
	if (cycles > core->exit_time)
		cycles = core->exit_time;
	core->states[KVMSCHED_STATE_EXIT] -= cycles;
	core->states[KVMSCHED_STATE_POLL] += cycles;
	core->exit_time -= cycles;
}

/**
 * ks_core_poll - a halt is over, and the host polled in it
 * @core:   the ledger; where the exit's record is not written yet, its end has
 *	    to come by ks_core_end_exit()
 * @cycles: how long it polled
 * @now:    when the halt was over
 */
static inline void ks_core_poll(struct ks_ledger_core *core, __u64 cycles,
				__u64 now)
{
	if (core->state == KVMSCHED_STATE_GUEST) {
		core->polled += cycles;
	} else if (core->state == KVMSCHED_STATE_EXIT) {
		ks_core_move(core, KVMSCHED_STATE_EXIT, now);
		ks_core_book_poll(core, cycles);
	}
}

/**
 * ks_core_end_exit - the host's part of an exit ends, in any way
 * @core:   the ledger
 * @reason: hardware's number
 * @guest:  cycles of the guest mode before it, 0 if unknown
 * @exit:   since when its host time counts
 * @end:    when it ended
 * @next:   enum kvmsched_state from @end on
 */
static inline void ks_core_end_exit(struct ks_ledger_core *core, __u32 reason,
				    __u64 guest, __u64 exit, __u64 end,
				    __u32 next)
{
	if (core->state == KVMSCHED_STATE_GUEST)
		ks_core_move(core, KVMSCHED_STATE_EXIT,
			     guest ? core->since + guest : exit);
	ks_core_move(core, KVMSCHED_STATE_EXIT, end);
	ks_core_book_poll(core, core->polled);
	core->polled = 0;
	ks_core_move(core, next, end);
	ks_core_count_exit(&core->exits, ks_core_find_row(&core->exits, reason),
			   end - exit);
}

/* The state that a switch out of this kind leads to */
static __always_inline __u32 ks_core_state_of(__u32 kind)
{
#define KS_CORE_STATE(kind, state)	[KS_SWITCH_##kind] = KVMSCHED_STATE_##state
	static const __u8 states[] = { KVMSCHED_SWITCH_STATES(KS_CORE_STATE) };

	return kind < KS_NR_SWITCH_KINDS ? states[kind] : KVMSCHED_STATE_UNKNOWN;
}

/**
 * ks_core_switch_out - the vCPU's thread loses the CPU
 * @core: the ledger
 * @kind: KS_SWITCH_*
 * @irq:  when guest mode ended, if KVM tells the exit only later; else 0
 * @now:  when the thread lost the CPU
 */
static inline void ks_core_switch_out(struct ks_ledger_core *core, __u32 kind,
				      __u64 irq, __u64 now)
{
	if (core->state == KVMSCHED_STATE_GUEST && irq) {
		ks_core_move(core, KVMSCHED_STATE_EXIT, irq);
		ks_core_move(core, KVMSCHED_STATE_EXIT, now);
		/* KVM polls only after kvm_exit has fired. */
		core->exit_time = 0;
	}
	ks_core_move(core, ks_core_state_of(kind), now);
	if (kind < sizeof(core->switches) / sizeof(core->switches[0]))
		core->switches[kind]++;
}

/* Does it sleep, so that ks_core_switch_in() needs the time of the wakeup? */
static __always_inline int ks_core_is_asleep(const struct ks_ledger_core *core)
{
	return core->state == KVMSCHED_STATE_HALTED ||
	       core->state == KVMSCHED_STATE_BLOCKED;
}

/**
 * ks_core_switch_in - the vCPU's thread gains the CPU
 * @core:  the ledger
 * @woken: when it was woken, if it was asleep
 * @got:   when the scheduler gave it the CPU
 * @next:  enum kvmsched_state from @got on
 */
static inline void ks_core_switch_in(struct ks_ledger_core *core, __u64 woken,
				     __u64 got, __u32 next)
{
	__u64 wait;

	if (ks_core_is_asleep(core)) {
		/* By another CPU's TSC, or by the scheduler's clock */
		if (woken > got)
			woken = got;
		if (woken < core->since)
			woken = core->since;
		ks_core_move(core, KVMSCHED_STATE_WAIT_WOKEN, woken);
	}
	if (core->state != KVMSCHED_STATE_UNKNOWN) {
		wait = ks_since(got, core->since);
		core->waits++;
		if (wait > core->wait_max)
			core->wait_max = wait;
	}
	ks_core_move(core, next, got);
}

/**
 * ks_core_sum - the time in each state, that in the present one included
 * @core:   the ledger
 * @states: out, by enum kvmsched_state.  A state in which a vCPU was only while
 *	    it went to a CPU whose TSC is behind may have less than no time: 0
 * @now:    what time it is
 */
static inline void ks_core_sum(const struct ks_ledger_core *core,
			       __u64 states[KVMSCHED_NR_STATES], __u64 now)
{
	int i;

	for (i = 0; i < KVMSCHED_NR_STATES; i++)
		states[i] = core->states[i];
	/* Who copies while the writer writes may find any number there. */
	states[core->state % KVMSCHED_NR_STATES] += now - core->since;
	for (i = 0; i < KVMSCHED_NR_STATES; i++)
		if ((__s64)states[i] < 0)
			states[i] = 0;
}

/**
 * ks_core_copy_exits - the exits as readers get them
 * @exits: the ledger's
 * @out:   whose last bucket has all that is longer as well
 *
 * Return: how many there are.
 */
static inline __u64 ks_core_copy_exits(const struct ks_core_exits *exits,
				       struct kvmsched_ledger_exits *out)
{
	__u64 sum = 0;
	int row, bit;

	for (row = 0; row < KVMSCHED_LEDGER_REASONS; row++) {
		sum += exits->count[row];
		out->count[row] = exits->count[row];
		out->cycles[row] = exits->cycles[row];
		out->reason[row] = exits->reason[row];
		for (bit = 0; bit < KVMSCHED_LEDGER_BUCKETS; bit++)
			out->hist[row][bit] = exits->hist[row][bit];
		for (; bit < 64; bit++)
			out->hist[row][KVMSCHED_LEDGER_BUCKETS - 1] +=
				exits->hist[row][bit];
	}
	return sum;
}

#endif /* _KVMSCHED_LEDGER_CORE_H */
