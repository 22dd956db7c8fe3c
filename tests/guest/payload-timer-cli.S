/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arms the TSC-deadline timer and keeps interrupts off until a period after it
 * was due; then spins, interrupts on, until it has come.
 */
#include "payload.inc"

	ENTRY
	WRITE_MSR MSR_X2APIC_LVTT, (LVTT_TSC_DEADLINE | TIMER_VECTOR)
1:	ARM_TSC_DEADLINE
	SPIN_A_PERIOD_MORE
	SPIN_FOR_INTERRUPT
	AGAIN	1b
	DONE

	HANDLER_X2APIC
