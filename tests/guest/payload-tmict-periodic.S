/* SPDX-License-Identifier: GPL-2.0-only */
/* Periodic timer of the memory-mapped xAPIC, armed once, N interrupts. */
#include "payload.inc"

	ENTRY
	movl	$(LVTT_PERIODIC | TIMER_VECTOR), XAPIC_LVTT
	movl	$TDCR_DIVIDE_BY_1, XAPIC_TDCR
	mov	BLK_PERIOD(%rdi), %eax
	mov	%eax, XAPIC_TMICT
1:
#ifdef SPINS
	SPIN_FOR_INTERRUPT
#else
	HALT_FOR_INTERRUPT
#endif
	AGAIN	1b
	/* One more may be pending by now; interrupts stay off, so it stays so. */
	movl	$0, XAPIC_TMICT
	DONE

	HANDLER_XAPIC
