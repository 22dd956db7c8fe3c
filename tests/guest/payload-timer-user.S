/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arms the TSC-deadline timer and leaves for the VMM, which comes back a period
 * after it was due; then spins, interrupts on, until it has come.
 */
#include "payload.inc"

	ENTRY
	WRITE_MSR MSR_X2APIC_LVTT, (LVTT_TSC_DEADLINE | TIMER_VECTOR)
1:	ARM_TSC_DEADLINE
	mov	$PORT_BUSY, %dx
	out	%eax, %dx
	SPIN_FOR_INTERRUPT
	AGAIN	1b
	DONE

	HANDLER_X2APIC
