/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks KVM for its steal time (Documentation/virt/kvm/x86/msr.rst, MSR_KVM_STEAL_TIME),
 * then spins for a period and leaves for the VMM, which looks at the thread's waits; back
 * in guest mode it keeps what KVM has written there since.
 */
#include "payload.inc"

	ENTRY
	LET_HOST_IN
	lea	GUEST_STEAL(%rdi), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	or	$STEAL_ENABLED, %eax
	mov	$MSR_KVM_STEAL_TIME, %ecx
	wrmsr
1:	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	SPIN_A_PERIOD_MORE
	mov	$PORT_LOOK, %dx
	out	%eax, %dx
	mov	GUEST_STEAL(%rdi), %rax
	mov	%rax, BLK_STEAL(%rdi)
	incq	BLK_COUNT(%rdi)
	AGAIN	1b
	DONE

	HANDLER_NONE
