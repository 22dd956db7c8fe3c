/* SPDX-License-Identifier: GPL-2.0-only */
/* RDMSR of IA32_APIC_BASE, N times: KVM never lets the guest read it alone. */
#include "payload.inc"

#define MSR_APIC_BASE		0x1b

	ENTRY
	LET_HOST_IN
	mov	$MSR_APIC_BASE, %ecx
1:	rdmsr
	incq	BLK_COUNT(%rdi)
	AGAIN	1b
	DONE

	HANDLER_NONE
