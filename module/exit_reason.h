/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why did the guest exit? Asked of the hardware's own structure, without
 * KVM's private headers and without its static calls
 *
 * SVM: struct vcpu_svm begins with struct kvm_vcpu, followed by the pointer to
 * the current VMCB (so since the merge of SVM; it points to the nested one
 * while L2 runs).  ks_exit_reason_readable() looks at each vCPU before that is
 * believed.
 * VMX: VMREAD; the VMCS is current in kvm_exit's handler and wherever the vCPU
 * is loaded on this CPU (SDM vol. 3, 25.11.3 and appendix B).
 */
#ifndef _KVMSCHED_EXIT_REASON_H
#define _KVMSCHED_EXIT_REASON_H

#include <linux/kvm_host.h>
#include <linux/uaccess.h>
#include <asm/svm.h>
#include <asm/vmx.h>

#include "records.h"
#include "vcpu.h"

static inline u32 ks_exit_isa(void)
{
	return boot_cpu_has(X86_FEATURE_VMX) ? KS_ISA_VMX : KS_ISA_SVM;
}

static __always_inline u64 ks_vmread(unsigned long field)
{
	u64 value;

	asm volatile("vmread %1, %0" : "=r" (value) : "r" (field) : "cc");
	return value;
}

static __always_inline struct vmcb *ks_vmcb(struct kvm_vcpu *vcpu)
{
	return *(struct vmcb **)(vcpu + 1);
}

/**
 * ks_exit_reason_readable - is the VMCB where we think it is?
 *
 * A VMCB is a page of its own, never runs at ASID 0, and has to intercept
 * VMRUN (APM vol. 2, 15.5.1, canonical checks).
 *
 * Context: any.  A wrong guess faults harmlessly.
 */
static inline bool ks_exit_reason_readable(struct kvm_vcpu *vcpu)
{
	struct vmcb *vmcb;
	u32 intercepts;

	if (ks_exit_isa() == KS_ISA_VMX)
		return true;
	if (copy_from_kernel_nofault(&vmcb, vcpu + 1, sizeof(vmcb)) ||
	    !vmcb || !PAGE_ALIGNED(vmcb) || !virt_addr_valid(vmcb))
		return false;
	if (copy_from_kernel_nofault(&intercepts,
				     &vmcb->control.intercepts[INTERCEPT_VMRUN / 32],
				     sizeof(intercepts)))
		return false;
	return intercepts & (1U << (INTERCEPT_VMRUN % 32));
}

static __always_inline void ks_exit_read_svm(struct ks_vcpu *v,
					     struct kvm_vcpu *vcpu)
{
	const struct vmcb_control_area *control = &ks_vmcb(vcpu)->control;
	u32 event = control->exit_int_info;

	v->isa = KS_ISA_SVM;
	v->reason = (u32)control->exit_code;
	/* The address tells more of a nested page fault than its error code. */
	v->info = v->reason == SVM_EXIT_NPF ? control->exit_info_2 :
					      control->exit_info_1;
	v->vector = event & SVM_EXITINTINFO_VEC_MASK;
	v->exit_flags = event & SVM_EXITINTINFO_VALID ? KS_EXIT_INFO_VALID : 0;
}

static __always_inline void ks_exit_read_vmx(struct ks_vcpu *v)
{
	u32 event = ks_vmread(VM_EXIT_INTR_INFO);

	v->isa = KS_ISA_VMX;
	v->reason = ks_vmread(VM_EXIT_REASON);
	v->info = ks_vmread(EXIT_QUALIFICATION);
	v->vector = event & INTR_INFO_VECTOR_MASK;
	v->exit_flags = event & INTR_INFO_VALID_MASK ? KS_EXIT_INFO_VALID : 0;
}

/**
 * ks_exit_read - fill in reason, info, vector and flags of the open story
 *
 * Context: vCPU thread, within KVM_RUN, preemption off.
 */
static __always_inline void ks_exit_read(struct ks_vcpu *v,
					 struct kvm_vcpu *vcpu, u32 isa)
{
	if (unlikely(v->features & KS_FEATURE_NO_REASON)) {
		v->isa = isa;
		v->reason = U32_MAX;
		v->info = 0;
		v->exit_flags = 0;
	} else if (isa == KS_ISA_SVM) {
		ks_exit_read_svm(v, vcpu);
	} else {
		ks_exit_read_vmx(v);
	}
}

/* Did a host interrupt end guest mode? */
static inline bool ks_exit_by_interrupt(const struct ks_vcpu *v)
{
	return v->isa == KS_ISA_SVM ? v->reason == SVM_EXIT_INTR :
		(u16)v->reason == EXIT_REASON_EXTERNAL_INTERRUPT;
}

#endif /* _KVMSCHED_EXIT_REASON_H */
