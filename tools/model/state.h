/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the model knows: its own state, and the statistics of each vCPU.
 *
 * The fields that are marked "summary" are written by the sink of summary.h alone,
 * from spans; without that sink they stay 0.  All others are the model's.
 *
 * Units are in the names: _cycles are TSC cycles as the module measured them,
 * _ns nanoseconds, _ts differences of time stamps in the file's own clock.
 * Sums are exact; whoever prints them converts them, once.
 */
#ifndef KVMSCHED_STATE_H
#define KVMSCHED_STATE_H

#include <stdbool.h>

#include "base/hist.h"
#include "base/table.h"
#include "model/causes.h"
#include "model/ledger.h"
#include "model/spans.h"
#include "model/thieves.h"
#include "trace/schema.h"

#define KVS_SWITCH_KINDS	KS_NR_SWITCH_KINDS
#define KVS_EXIT_ENDS	KS_NR_EXIT_ENDS
#define KVS_TIMER_MODES	KS_NR_TIMER_MODES
#define KVS_VECTORS	256

/*
 * One exit reason.  Host time is counted on the CPU and in the kernel only:
 * from the exit to the entry, or, where the story was cut, to the switch or to
 * the return to userspace; out_cycles of a cut story is the whole time out of
 * the guest.
 */
struct kvs_exit_stats {
	u32 reason;
	u8 isa;
	bool fastpath;		/* seen only at re-entry: no reason, no times */
	u64 count;
	u64 ended[KVS_EXIT_ENDS];
	struct kvs_hist uncut_cycles, cut_cycles, out_cycles;
	struct kvs_hist guest_cycles;	/* before it */
};

/* KVM_RUN's returns by reason (KVM_EXIT_*) */
struct kvs_user_stats {
	u32 reason;
	u64 count;
	struct kvs_hist run_cycles;	/* within KVM_RUN, before it */
	struct kvs_hist user_cycles;	/* until the next KVM_RUN */
};

struct kvs_vector_stats {
	u8 vector;
	u64 accepted;
	u64 merged;		/* accepted while the last one was still pending */
	u64 injected, soft, reinjected, eoi;
	/* Summary */
	struct kvs_hist accept_to_inject_ts, inject_to_eoi_ts;
	/* Of the first: until it was kicked out of guest mode, or had a CPU */
	struct kvs_hist accept_to_exit_ts, accept_to_cpu_ts;

	/* What is on its way; a time stamp counts only within its epoch. */
	u64 accept_ts, inject_ts;
	u32 accept_epoch, inject_epoch;
	bool pending, in_service, of_timer;
	u64 accept_states[KVMSCHED_NR_STATES];	/* the ledger then */
};

/* One expiry on its way to the guest */
struct kvs_expiry {
	u64 deadline, ts;	/* time stamps */
	u32 epoch;
	u64 states[KVMSCHED_NR_STATES];	/* the ledger then */
};

/* The watchdog: what never reached the guest, long behind its deadline */
struct kvs_overdue {
	u64 not_expired, not_accepted, not_injected;
	u64 unanswered;		/* armed again before an interrupt was seen */
	u64 last_deadline;	/* time stamp */
};

struct kvs_timer_stats {
	u64 armed[KVS_TIMER_MODES];
	u64 rearmed;		/* by KVM, not by the guest */
	u64 hv_armed;		/* of armed, backed by the preemption timer */
	u64 expired, hv_expired;
	u64 injected;
	/* Summary */
	struct kvs_shist late_cycles;
	struct kvs_hist expire_to_inject_ts;
	struct kvs_hist expire_to_accept_ts, accept_to_inject_ts, inject_to_entry_ts;
	struct kvs_shist deadline_to_inject_ts;
	struct kvs_hist cause_ts[KVS_CAUSES];	/* of the lateness */
	u64 main_cause[KVS_CAUSES];
	/* The model's again */
	struct kvs_overdue overdue;
	struct {
		bool on;
		u64 deadline;	/* time stamp */
		u32 epoch;
	} armed_now;
	u64 entry_due;		/* injected then, the entry is still to come */
	int vector;		/* as learned; -1: none yet */
	unsigned int sure;	/* how often it was seen to be that one */
	bool due;		/* expired, not accepted yet */
	struct kvs_expiry expiry;	/* that one, or the accepted one */
};

/* Who took the CPU */
struct kvs_taker {
	s32 pid;
	char comm[KVS_COMM_LEN];
	s16 prio;
	u64 count[KVS_SWITCH_KINDS];
	struct kvs_hist wait_cycles;	/* of the preempted vCPU */
};

/* Summary */
struct kvs_switch_stats {
	u64 out[KVS_SWITCH_KINDS];
	u64 in_userspace;	/* of these, outside of KVM_RUN */
	u64 in, migrated;
	struct kvs_hist slice_cycles;		/* switch in to switch out */
	struct kvs_hist full_slice_cycles;	/* ended by preemption */
	struct kvs_hist preempted_wait_cycles;
	struct kvs_hist woken_wait_ns;
	struct kvs_hist off_cycles;		/* off the CPU, whatever for */
	struct kvs_taker *takers;
	unsigned int nr_takers;
	int last_taker;		/* of the last switch out, -1: none */
};

/* A kind of host interrupt, met by a vCPU or by host processes */
struct kvs_host_irq_stats {
	u8 kind;		/* KS_HOST_IRQ_* */
	s32 irq;
	u16 vector;
	char name[KVS_COMM_LEN];
	u64 count, ended_guest;
	struct kvs_hist cycles;
};

struct kvs_host_irqs {
	struct kvs_host_irq_stats *irqs;
	unsigned int nr;
};

/* Where a vCPU's thread is; the ledger knows more, and needs more classes. */
enum kvs_state {
	KVS_STATE_UNKNOWN,	/* before the first sight, or no thread's */
	KVS_STATE_ON_CPU,
	KVS_STATE_OFF_CPU,
};

/* An exit, or a return of KVM_RUN, that was told before its end */
struct kvs_cut_exit {
	bool on;
	u32 reason;
	u8 isa, end;
	bool fastpath;
	u32 epoch;
};

struct kvs_last_put {
	bool on;
	u32 reason;		/* KVM_EXIT_* */
	u32 epoch;
};

struct kvs_vcpu {
	u16 vm, id;
	unsigned int index;	/* in the order of first sight */
	unsigned int vm_index;	/* of its VM, among those of its process */
	bool identified;	/* a kvmsched_vcpu told what follows */
	s32 tgid;
	s32 tid;		/* the last that carried it */
	u32 threads;		/* how often it came to another one */
	char comm[KVS_COMM_LEN];
	u16 policy, rt_priority;
	s16 nice, prio;
	bool policy_known;
	u64 policy_changes;
	u32 features, apicv_inhibits, halt_poll_ns;
	u64 tsc_offset, tsc_ratio;
	u32 tsc_frac_bits;

	/* The thread */
	enum kvs_state state;
	u64 since_ts;		/* of the state */
	u32 since_epoch;
	u64 first_ts;
	bool shared_slice;	/* this slice began with another vCPU */
	u64 out_ts;		/* 0: not off the CPU, or not known */
	u32 out_epoch;		/* of that */
	u8 out_kind;		/* KS_SWITCH_*, of the last switch out */
	u16 last_cpu;		/* where its thread wrote the last record */

	/* Its exits and returns to userspace */
	struct kvs_cut_exit cut_exit;
	struct kvs_last_put last_put;
	u64 entry_ts;		/* last entry of the guest, 0: not known */
	u32 exit_epoch;		/* of that */

	const struct kvs_sinks *sinks;	/* the model's */
	struct kvs_ledger ledger;	/* in time stamps */
	struct kvs_waiter waiter;
	struct {
		bool known;
		u64 states[KVMSCHED_NR_STATES];	/* cycles */
		u64 exits;
	} kernel;		/* the ledger in the kernel, at the end */

	struct kvs_vector_stats *vector[KVS_VECTORS];
	struct {
		struct kvs_vector_stats *vector;	/* NULL: none */
		u64 accept_ts, inject_ts;
	} kick;			/* the exit that it was injected after is to be told */
	u64 other_accepts;	/* NMI, SMI, INIT, SIPI: not by a vector */
	struct kvs_timer_stats timer;

	struct {
		u64 count, slept;
		kvs_u128 poll_ns, halt_ns;
	} halts;

	/* Summary */
	kvs_u128 on_cpu_ts;
	kvs_u128 on_cpu_cycles;	/* slices whose beginning was lost */
	u64 exit_count;
	struct kvs_exit_stats *exits;
	unsigned int nr_exits;
	kvs_u128 guest_cycles;	/* before all of them */
	struct kvs_user_stats *users;
	unsigned int nr_users;
	struct kvs_hist user_cycles;	/* of all returns */
	struct kvs_switch_stats sw;
	struct kvs_host_irqs host_irqs;
	struct kvs_hist clockevent_ns;
};

/* A host process, of class host */
struct kvs_task {
	s32 pid;
	char comm[KVS_COMM_LEN];
	u8 policy;
	s16 prio;
	bool is_vcpu;
	u64 slices, preempted, blocked;
	struct kvs_hist slice_ts;
	struct kvs_hist preempted_wait_ts;
	bool waiting;		/* preempted, runnable since out_ts */
	u64 out_ts;
	u32 out_epoch;
};

/* A hook some of whose hits the kernel dropped */
struct kvs_missed {
	char hook[33];
	u64 count;
};

struct kvs_hook {
	char name[33];
	u32 classes, how;
	s32 status;
};

struct kvs_model {
	/* Sessions and time */
	bool started, stopped;
	u64 start_ts, stop_ts, first_ts, last_ts;
	u32 classes;		/* of the session; 0 without one */
	bool overwrite;
	u32 pages, tsc_khz;
	struct kvs_hook *hooks;
	unsigned int nr_hooks;

	/* What there is, what isn't */
	u64 records[KS_NR_EVENTS];
	u64 lost_closing[KS_NR_EVENTS + 1];	/* the last: other events' */
	bool has_closing;
	u64 lost_pages;
	bool lost_pages_unknown;	/* and some that no one counted */
	struct kvs_cpu_loss {
		u64 told, closing;	/* by pages' flags; in the whole session */
		bool untold;		/* some flags have no number */
	} *cpu_loss;			/* by CPU */
	unsigned int nr_cpu_loss;
	u64 overwritten;	/* by younger ones, in a flight recorder */
	struct kvs_missed *missed;
	unsigned int nr_missed;
	u64 unattributed;	/* records of no vCPU that we know */
	u32 epoch;		/* losses seen so far: pairs don't span them */

	/* Pairs of both clocks, from which the TSC's rate can be told */
	kvs_u128 rate_cycles, rate_ts;

	/* To time stamps; learn: from the pairs, of which so many were used */
	struct kvs_scale cycles_to_ts, ns_to_ts;
	bool learn;
	kvs_u128 learnt_cycles;

	struct kvs_queues queues;
	struct kvs_sinks sinks;

	struct kvs_table vcpu_table;
	struct kvs_vcpu **vcpus;		/* in the order of first sight ... */
					/* ... until finish: by process, VM, id */
	unsigned int nr_vcpus;
	struct kvs_table threads;	/* tid to the vCPU it carries */

	struct kvs_host_irqs host_irqs;	/* of processes that are no vCPUs */
	struct kvs_table task_table;
	struct kvs_task **tasks;
	unsigned int nr_tasks;
	struct kvs_running {
		s32 pid;
		u64 since_ts;
		u32 epoch;
		bool known;
	} *running;			/* by CPU */
	unsigned int nr_running;
};

#endif /* KVMSCHED_STATE_H */
