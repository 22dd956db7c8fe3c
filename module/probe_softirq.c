// SPDX-License-Identifier: GPL-2.0-only
/*
 * Softirqs: what the host does on a task's time after its interrupts
 *
 * The kernel serves softirqs in two places:
 *
 *	interrupt ─► its handler ─► irq_exit() ─► softirqs ─► the task goes on
 *	task ─► local_bh_enable() ─► softirqs ─► the task goes on
 *
 * In the first the handler's end has fired already (local_timer_exit and so
 * on), so these softirqs are no part of that interrupt's record.  In the second
 * they are of the task's own making, e.g. a VMM that sends a packet.  Both are
 * time that a vCPU loses, and each softirq is a record of its own.  ksoftirqd
 * is a task, which is told by its switches.
 *
 * Interrupts are on while a softirq is served.  So it has a state of its own
 * here, and the handlers that interrupt it are taken out of its time: their own
 * records have that.
 *
 * On PREEMPT_RT no interrupt serves softirqs: irq_exit() wakes ksoftirqd.  But
 * a vCPU's thread serves those that it raised itself, in local_bh_enable().
 * There a softirq can be preempted.
 */
#include <linux/interrupt.h>
#include <linux/sched.h>
#include <trace/events/irq.h>

#include "probe.h"
#include "record.h"
#include "vcpu.h"

/* The kernel's own table of names is not exported.  These are its names. */
static const char *const ks_softirq_names[NR_SOFTIRQS] = {
	[HI_SOFTIRQ]		= "HI",
	[TIMER_SOFTIRQ]		= "TIMER",
	[NET_TX_SOFTIRQ]	= "NET_TX",
	[NET_RX_SOFTIRQ]	= "NET_RX",
	[BLOCK_SOFTIRQ]		= "BLOCK",
	[IRQ_POLL_SOFTIRQ]	= "IRQ_POLL",
	[TASKLET_SOFTIRQ]	= "TASKLET",
	[SCHED_SOFTIRQ]		= "SCHED",
	[HRTIMER_SOFTIRQ]	= "HRTIMER",
	[RCU_SOFTIRQ]		= "RCU",
};

/*
 * The softirq that this CPU serves
 *
 * @since:    its beginning; 0: none is served, or nobody wanted to know
 * @nested:   cycles since then in the handlers of interrupts
 * @task:     which task was interrupted, or serves it itself
 * @switches: PREEMPT_RT: how often that task had lost the CPU before
 * @due:      softirqs, a bit each, that irq_exit() is about to serve
 * @due_to:   the task that this interrupts
 * @kind:     KS_HOST_IRQ_SOFTIRQ or KS_HOST_IRQ_OWN_SOFTIRQ
 *
 * Written by its own CPU, with interrupts off.
 */
struct ks_softirq {
	u64 since;
	u64 nested;
	struct task_struct *task;
	unsigned long switches;
	u32 due;
	struct task_struct *due_to;
	u8 kind;
};
static DEFINE_PER_CPU(struct ks_softirq, ks_softirqs);

static unsigned long ks_switches_of_current(void)
{
	return current->nvcsw + current->nivcsw;
}

/*
 * Who may want this softirq?  A vCPU's thread has notifiers, and no other task
 * has.  Whether a vCPU waits for this CPU is known at the end only: a softirq
 * may wake it.
 */
static bool ks_softirq_of_interest(void)
{
	return !hlist_empty(&current->preempt_notifiers) ||
	       ks_anybody_wants(KVMSCHED_CLASS_HOST | KVMSCHED_CLASS_STEAL);
}

/*
 * All softirqs of the host take this path while class irq is recorded.
 *
 * Context: a task that serves softirqs; it stays on its CPU.  On PREEMPT_RT it may
 * be preempted in a handler of 7.x, so the rest runs with interrupts off.
 */
static void ks_on_softirq_entry(void *data, unsigned int nr)
{
	struct ks_softirq *s;
	unsigned long flags;
	bool due;

	if (likely(!ks_softirq_of_interest()))
		return;
	local_irq_save(flags);
	s = this_cpu_ptr(&ks_softirqs);
	due = s->due_to == current && s->due & BIT(nr);
	s->kind = due ? KS_HOST_IRQ_SOFTIRQ : KS_HOST_IRQ_OWN_SOFTIRQ;
	s->due &= ~BIT(nr);
	s->task = current;
	s->switches = ks_switches_of_current();
	s->nested = 0;
	s->since = rdtsc_ordered();
	local_irq_restore(flags);
}

/*
 * Are softirqs being served that an interrupt has left?  The first one of them may not have
 * begun: the kernel lets interrupts in before that.  Then they are still due, and what was
 * served last may have been another task's.
 */
static bool ks_softirqs_of_interrupt(const struct ks_softirq *s)
{
	if (!in_serving_softirq())
		return false;
	return (s->task == current && s->kind == KS_HOST_IRQ_SOFTIRQ) ||
	       (s->due_to == current && s->due);
}

static void ks_write_softirq(struct ks_softirq *s, unsigned int nr)
{
	/* Of a vCPU that waits, a task's own softirq steals no more than the task. */
	bool waited_for = s->kind == KS_HOST_IRQ_SOFTIRQ && ks_steal_waited_for();
	struct ks_vcpu *v = ks_vcpu_here();
	struct ks_rec_host_irq *r;
	u64 now;

	if (!ks_host_irq_wanted(v, waited_for))
		return;
	now = rdtsc_ordered();
	r = ks_begin_at(host_irq, ks_host_irq_to_ring(v, waited_for), now);
	r->vm = v->vm;
	r->vcpu = v->vm ? v->id : KS_NO_VCPU;
	r->irq = -1;
	strscpy_pad(r->name, nr < NR_SOFTIRQS ? ks_softirq_names[nr] : "",
		    sizeof(r->name));
	r->ended_guest = false;
	r->kind = s->kind;
	r->vector = 0;
	r->cycles = now - s->since - s->nested;
	ks_end_at(host_irq, r);
}

/* Context: as above. */
static void ks_on_softirq_exit(void *data, unsigned int nr)
{
	struct ks_softirq *s;
	unsigned long flags;

	if (likely(!this_cpu_read(ks_softirqs.since)))
		return;
	local_irq_save(flags);
	s = this_cpu_ptr(&ks_softirqs);
	/*
	 * If it lost the CPU meanwhile, which PREEMPT_RT allows, part of the time
	 * was another task's, and it is not known how much.
	 */
	if (s->task == current && s->switches == ks_switches_of_current())
		ks_write_softirq(s, nr);
	s->since = 0;
	/* What it raised is served next, unless another task shall run. */
	if (s->kind == KS_HOST_IRQ_SOFTIRQ && !need_resched())
		s->due |= local_softirq_pending();
	local_irq_restore(flags);
}

/**
 * ks_softirq_interrupted - the handler of a host interrupt is over
 * @cycles: how long it took
 *
 * What is pending now is served by irq_exit(), unless the interrupt came while
 * softirqs were served or switched off.  It is left to ksoftirqd with
 * threadirqs, and up to 6.1 if ksoftirqd is about to run anyway.  If the
 * interrupted task then raises the same softirq before the next interrupt, its
 * own is taken for the interrupt's; and that of an interrupt without a
 * tracepoint for the task's own.
 *
 * Context: in that interrupt.
 */
void ks_softirq_interrupted(u64 cycles)
{
	struct ks_softirq *s = this_cpu_ptr(&ks_softirqs);

	if (s->since)
		s->nested += cycles;
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return;
	if (!softirq_count()) {
		s->due = local_softirq_pending();
		s->due_to = current;
	} else if (ks_softirqs_of_interrupt(s)) {
		s->due |= local_softirq_pending();
	} else {
		s->due = 0;
	}
}

/**
 * ks_softirq_forget - the beginning of a softirq on this CPU may be old
 *
 * Context: interrupts off.
 */
void ks_softirq_forget(void)
{
	this_cpu_ptr(&ks_softirqs)->since = 0;
	this_cpu_ptr(&ks_softirqs)->due = 0;
}

/* As for interrupts, the end is attached before the beginning. */
struct ks_hook ks_softirq_hooks[] = {
	KS_CHECKED_ROW(softirq_exit, "", KS_SOFTIRQ_CLASSES, KS_ALWAYS,
		       ks_on_softirq_exit),
	KS_CHECKED_ROW(softirq_entry, "", KS_SOFTIRQ_CLASSES, KS_ALWAYS,
		       ks_on_softirq_entry),
	{}
};
