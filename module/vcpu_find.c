// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose vCPU is it?  For events that happen outside of the vCPU's own thread
 */
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>

#include "tables.h"

/**
 * ks_vcpu_identity_due - the identity of a vCPU has changed: write it again
 * @v: its entry; nothing is done if nobody listens to it
 *
 * Context: any.
 */
void ks_vcpu_identity_due(struct ks_vcpu *v)
{
	if (!ks_vcpu_is_known(v))
		return;
	WRITE_ONCE(v->identity_due, true);
	/* Pairs with ks_vcpu_set_fast(). */
	smp_mb();
	WRITE_ONCE(v->fast_vcpu, NULL);
}

/**
 * ks_vcpus_identity_due - the same if only the vcpu_id is known
 * @id: in any VM; an identity record that is not needed is harmless
 *
 * Context: any but NMI.
 */
void ks_vcpus_identity_due(u16 id)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&ks_tables.lock, flags);
	for (i = 0; i < ks_tables.used_vcpus; i++)
		if (ks_tables.vcpus[i].id == id)
			ks_vcpu_identity_due(&ks_tables.vcpus[i]);
	raw_spin_unlock_irqrestore(&ks_tables.lock, flags);
}

/**
 * ks_vcpu_find - the entry of a vCPU, for events outside of its thread
 * @vcpu: compared, never followed
 *
 * Context: preemption off; or the lock of the tables is held.
 * Return: the entry or NULL.
 */
struct ks_vcpu *ks_vcpu_find(struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);

	if (READ_ONCE(v->key) == vcpu)
		return v;
	hlist_for_each_entry_rcu(v, ks_vcpu_bucket(vcpu), node, true)
		if (READ_ONCE(v->key) == vcpu)
			return v;
	return NULL;
}

static void ks_set_who(const struct ks_vcpu *v, struct ks_who *who)
{
	who->vm = v->vm;
	who->wanted = ks_vcpu_wanted(v);
	who->recorded = v->recorded;
}

/*
 * By the VM alone: the vCPU has not run yet, or any is meant, or nobody knows whose it is.
 * A session that is limited to some VMs must not record it, unless it is of one of these
 * (@vmm).
 */
static void ks_set_who_of_vm(u16 vm, const struct ks_process *vmm, struct ks_who *who)
{
	const struct ks_listen *listen = ks_listening();
	bool recorded = !listen->nr_vms;
	u32 i;

	for (i = 0; vmm && i < listen->nr_vms; i++)
		recorded |= ks_is_same_process(&listen->vms[i], vmm);
	who->vm = vm;
	who->recorded = recorded ? listen->recording : 0;
	who->wanted = listen->events | (recorded ? listen->session : 0);
}

/**
 * ks_vcpu_who - who is this vCPU, which may not have run yet?
 * @vcpu: the vCPU, which can't be freed meanwhile
 * @who:  out
 *
 * Context: preemption off.
 */
void ks_vcpu_who(struct kvm_vcpu *vcpu, struct ks_who *who)
{
	struct ks_vcpu *v = ks_vcpu_find(vcpu);
	unsigned long flags;
	struct ks_vm *vm;

	who->id = vcpu->vcpu_id;
	if (v)
		return ks_set_who(v, who);

	raw_spin_lock_irqsave(&ks_tables.lock, flags);
	vm = ks_vm_find(vcpu->kvm);
	ks_set_who_of_vm(vm ? vm->number : 0, vm ? &vm->vmm : NULL, who);
	raw_spin_unlock_irqrestore(&ks_tables.lock, flags);
}

/**
 * ks_vcpu_vm_who - whose VM is it?
 * @vcpu: any of its vCPUs, which can't be freed meanwhile
 * @who:  out; what is wanted is that of the VM, also while this vCPU sleeps, and so has not
 *	  looked at what its session wants
 *
 * Context: preemption off.
 */
void ks_vcpu_vm_who(struct kvm_vcpu *vcpu, struct ks_who *who)
{
	struct ks_vcpu *v = ks_vcpu_find(vcpu);

	if (!v)
		return ks_vcpu_who(vcpu, who);
	who->id = vcpu->vcpu_id;
	ks_set_who_of_vm(v->vm, &v->vmm, who);
}

/**
 * ks_vcpu_guess - which vCPU is it, if only its vcpu_id is known?
 * @id:  vcpu_id
 * @who: out
 *
 * It is one of the VM whose vCPU the current thread runs, or else of the only VM that has
 * such a vCPU, or else of an unknown VM.  An interrupt may be for any VM, whichever it
 * has interrupted.
 *
 * Context: any but NMI; preemption off.
 */
void ks_vcpu_guess(u16 id, struct ks_who *who)
{
	struct ks_vcpu *here = interrupt_context_level() ? NULL : ks_vcpu_loaded();
	struct ks_vcpu *v, *found = NULL;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&ks_tables.lock, flags);
	ks_set_who_of_vm(0, NULL, who);
	who->id = id;
	for (i = 0; i < ks_tables.used_vcpus; i++) {
		v = &ks_tables.vcpus[i];
		if (!v->key || v->id != id || (here && v->kvm != here->kvm))
			continue;
		if (found) {
			found = NULL;
			break;
		}
		found = v;
	}
	if (found)
		ks_set_who(found, who);
	raw_spin_unlock_irqrestore(&ks_tables.lock, flags);
}
