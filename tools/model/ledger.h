/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger of a vCPU: all its time, split into states that exclude each other.
 *
 * Pure arithmetic on time stamps, told by whoever reads the records; the states
 * are those of enum kvmsched_state, docs/states.dot draws them.  The time since
 * the last change belongs to the state that ends, so the sum is wall time; what
 * can't have happened as told (records are missing) is unknown instead.
 *
 * The module's ledger (module/ledger.h) does the same as things happen.  This
 * one learns of some later: when guest mode ended, when a sleeper was woken.
 * All times and durations are in one unit, that of the caller's time stamps.
 */
#ifndef KVMSCHED_LEDGER_H
#define KVMSCHED_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "uapi/kvmsched.h"

struct kvs_ledger {
	uint8_t state;		/* enum kvmsched_state, since ... */
	bool loaded;		/* within KVM_RUN, as of the last switch out */
	bool gap;		/* records of its CPU were lost since the last */
	bool doubt;		/* ... or of any, while it was off the CPU */
	uint64_t begin, since;
	uint64_t states[KVMSCHED_NR_STATES];
	uint64_t lost;		/* of unknown: for records that are missing */
	/* Guest mode left by a switch before its exit was told: .. */
	uint64_t pending_from, pending_to;	/* .. how much is guest's? */
	uint64_t exit_time;	/* state exit since guest mode: polls are in it */
	uint64_t polled;	/* told before the exit that it is part of */
	uint64_t woken;		/* of a sleep, 0: not told */
	/*
	 * Called for each stretch of a state once it is known; NULL: nobody asks.
	 * State poll was told as exit before.
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
 * told).  False: there is no wait that is known.
 */
bool kvs_ledger_switch_in(struct kvs_ledger *l, uint64_t ts, uint64_t off,
			  uint64_t waited, struct kvs_ledger_wait *wait);
/* A halt is over; @polled of the time in state exit was spent spinning. */
void kvs_ledger_poll(struct kvs_ledger *l, uint64_t ts, uint64_t polled);

uint64_t kvs_ledger_wall(const struct kvs_ledger *l);
/* Wall time minus the states' sum; not 0: the ledger is wrong. */
int64_t kvs_ledger_residual(const struct kvs_ledger *l);
/* The states as of @ts, what is open included */
void kvs_ledger_at(const struct kvs_ledger *l, uint64_t ts,
		   uint64_t states[KVMSCHED_NR_STATES]);

/* Tells @booked what an exit on the fast path moved. */
void kvs_ledger_tell_exit(struct kvs_ledger *l, uint64_t exit, uint64_t ts);

static inline bool kvs_ledger_off_cpu(const struct kvs_ledger *l)
{
	return l->state >= KVMSCHED_STATE_HALTED;
}

/* An exit of a CPU-bound guest comes by here; all others are slower. */
static inline void kvs_ledger_exit(struct kvs_ledger *l, uint64_t ts,
				   uint64_t guest, uint64_t host, bool entered)
{
	uint64_t whole = ts - l->since;

	if (l->state != KVMSCHED_STATE_GUEST || l->gap || !entered || !guest ||
	    l->polled || ts < l->since || guest > whole) {
		kvs_ledger_exit_slow(l, ts, guest, host, entered);
		return;
	}
	l->states[KVMSCHED_STATE_GUEST] += guest;
	l->states[KVMSCHED_STATE_EXIT] += whole - guest;
	if (l->booked)
		kvs_ledger_tell_exit(l, l->since + guest, ts);
	l->since = ts;
}

/* "guest", "wait_preempted" ...; NULL beyond the last */
const char *kvs_ledger_state_name(unsigned int state);

#endif /* KVMSCHED_LEDGER_H */
