/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets a synthetic timer of Hyper-V's interface, whose interrupt comes without a message,
 * and halts until it comes, N times.
 */
#include "payload.inc"

#define MSR_HV_TIME_REF_COUNT	0x40000020
#define MSR_HV_STIMER0_CONFIG	0x400000b0
#define MSR_HV_STIMER0_COUNT	0x400000b1

#define STIMER_AUTO_ENABLE	0x8	/* by a write of its count */
#define STIMER_VECTOR_SHIFT	4
#define STIMER_DIRECT		0x1000

	ENTRY
	WRITE_MSR MSR_HV_STIMER0_CONFIG, (STIMER_DIRECT | STIMER_AUTO_ENABLE | \
					  TIMER_VECTOR << STIMER_VECTOR_SHIFT)
	/* The period is in ns, and its clock counts hundreds of them. */
	mov	BLK_PERIOD(%rdi), %rax
	xor	%edx, %edx
	mov	$100, %ecx
	div	%rcx
	mov	%rax, %r8
1:	mov	$MSR_HV_TIME_REF_COUNT, %ecx
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	add	%r8, %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$MSR_HV_STIMER0_COUNT, %ecx
	wrmsr
	HALT_FOR_INTERRUPT
	AGAIN	1b
	DONE

	HANDLER_X2APIC
