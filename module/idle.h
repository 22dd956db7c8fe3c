/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which CPUs are idle while a vCPU waits for another one (class steal)
 */
#ifndef _KVMSCHED_IDLE_H
#define _KVMSCHED_IDLE_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/sched.h>

struct ks_vcpu;

/*
 * Does this CPU idle?  Written by its own CPU alone, with interrupts off, at each
 * switch; read by any.
 */
DECLARE_PER_CPU(bool, ks_cpu_idles);

/*
 * How many vCPUs wait for a CPU, on any queue.  Any CPU adds to it, in the handlers
 * that begin and end a wait.  Each switch of each CPU reads it.
 */
extern atomic_t ks_waiting;

/**
 * ks_idle_note - a task gets this CPU
 * @next: the task
 *
 * The barrier, with the one of ks_idle_begin_wait(): if a wait begins on another CPU at
 * the same time, either this CPU sees that somebody waits, and tells of its switch; or
 * the other one sees that the switch has happened.
 *
 * Context: interrupts off.
 * Return: how many vCPUs wait.
 */
static __always_inline int ks_idle_note(const struct task_struct *next)
{
	this_cpu_write(ks_cpu_idles, !next->pid);
	smp_mb();
	return atomic_read(&ks_waiting);
}

/**
 * ks_idle_begin_wait - one more vCPU waits
 *
 * Where it only waits for another CPU from now on, this comes before the end of the wait
 * for the one before: the count must not be 0 in between.
 */
static inline void ks_idle_begin_wait(void)
{
	atomic_inc(&ks_waiting);
	smp_mb__after_atomic();
}

static inline void ks_idle_end_wait(void)
{
	atomic_dec(&ks_waiting);
}

void ks_idle_tell_switch(const struct task_struct *prev, const struct task_struct *next);
void ks_idle_tell_allowed(const struct ks_vcpu *v, const struct task_struct *task);
void ks_idle_forget(void);
void ks_idle_learn(void);

#endif /* _KVMSCHED_IDLE_H */
