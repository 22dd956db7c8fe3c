/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_COMPAT_HRTIMER_H
#define _KVMSCHED_COMPAT_HRTIMER_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>

#include "features.h"

/*
 * How does the tracepoint hrtimer_expire_entry hand over the time?  Since 7.1 as it is
 * (bd803783dfa7, "hrtimer: Drop unnecessary pointer indirection in hrtimer_expire_entry
 * event"), before by a pointer.
 */
#ifdef KS_HAVE_HRTIMER_NOW_BY_VALUE
typedef ktime_t ks_hrtimer_now_t;
#else
typedef ktime_t *ks_hrtimer_now_t;
#endif

/* One call since 6.13 (444cb7db4c9f, "hrtimers: Introduce hrtimer_setup_on_stack()") */
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
