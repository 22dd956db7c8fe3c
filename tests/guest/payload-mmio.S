/* SPDX-License-Identifier: GPL-2.0-only */
/* A store to an address without memory, N times: emulated, then userspace. */
#include "payload.inc"

	ENTRY
	LET_HOST_IN
1:	movl	%ebx, GUEST_HOLE_VA
	incq	BLK_COUNT(%rdi)
	AGAIN	1b
	DONE

	HANDLER_NONE
