/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who listens to which classes; hooks are attached accordingly
 */
#ifndef _KVMSCHED_ATTACH_H
#define _KVMSCHED_ATTACH_H

#include <linux/types.h>

struct ks_process;

#include "uapi/kvmsched.h"

void ks_attach_open(void);
void ks_attach_exit(void);

int ks_attach_session(u32 classes, const struct ks_process *vms, u32 nr_vms);
void ks_attach_record(void);
u64 ks_attach_stop(void (*last)(void));
void ks_attach_session_end(void);
int ks_attach_events(u32 classes, int change);
int ks_attach_follow(int change);
void ks_attach_sleep(bool asleep);
u32 ks_attached_classes(void);

#endif /* _KVMSCHED_ATTACH_H */
