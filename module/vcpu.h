/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPUs: who they are, and what each one is doing
 *
 * A vCPU gets an entry at the first KVM_RUN that is seen, and keeps it until its
 * VM is destroyed, over any number of recordings; or in a full table, until its thread
 * has ended and another vCPU needs the room.  Usually one thread runs it all
 * its life (thread.h), but threads may share vCPUs and hand them on.
 */
#ifndef _KVMSCHED_VCPU_H
#define _KVMSCHED_VCPU_H

#include <linux/kvm_host.h>

#include "ledger.h"
#include "listen.h"
#include "mark.h"
#include "record_layout.h"
#include "thread.h"
#include "uapi/kvmsched.h"

#define KS_POLLED_UNKNOWN	U64_MAX

/* In struct ks_vcpu.open */
#define KS_OPEN_NONE	0
#define KS_OPEN_PLAIN	1
#define KS_OPEN_SPECIAL	2	/* its end takes the slow path */

/* struct ks_vcpu.exit_state of nearly all exits, and of those that a ledger counts */
#define KS_EXIT_TO_RING		(KS_OPEN_PLAIN | 1U << 16)
#define KS_EXIT_TO_LEDGER	(KS_OPEN_PLAIN | 1U << 24)
#define KS_EXIT_TO_BOTH		(KS_EXIT_TO_RING | KS_EXIT_TO_LEDGER)
#define KS_EXIT_TO_NOBODY	KS_OPEN_PLAIN

/* A LAPIC's timer as it was armed: the fields of struct ks_rec_timer_arm */
struct ks_arm {
	u8 mode;
	u8 rearm;
	u64 guest_deadline;
	u64 deadline;
	u64 period_ns;
};

/**
 * struct ks_vcpu - a vCPU
 *
 * "Owner" means the thread that is within KVM_RUN of this vCPU, with preemption
 * off, or an interrupt on the CPU where it runs.  The CPU orders these; code that
 * an interrupt may interrupt has compiler barriers.  "Table" means any context
 * that holds the lock of the tables; single words are read without it.
 *
 * @fast_vcpu:	@key, if its exits may take the fast path: somebody listens,
 *		but not by the event, the identity record is written, and
 *		reasons can be read.  Else NULL.  Compared, never followed; so it
 *		may stay when KVM_RUN ends.
 *		Owner; whoever publishes sets it to NULL, and so makes the owner
 *		look again
 * @ring_exit:	the session records KVMSCHED_CLASS_EXIT of it; goes with @fast_vcpu
 * @ledger_exit: @ledger is kept; likewise
 *
 * @key:	the vCPU; NULL: the entry is free.  Until its VM is destroyed it may
 *		be compared, and followed by the owner alone; table
 * @kvm:	likewise its VM
 * @node:	in the hash by @key; table, walked under RCU
 * @dead_gp:	RCU state when the entry was given up; free after that grace period
 * @thread:	that ran it last and still has it as its own, or NULL; table
 * @last:	entry of the thread that ran it last, which may be another one's by
 *		now; table
 * @runner:	the thread that is within KVM_RUN, or NULL; owner
 * @vm:		number of the VM, @vmm its process, @id vcpu_id; table, constant while
 *		@key is set
 *
 * @seen:	generation (listen.h) in which the owner looked at the rest last
 * @recorded:	the recording (its first generation) that records it; owner.  The
 *		recording is told the VM's end also if the thread has ended before
 * @identified:	generation in which the identity record was written last; owner
 * @identity_due: it has changed, or somebody new listens; any
 * @offset_written: KVM is about to store another TSC offset, and has by the next
 *		entry; owner
 * @identity_lost: the ring had no room for it, and has none of it yet; owner,
 *		read at the end of the session
 * @identity:	the last identity record, to be written again at the end; its own lock
 *		(identity.c)
 * @ledger:	kept up to date while somebody follows, else NULL; owner.  Outside
 *		of KVM_RUN @thread changes it, with the lock of the tables
 * @ledger_seen: generation in which it began anew
 *
 * @entry_tsc:	start of guest mode; 0 when out of it (or not known); owner
 * @irq_tsc:	first host interrupt or switch out since then; while an exit is
 *		open, first interrupt since kvm_exit fired; 0 if there was none
 * @host_tsc:	since when the host time of the open exit counts
 * @exit_tsc:	end of the last guest mode; valid while @entry_due
 * @exit:	record of the open exit, all but @host_cycles and how it ended
 * @open:	KS_OPEN_*: an exit is open, its record is not written yet; owner
 * @entry_due:	the last exit ended by a switch or a put, so the next entry has
 *		to say how long ago it was; owner
 * @exit_state:	these two, @ring_exit and @ledger_exit in one word: KS_EXIT_TO_RING for
 *		nearly all exits
 *
 * @put_tsc:	end of the last KVM_RUN, 0 if unknown; @load_tsc its beginning
 * @polled:	KVM's count of ns of halt polling, when it was read last, or
 *		KS_POLLED_UNKNOWN
 * @policy:	of the thread, as in the last record of it; likewise @prio, @static_prio
 *
 * @arm:	how the guest programmed its timer, until it is known what backs
 *		the timer; see probe_timer.c
 * @arm_due:	@arm is to be written
 * @arm_next:	KVM has begun the next period itself: the next arm is not the guest's
 * @timer_known: it was looked for a timer that was armed before anybody listened, or
 *		one was armed since
 * @last_deadline: of the last arm; owner, or another ioctl of the vCPU, which keeps KVM_RUN
 *		out by KVM's mutex
 * @mark:	the function in which it sends an interrupt now, see mark.h
 * @icr:	what the guest wrote to its ICR last; likewise
 * @features:	KS_FEATURE_*
 */
struct ks_vcpu {
	/* What an exit touches, first. */
	struct kvm_vcpu *fast_vcpu;
	union {
		struct {
			u8 open;
			u8 entry_due;
			u8 ring_exit;
			u8 ledger_exit;
		};
		u32 exit_state;
	};
	bool identity_due;
	bool identity_lost;
	bool offset_written;
	bool arm_due;
	u64 entry_tsc;
	u64 irq_tsc;
	u64 host_tsc;
	struct ks_ledger *ledger;
	struct ks_rec_exit exit;

	struct kvm_vcpu *key;
	struct task_struct *runner;
	u64 seen;
	u64 recorded;
	u64 exit_tsc;
	u32 features;
	u16 vm;
	u16 id;

	u64 load_tsc;
	u64 put_tsc;
	u64 polled;
	unsigned int policy;
	int prio;
	int static_prio;

	struct ks_arm arm;
	bool arm_next;
	bool timer_known;
	u64 last_deadline;

	struct ks_mark mark;
	struct ks_icr icr;

	u64 identified;
	u64 ledger_seen;
	struct ks_rec_vcpu identity;

	struct kvm *kvm;
	struct hlist_node node;
	unsigned long dead_gp;
	struct ks_thread *thread;
	struct ks_thread *last;
	struct ks_process vmm;
} ____cacheline_aligned;

/* KS_EXIT_TO_* name these bytes by their places in the word. */
static_assert(offsetof(struct ks_vcpu, open) == offsetof(struct ks_vcpu, exit_state));
static_assert(offsetof(struct ks_vcpu, ring_exit) == offsetof(struct ks_vcpu, exit_state) + 2);
static_assert(offsetof(struct ks_vcpu, ledger_exit) == offsetof(struct ks_vcpu, exit_state) + 3);

/* Why the last records of a vCPU are written */
enum ks_last {
	KS_LAST_OF_SESSION,	/* it is over */
	KS_LAST_OVERWRITTEN,	/* it is over, and was a flight recorder's */
	KS_LAST_OF_THREAD,	/* its thread dies */
	KS_LAST_OF_VCPU,	/* its VM is destroyed */
};

/**
 * struct ks_who - a vCPU that may have run nowhere yet
 * @vm:	  number of the VM, 0 if unknown
 * @id:	  vcpu_id
 * @wanted: classes that anybody wants of it
 * @recorded: as in struct ks_vcpu
 */
struct ks_who {
	u16 vm;
	u16 id;
	u32 wanted;
	u64 recorded;
};

/*
 * The vCPU that the thread on this CPU ran last; ks_nobody if it runs none.  It
 * may be another thread's by now, or even another vCPU's entry: whoever uses it
 * compares @runner with current, or @fast_vcpu or @key with the vCPU at hand.
 */
DECLARE_PER_CPU(struct ks_vcpu *, ks_current);
extern struct ks_vcpu ks_nobody;

/* The parameter max_vcpus: how many entries each table has; constant since init */
extern unsigned int ks_vcpus_max;

int ks_tables_create(void);
void ks_tables_destroy(void);

struct ks_vcpu *ks_vcpu_assign(struct ks_thread *t, struct kvm_vcpu *vcpu, bool late);
struct ks_vcpu *ks_vcpu_take_late(struct kvm_vcpu *vcpu);
bool ks_vcpu_look_anew(struct ks_vcpu *v, bool loaded, bool late);
void ks_vcpu_set_fast(struct ks_vcpu *v);
bool ks_vcpu_is_loaded(const struct ks_vcpu *v);
void ks_vcpu_of_switched(struct ks_thread *t,
			 void (*tell)(struct ks_thread *t, struct ks_vcpu *v, bool loaded,
				      const struct task_struct *next),
			 const struct task_struct *next);

void ks_vcpu_identify(struct ks_vcpu *v);
void ks_vcpu_identify_again(struct ks_vcpu *v);
void ks_vcpu_tell_lost_identity(struct ks_vcpu *v);
bool ks_vcpu_record_ledger(const struct ks_vcpu *v);
void ks_vcpu_record_identity(struct ks_vcpu *v, enum ks_last why);
void ks_vcpu_record_last(struct ks_vcpu *v, enum ks_last why);

void ks_vcpu_identity_due(struct ks_vcpu *v);
void ks_vcpus_identity_due(u16 id);
struct ks_vcpu *ks_vcpu_find(struct kvm_vcpu *vcpu);
void ks_vcpu_who(struct kvm_vcpu *vcpu, struct ks_who *who);
void ks_vcpu_vm_who(struct kvm_vcpu *vcpu, struct ks_who *who);
void ks_vcpu_guess(u16 id, struct ks_who *who);

void ks_vcpus_look_again(void);
void ks_vcpus_forget_vm(struct kvm *kvm);
void ks_vcpus_forget_vms(void);
int ks_vcpus_make_ledgers(void);
int ks_vcpus_ledger(u32 index, struct kvmsched_ledger *out);
void ks_vcpus_record_last(bool overwritten);
u32 ks_vcpus_count(void);
u64 ks_vcpus_refused(void);

/**
 * ks_vcpu_is_known - has its owner looked at it since the hooks were attached?
 * @v: any entry
 *
 * If not, all that the entry says of what the vCPU does is old.
 *
 * Context: any.
 */
static __always_inline bool ks_vcpu_is_known(const struct ks_vcpu *v)
{
	return READ_ONCE(v->seen) >= ks_listening()->vcpus_since;
}

/**
 * ks_vcpu_ring - what the session records of a vCPU
 * @v: any entry
 *
 * Context: any; if a record is to be written, interrupts have been off since
 * before this call, and stay off until the record is complete: so the end of the
 * session waits for it.
 * Return: KVMSCHED_CLASS_*.
 */
static __always_inline u32 ks_vcpu_ring(const struct ks_vcpu *v)
{
	const struct ks_listen *listen = ks_listening();

	return READ_ONCE(v->recorded) == listen->recording ? listen->session : 0;
}

/**
 * ks_vcpu_wanted - what anybody wants of a vCPU
 * @v: any entry
 *
 * Context: any.
 * Return: KVMSCHED_CLASS_*.
 */
static inline u32 ks_vcpu_wanted(const struct ks_vcpu *v)
{
	const struct ks_listen *listen = ks_listening();

	if (!ks_vcpu_is_known(v))
		return 0;
	return listen->events | ks_vcpu_ring(v);
}

/**
 * ks_vcpu_loaded - the vCPU that runs here, if the current thread is within KVM_RUN
 *
 * Context: preemption off.  An interrupt that finds the thread between the
 * switch itself and sched_in gets NULL, and so does everybody before the owner
 * has looked at the vCPU.
 */
static __always_inline struct ks_vcpu *ks_vcpu_loaded(void)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);

	return v->runner == current && ks_vcpu_is_known(v) ? v : NULL;
}

/**
 * ks_vcpu_look - see that the owner knows what is wanted of a vCPU
 *
 * As ks_vcpu_look_anew(), which has something to do if who listens has changed.
 */
static __always_inline bool ks_vcpu_look(struct ks_vcpu *v, bool loaded, bool late)
{
	return likely(v->seen == ks_listening()->generation) ||
	       ks_vcpu_look_anew(v, loaded, late);
}

/**
 * ks_vcpu_take - the current thread is within KVM_RUN of this vCPU from now on
 * @t:	  entry of the current thread
 * @vcpu: the vCPU
 * @late: KVM_RUN began before our hooks were attached
 *
 * Context: preemption off, in the vCPU thread.
 * Return: its entry, at which the thread has looked; NULL: nobody wants to know of
 * it, the tables are full, or the module is being unloaded.
 */
static inline struct ks_vcpu *ks_vcpu_take(struct ks_thread *t, struct kvm_vcpu *vcpu,
					   bool late)
{
	struct ks_vcpu *v = READ_ONCE(t->vcpu);

	/* Every KVM_RUN of most vCPUs but the first finds it here. */
	if (unlikely(!v || v->key != vcpu))
		v = ks_vcpu_assign(t, vcpu, late);
	if (!v)
		return NULL;
	WRITE_ONCE(v->runner, current);
	this_cpu_write(ks_current, v);
	return ks_vcpu_look(v, true, late) ? v : NULL;
}

/**
 * ks_vcpu_of - the entry of this vCPU, which the current thread runs
 *
 * Context: preemption off, in the vCPU thread, within KVM_RUN.
 * Return: the entry, at which the thread has looked; NULL if nobody listens to
 * it, or the tables are full.
 */
static inline struct ks_vcpu *ks_vcpu_of(struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);

	if (v->key == vcpu && v->runner == current)
		return ks_vcpu_look(v, true, true) ? v : NULL;
	return ks_vcpu_take_late(vcpu);
}

/**
 * ks_vcpu_retry_identity - write a lost identity record if there is room again
 * @v: the thread's vCPU
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

/* A record has the current thread's policy; changes are compared with it from now on. */
static inline void ks_vcpu_take_policy(struct ks_vcpu *v)
{
	v->policy = current->policy;
	v->prio = current->normal_prio;
	v->static_prio = current->static_prio;
}

/* The vCPU of any thread, if it is known; see ks_thread_of(). */
static inline struct ks_vcpu *ks_vcpu_of_task(struct task_struct *task)
{
	struct ks_thread *t = ks_thread_of(task);
	struct ks_vcpu *v = t ? READ_ONCE(t->vcpu) : NULL;

	return v && ks_vcpu_is_known(v) ? v : NULL;
}

#endif /* _KVMSCHED_VCPU_H */
