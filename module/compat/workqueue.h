/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The workqueue whose workers are bound to no CPU has another name since 128ea9f6ccfb
 * ("workqueue: Add system_percpu_wq and system_dfl_wq"), which stable kernels have as
 * well.  7.x warns in its log of whoever uses the old name.
 */
#ifndef _KVMSCHED_COMPAT_WORKQUEUE_H
#define _KVMSCHED_COMPAT_WORKQUEUE_H

#include <linux/workqueue.h>

#ifndef KS_HAVE_SYSTEM_DFL_WQ
#define system_dfl_wq	system_unbound_wq
#endif

#endif
