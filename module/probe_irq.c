// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: the guest's (accepted, injected, ended) and the host's
 *
 * What the hardware delivers to the guest by itself (AVIC, posted interrupts) is seen
 * up to where KVM leaves it to the hardware, and not at all if a device or another vCPU
 * hands it to the hardware without KVM.  The identity record says where that is possible.
 */
#include <linux/bitfield.h>
#include <linux/interrupt.h>
#include <linux/kvm_host.h>
#include <asm/apicdef.h>
#include <asm/trace/irq_vectors.h>
#include <trace/events/irq.h>

#include "compat/lapic.h"
#include "exit_reason.h"
#include "probe.h"
#include "record.h"
#include "sender.h"
#include "vcpu.h"

/*
 * The host interrupt that this CPU serves.  Interrupts nest only where the
 * handler of a demultiplexer (VMD) calls other handlers; then the outermost one
 * counts.  Interrupts are off wherever this is used.
 */
struct host_irq {
	u64 since;
	unsigned int depth;
	bool ended_guest;
};
static DEFINE_PER_CPU(struct host_irq, host_irq);

/*
 * Whose LAPIC is about to accept an interrupt?  The tracepoint
 * kvm_apic_accept_irq fires for each acceptance, but does not say for which
 * VM; and any context can deliver: other vCPUs, timers, vhost, the VMM.  So
 * the function around the tracepoint is probed as well.  Its handler stores
 * the vCPU here, separately for each context level, since an interrupt may
 * deliver while a task does.  If nothing is stored (the kernel dropped the
 * kprobe hit, or the task migrated in between), the vCPU is looked up by its
 * vcpu_id.
 *
 * @task: whose tracepoint is to come.  @accepted: in whose the LAPIC was known; within
 * the same function kvm_apicv_accept_irq follows if the hardware delivers.  @migrations:
 * how often the task had migrated.  One that migrates in between leaves here what nobody
 * takes when it comes back, since it has migrated once more.  @kvm is compared only: its
 * VM may be gone by then.
 */
struct accepting {
	struct task_struct *task;
	struct task_struct *accepted;
	u64 migrations;
	const struct kvm *kvm;
	struct ks_who who;
};
static DEFINE_PER_CPU(struct accepting [KS_CONTEXT_LEVELS], accepting);

static struct accepting *ks_accepting_here(void)
{
	return this_cpu_ptr(&accepting[interrupt_context_level()]);
}

/* Is it @task that runs here, which stored something here and has not left since? */
static bool ks_accepting_holds(const struct accepting *here, const struct task_struct *task)
{
	return task == current && here->migrations == current->se.nr_migrations;
}

/* The vCPU of a LAPIC: that of this thread, which gets its own timer's interrupts, or any */
static struct kvm_vcpu *ks_lapic_owner(struct kvm_lapic *apic)
{
	struct ks_vcpu *v = ks_vcpu_loaded();

	/* The end of KVM_RUN may have been missed, and the vCPU be gone. */
	if (v && ks_vcpu_is_loaded(v) && v->key->arch.apic == apic)
		return v->key;
	return ks_lapic_vcpu(apic);
}

/*
 * static int __apic_accept_irq(struct kvm_lapic *apic, int delivery_mode,
 *				int vector, int level, int trig_mode, ...)
 */
static int ks_on_apic_accept_irq(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct kvm_vcpu *vcpu = ks_lapic_owner((struct kvm_lapic *)ks_arg1(regs));
	struct accepting *here = ks_accepting_here();

	if (vcpu) {
		ks_vcpu_who(vcpu, &here->who);
		here->kvm = vcpu->kvm;
		here->task = current;
		here->migrations = current->se.nr_migrations;
	}
	return 0;
}

static void ks_note_accept(u32 vcpu_id, u16 delivery_mode, u16 level, u8 vector)
{
	struct accepting *here = ks_accepting_here();
	bool known = ks_accepting_holds(here, here->task) && here->who.id == vcpu_id;
	struct ks_rec_irq_accept *r;
	struct ks_who who = here->who;
	struct ks_sender sender;
	struct ks_way way;
	unsigned long flags;
	u64 now;

	if (!known)
		ks_vcpu_guess(vcpu_id, &who);
	here->accepted = here->task;
	here->task = NULL;
	if (!(who.wanted & KVMSCHED_CLASS_IRQ))
		return;
	ks_sender_here(&sender);
	ks_sender_way(known ? here->kvm : NULL, vcpu_id, delivery_mode, vector, &way);

	/* The handler may have stored this before the session ended. */
	r = ks_begin(irq_accept, ks_session_wants(KVMSCHED_CLASS_IRQ) &&
		     ks_listening()->recording == who.recorded, now, flags);
	r->vm = who.vm;
	r->vcpu = who.id;
	r->delivery_mode = FIELD_GET(APIC_MODE_MASK, delivery_mode);
	r->vector = vector;
	r->level = level;
	r->by = way.by;
	ks_set_sender(r, &sender);
	r->gsi = way.gsi;
	r->sent_cycles = way.sent_cycles;
	ks_end(irq_accept, r, flags);
}

/*
 * The first argument is called apicid, and is the vcpu_id since 2009.
 *
 * Context: any thread or interrupt that delivers; preemption may be on.
 */
static void ks_on_accept_irq(void *data, u32 vcpu_id, u16 delivery_mode,
			     u16 level, u8 vector)
{
	preempt_disable_notrace();
	ks_note_accept(vcpu_id, delivery_mode, level, vector);
	preempt_enable_notrace();
}

static void ks_note_posted(u32 vcpu_id, u8 vector)
{
	struct accepting *here = ks_accepting_here();
	struct ks_who who = here->who;
	struct ks_rec_irq_posted *r;
	unsigned long flags;
	u64 now;

	if (!ks_accepting_holds(here, here->accepted) || who.id != vcpu_id)
		ks_vcpu_guess(vcpu_id, &who);
	if (!(who.wanted & KVMSCHED_CLASS_IRQ))
		return;
	/* As for the acceptance, the session may have ended since. */
	r = ks_begin(irq_posted, ks_session_wants(KVMSCHED_CLASS_IRQ) &&
		     ks_listening()->recording == who.recorded, now, flags);
	r->vm = who.vm;
	r->vcpu = who.id;
	r->vector = vector;
	ks_end(irq_posted, r, flags);
}

/*
 * KVM has handed an interrupt to the hardware; never where APICv or AVIC is inhibited.
 *
 * Context: as ks_on_accept_irq().
 */
static void ks_on_apicv_accept_irq(void *data, u32 vcpu_id, u16 delivery_mode,
				   u16 trigger_mode, u8 vector)
{
	preempt_disable_notrace();
	ks_note_posted(vcpu_id, vector);
	preempt_enable_notrace();
}

static void ks_note_ipi(u32 icr, u32 dest)
{
	struct ks_vcpu *v = ks_vcpu_loaded();
	struct ks_rec_ipi *r;
	unsigned long flags;
	u64 now;

	if (!v || !(ks_vcpu_wanted(v) & KVMSCHED_CLASS_IRQ))
		return;
	r = ks_begin(ipi, ks_vcpu_ring(v) & KVMSCHED_CLASS_IRQ, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->icr = icr;
	r->dest = dest;
	ks_end(ipi, r, flags);
	ks_sender_icr(v, icr, now);
}

/*
 * A guest writes to its ICR.
 *
 * Context: the vCPU's thread; preemption may be on, and interrupts off.
 */
static void ks_on_apic_ipi(void *data, u32 icr_low, u32 dest_id)
{
	preempt_disable_notrace();
	ks_note_ipi(icr_low, dest_id);
	preempt_enable_notrace();
}

static void ks_note_inject(unsigned int vector, bool soft, bool reinjected)
{
	struct ks_vcpu *v = ks_vcpu_loaded();
	struct ks_rec_irq_inject *r;
	unsigned long flags;
	u64 now;

	if (!v || !(ks_vcpu_wanted(v) & KVMSCHED_CLASS_IRQ))
		return;
	r = ks_begin(irq_inject, ks_vcpu_ring(v) & KVMSCHED_CLASS_IRQ, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->vector = vector;
	r->soft = soft;
	r->reinjected = reinjected;
	ks_end(irq_inject, r, flags);
}

/* Context: the vCPU's thread, before it enters the guest; preemption may be on. */
static void ks_on_inj_virq(void *data, unsigned int vector, bool soft,
			   bool reinjected)
{
	preempt_disable_notrace();
	ks_note_inject(vector, soft, reinjected);
	preempt_enable_notrace();
}

static void ks_note_eoi(int vector)
{
	struct ks_vcpu *v = ks_vcpu_loaded();
	struct ks_rec_irq_eoi *r;
	unsigned long flags;
	u64 now;

	if (!v || !(ks_vcpu_wanted(v) & KVMSCHED_CLASS_IRQ))
		return;
	r = ks_begin(irq_eoi, ks_vcpu_ring(v) & KVMSCHED_CLASS_IRQ, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->vector = vector;
	ks_end(irq_eoi, r, flags);
}

/*
 * Context: the vCPU's thread, in an exit or when KVM checks a PV EOI; preemption
 * may be on.
 */
static void ks_on_eoi(void *data, struct kvm_lapic *apic, int vector)
{
	preempt_disable_notrace();
	ks_note_eoi(vector);
	preempt_enable_notrace();
}

/*
 * Does the interrupt come between the switch to a vCPU's thread and sched_in?
 * The switch lets interrupts in before it calls the notifiers.  The thread's
 * wait is over by then, and this is where its end is noted: a hook on the switch
 * itself would cost every switch of the host.
 */
static void ks_note_cpu_got(u64 now)
{
	struct ks_thread *t = ks_thread_of(current);

	if (t && t->out_tsc && !t->got_tsc)
		t->got_tsc = now;
}

static void ks_host_irq_begin(const char *name)
{
	struct host_irq *irq = this_cpu_ptr(&host_irq);
	struct ks_vcpu *v = ks_vcpu_loaded();

	if (irq->depth++)
		return;
	this_cpu_write(ks_irq_served, name);
	irq->since = rdtsc_ordered();
	/*
	 * The first interrupt that is seen after guest mode is taken for the one that ended
	 * it.  One without a tracepoint (a posted interrupt's wakeup, a deferred or a counted
	 * machine check) leaves that to the next within the same exit.
	 */
	irq->ended_guest = false;
	if (this_cpu_read(ks_current) == &ks_nobody)
		ks_note_cpu_got(irq->since);
	if (!v || v->irq_tsc)
		return;
	if (v->entry_tsc) /* kvm_exit will fire later, see probe_exit.c */
		irq->ended_guest = ks_unseen_exit_by_interrupt(v);
	else if (v->open)
		irq->ended_guest = ks_exit_by_interrupt(v);
	else
		return;
	v->irq_tsc = irq->since;
}

static void ks_host_irq_end(u8 kind, int nr, int vector, const char *name)
{
	struct host_irq *irq = this_cpu_ptr(&host_irq);
	struct ks_vcpu *v = ks_vcpu_here();
	struct ks_rec_host_irq *r;
	bool waited_for;
	u64 now, cycles;

	/*
	 * The hooks were attached while it was served: its start was not seen.
	 */
	if (!irq->depth)
		return;
	if (--irq->depth)
		return;
	this_cpu_write(ks_irq_served, NULL);
	now = rdtsc_ordered();
	cycles = now - irq->since;
	ks_softirq_interrupted(cycles);
	/*
	 * A vCPU that waits for this CPU has waited for this interrupt as
	 * well.
	 */
	waited_for = ks_steal_waited_for();
	if (!ks_host_irq_wanted(v, waited_for))
		return;

	r = ks_begin_at(host_irq, ks_host_irq_to_ring(v, waited_for), now);
	r->vm = v->vm; /* ks_nobody has none */
	r->vcpu = v->vm ? v->id : KS_NO_VCPU;
	r->irq = nr;
	strscpy_pad(r->name, name ?: "", sizeof(r->name));
	r->ended_guest = irq->ended_guest;
	r->kind = kind;
	r->vector = vector;
	r->cycles = cycles;
	ks_end_at(host_irq, r);
}

/*
 * Context of these and of all vectors: an interrupt, before and after each of its
 * handlers; interrupts off.
 */
static void ks_on_irq_handler_entry(void *data, int irq, struct irqaction *action)
{
	ks_host_irq_begin(action->name);
}

static void ks_on_irq_handler_exit(void *data, int irq, struct irqaction *action,
				   int ret)
{
	ks_host_irq_end(KS_HOST_IRQ_DEVICE, irq, 0, action->name);
}

#define VECTOR(event, kind)						\
	static void ks_on_##event##_entry(void *data, int vector)	\
	{								\
		ks_host_irq_begin(#event);				\
	}								\
	static void ks_on_##event##_exit(void *data, int vector)		\
	{								\
		ks_host_irq_end(kind, -1, vector, #event);			\
	}

VECTOR(local_timer, KS_HOST_IRQ_TIMER)
VECTOR(reschedule, KS_HOST_IRQ_RESCHEDULE)
VECTOR(call_function, KS_HOST_IRQ_CALL)
VECTOR(call_function_single, KS_HOST_IRQ_CALL)
VECTOR(irq_work, KS_HOST_IRQ_OTHER)
VECTOR(thermal_apic, KS_HOST_IRQ_OTHER)
VECTOR(x86_platform_ipi, KS_HOST_IRQ_OTHER)

/*
 * Class exit needs host interrupts for the time of some exits, see
 * probe_exit.c, and class switch for the time at which a thread got the CPU.
 */
#define HOST_IRQ_CLASSES \
	(KVMSCHED_CLASS_SWITCH | KVMSCHED_CLASS_IRQ | KVMSCHED_CLASS_HOST | \
	 KVMSCHED_CLASS_EXIT | KVMSCHED_CLASS_STEAL | KS_CLASS_LEDGER)

static void ks_forget_irqs(void *before)
{
	u32 classes = *(const u32 *)before;
	int level;

	if (!(classes & HOST_IRQ_CLASSES)) {
		this_cpu_ptr(&host_irq)->depth = 0;
		this_cpu_write(ks_irq_served, NULL);
	}
	if (!(classes & KS_SOFTIRQ_CLASSES))
		ks_softirq_forget();
	if (classes & KVMSCHED_CLASS_IRQ)
		return;
	for (level = 0; level < KS_CONTEXT_LEVELS; level++) {
		this_cpu_ptr(&accepting[level])->task = NULL;
		this_cpu_ptr(&accepting[level])->accepted = NULL;
	}
}

/**
 * ks_irq_attached - hooks have been attached: forget interrupts that were begun
 * @before: the classes whose hooks were attached already
 *
 * The end of such an interrupt or softirq may have passed before its hook was
 * attached.  What the hooks of @before have seen begin they see end: it is not
 * forgotten, or its record would be missing.
 *
 * Context: process.
 */
void ks_irq_attached(u32 before)
{
	on_each_cpu(ks_forget_irqs, &before, 1);
}

/* Some vectors, thermal_apic for example, are not in every kernel. */
#define VECTOR_ROWS(event)						\
	KS_TRACEPOINT_ROW(#event "_exit", "", HOST_IRQ_CLASSES,		\
			  KS_ALWAYS, ks_on_##event##_exit),		\
	KS_TRACEPOINT_ROW(#event "_entry", "", HOST_IRQ_CLASSES,	\
			  KS_ALWAYS, ks_on_##event##_entry)

/*
 * Ends are attached before beginnings: an end without a beginning is ignored.
 */
struct ks_hook ks_irq_hooks[] = {
	KS_TRACEPOINT_ROW("kvm_eoi", "kvm", KVMSCHED_CLASS_IRQ, KS_ALWAYS,
			  ks_on_eoi),
	KS_TRACEPOINT_ROW("kvm_inj_virq", "kvm", KVMSCHED_CLASS_IRQ, KS_ALWAYS,
			  ks_on_inj_virq),
	KS_TRACEPOINT_ROW("kvm_apic_accept_irq", "kvm", KVMSCHED_CLASS_IRQ,
			  KS_ALWAYS, ks_on_accept_irq),
	KS_TRACEPOINT_ROW("kvm_apicv_accept_irq", "kvm", KVMSCHED_CLASS_IRQ,
			  KS_ALWAYS, ks_on_apicv_accept_irq),
	KS_TRACEPOINT_ROW("kvm_apic_ipi", "kvm", KVMSCHED_CLASS_IRQ, KS_ALWAYS,
			  ks_on_apic_ipi),
	KS_KPROBE_HINT_ROW("__apic_accept_irq", "kvm", KVMSCHED_CLASS_IRQ,
			   ks_on_apic_accept_irq),
	KS_CHECKED_ROW(irq_handler_exit, "", HOST_IRQ_CLASSES, KS_ALWAYS,
		       ks_on_irq_handler_exit),
	KS_CHECKED_ROW(irq_handler_entry, "", HOST_IRQ_CLASSES, KS_ALWAYS,
		       ks_on_irq_handler_entry),
	/* One vector is checked for all: their events are of one class. */
	KS_CHECKED_ROW(local_timer_exit, "", HOST_IRQ_CLASSES, KS_ALWAYS,
		       ks_on_local_timer_exit),
	KS_CHECKED_ROW(local_timer_entry, "", HOST_IRQ_CLASSES, KS_ALWAYS,
		       ks_on_local_timer_entry),
	VECTOR_ROWS(reschedule),
	VECTOR_ROWS(call_function),
	VECTOR_ROWS(call_function_single),
	VECTOR_ROWS(irq_work),
	VECTOR_ROWS(thermal_apic),
	VECTOR_ROWS(x86_platform_ipi),
	{}
};
