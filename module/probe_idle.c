// SPDX-License-Identifier: GPL-2.0-only
/*
 * Class steal: CPUs that idle while a vCPU, which may run there, waits for another one
 *
 * No function that says whether a CPU idles is exported.  So each switch notes whether
 * the idle task gets the CPU (in probe_steal.c, which has the tracepoint).  At the
 * beginning of a wait a record tells which CPUs the thread may run on, and which of
 * these idle; and as long as anybody waits, each CPU tells when it begins to idle, and
 * when it ends that.
 *
 * Who touches what: a CPU alone writes whether it idles, with interrupts off and its
 * runqueue locked (or in the interrupt of ks_idle_learn()).  The count of waits is
 * atomic; it changes with the lock of the runqueue of the thread that waits, or its
 * pi_lock.  Nothing else is shared.
 */
#include <linux/cpumask.h>

#include "idle.h"
#include "probe.h"
#include "record.h"

DEFINE_PER_CPU(bool, ks_cpu_idles);
atomic_t ks_waiting ____cacheline_aligned_in_smp = ATOMIC_INIT(0);

static void ks_write_idle(bool idle)
{
	u64 now = rdtsc_ordered();
	struct ks_rec_idle *r;

	r = ks_begin_at(idle, ks_session_wants(KVMSCHED_CLASS_STEAL), now);
	r->idle = idle;
	r->waiters = min(atomic_read(&ks_waiting), U16_MAX);
	ks_end_at(idle, r);
}

/**
 * ks_idle_tell_switch - this CPU switches, and may begin or end to idle
 * @prev: the task that loses it
 * @next: the task that gets it, of which ks_idle_note() knows
 *
 * Context: interrupts off, runqueue lock held.
 */
void ks_idle_tell_switch(const struct task_struct *prev, const struct task_struct *next)
{
	if (!prev->pid == !next->pid || !atomic_read(&ks_waiting) ||
	    !ks_anybody_wants(KVMSCHED_CLASS_STEAL))
		return;
	ks_write_idle(!next->pid);
}

/* Which of these CPUs idle?  A bit each, from CPU @first on. */
static u64 ks_idle_of(unsigned int first, u64 cpus)
{
	u64 idle = 0, left;

	for (left = cpus; left; left &= left - 1)
		if (READ_ONCE(per_cpu(ks_cpu_idles, first + __ffs(left))))
			idle |= left & -left;
	return idle;
}

/**
 * ks_idle_tell_allowed - a vCPU waits: for which CPUs it could, and which of these idle
 * @v:	  the vCPU, whose wait ks_idle_begin_wait() has counted
 * @task: its thread, whose runqueue lock or pi_lock is held
 *
 * A record for each 64 CPUs of which it may use any.  That looks at a variable of each
 * of these CPUs.
 *
 * Context: preemption off.
 */
void ks_idle_tell_allowed(const struct ks_vcpu *v, const struct task_struct *task)
{
	const unsigned long *allowed = cpumask_bits(task->cpus_ptr);
	const unsigned long *online = cpumask_bits(cpu_online_mask);
	struct ks_rec_allowed *r;
	unsigned int first;
	unsigned long flags;
	bool begins = true;
	u64 cpus, now;

	BUILD_BUG_ON(BITS_PER_LONG != 64);
	for (first = 0; first < nr_cpu_ids; first += BITS_PER_LONG) {
		cpus = allowed[BIT_WORD(first)] & online[BIT_WORD(first)];
		if (!cpus)
			continue;
		/* The time, then what idles: what changes after that has its own, later record. */
		r = ks_begin(allowed, ks_vcpu_ring(v) & KVMSCHED_CLASS_STEAL, now, flags);
		r->vm = v->vm;
		r->vcpu = v->id;
		r->first_cpu = first;
		r->begins = begins;
		r->cpus = cpus;
		r->idle = ks_idle_of(first, cpus);
		ks_end(allowed, r, flags);
		begins = false;
	}
}

/**
 * ks_idle_forget - class steal will be attached: nobody waits as far as we know
 *
 * Handlers of an earlier session may still note whether their CPU idles; ks_idle_learn()
 * puts that right.  None of them counts a wait down any more, see ks_steal_begin().
 *
 * Context: process.
 */
void ks_idle_forget(void)
{
	int cpu;

	atomic_set(&ks_waiting, 0);
	for_each_possible_cpu(cpu)
		per_cpu(ks_cpu_idles, cpu) = false;
}

/**
 * ks_idle_learn - the class is attached: does this CPU idle?
 *
 * Context: an interrupt, or its caller with interrupts off; nobody listens to the class.
 */
void ks_idle_learn(void)
{
	ks_idle_note(current);
}
