// SPDX-License-Identifier: GPL-2.0-only
/*
 * Class steal: who holds the CPU that a vCPU waits for
 *
 * Our preempt notifier sees a vCPU's thread lose and gain the CPU, and which
 * task got the CPU first.  It does not see the later switches on that CPU, a
 * wakeup onto a busy CPU, or a move to another queue.  While this class is on,
 * the scheduler's own tracepoints show those (the wakeup in probe_sched.c).
 * Each switch of the host then costs a test.  Where a vCPU waits for the CPU,
 * each switch and each interrupt (in probe_irq.c) also writes a record; and where one
 * waits for any CPU, each switch to or from the idle task (in probe_idle.c).
 *
 * Switch and wakeup fire with the runqueue lock of that CPU held.  A migration
 * holds only the lock of the queue that the task leaves (or its pi_lock), so
 * the counts are atomic.  All handlers are RCU readers, and a task is freed by
 * RCU after its last switch; so a holder may be read from any CPU.
 */
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <trace/events/sched.h>

#include "compat/sched.h"
#include "idle.h"
#include "probe.h"
#include "record.h"
#include "task.h"

/*
 * @holder:  who has the CPU; written by its own CPU, interrupts off
 * @waiters: vCPU threads that wait on its queue
 */
struct ks_queue {
	struct task_struct *holder;
	atomic_t waiters;
};
static DEFINE_PER_CPU(struct ks_queue, ks_queues);

/**
 * ks_steal_stop_waiting - a thread waits for no CPU any more
 * @t: its entry
 *
 * Context: runqueue lock of the thread.  ks_threads_stop_waiting() may write as well.
 */
void ks_steal_stop_waiting(struct ks_thread *t)
{
	int cpu = READ_ONCE(t->wait_cpu);

	if (cpu < 0)
		return;
	atomic_dec(&per_cpu(ks_queues, cpu).waiters);
	ks_idle_end_wait();
	WRITE_ONCE(t->wait_cpu, -1);
}

static void ks_wait_on_queue(struct ks_thread *t, int cpu)
{
	ks_idle_begin_wait();
	ks_steal_stop_waiting(t);
	atomic_inc(&per_cpu(ks_queues, cpu).waiters);
	t->wait_cpu = cpu;
}

/* Fill the fields of record @r that describe the holder of a CPU. */
#define ks_set_holder(r, task) do {					\
	const struct task_struct *holder = (task);			\
									\
	if (holder)							\
		ks_set_task(r, holder_, holder);			\
	else								\
		ks_set_no_task(r, holder_);				\
} while (0)

static void ks_write_holder(struct task_struct *next, int waiters)
{
	struct ks_vcpu *v = ks_vcpu_of_task(next);
	struct ks_rec_holder *r;
	u64 now = rdtsc_ordered();

	r = ks_begin_at(holder, ks_session_wants(KVMSCHED_CLASS_STEAL), now);
	ks_set_task(r, , next);
	r->vm = v ? v->vm : 0;
	r->vcpu = v ? v->id : KS_NO_VCPU;
	r->waiters = waiters;
	ks_end_at(holder, r);
}

/* A vCPU's thread loses or gains this CPU, or one waits for it or another. */
static noinline void ks_note_switch(struct task_struct *prev,
				    struct task_struct *next)
{
	struct ks_thread *t = ks_thread_of(next);
	struct ks_vcpu *v;
	int waiters;

	if (t) {
		/* Its wait ends where its last thief ends: here, not in sched_in. */
		t->got_tsc = rdtsc_ordered();
		ks_steal_stop_waiting(t);
	}
	ks_idle_tell_switch(prev, next);
	waiters = atomic_read(&this_cpu_ptr(&ks_queues)->waiters);
	if (waiters)
		ks_write_holder(next, waiters);
	v = ks_vcpu_of_task(prev);
	/*
	 * prev_state is wrong up to 6.1, where a signal ended the sleep at
	 * once.
	 */
	if (v && ks_task_runnable(prev) && ks_vcpu_wanted(v) & KVMSCHED_CLASS_STEAL) {
		t = ks_thread_of(prev);
		ks_throttle_tell_cgroup(t, v);
		ks_wait_on_queue(t, smp_processor_id());
		ks_idle_tell_allowed(v, prev);
	}
}

/*
 * Every switch of the host takes this path, so the usual one is recognised by a
 * single test.  This fires before the notifiers of both tasks are called.
 *
 * Context: interrupts off, runqueue lock held.
 */
static void ks_on_steal_switch(void *data, bool preempt, struct task_struct *prev,
			       struct task_struct *next, unsigned int prev_state)
{
	this_cpu_write(ks_queues.holder, next);
	if (unlikely((unsigned long)next->preempt_notifiers.first |
		     (unsigned long)prev->preempt_notifiers.first |
		     (unsigned long)ks_idle_note(next)))
		ks_note_switch(prev, next);
}

/**
 * ks_steal_waited_for - does a vCPU wait for this CPU, and somebody want to know?
 *
 * Who waits when the class ends stays counted until the class begins again, since no
 * switch is seen any more that could end the wait.
 *
 * Context: preemption off.
 */
bool ks_steal_waited_for(void)
{
	return this_cpu_read(ks_queues.waiters.counter) &&
	       ks_anybody_wants(KVMSCHED_CLASS_STEAL);
}

/**
 * ks_steal_woken - a vCPU's thread was woken and waits for a CPU from now on
 * @t: the thread; the runqueue lock of its CPU is held
 * @v: its vCPU
 */
void ks_steal_woken(struct ks_thread *t, struct ks_vcpu *v)
{
	int cpu = task_cpu(t->task);
	struct ks_rec_wake *r;
	unsigned long flags;
	u64 now;

	ks_throttle_tell_cgroup(t, v);
	r = ks_begin(wake, ks_vcpu_ring(v) & KVMSCHED_CLASS_STEAL, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->cpu = cpu;
	ks_set_holder(r, READ_ONCE(per_cpu(ks_queues, cpu).holder));
	r->throttled = ks_task_throttled(t->task);
	t->wake_tsc = now;
	ks_wait_on_queue(t, cpu);
	ks_end(wake, r, flags);
	ks_idle_tell_allowed(v, t->task);
}

/* Context: interrupts off; the task's pi_lock or the lock of its runqueue is held. */
static void ks_on_migrate_task(void *data, struct task_struct *task, int cpu)
{
	struct ks_rec_migrate *r;
	struct ks_thread *t;
	struct ks_vcpu *v;
	unsigned long flags;
	u64 now;

	if (likely(hlist_empty(&task->preempt_notifiers)))
		return;
	t = ks_thread_of(task);
	v = ks_vcpu_of_task(task);
	if (!v || !(ks_vcpu_wanted(v) & KVMSCHED_CLASS_STEAL) || t->wait_cpu < 0)
		return;

	r = ks_begin(migrate, ks_vcpu_ring(v) & KVMSCHED_CLASS_STEAL, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->cpu = cpu;
	r->from_cpu = t->wait_cpu;
	ks_set_holder(r, READ_ONCE(per_cpu(ks_queues, cpu).holder));
	ks_wait_on_queue(t, cpu);
	ks_end(migrate, r, flags);
	/* The CPUs that it may use can be the reason. */
	ks_idle_tell_allowed(v, task);
}

static void ks_learn_holder(void *unused)
{
	this_cpu_ptr(&ks_queues)->holder = current;
	ks_idle_learn();
}

/**
 * ks_steal_begin - the class will be attached: nobody waits as far as we know
 *
 * The handler of switches may still be attached since an earlier session, and may
 * be about to count down a waiter of that; it must finish before the counts are set
 * to 0.
 *
 * Context: process.
 */
void ks_steal_begin(void)
{
	int cpu;

	ks_threads_stop_waiting();
	ks_throttle_begin();
	/* They run with interrupts off: each CPU answers when its own has ended. */
	kick_all_cpus_sync();
	for_each_possible_cpu(cpu) {
		per_cpu(ks_queues, cpu).holder = NULL;
		atomic_set(&per_cpu(ks_queues, cpu).waiters, 0);
	}
	ks_idle_forget();
}

/**
 * ks_steal_attached - the class is attached: learn which task each CPU has
 *
 * A task that never switches would stay unknown.  And if the handler of switches was
 * detached for a moment since ks_steal_begin(), the task that it saw last may have
 * gone: so this comes before anybody listens.
 *
 * Context: process, after ks_steal_begin().
 */
void ks_steal_attached(void)
{
	on_each_cpu(ks_learn_holder, NULL, 1);
}

struct ks_hook ks_steal_hooks[] = {
	KS_CHECKED_ROW(sched_switch, "", KVMSCHED_CLASS_STEAL, KS_ALWAYS,
		       ks_on_steal_switch),
	KS_CHECKED_ROW(sched_migrate_task, "", KVMSCHED_CLASS_STEAL,
		       KS_ALWAYS, ks_on_migrate_task),
	{}
};
