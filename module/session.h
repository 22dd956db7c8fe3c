/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring session: at most one, from START to STOP
 */
#ifndef _KVMSCHED_SESSION_H
#define _KVMSCHED_SESSION_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "uapi/kvmsched.h"

struct file;
struct poll_table_struct;

int ks_session_start(struct file *owner, const struct kvmsched_start *start);
int ks_session_stop(struct file *owner);
void ks_session_release(struct file *owner);
int ks_session_flush(struct file *owner);
int ks_session_stats(struct file *owner, struct kvmsched_stats *stats);
int ks_session_quota(struct file *owner, const struct kvmsched_quota *quota);
int ks_session_bpf_scheduler(struct file *owner, const struct kvmsched_bpf_scheduler *scheduler);
int ks_session_info(struct file *owner, struct kvmsched_info *info);
__poll_t ks_session_poll(struct file *owner, struct poll_table_struct *wait);
void ks_session_cut(void);
int ks_session_mmap(struct file *owner, struct vm_area_struct *vma);
void ks_session_exit(void);

#endif /* _KVMSCHED_SESSION_H */
