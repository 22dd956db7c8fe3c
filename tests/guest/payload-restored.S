/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMM has armed the TSC-deadline timer, as it does for a guest that it restores:
 * halts until it comes, then arms it as often as needed for N interrupts.
 */
#include "payload.inc"

	ENTRY
	jmp	2f
1:	ARM_TSC_DEADLINE
2:	HALT_FOR_INTERRUPT
	AGAIN	1b
	DONE

	HANDLER_X2APIC
