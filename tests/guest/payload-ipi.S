/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ping-pong between two halted vCPUs: the even one sends an IPI and halts,
 * the odd one wakes, answers and halts.  Nobody spins, so it also ends when
 * both run under a real-time policy on one CPU.
 */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %rbx
	test	%rbx, %rbx
	jz	3f
	testb	$1, BLK_INDEX(%rdi)
	jnz	2f
1:	SEND_TO_PEER
	sti
	hlt
	dec	%rbx
	jnz	1b
	jmp	3f
2:	sti
	hlt
	SEND_TO_PEER
	dec	%rbx
	jnz	2b
3:	DONE

handler:
	HANDLER_BODY_X2APIC
