/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM's counts of directed yields, of all VMs that are there now: how often a vCPU asked by
 * a hypercall for the CPU to be given to another vCPU of its VM, and how often it was.
 */
#ifndef KVMSCHED_HOST_YIELDS_H
#define KVMSCHED_HOST_YIELDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Only root can read it, and only where debugfs is mounted. */
#define KVS_KVM_DEBUGFS	"/sys/kernel/debug/kvm"

struct kvs_vm_yields {
	pid_t pid;		/* the thread that created the VM */
	int fd;			/* the VM's file */
	uint64_t ino;		/* of its folder: another VM may get the same @pid and @fd */
	pid_t process;		/* of @pid; 0: unknown, as that thread has ended */
	uint64_t attempted, successful;	/* of all its vCPUs, since they were made */
};

/*
 * All VMs of a folder that is laid out like KVS_KVM_DEBUGFS.  The caller frees the array.
 * NULL with errno set: it can't be read, or not all of it.
 */
struct kvs_vm_yields *kvs_vm_yields_read(const char *folder, size_t *nr);

#endif /* KVMSCHED_HOST_YIELDS_H */
