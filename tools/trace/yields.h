/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often KVM yielded from one vCPU of a process to another while it was recorded: an
 * option as in option-rows.h, with a row for each process.
 *
 * KVM counts what the hypercalls SCHED_YIELD and KICK_CPU ask for.  Whether it yields at a
 * PAUSE exit, it does not count.
 */
#ifndef KVMSCHED_YIELDS_H
#define KVMSCHED_YIELDS_H

#include <stdint.h>

/* Beside the other option of ours: trace/ties.h */
#define KVS_OPTION_YIELDS	0x6b77
#define KVS_YIELDS_TAG		"kvsyield"
#define KVS_YIELDS_MAX		256		/* processes that a file tells of at most */

/* Sums over the VMs of a process, from the begin of the recording to its end */
struct kvs_yields_row {
	int32_t pid;			/* of the process, in the kernel's own namespace */
	uint32_t vms;			/* that were summed: all that it had at the end */
	uint64_t attempted;		/* by KVM's directed_yield_attempted */
	uint64_t successful;		/* by directed_yield_successful */
};

#endif /* KVMSCHED_YIELDS_H */
