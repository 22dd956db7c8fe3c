/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kvmsched: the fields of every record, declared once
 *
 * Each record has a list of fields, F for one value and A for an array.  The
 * types are the kernel's own u8, s32 and so on, by which the format files name
 * them.  Whoever expands a list declares these types, where they are missing.
 *
 * In the ring, the fields that ftrace gives all events stand in front of these.
 * Their size is that of struct trace_entry, which format files say; no list
 * depends on it.
 *
 * Fields are aligned as C aligns them.  Common to all:
 *   vm	    number of the VM, given by the module when it sees the VM first;
 *	    the vcpu record says which process it is; 0 is unknown
 *   vcpu   vcpu_id, or KS_NO_VCPU
 *   *_cycles  durations in cycles of the host's TSC
 *   *_ns   nanoseconds
 *
 * A task that had or got a CPU is told by pid, comm and prio, and by tgid, policy,
 * nice and flags (KS_TASK_*).  Older files lack the latter four.  Then flags is 0,
 * and the others mean nothing.
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

/* A session begins or ends, on this CPU */
#define KS_SESSION_FIELDS(F, A)						\
	F(u8, op)		/* KS_SESSION_* */			\
	F(u8, overwrite)	/* 1: flight recorder */		\
	F(u16, cpu)							\
	F(u32, classes)		/* KVMSCHED_CLASS_* recorded */		\
	F(u32, pages)		/* data pages of this CPU's ring */	\
	F(u32, tsc_khz)
#define KS_SESSION_START	0
#define KS_SESSION_STOP		1

/* One hook, as it is attached at the start of the session */
#define KS_ATTACH_FIELDS(F, A)						\
	A(char, hook, 32)	/* function or tracepoint */		\
	F(u32, classes)		/* KVMSCHED_CLASS_* that need it */	\
	F(s32, status)		/* 0 or negative errno */		\
	F(u32, how)		/* KVMSCHED_HOW_* */

/* How many records of one kind a CPU lost in the whole session */
#define KS_LOST_FIELDS(F, A)						\
	F(u16, event)		/* its id, as in common_type; 0: none */ \
	F(u16, cpu)							\
	A(char, name, 32)	/* of the event, or of what was lost */	\
	F(u64, count)

/* Who a vCPU is; written first of all, and when something here has changed */
#define KS_VCPU_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(s32, tgid)		/* the VMM process; common_pid: its thread */ \
	F(u64, tsc_offset)	/* guest_tsc = tsc * ratio + offset */	\
	F(u64, tsc_ratio)	/* fixed point ... */			\
	F(u32, tsc_frac_bits)	/* ... number of its fraction bits */	\
	F(u32, features)	/* KS_FEATURE_* */			\
	F(u32, apicv_inhibits)	/* KVM's bitmap; 0: APICv/AVIC active */ \
	F(u32, halt_poll_ns)	/* limit of halt polling now, 0: none */	\
	F(u16, policy)		/* SCHED_* */				\
	F(u16, rt_priority)	/* 1..99 for FIFO and RR */		\
	F(s16, nice)							\
	F(s16, prio)		/* the kernel's, 0..139, -1 DEADLINE */	\
	A(char, comm, 16)
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

/* KVM_RUN begins (vcpu_load) */
#define KS_LOAD_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u64, user_cycles)	/* since the last put, 0 if unknown */

/* KVM_RUN ends (vcpu_put): a heavyweight exit */
#define KS_PUT_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u32, exit_reason)	/* KVM_EXIT_* of struct kvm_run */	\
	F(u64, run_cycles)	/* since the load, 0 if unknown */

/* The vCPU's thread loses the CPU */
#define KS_SWITCH_OUT_FIELDS(F, A)					\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u8, kind)		/* KS_SWITCH_* */			\
	F(u8, loaded)		/* 1: within KVM_RUN */			\
	F(s16, next_prio)						\
	F(s32, next_pid)						\
	A(char, next_comm, 16)						\
	F(u32, nvcsw)		/* the kernel's counts of switches, */	\
	F(u32, nivcsw)		/* this one included */			\
	F(u64, ran_cycles)	/* since the switch in, 0 if unknown */	\
	F(s32, next_tgid)						\
	F(u8, next_policy)	/* SCHED_* */				\
	F(s8, next_nice)						\
	F(u8, next_flags)	/* KS_TASK_* */				\
	F(u8, throttled)	/* KS_THROTTLED_*, as it goes */	\
	F(u8, sleep)		/* KS_SLEEP_*, if it is blocked */
#define KS_SLEEP_ENUM(symbol, number, name)	KS_SLEEP_##symbol = (number)
enum { KVMSCHED_SLEEPS(KS_SLEEP_ENUM), KS_NR_SLEEPS };
#define KS_SWITCH_ENUM(symbol, number, name)	KS_SWITCH_##symbol = (number)
enum { KVMSCHED_SWITCH_KINDS(KS_SWITCH_ENUM), KS_NR_SWITCH_KINDS };

/* The vCPU's thread gains the CPU */
#define KS_SWITCH_IN_FIELDS(F, A)					\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u16, from_cpu)	/* where it ran before */		\
	F(u8, kind)		/* KS_SWITCH_* of the switch out */	\
	F(u64, off_cycles)	/* since the switch out, 0 if unknown */ \
	F(u64, wait_ns)		/* runnable in that time: from the wakeup */ \
				/* on, or if unseen, by run_delay */

/* Policy or priority of the vCPU's thread have changed */
#define KS_POLICY_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u16, old_policy)						\
	F(s16, old_prio)						\
	F(u16, policy)							\
	F(s16, prio)							\
	F(s16, nice)							\
	F(u16, rt_priority)

/*
 * One hardware exit.  It is written when the vCPU enters the guest again, its
 * thread loses the CPU, or KVM_RUN returns, whichever is first.  By far the most
 * frequent record: 40 bytes, 44 with the header of the ring.
 */
#define KS_EXIT_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(s16, reason)		/* the hardware's number, or KS_REASON_* */ \
	F(u8, vector)		/* of the interruption info, if valid */ \
	F(u8, flags)		/* KS_EXIT_* */				\
	F(u64, info)		/* see below */				\
	F(u64, guest_cycles)	/* from entry to this exit, 0 if unknown; */ \
				/* to the record, if by the fast path */ \
	F(u64, host_cycles)	/* from this exit to the record */
/*
 * info of exits: with KS_FEATURE_DETAIL, that depends on the reason
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
 * SVM's codes reach 0x403, and go from -1 (its error) down to -16; VMX's basic
 * reasons are fewer.  Files of older modules have -1 for KS_REASON_NONE, too.
 */
#define KS_REASON_NONE		(-32767) /* could not be read */
#define KS_REASON_WIDE		(-32768) /* a code that doesn't fit */
#define KS_EXIT_END		(3 << 0) /* KS_EXIT_BY_* */
#define KS_EXIT_BY_ENUM(symbol, number, name)	KS_EXIT_BY_##symbol = (number)
enum { KVMSCHED_EXIT_ENDS(KS_EXIT_BY_ENUM), KS_NR_EXIT_ENDS };
#define KS_EXIT_VMX		(1 << 2) /* VMX's reason; else SVM's */
#define KS_EXIT_INFO_VALID	(1 << 3) /* vector is valid */
#define KS_EXIT_IRQ_FIRST	(1 << 4) /* time by an interrupt or a switch */
#define KS_EXIT_FASTPATH	(1 << 5) /* seen at the entry after it: no times */
#define KS_EXIT_FAILED_ENTRY	(1 << 6) /* VMX: the entry before it failed */
#define KS_EXIT_L2		(1 << 7) /* of a guest that this guest runs */
/* As KVM's own trace.h numbers them. */
#define KS_ISA_VMX	1
#define KS_ISA_SVM	2

/*
 * Entry into the guest after an exit whose record a switch or a put ended; after an
 * entry that failed, of which no record tells; or the first one that is seen
 */
#define KS_ENTRY_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u64, since_exit_cycles) /* since the exit: out of the guest; 0: none */

/*
 * What ran as an interrupt was sent: a task, which is common_pid, or an interrupt or a
 * softirq of the host.  Of these two, @task_flags, @tgid, @from_vm and @from_vcpu tell
 * nothing.
 */
#define KS_SENDER_FIELDS(F, A)						\
	F(u8, context)		/* KS_CONTEXT_* */			\
	F(u8, task_flags)	/* KS_TASK_* */				\
	F(s32, tgid)							\
	F(u16, from_vm)		/* within KVM_RUN of this vCPU, if it is known */ \
	F(u16, from_vcpu)						\
	F(u32, gsi)		/* of the irqfd */			\
	A(char, name, 16)	/* the task's, or the host interrupt's */
#define KS_CONTEXT_ENUM(symbol, number, name)	KS_CONTEXT_##symbol = (number)
enum { KVMSCHED_CONTEXTS(KS_CONTEXT_ENUM), KS_NR_CONTEXTS };

/*
 * The virtual LAPIC accepts an interrupt.  By a work item (IRQFD_WORK) the sender is a
 * worker of the kernel's: the irqfd record before it has whoever asked for it.
 */
#define KS_IRQ_ACCEPT_FIELDS(F, A)					\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u16, delivery_mode)	/* APIC's: 0 fixed, 2 SMI, 4 NMI, 5 INIT ... */ \
	F(u8, vector)							\
	F(u8, level)		/* 1: level triggered */		\
	F(u8, by)		/* KS_BY_* */				\
	KS_SENDER_FIELDS(F, A)						\
	F(u64, sent_cycles)	/* since it was sent: ICR, HYPERCALL, IRQFD; or 0 */
#define KS_BY_ENUM(symbol, number, name)	KS_BY_##symbol = (number)
enum { KVMSCHED_SENT_BYS(KS_BY_ENUM), KS_NR_BYS };

/* KVM injects an interrupt: the guest takes it at the next entry */
#define KS_IRQ_INJECT_FIELDS(F, A)					\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u16, vector)							\
	F(u8, soft)							\
	F(u8, reinjected)	/* 1: again, since an exit came first */

/*
 * KVM leaves what the LAPIC has just accepted to the hardware (APICv's posted interrupts,
 * AVIC): the guest takes it without an exit, and no record tells when
 */
#define KS_IRQ_POSTED_FIELDS(F, A)					\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u8, vector)

/* The guest ends an interrupt (EOI) */
#define KS_IRQ_EOI_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(s32, vector)

/* A vCPU sends an interrupt to another, or to itself, by its LAPIC's ICR */
#define KS_IPI_FIELDS(F, A)						\
	F(u16, vm)		/* of the sender */			\
	F(u16, vcpu)							\
	F(u32, icr)		/* low half: vector, delivery mode, shorthand */ \
	F(u32, dest)		/* APIC id or logical; not with a shorthand */

/* An eventfd was signalled that is an interrupt of a VM (irqfd) */
#define KS_IRQFD_FIELDS(F, A)						\
	F(u16, vm)							\
	KS_SENDER_FIELDS(F, A)

/*
 * The host served an interrupt or a softirq, while a vCPU's thread was on the CPU
 * (vm, vcpu) or another task.  The second needs class host, or class steal and a
 * vCPU that waits for this CPU.  A softirq may be interrupted: the interrupt has
 * a record of its own, and its time is not counted in the softirq's.
 */
#define KS_HOST_IRQ_FIELDS(F, A)					\
	F(u16, vm)		/* 0: a host process (common_pid) */	\
	F(u16, vcpu)							\
	F(s32, irq)		/* Linux number; -1: vector or softirq */ \
	A(char, name, 16)	/* of the first action, vector or softirq */ \
	F(u8, ended_guest)	/* 1: this interrupt ended guest mode */ \
	F(u8, kind)		/* KS_HOST_IRQ_* */			\
	F(u16, vector)		/* 0: unknown, or a softirq */		\
	F(u64, cycles)		/* in the handler */
#define KS_HOST_IRQ_ENUM(symbol, number, name)	KS_HOST_IRQ_##symbol = (number)
enum { KVMSCHED_HOST_IRQ_KINDS(KS_HOST_IRQ_ENUM), KS_NR_HOST_IRQ_KINDS };

/* A LAPIC timer is programmed, by the guest unless @rearm says otherwise */
#define KS_TIMER_ARM_FIELDS(F, A)					\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u8, mode)		/* KS_TIMER_* */			\
	F(u8, rearm)		/* KS_ARM_*, by whom */			\
	F(u8, hv)		/* 1: VMX preemption timer, 0: hrtimer */ \
	F(u64, guest_deadline)	/* guest's TSC; TSC deadline mode only */ \
	F(u64, deadline)	/* host's TSC; 0: stopped */		\
	F(u64, period_ns)	/* one-shot and periodic: as asked for */
/*
 * AGAIN is KVM's doing: the same deadline, or the next period.  FOUND was armed before
 * the recording; @deadline is that of KVM's hrtimer.  BY_VMM: by another ioctl than
 * KVM_RUN.  STOPPED by the guest, in TSC deadline mode.
 */
#define KS_ARM_ENUM(symbol, number, name)	KS_ARM_##symbol = (number)
enum { KVMSCHED_ARMS(KS_ARM_ENUM), KS_NR_ARMS };
#define KS_TIMER_ENUM(symbol, number, name)	KS_TIMER_##symbol = (number)
enum { KVMSCHED_TIMER_MODES(KS_TIMER_ENUM), KS_NR_TIMER_MODES };

/* What backs the LAPIC timer expires */
#define KS_TIMER_EXPIRE_FIELDS(F, A)					\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u8, mode)							\
	F(u8, hv)		/* 1: VMX preemption timer, 0: hrtimer */ \
	F(u8, merged)		/* KS_MERGED_* */			\
	F(u64, deadline)	/* host's TSC, as in kvmsched_timer_arm */ \
	F(s64, late_cycles)	/* negative: early (timer advance) */
/* Is another expiry pending, so that KVM ignores this one? */
#define KS_MERGED_NOT_TOLD	0
#define KS_MERGED_NO		1
#define KS_MERGED_YES		2

/* A synthetic timer of Hyper-V's interface, of which each vCPU has four */
#define KS_STIMER_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u8, timer)		/* 0 to 3 */				\
	F(u8, what)		/* KS_STIMER_* */			\
	F(u8, periodic)		/* ARMED: for each period anew */	\
	F(u8, direct)		/* DELIVERED: an interrupt, else a message */ \
	F(u64, ahead_cycles)	/* ARMED: until it is due */
#define KS_STIMER_ENUM(symbol, number, name)	KS_STIMER_##symbol = (number)
enum { KVMSCHED_STIMERS(KS_STIMER_ENUM), KS_NR_STIMER_WHATS };
#define KS_STIMERS	4

/* The host programs its own clock event device while a vCPU is loaded */
#define KS_CLOCKEVENT_FIELDS(F, A)					\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(s64, expires_ns)	/* CLOCK_MONOTONIC */			\
	F(s64, delta_ns)	/* from now */

/* A halt is over */
#define KS_HALT_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u8, waited)		/* 1: it slept */			\
	F(u8, valid)		/* 0: woken for nothing */		\
	F(u64, poll_ns)		/* polled, by KVM's halt_poll_*_ns */	\
	F(u64, halt_ns)		/* polled and slept, by KVM */

/* Class steal: a vCPU's thread was woken, and waits for a CPU now */
#define KS_WAKE_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u16, cpu)		/* that it waits for */			\
	F(s16, holder_prio)						\
	F(s32, holder_pid)	/* task on that CPU; -1 unknown */	\
	A(char, holder_comm, 16)					\
	F(s32, holder_tgid)						\
	F(u8, holder_policy)	/* SCHED_* */				\
	F(s8, holder_nice)						\
	F(u8, holder_flags)	/* KS_TASK_* */				\
	F(u8, throttled)	/* KS_THROTTLED_* */

/*
 * Does a quota keep the vCPU's thread from the CPU?  Up to 6.17 it keeps all tasks of
 * a cgroup from it at once.  Since then each task runs on until it would return to user
 * or guest mode: a thread that has lost the CPU before that may get it again.
 */
#define KS_THROTTLED_AS_GROUP	0	/* as long as its cgroup is, see kvmsched_throttle */
#define KS_THROTTLED_NO		1
#define KS_THROTTLED_YES	2

/* Class steal: a waiting vCPU's thread is moved to the queue of another CPU */
#define KS_MIGRATE_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u16, cpu)		/* that it waits for from now on */	\
	F(u16, from_cpu)						\
	F(s32, holder_pid)	/* task on @cpu; -1 unknown */		\
	F(s16, holder_prio)						\
	A(char, holder_comm, 16)					\
	F(s32, holder_tgid)						\
	F(u8, holder_policy)	/* SCHED_* */				\
	F(s8, holder_nice)						\
	F(u8, holder_flags)	/* KS_TASK_* */

/* Class steal: another task gets this CPU, for which a vCPU waits */
#define KS_HOLDER_FIELDS(F, A)						\
	F(s32, pid)							\
	F(s16, prio)							\
	F(u16, vm)		/* the holder is a vCPU, or 0 */	\
	F(u16, vcpu)							\
	F(u16, waiters)		/* vCPUs that wait for this CPU */	\
	A(char, comm, 16)						\
	F(s32, tgid)							\
	F(u8, policy)		/* SCHED_* */				\
	F(s8, nice)							\
	F(u8, flags)		/* KS_TASK_* */

/* A vCPU's ledger in the kernel, at the end of the session */
#define KS_LEDGER_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(s32, tid)							\
	A(u64, states, 9)	/* cycles, by enum kvmsched_state */	\
	F(u64, exits)

/* Class host: a context switch of the host */
#define KS_HOST_SWITCH_FIELDS(F, A)					\
	F(s32, prev_pid)						\
	F(s32, next_pid)						\
	F(s16, prev_prio)						\
	F(s16, next_prio)						\
	F(u8, prev_policy)						\
	F(u8, next_policy)						\
	F(u8, preempted)	/* 1: prev is still runnable */		\
	F(u8, vcpus)		/* 1: prev is a vCPU, 2: next, 3: both */ \
	A(char, prev_comm, 16)						\
	A(char, next_comm, 16)						\
	F(s32, prev_tgid)						\
	F(s32, next_tgid)						\
	F(s8, prev_nice)						\
	F(s8, next_nice)						\
	F(u8, prev_flags)	/* KS_TASK_* */				\
	F(u8, next_flags)

/*
 * Class steal: in which cgroup a vCPU's thread is, as the cpu controller has it; and for
 * each cgroup above that, which one is above it.  A quota bounds all that are below.
 */
#define KS_CGROUP_FIELDS(F, A)						\
	F(s32, tid)		/* the thread; 0: it is above another's */ \
	F(u64, id)		/* its directory's inode number; 0: none */ \
	F(u64, parent)		/* the one above it; 0: none */

/*
 * Class steal: the quota of a cgroup (cpu.max) is used up on a CPU, or there is some
 * again.  Told of cgroups that a vCPU's thread is in, or below.
 */
#define KS_THROTTLE_FIELDS(F, A)					\
	F(u64, cgroup)							\
	F(u16, cpu)							\
	F(u8, on)		/* 1: its tasks are kept from that CPU */

/* Class steal: a cgroup's cpu.max and cpu.stat, as a program has read them */
#define KS_QUOTA_FIELDS(F, A)						\
	F(u64, cgroup)							\
	F(s64, quota_us)	/* of each period; -1: no limit */	\
	F(u64, period_us)						\
	F(u64, periods)		/* nr_periods */			\
	F(u64, throttled)	/* nr_throttled */			\
	F(u64, throttled_us)	/* throttled_usec */			\
	A(char, name, KVMSCHED_QUOTA_NAME) /* of its path, the end */

/* Which BPF scheduler is loaded (sched_ext), as a program has found it */
#define KS_BPF_SCHEDULER_FIELDS(F, A)					\
	F(u64, loads)		/* how many were, since the kernel came up */ \
	F(u8, loaded)		/* 0: none is */			\
	F(u8, all_threads)	/* 1: it has all but real-time ones; else SCHED_EXT's */ \
	A(char, name, KVMSCHED_BPF_SCHEDULER_NAME) /* the beginning */

/*
 * Class steal: a vCPU's thread begins to wait for a CPU, or is moved while it waits: which
 * CPUs it may run on, of those that are online, and which of these idle.  A record for each
 * 64 CPUs of which it may use any.
 */
#define KS_ALLOWED_FIELDS(F, A)						\
	F(u16, vm)							\
	F(u16, vcpu)							\
	F(u16, first_cpu)	/* that of bit 0; a multiple of 64 */	\
	F(u8, begins)		/* 1: the first record of those of this moment */ \
	F(u64, cpus)		/* a bit for each */			\
	F(u64, idle)		/* of @cpus */

/* Class steal: this CPU begins to idle, or ends that, while a vCPU waits for any CPU */
#define KS_IDLE_FIELDS(F, A)						\
	F(u8, idle)		/* 1: it idles from now on */		\
	F(u16, waiters)		/* vCPUs that wait, for whichever CPU */

/* Every record: its name, its fields, and the class that its event needs */
#define KS_RECORDS(X)							\
	X(session, KS_SESSION_FIELDS, 0)				\
	X(attach, KS_ATTACH_FIELDS, 0)					\
	X(lost, KS_LOST_FIELDS, 0)					\
	X(vcpu, KS_VCPU_FIELDS, KVMSCHED_CLASS_SWITCH)			\
	X(load, KS_LOAD_FIELDS, KVMSCHED_CLASS_SWITCH)			\
	X(put, KS_PUT_FIELDS, KVMSCHED_CLASS_SWITCH)			\
	X(switch_out, KS_SWITCH_OUT_FIELDS, KVMSCHED_CLASS_SWITCH)	\
	X(switch_in, KS_SWITCH_IN_FIELDS, KVMSCHED_CLASS_SWITCH)	\
	X(policy, KS_POLICY_FIELDS, KVMSCHED_CLASS_SWITCH)		\
	X(exit, KS_EXIT_FIELDS, KVMSCHED_CLASS_EXIT)			\
	X(entry, KS_ENTRY_FIELDS, KVMSCHED_CLASS_EXIT)			\
	X(irq_accept, KS_IRQ_ACCEPT_FIELDS, KVMSCHED_CLASS_IRQ)		\
	X(irq_inject, KS_IRQ_INJECT_FIELDS, KVMSCHED_CLASS_IRQ)		\
	X(irq_eoi, KS_IRQ_EOI_FIELDS, KVMSCHED_CLASS_IRQ)		\
	X(host_irq, KS_HOST_IRQ_FIELDS, KVMSCHED_CLASS_IRQ)		\
	X(timer_arm, KS_TIMER_ARM_FIELDS, KVMSCHED_CLASS_TIMER)		\
	X(timer_expire, KS_TIMER_EXPIRE_FIELDS, KVMSCHED_CLASS_TIMER)	\
	X(clockevent, KS_CLOCKEVENT_FIELDS, KVMSCHED_CLASS_TIMER)	\
	X(halt, KS_HALT_FIELDS, KVMSCHED_CLASS_SWITCH)			\
	X(wake, KS_WAKE_FIELDS, KVMSCHED_CLASS_STEAL)			\
	X(migrate, KS_MIGRATE_FIELDS, KVMSCHED_CLASS_STEAL)		\
	X(holder, KS_HOLDER_FIELDS, KVMSCHED_CLASS_STEAL)		\
	X(ledger, KS_LEDGER_FIELDS, 0)					\
	X(host_switch, KS_HOST_SWITCH_FIELDS, KVMSCHED_CLASS_HOST)	\
	X(cgroup, KS_CGROUP_FIELDS, KVMSCHED_CLASS_STEAL)		\
	X(throttle, KS_THROTTLE_FIELDS, KVMSCHED_CLASS_STEAL)		\
	X(quota, KS_QUOTA_FIELDS, KVMSCHED_CLASS_STEAL)			\
	X(ipi, KS_IPI_FIELDS, KVMSCHED_CLASS_IRQ)			\
	X(bpf_scheduler, KS_BPF_SCHEDULER_FIELDS, KVMSCHED_CLASS_SWITCH)	\
	X(irqfd, KS_IRQFD_FIELDS, KVMSCHED_CLASS_IRQ)			\
	X(allowed, KS_ALLOWED_FIELDS, KVMSCHED_CLASS_STEAL)		\
	X(idle, KS_IDLE_FIELDS, KVMSCHED_CLASS_STEAL)			\
	X(irq_posted, KS_IRQ_POSTED_FIELDS, KVMSCHED_CLASS_IRQ)		\
	X(stimer, KS_STIMER_FIELDS, KVMSCHED_CLASS_TIMER)

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
#define KS_RECORD_ENUM(record, FIELDS, classes) KS_EV_##record,
	KS_RECORDS(KS_RECORD_ENUM)
	KS_NR_EVENTS
};

/*
 * A plain struct of a record, struct ks_rec_exit for example, for those who
 * know struct trace_entry; and its bytes in the ring, where C's padding behind
 * the last field is left out.
 */
#define KS_RECORD_FIELD(type, name)	type name;
#define KS_RECORD_ARRAY(type, name, n)	type name[n];
#define KS_RECORD_STRUCT(record, FIELDS, classes)			\
	struct ks_rec_##record {					\
		struct trace_entry ent;					\
		FIELDS(KS_RECORD_FIELD, KS_RECORD_ARRAY)		\
		char __end[];						\
	};
#define KS_RECORD_SIZE(record)						\
	((offsetof(struct ks_rec_##record, __end) + 3) / 4 * 4)

#endif /* _UAPI_KVMSCHED_RECORDS_H */
