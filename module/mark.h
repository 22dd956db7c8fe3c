/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks: the function of KVM's in which an interrupt is about to be sent
 *
 * A kprobe at its first instruction leaves a mark.  The LAPIC accepts the interrupt
 * deeper on the same stack, and there the mark is found.  No hook sees the function
 * return.  But after it has, its return address is no longer where it was, or the stack
 * is not so deep: that is checked before a mark is used.
 */
#ifndef _KVMSCHED_MARK_H
#define _KVMSCHED_MARK_H

#include <linux/sched.h>
#include <linux/types.h>

struct kvm;
struct work_struct;

/**
 * struct ks_mark - a function that sends interrupts
 * @task:   the task that the function runs in, or has interrupted; compared only
 * @frame:  where its return address is
 * @ret:    that address
 * @work:   IRQFD_WORK: the work item that called it; compared only
 * @kvm:    the VM that it sends to; compared only
 * @tsc:    when it began
 * @gsi:    IRQFD, IRQFD_WORK: of the irqfd
 * @vcpu:   vcpu_id, -1: any; likewise @vector
 * @by:     KS_BY_*
 *
 * Of a thread within KVM_RUN that we know it is in struct ks_vcpu, and goes with it
 * from CPU to CPU.  Any other is the CPU's own, one for each context level.  Written and
 * read by that context alone, preemption off.
 */
struct ks_mark {
	const struct task_struct *task;
	const unsigned long *frame;
	unsigned long ret;
	const struct work_struct *work;
	const struct kvm *kvm;
	u64 tsc;
	u32 gsi;
	int vcpu;
	int vector;
	u8 by;
};

/**
 * struct ks_icr - what a guest wrote to its ICR, as KVM told last
 * @on:   it did
 * @low:  the low half
 * @tsc:  when
 * @exit: in which exit, by the time of that (struct ks_vcpu.host_tsc)
 */
struct ks_icr {
	bool on;
	u32 low;
	u64 tsc;
	u64 exit;
};

#endif /* _KVMSCHED_MARK_H */
