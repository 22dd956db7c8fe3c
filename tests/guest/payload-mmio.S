/* SPDX-License-Identifier: GPL-2.0-only */
/* A store to an address without memory, N times: emulated, then userspace. */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %rbx
	test	%rbx, %rbx
	jz	2f
1:	movl	%ebx, GUEST_HOLE_VA
	incq	BLK_COUNT(%rdi)
	dec	%rbx
	jnz	1b
2:	DONE

handler:
	HANDLER_NONE
