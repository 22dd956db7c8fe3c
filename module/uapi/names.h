/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kvmsched: the numbers and names of classes, states and kinds, written once
 *
 * A list has an X(SYMBOL, number, "name") for each of its numbers, separated by
 * commas, so that it makes an enum, a table of names, or the argument of
 * __print_symbolic():
 *
 *	#define NAME(symbol, number, name)	[number] = name
 *	static const char *const names[] = { KVMSCHED_STATES(NAME) };
 *
 * Numbers are part of the format of the file: they never change their meaning.
 */
#ifndef _UAPI_KVMSCHED_NAMES_H
#define _UAPI_KVMSCHED_NAMES_H

/* Event classes: what a session records.  A class is the bit of that number. */
#define KVMSCHED_CLASSES(X)						\
	/* vCPU threads: load, put, switch, policy */			\
	X(SWITCH,		0, "switch"),				\
	/* VM exits and entries */					\
	X(EXIT,			1, "exit"),				\
	/* guest interrupts; host interrupts that a vCPU meets */	\
	X(IRQ,			2, "irq"),				\
	/* guest LAPIC timer; host clock event device */		\
	X(TIMER,		3, "timer"),				\
	/* all context switches and interrupts of the host */		\
	X(HOST,			4, "host"),				\
	/* who holds the CPU that a vCPU waits for */			\
	X(STEAL,		5, "steal")

/* States of a vCPU in its ledger.  docs/states.dot draws them. */
#define KVMSCHED_STATES(X)						\
	/* before it was first seen */					\
	X(UNKNOWN,		0, "unknown"),				\
	/* in guest mode */						\
	X(GUEST,		1, "guest"),				\
	/* on the CPU, in KVM_RUN, out of guest mode */			\
	X(EXIT,			2, "exit"),				\
	/* on the CPU, outside of KVM_RUN */				\
	X(USER,			3, "user"),				\
	/* halted, the host spins before it sleeps */			\
	X(POLL,			4, "poll"),				\
	/* asleep in HLT */						\
	X(HALTED,		5, "halted"),				\
	/* asleep for another reason */					\
	X(BLOCKED,		6, "blocked"),				\
	/* runnable, the CPU was taken from it */			\
	X(WAIT_PREEMPTED,	7, "wait_preempted"),			\
	/* runnable, woken, not on the CPU yet */			\
	X(WAIT_WOKEN,		8, "wait_woken")

/* How a hook is attached */
#define KVMSCHED_HOWS(X)						\
	/* it is not there, or not needed; see its status */		\
	X(NONE,			0, "none"),				\
	X(TRACEPOINT,		1, "tracepoint"),			\
	X(KPROBE,		2, "kprobe"),				\
	X(NOTIFIER,		3, "preempt notifier")

/* How a vCPU's thread lost the CPU */
#define KVMSCHED_SWITCH_KINDS(X)						\
	/* still runnable */						\
	X(PREEMPTED,		0, "preempted"),			\
	/* asleep in HLT */						\
	X(HALTED,		1, "halted"),				\
	/* asleep elsewhere */						\
	X(BLOCKED,		2, "blocked"),				\
	/* on its way to sleep, but runnable: a signal, or woken early */ \
	X(ABORTED,		3, "aborted"),				\
	/* the last switch of the thread */				\
	X(DEAD,			4, "dead")

/* The state of the ledger that a switch of each kind begins */
#define KVMSCHED_SWITCH_STATES(X)						\
	X(PREEMPTED,		WAIT_PREEMPTED),			\
	X(HALTED,		HALTED),				\
	X(BLOCKED,		BLOCKED),				\
	X(ABORTED,		WAIT_PREEMPTED),			\
	X(DEAD,			UNKNOWN)

/* Why a vCPU is asleep that is not in HLT */
#define KVMSCHED_SLEEPS(X)						\
	X(NOT_TOLD,		0, "not told"),				\
	/* for a page, a lock or anything else; or out of KVM_RUN */	\
	X(OTHER,		1, "other"),				\
	/* not started yet: until another vCPU sends a SIPI */		\
	X(SIPI,			2, "sipi"),				\
	/* until the host has the guest's page: an async page fault */	\
	X(PAGE,			3, "page")

/* What ended the host's part of an exit */
#define KVMSCHED_EXIT_ENDS(X)							\
	/* the entry back into the guest: a lightweight exit */		\
	X(ENTRY,		0, "entry"),				\
	/* the thread lost the CPU first */				\
	X(SWITCH,		1, "switch"),				\
	/* KVM_RUN returned to userspace first */			\
	X(PUT,			2, "put")

/* Modes of the guest's LAPIC timer */
#define KVMSCHED_TIMER_MODES(X)						\
	X(ONESHOT,		0, "one-shot"),				\
	X(PERIODIC,		1, "periodic"),				\
	X(DEADLINE,		2, "tsc-deadline")

/* How a guest's timer came to be armed */
#define KVMSCHED_ARMS(X)						\
	X(BY_GUEST,		0, "guest"),				\
	X(AGAIN,		1, "again"),				\
	X(FOUND,		2, "found"),				\
	X(BY_VMM,		3, "vmm"),				\
	X(STOPPED,		4, "stopped")

/* What KVM does with a synthetic timer of Hyper-V's interface */
#define KVMSCHED_STIMERS(X)						\
	/* it has begun to run, for each period anew */			\
	X(ARMED,		0, "armed"),				\
	/* what it was set to is forgotten: the guest writes to it */	\
	X(STOPPED,		1, "stopped"),				\
	/* it was due, and the guest gets its interrupt or message */	\
	X(DELIVERED,		2, "delivered"),			\
	/* the same, but the message finds no room; KVM tries again */	\
	X(REFUSED,		3, "refused")

/* How a guest's interrupt came to its LAPIC, as far as hooks tell */
#define KVMSCHED_SENT_BYS(X)						\
	/* older files don't tell */					\
	X(NOT_TOLD,		0, "not-told"),				\
	/* none of these */						\
	X(OTHER,		1, "other"),				\
	/* a vCPU wrote its ICR */					\
	X(ICR,			2, "icr"),				\
	/* a vCPU sent it by a hypercall of KVM's; by Hyper-V's: OTHER */	\
	X(HYPERCALL,		3, "hypercall"),			\
	/* the LAPIC's own timer */					\
	X(TIMER,		4, "timer"),				\
	/* an eventfd, by whoever signalled it */			\
	X(IRQFD,		5, "irqfd"),				\
	/* an eventfd, by a work item that the signal asked for */	\
	X(IRQFD_WORK,		6, "irqfd-work")

/* What ran as an interrupt was sent */
#define KVMSCHED_CONTEXTS(X)						\
	/* older files don't tell */					\
	X(NOT_TOLD,		0, "not-told"),				\
	X(TASK,			1, "task"),				\
	/* a task within KVM_RUN, or another ioctl of a vCPU */		\
	X(VCPU,			2, "vcpu"),				\
	X(SOFTIRQ,		3, "softirq"),				\
	X(HARDIRQ,		4, "hardirq")

/* Kinds of the host's interrupts, and what they leave to do */
#define KVMSCHED_HOST_IRQ_KINDS(X)						\
	X(DEVICE,		0, "device"),				\
	X(TIMER,		1, "timer"),				\
	X(RESCHEDULE,		2, "reschedule"),			\
	/* function call, to one CPU or to all */			\
	X(CALL,			3, "call"),				\
	X(OTHER,		4, "other"),				\
	/* a softirq, served at the end of an interrupt */		\
	X(SOFTIRQ,		5, "softirq"),				\
	/* a softirq, served as the task itself enabled softirqs */	\
	X(OWN_SOFTIRQ,		6, "own-softirq")

#endif /* _UAPI_KVMSCHED_NAMES_H */
