/* SPDX-License-Identifier: GPL-2.0-only */
/* OUT to a port that nobody has, N times: a round trip to userspace each. */
#include "payload.inc"

	ENTRY
	LET_HOST_IN
	mov	$PORT_NOBODY, %dx
1:	out	%eax, %dx
	incq	BLK_COUNT(%rdi)
	AGAIN	1b
	DONE

	HANDLER_NONE
