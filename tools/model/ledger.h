/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger of a vCPU: all its time, split into states that exclude each other.
 *
 * Pure arithmetic on time stamps.  model.c calls it for each record that changes the
 * state; the states are those of enum kvmsched_state, and docs/states.dot draws them.
 * The time since the last change belongs to the state that ends, so all states sum to
 * wall time.  Where two records contradict each other, others between them are missing,
 * and the time between them is unknown.
 *
 * The module's ledger (module/ledger.h) does the same while it happens.  This one learns
 * some changes only later: when guest mode ended, when a sleeping thread was woken.
 * All times and durations are in one unit, that of the caller's time stamps.
 */
#ifndef KVMSCHED_LEDGER_H
#define KVMSCHED_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "uapi/kvmsched.h"

struct kvs_ledger {
	uint8_t state;		/* the current one, enum kvmsched_state */
	bool loaded;		/* the last switch out was within KVM_RUN */
	bool gap;		/* on a CPU: records of that CPU were lost since the last one */
	bool doubt;		/* off the CPU: records of any CPU were lost since then */
	/*
	 * No exits, or no switches, are recorded, which the caller says after
	 * kvs_ledger_begin(); the first record of one says otherwise.  State exit is unknown
	 * then: nothing tells it from guest mode, or from the time off the CPU.
	 */
	bool no_exits, no_switches;
	uint64_t begin;		/* of the ledger, a time stamp */
	uint64_t since;		/* of the current state, a time stamp */
	uint64_t states[KVMSCHED_NR_STATES];	/* time in each state until @since */
	uint64_t paused;	/* part of state blocked: out of KVM_RUN, until @since */
	uint64_t lost;		/* part of state unknown: time for which records are missing */
	/*
	 * A switch ended guest mode, and the record of the exit before it is still to come.
	 * It will say how much of the time from @pending_from to @pending_to was guest's;
	 * no state has this time until then.  Time stamps; both 0: there is no such time.
	 */
	uint64_t pending_from, pending_to;
	uint64_t exit_time;	/* time in state exit since guest mode; a poll is part of it */
	uint64_t halted;	/* end of state exit before the last sleep in HLT since then; 0: none */
	uint64_t polled;	/* time of a poll that was recorded before its exit */
	uint64_t woken;		/* time stamp of the wakeup from this sleep; 0: not recorded */
	/*
	 * Called for each stretch of time in a state, once it is known; NULL: nobody asks.
	 * State poll comes after state exit was called for the same time, and if records are
	 * missing, @lost has been summed before.
	 */
	void (*booked)(struct kvs_ledger *l, unsigned int state, uint64_t from,
		       uint64_t to);
};

/* A wait for the CPU that has just ended */
struct kvs_ledger_wait {
	uint64_t begin, end;
	bool preempted;		/* else woken */
};

void kvs_ledger_begin(struct kvs_ledger *l, uint64_t ts);
/* A loss on the CPU that it runs on (@own), or on any while it may move. */
void kvs_ledger_loss(struct kvs_ledger *l, bool own);
/*
 * Nothing is known of it from here on: its thread is another's, or dead; or the
 * recording ends.  False: nor is what it did since the last change.
 */
bool kvs_ledger_leave(struct kvs_ledger *l, uint64_t ts);
bool kvs_ledger_end(struct kvs_ledger *l, uint64_t ts);

void kvs_ledger_load(struct kvs_ledger *l, uint64_t ts);
void kvs_ledger_put(struct kvs_ledger *l, uint64_t ts);
void kvs_ledger_entry(struct kvs_ledger *l, uint64_t ts);
/* A record written at @ts: @guest (0: unknown) in guest mode, @host since. */
void kvs_ledger_exit_slow(struct kvs_ledger *l, uint64_t ts, uint64_t guest,
			  uint64_t host, bool entered);
void kvs_ledger_switch_out(struct kvs_ledger *l, uint64_t ts, unsigned int kind,
			   bool loaded);
void kvs_ledger_wake(struct kvs_ledger *l, uint64_t ts);
/*
 * After @off, of which @waited were spent runnable (used where no wakeup was
 * recorded).  False: there is no wait that is known.
 */
bool kvs_ledger_switch_in(struct kvs_ledger *l, uint64_t ts, uint64_t off,
			  uint64_t waited, struct kvs_ledger_wait *wait);
/* A halt is over; @polled of the time in state exit was spent spinning. */
void kvs_ledger_poll(struct kvs_ledger *l, uint64_t ts, uint64_t polled);

uint64_t kvs_ledger_wall(const struct kvs_ledger *l);
/* Wall time minus the states' sum; not 0: the ledger is wrong. */
int64_t kvs_ledger_residual(const struct kvs_ledger *l);
/* What of state blocked it slept within KVM_RUN; without the sleep that goes on */
static inline uint64_t kvs_ledger_slept_in_run(const struct kvs_ledger *l)
{
	return l->states[KVMSCHED_STATE_BLOCKED] - l->paused;
}

/* The states as of @ts, what is open included */
void kvs_ledger_at(const struct kvs_ledger *l, uint64_t ts,
		   uint64_t states[KVMSCHED_NR_STATES]);
/* Since when it waits for a CPU, by a switch or a wakeup; 0: it doesn't, or it is unknown. */
uint64_t kvs_ledger_wait_begin(const struct kvs_ledger *l);

/* What the ledger said as of some time, to tell later what was spent since then */
struct kvs_ledger_mark {
	uint64_t ts;
	uint64_t states[KVMSCHED_NR_STATES];	/* as kvs_ledger_at() has them */
	uint64_t paused;	/* what of state blocked it slept out of KVM_RUN */
};

/* Beyond the last record, @ts may be a little ahead: it is taken to stay as it is. */
struct kvs_ledger_mark kvs_ledger_mark(const struct kvs_ledger *l, uint64_t ts);

/* Calls @booked for an exit that kvs_ledger_exit() handled by itself. */
void kvs_ledger_book_exit(struct kvs_ledger *l, uint64_t exit, uint64_t ts);

/*
 * When the scheduler gave a thread its CPU, which left the last one at @out and was off
 * for @off (0: not measured); its switch in is recorded a little later, at @ts.
 */
static inline uint64_t kvs_got_cpu(uint64_t out, uint64_t off, uint64_t ts)
{
	return off && ts > out && off < ts - out ? out + off : ts;
}

static inline bool kvs_ledger_off_cpu(const struct kvs_ledger *l)
{
	return l->state >= KVMSCHED_STATE_HALTED;
}

/* The usual exit of a CPU-bound guest is handled here, all others by the slow path. */
static inline void kvs_ledger_exit(struct kvs_ledger *l, uint64_t ts,
				   uint64_t guest, uint64_t host, bool entered)
{
	uint64_t whole = ts - l->since;

	if (l->state != KVMSCHED_STATE_GUEST || l->gap || l->no_switches || !entered || !guest ||
	    l->polled || ts < l->since || guest > whole) {
		kvs_ledger_exit_slow(l, ts, guest, host, entered);
		return;
	}
	l->states[KVMSCHED_STATE_GUEST] += guest;
	l->states[KVMSCHED_STATE_EXIT] += whole - guest;
	if (l->booked)
		kvs_ledger_book_exit(l, l->since + guest, ts);
	l->since = ts;
}

/* "guest", "wait_preempted" ...; NULL beyond the last */
const char *kvs_ledger_state_name(unsigned int state);

#endif /* KVMSCHED_LEDGER_H */
