/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who held the CPU that a vCPU waited for.
 *
 * A wait is cut wherever the holder of that CPU changes, or the vCPU is moved
 * to the queue of another one; each piece belongs to one thief.  Pieces are
 * booked when the wait ends, and only if the ledger knows of that wait, so that
 * a vCPU's thieves sum to its states wait_preempted and wait_woken exactly.
 */
#ifndef KVMSCHED_THIEVES_H
#define KVMSCHED_THIEVES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/ledger.h"
#include "trace/schema.h"

#define KS_COMM_LEN	17	/* with a NUL */

enum ks_thief_kind {
	KS_THIEF_UNKNOWN,	/* not told, or told by a record that was lost */
	KS_THIEF_TASK,		/* a vCPU's thread as well, see the tid */
	KS_THIEF_IDLE,		/* nobody: the CPU had to wake up */
	KS_THIEF_MIGRATION,	/* the kernel's thread that moves tasks */
	KS_THIEF_INTERRUPT,	/* its handler, whoever's time it took */
	KS_THIEF_THROTTLED,	/* inferred: runnable here, and yet the CPU idles */
	KS_THIEF_KINDS
};

struct ks_holder {
	int32_t pid;		/* -1: unknown */
	int16_t prio;
	uint16_t cpu;
	uint8_t kind;		/* enum ks_thief_kind */
	char comm[KS_COMM_LEN];
};

struct ks_thief {
	struct ks_holder who;	/* its CPU: of the longest piece */
	uint64_t time, count, max;
	struct {
		uint64_t time, count, max;
		uint16_t cpu;	/* of the longest piece */
	} pending;		/* of the wait that goes on */
};

/* A wait that is over, and who had the largest part of it */
struct ks_past_wait {
	struct ks_ledger_wait span;
	struct ks_holder top;
	uint64_t top_time;
};

#define KS_PAST_WAITS	4

struct ks_waiter {
	struct ks_waiter *next;	/* in the queue of a CPU */
	bool waiting;
	int32_t tid;
	uint64_t since;		/* of the piece */
	struct ks_holder holder;
	struct ks_thief *thieves;
	unsigned int nr;
	struct ks_past_wait past[KS_PAST_WAITS];
	unsigned int nr_past;
};

struct ks_queues {
	struct ks_waiter **first;	/* by CPU */
	unsigned int nr;
};

void ks_queues_free(struct ks_queues *q);
void ks_waiter_free(struct ks_waiter *w);

/* A holder as a record tells it; @comm is of the record, 16 bytes. */
struct ks_holder ks_holder_of(int32_t pid, int16_t prio, uint16_t cpu,
			      const char *comm);

/* It waits from now on: it was preempted, or woken. */
void ks_wait_begin(struct ks_queues *q, struct ks_waiter *w, uint64_t ts,
		   struct ks_holder holder, bool preempted);
/* It waits for the holder's CPU now. */
void ks_wait_move(struct ks_queues *q, struct ks_waiter *w, uint64_t ts,
		  struct ks_holder holder);
/* A CPU has another holder: for all that wait there. */
void ks_wait_holder(struct ks_queues *q, uint64_t ts, const struct ks_holder *holder);
/* The holder of a CPU was interrupted for so long, until @ts. */
void ks_wait_interrupt(struct ks_queues *q, unsigned int cpu, uint64_t ts,
		       uint64_t length, const char *name);
/* Records of this CPU were lost: nobody knows who holds it. */
void ks_wait_loss(struct ks_queues *q, unsigned int cpu);
/* @span as the ledger has it; NULL: it doesn't know, so nothing is booked. */
const struct ks_past_wait *ks_wait_end(struct ks_queues *q, struct ks_waiter *w,
				       const struct ks_ledger_wait *span);
/* The same for a recording that ends while it waits */
void ks_wait_cut(struct ks_queues *q, struct ks_waiter *w, uint64_t ts, bool known);

/* The row of a thief, made where it is new */
struct ks_thief *ks_thief_get(struct ks_waiter *w, const struct ks_holder *who);
const char *ks_thief_kind_name(unsigned int kind);
/* A task's name, or what there is instead */
const char *ks_thief_name(const struct ks_holder *who);

/* The longest past wait that lies within @from .. @to, in part; NULL: none */
const struct ks_past_wait *ks_wait_within(const struct ks_waiter *w,
					  uint64_t from, uint64_t to);

#endif /* KVMSCHED_THIEVES_H */
