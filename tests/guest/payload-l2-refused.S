/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of the guest that never runs: N VMRUNs that are refused, since the event to
 * inject is none (an exception with the vector of the NMI: APM vol. 2, 15.20).  Up to 6.12
 * KVM passes it on, so that its own VMRUN fails in the CPU.  7.3 looks at it, and so may
 * stable kernels ("KVM: nSVM: Add missing consistency check for EVENTINJ"): then KVM refuses
 * it, without an entry.
 */
#include "l2.inc"

#define NO_EVENT		0x80000302	/* valid, exception, vector 2 */

	L2_ENTRY
	SET_VMCB VMCB_RIP, 0

1:	movl	$NO_EVENT, VMCB_EVENTINJ(%rsi)
	mov	%rsi, %rax
	vmrun
	mov	VMCB_EXIT_CODE(%rsi), %rax
	cmp	$EXIT_INVALID, %eax	/* QEMU leaves the high half 0 */
	jne	other_exit
	incq	BLK_COUNT(%rdi)
	AGAIN	1b, %r8
	DONE

	L2_OTHER_EXIT

	HANDLER_NONE
