/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_COMPAT_CGROUP_H
#define _KVMSCHED_COMPAT_CGROUP_H

#include <linux/cgroup.h>
#include <linux/sched.h>

/* The scheduler's group of a task: its address, NULL without such groups */
static inline const void *ks_task_group(const struct task_struct *task)
{
#ifdef CONFIG_CGROUP_SCHED
	return READ_ONCE(task->sched_task_group);
#else
	return NULL;
#endif
}

/*
 * The cgroup of a task, as the cpu controller has it.  The scheduler's group, whose
 * struct is its own, begins with that, unless it is an autogroup: those have no
 * cgroup and no quota.
 *
 * Context: RCU reader.
 * Return: the cgroup's state, or NULL.
 */
static inline struct cgroup_subsys_state *ks_cgroup_of(struct task_struct *task)
{
#ifdef CONFIG_CGROUP_SCHED
	struct cgroup_subsys_state *css = task_css(task, cpu_cgrp_id);

	return css == ks_task_group(task) ? css : NULL;
#else
	return NULL;
#endif
}

#endif
