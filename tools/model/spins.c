// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits that suggest that a guest spins; see spins.h.
 */
#include <asm/kvm_para.h>
#include <asm/svm.h>
#include <asm/vmx.h>
#include <linux/kvm_para.h>

#include "model/spins.h"
#include "model/state.h"

static void note_hypercall(struct kvs_vcpu *v, const struct kvs_span *span)
{
	/* Without the registers the number isn't known; nor is it in the fast path. */
	if (!v->identified || !(v->features & KS_FEATURE_DETAIL) ||
	    v->features & KS_FEATURE_NO_REGS || span->exit.fastpath)
		return;
	if ((u32)span->exit.info == KVM_HC_KICK_CPU)
		v->spins[KVS_SPIN_KICK]++;
	if ((u32)span->exit.info == KVM_HC_SCHED_YIELD)
		v->spins[KVS_SPIN_YIELD]++;
}

void kvs_spins_note(struct kvs_vcpu *v, const struct kvs_span *span)
{
	bool vmx = span->exit.isa == KS_ISA_VMX;

	/* L1 gets the hypercalls of its guests, and sets the filter for them. */
	if (span->exit.l2)
		return;
	if (span->exit.reason == (vmx ? EXIT_REASON_PAUSE_INSTRUCTION : SVM_EXIT_PAUSE))
		v->spins[KVS_SPIN_PAUSE]++;
	if (span->exit.reason == (vmx ? EXIT_REASON_VMCALL : SVM_EXIT_VMMCALL))
		note_hypercall(v, span);
}
