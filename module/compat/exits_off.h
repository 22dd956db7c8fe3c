/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_COMPAT_EXITS_OFF_H
#define _KVMSCHED_COMPAT_EXITS_OFF_H

#include <linux/kvm_host.h>

#include "features.h"

/*
 * What of a VM's guests does not exit: bits KVM_X86_DISABLE_EXITS_*.
 *
 * Its VMM asks for that (KVM_CAP_X86_DISABLE_EXITS); exits of PAUSE are KVM's own choice,
 * too.  The bits became one mask in 6.17 (6fbef8615d35, "KVM: x86: Replace growing set of
 * *_in_guest bools with a u64"); before, there was a bool for each.
 */
static inline u64 ks_kvm_exits_off(const struct kvm *kvm)
{
#ifdef KS_HAVE_DISABLED_EXITS
	return READ_ONCE(kvm->arch.disabled_exits);
#else
	return (kvm->arch.mwait_in_guest ? KVM_X86_DISABLE_EXITS_MWAIT : 0) |
	       (kvm->arch.hlt_in_guest ? KVM_X86_DISABLE_EXITS_HLT : 0) |
	       (kvm->arch.pause_in_guest ? KVM_X86_DISABLE_EXITS_PAUSE : 0) |
	       (kvm->arch.cstate_in_guest ? KVM_X86_DISABLE_EXITS_CSTATE : 0);
#endif
}

#endif
