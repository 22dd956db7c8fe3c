/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_COMPAT_TDX_H
#define _KVMSCHED_COMPAT_TDX_H

#include <linux/kvm_host.h>

#include "features.h"

/*
 * Is it a TDX guest?  KVM has them since 6.16 (161d34609f9b, "KVM: TDX: Make TDX VM type
 * supported"), with a number among the types of VMs that is a little older (9364789567f9,
 * "KVM: x86: Add a VM type define for TDX").  The host can read no VMCS of theirs, and their
 * exits come as results of SEAMCALL.
 */
static inline bool ks_kvm_is_tdx(const struct kvm *kvm)
{
#ifdef KS_HAVE_TDX_VM
	return kvm->arch.vm_type == KVM_X86_TDX_VM;
#else
	return false;
#endif
}

#endif
