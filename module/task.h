/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who a task is, beyond its PID, name and priority: what the records tell of those
 * that had or got a CPU
 */
#ifndef _KVMSCHED_TASK_H
#define _KVMSCHED_TASK_H

#include <linux/sched.h>

#include "compat/sched.h"
#include "uapi/records.h"

/**
 * struct ks_task - one task
 * @tgid:	its process
 * @policy:	SCHED_*
 * @nice:	whatever the policy is
 * @flags:	KS_TASK_*
 */
struct ks_task {
	s32 tgid;
	u8 policy;
	s8 nice;
	u8 flags;
};

/**
 * ks_task_of - look at a task
 * @task: it may run on another CPU, and may be about to die
 *
 * Context: any, within an RCU read section, or with the task's runqueue locked.
 */
static inline struct ks_task ks_task_of(const struct task_struct *task)
{
	u8 flags = KS_TASK_TOLD;

	if (task->flags & PF_KTHREAD)
		flags |= KS_TASK_KTHREAD;
	if (ks_task_by_server(task))
		flags |= KS_TASK_SERVER;
	return (struct ks_task) {
		.tgid = task->tgid, .policy = task->policy,
		.nice = task_nice(task), .flags = flags,
	};
}

/* Fill the fields of record @r whose names begin with @prefix. */
#define ks_set_task(r, prefix, task) do {				\
	const struct ks_task task_ = (task);				\
	(r)->prefix##tgid = task_.tgid;					\
	(r)->prefix##policy = task_.policy;				\
	(r)->prefix##nice = task_.nice;					\
	(r)->prefix##flags = task_.flags;				\
} while (0)

#endif /* _KVMSCHED_TASK_H */
