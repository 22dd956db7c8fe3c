/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUID, N times: the exit that both vendors always take. */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %r8
	test	%r8, %r8
	jz	2f
1:	xor	%eax, %eax
	cpuid
	incq	BLK_COUNT(%rdi)
	dec	%r8
	jnz	1b
2:	DONE

handler:
	HANDLER_NONE
