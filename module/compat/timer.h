/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a timer on the stack has another name since 6.16 (aad823aa3a7d, "treewide,
 * timers: Rename destroy_timer_on_stack() as timer_destroy_on_stack()").
 */
#ifndef _KVMSCHED_COMPAT_TIMER_H
#define _KVMSCHED_COMPAT_TIMER_H

#include <linux/timer.h>

#include "features.h"

#ifndef KS_HAVE_TIMER_DESTROY_ON_STACK
static inline void timer_destroy_on_stack(struct timer_list *timer)
{
	destroy_timer_on_stack(timer);
}
#endif

#endif
