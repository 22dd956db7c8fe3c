// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU: which thread runs it, and the look at it when somebody begins to listen
 */
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "clock.h"
#include "compat/exits_off.h"
#include "exit_reason.h"
#include "tables.h"

/**
 * ks_vcpu_free - give up an entry; it is free after a grace period
 * @v: the entry, in use; its last records are written, or nobody wants them
 *
 * Context: the lock of the tables is held.
 */
void ks_vcpu_free(struct ks_vcpu *v)
{
	hlist_del_rcu(&v->node);
	WRITE_ONCE(v->fast_vcpu, NULL);
	WRITE_ONCE(v->runner, NULL);
	WRITE_ONCE(v->key, NULL);
	v->kvm = NULL;
	WRITE_ONCE(v->seen, 0);
	if (v->thread)
		WRITE_ONCE(v->thread->vcpu, NULL);
	v->thread = NULL;
	v->dead_gp = get_state_synchronize_rcu();
	WRITE_ONCE(ks_tables.vcpus_full, false);
}

static bool ks_vm_has_vcpus(const struct kvm *kvm)
{
	struct ks_vcpu *v;

	for (v = ks_tables.vcpus; v < ks_tables.vcpus + ks_tables.used_vcpus; v++)
		if (v->key && v->kvm == kvm)
			return true;
	return false;
}

/*
 * Has the thread ended that ran it last?  It may have run other vCPUs since, and
 * have left @v without a thread.  Another thread that has got the entry of the old one
 * has another number.
 */
static bool ks_vcpu_is_left(const struct ks_vcpu *v)
{
	return !v->thread &&
	       (!v->last->task || v->last->task->pid != v->exit.ent.pid);
}

/*
 * The table is full: forget a vCPU whose thread has ended.
 *
 * Usually its VM is destroyed soon, which frees its entry.  But that is not seen where
 * kprobes are switched off, and then nothing else would ever free it.  If another
 * thread runs the vCPU one day, it gets a new entry.
 *
 * Return: whether there was one; its entry is free after a grace period.
 */
static bool ks_vcpu_give_up_one(void)
{
	struct kvm *kvm;
	struct ks_vcpu *v;
	struct ks_vm *vm;

	for (v = ks_tables.vcpus; v < ks_tables.vcpus + ks_tables.used_vcpus; v++) {
		if (!v->key || !ks_vcpu_is_left(v))
			continue;
		kvm = v->kvm;
		ks_vcpu_record_last(v, KS_LAST_OF_THREAD);
		ks_vcpu_free(v);
		vm = ks_vm_find(kvm);
		if (vm && !ks_vm_has_vcpus(kvm))
			vm->kvm = NULL;
		return true;
	}
	return false;
}

static struct ks_vcpu *ks_vcpu_find_free(void)
{
	bool soon;
	struct ks_vcpu *v = ks_find_free(ks_tables.vcpus, ks_tables.used_vcpus, key, soon);

	if (!v) {
		soon = soon || ks_vcpu_give_up_one();
		WRITE_ONCE(ks_tables.vcpus_full, !soon);
		if (soon)
			ks_tables_want_room();
	}
	return v;
}

/* An entry for a vCPU that the current thread runs. */
static struct ks_vcpu *ks_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *v;
	struct ks_vm *vm;

	/* KVM loads each vCPU once more as it destroys a VM, whose end was seen. */
	if (!refcount_read(&vcpu->kvm->users_count))
		return NULL;
	v = ks_vcpu_find_free();
	if (!v) {
		ks_tables.refused++;
		return NULL;
	}
	memset(v, 0, sizeof(*v));
	vm = ks_vm_get(vcpu->kvm);
	v->kvm = vcpu->kvm;
	v->vm = vm->number;
	v->vmm = vm->vmm;
	v->id = vcpu->vcpu_id;
	WRITE_ONCE(v->key, vcpu);
	hlist_add_head_rcu(&v->node, ks_vcpu_bucket(vcpu));
	return v;
}

/*
 * Has the VM of this entry ended?  KVM lets only those threads run a vCPU that have the
 * memory (mm) of its VM's process.  Usually that is this process alone; others may share
 * its memory, and then one of their threads has a vCPU of the VM.
 *
 * Context: preemption off, in a vCPU thread, the lock of the tables is held; likewise the
 * next two.
 */
static bool ks_vm_has_ended(const struct ks_vm *vm)
{
	struct ks_process here = ks_process_of(current);
	struct ks_vcpu *v;

	if (ks_is_same_process(&vm->vmm, &here))
		return false;
	for (v = ks_tables.vcpus; v < ks_tables.vcpus + ks_tables.used_vcpus; v++)
		if (v->key && v->kvm == vm->kvm && v->thread &&
		    READ_ONCE(v->thread->task->mm) == current->mm)
			return false;
	return true;
}

/*
 * A VM has ended unseen, and another has its address.  The lock of the tables is held
 * over all of its vCPUs, which is seldom: nobody may take an entry of the former one for
 * the other's meanwhile.
 */
static void ks_vcpu_forget_all_of(struct kvm *kvm)
{
	struct ks_vcpu *v;

	for (v = ks_tables.vcpus; v < ks_tables.vcpus + ks_tables.used_vcpus; v++) {
		if (v->key && v->kvm == kvm) {
			ks_vcpu_record_last(v, KS_LAST_OF_VCPU);
			ks_vcpu_free(v);
		}
	}
	ks_vm_forget(kvm);
}

/*
 * Forget who had the addresses of this vCPU and its VM before, and ended unseen.  Of two
 * VMs of one process that differ in nothing, the second is taken for the first; and so is
 * a vCPU that the same thread runs at the same address, since nobody asks then.
 */
static void ks_vcpu_forget_former(struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *v = ks_vcpu_find(vcpu);
	struct ks_vm *vm;

	if (v && (v->kvm != vcpu->kvm || v->id != vcpu->vcpu_id))
		ks_vcpu_forget_all_of(v->kvm);
	vm = ks_vm_find(vcpu->kvm);
	if (vm && ks_vm_has_ended(vm))
		ks_vcpu_forget_all_of(vcpu->kvm);
}

/**
 * ks_vcpu_assign - from now on the vCPU is this thread's, and no other vCPU is
 * @t:	  entry of the current thread, which ran another vCPU last
 * @vcpu: the vCPU
 * @late: KVM_RUN began before our hooks were attached
 *
 * Context: as ks_vcpu_take().
 * Return: its entry, at which nobody has looked; NULL: the tables are full, or the
 * module is being unloaded.
 */
struct ks_vcpu *ks_vcpu_assign(struct ks_thread *t, struct kvm_vcpu *vcpu, bool late)
{
	unsigned long flags;
	struct ks_vcpu *v;

	/* Where the table is full, each exit asks again. */
	if (late && !READ_ONCE(t->vcpu) && READ_ONCE(ks_tables.vcpus_full) &&
	    !ks_vcpu_find(vcpu))
		return NULL;
	raw_spin_lock_irqsave(&ks_tables.lock, flags);
	ks_vcpu_forget_former(vcpu);
	v = ks_vcpu_find(vcpu);
	if (!v && !ks_tables.detaching)
		v = ks_vcpu_create(vcpu);
	/* Also if there is no room for this one: it is not the vCPU before. */
	if (t->vcpu && t->vcpu != v) {
		t->vcpu->thread = NULL;
		WRITE_ONCE(t->vcpu, NULL);
	}
	if (v && v->thread != t) {
		if (v->thread)
			WRITE_ONCE(v->thread->vcpu, NULL);
		v->thread = t;
		v->last = t;
		v->exit.ent.pid = current->pid;
		WRITE_ONCE(t->vcpu, v);
		t->kvm = v->kvm;
		t->gone = false;
	}
	raw_spin_unlock_irqrestore(&ks_tables.lock, flags);
	return v;
}

/**
 * ks_vcpu_take_late - ks_vcpu_take(), where KVM_RUN began before our hooks were attached
 * @vcpu: the vCPU
 */
struct ks_vcpu *ks_vcpu_take_late(struct kvm_vcpu *vcpu)
{
	struct ks_thread *t;

	if (!ks_anybody_wants(KS_CLASS_VCPU))
		return NULL;
	t = ks_thread_get(true);
	return t ? ks_vcpu_take(t, vcpu, true) : NULL;
}

/**
 * ks_vcpu_is_loaded - is the current thread within KVM_RUN of this vCPU?
 * @v: the thread's vCPU
 *
 * Our hooks know that only while they are attached, and root can switch kprobes
 * off by debugfs or sysctl.  KVM's own notifier is linked on the thread exactly
 * while a vCPU is loaded.  This compares addresses and follows no pointer to the
 * vCPU, which may have been freed.
 *
 * Context: preemption off.
 */
bool ks_vcpu_is_loaded(const struct ks_vcpu *v)
{
	struct kvm_vcpu *key = READ_ONCE(v->key);
	struct preempt_notifier *notifier;

	if (!key)
		return false;
	hlist_for_each_entry(notifier, &current->preempt_notifiers, link)
		if (notifier == &key->preempt_notifier)
			return true;
	return false;
}

static u32 ks_vcpu_exits_off(const struct kvm *kvm)
{
	u64 off = ks_kvm_exits_off(kvm);

	return KS_FEATURE_EXITS_TOLD |
	       (off & KVM_X86_DISABLE_EXITS_MWAIT ? KS_FEATURE_NO_MWAIT : 0) |
	       (off & KVM_X86_DISABLE_EXITS_HLT ? KS_FEATURE_NO_HLT : 0) |
	       (off & KVM_X86_DISABLE_EXITS_PAUSE ? KS_FEATURE_NO_PAUSE : 0) |
	       (off & KVM_X86_DISABLE_EXITS_CSTATE ? KS_FEATURE_NO_CSTATE : 0);
}

static u32 ks_vcpu_features(struct kvm_vcpu *vcpu)
{
	bool vmx = ks_exit_isa() == KS_ISA_VMX;
	u32 features = KS_FEATURE_DETAIL;

	/* An exit reads its reason only if one of the two bits is set. */
	if (!ks_exit_reason_readable(vcpu))
		features |= KS_FEATURE_NO_REASON;
	else
		features |= vmx ? KS_FEATURE_VMX : KS_FEATURE_SVM;
	if (vcpu->arch.guest_state_protected)
		features |= KS_FEATURE_NO_REGS;
	if (vcpu->arch.l1_tsc_scaling_ratio != 1ULL << ks_tsc_frac_bits())
		features |= KS_FEATURE_TSC_SCALING;
	if (vcpu->arch.apic)
		features |= KS_FEATURE_IRQCHIP;
	if (boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER))
		features |= KS_FEATURE_TSC_DEADLINE;
	if (check_tsc_unstable())
		features |= KS_FEATURE_TSC_UNSTABLE;
	return features | ks_vcpu_exits_off(vcpu->kvm);
}

/* Nobody listened until now: what was known of the vCPU is old. */
static void ks_vcpu_forget_past(struct ks_vcpu *v, bool late)
{
	struct kvm_vcpu *vcpu = v->key;

	v->entry_tsc = 0;
	v->irq_tsc = 0;
	v->open = KS_OPEN_NONE;
	v->entry_due = false;
	v->load_tsc = 0;
	v->put_tsc = 0;
	v->features = ks_vcpu_features(vcpu) | (late ? KS_FEATURE_LATE : 0);
	ks_exit_prepare(v);
}

static void ks_vcpu_forget_timer(struct ks_vcpu *v)
{
	v->arm_due = false;
	v->arm_next = false;
	v->timer_known = false;
	v->last_deadline = 0;
}

static bool ks_vcpu_is_recorded(const struct ks_vcpu *v,
				const struct ks_listen *listen)
{
	u32 i;

	for (i = 0; i < listen->nr_vms; i++)
		if (ks_is_same_process(&listen->vms[i], &v->vmm))
			return listen->session;
	return listen->session && !listen->nr_vms;
}

static void ks_vcpu_look_at_ledger(struct ks_vcpu *v, const struct ks_listen *listen)
{
	struct ks_ledger *ledger = NULL;

	if (listen->ledger != U64_MAX) {
		ledger = &ks_tables.ledgers[v - ks_tables.vcpus];
		if (v->ledger_seen < listen->ledger)
			ks_ledger_reset(ledger);
		v->ledger_seen = listen->generation;
	}
	WRITE_ONCE(v->ledger, ledger);
}

/**
 * ks_vcpu_look_anew - learn what is wanted of a vCPU, since that has changed
 * @v:	    the current thread's vCPU
 * @loaded: the thread is within KVM_RUN of it, so that KVM's vCPU can be read;
 *	    the lock of the tables is held otherwise
 * @late:   KVM_RUN began before our hooks were attached
 *
 * Context: preemption off, in the vCPU thread.
 * Return: whether anybody wants to know of it, and anything is known.
 */
bool ks_vcpu_look_anew(struct ks_vcpu *v, bool loaded, bool late)
{
	const struct ks_listen *listen;
	unsigned long flags;
	bool ok;

	local_irq_save(flags);
	listen = ks_listening();
	ok = listen->classes & KS_CLASS_VCPU && (loaded || v->seen >= listen->vcpus_since);
	if (ok && v->seen != listen->generation) {
		/* ks_vcpu_set_fast() allows the fast path anew, once all below is known. */
		WRITE_ONCE(v->fast_vcpu, NULL);
		if (v->seen < listen->vcpus_since)
			ks_vcpu_forget_past(v, late);
		if (v->seen < listen->halts)
			v->polled = KS_POLLED_UNKNOWN;
		if (v->seen < listen->timers)
			ks_vcpu_forget_timer(v);
		if (v->identified < listen->identity)
			WRITE_ONCE(v->identity_due, true);
		ks_vcpu_look_at_ledger(v, listen);
		WRITE_ONCE(v->recorded, ks_vcpu_is_recorded(v, listen) ?
					listen->recording : 0);
		/*
		 * Last: other CPUs compare @seen with listen->vcpus_since before they
		 * use the fields above, which must be up to date by then.
		 */
		smp_store_release(&v->seen, listen->generation);
	}
	local_irq_restore(flags);
	return ok;
}

/**
 * ks_vcpu_set_fast - may exits take the fast path?
 * @v: the current thread's vCPU, which is loaded
 *
 * Whoever changes a condition of the fast path does so first, and sets fast_vcpu to
 * NULL then.  Here fast_vcpu is set first, and the conditions are read once more
 * then: so one of the two sees what the other wrote, and fast_vcpu ends as NULL.
 *
 * Context: owner.
 */
void ks_vcpu_set_fast(struct ks_vcpu *v)
{
	const struct ks_listen *listen;
	unsigned long flags;

	local_irq_save(flags);
	listen = ks_listening();
	v->ring_exit = !!(ks_vcpu_ring(v) & KVMSCHED_CLASS_EXIT);
	v->ledger_exit = !!v->ledger;
	if (v->seen == listen->generation &&
	    !(v->features & KS_FEATURE_NO_REASON) &&
	    !(listen->events & KVMSCHED_CLASS_EXIT))
		WRITE_ONCE(v->fast_vcpu, v->key);
	/* Pairs with ks_listen_publish() and ks_vcpu_identity_due(). */
	smp_mb();
	if (READ_ONCE(v->identity_due) || ks_listening() != listen)
		WRITE_ONCE(v->fast_vcpu, NULL);
	local_irq_restore(flags);
}

/**
 * ks_vcpu_of_switched - tell of the vCPU of a thread that is being switched
 * @t:	  entry of the current thread
 * @tell: called with its vCPU, and with whether the thread is within KVM_RUN of it;
 *	  not called if it has none that anybody wants to know of
 * @next: for @tell
 *
 * KVM's notifier is linked a little later than KVM_RUN begins for us, and a little
 * longer: so our own hooks say what it was, once the vCPU is known.
 *
 * Another ioctl of the vCPU is taken for KVM_RUN, if it is the first that is seen.
 *
 * While that notifier is linked, no other thread can take the vCPU, nor can its VM
 * be destroyed: KVM's vCPU can be read there.  Else the lock of the tables keeps the
 * entry, but KVM's vCPU may have been freed, since not every end of a VM is seen.
 *
 * Context: owner, interrupts off.
 */
void ks_vcpu_of_switched(struct ks_thread *t,
			 void (*tell)(struct ks_thread *t, struct ks_vcpu *v, bool loaded,
				      const struct task_struct *next),
			 const struct task_struct *next)
{
	struct ks_vcpu *v = READ_ONCE(t->vcpu);

	if (!v)
		return;
	if (ks_vcpu_is_loaded(v)) {
		if (!ks_vcpu_is_known(v))
			WRITE_ONCE(v->runner, current);
		if (ks_vcpu_look(v, true, true))
			tell(t, v, v->runner == current, next);
		return;
	}
	raw_spin_lock(&ks_tables.lock);
	if (t->vcpu == v && ks_vcpu_look(v, false, false) &&
	    (!READ_ONCE(v->identity_due) || v->identity.tgid)) {
		/* The end of KVM_RUN may have been missed, and was if an exit is open. */
		v->entry_tsc = 0;
		if (v->open)
			WRITE_ONCE(v->runner, NULL);
		tell(t, v, v->runner == current, next);
	}
	raw_spin_unlock(&ks_tables.lock);
}
