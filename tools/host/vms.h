/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMs that run on this host and the threads that are their vCPUs, found in
 * /proc and debugfs, without the module.
 */
#ifndef KVMSCHED_VMS_H
#define KVMSCHED_VMS_H

#include <stddef.h>
#include <sys/types.h>

/* How a vCPU's thread was found, the surest way first. */
enum vcpu_found {
	VCPU_UNKNOWN,		/* it wasn't */
	VCPU_BY_DEBUGFS,	/* KVM says so */
	VCPU_BY_SYSCALL,	/* seen in ioctl(KVM_RUN) on the vCPU's file */
	VCPU_BY_NAME,		/* as VMMs name their threads */
};

struct vms_vcpu {
	int id;			/* vcpu_id */
	enum vcpu_found found;
	pid_t tid;		/* 0: unknown, and the rest with it */
	char *comm;
	int policy, priority, nice;
	int cpu;		/* where it ran last */
	char *affinity;		/* list of CPUs */
};

struct vms_vm {
	pid_t pid;		/* the VMM process */
	int fd;			/* of the VM in it; -1: which of several is unknown */
	char *comm;
	struct vms_vcpu *vcpus;
	size_t nr;
};

struct vms {
	struct vms_vm *vms;
	size_t nr;
	unsigned int hidden;	/* processes that we may not look into */
};

struct vms *vms_scan(void);
void vms_free(struct vms *vms);

const char *vcpu_found_name(enum vcpu_found found);

#endif /* KVMSCHED_VMS_H */
