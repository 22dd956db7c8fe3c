/* SPDX-License-Identifier: GPL-2.0-only */
/* Arms the TSC-deadline timer and spins, interrupts on, until it comes. */
#include "payload.inc"

	ENTRY
	WRITE_MSR MSR_X2APIC_LVTT, (LVTT_TSC_DEADLINE | TIMER_VECTOR)
1:	ARM_TSC_DEADLINE
	SPIN_FOR_INTERRUPT
	AGAIN	1b
	DONE

	HANDLER_X2APIC
