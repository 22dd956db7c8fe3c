// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that run vCPUs: their entries
 */
#include <linux/sched/task.h>
#include <linux/stop_machine.h>

#include "compat/rcu.h"
#include "tables.h"

/* Our notifiers are known by this address; ks_sched_init() fills it. */
struct preempt_ops ks_preempt_ops __ro_after_init;

static struct ks_thread *ks_thread_find_free(void)
{
	bool soon;
	struct ks_thread *t = ks_find_free(ks_tables.threads, ks_tables.used_threads, task,
					   soon);

	if (!t) {
		WRITE_ONCE(ks_tables.threads_full, !soon);
		if (soon)
			ks_tables_want_room();
	}
	return t;
}

/* An entry for the current thread, linked. */
static struct ks_thread *ks_thread_create(void)
{
	struct ks_thread *t = ks_thread_find_free();

	if (!t) {
		ks_tables.refused++;
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	t->task = get_task_struct(current);
	t->run_delay = current->sched_info.run_delay;
	t->nvcsw = current->nvcsw;
	t->cpu = smp_processor_id();
	t->wait_cpu = -1;
	preempt_notifier_init(&t->notifier, &ks_preempt_ops);
	preempt_notifier_register(&t->notifier);
	t->linked = true;
	return t;
}

/**
 * ks_thread_get - the entry of the current thread, made now if it has none
 * @again: it was asked for before, for the same KVM_RUN
 *
 * Context: preemption off.
 * Return: the entry, or NULL: the table is full, or the module is being unloaded.
 */
struct ks_thread *ks_thread_get(bool again)
{
	struct ks_thread *t = ks_thread_of(current);
	unsigned long flags;

	/* Where the table is full, each exit asks again. */
	if (t || (again && READ_ONCE(ks_tables.threads_full)))
		return t;
	raw_spin_lock_irqsave(&ks_tables.lock, flags);
	if (!ks_tables.detaching)
		t = ks_thread_create();
	raw_spin_unlock_irqrestore(&ks_tables.lock, flags);
	return t;
}

/*
 * Unlink our notifier while the scheduler walks its list.  The scheduler reads
 * link.next after we return, so restore that.
 */
static void ks_thread_unlink_in_walk(struct ks_thread *t)
{
	struct hlist_node *next = t->notifier.link.next;

	preempt_notifier_unregister(&t->notifier);
	t->notifier.link.next = next;
	t->linked = false;
}

/**
 * ks_thread_give_up - the thread has ended, or its VM has: its entry goes
 * @t: the entry of the current thread
 *
 * Context: sched_out: interrupts off, runqueue lock held.
 */
void ks_thread_give_up(struct ks_thread *t)
{
	struct task_struct *task = t->task;

	raw_spin_lock(&ks_tables.lock);
	ks_thread_unlink_in_walk(t);
	if (t->vcpu) {
		t->vcpu->thread = NULL;
		/* Nothing is known of it until another thread runs it one day. */
		WRITE_ONCE(t->vcpu->fast_vcpu, NULL);
		WRITE_ONCE(t->vcpu->seen, 0);
		t->vcpu->identified = 0;
	}
	WRITE_ONCE(t->vcpu, NULL);
	t->dead_gp = get_state_synchronize_rcu();
	t->task = NULL;
	WRITE_ONCE(ks_tables.threads_full, false);
	/* A full table may give up the vCPUs that it ran. */
	WRITE_ONCE(ks_tables.vcpus_full, false);
	raw_spin_unlock(&ks_tables.lock);
	/*
	 * Never the last reference: the scheduler drops its own after the last
	 * switch.
	 */
	put_task_struct(task);
}

/**
 * ks_thread_look - does anybody want to know of vCPUs?
 * @t: the entry of the current thread
 *
 * If nobody did for a while, what the thread did before is forgotten.
 *
 * Context: owner, interrupts off.
 */
bool ks_thread_look(struct ks_thread *t)
{
	const struct ks_listen *listen = ks_listening();

	if (!(listen->classes & KS_CLASS_VCPU))
		return false;
	if (t->seen < listen->vcpus_since) {
		WRITE_ONCE(t->wake_tsc, 0);
		t->got_tsc = 0;
		t->in_tsc = 0;
		t->out_tsc = 0;
		t->kind = KS_SWITCH_PREEMPTED;
	}
	t->seen = listen->generation;
	return true;
}

/**
 * ks_threads_each - call a function for each thread that has an entry
 * @call: it may sleep and take locks as little as a probe
 * @data: for it
 *
 * A thread that gets its entry meanwhile may be left out.
 *
 * Context: any but NMI.
 */
void ks_threads_each(void (*call)(struct ks_thread *t, void *data), void *data)
{
	struct ks_thread *t;
	unsigned long flags;

	for (t = ks_tables.threads;
	     t < ks_tables.threads + READ_ONCE(ks_tables.used_threads); t++) {
		raw_spin_lock_irqsave(&ks_tables.lock, flags);
		if (t->task)
			call(t, data);
		raw_spin_unlock_irqrestore(&ks_tables.lock, flags);
	}
}

/**
 * ks_threads_stop_waiting - class steal begins: forget who waited where
 *
 * Context: process, hooks mutex held; nobody listens to the class.
 */
void ks_threads_stop_waiting(void)
{
	struct ks_thread *t;

	for (t = ks_tables.threads;
	     t < ks_tables.threads + READ_ONCE(ks_tables.used_threads); t++)
		WRITE_ONCE(t->wait_cpu, -1);
}

/*
 * stop_machine() calls this while all CPUs stand still with interrupts off.
 * Preemption is off whenever these lists are walked, or changed by KVM; so
 * nobody is doing so now.
 */
static int ks_unlink_all(void *unused)
{
	struct ks_thread *t;
	int cpu;

	for (t = ks_tables.threads; t < ks_tables.threads + ks_tables.used_threads; t++) {
		if (!t->linked)
			continue;
		preempt_notifier_unregister(&t->notifier);
		t->linked = false;
	}
	for_each_possible_cpu(cpu)
		per_cpu(ks_current, cpu) = &ks_nobody;
	return 0;
}

/**
 * ks_threads_detach - unlink our notifiers from all threads, whatever they do
 *
 * This is the first step of the module's exit, and ks_tables_destroy() the last;
 * in between, the probes are detached.  It wakes, kicks and waits for no vCPU: a
 * thread that spins at SCHED_FIFO 99 or sleeps for ever makes no difference.
 */
void ks_threads_detach(void)
{
	raw_spin_lock_irq(&ks_tables.lock);
	ks_tables.detaching = true;
	raw_spin_unlock_irq(&ks_tables.lock);

	/* The grace periods from here on must not wait for a busy vCPU. */
	rcu_expedite_gp();
	stop_machine(ks_unlink_all, NULL, NULL);
}
