// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's thread: binding, identity, death
 */
#include <linux/rcupdate.h>
#include <linux/sched/task.h>

#include "exit_reason.h"
#include "kvm_param.h"
#include "probe.h"
#include "record.h"
#include "vcpu_table.h"

unsigned int ks_vcpus_max = 1024;

/* Our notifiers are known by this address; ks_sched_init() fills it. */
struct preempt_ops ks_preempt_ops __ro_after_init;

/* Records name a vCPU by 16 bits. */
static_assert(KVM_MAX_VCPU_IDS <= KS_NO_VCPU);

struct ks_vcpu ks_nobody;
DEFINE_PER_CPU(struct ks_vcpu *, ks_current);

struct ks_vcpu_table ks_vcpus = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(ks_vcpus.lock),
};

/* Does the session record the VMs of this thread's process? */
static bool ks_vmm_is_wanted(struct task_struct *task)
{
	struct pid *vmm = task_tgid(task);
	u32 i;

	for (i = 0; i < ks_vcpus.nr_vms; i++)
		if (ks_vcpus.vms[i] == vmm)
			return true;
	return !ks_vcpus.nr_vms;
}

/*
 * What is wanted of a vCPU has changed: set its mask
 *
 * Class host alone records nothing of vCPUs, and vcpu_put is not hooked for
 * it, so the mask is 0 then.  Whoever begins to listen (@joined) gets an
 * identity record.
 */
void ks_vcpu_set_mask(struct ks_vcpu *v, bool joined)
{
	bool hooked = (ks_vcpus.session | ks_vcpus.events) & KS_CLASS_VCPU;
	u32 ring = hooked && ks_vmm_is_wanted(v->task) ? ks_vcpus.session : 0;
	u32 mask = hooked ? ring | ks_vcpus.events : 0;
	struct ks_ledger *ledger = NULL;

	if (ks_vcpus.follow) {
		ledger = &ks_vcpus.ledgers[v - ks_vcpus.vcpus];
		if (!v->ledger)
			ks_ledger_reset(ledger);
		mask |= KS_CLASS_LEDGER;
	}
	WRITE_ONCE(v->ledger, ledger);

	/* Nobody listened until now, so what we know of the vCPU is old. */
	if (mask && !v->mask)
		ks_vcpu_forget_past(v);
	if (mask && (joined || !v->mask || (v->mask & KS_MASK_IDENTITY)))
		mask |= KS_MASK_IDENTITY;
	WRITE_ONCE(v->ring, ring);
	WRITE_ONCE(v->ring_exit, !!(ring & KVMSCHED_CLASS_EXIT));
	WRITE_ONCE(v->events_exit, !!(ks_vcpus.events & KVMSCHED_CLASS_EXIT));
	WRITE_ONCE(v->mask, mask);
	ks_vcpu_set_fast(v);
}

/* The number of a VM: that of its other vCPUs, or the next. */
static u16 ks_vm_number(struct kvm *kvm)
{
	unsigned int i;

	for (i = 0; i < ks_vcpus.used; i++)
		if (ks_vcpus.vcpus[i].kvm == kvm)
			return ks_vcpus.vcpus[i].vm;
	if (!++ks_vcpus.next_vm) /* 0 says unknown */
		++ks_vcpus.next_vm;
	return ks_vcpus.next_vm;
}

/* A vCPU has one thread at a time: take it away from the thread that had it. */
static void ks_vcpu_rehash(struct ks_vcpu *v, struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *other;
	struct hlist_node *next;

	ks_vcpu_unhash(v);
	hlist_for_each_entry_safe(other, next, ks_vcpu_bucket(vcpu), node)
		if (other->key == vcpu)
			ks_vcpu_unhash(other);
	v->key = vcpu;
	hlist_add_head_rcu(&v->node, ks_vcpu_bucket(vcpu));
}

static struct ks_vcpu *ks_find_free_vcpu(void)
{
	struct ks_vcpu *v;
	bool soon = false; /* an entry is free after a grace period */
	unsigned int i;

	if (ks_vcpus.full) {
		ks_vcpus.refused++;
		return NULL;
	}
	for (i = 0; i < ks_vcpus_max; i++) {
		v = &ks_vcpus.vcpus[i];
		if (v->task)
			continue;
		if (v->dead_gp && !poll_state_synchronize_rcu(v->dead_gp)) {
			soon = true;
			continue;
		}
		WRITE_ONCE(ks_vcpus.used, max(ks_vcpus.used, i + 1));
		return v;
	}
	ks_vcpus.full = !soon;
	ks_vcpus.refused++;
	return NULL;
}

static struct ks_vcpu *ks_vcpu_create(void)
{
	struct ks_vcpu *v = ks_find_free_vcpu();

	if (!v)
		return NULL;
	memset(v, 0, sizeof(*v));
	v->task = get_task_struct(current);
	v->tgid = current->tgid;
	v->run_delay = current->sched_info.run_delay;
	v->nvcsw = current->nvcsw;
	v->policy = current->policy;
	v->prio = current->normal_prio;
	v->static_prio = current->static_prio;
	v->cpu = smp_processor_id();
	v->wait_cpu = -1;
	preempt_notifier_init(&v->notifier, &ks_preempt_ops);
	preempt_notifier_register(&v->notifier);
	v->linked = true;
	this_cpu_write(ks_current, v);
	return v;
}

static u32 ks_vcpu_features(struct kvm_vcpu *vcpu)
{
	bool vmx = ks_exit_isa() == KS_ISA_VMX;
	u32 features = 0;

	/* An exit reads its reason only if one of the two bits is set. */
	if (!ks_exit_reason_readable(vcpu))
		features |= KS_FEATURE_NO_REASON;
	else
		features |= vmx ? KS_FEATURE_VMX : KS_FEATURE_SVM;
	if (vcpu->arch.l1_tsc_scaling_ratio != 1ULL << ks_tsc_frac_bits())
		features |= KS_FEATURE_TSC_SCALING;
	if (vcpu->arch.apic)
		features |= KS_FEATURE_IRQCHIP;
	if (boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER))
		features |= KS_FEATURE_TSC_DEADLINE;
	return features;
}

/**
 * ks_vcpu_bind - the current thread runs this vCPU from now on
 * @vcpu: the vCPU
 * @late: KVM_RUN began before our hooks were attached
 *
 * Context: preemption off, in the vCPU thread.
 * Return: its entry, or NULL: the table is full, or the module is being
 * unloaded.
 */
struct ks_vcpu *ks_vcpu_bind(struct kvm_vcpu *vcpu, bool late)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);
	unsigned long flags;

	/* Every KVM_RUN but the first takes this path. */
	if (v->key == vcpu && v->kvm == vcpu->kvm && !late) {
		WRITE_ONCE(v->vcpu, vcpu);
		ks_vcpu_set_fast(v);
		return v;
	}

	/* The table was full at KVM_RUN, and each exit asks again. */
	if (late && v == &ks_nobody && READ_ONCE(ks_vcpus.full))
		return NULL;

	raw_spin_lock_irqsave(&ks_vcpus.lock, flags);
	if (ks_vcpus.detaching)
		v = NULL;
	else if (v == &ks_nobody)
		v = ks_vcpu_create();
	if (v) {
		ks_vcpu_forget_past(v);
		v->id = vcpu->vcpu_id;
		if (v->kvm != vcpu->kvm)
			v->vm = ks_vm_number(vcpu->kvm);
		v->kvm = vcpu->kvm;
		ks_vcpu_rehash(v, vcpu);
		v->identity.tgid = 0;
		v->identity_lost = false;
		v->features = ks_vcpu_features(vcpu) | (late ? KS_FEATURE_LATE : 0);
		v->polled = vcpu->stat.generic.halt_poll_success_ns +
			    vcpu->stat.generic.halt_poll_fail_ns;
		ks_exit_prepare(v);
		v->mask = 0;
		/* It is another vCPU's; this makes ks_vcpu_set_mask() reset it. */
		v->ledger = NULL;
		WRITE_ONCE(v->vcpu, vcpu);
		ks_vcpu_set_mask(v, true);
	}
	raw_spin_unlock_irqrestore(&ks_vcpus.lock, flags);
	return v;
}

/**
 * ks_vcpu_unbind - KVM_RUN ends: the kvm_vcpu may be freed from now on
 * @v: the thread's entry
 *
 * Context: as ks_vcpu_bind().
 */
void ks_vcpu_unbind(struct ks_vcpu *v)
{
	WRITE_ONCE(v->vcpu, NULL);
	ks_vcpu_set_fast(v);
}

/*
 * Unlink our notifier while the scheduler walks its list.  The scheduler reads
 * link.next after we return, so restore that.
 */
static void ks_unlink_in_walk(struct ks_vcpu *v)
{
	struct hlist_node *next = v->notifier.link.next;

	preempt_notifier_unregister(&v->notifier);
	v->notifier.link.next = next;
	v->linked = false;
}

/**
 * ks_vcpu_thread_died - the last switch out of a vCPU thread
 * @v: the thread's entry
 *
 * Context: sched_out: interrupts off, runqueue lock held.
 */
void ks_vcpu_thread_died(struct ks_vcpu *v)
{
	struct task_struct *task = v->task;

	raw_spin_lock(&ks_vcpus.lock);
	ks_unlink_in_walk(v);
	ks_vcpu_unhash(v);
	v->vcpu = NULL;
	v->fast_vcpu = NULL;
	v->kvm = NULL;
	v->mask = 0;
	v->ring = 0;
	v->ring_exit = false;
	v->ledger = NULL;
	v->wait_cpu = -1;
	v->dead_gp = get_state_synchronize_rcu();
	v->task = NULL;
	ks_vcpus.full = false;
	raw_spin_unlock(&ks_vcpus.lock);
	/*
	 * Never the last reference: the scheduler drops its own after this
	 * switch.
	 */
	put_task_struct(task);
}

/**
 * ks_vcpu_identify - write the identity record of the current thread's vCPU
 * @v: the thread's entry
 *
 * Context: owner, within KVM_RUN, preemption off.
 */
void ks_vcpu_identify(struct ks_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->vcpu;
	unsigned long flags;
	struct ks_rec_vcpu *r;
	u32 halt_poll_ns;
	u64 now;

	raw_spin_lock_irqsave(&ks_vcpus.lock, flags);
	WRITE_ONCE(v->mask, v->mask & ~KS_MASK_IDENTITY);
	ks_vcpu_set_fast(v);
	raw_spin_unlock_irqrestore(&ks_vcpus.lock, flags);

	if (ks_kvm_halt_poll_ns(vcpu->kvm, &halt_poll_ns))
		v->features &= ~KS_FEATURE_NO_HALT_POLL;
	else
		v->features |= KS_FEATURE_NO_HALT_POLL;
	r = ks_begin(vcpu, v->ring, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->tgid = v->tgid;
	r->tsc_offset = vcpu->arch.l1_tsc_offset;
	r->tsc_ratio = vcpu->arch.l1_tsc_scaling_ratio;
	r->tsc_frac_bits = ks_tsc_frac_bits();
	r->features = v->features;
	r->apicv_inhibits = vcpu->kvm->arch.apicv_inhibit_reasons;
	r->halt_poll_ns = halt_poll_ns;
	r->policy = current->policy;
	r->rt_priority = current->rt_priority;
	r->nice = PRIO_TO_NICE(current->static_prio);
	r->prio = current->normal_prio;
	memcpy(r->comm, current->comm, sizeof(r->comm));
	/* Another CPU, where the session ends, may copy both now. */
	raw_spin_lock(&ks_vcpus.lock);
	memcpy(&v->identity, r, KS_RECORD_SIZE(vcpu));
	WRITE_ONCE(v->identity_lost, v->ring && !ks_in_ring(r));
	raw_spin_unlock(&ks_vcpus.lock);
	ks_end(vcpu, r, flags);
}

static void ks_write_ledger(struct ks_vcpu *v)
{
	struct ks_ledger *ledger = v->ledger;
	struct ks_rec_ledger *r;
	unsigned long flags;
	u64 now;

	r = ks_begin(ledger, v->ring, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->tid = v->task->pid;
	static_assert(ARRAY_SIZE(r->states) == KVMSCHED_NR_STATES);
	ks_core_sum(&ledger->core, r->states, now);
	r->exits = ks_ledger_exits(ledger);
	ks_end(ledger, r, flags);
}

static void ks_write_identity(struct ks_vcpu *v)
{
	struct ks_rec_vcpu *r;
	unsigned long flags;
	u64 now;

	r = ks_begin(vcpu, v->ring, now, flags);
	memcpy(r, &v->identity, KS_RECORD_SIZE(vcpu));
	ks_end(vcpu, r, flags);
}

/**
 * ks_vcpu_tell_lost_identity - write the identity again, after its record was lost
 * @v: the thread's entry
 *
 * Not while the ring is full, so that no record is counted as lost twice.  The
 * session may have ended since: then no ring has room, and the next session
 * begins with a new identity record.
 *
 * Context: owner.
 */
void ks_vcpu_tell_lost_identity(struct ks_vcpu *v)
{
	unsigned long flags;

	local_irq_save(flags);
	if (v->ring && ks_ring_has_room(KS_RECORD_SIZE(vcpu))) {
		ks_write_identity(v);
		WRITE_ONCE(v->identity_lost, false);
	}
	local_irq_restore(flags);
}

/**
 * ks_vcpu_record_last - write the last records of a vCPU
 * @v:	      its entry
 * @identity: write the identity again, since its record may be overwritten by
 * 		now; that is done in any case if the record was lost
 *
 * Context: owner, at the thread's death; or table lock held.  In the second
 * case the vCPU may run, and change its ledger while that is copied.
 */
void ks_vcpu_record_last(struct ks_vcpu *v, bool identity)
{
	if (!v->ring)
		return;
	if ((identity || READ_ONCE(v->identity_lost)) && v->identity.tgid)
		ks_write_identity(v);
	if (v->ledger)
		ks_write_ledger(v);
}
