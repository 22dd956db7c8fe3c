/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ping-pong between two halted vCPUs: the even one sends an IPI and halts,
 * the odd one wakes, answers and halts.  Nobody spins, so it also ends when
 * both run under a real-time policy on one CPU.
 */
#include "payload.inc"

	ENTRY
	testb	$1, BLK_INDEX(%rdi)
	jnz	2f
1:	SEND_TO_PEER
	HALT_FOR_INTERRUPT
	AGAIN	1b
	jmp	done
2:	HALT_FOR_INTERRUPT
	SEND_TO_PEER
	AGAIN	2b
	DONE

	HANDLER_X2APIC
