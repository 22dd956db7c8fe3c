/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYSCALL from user mode, N times: into the guest's own kernel, and back by SYSRET.  An
 * exception in user mode would find no stack, as there is no TSS: the guest shuts down.
 */
#define SYSTEM_CALL	system_call
#include "payload.inc"

	ENTRY
	LET_HOST_IN
	lea	user(%rip), %rcx
	mov	$(RFLAGS_FIXED | RFLAGS_IF), %r11d
	sysretq

user:
	syscall
	jmp	user

system_call:
	incq	BLK_COUNT(%rdi)
	AGAIN	1f
	DONE
1:	sysretq

	HANDLER_NONE
