/* SPDX-License-Identifier: GPL-2.0-only */
/* WBINVD, N times: an exit that both vendors always take, and that no register is for. */
#include "payload.inc"

	ENTRY	%r8
	LET_HOST_IN
1:	wbinvd
	incq	BLK_COUNT(%rdi)
	AGAIN	1b, %r8
	DONE

	HANDLER_NONE
