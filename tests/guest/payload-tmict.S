/* SPDX-License-Identifier: GPL-2.0-only */
/* One-shot timer of the memory-mapped xAPIC, then HLT, N times. */
#include "payload.inc"

	ENTRY
	movl	$TIMER_VECTOR, XAPIC_LVTT
	movl	$TDCR_DIVIDE_BY_1, XAPIC_TDCR
1:	mov	BLK_PERIOD(%rdi), %eax
	mov	%eax, XAPIC_TMICT
	HALT_FOR_INTERRUPT
	AGAIN	1b
	DONE

	HANDLER_XAPIC
