/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arms the TSC-deadline timer and leaves for the VMM, which comes back a period
 * after it was due; then spins, interrupts on, until it has come.
 */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %rbx
	test	%rbx, %rbx
	jz	2f
	WRITE_MSR MSR_X2APIC_LVTT, (LVTT_TSC_DEADLINE | TIMER_VECTOR)
1:	ARM_TSC_DEADLINE
	mov	$PORT_BUSY, %dx
	out	%eax, %dx
	SPIN_FOR_INTERRUPT
	dec	%rbx
	jnz	1b
2:	DONE

handler:
	HANDLER_BODY_X2APIC
