/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ping-pong between two vCPUs that wait for each other's IPI in guest mode, so
 * that each has to be kicked out of it.  They need a CPU each, or a policy under
 * which both get on.
 */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %rbx
	test	%rbx, %rbx
	jz	3f
	testb	$1, BLK_INDEX(%rdi)
	jnz	2f
1:	SEND_TO_PEER
	SPIN_FOR_INTERRUPT
	dec	%rbx
	jnz	1b
	jmp	3f
2:	SPIN_FOR_INTERRUPT
	SEND_TO_PEER
	dec	%rbx
	jnz	2b
3:	DONE

handler:
	HANDLER_BODY_X2APIC
