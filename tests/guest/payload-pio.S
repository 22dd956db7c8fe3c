/* SPDX-License-Identifier: GPL-2.0-only */
/* OUT to a port that nobody has, N times: a round trip to userspace each. */
#include "payload.inc"

entry:
	mov	BLK_N(%rdi), %rbx
	test	%rbx, %rbx
	jz	2f
	mov	$PORT_NOBODY, %dx
1:	out	%eax, %dx
	incq	BLK_COUNT(%rdi)
	dec	%rbx
	jnz	1b
2:	DONE

handler:
	HANDLER_NONE
