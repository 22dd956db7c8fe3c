/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work that must not begin a grace period on the caller's CPU
 */
#ifndef _KVMSCHED_ELSEWHERE_H
#define _KVMSCHED_ELSEWHERE_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timer.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/**
 * struct ks_grace - a point in time, and what the kernel has to wait for since
 * @begun: there is such a point; the others may have any value then
 * @rcu:   for get_state_synchronize_rcu()
 * @srcu:  for tracepoint_srcu
 */
struct ks_grace {
	bool begun;
	unsigned long rcu;
	unsigned long srcu;
};

void ks_grace_begin(struct ks_grace *grace);
void ks_grace_wait(const struct ks_grace *grace);
void ks_grace_help(void);

/**
 * struct ks_worker - a worker that attaches or detaches, on its stack
 * @push: see ks_rcu_push()
 */
struct ks_worker {
	struct hrtimer push;
};

void ks_work_begin(struct ks_worker *worker);
void ks_work_end(struct ks_worker *worker);
void ks_elsewhere(const char *what, void (*run)(void *), void *arg);

#define KS_PRIO_DEADLINE	(-1)

/**
 * struct ks_rt_task - who runs on a CPU at real-time priority, or by SCHED_DEADLINE
 * @pid:  the thread
 * @prio: its priority, or KS_PRIO_DEADLINE; 0: whoever runs there has none
 * @comm: its name
 */
struct ks_rt_task {
	pid_t pid;
	int prio;
	char comm[TASK_COMM_LEN];
};

/**
 * struct ks_alarm - wakes a task that waits, on whose stack it is
 * @timer: expires in hard interrupt context, on the CPU where the task began to wait
 *	   unless that has gone offline
 * @task:  whose it is
 * @rang:  it has expired; what follows is known since then
 * @cpu:   where it has
 * @ran:   who ran there before the task was woken, and may have taken it
 *
 * On PREEMPT_RT the time limits of wait_event_hrtimeout() and the like need a thread,
 * for tasks without real-time priority, and the caller's CPU may keep that from
 * running.
 */
struct ks_alarm {
	struct hrtimer timer;
	struct task_struct *task;
	bool rang;
	int cpu;
	struct ks_rt_task ran;
};

void ks_alarm_set(struct ks_alarm *alarm, s64 ns);
void ks_alarm_clear(struct ks_alarm *alarm);
void ks_report_delay(const char *what, const struct ks_alarm *alarm);

/**
 * ks_wait_for - wait, but not longer than so long
 * @alarm:     on the caller's stack; with -ETIME it tells who ran
 * @queue:     where the caller is woken
 * @condition: what is waited for
 * @state:     TASK_UNINTERRUPTIBLE or TASK_KILLABLE
 * @ns:	       for how long
 *
 * Return: 0, -ETIME, or -ERESTARTSYS if killed.
 */
#define ks_wait_for(alarm, queue, condition, state, ns) ({		\
	int ret_ = 0;							\
									\
	if (!(condition)) {						\
		ks_alarm_set(alarm, ns);				\
		ret_ = __wait_event_hrtimeout(queue,			\
				(condition) || READ_ONCE((alarm)->rang), \
				KTIME_MAX, state);			\
		ks_alarm_clear(alarm);					\
		if (!ret_ && !(condition))				\
			ret_ = -ETIME;					\
	}								\
	ret_;								\
})

/**
 * struct ks_offered - work that is offered to one CPU after the other
 * @work:  the work
 * @timer: of the CPU that it is offered to, queues it there
 *
 * Not a delayed_work: with nohz_full, since 6.9 its timer goes to the caller's CPU or
 * to some other that serves timers, whichever CPU the work is for ("workqueue: Avoid
 * using isolated cpus' timers on queue_delayed_work").
 *
 * Who offers it or withdraws it must be the only one at that time.
 */
struct ks_offered {
	struct work_struct work;
	struct timer_list timer;
};

#define KS_OFFERED_TIMER	(TIMER_IRQSAFE | TIMER_PINNED)
#define KS_OFFERED(_name, _run) {					\
	.work = __WORK_INITIALIZER((_name).work, _run),			\
	.timer = __TIMER_INITIALIZER(ks_offer_is_due, KS_OFFERED_TIMER),	\
}

void ks_offer_is_due(struct timer_list *timer);
int ks_offer(struct ks_offered *offered, int cpu);
bool ks_offer_withdraw(struct ks_offered *offered);
void ks_offer_withdraw_sync(struct ks_offered *offered);

#define KS_DELAY	5	/* seconds until a wait is reported */

/* For how long work is offered at first, and at most */
#define KS_OFFER_NS	(50 * NSEC_PER_MSEC)
#define KS_OFFER_MAX_NS	NSEC_PER_SEC

/**
 * ks_offer_until - offer work to one CPU after the other, until one takes it
 * @what:      struct ks_offered: the work
 * @queue:     where it wakes the caller
 * @condition: it is done
 * @most:      to how many CPUs
 * @state:     TASK_KILLABLE: a signal that kills the caller ends it
 * @name:      in the log, if it takes long
 *
 * The work is not necessarily done afterwards.  Where it runs already, for somebody
 * who has gone, it is offered until that has ended: which CPU's timer is due then
 * nobody knows, and some CPUs' timers are never.
 */
#define ks_offer_until(what, queue, condition, most, state, name) do {	\
	int cpu_ = ks_offer(what, raw_smp_processor_id());		\
	s64 ns_ = KS_OFFER_NS, left_ = KS_DELAY * NSEC_PER_SEC;		\
	struct ks_alarm alarm_;						\
	unsigned int n_ = 1;						\
									\
	while (ks_wait_for(&alarm_, queue, condition, TASK_UNINTERRUPTIBLE, ns_) && \
	       n_++ < (most) && ks_offer_withdraw(what)) {		\
		cpu_ = ks_offer(what, cpu_);				\
		if ((state) == TASK_KILLABLE && fatal_signal_pending(current)) \
			break;						\
		if (left_ > 0 && (left_ -= ns_) <= 0)			\
			ks_report_delay(name, &alarm_);			\
		ns_ = min_t(s64, 2 * ns_, KS_OFFER_MAX_NS);		\
	}								\
} while (0)

/**
 * ks_wait_long - wait for a worker, and report if that takes long
 * @queue:     where it wakes the caller
 * @condition: what is waited for
 * @state:     TASK_UNINTERRUPTIBLE or TASK_KILLABLE
 * @what:      in the log, if it takes long
 *
 * Return: 0, or -ERESTARTSYS if killed.
 */
#define ks_wait_long(queue, condition, state, what) ({			\
	struct ks_alarm alarm_;						\
	int wait_ = ks_wait_for(&alarm_, queue, condition, state,	\
				KS_DELAY * NSEC_PER_SEC);		\
									\
	if (wait_ == -ETIME) {						\
		ks_report_delay(what, &alarm_);				\
		wait_ = __wait_event_hrtimeout(queue, condition,	\
					       KTIME_MAX, state);	\
	}								\
	wait_;								\
})

#endif /* _KVMSCHED_ELSEWHERE_H */
