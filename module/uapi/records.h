/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kvmsched: what the numbers in records mean, and the fields that two of them share;
 * record_list.h has the records
 */
#ifndef _UAPI_KVMSCHED_RECORDS_H
#define _UAPI_KVMSCHED_RECORDS_H

#include <linux/types.h>

#include "kvmsched.h"

#define KS_NO_VCPU	0xffff

/* Flags of a task */
#define KS_TASK_TOLD		(1 << 0) /* tgid, policy, nice and flags are known */
#define KS_TASK_KTHREAD		(1 << 1) /* a thread of the kernel */
#define KS_TASK_SERVER		(1 << 2) /* a deadline server lets it run: fair, ext */
/* Told of those alone that send interrupts */
#define KS_TASK_WORKER		(1 << 3) /* of a workqueue */
#define KS_TASK_USER_WORKER	(1 << 4) /* a thread of the kernel's in a process: vhost */
#define KS_TASK_IO_WORKER	(1 << 5) /* the same, of io_uring */

/* session, @op */
#define KS_SESSION_START	0
#define KS_SESSION_STOP		1

/* vcpu, @features */
#define KS_FEATURE_SVM		(1 << 0)
#define KS_FEATURE_VMX		(1 << 1)
#define KS_FEATURE_IRQCHIP	(1 << 2)  /* the LAPIC is in the kernel */
#define KS_FEATURE_TSC_SCALING	(1 << 3)  /* ratio is not 1 */
#define KS_FEATURE_TSC_DEADLINE	(1 << 4)  /* host: clock event by TSC deadline */
#define KS_FEATURE_NO_REASON	(1 << 5)  /* exit reasons failed the self-check */
#define KS_FEATURE_NO_LAPIC	(1 << 6)  /* timer fields failed the self-check */
#define KS_FEATURE_LATE		(1 << 7)  /* KVM_RUN began before recording */
#define KS_FEATURE_NO_HALT_POLL	(1 << 8)  /* halt_poll_ns is not known */
#define KS_FEATURE_GONE		(1 << 9)  /* its VM has been destroyed just now */
#define KS_FEATURE_TSC_UNSTABLE	(1 << 10) /* host: the kernel has found it unstable */
#define KS_FEATURE_NEW		(1 << 11) /* its first KVM_RUN begins just now */
#define KS_FEATURE_DETAIL	(1 << 12) /* exits: info is as below; else the hardware's */
#define KS_FEATURE_NO_REGS	(1 << 13) /* the host can't read the guest's registers */
#define KS_FEATURE_EXITS_TOLD	(1 << 14) /* the next four are known */
#define KS_FEATURE_NO_MWAIT	(1 << 15) /* MWAIT does not exit: Guest includes idle */
#define KS_FEATURE_NO_HLT	(1 << 16) /* likewise HLT */
#define KS_FEATURE_NO_PAUSE	(1 << 17) /* PAUSE does not exit: spinning is not seen */
#define KS_FEATURE_NO_CSTATE	(1 << 18) /* reads of the residency in C-states don't */

/* switch_out, @sleep and @kind; and @kind of the switch_in after it */
#define KS_SLEEP_ENUM(symbol, number, name)	KS_SLEEP_##symbol = (number)
enum { KVMSCHED_SLEEPS(KS_SLEEP_ENUM), KS_NR_SLEEPS };
#define KS_SWITCH_ENUM(symbol, number, name)	KS_SWITCH_##symbol = (number)
enum { KVMSCHED_SWITCH_KINDS(KS_SWITCH_ENUM), KS_NR_SWITCH_KINDS };

/*
 * exit, @info: with KS_FEATURE_DETAIL, that depends on the reason
 *   msr		ECX; bit 32: a write
 *   cpuid		EAX, and ECX in the high half
 *   vmmcall, vmcall	EAX
 *   npf, EPT_VIOLATION and EPT_MISCONFIG: the guest physical address, which has less
 *	than 56 bits.  Bits 63:56 say how it was accessed: the low byte of npf's error
 *	code (EXITINFO1), of EPT_VIOLATION's qualification, or 0
 *   any other		VMX: qualification; SVM: EXITINFO1
 * Registers mean nothing with KS_FEATURE_NO_REGS.  Without KS_FEATURE_DETAIL, in older
 * files, only npf is special: the address alone (EXITINFO2).
 */
#define KS_EXIT_MSR_WRITE	(1ULL << 32)
#define KS_EXIT_ACCESS_SHIFT	56
/* After the shift, of npf: APM vol. 2, 15.25.6 */
#define KS_NPF_PRESENT		(1 << 0)
#define KS_NPF_WRITE		(1 << 1)
#define KS_NPF_RESERVED		(1 << 3) /* KVM marks MMIO so */
#define KS_NPF_EXECUTE		(1 << 4)
/* Of EPT_VIOLATION: SDM vol. 3, table 28-7 */
#define KS_EPT_READ		(1 << 0)
#define KS_EPT_WRITE		(1 << 1)
#define KS_EPT_EXECUTE		(1 << 2)
#define KS_EPT_PRESENT		(7 << 3) /* the page may be read, written or executed */
/*
 * exit, @reason: SVM's codes reach 0x403, and go from -1 (its error) down to -16;
 * VMX's basic reasons are fewer.  Files of older modules have -1 for KS_REASON_NONE, too.
 */
#define KS_REASON_NONE		(-32767) /* could not be read */
#define KS_REASON_WIDE		(-32768) /* a code that doesn't fit */
/* exit, @flags */
#define KS_EXIT_END		(3 << 0) /* KS_EXIT_BY_* */
#define KS_EXIT_BY_ENUM(symbol, number, name)	KS_EXIT_BY_##symbol = (number)
enum { KVMSCHED_EXIT_ENDS(KS_EXIT_BY_ENUM), KS_NR_EXIT_ENDS };
#define KS_EXIT_VMX		(1 << 2) /* VMX's reason; else SVM's */
#define KS_EXIT_INFO_VALID	(1 << 3) /* vector is valid */
#define KS_EXIT_IRQ_FIRST	(1 << 4) /* time by an interrupt or a switch */
#define KS_EXIT_FASTPATH	(1 << 5) /* seen at the entry after it: no times */
#define KS_EXIT_FAILED_ENTRY	(1 << 6) /* VMX: the entry before it failed */
#define KS_EXIT_L2		(1 << 7) /* of a guest that this guest runs */
/* The instruction sets of exit reasons, as KVM's own trace.h numbers them */
#define KS_ISA_VMX	1
#define KS_ISA_SVM	2

/*
 * Fields of irq_accept and irqfd: what ran as an interrupt was sent.  That is a task,
 * which is common_pid, or an interrupt or a softirq of the host.  Of these two,
 * @task_flags, @tgid, @from_vm and @from_vcpu tell nothing.
 */
#define KS_SENDER_FIELDS						\
	F(u8, context)		/* KS_CONTEXT_* */			\
	F(u8, task_flags)	/* KS_TASK_* */				\
	F(s32, tgid)							\
	F(u16, from_vm)		/* within KVM_RUN of this vCPU, if it is known */ \
	F(u16, from_vcpu)						\
	F(u32, gsi)		/* of the irqfd */			\
	A(char, name, 16)	/* the task's, or the host interrupt's */
#define KS_CONTEXT_ENUM(symbol, number, name)	KS_CONTEXT_##symbol = (number)
enum { KVMSCHED_CONTEXTS(KS_CONTEXT_ENUM), KS_NR_CONTEXTS };

/* irq_accept, @by */
#define KS_BY_ENUM(symbol, number, name)	KS_BY_##symbol = (number)
enum { KVMSCHED_SENT_BYS(KS_BY_ENUM), KS_NR_BYS };

/* host_irq, @kind */
#define KS_HOST_IRQ_ENUM(symbol, number, name)	KS_HOST_IRQ_##symbol = (number)
enum { KVMSCHED_HOST_IRQ_KINDS(KS_HOST_IRQ_ENUM), KS_NR_HOST_IRQ_KINDS };

/*
 * timer_arm, @rearm.  AGAIN is KVM's doing: the same deadline, or the next period.
 * FOUND was armed before the recording; @deadline is that of KVM's hrtimer.  BY_VMM: by
 * another ioctl than KVM_RUN.  STOPPED by the guest, in TSC deadline mode.
 */
#define KS_ARM_ENUM(symbol, number, name)	KS_ARM_##symbol = (number)
enum { KVMSCHED_ARMS(KS_ARM_ENUM), KS_NR_ARMS };
/* timer_arm and timer_expire, @mode */
#define KS_TIMER_ENUM(symbol, number, name)	KS_TIMER_##symbol = (number)
enum { KVMSCHED_TIMER_MODES(KS_TIMER_ENUM), KS_NR_TIMER_MODES };

/* timer_expire, @merged: is another expiry pending, so that KVM ignores this one? */
#define KS_MERGED_NOT_TOLD	0
#define KS_MERGED_NO		1
#define KS_MERGED_YES		2

/* stimer, @what */
#define KS_STIMER_ENUM(symbol, number, name)	KS_STIMER_##symbol = (number)
enum { KVMSCHED_STIMERS(KS_STIMER_ENUM), KS_NR_STIMER_WHATS };
#define KS_STIMERS	4	/* of each vCPU */

/*
 * switch_out and wake, @throttled: does a quota keep the vCPU's thread from the CPU?  Up
 * to 6.17 it keeps all tasks of a cgroup from it at once.  Since then each task runs on
 * until it would return to user or guest mode: a thread that has lost the CPU before that
 * may get it again.
 */
#define KS_THROTTLED_AS_GROUP	0	/* as long as its cgroup is, see kvmsched_throttle */
#define KS_THROTTLED_NO		1
#define KS_THROTTLED_YES	2

/* Fields that files of older versions lack.  There they are 0: "not told". */
#define KS_LATER_FIELDS(X)						\
	X(switch_out, next_tgid) X(switch_out, next_policy)		\
	X(switch_out, next_nice) X(switch_out, next_flags)		\
	X(wake, holder_tgid) X(wake, holder_policy)			\
	X(wake, holder_nice) X(wake, holder_flags)			\
	X(migrate, holder_tgid) X(migrate, holder_policy)		\
	X(migrate, holder_nice) X(migrate, holder_flags)		\
	X(holder, tgid) X(holder, policy) X(holder, nice)		\
	X(holder, flags)						\
	X(host_switch, prev_tgid) X(host_switch, next_tgid)		\
	X(host_switch, prev_nice) X(host_switch, next_nice)		\
	X(host_switch, prev_flags) X(host_switch, next_flags)		\
	X(timer_expire, merged)						\
	X(switch_out, throttled) X(wake, throttled)			\
	X(switch_out, sleep)						\
	X(irq_accept, by) X(irq_accept, context) X(irq_accept, task_flags) \
	X(irq_accept, tgid) X(irq_accept, from_vm)			\
	X(irq_accept, from_vcpu) X(irq_accept, gsi)			\
	X(irq_accept, name) X(irq_accept, sent_cycles)

enum ks_event {
#define KS_RECORD(record, ...) KS_EV_##record,
#include "record_list.h"
	KS_NR_EVENTS
};

#endif /* _UAPI_KVMSCHED_RECORDS_H */
