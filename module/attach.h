/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which hooks are attached: those that somebody listens to
 */
#ifndef _KVMSCHED_ATTACH_H
#define _KVMSCHED_ATTACH_H

#include <linux/types.h>

#include "uapi/kvmsched.h"

/* At least as many as there are rows in all tables (attach.c). */
#define KS_MAX_HOOKS	64

int ks_attach_init(void);
void ks_attach_open(void);
void ks_attach_exit(void);

u64 ks_attach_session(u32 classes, const pid_t *vms, u32 nr_vms);
int ks_attach_events(u32 classes, int change);
int ks_attach_follow(int change);
u32 ks_attached_classes(void);
u64 ks_attach_missed(void);
int ks_attach_row(struct kvmsched_hook *row, bool try);

#endif /* _KVMSCHED_ATTACH_H */
