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

#define KVS_COMM_LEN	17	/* with a NUL */

enum kvs_thief_kind {
	KVS_THIEF_UNKNOWN,	/* not recorded, or the record was lost */
	KVS_THIEF_TASK,		/* a vCPU's thread as well, see the tid */
	KVS_THIEF_IDLE,		/* nobody: the CPU had to wake up, or as below */
	KVS_THIEF_MIGRATION,	/* the kernel's thread that moves tasks */
	KVS_THIEF_INTERRUPT,	/* its handler, whoever's time it took */
	KVS_THIEF_THROTTLED,	/* inferred: runnable here, and yet the CPU idles */
	KVS_THIEF_KINDS
};

struct kvs_holder {
	int32_t pid;		/* of the task; 0: idle; -1: unknown, or an interrupt */
	int16_t prio;		/* the kernel's, 0 .. 139; -1: SCHED_DEADLINE */
	uint16_t cpu;		/* that it held */
	uint8_t kind;		/* enum kvs_thief_kind */
	u8 flags;		/* KS_TASK_*; without KS_TASK_TOLD, the next ones mean nothing */
	u8 policy;		/* SCHED_* */
	s8 nice;
	s32 tgid;		/* its process */
	char comm[KVS_COMM_LEN];	/* the task's name, or the interrupt's */
};

struct kvs_thief {
	struct kvs_holder who;	/* its CPU: of the longest piece */
	uint64_t time;		/* of all its pieces of ended waits, in time stamps' units */
	uint64_t count, max;	/* how many, and the longest */
	struct {
		uint64_t time, count, max;	/* the same of the wait that goes on */
		uint16_t cpu;	/* of the longest piece */
	} pending;
};

/* A wait that is over, and who had the largest part of it */
struct kvs_past_wait {
	struct kvs_ledger_wait span;
	struct kvs_holder top;
	uint64_t top_time;	/* what @top had of it, in time stamps' units */
};

#define KVS_PAST_WAITS	4

struct kvs_waiter {
	struct kvs_waiter *next;	/* in the queue of a CPU */
	bool waiting;		/* it is in a queue, the one of @holder's CPU */
	bool interrupted;	/* that CPU has served an interrupt since it waits there */
	int32_t tid;		/* of the vCPU's thread */
	uint64_t since;		/* begin of the current piece, a time stamp */
	struct kvs_holder holder;	/* who has the CPU in the current piece */
	struct kvs_thief *thieves;	/* all that ever held its CPU */
	unsigned int nr;	/* of @thieves */
	struct kvs_past_wait past[KVS_PAST_WAITS];	/* the last ones, as a ring */
	unsigned int nr_past;	/* how many waits have ended, all in all */
};

struct kvs_queues {
	struct kvs_waiter **first;	/* by CPU */
	unsigned int nr;
	/*
	 * For how long an idle CPU that was interrupted has to idle on, in time stamps'
	 * units, to tell that it was not about to switch.
	 */
	uint64_t surely_awake;
	/* Called for each piece of a wait as it ends; NULL: nobody asks. */
	void (*piece)(struct kvs_waiter *w, uint64_t from, uint64_t to,
		      const struct kvs_holder *holder);
};

void kvs_queues_free(struct kvs_queues *q);
void kvs_waiter_free(struct kvs_waiter *w);

/* A holder from the fields of a record; @comm has 16 bytes, with or without a NUL. */
struct kvs_holder kvs_holder_of(int32_t pid, int16_t prio, uint16_t cpu,
				const char *comm);

/* The holder of @cpu_ that @record tells of, in fields that begin with @prefix */
#define kvs_holder_told(record, prefix, cpu_) ({			\
	struct kvs_holder holder_ = kvs_holder_of(			\
		(record).prefix##pid, (record).prefix##prio, cpu_,	\
		(record).prefix##comm);					\
									\
	holder_.tgid = (record).prefix##tgid;				\
	holder_.policy = (record).prefix##policy;			\
	holder_.nice = (record).prefix##nice;				\
	holder_.flags = (record).prefix##flags;				\
	holder_;							\
})

/* It waits from now on: it was preempted, or woken. */
void kvs_wait_begin(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		    struct kvs_holder holder, bool preempted);
/* It waits for the holder's CPU now. */
void kvs_wait_move(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		   struct kvs_holder holder);
/* A CPU has another holder: for all that wait there. */
void kvs_wait_holder(struct kvs_queues *q, uint64_t ts, const struct kvs_holder *holder);
/* The holder of a CPU was interrupted for so long, until @ts. */
void kvs_wait_interrupt(struct kvs_queues *q, unsigned int cpu, int32_t tid,
			uint64_t ts, uint64_t length, const char *name);
/* Records of this CPU were lost: nobody knows who holds it. */
void kvs_wait_loss(struct kvs_queues *q, unsigned int cpu);
/* @span as the ledger has it; NULL: it doesn't know, so nothing is booked. */
const struct kvs_past_wait *kvs_wait_end(struct kvs_queues *q, struct kvs_waiter *w,
					 const struct kvs_ledger_wait *span);
/* The same for a recording that ends while it waits */
void kvs_wait_cut(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts, bool known);

/* The row of a thief, made where it is new */
struct kvs_thief *kvs_thief_get(struct kvs_waiter *w, const struct kvs_holder *who);
const char *kvs_thief_kind_name(unsigned int kind);
/* One task, of which more may be told; not the row that sums the rest */
static inline bool kvs_thief_is_task(const struct kvs_holder *who)
{
	return who->kind == KVS_THIEF_TASK && who->pid > 0;
}
/* A task's name, or what there is instead */
const char *kvs_thief_name(const struct kvs_holder *who);

/* The longest past wait that lies within @from .. @to, in part; NULL: none */
const struct kvs_past_wait *kvs_wait_within(const struct kvs_waiter *w,
					    uint64_t from, uint64_t to);

#endif /* KVMSCHED_THIEVES_H */
