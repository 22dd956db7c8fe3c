// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs: their numbers in the records
 *
 * Context of all: the lock of the tables is held.
 */
#include <linux/sched.h>

#include "next_number.h"
#include "tables.h"

#define for_each_vm(vm) \
	for ((vm) = ks_tables.vms; (vm) < ks_tables.vms + ks_tables.used_vms; (vm)++)

/**
 * ks_vm_find - the entry of a VM
 * @kvm: the VM, compared only; NULL: any entry that is free
 *
 * Return: the entry or NULL.
 */
struct ks_vm *ks_vm_find(const struct kvm *kvm)
{
	struct ks_vm *vm;

	for_each_vm(vm)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

static bool ks_vm_number_is_used(u16 number)
{
	struct ks_vm *vm;

	for_each_vm(vm)
		if (vm->kvm && vm->number == number)
			return true;
	return false;
}

/**
 * ks_vm_get - the entry of a VM, made now if it has none
 * @kvm: the VM, of which the current thread runs a vCPU
 *
 * There are as many entries as for vCPUs, of which each VM has at least one: a
 * vCPU that has found its own finds one here.
 */
struct ks_vm *ks_vm_get(struct kvm *kvm)
{
	struct ks_vm *vm = ks_vm_find(kvm);

	if (vm)
		return vm;
	vm = ks_vm_find(NULL) ?: &ks_tables.vms[ks_tables.used_vms++];
	/* Records have 16 bits for it, and there may have been 2^16 VMs since the module came. */
	ks_tables.last_vm = ks_next_number(ks_tables.last_vm, ks_vm_number_is_used);
	vm->number = ks_tables.last_vm;
	vm->kvm = kvm;
	vm->vmm = ks_process_of(current);
	return vm;
}

/**
 * ks_vm_forget - a VM has ended, and its vCPUs have been forgotten
 * @kvm: compared, never followed
 */
void ks_vm_forget(struct kvm *kvm)
{
	struct ks_vm *vm = ks_vm_find(kvm);
	unsigned int i;

	if (vm)
		vm->kvm = NULL;
	for (i = 0; i < ks_tables.used_threads; i++)
		if (ks_tables.threads[i].kvm == kvm)
			ks_tables.threads[i].gone = true;
}
