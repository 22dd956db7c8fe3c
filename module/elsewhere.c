// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work that must not begin a grace period on the caller's CPU
 *
 * The caller may be on a CPU where a vCPU spins at real-time priority, and get
 * that CPU only because its own priority is higher still.  Nothing below does.
 * SRCU works on the CPU that began the grace period: by a bound worker, and by
 * that CPU's timers, which are a thread's on PREEMPT_RT.  A grace period that
 * begins there lasts until the vCPU stops to spin.
 *
 * So a worker does it that is bound to another CPU.  The work is offered by that
 * CPU's timer to its worker, which is of the lowest priority: if it begins, the
 * CPU has time for such threads, and what it begins ends.  If it doesn't, the work
 * is offered to the next CPU.  A worker that is bound to none would do as long as
 * the scheduler does not put it onto the very CPU where it never runs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched/deadline.h>
#include <linux/sched/isolation.h>
#include <linux/sched/rt.h>
#include <linux/smp.h>
#include <linux/srcu.h>
#include <linux/tracepoint.h>

#include "compat/hrtimer.h"
#include "compat/rcu.h"
#include "compat/timer.h"
#include "elsewhere.h"

/**
 * ks_grace_begin - begin the grace periods that end all handlers running now
 * @grace: what to wait for
 *
 * Context: a worker.
 */
void ks_grace_begin(struct ks_grace *grace)
{
	grace->begun = true;
	grace->rcu = get_state_synchronize_rcu();
	grace->srcu = start_poll_synchronize_srcu(&tracepoint_srcu);
}

/* How long a grace period that the kernel began is helped along */
#define KS_HELP		HZ
/* Microseconds between two looks, the first and any later one */
#define KS_LOOK		100
#define KS_LOOK_MAX	10000

static bool ks_srcu_is_over(unsigned long srcu)
{
	return poll_state_synchronize_srcu(&tracepoint_srcu, srcu);
}

/*
 * SRCU's work may stand where it never runs: its timer goes to a CPU that is not
 * idle, perhaps the one where a vCPU spins, if RCU's callbacks asked for it on an
 * idle CPU, as they do for each list of handlers that a tracepoint gave up. Have the
 * work done here and now; that changes neither what SRCU waits for nor its order.
 * Without a workqueue it never waited for a timer.
 */
static void ks_srcu_push(void)
{
	struct delayed_work *work = ks_srcu_work(&tracepoint_srcu);
	struct workqueue_struct *wq = READ_ONCE(work->wq);

	if (wq)
		mod_delayed_work_on(raw_smp_processor_id(), wq, work, 0);
}

/* Sleeps between two looks: SRCU's work waits for this worker if it is busy. */
static void ks_srcu_wait(unsigned long srcu, unsigned long most)
{
	unsigned long begin = jiffies;
	unsigned int look = KS_LOOK;

	while (!ks_srcu_is_over(srcu) && jiffies - begin <= most) {
		ks_srcu_push();
		usleep_range(look, 2 * look);
		look = min(2 * look, KS_LOOK_MAX);
	}
}

/**
 * ks_grace_wait - wait until grace periods are over
 * @grace: what to wait for
 *
 * For SRCU by looking again and again: synchronize_srcu() also needs a worker on
 * the CPU that the machine booted on, where a vCPU may spin as well.  Not so for
 * RCU: poll_state_synchronize_rcu() may ask for one more after an expedited grace
 * period that fell into another.
 *
 * Context: a worker, between ks_work_begin() and ks_work_end().
 */
void ks_grace_wait(const struct ks_grace *grace)
{
	if (!grace->begun)
		return;
	ks_srcu_wait(grace->srcu, ULONG_MAX);
	cond_synchronize_rcu(grace->rcu);
}

/**
 * ks_grace_help - the kernel may have to wait for an SRCU grace period
 *
 * It has begun one where a tracepoint lost its last handler, and waits for it, with
 * the mutex of all tracepoints held, where one gets its first.  See that it ends,
 * without waiting for one of RCU.
 *
 * Context: a worker.
 */
void ks_grace_help(void)
{
	ks_srcu_wait(start_poll_synchronize_srcu(&tracepoint_srcu), KS_HELP);
}

/*
 * RCU's kthread looks again and again for CPUs that are idle, and sleeps in between by a
 * timer.  That may be due on the CPU where a vCPU spins: the kthread ran there last, or an
 * idle CPU left it to one that is not.  On PREEMPT_RT a thread serves it, which never runs
 * there.  So the kthread is woken from here.
 *
 * Context: hard interrupt.
 */
static enum hrtimer_restart ks_rcu_push(struct hrtimer *push)
{
	rcu_force_quiescent_state();
	hrtimer_forward_now(push, ns_to_ktime(KS_LOOK_MAX * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

/**
 * ks_work_begin - a worker begins to attach or detach
 * @worker: on its stack, until ks_work_end()
 *
 * Grace periods of RCU end soon, the kernel's own included.  An expedited one asks each
 * CPU by an interrupt, and ends also where a vCPU keeps a CPU's softirqs from running
 * (ksoftirqd_running() in 6.1).  PREEMPT_RT expedites none (rcu_normal_after_boot), but
 * the kthread of one that isn't can be woken.
 */
void ks_work_begin(struct ks_worker *worker)
{
	rcu_expedite_gp();
	hrtimer_setup_on_stack(&worker->push, ks_rcu_push, CLOCK_MONOTONIC,
			       HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&worker->push, ns_to_ktime(KS_LOOK_MAX * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

void ks_work_end(struct ks_worker *worker)
{
	hrtimer_cancel(&worker->push);
	destroy_hrtimer_on_stack(&worker->push);
	rcu_unexpedite_gp();
}

/*
 * The CPU serves its timers: let its worker have the work.
 *
 * Context: timer, interrupts off.  If the CPU was to go offline, another one took
 * over its timers, and this runs on that other CPU.
 */
void ks_offer_is_due(struct timer_list *timer)
{
	struct ks_offered *offered = container_of(timer, struct ks_offered, timer);

	queue_work_on(smp_processor_id(), system_long_wq, &offered->work);
}

/**
 * ks_offer_withdraw - nobody shall begin the work any more
 * @offered: the work
 *
 * Context: process.
 * Return: whether nobody has; it may run for somebody who asked before, though.
 */
bool ks_offer_withdraw(struct ks_offered *offered)
{
	/* The timer's function runs with interrupts off, so this does not wait for long. */
	return timer_delete_sync(&offered->timer) || cancel_work(&offered->work);
}

/**
 * ks_offer_withdraw_sync - the same, and wait until it has run
 * @offered: the work
 */
void ks_offer_withdraw_sync(struct ks_offered *offered)
{
	timer_delete_sync(&offered->timer);
	cancel_work_sync(&offered->work);
}

/*
 * Is the CPU meant for such work?  Not if it is isolated, nor if others serve its timers
 * and its callbacks (nohz_full): one of these others may be where the vCPU spins.
 */
static bool ks_serves_itself(int cpu)
{
	return housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) &&
	       housekeeping_test_cpu(cpu, HK_TYPE_TIMER);
}

/**
 * ks_offer - offer work to the next CPU that is meant for such work
 * @offered: the work; withdrawn first if somebody left it to another CPU
 * @cpu:     the CPU before
 *
 * Context: process.
 * Return: that CPU.
 */
int ks_offer(struct ks_offered *offered, int cpu)
{
	int i, next = raw_smp_processor_id();

	for_each_cpu_wrap(i, cpu_online_mask, (cpu + 1) % nr_cpu_ids) {
		if (ks_serves_itself(i)) {
			next = i;
			break;
		}
	}
	ks_offer_withdraw(offered);
	offered->timer.expires = jiffies + 1;
	add_timer_on(&offered->timer, next);
	return next;
}

struct ks_errand {
	struct ks_offered offered;
	wait_queue_head_t wait;
	bool done;
	void (*run)(void *arg);
	void *arg;
};

static void ks_run_errand(struct work_struct *work)
{
	struct ks_errand *errand = container_of(work, struct ks_errand, offered.work);
	struct ks_worker worker;

	ks_work_begin(&worker);
	errand->run(errand->arg);
	ks_work_end(&worker);
	smp_store_release(&errand->done, true);
	wake_up(&errand->wait);
}

/**
 * ks_elsewhere - run a function on another CPU, and wait until it is done
 * @what: in the log, if it takes long
 * @run:  the function; it must not take locks that the caller holds
 * @arg:  its argument
 *
 * Context: process.
 */
void ks_elsewhere(const char *what, void (*run)(void *), void *arg)
{
	struct ks_errand errand = { .run = run, .arg = arg };

	init_waitqueue_head(&errand.wait);
	INIT_WORK_ONSTACK(&errand.offered.work, ks_run_errand);
	timer_setup_on_stack(&errand.offered.timer, ks_offer_is_due, KS_OFFERED_TIMER);
	ks_offer_until(&errand.offered, errand.wait, smp_load_acquire(&errand.done),
		       UINT_MAX, TASK_UNINTERRUPTIBLE, what);
	ks_wait_long(errand.wait, smp_load_acquire(&errand.done),
		     TASK_UNINTERRUPTIBLE, what);
	/* The worker may still be about to wake us. */
	flush_work(&errand.offered.work);
	timer_destroy_on_stack(&errand.offered.timer);
	destroy_work_on_stack(&errand.offered.work);
}

static void ks_look(void *out)
{
	struct ks_rt_task *task = out;

	if (dl_task(current))
		task->prio = KS_PRIO_DEADLINE;
	else
		task->prio = rt_task(current) ? current->rt_priority : 0;
	task->pid = current->pid;
	memcpy(task->comm, current->comm, sizeof(task->comm));
}

/* Context: hard interrupt. */
static enum hrtimer_restart ks_alarm_rings(struct hrtimer *timer)
{
	struct ks_alarm *alarm = container_of(timer, struct ks_alarm, timer);

	alarm->cpu = smp_processor_id();
	ks_look(&alarm->ran);
	/* The task sees this before it sleeps, or is woken. */
	WRITE_ONCE(alarm->rang, true);
	wake_up_process(alarm->task);
	return HRTIMER_NORESTART;
}

/**
 * ks_alarm_set - be woken after some time
 * @alarm: on the caller's stack, until ks_alarm_clear()
 * @ns:    how long that is
 *
 * Context: process.
 */
void ks_alarm_set(struct ks_alarm *alarm, s64 ns)
{
	might_sleep();
	alarm->task = current;
	alarm->rang = false;
	hrtimer_setup_on_stack(&alarm->timer, ks_alarm_rings, CLOCK_MONOTONIC,
			       HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&alarm->timer, ns_to_ktime(ns), HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * ks_alarm_clear - it does not ring any more
 * @alarm: the alarm; what it found stays
 *
 * Context: process.
 */
void ks_alarm_clear(struct ks_alarm *alarm)
{
	hrtimer_cancel(&alarm->timer);
	destroy_hrtimer_on_stack(&alarm->timer);
}

/**
 * ks_report_delay - say in the log that something waits, and who may delay it
 * @what:  what waits
 * @alarm: has rung
 *
 * By who waits: a worker may find itself on a CPU where a vCPU spins, and not get it
 * again.
 *
 * Context: process.
 */
void ks_report_delay(const char *what, const struct ks_alarm *alarm)
{
	struct ks_rt_task task;
	int cpu;

	pr_warn("%s still waits after %d s\n", what, KS_DELAY);
	for_each_online_cpu(cpu) {
		if (cpu == alarm->cpu)
			task = alarm->ran;
		else if (smp_call_function_single(cpu, ks_look, &task, 1))
			continue;
		if (!task.prio || task.pid == current->pid)
			continue;
		if (task.prio == KS_PRIO_DEADLINE)
			pr_warn("CPU %d runs %.*s, thread %d, by SCHED_DEADLINE\n",
				cpu, TASK_COMM_LEN, task.comm, task.pid);
		else
			pr_warn("CPU %d runs %.*s, thread %d, at real-time priority %d\n",
				cpu, TASK_COMM_LEN, task.comm, task.pid, task.prio);
	}
}
