// SPDX-License-Identifier: GPL-2.0-only
/*
 * All vCPUs at once: their ledgers, their last records, the end of a VM
 */
#include <linux/hrtimer.h>
#include <linux/overflow.h>
#include <linux/sched/task.h>
#include <linux/vmalloc.h>

#include "memory.h"
#include "tables.h"

#define KS_LAST_TRIES	20	/* to copy a ledger that changes */

/*
 * All entries that were ever used.  A thread that is switched out takes the lock
 * of the tables while it holds its runqueue lock: so who writes records holds it for
 * one entry at a time.  Who only compares holds it throughout.
 */
#define for_each_used(v)						\
	for ((v) = ks_tables.vcpus;					\
	     (v) < ks_tables.vcpus + READ_ONCE(ks_tables.used_vcpus); (v)++)

/**
 * ks_vcpus_look_again - who listens has changed: let all vCPUs look
 *
 * Context: process, hooks mutex held, after ks_listen_publish().
 */
void ks_vcpus_look_again(void)
{
	struct ks_vcpu *v;

	for_each_used(v)
		WRITE_ONCE(v->fast_vcpu, NULL);
	/* Who found no room in the same KVM_RUN asks again, and is counted as refused. */
	WRITE_ONCE(ks_tables.threads_full, false);
	WRITE_ONCE(ks_tables.vcpus_full, false);
}

/**
 * ks_vcpus_forget_vm - a VM is being destroyed; its addresses may be reused
 * @kvm: compared, never followed
 *
 * Context: any but NMI; no vCPU of the VM is within KVM_RUN, nor will be.
 */
void ks_vcpus_forget_vm(struct kvm *kvm)
{
	unsigned long flags;
	struct ks_vcpu *v;

	for_each_used(v) {
		raw_spin_lock_irqsave(&ks_tables.lock, flags);
		if (v->key && v->kvm == kvm) {
			ks_vcpu_record_last(v, KS_LAST_OF_VCPU);
			ks_vcpu_free(v);
		}
		raw_spin_unlock_irqrestore(&ks_tables.lock, flags);
	}
	raw_spin_lock_irqsave(&ks_tables.lock, flags);
	ks_vm_forget(kvm);
	raw_spin_unlock_irqrestore(&ks_tables.lock, flags);
}

/**
 * ks_vcpus_forget_vms - VMs may have been destroyed unseen: forget all of them
 *
 * Context: process, hooks mutex held; nobody listens to vCPUs.
 */
void ks_vcpus_forget_vms(void)
{
	unsigned int i;

	for (i = 0; i < READ_ONCE(ks_tables.used_vms); i++)
		if (ks_tables.vms[i].kvm)
			ks_vcpus_forget_vm(ks_tables.vms[i].kvm);
}

/*
 * For 0.1 ms, by a timer that needs no thread: usleep_range()'s does on PREEMPT_RT, and
 * might not get one here before a real-time vCPU of this CPU ends.
 */
static void ks_wait_a_little(void)
{
	ktime_t time = 100 * NSEC_PER_USEC;

	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_hrtimeout_range(&time, 0, HRTIMER_MODE_REL_HARD);
}

/**
 * ks_vcpus_record_last - the session ends: write the last records of each vCPU
 * @overwritten: their identity records may be overwritten by now
 *
 * Context: process, hooks mutex held.
 */
void ks_vcpus_record_last(bool overwritten)
{
	const enum ks_last why = overwritten ? KS_LAST_OVERWRITTEN : KS_LAST_OF_SESSION;
	struct ks_vcpu *v;
	int tries;
	bool done;

	for_each_used(v) {
		for (tries = 0, done = false; !done; tries++) {
			if (tries)
				ks_wait_a_little();
			raw_spin_lock_irq(&ks_tables.lock);
			done = !v->key || ks_vcpu_record_ledger(v) || tries == KS_LAST_TRIES;
			if (v->key && done)
				ks_vcpu_record_identity(v, why);
			raw_spin_unlock_irq(&ks_tables.lock);
		}
	}
}

/**
 * ks_vcpus_make_ledgers - somebody will follow the ledgers: make room for them
 *
 * Those of a large max_vcpus may not fit at all.
 *
 * Context: process, hooks mutex held.
 * Return: 0 or -ENOMEM.
 */
int ks_vcpus_make_ledgers(void)
{
	size_t size = array_size(ks_vcpus_max, sizeof(*ks_tables.ledgers));

	if (!ks_tables.ledgers && ks_memory_suffices((size >> PAGE_SHIFT) + 1))
		ks_tables.ledgers = vzalloc(size);
	return ks_tables.ledgers ? 0 : -ENOMEM;
}

/**
 * ks_vcpus_ledger - copy one ledger
 * @index: of those that are kept
 * @out:   the copy
 *
 * Context: process.
 * Return: 0, -ENOENT beyond the end, -ENODATA if nobody follows, -EAGAIN.
 */
int ks_vcpus_ledger(u32 index, struct kvmsched_ledger *out)
{
	struct ks_ledger *kept, *ledger = NULL;
	struct ks_thread *t = NULL;
	struct ks_vcpu *v;
	int ret;

	raw_spin_lock_irq(&ks_tables.lock);
	ret = ks_listening()->ledger == U64_MAX ? -ENODATA : -ENOENT;
	for_each_used(v) {
		kept = ks_vcpu_ledger(v);
		if (!kept || index--)
			continue;
		t = v->thread;
		/* As the reader's PID namespace has them: 0 if it doesn't. */
		out->tgid = t ? task_tgid_vnr(t->task) : 0;
		out->tid = t ? task_pid_vnr(t->task) : 0;
		out->vm = v->vm;
		out->vcpu = v->id;
		out->features = v->features;
		out->isa = v->exit.flags & KS_EXIT_VMX ? KS_ISA_VMX : KS_ISA_SVM;
		ledger = kept;
		break;
	}
	raw_spin_unlock_irq(&ks_tables.lock);
	if (!ledger)
		return ret;

	/*
	 * Copy it without the lock, then check that it still is the same
	 * vCPU's.
	 */
	ret = ks_ledger_read(ledger, out);
	raw_spin_lock_irq(&ks_tables.lock);
	if (ks_vcpu_ledger(v) != ledger || v->thread != t || v->vm != out->vm ||
	    v->id != out->vcpu)
		ret = -EAGAIN;
	raw_spin_unlock_irq(&ks_tables.lock);
	return ret;
}

u32 ks_vcpus_count(void)
{
	u32 count = 0;
	struct ks_vcpu *v;

	raw_spin_lock_irq(&ks_tables.lock);
	for_each_used(v)
		count += v->key && READ_ONCE(v->seen);
	raw_spin_unlock_irq(&ks_tables.lock);
	return count;
}

u64 ks_vcpus_refused(void)
{
	return READ_ONCE(ks_tables.refused);
}
