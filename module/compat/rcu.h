/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What RCU and SRCU have for their own use
 *
 * rcu_expedite_gp(), its mirror and rcu_force_quiescent_state() are exported to GPL
 * modules, but declared in kernel/rcu/rcu.h, which no headers package has.
 */
#ifndef _KVMSCHED_COMPAT_RCU_H
#define _KVMSCHED_COMPAT_RCU_H

#include <linux/rcupdate.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>

#include "features.h"

void rcu_expedite_gp(void);
void rcu_unexpedite_gp(void);
void rcu_force_quiescent_state(void);

/**
 * ks_srcu_work - the work that brings an SRCU domain's grace periods forward
 * @srcu: the domain
 *
 * Since 6.5 it is in a struct of its own (95433f726301, "srcu: Begin offloading
 * srcu_struct fields to srcu_update").
 */
static inline struct delayed_work *ks_srcu_work(struct srcu_struct *srcu)
{
#ifdef KS_HAVE_SRCU_SUP
	return &srcu->srcu_sup->work;
#else
	return &srcu->work;
#endif
}

#endif
