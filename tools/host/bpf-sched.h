/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF scheduler that the kernel has loaded (sched_ext, from Linux 6.12 on).
 */
#ifndef KVMSCHED_BPF_SCHED_H
#define KVMSCHED_BPF_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#define KVS_SCHED_EXT	"/sys/kernel/sched_ext"

/* What it is called: the kernel's SCX_OPS_NAME_LEN, with the NUL */
#define KVS_BPF_SCHED_NAME	128

struct kvs_bpf_sched {
	bool loaded;		/* what follows @loads is of it */
	uint64_t loads;		/* how many the kernel has loaded since it came up */
	bool all;		/* it has all threads but real-time ones; else SCHED_EXT's alone */
	char name[KVS_BPF_SCHED_NAME];
};

/* Reads @folder, laid out as KVS_SCHED_EXT is.  False: this kernel has no sched_ext. */
bool kvs_bpf_sched_read(const char *folder, struct kvs_bpf_sched *s);

#endif /* KVMSCHED_BPF_SCHED_H */
