/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of the guest: N VMRUNs of an L2 that does L2_CPUIDS CPUIDs, then a
 * VMMCALL.  This guest (L1) intercepts VMMCALL alone.  So KVM handles the CPUIDs
 * itself and goes back to L2, and it hands each VMMCALL on to L1.
 *
 * L2 has no IDT and needs none: a fault of its own ends the VM.  RSI is the VMCB.
 */
#include "payload.inc"

#define MSR_EFER		0xc0000080
#define MSR_VM_HSAVE_PA		0xc0010117
#define EFER_SVME		0x1000

/* Offsets in the VMCB, APM vol. 2, appendix B */
#define VMCB_INTERCEPTS_4	0x010
#define INTERCEPT_VMRUN		0x1	/* without it VMRUN fails */
#define INTERCEPT_VMMCALL	0x2
#define VMCB_ASID		0x058
#define VMCB_EXIT_CODE		0x070
#define EXIT_VMMCALL		0x81
#define VMCB_ES			0x400
#define VMCB_CS			0x410
#define VMCB_SS			0x420
#define VMCB_DS			0x430
#define VMCB_EFER		0x4d0
#define VMCB_CR4		0x548
#define VMCB_CR3		0x550
#define VMCB_CR0		0x558
#define VMCB_DR7		0x560
#define VMCB_DR6		0x568
#define VMCB_RFLAGS		0x570
#define VMCB_RIP		0x578
#define VMCB_RSP		0x5d8

/* Selector, attributes and limit of a flat segment, as one quadword */
#define FLAT_CODE_64		0xffffffff0a9b0000
#define FLAT_DATA		0xffffffff0c930000

.macro SET_VMCB field, value
	mov	$\value, %rax
	mov	%rax, \field(%rsi)
.endm

	ENTRY	%r8
	mov	BLK_INDEX(%rdi), %rsi
	shl	$12, %rsi
	add	$GUEST_VMCBS, %rsi

	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_SVME, %eax
	wrmsr
	mov	%rax, VMCB_EFER(%rsi)
	WRITE_MSR MSR_VM_HSAVE_PA, GUEST_HSAVE

	SET_VMCB VMCB_INTERCEPTS_4, INTERCEPT_VMRUN | INTERCEPT_VMMCALL
	SET_VMCB VMCB_ASID, 1
	SET_VMCB VMCB_CS, FLAT_CODE_64 | GUEST_CS
	SET_VMCB VMCB_SS, FLAT_DATA | GUEST_DS
	SET_VMCB VMCB_DS, FLAT_DATA | GUEST_DS
	SET_VMCB VMCB_ES, FLAT_DATA | GUEST_DS
	/* As vcpu-state.c sets them: reading CR4 would be an exit. */
	SET_VMCB VMCB_CR0, 0x80010033
	SET_VMCB VMCB_CR3, GUEST_PML4
	SET_VMCB VMCB_CR4, 0x20
	SET_VMCB VMCB_DR6, 0xffff0ff0
	SET_VMCB VMCB_DR7, 0x400
	SET_VMCB VMCB_RFLAGS, 0x2
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

other_exit:
	mov	%rax, BLK_FAULT(%rdi)
	mov	VMCB_RIP(%rsi), %rax
	mov	%rax, BLK_FAULT_RIP(%rdi)
	mov	$PORT_FAULT, %dx
	out	%eax, %dx

	HANDLER_NONE
