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
#include "model/beat.h"
#include "model/bpf-sched.h"
#include "model/causes.h"
#include "model/ledger.h"
#include "model/quota.h"
#include "model/senders.h"
#include "model/spans.h"
#include "model/thieves.h"
#include "model/excerpt.h"
#include "trace/schema.h"

#define KVS_SWITCH_KINDS	KS_NR_SWITCH_KINDS
#define KVS_EXIT_ENDS	KS_NR_EXIT_ENDS
#define KVS_TIMER_MODES	KS_NR_TIMER_MODES
#define KVS_LAST_EXITS	64	/* the usual reasons of either vendor differ in their low bits */
#define KVS_VECTORS	256
/* Kinds of IPIs that a vCPU sends: the vectors; then those without, by delivery mode */
#define KVS_IPIS	(KVS_VECTORS + 8)

/*
 * One exit reason.  Host time is counted on the CPU and in the kernel only: from the exit
 * to the entry, or, where a switch or a return to userspace ended the exit's record (a cut
 * exit), until that.  Halt polling is no part of it, and has a sum of its own.  out_cycles of an
 * exit that was cut or polled is the whole time out of the guest.
 */
struct kvs_exit_stats {
	u32 reason;		/* the hardware's number, or KVS_OTHER_REASON */
	u8 isa;			/* KS_ISA_*, whose number @reason is */
	bool l2;		/* exits of a guest of the guest */
	bool fastpath;		/* seen only at re-entry: no times */
	u64 count;		/* exits */
	u64 ended[KVS_EXIT_ENDS];	/* of them, by KS_EXIT_BY_* */
	/* Host time of exits that were all the time out of the guest, and of the others */
	struct kvs_hist uncut_cycles, cut_cycles;
	struct kvs_hist out_cycles;	/* of the others: cut, or polled */
	struct kvs_hist poll_cycles;	/* of those that polled */
	struct kvs_hist blocked_ts;	/* each sleep in one that is no halt */
	struct kvs_hist guest_cycles;	/* in guest mode, before the exit */
};

/* Exits that suggest that the guest spins, see spins.h */
enum kvs_spin {
	KVS_SPIN_PAUSE,		/* PAUSEs in a row, by the hardware's filter */
	KVS_SPIN_KICK,		/* hypercall KVM_HC_KICK_CPU */
	KVS_SPIN_YIELD,		/* hypercall KVM_HC_SCHED_YIELD */
	KVS_SPINS
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
	u64 injected;		/* not counted in it: those of the next two */
	u64 posted;		/* of accepted: left to the hardware, no injection is seen */
	u64 soft;		/* injections of the guest's own INT n */
	u64 reinjected;		/* injected once more, since an exit came first */
	u64 eoi;		/* ended by the guest */
	struct kvs_sender_stats *senders;
	unsigned int nr_senders;
	/* Summary */
	struct kvs_hist accept_to_inject_ts, inject_to_eoi_ts;
	/* Parts of the first: until a kick took it out of guest mode, or until it had a CPU */
	struct kvs_hist accept_to_exit_ts, accept_to_cpu_ts;

	/* The interrupt that is on its way; its time stamps count only within their epoch. */
	u64 accept_ts, inject_ts;
	u32 accept_epoch, inject_epoch;
	bool pending;		/* accepted, not injected yet */
	bool in_service;	/* injected, no EOI yet */
	bool of_timer;		/* the accepted one is the LAPIC timer's */
	unsigned int sender;	/* index of who sent it, in @senders */
	u64 sent_ts;		/* when; 0: not known */
	u64 accept_in_run;	/* kvs_run_until() of then */
	struct kvs_ledger_mark accept_mark;	/* at acceptance */
	struct kvs_trail trail;	/* who had the CPU since then */
};

/* One expiry on its way to the guest */
struct kvs_expiry {
	u64 deadline;		/* the guest's, a time stamp */
	u64 ts;			/* of the expiry of the backing timer */
	u32 epoch;		/* at that time */
	bool hv;		/* the preemption timer's, so an exit has come before it */
	u64 in_run;		/* kvs_run_until() of then */
	struct kvs_ledger_mark mark;	/* at that time, or at the deadline if that is later */
};

/* A timer's injection, whose causes the record of the exit before it will settle */
struct kvs_injection {
	bool on;
	u8 vector;
	u16 cpu;		/* of the injection's record */
	u64 ts, deadline, expired, accepted;	/* time stamps */
	u64 open_from;		/* begin of the time that counts as guest mode until then */
	bool hv;		/* guest mode was over at @expired, whatever dates the exit */
	u64 spent[KVS_CAUSES];
	struct kvs_shares shares;	/* who had the CPU meanwhile */
};

/* Timers that did not reach the guest by a time that is long after their deadline */
struct kvs_overdue {
	/* How many, by the step of their way that did not happen */
	u64 not_expired, not_accepted, not_injected;
	u64 unanswered;		/* armed again before an interrupt was seen */
	/* Due, but the vCPU was dead, out of KVM_RUN, without a CPU or at its end */
	u64 not_judged;
	u64 last_deadline;	/* of the latest of them, a time stamp */
};

/* A timer that is armed; times are time stamps */
struct kvs_armed {
	bool on;		/* and the deadline can be compared with time stamps */
	u64 guest_deadline;	/* by the guest's TSC; 0: none */
	u64 deadline;		/* the guest's */
	u64 expires;		/* what backs it, as KVM set it */
	u64 ts;			/* when it was armed, or found */
	u64 in_run;		/* kvs_run_until() of then */
	u32 epoch;		/* at that time */
};

/* A timer is armed since @ts, a time stamp; it becomes a span when that is over. */
struct kvs_armed_stretch {
	bool on;
	bool since;		/* what armed it was seen */
	u8 mode;		/* KS_TIMER_* */
	u64 ts;
	u32 epoch;		/* at that time */
};

struct kvs_timer_stats {
	u64 armed[KVS_TIMER_MODES];	/* by the guest */
	u64 rearmed;		/* by KVM, not by the guest */
	u64 found;		/* armed before anybody looked */
	u64 by_vmm;		/* armed by another ioctl than KVM_RUN */
	u64 hv_armed;		/* of armed, backed by the preemption timer */
	u64 expired;		/* the backing timer, of either kind */
	u64 hv_expired;		/* of expired, the preemption timer */
	u64 merged;		/* of expired, while an earlier one was not injected yet */
	u64 skipped;		/* periods that KVM left out: nothing expired for them */
	u64 left_out;		/* either of the two: the file does not tell which */
	u64 injected;		/* interrupts that are taken for the timer's */
	u64 posted;		/* the same, left to the hardware: no injection is seen */
	/* Summary */
	struct kvs_shist late_cycles;
	struct kvs_hist expire_to_inject_ts;
	struct kvs_hist expire_to_accept_ts, accept_to_inject_ts, inject_to_entry_ts;
	struct kvs_shist deadline_to_inject_ts;
	struct kvs_hist cause_ts[KVS_CAUSES];	/* of the lateness */
	u64 main_cause[KVS_CAUSES];
	/* Not summary: the model's own */
	struct kvs_overdue overdue;
	struct kvs_armed armed_now;
	struct kvs_armed_stretch stretch;
	struct {
		u64 ahead_ts;	/* armed at the end, from then to its expiry; 0: not so far */
		bool asleep;	/* the guest halts meanwhile */
	} far;
	struct {
		u64 ts;		/* length of a period; 0: the timer is not periodic */
		u64 target;	/* of the last expiry, a time stamp, if @known */
		u32 epoch;
		bool known;
	} period;
	u64 entry_due;		/* time stamp of an injection without its entry; 0: none */
	int vector;		/* 0 .. 255, found out from expiries; -1: not yet */
	unsigned int sure;	/* how often that was confirmed, at most SURE_MAX */
	bool due;		/* expired, not accepted yet */
	bool due_again;		/* and an earlier one was accepted, but not injected yet */
	struct kvs_expiry expiry;	/* the one that is due, or was accepted last */
	struct kvs_injection injection;
	struct kvs_expiry again;	/* where @due_again: the later one */
	/* Who had the CPU since these two expiries */
	struct kvs_trail trail, trail_again;
};

/* A synthetic timer of Hyper-V's interface */
struct kvs_stimer {
	u64 armed;		/* for each period anew */
	u64 delivered;		/* its interrupt, or its message */
	u64 refused;		/* messages that found no room; KVM tries again */
	bool periodic, direct;	/* as it was armed last; as it was delivered last */
	struct kvs_hist late_ts;	/* deadline to delivery */
	struct {
		u64 ts;		/* deadline, a time stamp */
		u32 epoch;
		bool known;
	} due;
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

/* An exit whose record a switch or a put ended; the entry will say how long it was */
struct kvs_cut_exit {
	bool on;		/* there is one, and its entry is still to come */
	u32 reason;
	u8 isa, end;
	bool l2, fastpath;
	u32 epoch;
};

/*
 * The time within KVM_RUN in which the vCPU could take an interrupt, as far as records
 * show it: all but the waits for a CPU
 */
struct kvs_in_run {
	bool on;		/* within it since ... */
	u64 since;		/* ... this time stamp, moved on by each wait since then */
	u64 total;		/* before that, in time stamps */
	u32 epoch;		/* of the last record that shows it */
};

/* What a vCPU slept for that slept within KVM_RUN, but not in HLT */
enum kvs_slept_for {
	KVS_SLEPT_UNKNOWN,	/* not told, or records were lost */
	KVS_SLEPT_IN_EXIT,	/* while an exit was handled */
	KVS_SLEPT_BEFORE_ENTRY,	/* no exit, but KVM_RUN had not entered the guest yet */
	KVS_SLEPT_FOR_SIPI,	/* until another vCPU started it */
	KVS_SLEPT_FOR_PAGE,	/* until the host had a page of the guest: async page fault */
};

/* Such a sleep; @reason, @isa and @l2 are of the exit, if it was in one. */
struct kvs_sleep {
	u64 begin, end;		/* time stamps; both 0: none yet */
	u32 reason;
	u8 isa;
	u8 what;		/* enum kvs_slept_for */
	bool l2;
	bool over;		/* the guest was entered since */
};

/* The last return of KVM_RUN to userspace */
struct kvs_last_put {
	bool on;		/* and no load since then */
	u32 reason;		/* KVM_EXIT_* */
	u32 epoch;
};

struct kvs_vcpu {
	u16 vm, id;
	unsigned int index;	/* in the order of first sight */
	unsigned int vm_index;	/* of its VM, among those of its process */
	bool identified;	/* what follows is known, from a kvmsched_vcpu record */
	bool foretold;		/* ... that is still to come */
	s32 tgid;
	const char *vm_name;	/* the file's, by kvs_model_name_vms(); NULL: not told */
	s32 tid;		/* the last that carried it */
	u32 threads;		/* how often it came to another one */
	char comm[KVS_COMM_LEN];
	u16 policy, rt_priority;
	s16 nice, prio;
	bool policy_known;
	u64 policy_changes;
	u32 features, apicv_inhibits, halt_poll_ns;
	bool apicv;		/* the hardware delivers to it, or did so once */
	u64 tsc_offset, tsc_ratio;
	u32 tsc_frac_bits;

	/* The thread */
	enum kvs_state state;
	u64 since_ts;		/* begin of the state */
	u32 since_epoch;	/* epoch at that time */
	u64 first_ts;		/* of the first record of it or to it; 0: none yet */
	bool born;		/* its first KVM_RUN was seen, and its ledger begins there */
	struct {
		bool on;	/* it is told, and its first KVM_RUN not yet */
		u32 epoch;	/* when it was told */
	} newborn;
	const struct kvs_vcpu *once;	/* it seems to be this one, of another number; NULL: no */
	bool gone;		/* its VM was destroyed */
	bool replaced;		/* and another VM has the number since */
	bool ended;		/* so was the end of its thread or its VM: its ledger ends there */
	bool shared_slice;	/* this slice began with another vCPU */
	u64 out_ts;		/* of the switch out; 0: on the CPU, or not known */
	u32 out_epoch;		/* epoch at that time */
	u8 out_kind;		/* KS_SWITCH_*, of the last switch out */
	u8 out_sleep;		/* KS_SLEEP_*, of the same */
	bool sleeps_told;	/* it was told once why it slept */
	u16 last_cpu;		/* where its thread wrote the last record */

	/* Its exits and returns to userspace */
	struct kvs_cut_exit cut_exit;
	bool exits_told;	/* an exit was recorded as it came, or with a time */
	struct {
		bool on;
		u32 epoch;
		struct kvs_span span;
	} late_exit;		/* cut by a switch: what it polled may still be told */
	u64 polled_ns;		/* in halts whose exit is not recorded yet */
	u32 polled_epoch;	/* at that time */
	struct kvs_last_put last_put;
	struct kvs_sleep last_sleep;	/* the longest since an entry or, if @over, before it */
	struct {
		bool on;	/* KVM_RUN began, and no entry or exit was seen since */
		u32 epoch;	/* when it began */
	} before_entry;
	struct kvs_in_run in_run;
	u64 entry_ts;		/* last entry of the guest, 0: not known */
	u32 exit_epoch;		/* at the last exit or entry */

	const struct kvs_sinks *sinks;	/* the model's */
	struct kvs_ledger ledger;	/* in time stamps */
	struct kvs_ledger_part {	/* of it, in the excerpt */
		u64 begin, lost_before;	/* the ledger's, when this was summed last */
		u64 states[KVMSCHED_NR_STATES], paused, lost;
	} part;
	bool outside;		/* nothing of its life is in the excerpt */
	struct kvs_waiter waiter;
	struct kvs_beat beat;	/* at which its long waits ended */
	struct {
		bool known;
		u64 states[KVMSCHED_NR_STATES];	/* cycles */
		u64 exits;
	} kernel;		/* the ledger in the kernel, at the end */

	struct kvs_vector_stats *vector[KVS_VECTORS];
	u64 *ipis;		/* sent, KVS_IPIS of them; NULL: none */
	struct {
		struct kvs_vector_stats *vector;	/* NULL: none */
		u64 accept_ts, inject_ts;
	} kick;			/* an injection in guest mode: the next exit may be its kick */
	u64 other_accepts;	/* NMI, SMI, INIT, SIPI: not by a vector */
	struct kvs_timer_stats timer;
	struct kvs_stimer *stimers;	/* KS_STIMERS of them; NULL: none was seen */

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
	u8 last_exit[KVS_LAST_EXITS];	/* index of the last of such a reason, where that is one */
	u64 spins[KVS_SPINS];	/* exits that suggest it, by enum kvs_spin */
	kvs_u128 guest_cycles;	/* before all of them */
	/* As their blocked_ts: before KVM_RUN entered the guest, and in unknown exits */
	struct kvs_hist blocked_before_ts, blocked_unknown_ts;
	/* Nor is this of an exit: not started yet; until the host has a page of the guest */
	struct kvs_hist blocked_sipi_ts, blocked_page_ts;
	struct kvs_user_stats *users;
	unsigned int nr_users;
	struct kvs_hist user_cycles;	/* of all returns */
	struct kvs_switch_stats sw;
	struct kvs_host_irqs host_irqs;
	struct kvs_hist clockevent_ns;
};

/* Does the guest idle, or may it, without an exit?  Then Guest includes that. */
static inline bool kvs_idles_in_guest(const struct kvs_vcpu *v)
{
	return v->identified && v->features & (KS_FEATURE_NO_HLT | KS_FEATURE_NO_MWAIT);
}

/* A host process, of class host */
struct kvs_task {
	s32 pid, tgid;		/* @tgid: its process; 0: not told */
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

/* What is counted, if that is not the whole recording; see excerpt.h */
struct kvs_counting {
	struct kvs_excerpt excerpt;
	bool begun, ended;	/* a record of then, or later, has come */
	struct kvs_table at_begin, at_end;	/* all counters, then */
	u64 records[KS_NR_EVENTS];	/* of the whole recording */
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
	bool quotas_told;	/* each begin and end of throttling is */
	bool stimers_told;	/* each delivery of a synthetic timer is */
	bool posts_told;	/* of each interrupt that is left to the hardware */

	/* How many records there are, and how many are missing */
	u64 records[KS_NR_EVENTS];
	u64 lost_closing[KS_NR_EVENTS + 1];	/* the last: other events' */
	bool has_closing;
	u64 lost_pages;
	bool lost_pages_unknown;	/* and some that no one counted */
	struct kvs_cpu_loss {
		u64 flagged;	/* lost records, as the flags of its pages count them */
		u64 closing;	/* the same in the whole session, by the closing records */
		bool uncounted;		/* some flags have no count */
	} *cpu_loss;			/* by CPU */
	unsigned int nr_cpu_loss;
	u64 overwritten;	/* by younger ones, in a flight recorder */
	u64 refused;		/* how often a vCPU, or its thread, found no room in the module */
	struct kvs_missed *missed;
	unsigned int nr_missed;
	u64 unattributed;	/* records of no vCPU that the module knew */
	u64 *early;		/* of them, by the vCPU's number: since one was first seen */
	unsigned int nr_early;
	u64 beyond;		/* records of vCPUs that found no room in the model */
	u32 epoch;		/* losses so far: time stamps are paired only within an epoch */

	/* Times measured by both clocks, summed: their quotient is the TSC's rate */
	kvs_u128 rate_cycles, rate_ts;

	struct kvs_scale cycles_to_ts, ns_to_ts;	/* from durations to time stamps */
	bool learn;		/* cycles_to_ts is to be learnt from the sums above */
	kvs_u128 learnt_cycles;	/* rate_cycles when it was learnt last */

	struct kvs_queues queues;
	struct kvs_quotas quotas;
	struct kvs_bpf_scheds bpf_scheds;
	struct kvs_sinks sinks;
	struct kvs_counting counting;

	struct kvs_table vcpu_table;
	struct kvs_vcpu **vcpus;		/* in the order of first sight ... */
					/* ... until finish: by process, VM, id */
	unsigned int nr_vcpus;
	struct kvs_table threads;	/* tid to the vCPU it carries */
	struct kvs_table foretold;	/* kvs_vcpu_key() to a copy of its first identity */
	struct kvs_table signals;	/* VM and GSI to struct kvs_signal */

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
