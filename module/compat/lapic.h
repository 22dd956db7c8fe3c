/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading struct kvm_lapic, which is private to KVM
 *
 * Only its timer is read.  The layout follows from what public headers define
 * (struct hrtimer).  It is trusted only if the pointer back to the vCPU is
 * where it must be, right behind the timer: ks_lapic_readable() checks that
 * for each vCPU before anything else is read.
 *
 *	unsigned long base_address;
 *	struct kvm_io_device dev;	one pointer
 *	struct kvm_timer lapic_timer;	<- KS_LAPIC_TIMER
 *	u32 divide_count;
 *	struct kvm_vcpu *vcpu;		<- KS_LAPIC_VCPU
 *
 * The layout is the same from 6.1 to 7.3, by sources and BTF.
 */
#ifndef _KVMSCHED_COMPAT_LAPIC_H
#define _KVMSCHED_COMPAT_LAPIC_H

#include <linux/hrtimer.h>
#include <linux/kvm_host.h>
#include <linux/uaccess.h>

#define KS_LAPIC_TIMER		(2 * sizeof(long))

/* Behind the hrtimer, in this order; see arch/x86/kvm/lapic.h */
#define KS_TIMER_PERIOD		(KS_LAPIC_TIMER + sizeof(struct hrtimer))
#define KS_TIMER_TARGET		(KS_TIMER_PERIOD + 8)	/* ktime_t */
#define KS_TIMER_MODE		(KS_TIMER_TARGET + 8)	/* u32, APIC_LVT_TIMER_* */
#define KS_TIMER_TSCDEADLINE	(KS_TIMER_MODE + 8)	/* u64 */
#define KS_TIMER_PENDING	(KS_TIMER_TSCDEADLINE + 20) /* atomic_t */
#define KS_TIMER_HV_IN_USE	(KS_TIMER_PENDING + 4)	/* bool */
#define KS_LAPIC_VCPU		(ALIGN(KS_TIMER_HV_IN_USE + 1, 8) + 8)

#define ks_lapic_read(apic, type, offset) \
	READ_ONCE(*(type *)((char *)(apic) + (offset)))

/**
 * ks_lapic_readable - is this vCPU's LAPIC laid out as we think?
 *
 * Context: any.  Reading a wrong address is harmless.
 */
static inline bool ks_lapic_readable(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu *back;
	char *apic = (char *)vcpu->arch.apic;

	return apic &&
	       !copy_from_kernel_nofault(&back, apic + KS_LAPIC_VCPU,
					 sizeof(back)) &&
	       back == vcpu;
}

/**
 * ks_lapic_vcpu - the vCPU of a LAPIC, or NULL if the layout is another
 *
 * Context: any.
 */
static inline struct kvm_vcpu *ks_lapic_vcpu(struct kvm_lapic *apic)
{
	struct kvm_vcpu *vcpu;
	struct kvm_lapic *back;

	if (copy_from_kernel_nofault(&vcpu, (char *)apic + KS_LAPIC_VCPU,
				     sizeof(vcpu)) ||
	    copy_from_kernel_nofault(&back, &vcpu->arch.apic, sizeof(back)) ||
	    back != apic)
		return NULL;
	return vcpu;
}

#endif
