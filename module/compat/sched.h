/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_COMPAT_SCHED_H
#define _KVMSCHED_COMPAT_SCHED_H

#include <linux/sched.h>

#include "../uapi/records.h"
#include "features.h"

/*
 * Is the task that is being switched out still runnable?
 *
 * Since 6.12 (152e11f6df29, "sched/fair: Implement delayed dequeue") a task
 * that sleeps may stay on_rq for a while.  task_is_runnable() looks through that
 * (cd9626e9ebc7, "sched/fair: Fix external p->on_rq users").
 */
static inline bool ks_task_runnable(struct task_struct *task)
{
#ifdef KS_HAVE_TASK_IS_RUNNABLE
	return task_is_runnable(task);
#else
	return task->on_rq;
#endif
}

/*
 * Does a deadline server (of the fair class, or of the ext class) let the task run
 * now?  Its field came with 6.8 (63ba8422f876, "sched/deadline: Introduce deadline
 * servers"); before that there are none, and real-time throttling does their work.
 */
static inline bool ks_task_by_server(const struct task_struct *task)
{
#ifdef KS_HAVE_DL_SERVER
	return READ_ONCE(task->dl_server);
#else
	return false;
#endif
}

/*
 * Does a quota keep the task itself from the CPU?  Since 6.18 (e1fad12dcb66, "sched/fair:
 * Switch to task based throttle model") it does not hold for all tasks of a cgroup at
 * once; before that, and in kernels without such quotas, there is no such field.
 */
static inline u8 ks_task_throttled(const struct task_struct *task)
{
#ifdef KS_HAVE_TASK_THROTTLED
	return READ_ONCE(task->throttled) ? KS_THROTTLED_YES : KS_THROTTLED_NO;
#else
	return KS_THROTTLED_AS_GROUP;
#endif
}

/*
 * Is the task on the CPU, or just leaving it?  Then its list of preempt
 * notifiers may change, and only the task itself may walk it.  Otherwise the
 * lock of its runqueue keeps it off the CPU.
 */
static inline bool ks_task_on_cpu(const struct task_struct *task)
{
#ifdef CONFIG_SMP
	return READ_ONCE(task->on_cpu);
#else
	return task == current;
#endif
}

#endif
