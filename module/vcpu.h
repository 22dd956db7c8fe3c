/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPU threads: who they are, and what each one is doing
 *
 * A thread gets an entry at its first KVM_RUN, and keeps it until it dies or
 * the module is unloaded.  Our preempt notifier is linked on the thread all
 * that time, since it runs, waits and sleeps between two KVM_RUNs as well.
 */
#ifndef _KVMSCHED_VCPU_H
#define _KVMSCHED_VCPU_H

#include <linux/kvm_host.h>
#include <linux/preempt.h>

#include "ledger.h"
#include "record_layout.h"
#include "uapi/kvmsched.h"

/* In struct ks_vcpu.mask: write the identity record before the next record. */
#define KS_MASK_IDENTITY	(1U << 31)

/* Beside KVMSCHED_CLASS_*: somebody follows the ledgers. */
#define KS_CLASS_LEDGER		(1U << 16)

#define KS_POLLED_UNKNOWN	U64_MAX

/* In struct ks_vcpu.open */
#define KS_OPEN_NONE	0
#define KS_OPEN_PLAIN	1
#define KS_OPEN_SPECIAL	2	/* its end takes the slow path */

/**
 * struct ks_vcpu - a vCPU thread
 *
 * "Owner" means the thread itself with preemption off, or an interrupt on the
 * CPU where it runs.  The CPU orders these; code that an interrupt may
 * interrupt has compiler barriers.  "Table" means any context that holds the
 * table's raw spinlock; single words are read without it.
 *
 * @notifier:	linked on the thread's own list; owner, and stop_machine()
 * @linked:	it is linked; same
 * @dead_gp:	RCU state at the thread's death.  The entry is free again after
 *		that grace period: the scheduler, which walks the list that
 *		@notifier was on, still reads its link
 * @task:	the thread, with a reference; NULL: entry is free; table
 * @vcpu:	the vCPU that KVM_RUN runs; NULL outside of KVM_RUN, when the
 *		object may be freed; owner
 * @fast_vcpu:	@vcpu, if its exits may take the fast path: somebody listens,
 *		but not by the event, the identity record is written, and
 *		reasons can be read.  Else NULL.  Compared, never followed
 * @key:	the vCPU that the thread ran last, compared and never followed:
 *		an interrupt of this vCPU finds the entry by it; table
 * @kvm:	likewise the VM, compared only; table
 * @node:	in the hash by @key; table, walked under RCU
 * @vm:		number of the VM; @tgid its process; @id vcpu_id; written by
 *		the owner under the table's lock when the thread takes on
 *		another vCPU
 * @mask:	classes that anybody wants of this vCPU, and KS_MASK_IDENTITY;
 *		table
 * @ring:	classes that the session records of this VM; table
 *
 * @entry_tsc:	start of guest mode; 0 when out of it (or not known); owner
 * @irq_tsc:	first host interrupt or switch out since then; while an exit is
 *		open, first interrupt since kvm_exit fired; 0 if there was none
 * @host_tsc:	since when the host time of the open exit counts
 * @exit_tsc:	end of the last guest mode; valid while @entry_due
 * @exit:	record of the open exit, all but @host_cycles and how it ended
 * @open:	KS_OPEN_*: an exit is open, its record is not written yet; owner
 * @entry_due:	the last exit ended by a switch or a put, so the next entry has
 *		to write an entry record; owner
 * @exit_state:	these two in one word: KS_OPEN_PLAIN for nearly all exits
 * @ring_exit:	@ring has KVMSCHED_CLASS_EXIT; table
 * @events_exit: enabled events need that class; table
 * @ledger:	kept up to date while somebody follows, else NULL; table
 * @wake_tsc:	the wakeup since the last switch out, or 0
 * @got_tsc:	when the scheduler gave it the CPU; 0 after sched_in
 * @wait_cpu:	class steal: on whose queue it waits, -1: it doesn't;
 *		runqueue lock of its thread
 *
 * @in_tsc:	last switch in, 0 if not seen; @out_tsc the last switch out
 * @put_tsc:	end of the last KVM_RUN, 0 if unknown; @load_tsc its beginning
 * @run_delay:	the kernel's count, at the last switch out
 * @nvcsw:	likewise
 * @polled:	KVM's count of ns of halt polling, when it was read last, or
 *		KS_POLLED_UNKNOWN
 * @kind:	KS_SWITCH_* of the last switch out, and @cpu where
 * @policy:	when it was checked last; likewise @prio, @static_prio
 *
 * @arm:	how the guest programmed its timer, until it is known what backs
 *		the timer; see probe_timer.c
 * @arm_due:	@arm is to be written
 * @last_deadline: of the last arm
 * @features:	KS_FEATURE_*
 * @identity:	the last identity record, to be written again at the end; written
 *		by the owner under the table's lock
 * @identity_lost: the ring had no room for it, and has none of it yet; owner,
 *		read at the end of the session
 */
struct ks_vcpu {
	/* What an exit touches, first. */
	struct kvm_vcpu *fast_vcpu;
	union {
		struct {
			u8 open;
			u8 entry_due;
		};
		u16 exit_state;
	};
	u8 ring_exit;
	u8 events_exit;
	u64 entry_tsc;
	u64 irq_tsc;
	u64 host_tsc;
	struct ks_ledger *ledger;
	struct ks_rec_exit exit;

	struct kvm_vcpu *vcpu;
	u32 mask;
	u64 exit_tsc;
	u32 ring;
	u32 features;
	u16 vm;
	u16 id;
	bool arm_due;

	u64 in_tsc;
	u64 out_tsc;
	u64 load_tsc;
	u64 put_tsc;
	u64 run_delay;
	u64 polled;
	u64 wake_tsc;
	u64 got_tsc;
	int wait_cpu;
	unsigned long nvcsw;
	int cpu;
	u8 kind;

	unsigned int policy;
	int prio;
	int static_prio;

	struct {
		u8 mode;
		bool rearm;
		u64 guest_deadline;
		u64 deadline;
		u64 period_ns;
	} arm;
	u64 last_deadline;

	struct ks_rec_vcpu identity;
	bool identity_lost;

	struct preempt_notifier notifier;
	bool linked;
	unsigned long dead_gp;
	struct task_struct *task;
	struct kvm_vcpu *key;
	struct kvm *kvm;
	struct hlist_node node;
	pid_t tgid;
} ____cacheline_aligned;

/**
 * struct ks_who - a vCPU that may have no thread yet
 * @vm:	  number of the VM, 0 if unknown
 * @id:	  vcpu_id
 * @mask: as in struct ks_vcpu, likewise @ring
 */
struct ks_who {
	u16 vm;
	u16 id;
	u32 mask;
	u32 ring;
};

/*
 * The entry of the thread that runs on this CPU; ks_nobody, whose vcpu is NULL,
 * if that thread runs no vCPU.
 */
DECLARE_PER_CPU(struct ks_vcpu *, ks_current);
extern struct ks_vcpu ks_nobody;

extern unsigned int ks_vcpus_max;

int ks_vcpu_table_create(void);
void ks_vcpu_table_destroy(void);

struct ks_vcpu *ks_vcpu_bind(struct kvm_vcpu *vcpu, bool late);
void ks_vcpu_unbind(struct ks_vcpu *v);
void ks_vcpu_thread_died(struct ks_vcpu *v);
void ks_vcpu_identify(struct ks_vcpu *v);
void ks_vcpu_tell_lost_identity(struct ks_vcpu *v);
void ks_vcpu_identity_due(struct ks_vcpu *v);
void ks_vcpus_identity_due(u16 id);
struct ks_vcpu *ks_vcpu_find(struct kvm_vcpu *vcpu);
void ks_vcpu_who(struct kvm_vcpu *vcpu, struct ks_who *who);
void ks_vcpu_guess(u16 id, struct ks_who *who);
void ks_vcpu_forget_vm(struct kvm *kvm);

void ks_vcpus_listen(u32 events, u32 session, struct pid *const *vms,
		     u32 nr_vms, bool joined);
int ks_vcpus_follow(bool follow);
int ks_vcpus_ledger(u32 index, struct kvmsched_ledger *out);
void ks_vcpus_set_fast(void);
void ks_vcpus_forget_past(void);
void ks_vcpus_stop_waiting(void);
void ks_vcpus_record_last(bool identity);
void ks_vcpu_record_last(struct ks_vcpu *v, bool identity);
void ks_vcpus_detach(void);
u32 ks_vcpus_count(void);
u64 ks_vcpus_refused(void);

/**
 * ks_vcpu_set_fast - vcpu or mask has changed: may exits take the fast path?
 * @v: an entry
 *
 * Context: owner or table lock held.  If both do this at once, fast_vcpu may
 * be left as the vCPU of a KVM_RUN that has ended: that vCPU has no exit
 * before its next bind.
 */
static inline void ks_vcpu_set_fast(struct ks_vcpu *v)
{
	bool plain = (s32)READ_ONCE(v->mask) > 0 && /* IDENTITY is the sign */
		     !(v->features & KS_FEATURE_NO_REASON) &&
		     !READ_ONCE(v->events_exit);

	WRITE_ONCE(v->fast_vcpu, plain ? v->vcpu : NULL);
}

/**
 * ks_vcpu_retry_identity - write a lost identity record if there is room again
 * @v: the thread's entry
 *
 * Called at each KVM_RUN and switch in, and at no exit, which has no time for it.
 *
 * Context: owner.
 */
static inline void ks_vcpu_retry_identity(struct ks_vcpu *v)
{
	if (unlikely(v->identity_lost))
		ks_vcpu_tell_lost_identity(v);
}

/**
 * ks_vcpu_of - the entry of the current thread, which runs this vCPU
 *
 * Context: preemption off, in the vCPU thread, within KVM_RUN.
 * Return: the entry, which is made now for a new thread; NULL if the table is
 * full or the module is being unloaded.
 */
static __always_inline struct ks_vcpu *ks_vcpu_of(struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);

	if (unlikely(v->vcpu != vcpu))
		v = ks_vcpu_bind(vcpu, true);
	return v;
}

/**
 * ks_vcpu_loaded - the entry of the current thread if it is within KVM_RUN
 *
 * Context: preemption off.  An interrupt that finds the thread between the
 * switch itself and sched_in gets NULL.
 */
static __always_inline struct ks_vcpu *ks_vcpu_loaded(void)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);

	return v->vcpu ? v : NULL;
}

extern struct preempt_ops ks_preempt_ops;

/**
 * ks_vcpu_of_task - the entry of any thread
 * @task: current, or kept off the CPU (ks_task_on_cpu() is false) by the lock
 *	  of its runqueue or by its pi_lock
 *
 * Only the thread itself changes its list of notifiers (and stop_machine()):
 * KVM links and unlinks its own notifier in the thread.
 *
 * Return: the entry or NULL.
 */
static inline struct ks_vcpu *ks_vcpu_of_task(struct task_struct *task)
{
	struct preempt_notifier *notifier;

	hlist_for_each_entry(notifier, &task->preempt_notifiers, link)
		if (notifier->ops == &ks_preempt_ops)
			return container_of(notifier, struct ks_vcpu, notifier);
	return NULL;
}

#endif /* _KVMSCHED_VCPU_H */
