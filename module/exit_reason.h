/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why did the guest exit?  Read from the hardware's own structure, without
 * KVM's private headers and static calls
 *
 * SVM: struct vcpu_svm begins with struct kvm_vcpu.  The pointer to the
 * current VMCB follows it, in every version since SVM was merged; while L2
 * runs, it points to the nested VMCB.  ks_exit_reason_readable() checks that
 * for each vCPU before it is used.
 * VMX: VMREAD.  The VMCS is current in kvm_exit's handler, and whenever the
 * vCPU is loaded on this CPU (SDM vol. 3, 25.11.3 and appendix B).
 */
#ifndef _KVMSCHED_EXIT_REASON_H
#define _KVMSCHED_EXIT_REASON_H

#include <linux/kvm_host.h>
#include <linux/uaccess.h>
#include <asm/svm.h>
#include <asm/vmx.h>

#include "compat/tdx.h"
#include "events_init.h"
#include "vcpu.h"

/* These are no codes of the hardware. */
static_assert((s16)KS_REASON_NONE < (s16)-256 && (s16)KS_REASON_WIDE < (s16)-256);
static_assert((s16)SVM_EXIT_ERR >= (s16)-256);

static inline u32 ks_exit_isa(void)
{
	return boot_cpu_has(X86_FEATURE_VMX) ? KS_ISA_VMX : KS_ISA_SVM;
}

/* Fraction bits of the TSC ratio: APM vol. 2, 15.30.5; SDM vol. 3, 25.6.5 */
static inline u32 ks_tsc_frac_bits(void)
{
	return ks_exit_isa() == KS_ISA_VMX ? 48 : 32;
}

/*
 * VMREAD, or @otherwise.  It fails if no VMCS is current or the VMCS lacks the field, and
 * faults if VMX is off: a reboot doesn't wait for guests.  In each of these cases it
 * leaves the register as it was (SDM vol. 3, 31.3), so nothing has to look at the flags.
 */
static __always_inline u64 ks_vmread_or(unsigned long field, u64 otherwise)
{
	u64 value = otherwise;

	asm volatile("1: vmread %[field], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [value] "+r" (value)
		     : [field] "r" (field) : "cc");
	return value;
}

static __always_inline u64 ks_vmread(unsigned long field)
{
	return ks_vmread_or(field, 0);
}

/* Hyper-V's enlightened VMCS can't be read so. */
static __always_inline u32 ks_vmread_reason(void)
{
	return ks_vmread_or(VM_EXIT_REASON, (u16)KS_REASON_NONE);
}

static __always_inline struct vmcb *ks_vmcb(struct kvm_vcpu *vcpu)
{
	return *(struct vmcb **)(vcpu + 1);
}

/**
 * ks_exit_reason_readable - is the VMCB where we think it is?
 *
 * Or VMX: is there a VMCS?
 *
 * A VMCB is a page of its own and has to intercept VMRUN (APM vol. 2, 15.5.1,
 * canonical checks).
 *
 * Context: any.  Reading a wrong address is harmless.
 */
static inline bool ks_exit_reason_readable(struct kvm_vcpu *vcpu)
{
	struct vmcb *vmcb;
	u32 intercepts;

	if (ks_exit_isa() == KS_ISA_VMX)
		return !ks_kvm_is_tdx(vcpu->kvm);
	if (copy_from_kernel_nofault(&vmcb, vcpu + 1, sizeof(vmcb)) ||
	    !vmcb || !PAGE_ALIGNED(vmcb) || !virt_addr_valid(vmcb))
		return false;
	if (copy_from_kernel_nofault(&intercepts,
				     &vmcb->control.intercepts[INTERCEPT_VMRUN / 32],
				     sizeof(intercepts)))
		return false;
	return intercepts & (1U << (INTERCEPT_VMRUN % 32));
}

/* Reset what the record says of the exit; keep whose exit it is. */
static __always_inline void ks_exit_clear(struct ks_vcpu *v)
{
	v->exit.vector = 0;
	v->exit.flags &= KS_EXIT_VMX;
}

/**
 * ks_exit_prepare - fill in what all exit records of a vCPU have in common
 * @v: entry of the current thread
 */
static inline void ks_exit_prepare(struct ks_vcpu *v)
{
	memset(&v->exit, 0, sizeof(v->exit));
	v->exit.ent.type = ks_event_ids[KS_EV_exit];
	v->exit.ent.pid = current->pid;
	v->exit.vm = v->vm;
	v->exit.vcpu = v->id;
	v->exit.flags = ks_exit_isa() == KS_ISA_VMX ? KS_EXIT_VMX : 0;
}

/**
 * struct ks_exit_raw - what the hardware says of an exit, beside the record's info
 * @event:  interruption info: SVM's EXITINTINFO and VMX's have the vector in
 *	    bits 7:0 and "valid" in bit 31, both; bits 30 and 29, reserved in
 *	    both, are KS_EXIT_RAW_*
 * @reason: hardware's; the record has 16 bits of it
 */
struct ks_exit_raw {
	u32 event;
	u32 reason;
};
#define KS_EXIT_RAW_FAILED	(1U << 30)	/* VMX: the entry failed */
#define KS_EXIT_RAW_L2		(1U << 29)	/* a guest's guest ran */
static_assert(SVM_EXITINTINFO_VALID == INTR_INFO_VALID_MASK);
static_assert(SVM_EXITINTINFO_VEC_MASK == INTR_INFO_VECTOR_MASK);

/*
 * Does a guest of the guest (L2) run?  When an exit is seen, KVM has not yet
 * decided whether L1 will get it: the answer tells whose exit it is.
 */
static __always_inline bool ks_is_l2(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.hflags & HF_GUEST_MASK;
}

/*
 * SVM's reasons that need more than their number and EXITINFO1, and which of them.  The
 * values are put together with another, see ks_svm_kind().  Of a code beyond the table
 * the low bits count: -1 to -16 are at its end, where no others are.
 */
#define KS_SVM_CODES	2048
#define KS_SVM_PLAIN	0
#define KS_SVM_MSR	1
#define KS_SVM_CPUID	2
#define KS_SVM_OTHER	0x80	/* takes another path */
static const u8 ks_svm_special[KS_SVM_CODES] = {
	[SVM_EXIT_CPUID] = KS_SVM_CPUID,
	[SVM_EXIT_MSR] = KS_SVM_MSR,
	[SVM_EXIT_VMMCALL] = KS_SVM_OTHER,
	/* Nested page faults and the codes beyond them */
	[SVM_EXIT_NPF ... KS_SVM_CODES - 1] = KS_SVM_OTHER,
};

/*
 * VMX's, by the low byte of the number.  ks_exit_fetch_vmx_special() sorts out other
 * reasons with the same low byte.
 */
static const bool ks_vmx_special[256] = {
	[EXIT_REASON_CPUID] = true,
	[EXIT_REASON_MSR_READ] = true,
	[EXIT_REASON_MSR_WRITE] = true,
	[EXIT_REASON_VMCALL] = true,
	[EXIT_REASON_EPT_VIOLATION] = true,
	[EXIT_REASON_EPT_MISCONFIG] = true,
	/* Entries that fail: SDM vol. 3, 27.8 */
	[EXIT_REASON_INVALID_STATE] = true,
	[EXIT_REASON_MSR_LOAD_FAIL] = true,
	[EXIT_REASON_MCE_DURING_VMENTRY] = true,
};

/* Of a fault, the address is more useful than the error code. */
static __always_inline u64 ks_exit_fault(u64 address, u64 access)
{
	return address | access << KS_EXIT_ACCESS_SHIFT;
}

/* Two stores are cheaper than to put both halves together first. */
static __always_inline void ks_exit_set_halves(u64 *info, u32 low, u32 high)
{
	((u32 *)info)[0] = low;
	((u32 *)info)[1] = high;
}

/* The leaf and subleaf that the guest asks for, by what is in its registers */
static __always_inline void ks_exit_set_leaf(u64 *info, const struct kvm_vcpu *vcpu)
{
	ks_exit_set_halves(info, vcpu->arch.regs[VCPU_REGS_RAX],
			   vcpu->arch.regs[VCPU_REGS_RCX]);
}

static __always_inline void ks_exit_fetch_vmx_special(struct kvm_vcpu *vcpu,
						      struct ks_exit_raw *raw, u64 *info)
{
	switch ((u16)raw->reason) {
	case EXIT_REASON_CPUID:
		ks_exit_set_leaf(info, vcpu);
		return;
	case EXIT_REASON_MSR_READ:
		*info = (u32)vcpu->arch.regs[VCPU_REGS_RCX];
		return;
	case EXIT_REASON_MSR_WRITE:
		*info = (u32)vcpu->arch.regs[VCPU_REGS_RCX] | KS_EXIT_MSR_WRITE;
		return;
	case EXIT_REASON_VMCALL:
		*info = (u32)vcpu->arch.regs[VCPU_REGS_RAX];
		return;
	case EXIT_REASON_EPT_VIOLATION:
		*info = ks_exit_fault(ks_vmread(GUEST_PHYSICAL_ADDRESS),
					  ks_vmread(EXIT_QUALIFICATION));
		return;
	case EXIT_REASON_EPT_MISCONFIG: /* has no qualification */
		*info = ks_vmread(GUEST_PHYSICAL_ADDRESS);
		return;
	}
	*info = ks_vmread(EXIT_QUALIFICATION);
	/* The other bits above the basic reason don't matter here. */
	if (raw->reason & VMX_EXIT_REASONS_FAILED_VMENTRY)
		raw->event = KS_EXIT_RAW_FAILED;
}

/**
 * ks_exit_fetch_vmx - read what the hardware says of an exit
 * @vcpu: whose exit
 * @raw:  out
 * @info: out, as records have it: of some reasons the guest's registers, or an address
 *
 * Context: vCPU thread, within KVM_RUN, preemption off.
 */
static __always_inline void ks_exit_fetch_vmx(struct kvm_vcpu *vcpu,
					      struct ks_exit_raw *raw, u64 *info)
{
	raw->reason = ks_vmread_reason();
	raw->event = ks_vmread(VM_EXIT_INTR_INFO);
	if (likely(!ks_vmx_special[(u8)raw->reason]))
		*info = ks_vmread(EXIT_QUALIFICATION);
	else
		ks_exit_fetch_vmx_special(vcpu, raw, info);
}

/**
 * ks_svm_kind - which exit is it, and was an event being delivered?
 * @control: of the VMCB
 * @reason:  out: the code, if it has a place in the table
 *
 * Both answers are one byte, so that most exits pay for one look.  EXITINTINFO's last
 * byte has "valid" in its highest bit, and nothing else: bits 30:12 are reserved and 0, as
 * in EVENTINJ (APM vol. 2, 15.20).
 *
 * Return: KS_SVM_PLAIN: neither of them.  KS_SVM_OTHER is set: such an event, or any
 * code that is not of the other kinds.  Else KS_SVM_MSR or KS_SVM_CPUID.
 */
static __always_inline u8 ks_svm_kind(const struct vmcb_control_area *control, u32 *reason)
{
	/* The hardware's has 64 bits: nothing has to widen it.  KVM's may be two halves. */
	u64 code = *(const u64 *)&control->exit_code & (KS_SVM_CODES - 1);

	static_assert(SVM_EXITINTINFO_VALID == (u32)KS_SVM_OTHER << 24);
	*reason = code;
	return ks_svm_special[code] | ((const u8 *)&control->exit_int_info)[3];
}

/* Whose MSR, and whether it is written: EXITINFO1 is 1 then */
static __always_inline void ks_exit_set_msr(u64 *info, const struct kvm_vcpu *vcpu,
					    const struct vmcb_control_area *control)
{
	ks_exit_set_halves(info, vcpu->arch.regs[VCPU_REGS_RCX], control->exit_info_1);
}

static __always_inline void ks_exit_set_npf(u64 *info,
					    const struct vmcb_control_area *control)
{
	*info = ks_exit_fault(control->exit_info_2, control->exit_info_1);
}

/**
 * ks_exit_fetch_svm - the same for SVM, and any exit
 * @vcpu: whose exit
 * @raw:  out
 * @info: out, as records have it
 */
static __always_inline void ks_exit_fetch_svm(struct kvm_vcpu *vcpu,
					      struct ks_exit_raw *raw, u64 *info)
{
	const struct vmcb_control_area *control = &ks_vmcb(vcpu)->control;

	raw->reason = control->exit_code;
	raw->event = control->exit_int_info;
	switch (raw->reason) {
	case SVM_EXIT_NPF:
		ks_exit_set_npf(info, control);
		break;
	case SVM_EXIT_CPUID:
		ks_exit_set_leaf(info, vcpu);
		break;
	case SVM_EXIT_MSR:
		ks_exit_set_msr(info, vcpu, control);
		break;
	case SVM_EXIT_VMMCALL:
		*info = (u32)vcpu->arch.regs[VCPU_REGS_RAX];
		break;
	default:
		*info = control->exit_info_1;
	}
	if ((s32)raw->reason != (s16)raw->reason)
		raw->reason = KS_REASON_WIDE;
}

/*
 * The same for any vCPU, even if its reasons failed the self-check, and for its
 * guest's guest
 */
static __always_inline void ks_exit_fetch_any(const struct ks_vcpu *v,
					      struct kvm_vcpu *vcpu,
					      struct ks_exit_raw *raw, u64 *info)
{
	*info = 0;
	if (v->features & KS_FEATURE_NO_REASON)
		*raw = (struct ks_exit_raw) { .reason = KS_REASON_NONE };
	else if (ks_exit_isa() == KS_ISA_VMX)
		ks_exit_fetch_vmx(vcpu, raw, info);
	else
		ks_exit_fetch_svm(vcpu, raw, info);
	if (ks_is_l2(vcpu))
		raw->event |= KS_EXIT_RAW_L2;
}

/* Open the exit, whose reason and info are in the record already; @event as above */
static __always_inline void ks_exit_open(struct ks_vcpu *v, u32 event)
{
	v->open = KS_OPEN_PLAIN;
	if (likely(!(event & (SVM_EXITINTINFO_VALID | KS_EXIT_RAW_FAILED |
			      KS_EXIT_RAW_L2))))
		return;
	v->open = KS_OPEN_SPECIAL;
	if (event & KS_EXIT_RAW_L2)
		v->exit.flags |= KS_EXIT_L2;
	if (event & KS_EXIT_RAW_FAILED)
		v->exit.flags |= KS_EXIT_FAILED_ENTRY;
	if (event & SVM_EXITINTINFO_VALID) {
		v->exit.vector = event & SVM_EXITINTINFO_VEC_MASK;
		v->exit.flags |= KS_EXIT_INFO_VALID;
	}
}

/* By which number does the ledger count the open exit? */
static inline u32 ks_exit_ledger_reason(const struct ks_vcpu *v)
{
	u32 reason = v->exit.reason;

	return v->exit.flags & KS_EXIT_L2 ? reason ^ KVMSCHED_REASON_L2 : reason;
}

/* Did a host interrupt end guest mode? */
static inline bool ks_exit_by_interrupt(const struct ks_vcpu *v)
{
	return v->exit.reason == (v->exit.flags & KS_EXIT_VMX ?
				  EXIT_REASON_EXTERNAL_INTERRUPT : SVM_EXIT_INTR);
}

/*
 * The same for an exit of which kvm_exit has not fired yet, as with attach=kprobe:
 * the hardware has written the reason.  No, if it can't be read.
 *
 * Context: interrupt of the thread whose vCPU @v is, and is loaded.
 */
static inline bool ks_unseen_exit_by_interrupt(const struct ks_vcpu *v)
{
	if (v->features & KS_FEATURE_SVM)
		return (u32)ks_vmcb(v->key)->control.exit_code == SVM_EXIT_INTR;
	return v->features & KS_FEATURE_VMX &&
	       (u16)ks_vmread_reason() == EXIT_REASON_EXTERNAL_INTERRUPT;
}

#endif /* _KVMSCHED_EXIT_REASON_H */
