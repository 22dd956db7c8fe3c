/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs: their numbers in the records
 */
#ifndef _KVMSCHED_VM_H
#define _KVMSCHED_VM_H

#include <linux/types.h>

#include "process.h"

struct kvm;

/**
 * struct ks_vm - a VM, from its first vCPU that is seen until it is destroyed
 *
 * All of it under the lock of the tables (tables.h).
 *
 * @kvm:    compared, never followed; NULL: the entry is free
 * @vmm:    the process whose thread ran the vCPU
 * @number: in the records; never 0, which says unknown
 */
struct ks_vm {
	struct kvm *kvm;
	struct ks_process vmm;
	u16 number;
};

struct ks_vm *ks_vm_find(const struct kvm *kvm);
struct ks_vm *ks_vm_get(struct kvm *kvm);
void ks_vm_forget(struct kvm *kvm);

#endif /* _KVMSCHED_VM_H */
