/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process: its number, and when it began, since the kernel uses numbers again
 */
#ifndef _KVMSCHED_PROCESS_H
#define _KVMSCHED_PROCESS_H

#include <linux/sched.h>
#include <linux/types.h>

/**
 * struct ks_process - a process, which may have ended
 * @tgid:  its number
 * @began: when its first thread began, which no two processes of one number share
 *
 * A struct pid would do as long as somebody holds it.  But a VM may live longer than
 * its process, and where its end is seen no reference can be given up: on PREEMPT_RT
 * that takes locks that sleep.
 */
struct ks_process {
	pid_t tgid;
	u64 began;
};

/**
 * ks_process_of - the process of a thread
 * @task: current, or a thread group's leader within RCU
 */
static inline struct ks_process ks_process_of(const struct task_struct *task)
{
	return (struct ks_process) {
		.tgid = task->tgid,
		.began = task->group_leader->start_time,
	};
}

static inline bool ks_is_same_process(const struct ks_process *a,
				      const struct ks_process *b)
{
	return a->tgid == b->tgid && a->began == b->began;
}

#endif /* _KVMSCHED_PROCESS_H */
