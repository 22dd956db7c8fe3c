/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_EVENTS_INIT_H
#define _KVMSCHED_EVENTS_INIT_H

#include "uapi/records.h"

bool ks_events_init(int (*attach)(u32 classes, int change));

/* By enum ks_event: ids that ftrace has given at init, and names in tracefs; constant since */
extern u16 ks_event_ids[KS_NR_EVENTS];
extern const char *const ks_event_names[KS_NR_EVENTS];

#endif
