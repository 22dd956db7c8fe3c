/* SPDX-License-Identifier: GPL-2.0-only */
/* Halts until somebody outside sends an interrupt, N times. */
#include "payload.inc"

	ENTRY
	movq	$1, BLK_READY(%rdi)
1:	HALT_FOR_INTERRUPT
	AGAIN	1b
	DONE

	HANDLER_X2APIC
