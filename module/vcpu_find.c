// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose vCPU is it?  For events that happen outside of the vCPU's own thread
 */
#include <linux/kvm_host.h>

#include "vcpu_table.h"

/*
 * If anybody listens to the vCPU, have it identified again.  Table lock held.
 */
static void ks_demand_identity(struct ks_vcpu *v)
{
	if (!v->mask)
		return;
	WRITE_ONCE(v->mask, v->mask | KS_MASK_IDENTITY);
	ks_vcpu_set_fast(v);
}

/**
 * ks_vcpu_identity_due - the identity of a vCPU has changed: write it again
 * @v: its entry
 *
 * Context: preemption off, in the vCPU thread.
 */
void ks_vcpu_identity_due(struct ks_vcpu *v)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ks_vcpus.lock, flags);
	ks_demand_identity(v);
	raw_spin_unlock_irqrestore(&ks_vcpus.lock, flags);
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

	raw_spin_lock_irqsave(&ks_vcpus.lock, flags);
	for (i = 0; i < ks_vcpus.used; i++)
		if (ks_vcpus.vcpus[i].id == id)
			ks_demand_identity(&ks_vcpus.vcpus[i]);
	raw_spin_unlock_irqrestore(&ks_vcpus.lock, flags);
}

/**
 * ks_vcpu_find - the entry bound to a vCPU, for events outside of its thread
 * @vcpu: compared, never followed
 *
 * Context: preemption off.
 * Return: the entry or NULL.
 */
struct ks_vcpu *ks_vcpu_find(struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);
	unsigned long flags;

	if (v->key == vcpu)
		return v;
	hlist_for_each_entry_rcu(v, ks_vcpu_bucket(vcpu), node, true)
		if (READ_ONCE(v->key) == vcpu)
			return v;

	/* An entry that moved just now may have led us into another chain. */
	raw_spin_lock_irqsave(&ks_vcpus.lock, flags);
	hlist_for_each_entry(v, ks_vcpu_bucket(vcpu), node)
		if (v->key == vcpu)
			break;
	raw_spin_unlock_irqrestore(&ks_vcpus.lock, flags);
	return v;
}

static void ks_set_who(const struct ks_vcpu *v, struct ks_who *who)
{
	who->vm = v->vm;
	who->mask = v->mask;
	who->ring = v->ring;
}

/*
 * No vCPU of the VM has run yet, or the VM is unknown.  A session that is
 * limited to some VMs must not record it; all others do.
 */
static void ks_set_who_unknown(struct ks_who *who)
{
	who->vm = 0;
	who->ring = ks_vcpus.nr_vms ? 0 : ks_vcpus.session;
	who->mask = who->ring | ks_vcpus.events;
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
	unsigned int i;

	who->id = vcpu->vcpu_id;
	if (v)
		return ks_set_who(v, who);

	raw_spin_lock_irqsave(&ks_vcpus.lock, flags);
	ks_set_who_unknown(who);
	for (i = 0; i < ks_vcpus.used; i++)
		if (ks_vcpus.vcpus[i].kvm == vcpu->kvm) {
			ks_set_who(&ks_vcpus.vcpus[i], who);
			break;
		}
	raw_spin_unlock_irqrestore(&ks_vcpus.lock, flags);
}

/**
 * ks_vcpu_guess - which vCPU is it, if only its vcpu_id is known?
 * @id:  vcpu_id
 * @who: out
 *
 * It is one of the VM that the current thread runs, or else of the only VM that
 * has such a vCPU, or else of an unknown VM.
 *
 * Context: any but NMI.
 */
void ks_vcpu_guess(u16 id, struct ks_who *who)
{
	struct kvm *kvm = this_cpu_read(ks_current)->kvm;
	struct ks_vcpu *v, *found = NULL;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&ks_vcpus.lock, flags);
	ks_set_who_unknown(who);
	who->id = id;
	for (i = 0; i < ks_vcpus.used; i++) {
		v = &ks_vcpus.vcpus[i];
		if (!v->key || v->id != id || (kvm && v->kvm != kvm))
			continue;
		if (found) {
			found = NULL;
			break;
		}
		found = v;
	}
	if (found)
		ks_set_who(found, who);
	raw_spin_unlock_irqrestore(&ks_vcpus.lock, flags);
}

/**
 * ks_vcpu_forget_vm - a VM is being destroyed; its addresses may be reused
 * @kvm: compared, never followed
 *
 * Context: preemption off.
 */
void ks_vcpu_forget_vm(struct kvm *kvm)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&ks_vcpus.lock, flags);
	for (i = 0; i < ks_vcpus.used; i++) {
		if (ks_vcpus.vcpus[i].kvm != kvm)
			continue;
		ks_vcpu_unhash(&ks_vcpus.vcpus[i]);
		ks_vcpus.vcpus[i].kvm = NULL;
	}
	raw_spin_unlock_irqrestore(&ks_vcpus.lock, flags);
}
