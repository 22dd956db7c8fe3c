// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who a vCPU is, as the records tell it, and its last records
 */
#include <linux/kvm_host.h>

#include "exit_reason.h"
#include "kvm_param.h"
#include "record.h"
#include "tables.h"

/* struct ks_vcpu.identity: written by the owner, copied from anywhere; innermost. */
static DEFINE_RAW_SPINLOCK(ks_identity_lock);

/*
 * Is this the first KVM_RUN?  By KVM's own counts no other one has come to an exit, nor
 * was ended by a signal while the vCPU waited to be started.
 */
static bool ks_vcpu_is_new(const struct ks_vcpu *v, const struct kvm_vcpu *vcpu)
{
	return !(v->features & KS_FEATURE_LATE) && !vcpu->stat.exits &&
	       !vcpu->stat.signal_exits;
}

/* The fields of the record that describe the current thread */
static void ks_fill_thread(struct ks_vcpu *v, struct ks_rec_vcpu *r)
{
	ks_vcpu_take_policy(v);
	r->policy = v->policy;
	r->rt_priority = current->rt_priority;
	r->nice = PRIO_TO_NICE(v->static_prio);
	r->prio = v->prio;
	memcpy(r->comm, current->comm, sizeof(r->comm));
}

/* To be written again at the end.  Another CPU, where the session ends, may copy it. */
static void ks_keep_identity(struct ks_vcpu *v, const struct ks_rec_vcpu *r)
{
	raw_spin_lock(&ks_identity_lock);
	memcpy(&v->identity, r, KS_RECORD_SIZE(vcpu));
	/* Whenever the copy is written, the vCPU is no longer new. */
	v->identity.features &= ~KS_FEATURE_NEW;
	raw_spin_unlock(&ks_identity_lock);
	WRITE_ONCE(v->identity_lost, ks_vcpu_ring(v) && !ks_in_ring(r));
}

/**
 * ks_vcpu_identify - write the identity record of the current thread's vCPU
 * @v: the vCPU
 *
 * Context: owner, preemption off.
 */
void ks_vcpu_identify(struct ks_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->key;
	unsigned long flags;
	struct ks_rec_vcpu *r;
	u32 halt_poll_ns;
	u64 now;

	/*
	 * What changes from here on makes another identity due.  KVM tells of a TSC offset
	 * before it stores that, and may be preempted in between.
	 */
	WRITE_ONCE(v->identity_due, v->offset_written);
	smp_mb();
	v->identified = v->seen;

	if (ks_kvm_halt_poll_ns(vcpu->kvm, &halt_poll_ns))
		v->features &= ~KS_FEATURE_NO_HALT_POLL;
	else
		v->features |= KS_FEATURE_NO_HALT_POLL;

	r = ks_begin(vcpu, ks_vcpu_ring(v), now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->tgid = v->vmm.tgid;
	r->tsc_offset = vcpu->arch.l1_tsc_offset;
	r->tsc_ratio = vcpu->arch.l1_tsc_scaling_ratio;
	r->tsc_frac_bits = ks_tsc_frac_bits();
	r->features = v->features | (ks_vcpu_is_new(v, vcpu) ? KS_FEATURE_NEW : 0);
	r->apicv_inhibits = vcpu->kvm->arch.apicv_inhibit_reasons;
	r->halt_poll_ns = halt_poll_ns;
	ks_fill_thread(v, r);
	ks_keep_identity(v, r);
	ks_end(vcpu, r, flags);
}

/**
 * ks_vcpu_identify_again - the same outside of KVM_RUN, for somebody new who listens
 * @v: the current thread's vCPU, which has been identified before
 *
 * KVM may have freed its vCPU: the end of a VM is not seen where kprobes are switched
 * off.  So what only KVM knows is copied from the last identity record, and another
 * one stays due until the next KVM_RUN.
 *
 * Context: in the thread that has the vCPU, interrupts off, the lock of the tables
 * held.
 */
void ks_vcpu_identify_again(struct ks_vcpu *v)
{
	struct ks_rec_vcpu *r;
	unsigned long flags;
	u64 now;

	if (v->identified >= ks_listening()->identity)
		return;
	v->identified = v->seen;
	r = ks_begin(vcpu, ks_vcpu_ring(v), now, flags);
	raw_spin_lock(&ks_identity_lock);
	memcpy(r, &v->identity, KS_RECORD_SIZE(vcpu));
	raw_spin_unlock(&ks_identity_lock);
	r->ent.pid = current->pid;
	ks_fill_thread(v, r);
	ks_keep_identity(v, r);
	ks_end(vcpu, r, flags);
}

/*
 * The states at @now, as they were at one instant.  The owner may change them now; it stands
 * still in the midst of that if this machine is a guest itself and that CPU has none.
 *
 * Return: false: there was no such instant.
 */
static bool ks_copy_ledger(const struct ks_ledger *ledger, u64 now,
			   u64 states[KVMSCHED_NR_STATES], u64 *exits)
{
	int tries;
	u32 seq;

	for (tries = 0; tries < 1000; tries++) {
		seq = READ_ONCE(ledger->seq);
		/* Loads are not reordered with loads on x86. */
		barrier();
		ks_core_sum(&ledger->core, states, max(now, ledger->core.since));
		*exits = ks_ledger_exits(ledger);
		barrier();
		if (!(seq & 1) && READ_ONCE(ledger->seq) == seq)
			return true;
	}
	return false;
}

static bool ks_write_ledger(const struct ks_vcpu *v, const struct ks_ledger *ledger)
{
	u64 states[KVMSCHED_NR_STATES], exits, now;
	struct ks_rec_ledger *r;
	unsigned long flags;
	bool ok;

	static_assert(sizeof(r->states) == sizeof(states));
	local_irq_save(flags);
	now = rdtsc_ordered();
	ok = ks_copy_ledger(ledger, now, states, &exits);
	if (ok) {
		r = ks_begin_at(ledger, ks_vcpu_ring(v), now);
		r->vm = v->vm;
		r->vcpu = v->id;
		r->tid = v->exit.ent.pid;
		memcpy(r->states, states, sizeof(states));
		r->exits = exits;
		ks_end_at(ledger, r);
	}
	local_irq_restore(flags);
	return ok;
}

static void ks_write_identity(struct ks_vcpu *v, u32 more_features)
{
	struct ks_rec_vcpu *r;
	unsigned long flags;
	u64 now;

	r = ks_begin(vcpu, ks_vcpu_ring(v), now, flags);
	raw_spin_lock(&ks_identity_lock);
	memcpy(r, &v->identity, KS_RECORD_SIZE(vcpu));
	raw_spin_unlock(&ks_identity_lock);
	/* The vCPU may belong to another thread than when the copy was made. */
	r->ent.pid = v->exit.ent.pid;
	r->features |= more_features;
	ks_end(vcpu, r, flags);
}

/**
 * ks_vcpu_tell_lost_identity - write the identity again, after its record was lost
 * @v: the current thread's vCPU
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
	if (ks_vcpu_ring(v) && ks_ring_has_room(KS_RECORD_SIZE(vcpu))) {
		ks_write_identity(v, 0);
		WRITE_ONCE(v->identity_lost, false);
	}
	local_irq_restore(flags);
}

/**
 * ks_vcpu_record_ledger - write a vCPU's last ledger
 * @v:	 its entry
 *
 * Context: the lock of the tables is held.  At the end of a session the vCPU may run.
 * Return: false: it changes all the time, and has no record yet.
 */
bool ks_vcpu_record_ledger(const struct ks_vcpu *v)
{
	struct ks_ledger *ledger = ks_vcpu_wanted(v) ? ks_vcpu_ledger(v) : NULL;

	return !ledger || ks_write_ledger(v, ledger);
}

/**
 * ks_vcpu_record_identity - write a vCPU's last identity, if there is a reason
 * @v:	 its entry
 * @why: what ends
 *
 * The reason may be that its record may be overwritten by now, or was lost, or is due; or
 * that the vCPU ends, to say so: also if its thread has ended before, as most do, and
 * nothing else is known of it since.
 *
 * Context: the lock of the tables is held.  At the end of a session the vCPU may run.
 */
void ks_vcpu_record_identity(struct ks_vcpu *v, enum ks_last why)
{
	const bool ends = why == KS_LAST_OF_VCPU;

	if (!v->identity.tgid)
		return;
	if (ks_vcpu_wanted(v)) {
		if (why != KS_LAST_OF_SESSION || READ_ONCE(v->identity_lost) ||
		    READ_ONCE(v->identity_due))
			ks_write_identity(v, ends ? KS_FEATURE_GONE : 0);
	} else if (ends && (ks_vcpu_ring(v) || ks_listening()->events)) {
		ks_write_identity(v, KS_FEATURE_GONE);
	} else if (why == KS_LAST_OVERWRITTEN && ks_vcpu_ring(v)) {
		ks_write_identity(v, 0);	/* its thread has ended, and records of it may be left */
	}
}

/**
 * ks_vcpu_record_last - write the last records of a vCPU whose thread or VM ends
 * @v:	 its entry
 * @why: which of them
 *
 * Context: the lock of the tables is held; the vCPU does not run, or nobody listens.
 */
void ks_vcpu_record_last(struct ks_vcpu *v, enum ks_last why)
{
	ks_vcpu_record_ledger(v);
	ks_vcpu_record_identity(v, why);
}
