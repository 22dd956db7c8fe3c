/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arms a TSC-deadline timer whose LVT entry is masked and waits, interrupts
 * on, twice the period for what cannot come.  N times.
 */
#include "payload.inc"

	ENTRY
	WRITE_MSR MSR_X2APIC_LVTT, (LVTT_MASKED | LVTT_TSC_DEADLINE | TIMER_VECTOR)
	sti
1:	ARM_TSC_DEADLINE
	SPIN_A_PERIOD_MORE
	incq	BLK_COUNT(%rdi)
	AGAIN	1b
	DONE

	HANDLER_NONE
