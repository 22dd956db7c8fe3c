/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pure spin: no exit of its own until it ends, after N loops (0: no limit),
 * when its TSC limit is over, or when the VMM says stop.
 */
#include "payload.inc"

entry:
	LET_HOST_IN
	/* Counting down from 0 wraps round: no limit that anybody sees. */
	mov	BLK_N(%rdi), %rbx
	mov	%rbx, %r9
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, %r8
	add	BLK_LIMIT(%rdi), %r8
1:	incq	BLK_COUNT(%rdi)
	/* N loops are short ones: there they are what is counted. */
	test	%r9, %r9
	jnz	2f
	LINGER
2:
#ifdef WITH_PAUSE
	pause
#endif
	dec	%rbx
	jz	done
	cmpq	$0, BLK_STOP(%rdi)
	jne	done
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	cmp	%r8, %rax
	jb	1b
	DONE

	HANDLER_NONE
