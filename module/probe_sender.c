// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sends an interrupt to a guest, and how: what the record of its acceptance tells
 *
 * An interrupt is accepted in the context of whoever sends it: a vCPU that writes its
 * ICR, a thread of the VMM in an ioctl, vhost or a host interrupt that signals an
 * eventfd.  There are two exceptions.  The LAPIC's timer expires in an interrupt, but
 * the vCPU's own thread delivers it; and an irqfd that can't inject at once asks for a
 * work item.  So functions on these ways are hooked (mark.h), and a record tells who
 * signalled an irqfd.
 *
 * An exit pays for none of this: each hook is hit once for an interrupt that is sent.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_irqfd.h>
#include <linux/poll.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <asm/apicdef.h>
#include <asm/svm.h>
#include <asm/vmx.h>

#include "clock.h"
#include "probe.h"
#include "record.h"
#include "sender.h"

/* IA32_X2APIC_ICR */
#define KS_ICR_MSR	(APIC_BASE_MSR + (APIC_ICR >> 4))

static DEFINE_PER_CPU(struct ks_mark [KS_CONTEXT_LEVELS], ks_marks);

DEFINE_PER_CPU(const char *, ks_irq_served);

/* Where this context has its mark; see struct ks_mark */
static struct ks_mark *ks_mark_here(void)
{
	unsigned int level = interrupt_context_level();
	struct ks_vcpu *v = ks_vcpu_loaded();

	return v && !level ? &v->mark : this_cpu_ptr(&ks_marks[level]);
}

/* A hooked function begins: @regs are those of its first instruction. */
static struct ks_mark *ks_mark(u8 by, const struct kvm *kvm, const struct pt_regs *regs)
{
	struct ks_mark *mark = ks_mark_here();

	mark->frame = (const unsigned long *)regs->sp;
	mark->ret = *mark->frame;
	mark->task = current;
	mark->work = NULL;
	mark->kvm = kvm;
	mark->tsc = rdtsc_ordered();
	mark->gsi = 0;
	mark->vcpu = -1;
	mark->vector = -1;
	mark->by = by;
	return mark;
}

/*
 * Does the stack still have the return address?  It may be an interrupt's stack, or that
 * of a task that has ended; but the task's own can be read as it is.
 */
static bool ks_mark_returns(const struct ks_mark *mark)
{
	unsigned long ret;

	if (object_is_on_stack(mark->frame))
		ret = *mark->frame;
	else if (get_kernel_nofault(ret, mark->frame))
		return false;
	return ret == mark->ret;
}

/*
 * Has the function not returned yet?  Work items are all called from the same place, so
 * of these the item is compared.
 */
static bool ks_mark_holds(const struct ks_mark *mark)
{
	return mark->task == current && (unsigned long)mark->frame > current_stack_pointer &&
	       ks_mark_returns(mark) && (!mark->work || mark->work == current_work());
}

static bool ks_mark_fits(const struct ks_mark *mark, const struct kvm *to, u16 vcpu_id,
			 u8 vector)
{
	return (!to || to == mark->kvm) &&
	       (mark->vcpu < 0 || mark->vcpu == vcpu_id) &&
	       (mark->vector < 0 || mark->vector == vector);
}

static bool ks_icr_fits(u32 icr, u16 delivery_mode, u8 vector)
{
	return (icr & APIC_VECTOR_MASK) == vector && (icr & APIC_MODE_MASK) == delivery_mode;
}

/* Is the open exit a write to the ICR's MSR (x2APIC)?  The guest's EDX and EAX have it. */
static bool ks_exit_writes_icr(const struct ks_vcpu *v)
{
	s16 msr = v->exit.flags & KS_EXIT_VMX ? EXIT_REASON_MSR_WRITE : SVM_EXIT_MSR;

	return v->open && v->exit.reason == msr &&
	       v->exit.info == (KS_ICR_MSR | KS_EXIT_MSR_WRITE);
}

/*
 * Does the vCPU of this thread send what its guest wrote to the ICR in this exit?  KVM
 * tells of the write before it sends.  But in 7.x its fast path does so afterwards:
 * there the exit shows what is written, unless it is seen late (attach=kprobe).
 *
 * Return: since when, or 0: it doesn't.
 */
static u64 ks_icr_sent(const struct ks_vcpu *v, u16 delivery_mode, u8 vector)
{
	if (v->icr.on && v->icr.exit == v->host_tsc)
		return ks_icr_fits(v->icr.low, delivery_mode, vector) ? v->icr.tsc : 0;
	/* The end of KVM_RUN may have been missed, and the vCPU be gone. */
	if (ks_exit_writes_icr(v) && ks_vcpu_is_loaded(v) &&
	    ks_icr_fits(v->key->arch.regs[VCPU_REGS_RAX], delivery_mode, vector))
		return v->host_tsc;
	return 0;
}

/**
 * ks_sender_way - how did an interrupt come that a LAPIC accepts just now?
 * @to:	     the vCPU's VM, compared only; NULL: not known
 * @vcpu_id: the vCPU's vcpu_id
 * @delivery_mode: as in the ICR
 * @vector:  its vector
 * @way:     out
 *
 * Context: that of whoever delivers; preemption off.
 */
void ks_sender_way(const struct kvm *to, u16 vcpu_id, u16 delivery_mode, u8 vector,
		   struct ks_way *way)
{
	struct ks_mark *mark = ks_mark_here();
	struct ks_vcpu *v = interrupt_context_level() ? NULL : ks_vcpu_loaded();
	u64 now = rdtsc_ordered(), sent;

	*way = (struct ks_way){ .by = KS_BY_OTHER };
	if (ks_mark_fits(mark, to, vcpu_id, vector) && ks_mark_holds(mark)) {
		way->by = mark->by;
		way->gsi = mark->gsi;
		if (mark->by == KS_BY_IRQFD || mark->by == KS_BY_HYPERCALL)
			way->sent_cycles = ks_since(now, mark->tsc);
		/* A timer sends one interrupt. */
		if (mark->by == KS_BY_TIMER)
			mark->task = NULL;
		return;
	}
	sent = v ? ks_icr_sent(v, delivery_mode, vector) : 0;
	if (sent) {
		way->by = KS_BY_ICR;
		way->sent_cycles = ks_since(now, sent);
	}
}

/**
 * ks_sender_icr - a guest writes to its ICR
 * @v:	 the vCPU that this thread runs
 * @icr: the low half
 * @now: when
 *
 * Context: owner.
 */
void ks_sender_icr(struct ks_vcpu *v, u32 icr, u64 now)
{
	v->icr = (struct ks_icr){
		.on = true, .low = icr, .tsc = now, .exit = v->host_tsc,
	};
}

/**
 * ks_sender_timer - a function begins that may deliver a LAPIC timer's interrupt
 * @vcpu: the timer's vCPU
 * @regs: of the function's first instruction
 *
 * Context: kprobe.
 */
void ks_sender_timer(const struct kvm_vcpu *vcpu, const struct pt_regs *regs)
{
	ks_mark(KS_BY_TIMER, vcpu->kvm, regs)->vcpu = vcpu->vcpu_id;
}

/*
 * Is this thread within an ioctl of a vCPU?  KVM's own notifier is on its list then,
 * also where we don't know the vCPU yet.
 */
static bool ks_within_vcpu_ioctl(void)
{
	struct preempt_notifier *notifier;

	hlist_for_each_entry(notifier, &current->preempt_notifiers, link)
		if (notifier->ops != &ks_preempt_ops)
			return true;
	return false;
}

static u8 ks_sender_flags(const struct task_struct *task)
{
	u8 flags = KS_TASK_TOLD;

	if (task->flags & PF_KTHREAD)
		flags |= KS_TASK_KTHREAD;
	if (task->flags & PF_WQ_WORKER)
		flags |= KS_TASK_WORKER;
	if (task->flags & PF_IO_WORKER)
		flags |= KS_TASK_IO_WORKER;
#ifdef PF_USER_WORKER
	else if (task->flags & PF_USER_WORKER)
		flags |= KS_TASK_USER_WORKER;
#endif
	return flags;
}

static void ks_sender_task(struct ks_sender *s)
{
	struct ks_vcpu *v = ks_vcpu_loaded();

	s->context = v || ks_within_vcpu_ioctl() ? KS_CONTEXT_VCPU : KS_CONTEXT_TASK;
	s->task_flags = ks_sender_flags(current);
	s->tgid = current->tgid;
	s->name = current->comm;
	if (v) {
		s->vm = v->vm;
		s->vcpu = v->id;
	}
}

/**
 * ks_sender_here - what runs here, and sends an interrupt
 * @s: out
 *
 * Context: any but NMI; preemption off.
 */
void ks_sender_here(struct ks_sender *s)
{
	*s = (struct ks_sender){ .vcpu = KS_NO_VCPU, .name = "" };
	if (in_hardirq()) {
		s->context = KS_CONTEXT_HARDIRQ;
		s->name = this_cpu_read(ks_irq_served) ?: "";
	} else if (in_serving_softirq()) {
		s->context = KS_CONTEXT_SOFTIRQ;
	} else {
		ks_sender_task(s);
	}
}

/* Who is a VM?  That of the first of its vCPUs, which may sleep while others run */
static bool ks_vm_wanted(struct kvm *kvm, struct ks_who *who)
{
	struct kvm_vcpu *vcpu = kvm_get_vcpu(kvm, 0);

	if (!vcpu)
		return false;
	ks_vcpu_vm_who(vcpu, who);
	return who->wanted & KVMSCHED_CLASS_IRQ;
}

static void ks_write_irqfd(const struct kvm_kernel_irqfd *irqfd, const struct ks_who *who)
{
	struct ks_rec_irqfd *r;
	struct ks_sender s;
	unsigned long flags;
	u64 now;

	ks_sender_here(&s);
	r = ks_begin(irqfd, ks_session_wants(KVMSCHED_CLASS_IRQ) &&
		     ks_listening()->recording == who->recorded, now, flags);
	r->vm = who->vm;
	ks_set_sender(r, &s);
	r->gsi = irqfd->gsi;
	ks_end(irqfd, r, flags);
}

/*
 * static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
 *			   void *key)
 *
 * This function delivers an MSI itself; so the vector in the mark distinguishes the MSI
 * from interrupts that are sent later.  Anything else is left to a work item.
 */
static int ks_on_irqfd_wakeup(struct kprobe *kprobe, struct pt_regs *regs)
{
	const struct kvm_kernel_irqfd *irqfd =
		container_of((wait_queue_entry_t *)ks_arg1(regs),
			     struct kvm_kernel_irqfd, wait);
	const struct kvm_kernel_irq_routing_entry *route = &irqfd->irq_entry;
	struct ks_mark *mark;
	struct ks_who who;

	if (!(ks_arg4(regs) & (__force unsigned long)EPOLLIN) ||
	    !ks_vm_wanted(irqfd->kvm, &who))
		return 0;
	ks_write_irqfd(irqfd, &who);
	if (READ_ONCE(route->type) != KVM_IRQ_ROUTING_MSI)
		return 0;
	mark = ks_mark(KS_BY_IRQFD, irqfd->kvm, regs);
	mark->gsi = irqfd->gsi;
	mark->vector = READ_ONCE(route->msi.data) & APIC_VECTOR_MASK;
	return 0;
}

/* static void irqfd_inject(struct work_struct *work) */
static int ks_on_irqfd_inject(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct work_struct *work = (struct work_struct *)ks_arg1(regs);
	const struct kvm_kernel_irqfd *irqfd =
		container_of(work, struct kvm_kernel_irqfd, inject);
	struct ks_mark *mark = ks_mark(KS_BY_IRQFD_WORK, irqfd->kvm, regs);

	mark->gsi = irqfd->gsi;
	mark->work = work;
	return 0;
}

/*
 * void kvm_inject_apic_timer_irqs(struct kvm_vcpu *vcpu)
 *
 * Called by the vCPU's own thread, if its timer has expired.
 */
static int ks_on_inject_timer(struct kprobe *kprobe, struct pt_regs *regs)
{
	ks_sender_timer((const struct kvm_vcpu *)ks_arg1(regs), regs);
	return 0;
}

/* int kvm_pv_send_ipi(struct kvm *kvm, unsigned long ipi_bitmap_low, ...) */
static int ks_on_pv_send_ipi(struct kprobe *kprobe, struct pt_regs *regs)
{
	ks_mark(KS_BY_HYPERCALL, (const struct kvm *)ks_arg1(regs), regs);
	return 0;
}

/*
 * A hit that the kernel drops leaves no mark: then it is not known how the interrupt
 * came, and no record is missing.
 */
struct ks_hook ks_sender_hooks[] = {
	KS_KPROBE_ROW("irqfd_wakeup", "kvm", KVMSCHED_CLASS_IRQ, KS_ALWAYS, NULL,
		      ks_on_irqfd_wakeup),
	KS_KPROBE_HINT_ROW("irqfd_inject", "kvm", KVMSCHED_CLASS_IRQ,
			   ks_on_irqfd_inject),
	KS_KPROBE_HINT_ROW("kvm_inject_apic_timer_irqs", "kvm", KVMSCHED_CLASS_IRQ,
			   ks_on_inject_timer),
	KS_KPROBE_HINT_ROW("kvm_pv_send_ipi", "kvm", KVMSCHED_CLASS_IRQ,
			   ks_on_pv_send_ipi),
	{}
};
