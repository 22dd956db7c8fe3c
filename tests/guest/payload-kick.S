/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SVM only: the two hypercalls of Linux guests that wait for another vCPU, N times each:
 * KVM_HC_KICK_CPU, of paravirtual spinlocks, and KVM_HC_SCHED_YIELD.  Both name a vCPU
 * that the VM does not have, so nobody is woken and nothing is delivered.
 */
#include "payload.inc"

#define KVM_HC_KICK_CPU		5
#define KVM_HC_SCHED_YIELD	11
#define NO_VCPU			(GUEST_MAX_VCPUS + 1)

	/* RBX and RCX are the hypercalls' arguments. */
	ENTRY	%r12
	LET_HOST_IN
1:	mov	$KVM_HC_KICK_CPU, %eax
	xor	%ebx, %ebx
	mov	$NO_VCPU, %ecx
	vmmcall
	mov	$KVM_HC_SCHED_YIELD, %eax
	mov	$NO_VCPU, %ebx
	vmmcall
	incq	BLK_COUNT(%rdi)
	AGAIN	1b, %r12
	DONE

	HANDLER_NONE
