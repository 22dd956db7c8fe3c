/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two vCPUs share a ticket lock, and each takes it N times. Tickets are dealt beforehand:
 * the even vCPU has 0, 2, 4..., the odd one 1, 3, 5... So they take turns, and the odd one
 * waits in each of the even one's holds, of a period each. It gives the lock back at once.
 *
 * They wait without an exit of their own: give each a CPU, or a policy under which both
 * get on.
 */
#include "payload.inc"

	ENTRY
	LET_HOST_IN
	/* The lock, which is the ticket of its holder, lies in the even one's page. */
	mov	%rdi, %rsi
	and	$~0x1000, %rsi
	mov	BLK_INDEX(%rdi), %rbp
	and	$1, %ebp
	jnz	5f

	/*
	 * The holder's PAUSEs are too far apart to pass for a loop (KVM's ple_gap is 128
	 * cycles). They are there for an emulator, which runs the other vCPU at a PAUSE.
	 */
1:	cmp	%rbp, GUEST_LOCK(%rsi)
	je	2f
	.rept	4
	LINGER
	.endr
	pause
	jmp	1b
2:	incq	BLK_COUNT(%rdi)
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	SPIN_A_PERIOD_MORE
	incq	GUEST_LOCK(%rsi)
	add	$2, %rbp
	AGAIN	1b
	jmp	done

	/* As Linux waits for a spinlock. Only who has the lock writes to it. */
4:	pause
5:	cmp	%rbp, GUEST_LOCK(%rsi)
	jne	4b
	incq	BLK_COUNT(%rdi)
	incq	GUEST_LOCK(%rsi)
	add	$2, %rbp
	AGAIN	5b
	DONE

	HANDLER_NONE
