/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spans: what the model makes of the records, for whoever wants to know.
 *
 * A span is one stretch of time about which one thing is true: a vCPU was in a
 * state of the ledger, handled an exit, had a CPU, waited for one; a timer was due
 * and not injected yet; a task of the host ran.  The model hands each to the sinks
 * that registered for its kind, as an argument: nothing is allocated, queued or
 * kept, and a kind that nobody registered for is not built.
 *
 * Order: a span is handed over when the record is read that ends it, and ends at or
 * before that record.  So spans come in the order of their ends, but for what records
 * report late: an exit is recorded when its handling is over, so state guest
 * and kick come with it; where guest mode was left by a switch, the exit is recorded
 * only after the thread runs again (SVM up to Linux 6.1, and attach=kprobe), and
 * so are the states before that switch; a wait's end is known by the switch in, so its
 * last pieces come with that; of an exit that a switch
 * has cut, the end of the halt tells what was polled, so it comes with the next record
 * that shows the thread within KVM_RUN; state poll comes when the halt is over,
 * and was part of state exit until then: who sums states takes it out of exit.
 *
 * Losses and ends: where records were lost between the two ends of a span, @gap is
 * set, and @begin may be wrong; @length, which the module measured, still holds.
 * The ledger's states are unknown there.  A span with @open set lasted at least
 * until @end: the recording ends there, kvs_model_cut() cut it, or another vCPU
 * went on in its thread.
 *
 * Cuts: kvs_model_cut() divides the spans that fill a vCPU's time, STATE, SLICE, OFF and
 * PIECE: one that goes on is handed over as open, and its rest begins at the cut.  (A
 * thread gets its CPU a little before its switch in is recorded.  A cut between the two
 * makes the open OFF and PIECE that much too long.)  All other kinds are single
 * measurements.  They keep their begin, and belong to the side of the cut on which they
 * end.
 */
#ifndef KVMSCHED_SPANS_H
#define KVMSCHED_SPANS_H

#include <stdbool.h>

#include "model/thieves.h"
#include "trace/schema.h"

enum kvs_span_kind {
	/* A vCPU's thread */
	KVS_SPAN_STATE,		/* a state of the ledger; poll lies within exit */
	KVS_SPAN_EXIT,		/* host time of an exit, on the CPU, in the kernel */
	KVS_SPAN_OUT,		/* all time out of the guest, of an exit cut short */
	KVS_SPAN_BLOCKED,	/* asleep within KVM_RUN, not in HLT, as the ledger has it */
	KVS_SPAN_RUN,		/* one KVM_RUN */
	KVS_SPAN_USER,		/* from one KVM_RUN to the next, on the CPU */
	KVS_SPAN_SLICE,		/* on a CPU: switch in to switch out */
	KVS_SPAN_OFF,		/* off the CPU: switch out to switch in */
	KVS_SPAN_WAIT,		/* runnable, and off the CPU, as the ledger has it */
	KVS_SPAN_PIECE,		/* a part of a wait, with one holder of the CPU */
	/* Its LAPIC timer */
	KVS_SPAN_TIMER_ARMED,	/* from the arm to the expiry, or to what came instead */
	KVS_SPAN_TIMER_LATE,	/* deadline to expiry of the backing timer; signed */
	KVS_SPAN_TIMER_ACCEPT,	/* expiry to acceptance by the LAPIC */
	KVS_SPAN_TIMER,		/* deadline to injection */
	KVS_SPAN_TIMER_ENTRY,	/* injection to entry */
	/* Its interrupts */
	KVS_SPAN_ACCEPT,	/* sent to acceptance; a moment where it isn't known when sent */
	KVS_SPAN_IRQ,		/* acceptance to injection */
	KVS_SPAN_KICK,		/* acceptance to the exit that it forced */
	KVS_SPAN_WAKEUP,	/* acceptance to having a CPU */
	KVS_SPAN_SERVICE,	/* injection to EOI */
	/* The host */
	KVS_SPAN_TASK,		/* a task had a CPU */
	KVS_SPAN_TASK_WAIT,	/* a task waited after a preemption */
	KVS_SPAN_HOST_IRQ,	/* a handler, on a vCPU's time or on another's */
	KVS_SPAN_CLOCKEVENT,	/* clock event device programmed so far ahead */
	KVS_SPAN_KINDS
};

/* How a timer's being armed ended */
enum kvs_armed_end {
	KVS_ARMED_EXPIRED,	/* what backs it did */
	KVS_ARMED_STOPPED,	/* by the guest; told in TSC-deadline mode only */
	KVS_ARMED_REPLACED,	/* armed anew; likewise */
	KVS_ARMED_OPEN,		/* it was not over; likewise */
};

/* What @length is measured in */
enum kvs_span_unit {
	KVS_SPAN_IN_TS,		/* the file's time stamps: it is end - begin */
	KVS_SPAN_IN_CYCLES,	/* cycles of the host's TSC */
	KVS_SPAN_IN_NS,
};

struct kvs_vcpu;
struct kvs_task;
struct kvs_vector_stats;
struct kvs_sender_stats;

struct kvs_span {
	u8 kind;		/* enum kvs_span_kind */
	u8 unit;		/* of @length, enum kvs_span_unit */
	bool gap;		/* records were lost within it */
	bool open;		/* it lasted at least until @end */
	u16 cpu;		/* of the record that ended it; PIECE: the CPU waited for */
	u64 begin, end;		/* time stamps in the file's clock, begin <= end */
	u64 length;		/* in @unit; 0: not measured; sums use this one */
	struct kvs_vcpu *vcpu;	/* whose span it is; NULL: no vCPU that the module knew */
	union {
		struct {
			u8 state;		/* enum kvmsched_state */
		} state;
		struct {			/* EXIT, OUT, BLOCKED */
			u32 reason;
			u8 isa, end;		/* KS_ISA_*, KS_EXIT_BY_* */
			bool l2;		/* of a guest of the guest */
			bool fastpath;		/* seen at re-entry: no times */
			u64 info;		/* EXIT: as in the record */
			/*
			 * BLOCKED: in no exit, but before KVM_RUN entered the
			 * guest; or in one that is unknown, as records were lost
			 */
			bool before, unknown;
			u8 sleep;		/* BLOCKED: KS_SLEEP_*; SIPI and PAGE: in no exit */
			/*
			 * In guest mode before it, the fast path included; 0:
			 * unknown
			 */
			u64 guest_cycles;
			/*
			 * EXIT: how long the host polled in its halt, which is no
			 * cost: the vCPU idled; the same as a difference of time
			 * stamps.  It is a part of the length, unless a switch cut
			 * the exit while it polled.
			 */
			u64 poll_cycles, poll_ts;
			/* EXIT: a halt that is not over, so that part is not known */
			bool halts;
		} exit;
		struct {			/* RUN, USER */
			u32 reason;		/* KVM_EXIT_*, of KVM_RUN's return */
			bool known;		/* ... where it was seen */
		} user;
		struct {
			u8 kind;		/* KS_SWITCH_*, how it ended */
			bool shared;		/* began as another vCPU's */
			bool loaded;		/* ended within KVM_RUN */
			bool since;		/* @begin was seen */
			s32 next_pid;		/* the first task after it */
			s16 next_prio;
			const char *next_comm;	/* with a NUL */
		} slice;
		struct {
			u8 kind;		/* KS_SWITCH_*, why it was off */
			bool migrated;		/* to another CPU */
			bool since;		/* @begin was seen */
			u64 wait_ns;		/* of it runnable, by run_delay */
		} off;
		const struct kvs_past_wait *wait;	/* WAIT; valid during the call */
		const struct kvs_holder *piece;	/* PIECE: who had the CPU */
		struct {			/* TIMER_ARMED */
			u8 mode, end;		/* KS_TIMER_*, enum kvs_armed_end */
			bool since;		/* @begin was seen */
			u64 deadline;		/* a time stamp; 0: not known */
		} armed;
		struct {			/* the other TIMER_* */
			bool early;		/* LATE: before it, by @length */
			u64 deadline, expired, accepted;	/* TIMER: time stamps */
			const u64 *spent;	/* TIMER: time stamps' units, by enum kvs_cause */
			const struct kvs_shares *shares;	/* TIMER: who had the CPU */
			u8 vector;
		} timer;
		struct {			/* ACCEPT, IRQ, KICK, WAKEUP, SERVICE */
			struct kvs_vector_stats *vector;
			bool of_timer;
			bool merged;		/* ACCEPT: the last one was still pending */
			/* ACCEPT, IRQ: who sent it, in @vector's, and when; 0: not known */
			struct kvs_sender_stats *sender;
			u64 sent_ts;
			u64 on_cpu_ts;		/* ACCEPT: since when that thread has its CPU; likewise */
		} irq;
		/* TASK, TASK_WAIT; after a TASK, @waiting tells that it was preempted */
		struct kvs_task *task;
		struct {
			u8 kind;		/* KS_HOST_IRQ_* */
			bool ended_guest;
			u16 vector;
			s32 irq;
			const char *name;
		} host_irq;
	};
};

/* What an exit cost, in its unit */
static inline u64 kvs_span_cost(const struct kvs_span *span)
{
	u64 polled = span->exit.poll_cycles;

	return polled < span->length ? span->length - polled : 0;
}

#define KVS_SPAN_BIT(kind)	(1U << KVS_SPAN_##kind)
#define KVS_SPAN_ALL		((1U << KVS_SPAN_KINDS) - 1)

/* A function that gets spans, from within kvs_model_record() and the like */
struct kvs_span_sink {
	u32 kinds;			/* that it gets, by KVS_SPAN_BIT() */
	bool whole;			/* also those that end out of the excerpt */
	void (*span)(void *ctx, const struct kvs_span *span);
	void *ctx;
};

#define KVS_MAX_SINKS	10

struct kvs_sinks {
	struct kvs_span_sink sinks[KVS_MAX_SINKS];
	unsigned int nr;
	u32 kinds;			/* of all of them */
	u64 cut_ts;			/* time stamp of the last cut; 0: none */
	struct kvs_excerpt excerpt;	/* what else they get ends there */
};

/* "state", "exit", ...; NULL beyond the last */
const char *kvs_span_kind_name(unsigned int kind);
/* "expired", "stopped", "replaced"; NULL: it was not over */
const char *kvs_armed_end_name(unsigned int end);

/* At most KVS_MAX_SINKS; @kinds 0 is allowed and costs nothing. */
void kvs_sinks_add(struct kvs_sinks *sinks, u32 kinds,
		   void (*span)(void *ctx, const struct kvs_span *span), void *ctx);
/* The same for who wants those that end out of the excerpt, too */
void kvs_sinks_add_whole(struct kvs_sinks *sinks, u32 kinds,
			 void (*span)(void *ctx, const struct kvs_span *span), void *ctx);
/* From now on no sink gets spans. */
void kvs_sinks_clear(struct kvs_sinks *sinks);

static inline bool kvs_span_wanted(const struct kvs_sinks *sinks, unsigned int kind)
{
	return sinks->kinds >> kind & 1;
}

/*
 * Where a span begins that went on since @from and ends at @to: at the last cut, if that
 * was later.  Only in a damaged file does time go back; there it begins at its end.
 */
static inline u64 kvs_span_begin(const struct kvs_sinks *sinks, u64 from, u64 to)
{
	u64 begin = from < sinks->cut_ts ? sinks->cut_ts : from;

	return begin < to ? begin : to;
}

static inline void kvs_span_emit(const struct kvs_sinks *sinks,
				 const struct kvs_span *span)
{
	bool inside = kvs_excerpt_has(&sinks->excerpt, span->end);

	for (unsigned int i = 0; i < sinks->nr; i++)
		if (sinks->sinks[i].kinds >> span->kind & 1 && (inside || sinks->sinks[i].whole))
			sinks->sinks[i].span(sinks->sinks[i].ctx, span);
}

#endif /* KVMSCHED_SPANS_H */
