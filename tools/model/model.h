/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened to each vCPU, told by its records in the order of time.
 *
 * Pure: no file, no trace library, no printing.  Records go in, statistics come
 * out.  A vCPU is keyed by (vm, vcpu): it may change its thread, and one thread
 * may carry several vCPUs one after the other.
 *
 * Units are in the names: _cycles are TSC cycles as the module measured them,
 * _ns nanoseconds, _ts differences of time stamps in the file's own clock.
 * Sums are exact; whoever prints them converts them, once.
 */
#ifndef KVMSCHED_MODEL_H
#define KVMSCHED_MODEL_H

#include <stdbool.h>

#include "base/hist.h"
#include "model/ledger.h"
#include "trace/schema.h"
#include "base/table.h"
#include "model/thieves.h"
#include "model/worst.h"

#define KS_SWITCH_KINDS	5	/* KS_SWITCH_* */
#define KS_EXIT_ENDS	3	/* KS_EXIT_BY_* */
#define KS_TIMER_MODES	3	/* KS_TIMER_* */
#define KS_VECTORS	256

/*
 * One exit reason.  Host time is counted on the CPU and in the kernel only:
 * from the exit to the entry, or, where the story was cut, to the switch or to
 * the return to userspace; out_cycles of a cut story is the whole time out of
 * the guest.
 */
struct ks_exit_stats {
	u32 reason;
	u8 isa;
	bool fastpath;		/* seen only at re-entry: no reason, no times */
	u64 count;
	u64 ended[KS_EXIT_ENDS];
	struct ks_hist uncut_cycles, cut_cycles, out_cycles;
	struct ks_hist guest_cycles;	/* before it */
};

/* KVM_RUN's returns by reason (KVM_EXIT_*) */
struct ks_user_stats {
	u32 reason;
	u64 count;
	struct ks_hist run_cycles;	/* within KVM_RUN, before it */
	struct ks_hist user_cycles;	/* until the next KVM_RUN */
};

struct ks_vector_stats {
	u8 vector;
	u64 accepted;
	u64 merged;		/* accepted while the last one was still pending */
	u64 injected, soft, reinjected, eoi;
	struct ks_hist accept_to_inject_ts, inject_to_eoi_ts;
	/* Of the first: until it was kicked out of guest mode, or had a CPU */
	struct ks_hist accept_to_exit_ts, accept_to_cpu_ts;

	/* What is on its way; a time stamp counts only within its epoch. */
	u64 accept_ts, inject_ts;
	u32 accept_epoch, inject_epoch;
	bool pending, in_service, of_timer;
	u64 accept_states[KVMSCHED_NR_STATES];	/* the ledger then */
};

/* One expiry on its way to the guest */
struct ks_expiry {
	u64 deadline, ts;	/* time stamps */
	u32 epoch;
	u64 states[KVMSCHED_NR_STATES];	/* the ledger then */
};

/* The watchdog: what never reached the guest, long behind its deadline */
struct ks_overdue {
	u64 not_expired, not_accepted, not_injected;
	u64 unanswered;		/* armed again before an interrupt was seen */
	u64 last_deadline;	/* time stamp */
};

struct ks_timer_stats {
	u64 armed[KS_TIMER_MODES];
	u64 rearmed;		/* by KVM, not by the guest */
	u64 hv_armed;		/* of armed, backed by the preemption timer */
	u64 expired, hv_expired;
	u64 injected;
	struct ks_shist late_cycles;
	struct ks_hist expire_to_inject_ts;
	struct ks_hist expire_to_accept_ts, accept_to_inject_ts, inject_to_entry_ts;
	struct ks_shist deadline_to_inject_ts;
	struct ks_hist cause_ts[KS_CAUSES];	/* of the lateness */
	u64 main_cause[KS_CAUSES];
	struct ks_overdue overdue;
	struct {
		bool on;
		u64 deadline;	/* time stamp */
		u32 epoch;
	} armed_now;
	u64 entry_due;		/* injected then, the entry is still to come */
	int vector;		/* as learned; -1: none yet */
	unsigned int sure;	/* how often it was seen to be that one */
	bool due;		/* expired, not accepted yet */
	struct ks_expiry expiry;	/* that one, or the accepted one */
};

/* Who took the CPU */
struct ks_taker {
	s32 pid;
	char comm[KS_COMM_LEN];
	s16 prio;
	u64 count[KS_SWITCH_KINDS];
	struct ks_hist wait_cycles;	/* of the preempted vCPU */
};

struct ks_switch_stats {
	u64 out[KS_SWITCH_KINDS];
	u64 in_userspace;	/* of these, outside of KVM_RUN */
	u64 in, migrated;
	struct ks_hist slice_cycles;		/* switch in to switch out */
	struct ks_hist full_slice_cycles;	/* ended by preemption */
	struct ks_hist preempted_wait_cycles;
	struct ks_hist woken_wait_ns;
	struct ks_hist off_cycles;		/* off the CPU, whatever for */
	struct ks_taker *takers;
	unsigned int nr_takers;
};

/* A kind of host interrupt, met by a vCPU or by host processes */
struct ks_host_irq_stats {
	u8 kind;		/* KS_HOST_IRQ_* */
	s32 irq;
	u16 vector;
	char name[KS_COMM_LEN];
	u64 count, ended_guest;
	struct ks_hist cycles;
};

struct ks_host_irqs {
	struct ks_host_irq_stats *irqs;
	unsigned int nr;
};

/* Where a vCPU's thread is; the ledger knows more, and needs more classes. */
enum ks_state {
	KS_STATE_UNKNOWN,	/* before the first sight, or no thread's */
	KS_STATE_ON_CPU,
	KS_STATE_OFF_CPU,
};

struct ks_vcpu {
	u16 vm, id;
	unsigned int vm_index;	/* of its VM, among those of its process */
	bool identified;	/* a kvmsched_vcpu told what follows */
	s32 tgid;
	s32 tid;		/* the last that carried it */
	u32 threads;		/* how often it came to another one */
	char comm[KS_COMM_LEN];
	u16 policy, rt_priority;
	s16 nice, prio;
	bool policy_known;
	u64 policy_changes;
	u32 features, apicv_inhibits, halt_poll_ns;
	u64 tsc_offset, tsc_ratio;
	u32 tsc_frac_bits;

	enum ks_state state;
	u64 since_ts;		/* of the state */
	u64 first_ts;
	ks_u128 on_cpu_ts;
	ks_u128 on_cpu_cycles;	/* slices whose beginning was lost */
	bool shared_slice;	/* this slice began with another vCPU */

	u64 exit_count;
	struct ks_exit_stats *exits;
	unsigned int nr_exits;
	int last_exit;		/* index of the one that was cut, -1: none */
	u64 entry_ts;		/* last entry of the guest, 0: not known */
	u32 exit_epoch;		/* of these two */
	struct ks_hist guest_cycles;

	struct ks_user_stats *users;
	unsigned int nr_users;
	int last_user;		/* index of the last return, -1: none */
	u32 user_epoch;
	struct ks_hist user_cycles;	/* of all returns */

	struct ks_switch_stats sw;
	int out_taker;		/* of the last switch out, -1: none */
	u64 out_ts;		/* 0: not off the CPU, or not known */
	u32 out_epoch;		/* of these two */

	struct ks_ledger ledger;	/* in time stamps */
	struct ks_waiter waiter;
	u16 last_cpu;		/* where its thread wrote the last record */
	struct {
		bool known;
		u64 states[KVMSCHED_NR_STATES];	/* cycles */
		u64 exits;
	} kernel;		/* the ledger in the kernel, at the end */
	struct {
		u64 count, slept;
		ks_u128 poll_ns, halt_ns;
	} halts;

	struct ks_vector_stats *vector[KS_VECTORS];
	struct {
		struct ks_vector_stats *vector;	/* NULL: none */
		u64 accept_ts, inject_ts;
	} kick;			/* the exit that it was injected after is to be told */
	u64 other_accepts;	/* NMI, SMI, INIT, SIPI: not by a vector */
	struct ks_timer_stats timer;
	struct ks_host_irqs host_irqs;
	struct ks_hist clockevent_ns;
};

/* A host process, of class host */
struct ks_task {
	s32 pid;
	char comm[KS_COMM_LEN];
	u8 policy;
	s16 prio;
	bool is_vcpu;
	u64 slices, preempted, blocked;
	struct ks_hist slice_ts;
	struct ks_hist preempted_wait_ts;
	bool waiting;		/* preempted, runnable since out_ts */
	u64 out_ts;
	u32 out_epoch;
};

/* A hook some of whose hits the kernel dropped */
struct ks_missed {
	char hook[33];
	u64 count;
};

struct ks_hook {
	char name[33];
	u32 classes, how;
	s32 status;
};

struct ks_model {
	/* Sessions and time */
	bool started, stopped;
	u64 start_ts, stop_ts, first_ts, last_ts;
	u32 classes;		/* of the session; 0 without one */
	bool overwrite;
	u32 pages, tsc_khz;
	struct ks_hook *hooks;
	unsigned int nr_hooks;

	/* What there is, what isn't */
	u64 records[KS_NR_EVENTS];
	u64 lost_closing[KS_NR_EVENTS + 1];	/* the last: other events' */
	bool has_closing;
	u64 lost_pages;
	bool lost_pages_unknown;	/* and some that no one counted */
	struct ks_cpu_loss {
		u64 told, closing;	/* by pages' flags; in the whole session */
		bool untold;		/* some flags have no number */
	} *cpu_loss;			/* by CPU */
	unsigned int nr_cpu_loss;
	u64 overwritten;	/* by younger ones, in a flight recorder */
	struct ks_missed *missed;
	unsigned int nr_missed;
	u64 unattributed;	/* records of no vCPU that we know */
	u32 epoch;		/* losses seen so far: pairs don't span them */

	/* Pairs of both clocks, from which the TSC's rate can be told */
	ks_u128 rate_cycles, rate_ts;

	/* To time stamps; learn: from the pairs, of which so many were used */
	struct ks_scale cycles_to_ts, ns_to_ts;
	bool learn;
	ks_u128 learnt_cycles;

	struct ks_queues queues;
	struct ks_worst worst;

	struct ks_table vcpu_table;
	struct ks_vcpu **vcpus;		/* in the order of first sight ... */
					/* ... until finish: by process, VM, id */
	unsigned int nr_vcpus;
	struct ks_table threads;	/* tid to the vCPU it carries */

	struct ks_host_irqs host_irqs;	/* of processes that are no vCPUs */
	struct ks_table task_table;
	struct ks_task **tasks;
	unsigned int nr_tasks;
	struct ks_running {
		s32 pid;
		u64 since_ts;
		u32 epoch;
		bool known;
	} *running;			/* by CPU */
	unsigned int nr_running;
};

/* One cycle, one ns and one unit of the time stamps are the same ... */
void ks_model_init(struct ks_model *m);
/* ... unless this tells otherwise: time stamps are ns or cycles of the TSC, */
/* which (cycles * @tsc_mult) >> @tsc_shift turns to ns (0: not known yet). */
void ks_model_clock(struct ks_model *m, bool ts_is_ns, u32 tsc_mult, u32 tsc_shift);
void ks_model_free(struct ks_model *m);

/* The two ends of struct ks_sink; @ctx is the model. */
void ks_model_record(void *ctx, const struct ks_record *rec);
void ks_model_missed(void *ctx, unsigned int cpu, s64 count);

/* After the last record: close what is open, put the vCPUs in order. */
void ks_model_finish(struct ks_model *m);

u64 ks_model_records(const struct ks_model *m);
/* False: at least so many. */
bool ks_model_lost(const struct ks_model *m, u64 *lost);
/* Time that the recording covers, in the file's clock */
u64 ks_model_duration_ts(const struct ks_model *m);
/* Whether a class was recorded, as far as the file tells. */
bool ks_model_has_class(const struct ks_model *m, u32 class);
/* Whether the ledger has all that it lives on. */
bool ks_model_has_ledger(const struct ks_model *m);

/* vcpu.c: one vCPU's records */
struct ks_vcpu *ks_vcpu_create(u16 vm, u16 id);
void ks_vcpu_free(struct ks_vcpu *v);
void ks_vcpu_record(struct ks_model *m, struct ks_vcpu *v,
		    const struct ks_record *rec);
/* The thread goes on with another vCPU, or the recording is over. */
void ks_vcpu_leave(struct ks_model *m, struct ks_vcpu *v, u64 ts);
/*
 * The row for that, made where it is new.  A table has a limit, which only a
 * damaged file meets: all that is beyond goes to its last row, "others".
 */
struct ks_exit_stats *ks_exit_get(struct ks_vcpu *v, u8 isa, u32 reason,
				  bool fastpath);
struct ks_user_stats *ks_user_get(struct ks_vcpu *v, u32 reason);
struct ks_taker *ks_taker_get(struct ks_switch_stats *sw, s32 pid,
			      const char *comm, s16 prio);
#define KS_OTHERS	"(others)"
#define KS_OTHER_REASON	0xfffffffeU	/* 0xffffffff is SVM's error */

/* waits.c: what the records say to ledger and waits */
void ks_ledger_record(struct ks_model *m, struct ks_vcpu *v,
		      const struct ks_record *rec);
void ks_wake_record(struct ks_model *m, struct ks_vcpu *v,
		    const struct ks_record *rec);
void ks_migrate_record(struct ks_model *m, struct ks_vcpu *v,
		       const struct ks_record *rec);
void ks_holder_record(struct ks_model *m, const struct ks_record *rec);
void ks_irq_steals(struct ks_model *m, const struct ks_record *rec);
void ks_kernel_ledger(struct ks_vcpu *v, const struct ks_record *rec);
/* Durations to time stamps */
u64 ks_ts_of_cycles(const struct ks_model *m, u64 cycles);
u64 ks_ts_of_ns(const struct ks_model *m, u64 ns);
void ks_session_clock(struct ks_model *m, u32 tsc_khz);
/* Records of a CPU were lost: of whom may they have been? */
void ks_cpu_lost(struct ks_model *m, unsigned int cpu);

/* irq.c: interrupts and timers of a vCPU */
void ks_irq_record(struct ks_model *m, struct ks_vcpu *v,
		   const struct ks_record *rec);
struct ks_vector_stats *ks_vector_get(struct ks_vcpu *v, u8 vector);
/* The guest is entered, with what was injected. */
static inline void ks_timer_entered(struct ks_vcpu *v, u64 ts)
{
	if (v->timer.entry_due) {
		ks_hist_add(&v->timer.inject_to_entry_ts, ts - v->timer.entry_due);
		v->timer.entry_due = 0;
	}
}
/* An exit is told, that ended at @end: was it for an interrupt's sake? */
void ks_irq_kicked(struct ks_vcpu *v, u64 end);
/* Nothing more comes of it: which timers are long overdue? */
void ks_timer_watch(struct ks_model *m, struct ks_vcpu *v, u64 end);

/* host.c: the host's side */
void ks_host_switch(struct ks_model *m, const struct ks_record *rec);
struct ks_host_irq_stats *ks_host_irq_get(struct ks_host_irqs *irqs, u8 kind,
					  s32 irq, u16 vector, const char *name);
void ks_host_irq_add(struct ks_host_irqs *irqs, const struct ks_record *rec);
void ks_host_free(struct ks_model *m);

/* A fixed array of the record's to a string. */
void ks_copy_comm(char *to, const char *from, size_t size);

#endif /* KVMSCHED_MODEL_H */
