/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_COMPAT_HALT_POLL_H
#define _KVMSCHED_COMPAT_HALT_POLL_H

#include <linux/kvm_host.h>

#include "features.h"

/*
 * Does kvm->max_halt_poll_ns hold the VM's limit of halt polling?
 *
 * Since 6.2 and in some stable kernels before it (9eb8ca049c23, "KVM: Allow for
 * the override of halt_poll_ns"), it does only for a VM whose VMM has set
 * KVM_CAP_HALT_POLL; all others have the limit of kvm's parameter.  Before, KVM
 * copied the parameter when it made the VM.
 */
static inline bool ks_kvm_has_own_halt_poll(const struct kvm *kvm)
{
#ifdef KS_HAVE_OVERRIDE_HALT_POLL
	return READ_ONCE(kvm->override_halt_poll_ns);
#else
	return true;
#endif
}

#endif
