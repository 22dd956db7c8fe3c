/* SPDX-License-Identifier: GPL-2.0-only */
/* One-shot timer of the memory-mapped xAPIC, then HLT, N times. */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %rbx
	test	%rbx, %rbx
	jz	2f
	movl	$TIMER_VECTOR, XAPIC_LVTT
	movl	$TDCR_DIVIDE_BY_1, XAPIC_TDCR
1:	mov	BLK_PERIOD(%rdi), %eax
	mov	%eax, XAPIC_TMICT
	sti
	hlt
	dec	%rbx
	jnz	1b
2:	DONE

handler:
	HANDLER_BODY_XAPIC
