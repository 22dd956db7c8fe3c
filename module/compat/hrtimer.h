/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_COMPAT_HRTIMER_H
#define _KVMSCHED_COMPAT_HRTIMER_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>

/*
 * How does the tracepoint hrtimer_expire_entry hand over the time?  In 6.12 by a
 * pointer, in 7.3 as it is.
 */
#ifdef KS_HAVE_HRTIMER_NOW_BY_VALUE
typedef ktime_t ks_hrtimer_now_t;
#else
typedef ktime_t *ks_hrtimer_now_t;
#endif

/* One call since 6.13 ("hrtimers: Introduce hrtimer_setup() to replace hrtimer_init()") */
#ifndef KS_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup_on_stack(struct hrtimer *timer,
					  enum hrtimer_restart (*function)(struct hrtimer *),
					  clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init_on_stack(timer, clock, mode);
	timer->function = function;
}
#endif

#endif
