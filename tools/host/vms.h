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
enum kvs_vcpu_found {
	KVS_VCPU_UNKNOWN,		/* it wasn't */
	KVS_VCPU_BY_DEBUGFS,	/* KVM says so */
	KVS_VCPU_BY_SYSCALL,	/* seen in ioctl(KVM_RUN) on the vCPU's file */
	KVS_VCPU_BY_NAME,		/* as VMMs name their threads */
};

struct kvs_vms_vcpu {
	int id;			/* vcpu_id */
	enum kvs_vcpu_found found;
	pid_t tid;		/* 0: unknown, as is all that follows */
	char *comm;
	int policy, priority, nice;
	int cpu;		/* where it ran last */
	char *affinity;		/* list of CPUs */
};

struct kvs_vms_vm {
	pid_t pid;		/* the VMM process */
	char *name;		/* kvs_vm_name_of() it; NULL: unknown */
	int fd;			/* the VM's file; -1: one of several, unknown which */
	char *comm;
	struct kvs_vms_vcpu *vcpus;
	size_t nr;
};

struct kvs_vms {
	struct kvs_vms_vm *vms;
	size_t nr;
	unsigned int hidden;	/* processes that this user may not look into */
};

struct kvs_vms *kvs_vms_scan(void);
void kvs_vms_free(struct kvs_vms *vms);

const char *kvs_vcpu_found_name(enum kvs_vcpu_found found);

#endif /* KVMSCHED_VMS_H */
