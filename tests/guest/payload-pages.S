/* SPDX-License-Identifier: GPL-2.0-only */
/* A store to each of N pages that nobody has touched: one nested page fault each. */
#include "payload.inc"

	ENTRY
	LET_HOST_IN
	mov	$GUEST_PAGES_VA, %esi
1:	mov	%rbx, (%rsi)
	add	$0x1000, %rsi
	incq	BLK_COUNT(%rdi)
	AGAIN	1b
	DONE

	HANDLER_NONE
