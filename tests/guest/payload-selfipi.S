/* SPDX-License-Identifier: GPL-2.0-only */
/* x2APIC self-IPI, N times, each handled before the next is sent. */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %rbx
	test	%rbx, %rbx
	jz	3f
1:	mov	BLK_COUNT(%rdi), %rsi
	sti
	WRITE_MSR MSR_X2APIC_SELF_IPI, IPI_VECTOR
2:	cmp	%rsi, BLK_COUNT(%rdi)
	je	2b
	dec	%rbx
	jnz	1b
3:	DONE

handler:
	HANDLER_BODY_X2APIC
