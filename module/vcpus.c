// SPDX-License-Identifier: GPL-2.0-only
/*
 * All vCPU threads at once: who listens, their ledgers, and their release
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/sched/task.h>
#include <linux/stop_machine.h>
#include <linux/vmalloc.h>
#include <asm/tsc.h>

#include "compat/rcu.h"
#include "vcpu_table.h"

#define KS_VCPUS_LIMIT	65536U

/*
 * All entries that were ever used.  A dying thread takes the table's lock
 * while it holds its runqueue lock, so hold it for one entry at a time.  A
 * thread that is bound meanwhile reads the new settings of the table itself.
 */
#define for_each_used(v)						\
	for ((v) = ks_vcpus.vcpus;					\
	     (v) < ks_vcpus.vcpus + READ_ONCE(ks_vcpus.used); (v)++)

/**
 * ks_vcpus_listen - set what is wanted of all vCPUs
 * @events:  classes that enabled events need
 * @session: classes that the session records, 0 for none
 * @vms:     processes that the session is limited to, held by it
 * @nr_vms:  number of @vms; 0: no limit
 * @joined:  somebody new listens
 *
 * Context: process, attach mutex held.
 */
void ks_vcpus_listen(u32 events, u32 session, struct pid *const *vms,
		     u32 nr_vms, bool joined)
{
	struct ks_vcpu *v;

	raw_spin_lock_irq(&ks_vcpus.lock);
	ks_vcpus.events = events;
	ks_vcpus.session = session;
	ks_vcpus.nr_vms = nr_vms;
	if (nr_vms)
		memcpy(ks_vcpus.vms, vms, nr_vms * sizeof(*vms));
	raw_spin_unlock_irq(&ks_vcpus.lock);

	for_each_used(v) {
		raw_spin_lock_irq(&ks_vcpus.lock);
		if (v->task)
			ks_vcpu_set_mask(v, joined);
		raw_spin_unlock_irq(&ks_vcpus.lock);
	}
}

/**
 * ks_vcpus_set_fast - ks_vcpu_set_fast() for all vCPUs, after a grace period
 *
 * A thread that entered KVM_RUN during ks_vcpus_listen() may have read its old
 * mask, and set fast_vcpu by that.
 *
 * Context: process, attach mutex held.
 */
void ks_vcpus_set_fast(void)
{
	struct ks_vcpu *v;

	for_each_used(v) {
		raw_spin_lock_irq(&ks_vcpus.lock);
		ks_vcpu_set_fast(v);
		raw_spin_unlock_irq(&ks_vcpus.lock);
	}
}

/**
 * ks_vcpus_forget_past - nothing was attached until now: forget what is old
 *
 * VMs may have been destroyed meanwhile, so pointers are worthless as well.
 *
 * Context: process, attach mutex held; no hook that looks at vCPUs is attached,
 * no such handler runs, and our notifiers find no mask.
 */
void ks_vcpus_forget_past(void)
{
	struct ks_vcpu *v;

	for_each_used(v) {
		raw_spin_lock_irq(&ks_vcpus.lock);
		ks_vcpu_unhash(v);
		v->kvm = NULL;
		WRITE_ONCE(v->vcpu, NULL);
		ks_vcpu_set_fast(v);
		ks_vcpu_forget_past(v);
		raw_spin_unlock_irq(&ks_vcpus.lock);
	}
}

/**
 * ks_vcpus_stop_waiting - class steal begins: forget who waited where
 *
 * Context: process, attach mutex held; the class is not attached.
 */
void ks_vcpus_stop_waiting(void)
{
	struct ks_vcpu *v;

	for_each_used(v) {
		v->wait_cpu = -1;
		WRITE_ONCE(v->wake_tsc, 0);
	}
}

/**
 * ks_vcpus_record_last - the session ends: write the last records of each vCPU
 * @identity: as in ks_vcpu_record_last()
 *
 * Context: process.
 */
void ks_vcpus_record_last(bool identity)
{
	struct ks_vcpu *v;

	for_each_used(v) {
		raw_spin_lock_irq(&ks_vcpus.lock);
		if (v->task)
			ks_vcpu_record_last(v, identity);
		raw_spin_unlock_irq(&ks_vcpus.lock);
	}
}

/**
 * ks_vcpus_follow - begin or end to keep the ledgers up to date
 * @follow: begin; takes effect with the next ks_vcpus_listen()
 *
 * Context: process, attach mutex held.
 * Return: 0 or -ENOMEM.
 */
int ks_vcpus_follow(bool follow)
{
	struct ks_ledger *ledgers;

	if (follow && !ks_vcpus.ledgers) {
		ledgers = vzalloc(array_size(ks_vcpus_max, sizeof(*ledgers)));
		if (!ledgers)
			return -ENOMEM;
		ks_vcpus.ledgers = ledgers;
	}
	raw_spin_lock_irq(&ks_vcpus.lock);
	ks_vcpus.follow = follow;
	raw_spin_unlock_irq(&ks_vcpus.lock);
	return 0;
}

/**
 * ks_vcpus_ledger - copy one ledger
 * @index: of the entries in use
 * @out:   the copy
 *
 * Context: process.
 * Return: 0, -ENOENT beyond the end, -ENODATA if nobody follows, -EAGAIN.
 */
int ks_vcpus_ledger(u32 index, struct kvmsched_ledger *out)
{
	struct ks_ledger *ledger = NULL;
	struct task_struct *task;
	struct ks_vcpu *v;
	unsigned int i;
	int ret;

	raw_spin_lock_irq(&ks_vcpus.lock);
	ret = ks_vcpus.follow ? -ENOENT : -ENODATA;
	for (i = 0; ks_vcpus.follow && i < ks_vcpus.used; i++) {
		v = &ks_vcpus.vcpus[i];
		if (!v->task || !v->ledger || index--)
			continue;
		/* As the reader's PID namespace has them: 0 if it doesn't. */
		out->tgid = task_tgid_vnr(v->task);
		out->tid = task_pid_vnr(v->task);
		out->vm = v->vm;
		out->vcpu = v->id;
		out->isa = v->exit.flags & KS_EXIT_VMX ? KS_ISA_VMX : KS_ISA_SVM;
		ledger = v->ledger;
		task = v->task;
		break;
	}
	raw_spin_unlock_irq(&ks_vcpus.lock);
	if (!ledger)
		return ret;

	/*
	 * Copy it without the lock, then check that it still is the same
	 * vCPU's.
	 */
	ret = ks_ledger_read(ledger, out);
	raw_spin_lock_irq(&ks_vcpus.lock);
	if (v->task != task || v->ledger != ledger || v->vm != out->vm ||
	    v->id != out->vcpu)
		ret = -EAGAIN;
	raw_spin_unlock_irq(&ks_vcpus.lock);
	return ret;
}

u32 ks_vcpus_count(void)
{
	u32 count = 0;
	unsigned int i;

	raw_spin_lock_irq(&ks_vcpus.lock);
	for (i = 0; i < ks_vcpus.used; i++)
		count += !!ks_vcpus.vcpus[i].task;
	raw_spin_unlock_irq(&ks_vcpus.lock);
	return count;
}

u64 ks_vcpus_refused(void)
{
	return READ_ONCE(ks_vcpus.refused);
}

/*
 * stop_machine() calls this while all CPUs stand still with interrupts off.
 * Preemption is off whenever these lists are walked, or changed by KVM; so
 * nobody is doing so now.
 */
static int ks_unlink_all(void *unused)
{
	unsigned int i;
	int cpu;

	for (i = 0; i < ks_vcpus.used; i++) {
		if (!ks_vcpus.vcpus[i].linked)
			continue;
		preempt_notifier_unregister(&ks_vcpus.vcpus[i].notifier);
		ks_vcpus.vcpus[i].linked = false;
	}
	for_each_possible_cpu(cpu)
		per_cpu(ks_current, cpu) = &ks_nobody;
	return 0;
}

/**
 * ks_vcpus_detach - unlink our notifiers from all threads, whatever they do
 *
 * This is the first step of the module's exit, and ks_vcpu_table_destroy() the
 * last; in between, the probes are detached.  It wakes, kicks and waits for no
 * vCPU: a thread that spins at SCHED_FIFO 99 or sleeps for ever makes no
 * difference.
 */
void ks_vcpus_detach(void)
{
	raw_spin_lock_irq(&ks_vcpus.lock);
	ks_vcpus.detaching = true;
	raw_spin_unlock_irq(&ks_vcpus.lock);

	/* The grace periods from here on must not wait for a busy vCPU. */
	rcu_expedite_gp();
	stop_machine(ks_unlink_all, NULL, NULL);
}

int ks_vcpu_table_create(void)
{
	int cpu;

	if (!ks_vcpus_max || ks_vcpus_max > KS_VCPUS_LIMIT) {
		pr_err("max_vcpus=%u: expected 1 to %u\n", ks_vcpus_max,
		       KS_VCPUS_LIMIT);
		return -EINVAL;
	}
	/*
	 * Not by an initializer: per-CPU sections of modules get no
	 * relocations.
	 */
	for_each_possible_cpu(cpu)
		per_cpu(ks_current, cpu) = &ks_nobody;
	ks_vcpus.vcpus = vzalloc(array_size(ks_vcpus_max, sizeof(*ks_vcpus.vcpus)));
	return ks_vcpus.vcpus ? 0 : -ENOMEM;
}

/**
 * ks_vcpu_table_destroy - free the table, after ks_vcpus_detach()
 *
 * Context: process; no probe runs any more.
 */
void ks_vcpu_table_destroy(void)
{
	unsigned int i;

	for (i = 0; i < ks_vcpus.used; i++)
		if (ks_vcpus.vcpus[i].task)
			put_task_struct(ks_vcpus.vcpus[i].task);
	if (ks_vcpus.detaching)
		rcu_unexpedite_gp();
	vfree(ks_vcpus.ledgers);
	vfree(ks_vcpus.vcpus);
}
