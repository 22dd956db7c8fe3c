/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All hooks of all probes, as one table
 */
#ifndef _KVMSCHED_HOOKS_H
#define _KVMSCHED_HOOKS_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "uapi/kvmsched.h"

/* At least as many as there are rows in all tables (hooks.c). */
#define KS_MAX_HOOKS	64

/* Guards what is wanted of the hooks, and who listens; attach.c has the order of all locks. */
extern struct mutex ks_hooks_mutex;

int ks_hooks_init(void);
void ks_hooks_exit(void);

int ks_hooks_attach(u32 wanted);
void ks_hooks_detach(u32 wanted);
bool ks_hooks_watch_vms(void);
void ks_hooks_log(u32 wanted);
int ks_hooks_missed(u64 *missed);
int ks_hooks_row(struct kvmsched_hook *row, bool try);

#endif /* _KVMSCHED_HOOKS_H */
