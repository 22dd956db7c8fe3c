/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rcu_expedite_gp() and its mirror are exported to GPL modules, but declared
 * in kernel/rcu/rcu.h, which no headers package has.
 */
#ifndef _KVMSCHED_COMPAT_RCU_H
#define _KVMSCHED_COMPAT_RCU_H

#include <linux/rcupdate.h>

void rcu_expedite_gp(void);
void rcu_unexpedite_gp(void);

#endif
