/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of the guest: N VMRUNs of an L2 that does L2_CPUIDS CPUIDs, then a
 * VMMCALL.  This guest (L1) intercepts VMMCALL alone.  So KVM handles the CPUIDs
 * itself and goes back to L2, and it hands each VMMCALL on to L1.
 *
 * L2 has no IDT and needs none: a fault of its own ends the VM.
 */
#include "l2.inc"

	L2_ENTRY
	mov	%rsp, VMCB_RSP(%rsi)

1:	lea	l2(%rip), %rax
	mov	%rax, VMCB_RIP(%rsi)
	mov	%rsi, %rax
	vmrun
	mov	VMCB_EXIT_CODE(%rsi), %rax
	cmp	$EXIT_VMMCALL, %rax
	jne	other_exit
	incq	BLK_COUNT(%rdi)
	AGAIN	1b, %r8
	DONE

/* All registers but RAX, RSP and RIP are shared with L1. */
l2:	mov	$L2_CPUIDS, %r9d
2:	xor	%eax, %eax
	cpuid
	AGAIN	2b, %r9
	vmmcall
	ud2

	L2_OTHER_EXIT

	HANDLER_NONE
