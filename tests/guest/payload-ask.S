/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes to a port, as a driver does that asks a device for something, and halts until the
 * answer comes, an interrupt; N times.
 */
#include "payload.inc"

	ENTRY
1:	mov	$PORT_ASK, %dx
	out	%eax, %dx
	HALT_FOR_INTERRUPT
	AGAIN	1b
	DONE

	HANDLER_X2APIC
