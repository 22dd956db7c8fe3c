/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that run vCPUs: when they have the CPU, and when they wait for it
 *
 * A thread gets an entry at its first KVM_RUN, and keeps it until it dies, its
 * VM is destroyed, or the module is unloaded.  Our preempt notifier is linked on
 * the thread all that time, since it runs, waits and sleeps between two KVM_RUNs
 * as well.
 */
#ifndef _KVMSCHED_THREAD_H
#define _KVMSCHED_THREAD_H

#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/types.h>

struct ks_vcpu;
struct kvm;
struct kvm_vcpu;

/**
 * struct ks_thread - a thread that runs vCPUs
 *
 * "Owner" means the thread itself with preemption off, or an interrupt on the
 * CPU where it runs.  "Table" means any context that holds the lock of the
 * tables (tables.h); single words are read without it.
 *
 * @notifier:	linked on the thread's own list; owner, and stop_machine()
 * @linked:	it is linked; same
 * @dead_gp:	RCU state when the entry was given up.  It is free again after
 *		that grace period: the scheduler, which walks the list that
 *		@notifier was on, still reads its link
 * @task:	the thread, with a reference; NULL: entry is free; table
 * @vcpu:	the vCPU that it ran last, unless another thread has run that since;
 *		table.  The records of its switches outside of KVM_RUN name this vCPU
 * @kvm:	the VM of that vCPU, or of the one before; compared only; table
 * @run:	the vCPU of the last KVM_RUN, until a vcpu_load() of that vCPU takes it, or
 *		NULL; a KVM_RUN that fails before leaves it; owner, compared and never
 *		followed
 * @run_si:	the user's registers in that system call; likewise @run_cx
 * @gone:	the VM that it ran last was destroyed: the entry is given up at the
 *		next switch out, unless @run tells of a KVM_RUN that begins (or has
 *		failed); table
 *
 * @seen:	generation (listen.h) in which the rest was looked at last; owner,
 *		as all that follows
 * @wake_tsc:	the wakeup since the last switch out, or 0; runqueue lock of the
 *		thread as well
 * @got_tsc:	when the scheduler gave it the CPU; 0 after sched_in
 * @wait_cpu:	class steal: on whose queue it waits, -1: it doesn't;
 *		runqueue lock of the thread
 * @group:	the scheduler's group of the thread, as in the last record of it; compared
 *		only.  Any context, see ks_throttle_tell_cgroup()
 * @group_told:	generation (listen.h) of that record, 0: there is none; likewise
 * @in_tsc:	last switch in, 0 if not seen; @out_tsc the last switch out
 * @run_delay:	the kernel's count, at the last switch out; @nvcsw likewise
 * @cpu:	of the last switch out, @kind its KS_SWITCH_*
 */
struct ks_thread {
	struct preempt_notifier notifier;
	bool linked;
	unsigned long dead_gp;
	struct task_struct *task;
	struct ks_vcpu *vcpu;
	struct kvm *kvm;
	struct kvm_vcpu *run;
	unsigned long run_si;
	unsigned long run_cx;
	bool gone;

	u64 seen;
	u64 wake_tsc;
	u64 got_tsc;
	int wait_cpu;
	const void *group;
	u64 group_told;
	u64 in_tsc;
	u64 out_tsc;
	u64 run_delay;
	unsigned long nvcsw;
	int cpu;
	u8 kind;
} ____cacheline_aligned;

/* Of our notifiers, which are known by its address; constant since init */
extern struct preempt_ops ks_preempt_ops;

struct ks_thread *ks_thread_get(bool again);
void ks_thread_give_up(struct ks_thread *t);
bool ks_thread_look(struct ks_thread *t);
void ks_threads_each(void (*call)(struct ks_thread *t, void *data), void *data);
void ks_threads_stop_waiting(void);
void ks_threads_detach(void);

/**
 * ks_thread_of - the entry of any thread
 * @task: current, or kept off the CPU (ks_task_on_cpu() is false) by the lock
 *	  of its runqueue or by its pi_lock
 *
 * Only the thread itself changes its list of notifiers (and stop_machine()):
 * KVM links and unlinks its own notifier in the thread.
 *
 * Return: the entry or NULL.
 */
static inline struct ks_thread *ks_thread_of(struct task_struct *task)
{
	struct preempt_notifier *notifier;

	hlist_for_each_entry(notifier, &task->preempt_notifiers, link)
		if (notifier->ops == &ks_preempt_ops)
			return container_of(notifier, struct ks_thread, notifier);
	return NULL;
}

#endif /* _KVMSCHED_THREAD_H */
