/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes CR3 with what it holds, N times: what a guest's process switch does. */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %rbx
	test	%rbx, %rbx
	jz	2f
	mov	%cr3, %rax
1:	mov	%rax, %cr3
	incq	BLK_COUNT(%rdi)
	dec	%rbx
	jnz	1b
2:	DONE

handler:
	HANDLER_NONE
