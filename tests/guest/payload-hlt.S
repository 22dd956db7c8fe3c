/* SPDX-License-Identifier: GPL-2.0-only */
/* Arms the TSC-deadline timer and halts until it comes, N times. */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %rbx
	test	%rbx, %rbx
	jz	2f
	WRITE_MSR MSR_X2APIC_LVTT, (LVTT_TSC_DEADLINE | TIMER_VECTOR)
1:	ARM_TSC_DEADLINE
	/*
	 * STI's shadow covers HLT: a timer already due still ends this HLT.
	 * Where the shadow is lost, the handler leaves the HLT out.
	 */
	sti
	hlt
	dec	%rbx
	jnz	1b
2:	DONE

handler:
	HANDLER_BODY_X2APIC
