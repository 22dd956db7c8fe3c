/* SPDX-License-Identifier: GPL-2.0-only */
/* x2APIC self-IPI, N times, each handled before the next is sent. */
#include "payload.inc"

	ENTRY
1:	mov	BLK_COUNT(%rdi), %rsi
	sti
	WRITE_MSR MSR_X2APIC_SELF_IPI, IPI_VECTOR
2:	cmp	%rsi, BLK_COUNT(%rdi)
	je	2b
	AGAIN	1b
	DONE

	HANDLER_X2APIC
