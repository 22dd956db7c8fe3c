/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who a task is: what the records tell of those that had or got a CPU
 */
#ifndef _KVMSCHED_TASK_H
#define _KVMSCHED_TASK_H

#include <linux/sched.h>

#include "compat/sched.h"
#include "uapi/records.h"

/**
 * ks_task_flags - what is known of a task, as KS_TASK_*
 * @task: as of ks_set_task()
 */
static inline u8 ks_task_flags(const struct task_struct *task)
{
	u8 flags = KS_TASK_TOLD;

	if (task->flags & PF_KTHREAD)
		flags |= KS_TASK_KTHREAD;
	if (ks_task_by_server(task))
		flags |= KS_TASK_SERVER;
	return flags;
}

/**
 * ks_set_task - fill the fields of a record that describe a task
 * @r:	    the record
 * @prefix: what their names begin with
 * @task:   it may run on another CPU, and may be about to die
 *
 * Context: any, within an RCU read section, or with the task's runqueue locked.
 */
#define ks_set_task(r, prefix, task) do {				\
	const struct task_struct *task_ = (task);			\
									\
	(r)->prefix##pid = task_->pid;					\
	(r)->prefix##prio = task_->prio;				\
	memcpy((r)->prefix##comm, task_->comm, sizeof((r)->prefix##comm)); \
	(r)->prefix##tgid = task_->tgid;				\
	(r)->prefix##policy = task_->policy;				\
	(r)->prefix##nice = task_nice(task_);				\
	(r)->prefix##flags = ks_task_flags(task_);			\
} while (0)

/* The same where it is not known which task that is */
#define ks_set_no_task(r, prefix) do {					\
	(r)->prefix##pid = -1;						\
	(r)->prefix##prio = 0;						\
	memset((r)->prefix##comm, 0, sizeof((r)->prefix##comm));	\
	(r)->prefix##tgid = 0;						\
	(r)->prefix##policy = 0;					\
	(r)->prefix##nice = 0;						\
	(r)->prefix##flags = 0;						\
} while (0)

#endif /* _KVMSCHED_TASK_H */
