// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits and entries
 *
 *	entry ─► guest mode ─► exit told ─► story open ─► entry | switch | put
 *	                                                  writes the exit record
 *
 * Each hardware exit gets exactly one record, when its story ends or is cut.
 * After a cut the coming entry writes an entry record.
 *
 * kvm_exit fires with interrupts off and before the host's interrupts are
 * served, but for SVM up to 6.1 (and for the kprobes of attach=kprobe): there
 * it comes after them, even after a switch.  So the first interrupt or switch
 * seen in guest mode dates the exit (struct ks_vcpu.irq_tsc).
 */
#include <linux/kvm_host.h>

#include "exit_reason.h"
#include "probe.h"
#include "record.h"
#include "vcpu.h"

static __always_inline void write_exit(struct ks_vcpu *v, u8 end, u64 now)
{
	struct ks_rec_exit *r;

	r = ks_begin_at(exit, v->ring & KVMSCHED_CLASS_EXIT, now);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->reason = v->reason;
	r->info = v->info;
	r->guest_cycles = v->guest_cycles;
	r->host_cycles = now - v->story_tsc;
	r->isa = v->isa;
	r->end = end;
	r->vector = v->vector;
	r->flags = v->exit_flags;
	ks_end_at(exit, r);
}

/**
 * ks_exit_cut - the vCPU leaves the CPU or KVM_RUN: write what is open
 * @v: the thread's entry
 * @end: KS_EXIT_BY_SWITCH or KS_EXIT_BY_PUT
 *
 * Context: owner; interrupts on or off.
 */
void ks_exit_cut(struct ks_vcpu *v, u8 end)
{
	unsigned long flags;

	if (!v->story)
		return;
	local_irq_save(flags);
	write_exit(v, end, rdtsc_ordered());
	v->story = false;
	v->cut = true;
	local_irq_restore(flags);
}

static __always_inline void exit_told(struct kvm_vcpu *vcpu, u32 isa)
{
	struct ks_vcpu *v = ks_vcpu_of(vcpu);
	u64 entry, irq, now;

	if (unlikely(!v || !v->mask))
		return;
	if (unlikely(v->mask & KS_MASK_IDENTITY))
		ks_vcpu_identify(v);

	/*
	 * Interrupts may be on: leave guest mode first, so that one that comes
	 * now doesn't count as the end of it; then see whether one did.
	 */
	entry = v->entry_tsc;
	v->entry_tsc = 0;
	barrier();
	irq = v->irq_tsc;
	now = rdtsc_ordered();

	ks_exit_read(v, vcpu, isa);
	v->exit_tsc = now;
	v->story_tsc = now;
	v->irq_seen = false;
	if (unlikely(irq)) {
		v->irq_seen = true;
		v->exit_flags |= KS_EXIT_IRQ_FIRST;
		v->exit_tsc = irq;
		/* Host time counts on this CPU: from the switch in, if one was. */
		v->story_tsc = v->in_tsc > irq ? v->in_tsc : irq;
	}
	v->guest_cycles = entry ? v->exit_tsc - entry : 0;
	barrier();
	v->story = true;
}

/* Entry without an exit: KVM's fast path went back in and told nobody. */
static noinline void exit_untold(struct ks_vcpu *v, struct kvm_vcpu *vcpu,
				 u64 now)
{
	ks_exit_read(v, vcpu, ks_exit_isa());
	v->exit_flags |= KS_EXIT_FASTPATH;
	v->guest_cycles = 0;
	v->story_tsc = now;
	write_exit(v, KS_EXIT_BY_ENTRY, now);
}

static void write_entry(struct ks_vcpu *v, u64 now)
{
	struct ks_rec_entry *r;

	r = ks_begin_at(entry, v->ring & KVMSCHED_CLASS_EXIT, now);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->since_exit_cycles = now - v->exit_tsc;
	ks_end_at(entry, r);
	v->cut = false;
}

/* Interrupts are off here in every version. */
static __always_inline void entry_told(struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *v = ks_vcpu_of(vcpu);
	u64 now;

	if (unlikely(!v || !v->mask))
		return;
	if (unlikely(v->mask & KS_MASK_IDENTITY))
		ks_vcpu_identify(v);

	now = rdtsc_ordered();
	if (likely(v->story)) {
		write_exit(v, KS_EXIT_BY_ENTRY, now);
		v->story = false;
	} else if (v->cut) {
		write_entry(v, now);
	} else if (v->entry_tsc) {
		exit_untold(v, vcpu, now);
	}
	v->irq_tsc = 0;
	v->entry_tsc = now;
}

static void on_kvm_exit(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	exit_told(vcpu, isa);
}

static void on_kvm_entry(void *data, struct kvm_vcpu *vcpu,
			 bool force_immediate_exit)
{
	entry_told(vcpu);
}

static int on_svm_handle_exit(struct kprobe *kprobe, struct pt_regs *regs)
{
	exit_told((struct kvm_vcpu *)ks_arg1(regs), KS_ISA_SVM);
	return 0;
}

static int on_vmx_handle_exit(struct kprobe *kprobe, struct pt_regs *regs)
{
	exit_told((struct kvm_vcpu *)ks_arg1(regs), KS_ISA_VMX);
	return 0;
}

static int on_vcpu_run(struct kprobe *kprobe, struct pt_regs *regs)
{
	entry_told((struct kvm_vcpu *)ks_arg1(regs));
	return 0;
}

/* The offset that joins guest time and host time has changed: tell again. */
static void on_write_tsc_offset(void *data, unsigned int vcpu_id,
				u64 previous, u64 next)
{
	struct ks_vcpu *v = ks_vcpu_loaded();

	if (v && v->id == vcpu_id)
		ks_vcpu_identity_due(v);
}

/* Entries first: an exit whose entry was not seen has no guest time. */
struct ks_hook ks_exit_hooks[] = {
	KS_TRACEPOINT_ROW("kvm_entry", "kvm", KS_CLASS_VCPU, KS_AUTO,
			  on_kvm_entry),
	KS_TRACEPOINT_ROW("kvm_exit", "kvm", KS_CLASS_VCPU, KS_AUTO,
			  on_kvm_exit),
	KS_KPROBE_ROW("svm_vcpu_run", "kvm_amd", KS_CLASS_VCPU, KS_KPROBE,
		      "kvm_entry", on_vcpu_run),
	KS_KPROBE_ROW("vmx_vcpu_run", "kvm_intel", KS_CLASS_VCPU, KS_KPROBE,
		      "kvm_entry", on_vcpu_run),
	KS_KPROBE_ROW("svm_handle_exit", "kvm_amd", KS_CLASS_VCPU, KS_KPROBE,
		      "kvm_exit", on_svm_handle_exit),
	KS_KPROBE_ROW("vmx_handle_exit", "kvm_intel", KS_CLASS_VCPU, KS_KPROBE,
		      "kvm_exit", on_vmx_handle_exit),
	KS_TRACEPOINT_ROW("kvm_write_tsc_offset", "kvm", KS_CLASS_VCPU,
			  KS_ALWAYS, on_write_tsc_offset),
	{}
};
