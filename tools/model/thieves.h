/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who held the CPU that a vCPU waited for.
 *
 * A wait is cut wherever the holder of that CPU changes, or the vCPU is moved
 * to the queue of another one; each piece belongs to one thief.  The pieces of an open
 * wait are summed by culprit.  They are booked when the wait ends, and only if the ledger
 * knows of that wait.  Its end is known late, by the switch in: what was seen after the
 * thread had got its CPU is cut off.  So a vCPU's thieves sum to its states
 * wait_preempted and wait_woken exactly.
 *
 * A quota may have kept it from that CPU since before anybody looked.  Only what comes next
 * tells: an end of throttling whose begin was not seen, or that the vCPU runs there.  Until
 * then its pieces are in doubt, and if nothing tells, they are unknown.
 */
#ifndef KVMSCHED_THIEVES_H
#define KVMSCHED_THIEVES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/culprits.h"
#include "model/idle.h"
#include "model/ledger.h"
#include "model/quota.h"
#include "model/excerpt.h"

/* A row of a vCPU's thieves: what the culprit had of all waits that have ended */
struct kvs_thief {
	struct kvs_holder who;	/* its CPU: of the longest piece */
	uint64_t time;		/* in time stamps' units */
	uint64_t count, max;	/* how many pieces, and the longest */
};

/* A wait that is over, and who had the largest parts of it */
struct kvs_past_wait {
	struct kvs_ledger_wait span;
	struct kvs_shares shares;
	struct kvs_idle_wait idle;
};

#define KVS_PAST_WAITS	4

/* A part of a wait, while it may still turn out that the wait has ended before it */
struct kvs_piece {
	uint64_t from, to;	/* time stamps */
	struct kvs_holder holder;
};

#define KVS_LATE_PIECES	8
#define KVS_DOUBT_PIECES	128	/* the same while it is in doubt whether they are the quota's */

/*
 * Something that is on its way to a vCPU, as an interrupt: who had the CPU since then,
 * while the vCPU waited for it.  Once begun, it stays in the waiter's list.
 */
struct kvs_trail {
	struct kvs_trail *next;
	bool listed, on;
	uint64_t begin;		/* a time stamp */
	struct kvs_culprits culprits;
};

struct kvs_waiter {
	struct kvs_waiter *next;	/* in the queue of a CPU */
	bool waiting;		/* for @holder's CPU */
	bool queued;		/* in that CPU's queue; not where that is full */
	bool interrupted;	/* that CPU has served an interrupt since it waits there */
	bool real_time;		/* its policy is; the caller says so before a wait begins */
	u8 throttled;		/* KS_THROTTLED_*, likewise */
	const struct kvs_cgroup *quota;	/* keeps it from that CPU, whoever else has it */
	struct kvs_doubt {
		bool on;	/* another quota may do so, for longer than is recorded ... */
		uint64_t since;	/* ... or since this time stamp; KVS_NEXT_PIECE */
		bool limited;	/* there is a quota, or it is certain: else this is unlikely */
		bool certain;	/* a quota does, but which one is not known */
	} doubt;
	struct {
		bool on;	/* it ran on @cpu, where no quota kept it from that */
		uint16_t cpu;
		uint32_t epoch;	/* of the quotas, at that time */
	} ran;
	int32_t tid;		/* of the vCPU's thread */
	uint64_t begin;		/* of the wait, a time stamp */
	uint64_t since;		/* begin of the current piece, a time stamp */
	struct kvs_holder holder;	/* who has the CPU in the current piece */
	struct kvs_culprits open;	/* the pieces of the wait until @settled, summed */
	struct kvs_culprits part;	/* what of them lies in the excerpt, if there is one */
	uint64_t settled;	/* a time stamp */
	struct kvs_piece *late;	/* those from there to @since, in order */
	unsigned int nr_late, late_room;
	struct kvs_trail *trails;
	struct kvs_idle idle;	/* the CPUs that it may use, and which idle meanwhile */
	struct kvs_thief *thieves;	/* all that ever held its CPU */
	unsigned int nr;	/* of @thieves */
	struct kvs_past_wait past[KVS_PAST_WAITS];	/* the last ones, as a ring */
	unsigned int nr_past;	/* how many waits have ended, all in all */
};

#define KVS_NEXT_PIECE	UINT64_MAX	/* since the current piece will have ended */

/*
 * Each change of a CPU's holder is a piece for everybody who waits there.  If more than
 * this wait for one CPU, all holders that the rest of them wait for are summed as one.
 */
#define KVS_QUEUE_MAX	32

struct kvs_queues {
	bool unwanted;		/* nobody asks for thieves: no wait is put into a queue */
	struct kvs_queue {
		struct kvs_waiter *first;
		unsigned int nr;	/* who waits there, up to KVS_QUEUE_MAX */
	} *queues;			/* by CPU */
	unsigned int nr;
	struct kvs_idles idles;
	struct kvs_excerpt excerpt;	/* what thieves had out of it is in no sum */
	/*
	 * For how long an idle CPU that was interrupted has to idle on, in time stamps'
	 * units, to tell that it was not about to switch.
	 */
	uint64_t surely_awake;
	/*
	 * Called for each piece of a wait, in order, once it is sure that the wait was not
	 * over before; NULL: nobody asks.
	 */
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
/* A quota keeps it from that CPU now, or, with NULL, none does. */
void kvs_wait_throttle(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		       const struct kvs_cgroup *quota);
/* Whose the time is that passes while it waits: the holder's, the quota's, or unknown */
struct kvs_holder kvs_wait_culprit(const struct kvs_waiter *w);
/* From then on its pieces are in doubt, or no more: they are what they seem to be. */
void kvs_wait_doubt(struct kvs_queues *q, struct kvs_waiter *w, uint64_t since, bool limited,
		    bool certain);
void kvs_wait_trust(struct kvs_waiter *w);
/* Records were lost: what is in doubt until now stays so. */
void kvs_wait_lose_doubt(struct kvs_waiter *w);
/*
 * What is in doubt turns out to be that quota's, or with NULL, unknown if it was likely;
 * what comes after @ts is not in doubt.
 */
void kvs_wait_decide(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		     const struct kvs_cgroup *quota);
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
/*
 * The same for a wait whose end is not seen: by the ledger it goes on since @begin (0: it
 * doesn't know of any), and nothing is known of the vCPU after @ts.
 */
void kvs_wait_cut(struct kvs_queues *q, struct kvs_waiter *w, uint64_t begin, uint64_t ts);
/* Hand over all pieces until now: it is sure that the wait did not end before them. */
void kvs_wait_settle(struct kvs_queues *q, struct kvs_waiter *w);

/* Something is on its way to the vCPU since @ts, or has arrived. */
void kvs_trail_begin(struct kvs_waiter *w, struct kvs_trail *trail, uint64_t ts);
void kvs_trail_end(struct kvs_trail *trail);

/* The row of a thief, made where it is new */
struct kvs_thief *kvs_thief_get(struct kvs_waiter *w, const struct kvs_holder *who);
const char *kvs_thief_kind_name(unsigned int kind);
/* Is it one task, and not the row that sums the rest? */
static inline bool kvs_thief_is_task(const struct kvs_holder *who)
{
	return who->kind == KVS_THIEF_TASK && who->pid > 0;
}
/* Was the vCPU kept from its CPU, whoever had that?  By a record, or inferred */
static inline bool kvs_thief_is_throttling(const struct kvs_holder *who)
{
	return who->kind == KVS_THIEF_THROTTLED || who->kind == KVS_THIEF_QUOTA ||
	       who->kind == KVS_THIEF_RT_THROTTLED;
}
/* A task's name, or what there is instead */
const char *kvs_thief_name(const struct kvs_holder *who);

/* The longest past wait that lies within @from .. @to, in part; NULL: none */
const struct kvs_past_wait *kvs_wait_within(const struct kvs_waiter *w,
					    uint64_t from, uint64_t to);

#endif /* KVMSCHED_THIEVES_H */
