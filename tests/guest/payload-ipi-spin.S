/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ping-pong between two vCPUs that wait for each other's IPI in guest mode, so
 * that each has to be kicked out of it.  They need a CPU each, or a policy under
 * which both get on.
 */
#include "payload.inc"

	ENTRY
	testb	$1, BLK_INDEX(%rdi)
	jnz	2f
1:	SEND_TO_PEER
	SPIN_FOR_INTERRUPT
	AGAIN	1b
	jmp	done
2:	SPIN_FOR_INTERRUPT
	SEND_TO_PEER
	AGAIN	2b
	DONE

	HANDLER_X2APIC
