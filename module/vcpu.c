// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of vCPU threads: binding, identity, lifetime
 *
 * Nothing here allocates or sleeps where a probe may call it; the table is
 * made at init.  Its raw spinlock is a leaf: it nests inside the runqueue
 * lock (a thread's death) and takes nothing itself.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/stop_machine.h>
#include <linux/vmalloc.h>

#include "compat/rcu.h"
#include "exit_reason.h"
#include "probe.h"
#include "record.h"
#include "vcpu.h"

#define KS_HASH_BITS	8
#define KS_VCPUS_LIMIT	65536U

unsigned int ks_vcpus_max = 1024;

struct ks_vcpu ks_nobody;
DEFINE_PER_CPU(struct ks_vcpu *, ks_current);

/*
 * @lock:	see above
 * @vcpus:	ks_vcpus_max entries
 * @used:	entries below this index were used once
 * @hash:	bound entries by key
 * @next_vm:	number for the next VM
 * @refused:	lookups that found no entry; @full since no thread has died
 * @detaching:	no new entries; set once, before the notifiers go
 * @events:	classes that enabled events need
 * @session:	classes that the session records ...
 * @vms:	... of these processes only, @nr_vms of them, if not 0
 * @ledgers:	one for each of @vcpus, from the first follower until exit
 * @follow:	somebody follows them
 */
static struct {
	raw_spinlock_t lock;
	struct ks_vcpu *vcpus;
	unsigned int used;
	struct hlist_head hash[1 << KS_HASH_BITS];
	u16 next_vm;
	u64 refused;
	bool full;
	bool detaching;
	u32 events;
	u32 session;
	pid_t vms[KVMSCHED_MAX_VMS];
	u32 nr_vms;
	struct ks_ledger *ledgers;
	bool follow;
} table = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(table.lock),
};

static struct hlist_head *bucket(struct kvm_vcpu *key)
{
	return &table.hash[hash_ptr(key, KS_HASH_BITS)];
}

static bool vm_wanted(pid_t tgid)
{
	u32 i;

	for (i = 0; i < table.nr_vms; i++)
		if (table.vms[i] == tgid)
			return true;
	return !table.nr_vms;
}

/* The past of a thread says nothing of what it does now. */
static void forget_past(struct ks_vcpu *v)
{
	v->entry_tsc = 0;
	v->irq_tsc = 0;
	v->story = KS_STORY_NONE;
	v->cut = false;
	v->arm_due = false;
	v->wake_tsc = 0;
	v->in_tsc = 0;
	v->out_tsc = 0;
	v->load_tsc = 0;
	v->put_tsc = 0;
}

/*
 * Class host alone tells nothing of vCPU threads, and vcpu_put isn't hooked
 * for it: no mask then.  Whoever begins to listen wants to know who speaks.
 */
static void set_mask(struct ks_vcpu *v, bool joined)
{
	bool hooked = (table.session | table.events) & KS_CLASS_VCPU;
	u32 ring = hooked && vm_wanted(v->tgid) ? table.session : 0;
	u32 mask = hooked ? ring | table.events : 0;
	struct ks_ledger *ledger = NULL;

	if (table.follow) {
		ledger = &table.ledgers[v - table.vcpus];
		if (!v->ledger)
			ks_ledger_reset(ledger);
		mask |= KS_CLASS_LEDGER;
	}
	WRITE_ONCE(v->ledger, ledger);

	/* What was frozen while nobody listened is no story to be told now. */
	if (mask && !v->mask)
		forget_past(v);
	if (mask && (joined || !v->mask || (v->mask & KS_MASK_IDENTITY)))
		mask |= KS_MASK_IDENTITY;
	WRITE_ONCE(v->ring, ring);
	WRITE_ONCE(v->ring_exit, !!(ring & KVMSCHED_CLASS_EXIT));
	WRITE_ONCE(v->mask, mask);
}

/* The number of a VM: what its other vCPUs have, or the next. */
static u16 vm_number(struct kvm *kvm)
{
	unsigned int i;

	for (i = 0; i < table.used; i++)
		if (table.vcpus[i].kvm == kvm)
			return table.vcpus[i].vm;
	if (!++table.next_vm) /* 0 says unknown */
		++table.next_vm;
	return table.next_vm;
}

static void unhash(struct ks_vcpu *v)
{
	if (v->key)
		hlist_del_rcu(&v->node);
	v->key = NULL;
}

/* A vCPU has one thread at a time: take it from the one that had it. */
static void rehash(struct ks_vcpu *v, struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *other;
	struct hlist_node *next;

	unhash(v);
	hlist_for_each_entry_safe(other, next, bucket(vcpu), node)
		if (other->key == vcpu)
			unhash(other);
	v->key = vcpu;
	hlist_add_head_rcu(&v->node, bucket(vcpu));
}

static struct ks_vcpu *find_free(void)
{
	struct ks_vcpu *v;
	unsigned int i;

	if (table.full) {
		table.refused++;
		return NULL;
	}
	for (i = 0; i < ks_vcpus_max; i++) {
		v = &table.vcpus[i];
		if (v->task || (v->dead_gp &&
				!poll_state_synchronize_rcu(v->dead_gp)))
			continue;
		table.used = max(table.used, i + 1);
		return v;
	}
	table.full = true;
	table.refused++;
	return NULL;
}

static struct ks_vcpu *create(void)
{
	struct ks_vcpu *v = find_free();

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

static u32 features_of(struct kvm_vcpu *vcpu)
{
	bool vmx = ks_exit_isa() == KS_ISA_VMX;
	u32 features = 0;

	/* Exits look for the one bit or the other before they read a reason. */
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
 * @vcpu: what KVM_RUN was called for
 * @late: it was within KVM_RUN before we looked
 *
 * Context: preemption off, in the vCPU thread.
 * Return: its entry, or NULL: table full, or module on its way out.
 */
struct ks_vcpu *ks_vcpu_bind(struct kvm_vcpu *vcpu, bool late)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);
	unsigned long flags;

	/* The way of every KVM_RUN but the first. */
	if (v->key == vcpu && v->kvm == vcpu->kvm && !late) {
		WRITE_ONCE(v->vcpu, vcpu);
		return v;
	}

	raw_spin_lock_irqsave(&table.lock, flags);
	if (table.detaching)
		v = NULL;
	else if (v == &ks_nobody)
		v = create();
	if (v) {
		forget_past(v);
		v->id = vcpu->vcpu_id;
		if (v->kvm != vcpu->kvm)
			v->vm = vm_number(vcpu->kvm);
		v->kvm = vcpu->kvm;
		rehash(v, vcpu);
		v->identity.tgid = 0;
		v->features = features_of(vcpu) | (late ? KS_FEATURE_LATE : 0);
		v->polled = vcpu->stat.generic.halt_poll_success_ns +
			    vcpu->stat.generic.halt_poll_fail_ns;
		ks_exit_prepare(v);
		ks_timer_learn(v, vcpu);
		v->mask = 0;
		v->ledger = NULL; /* of another vCPU: begin anew */
		set_mask(v, true);
		WRITE_ONCE(v->vcpu, vcpu);
	}
	raw_spin_unlock_irqrestore(&table.lock, flags);
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
}

/*
 * Unlink our notifier from within a walk of its list.  The walker reads
 * link.next after we return, so that is put back.
 */
static void unlink_in_walk(struct ks_vcpu *v)
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

	raw_spin_lock(&table.lock);
	unlink_in_walk(v);
	unhash(v);
	v->vcpu = NULL;
	v->kvm = NULL;
	v->mask = 0;
	v->ring = 0;
	v->ring_exit = false;
	v->ledger = NULL;
	v->wait_cpu = -1;
	v->dead_gp = get_state_synchronize_rcu();
	v->task = NULL;
	table.full = false;
	raw_spin_unlock(&table.lock);
	/* Never the last: the scheduler drops its own after this switch. */
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
	u64 now;

	raw_spin_lock_irqsave(&table.lock, flags);
	WRITE_ONCE(v->mask, v->mask & ~KS_MASK_IDENTITY);
	raw_spin_unlock_irqrestore(&table.lock, flags);

	r = ks_begin(vcpu, v->ring, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->tgid = v->tgid;
	r->tsc_offset = vcpu->arch.l1_tsc_offset;
	r->tsc_ratio = vcpu->arch.l1_tsc_scaling_ratio;
	r->tsc_frac_bits = ks_tsc_frac_bits();
	r->features = v->features;
	r->apicv_inhibits = vcpu->kvm->arch.apicv_inhibit_reasons;
	r->halt_poll_ns = vcpu->kvm->max_halt_poll_ns;
	r->policy = current->policy;
	r->rt_priority = current->rt_priority;
	r->nice = PRIO_TO_NICE(current->static_prio);
	r->prio = current->normal_prio;
	memcpy(r->comm, current->comm, sizeof(r->comm));
	memcpy(&v->identity, r, KS_RECORD_SIZE(vcpu));
	ks_end(vcpu, r, flags);
}

/**
 * ks_vcpus_identity_due - the identity of a vCPU has changed: tell it again
 * @id: vcpu_id, of whichever VM; one telling too many is harmless
 *
 * Context: any but NMI.
 */
void ks_vcpus_identity_due(u16 id)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&table.lock, flags);
	for (i = 0; i < table.used; i++)
		if (table.vcpus[i].id == id && table.vcpus[i].mask)
			WRITE_ONCE(table.vcpus[i].mask,
				   table.vcpus[i].mask | KS_MASK_IDENTITY);
	raw_spin_unlock_irqrestore(&table.lock, flags);
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
	hlist_for_each_entry_rcu(v, bucket(vcpu), node, true)
		if (READ_ONCE(v->key) == vcpu)
			return v;

	/* An entry that just moved may have led us into another chain. */
	raw_spin_lock_irqsave(&table.lock, flags);
	hlist_for_each_entry(v, bucket(vcpu), node)
		if (v->key == vcpu)
			break;
	raw_spin_unlock_irqrestore(&table.lock, flags);
	return v;
}

static void who_is(const struct ks_vcpu *v, struct ks_who *who)
{
	who->vm = v->vm;
	who->mask = v->mask;
	who->ring = v->ring;
}

/*
 * Nothing of the VM has run yet, or nothing tells which it is: only a session
 * that is limited to some VMs must not have it.
 */
static void who_knows(struct ks_who *who)
{
	who->vm = 0;
	who->ring = table.nr_vms ? 0 : table.session;
	who->mask = who->ring | table.events;
}

/**
 * ks_vcpu_who - whose vCPU is this, if it may not have run yet?
 * @vcpu: alive
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
		return who_is(v, who);

	raw_spin_lock_irqsave(&table.lock, flags);
	who_knows(who);
	for (i = 0; i < table.used; i++)
		if (table.vcpus[i].kvm == vcpu->kvm) {
			who_is(&table.vcpus[i], who);
			break;
		}
	raw_spin_unlock_irqrestore(&table.lock, flags);
}

/**
 * ks_vcpu_guess - whose is vCPU @id, where nothing else is told?
 * @id:  vcpu_id
 * @who: out
 *
 * Of the VM that the current thread works for, or else the only one that has
 * such a vCPU, or else of an unknown VM.
 *
 * Context: any but NMI.
 */
void ks_vcpu_guess(u16 id, struct ks_who *who)
{
	struct kvm *kvm = this_cpu_read(ks_current)->kvm;
	struct ks_vcpu *v, *found = NULL;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&table.lock, flags);
	who_knows(who);
	who->id = id;
	for (i = 0; i < table.used; i++) {
		v = &table.vcpus[i];
		if (!v->key || v->id != id || (kvm && v->kvm != kvm))
			continue;
		if (found) {
			found = NULL;
			break;
		}
		found = v;
	}
	if (found)
		who_is(found, who);
	raw_spin_unlock_irqrestore(&table.lock, flags);
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

	raw_spin_lock_irqsave(&table.lock, flags);
	for (i = 0; i < table.used; i++) {
		if (table.vcpus[i].kvm != kvm)
			continue;
		unhash(&table.vcpus[i]);
		table.vcpus[i].kvm = NULL;
	}
	raw_spin_unlock_irqrestore(&table.lock, flags);
}

/**
 * ks_vcpus_listen - who listens to what from now on
 * @events:  classes that enabled events need
 * @session: classes that the session records, 0 for none
 * @vms:     of these processes only (global tgids) ...
 * @nr_vms:  ... so many; 0: of all
 * @joined:  one of them is new
 *
 * Context: process, attach mutex held.
 */
void ks_vcpus_listen(u32 events, u32 session, const pid_t *vms, u32 nr_vms,
		     bool joined)
{
	unsigned int i;

	raw_spin_lock_irq(&table.lock);
	table.events = events;
	table.session = session;
	table.nr_vms = nr_vms;
	if (nr_vms)
		memcpy(table.vms, vms, nr_vms * sizeof(*vms));
	for (i = 0; i < table.used; i++)
		if (table.vcpus[i].task)
			set_mask(&table.vcpus[i], joined);
	raw_spin_unlock_irq(&table.lock);
}

/**
 * ks_vcpus_forget_past - nothing was attached until now: start afresh
 *
 * VMs may have come and gone meanwhile, so pointers are worthless, too.
 *
 * Context: process, attach mutex held; no hook that looks at vCPUs is attached,
 * no such handler runs, and our notifiers find no mask.
 */
void ks_vcpus_forget_past(void)
{
	struct ks_vcpu *v;
	unsigned int i;

	raw_spin_lock_irq(&table.lock);
	for (i = 0; i < table.used; i++) {
		v = &table.vcpus[i];
		unhash(v);
		v->kvm = NULL;
		WRITE_ONCE(v->vcpu, NULL);
		forget_past(v);
	}
	raw_spin_unlock_irq(&table.lock);
}

/**
 * ks_vcpus_stop_waiting - class steal begins: forget who waited where
 *
 * Context: process, attach mutex held; the class is not attached.
 */
void ks_vcpus_stop_waiting(void)
{
	unsigned int i;

	for (i = 0; i < table.used; i++) {
		table.vcpus[i].wait_cpu = -1;
		table.vcpus[i].wake_tsc = 0;
	}
}

static void record_ledger(struct ks_vcpu *v)
{
	struct ks_ledger *ledger = v->ledger;
	struct ks_rec_ledger *r;
	unsigned long flags;
	u64 now;

	r = ks_begin(ledger, v->ring, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->tid = v->task->pid;
	memcpy(r->states, ledger->states, sizeof(r->states));
	r->states[ledger->state] += now - ledger->since;
	r->exits = ks_ledger_exits(ledger);
	ks_end(ledger, r, flags);
}

static void record_identity(struct ks_vcpu *v)
{
	struct ks_rec_vcpu *r;
	unsigned long flags;
	u64 now;

	r = ks_begin(vcpu, v->ring, now, flags);
	memcpy(r, &v->identity, KS_RECORD_SIZE(vcpu));
	ks_end(vcpu, r, flags);
}

/**
 * ks_vcpu_record_last - tell of a vCPU once more
 * @v:	      its entry
 * @identity: who it is, too: the first telling may have been overwritten
 *
 * Context: owner, at the thread's death; or table lock held: the vCPU goes on
 * then, and the copy of its ledger can be off by a change being made.
 */
void ks_vcpu_record_last(struct ks_vcpu *v, bool identity)
{
	if (!v->ring)
		return;
	if (identity && v->identity.tgid)
		record_identity(v);
	if (v->ledger)
		record_ledger(v);
}

/**
 * ks_vcpus_record_last - the session ends: tell of each vCPU once more
 * @identity: as in ks_vcpu_record_last()
 *
 * Context: process.
 */
void ks_vcpus_record_last(bool identity)
{
	unsigned int i;

	raw_spin_lock_irq(&table.lock);
	for (i = 0; i < table.used; i++)
		if (table.vcpus[i].task)
			ks_vcpu_record_last(&table.vcpus[i], identity);
	raw_spin_unlock_irq(&table.lock);
}

/**
 * ks_vcpus_follow - keep the ledgers up to date, or no more
 * @follow: which; takes effect with the next ks_vcpus_listen()
 *
 * Context: process, attach mutex held.
 * Return: 0 or -ENOMEM.
 */
int ks_vcpus_follow(bool follow)
{
	struct ks_ledger *ledgers;

	if (follow && !table.ledgers) {
		ledgers = vzalloc(array_size(ks_vcpus_max, sizeof(*ledgers)));
		if (!ledgers)
			return -ENOMEM;
		table.ledgers = ledgers;
	}
	raw_spin_lock_irq(&table.lock);
	table.follow = follow;
	raw_spin_unlock_irq(&table.lock);
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
	struct ks_vcpu *v = NULL;
	unsigned int i;
	int ret = -ENOENT;

	raw_spin_lock_irq(&table.lock);
	if (!table.follow)
		ret = -ENODATA;
	for (i = 0; table.follow && i < table.used; i++) {
		v = &table.vcpus[i];
		if (!v->task || !v->ledger || index--)
			continue;
		/* Seen from here; the reader's namespace may lack them. */
		out->tgid = task_tgid_vnr(v->task);
		out->tid = task_pid_vnr(v->task);
		out->vm = v->vm;
		out->vcpu = v->id;
		out->isa = v->exit.isa;
		ret = ks_ledger_read(v->ledger, out);
		break;
	}
	raw_spin_unlock_irq(&table.lock);
	return ret;
}

u32 ks_vcpus_count(void)
{
	u32 count = 0;
	unsigned int i;

	raw_spin_lock_irq(&table.lock);
	for (i = 0; i < table.used; i++)
		count += !!table.vcpus[i].task;
	raw_spin_unlock_irq(&table.lock);
	return count;
}

u64 ks_vcpus_refused(void)
{
	return READ_ONCE(table.refused);
}

/*
 * All CPUs stand still with interrupts off.  Every walk of these lists, and
 * KVM's own add and del, run with preemption off, so none is in progress.
 */
static int unlink_all(void *unused)
{
	unsigned int i;
	int cpu;

	for (i = 0; i < table.used; i++) {
		if (!table.vcpus[i].linked)
			continue;
		preempt_notifier_unregister(&table.vcpus[i].notifier);
		table.vcpus[i].linked = false;
	}
	for_each_possible_cpu(cpu)
		per_cpu(ks_current, cpu) = &ks_nobody;
	return 0;
}

/**
 * ks_vcpus_detach - take our notifiers off every thread, whatever it does
 *
 * First step of the module's exit; ks_vcpu_table_destroy() is the last.  In
 * between, the probes go.  No wakeups, no kicks, no waiting for vCPUs: a
 * thread that spins at SCHED_FIFO 99 or sleeps for ever is detached alike.
 */
void ks_vcpus_detach(void)
{
	raw_spin_lock_irq(&table.lock);
	table.detaching = true;
	raw_spin_unlock_irq(&table.lock);

	/* The grace periods of what follows must not wait for a busy vCPU. */
	rcu_expedite_gp();
	stop_machine(unlink_all, NULL, NULL);
}

int ks_vcpu_table_create(void)
{
	int cpu;

	if (!ks_vcpus_max || ks_vcpus_max > KS_VCPUS_LIMIT) {
		pr_err("max_vcpus=%u: expected 1 to %u\n", ks_vcpus_max,
		       KS_VCPUS_LIMIT);
		return -EINVAL;
	}
	/* Not by an initializer: per-CPU sections of modules get no relocations. */
	for_each_possible_cpu(cpu)
		per_cpu(ks_current, cpu) = &ks_nobody;
	table.vcpus = vzalloc(array_size(ks_vcpus_max, sizeof(*table.vcpus)));
	return table.vcpus ? 0 : -ENOMEM;
}

/**
 * ks_vcpu_table_destroy - the mirror of create, after ks_vcpus_detach()
 *
 * Context: process; no probe runs any more.
 */
void ks_vcpu_table_destroy(void)
{
	unsigned int i;

	for (i = 0; i < table.used; i++)
		if (table.vcpus[i].task)
			put_task_struct(table.vcpus[i].task);
	if (table.detaching)
		rcu_unexpedite_gp();
	vfree(table.ledgers);
	vfree(table.vcpus);
}
