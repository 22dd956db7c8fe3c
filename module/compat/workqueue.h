/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The workqueue whose workers are bound to no CPU has another name in newer kernels, stable
 * ones among them (128ea9f6ccfb, "workqueue: Add system_percpu_wq and system_dfl_wq").  7.x
 * warns in its log of whoever uses the old one.
 */
#ifndef _KVMSCHED_COMPAT_WORKQUEUE_H
#define _KVMSCHED_COMPAT_WORKQUEUE_H

#include <linux/workqueue.h>

#include "features.h"

#ifndef KS_HAVE_SYSTEM_DFL_WQ
#define system_dfl_wq	system_unbound_wq
#endif

#endif
