/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes CR3 with what it holds, N times: what a guest's process switch does. */
#include "payload.inc"

	ENTRY
	LET_HOST_IN
	mov	%cr3, %rax
1:	mov	%rax, %cr3
	incq	BLK_COUNT(%rdi)
	AGAIN	1b
	DONE

	HANDLER_NONE
