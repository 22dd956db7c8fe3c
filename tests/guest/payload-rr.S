/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel with two processes that never sleep, round robin: it has a tick by the
 * TSC-deadline timer, and each TICKS of them are one quantum.  At its end, the other
 * process goes on, on its own stack.  A CPUID tells whoever listens; N quanta in all.
 *
 * As in Linux, ticks that came too late are left out, and a tick takes one off the
 * quantum however late it is (hrtimer_forward(), task_tick_rt()).
 */
#include "payload.inc"

#ifndef TICKS
#define TICKS	RR_TICKS
#endif

	ENTRY
	WRITE_MSR MSR_X2APIC_LVTT, (LVTT_TSC_DEADLINE | TIMER_VECTOR)
	movq	$TICKS, GUEST_RR_LEFT(%rdi)
	/* The other one, as if an interrupt had taken the CPU from it as it began */
	mov	%rsp, %rsi
	lea	GUEST_RR_STACK(%rdi), %rsp
	mov	%rsp, %rax
	mov	%ss, %rcx
	push	%rcx
	push	%rax
	pushq	$(RFLAGS_IF | RFLAGS_FIXED)
	mov	%cs, %rcx
	push	%rcx
	lea	process(%rip), %rax
	push	%rax
	sub	$24, %rsp		/* what the handler keeps of it */
	mov	%rsp, GUEST_RR_OTHER(%rdi)
	mov	%rsi, %rsp
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, GUEST_RR_TICK(%rdi)
	call	next_tick
process:
	sti
1:	jmp	1b

/* Arms the timer for the first tick of the grid that is not past; RAX, RCX, RDX */
next_tick:
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	mov	GUEST_RR_TICK(%rdi), %rcx
2:	add	BLK_PERIOD(%rdi), %rcx
	cmp	%rax, %rcx
	jbe	2b
	mov	%rcx, GUEST_RR_TICK(%rdi)
	mov	%rcx, %rax
	mov	%rcx, %rdx
	shr	$32, %rdx
	mov	$MSR_TSC_DEADLINE, %ecx
	wrmsr
	ret

	DONE

handler:
	testq	$RFLAGS_IF, 16(%rsp)
	jnz	3f
	incq	BLK_REPEATED(%rdi)	/* see HANDLER_BEGIN */
	iretq
3:	push	%rax
	push	%rcx
	push	%rdx
	WRITE_MSR MSR_X2APIC_EOI, 0
	decq	GUEST_RR_LEFT(%rdi)
	jnz	4f
	movq	$TICKS, GUEST_RR_LEFT(%rdi)
	incq	BLK_COUNT(%rdi)
	mov	%rbx, %rsi
	xor	%eax, %eax
	cpuid
	mov	%rsi, %rbx
	dec	%rbx
	jz	done
	mov	GUEST_RR_OTHER(%rdi), %rax
	mov	%rsp, GUEST_RR_OTHER(%rdi)
	mov	%rax, %rsp
4:	call	next_tick
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
