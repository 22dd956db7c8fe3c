// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPU threads on the host: KVM_RUN begins and ends, the thread loses and
 * gains the CPU, its policy changes
 */
#include <linux/kvm_host.h>
#include <linux/sched/task_stack.h>
#include <trace/events/kvm.h>
#include <trace/events/sched.h>

#include "clock.h"
#include "compat/sched.h"
#include "probe.h"
#include "record.h"
#include "task.h"
#include "vcpu.h"

/*
 * Record a change of the policy.  Until the identity record is written, none is: that
 * record has the policy.  It does not matter that another identity record is due by
 * now, since that may come much later.
 */
static noinline void ks_tell_policy(struct ks_vcpu *v)
{
	struct ks_rec_policy *r;
	unsigned long flags;
	u64 now;

	if (v->identified < ks_listening()->identity)
		return;

	r = ks_begin(policy, ks_vcpu_ring(v) & KVMSCHED_CLASS_SWITCH, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->old_policy = v->policy;
	r->old_prio = v->prio;
	r->policy = current->policy;
	r->prio = current->normal_prio;
	r->nice = PRIO_TO_NICE(current->static_prio);
	r->rt_priority = current->rt_priority;
	ks_end(policy, r, flags);

	ks_vcpu_take_policy(v);
}

static __always_inline void ks_check_policy(struct ks_vcpu *v)
{
	if (unlikely(v->policy != current->policy ||
		     v->prio != current->normal_prio ||
		     v->static_prio != current->static_prio))
		ks_tell_policy(v);
}

static void ks_mark_run(struct ks_thread *t, struct kvm_vcpu *vcpu)
{
	const struct pt_regs *user = task_pt_regs(current);

	t->run = vcpu;
	t->run_si = user->si;
	t->run_cx = user->cx;
}

/*
 * Is this the vcpu_load() of the KVM_RUN that has begun?  If that KVM_RUN has failed,
 * the thread is in another ioctl by now.  The command of an ioctl is in the user's SI
 * if the caller is a 64-bit one, and in CX if it is a 32-bit one; nothing changes the
 * two within the call.
 */
static bool ks_take_run(struct ks_thread *t, const struct kvm_vcpu *vcpu)
{
	const struct pt_regs *user = task_pt_regs(current);

	if (t->run != vcpu)
		return false;
	t->run = NULL;
	return t->run_si == user->si && t->run_cx == user->cx;
}

/*
 * int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu)
 *
 * KVM calls vcpu_load() in all ioctls of a vCPU; only KVM_RUN runs it.  It may
 * fail before vcpu_load(), and then there is no vcpu_put() either.
 */
static int ks_on_vcpu_ioctl_run(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct ks_thread *t;

	if (!ks_anybody_wants(KS_CLASS_VCPU))
		return 0;
	t = ks_thread_of(current);
	if (unlikely(!t))
		t = ks_thread_get(false);
	if (t)
		ks_mark_run(t, (struct kvm_vcpu *)ks_arg1(regs));
	return 0;
}

static int ks_on_vcpu_load(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct kvm_vcpu *vcpu = (struct kvm_vcpu *)ks_arg1(regs);
	struct ks_thread *t = ks_thread_of(current);
	struct ks_ledger *ledger;
	struct ks_rec_load *r;
	unsigned long flags;
	struct ks_vcpu *v;
	u64 now;

	if (!t || !ks_take_run(t, vcpu))
		return 0;
	v = ks_vcpu_take(t, vcpu, false);
	if (!v)
		return 0;
	/* First: an identity that is due takes over the policy as it is now. */
	ks_check_policy(v);
	ks_probe_settle(v);
	ks_vcpu_retry_identity(v);

	r = ks_begin(load, ks_vcpu_ring(v) & KVMSCHED_CLASS_SWITCH, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->user_cycles = v->put_tsc ? ks_since(now, v->put_tsc) : 0;
	v->load_tsc = now;
	ledger = READ_ONCE(v->ledger);
	if (ledger)
		ks_ledger_load(ledger, now);
	ks_end(load, r, flags);
	return 0;
}

static void ks_tell_put(struct ks_vcpu *v)
{
	struct ks_ledger *ledger;
	struct ks_rec_put *r;
	unsigned long flags;
	u64 now;

	local_irq_save(flags);
	now = rdtsc_ordered();
	ks_exit_end_early(v, KS_EXIT_BY_PUT, now);
	/*
	 * Guest mode is over.  If entry_tsc is still set, that entry failed.
	 */
	ledger = READ_ONCE(v->ledger);
	if (ledger && v->entry_tsc)
		ks_ledger_doubt(ledger);
	v->entry_tsc = 0;
	r = ks_begin_at(put, ks_vcpu_ring(v) & KVMSCHED_CLASS_SWITCH, now);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->exit_reason = v->key->run->exit_reason;
	r->run_cycles = v->load_tsc ? ks_since(now, v->load_tsc) : 0;
	v->load_tsc = 0;
	v->put_tsc = now;
	if (ledger)
		ks_ledger_move(ledger, KVMSCHED_STATE_USER, now);
	ks_end(put, r, flags);
}

static int ks_on_vcpu_put(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct kvm_vcpu *vcpu = (struct kvm_vcpu *)ks_arg1(regs);
	struct ks_vcpu *v = this_cpu_read(ks_current);

	/*
	 * Other ioctls, and threads that run no vCPU, call vcpu_put() as well.
	 */
	if (v->key != vcpu || v->runner != current)
		return 0;
	/* If nothing was seen of it before, this may be the end of any ioctl. */
	if (v->seen == ks_listening()->generation ||
	    (ks_vcpu_is_known(v) && ks_vcpu_look_anew(v, true, true))) {
		if (READ_ONCE(v->identity_due))
			ks_probe_identify(v);
		ks_tell_put(v);
	}
	WRITE_ONCE(v->runner, NULL);
	return 0;
}

/*
 * Why did the thread lose the CPU?  The kernel counts a switch as voluntary if
 * the task was going to sleep, even if a pending signal keeps it runnable; and
 * it has counted this switch already (__schedule()).  Since 6.12 a task that goes
 * to sleep may stay queued (delayed dequeue), and be woken before the switch is
 * complete, while its CPU looks for other work without the runqueue lock: then
 * it is runnable as well.  To the kernel, HLT is an interruptible sleep like any
 * other, so KVM's own state distinguishes it.
 */
static u8 ks_switch_kind(const struct ks_thread *t, const struct ks_vcpu *v)
{
	if (READ_ONCE(current->__state) == TASK_DEAD)
		return KS_SWITCH_DEAD;
	if (current->nvcsw == t->nvcsw)
		return KS_SWITCH_PREEMPTED;
	if (ks_task_runnable(current))
		return KS_SWITCH_ABORTED;
	if (ks_vcpu_is_loaded(v) && v->key->stat.generic.blocking &&
	    v->key->arch.mp_state == KVM_MP_STATE_HALTED)
		return KS_SWITCH_HALTED;
	return KS_SWITCH_BLOCKED;
}

/*
 * What does a vCPU wait for that is blocked?  KVM blocks one that is not started yet, and
 * one whose page the host is fetching (unless the guest has said that it can do something
 * else meanwhile), as it does one in HLT.  Both are no work of the exit before.
 */
static u8 ks_sleep_of(const struct ks_vcpu *v, u8 kind)
{
	const struct kvm_vcpu *vcpu = v->key;

	if (kind != KS_SWITCH_BLOCKED)
		return KS_SLEEP_NOT_TOLD;
	if (!ks_vcpu_is_loaded(v) || !vcpu->stat.generic.blocking)
		return KS_SLEEP_OTHER;
	switch (vcpu->arch.mp_state) {
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_AP_RESET_HOLD:
		return KS_SLEEP_SIPI;
	case KVM_MP_STATE_RUNNABLE:
		return vcpu->arch.apf.halted ? KS_SLEEP_PAGE : KS_SLEEP_OTHER;
	}
	return KS_SLEEP_OTHER;
}

/*
 * A sleep ends with a wait for the CPU, from the wakeup on.  Where the wakeup
 * was not seen (attached since then), the scheduler's own count of the wait is
 * used.
 */
static void ks_book_switch_in(const struct ks_thread *t, struct ks_vcpu *v, bool loaded,
			      u64 wait_ns, u64 got)
{
	struct ks_ledger *ledger = READ_ONCE(v->ledger);
	u64 woken = 0;

	if (!ledger)
		return;
	if (ks_core_is_asleep(&ledger->core))
		woken = t->wake_tsc ?: got - min(got, ks_cycles_of(wait_ns));
	ks_ledger_switch_in(ledger, woken, got, loaded ? KVMSCHED_STATE_EXIT :
							 KVMSCHED_STATE_USER);
}

static void ks_book_poll(struct ks_vcpu *v, u64 poll_ns, u64 now)
{
	struct ks_ledger *ledger = READ_ONCE(v->ledger);

	if (!ledger || !poll_ns)
		return;
	/*
	 * It did not sleep, so the exit is open: its end has to book the poll.
	 */
	if (v->open)
		v->open = KS_OPEN_SPECIAL;
	ks_ledger_poll(ledger, ks_cycles_of(poll_ns), now);
}

/* Outside of KVM_RUN, KVM's vCPU must not be read. */
static void ks_identify_switched(struct ks_vcpu *v)
{
	if (likely(!READ_ONCE(v->identity_due)))
		return;
	if (ks_vcpu_is_loaded(v))
		ks_probe_identify(v);
	else
		ks_vcpu_identify_again(v);
}

static void ks_tell_switch_out(struct ks_thread *t, struct ks_vcpu *v, bool loaded,
			       const struct task_struct *next)
{
	struct ks_rec_switch_out *r;
	struct ks_ledger *ledger;
	u64 now;

	ks_identify_switched(v);
	now = rdtsc_ordered();
	ks_exit_end_early(v, KS_EXIT_BY_SWITCH, now);
	/*
	 * Still in guest mode as far as we know: kvm_exit fires later.
	 */
	if (v->entry_tsc && !v->irq_tsc)
		v->irq_tsc = now;

	t->kind = ks_switch_kind(t, v);
	r = ks_begin_at(switch_out, ks_vcpu_ring(v) & KVMSCHED_CLASS_SWITCH, now);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->kind = t->kind;
	r->loaded = loaded;
	ks_set_task(r, next_, next);
	r->nvcsw = current->nvcsw;
	r->nivcsw = current->nivcsw;
	r->throttled = ks_task_throttled(current);
	r->sleep = ks_sleep_of(v, t->kind);
	r->ran_cycles = t->in_tsc ? now - t->in_tsc : 0;
	ks_end_at(switch_out, r);
	ledger = READ_ONCE(v->ledger);
	if (ledger)
		ks_ledger_switch_out(ledger, t->kind, v->irq_tsc, now);
	t->out_tsc = now;
	if (t->kind == KS_SWITCH_DEAD)
		ks_vcpu_record_last(v, KS_LAST_OF_THREAD);
}

/* Context: interrupts off, runqueue lock held; current is the vCPU thread. */
static void ks_on_sched_out(struct preempt_notifier *notifier,
			    struct task_struct *next)
{
	struct ks_thread *t = container_of(notifier, struct ks_thread, notifier);

	this_cpu_write(ks_current, &ks_nobody);
	if (ks_thread_look(t)) {
		t->wake_tsc = 0;
		t->out_tsc = 0;
		ks_vcpu_of_switched(t, ks_tell_switch_out, next);
	}
	t->cpu = smp_processor_id();
	t->nvcsw = current->nvcsw;
	t->run_delay = current->sched_info.run_delay;

	/* One whose VM has gone may have begun a KVM_RUN of another VM. */
	if ((t->gone && !t->run) || READ_ONCE(current->__state) == TASK_DEAD) {
		ks_steal_stop_waiting(t);
		ks_thread_give_up(t);
	}
}

/*
 * A wait for the CPU begins.  The scheduler counts waits itself (run_delay),
 * but without the time that an idle CPU takes to wake up: after a wakeup it
 * skips the next update of the runqueue's clock (check_preempt_curr()).
 *
 * Context: the lock of the task's runqueue is held, unless a task wakes itself;
 * preemption off.
 */
static void ks_on_sched_wakeup(void *data, struct task_struct *task)
{
	struct ks_thread *t;
	struct ks_vcpu *v;

	if (likely(hlist_empty(&task->preempt_notifiers)))
		return;
	/* A task that is still on the CPU does not begin to wait. */
	if (ks_task_on_cpu(task))
		return;
	t = ks_thread_of(task);
	v = ks_vcpu_of_task(task);
	if (!v || !t->out_tsc || t->wake_tsc || t->kind == KS_SWITCH_PREEMPTED ||
	    t->kind == KS_SWITCH_ABORTED)
		return;
	if (ks_vcpu_wanted(v) & KVMSCHED_CLASS_STEAL)
		ks_steal_woken(t, v);
	else
		t->wake_tsc = rdtsc_ordered();
}

/* How long was the thread runnable while it was off the CPU? */
static u64 ks_wait_ns(const struct ks_thread *t, u64 got)
{
	if (t->wake_tsc)
		return ks_ns_of(ks_since(got, t->wake_tsc));
	return current->sched_info.run_delay - t->run_delay;
}

static void ks_tell_switch_in(struct ks_thread *t, struct ks_vcpu *v, bool loaded,
			      const struct task_struct *unused)
{
	struct ks_rec_switch_in *r;
	u64 now, got;

	ks_identify_switched(v);
	now = rdtsc_ordered();
	/* Interrupts may have run since the switch: their time is no wait. */
	got = t->got_tsc ?: now;
	r = ks_begin_at(switch_in, ks_vcpu_ring(v) & KVMSCHED_CLASS_SWITCH, now);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->from_cpu = t->cpu;
	r->kind = t->kind;
	r->off_cycles = t->out_tsc ? ks_since(got, t->out_tsc) : 0;
	r->wait_ns = ks_wait_ns(t, got);
	ks_book_switch_in(t, v, loaded, r->wait_ns, got);
	t->in_tsc = got;
	ks_end_at(switch_in, r);
	if (loaded)
		ks_vcpu_retry_identity(v);
	ks_check_policy(v);
}

/* Context: interrupts on, preemption off. */
static void ks_on_sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct ks_thread *t = container_of(notifier, struct ks_thread, notifier);
	struct ks_vcpu *v = READ_ONCE(t->vcpu) ?: &ks_nobody;
	unsigned long flags;

	local_irq_save(flags);
	this_cpu_write(ks_current, v);
	if (ks_thread_look(t)) {
		t->in_tsc = 0;
		ks_vcpu_of_switched(t, ks_tell_switch_in, NULL);
		t->got_tsc = 0;
		t->out_tsc = 0;
	}
	local_irq_restore(flags);
}

/**
 * ks_sched_init - give our preempt notifiers what they call
 *
 * Context: init, before anything is attached.
 */
void __init ks_sched_init(void)
{
	ks_preempt_ops.sched_in = ks_on_sched_in;
	ks_preempt_ops.sched_out = ks_on_sched_out;
}

static void ks_note_halt(u64 ns, bool waited, bool valid)
{
	struct ks_vcpu *v = ks_vcpu_loaded();
	struct ks_rec_halt *r;
	unsigned long flags;
	u64 now, polled;

	if (!v || !ks_vcpu_is_loaded(v))
		return;
	polled = v->key->stat.generic.halt_poll_success_ns +
		 v->key->stat.generic.halt_poll_fail_ns;

	r = ks_begin(halt, ks_vcpu_ring(v) & KVMSCHED_CLASS_SWITCH, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->waited = waited;
	r->valid = valid;
	/*
	 * Polls of the time when nobody listened are no part of this halt:
	 * KS_POLLED_UNKNOWN is larger than any count.  And root may have set
	 * KVM's counts to 0 by debugfs.
	 */
	r->poll_ns = polled > v->polled ? polled - v->polled : 0;
	r->halt_ns = ns;
	ks_book_poll(v, r->poll_ns, now);
	v->polled = polled;
	ks_end(halt, r, flags);
}

/*
 * A halt is over.  No tracepoint fires when halt polling begins, but KVM counts
 * how long it polled, and has done so when this fires (kvm_vcpu_halt()).
 *
 * Context: the vCPU's thread; preemption may be on.
 */
static void ks_on_vcpu_wakeup(void *data, u64 ns, bool waited, bool valid)
{
	preempt_disable_notrace();
	ks_note_halt(ns, waited, valid);
	preempt_enable_notrace();
}

/* The VM is destroyed: its addresses may be reused. */
static int ks_on_destroy_vm(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct ks_thread *t = ks_thread_of(current);

	/* KVM_RUN has failed before vcpu_load(), which comes now for another reason. */
	if (t)
		t->run = NULL;
	ks_vcpus_forget_vm((struct kvm *)ks_arg1(regs));
	return 0;
}

struct ks_hook ks_sched_hooks[] = {
	KS_KPROBE_KEPT_ROW("kvm_arch_destroy_vm", "kvm", KS_CLASS_VCPU,
			   ks_on_destroy_vm),
	KS_KPROBE_ROW("vcpu_put", "kvm", KS_CLASS_VCPU, KS_ALWAYS,
		      NULL, ks_on_vcpu_put),
	KS_KPROBE_ROW("vcpu_load", "kvm", KS_CLASS_VCPU, KS_ALWAYS,
		      NULL, ks_on_vcpu_load),
	KS_KPROBE_ROW("kvm_arch_vcpu_ioctl_run", "kvm", KS_CLASS_VCPU, KS_ALWAYS,
		      NULL, ks_on_vcpu_ioctl_run),
	KS_CHECKED_ROW(sched_wakeup, "",
		       KVMSCHED_CLASS_SWITCH | KVMSCHED_CLASS_STEAL | KS_CLASS_LEDGER,
		       KS_ALWAYS, ks_on_sched_wakeup),
	KS_CHECKED_ROW(kvm_vcpu_wakeup, "kvm", KVMSCHED_CLASS_SWITCH | KS_CLASS_LEDGER,
		       KS_ALWAYS, ks_on_vcpu_wakeup),
	{}
};
