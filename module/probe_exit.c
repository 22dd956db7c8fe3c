// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits and entries
 *
 *	entry ─► guest mode ─► kvm_exit fires ─► exit open ─► entry | switch | put
 *	                                                      writes the exit record
 *
 * Each hardware exit gets exactly one record.  It is written when the host's
 * part of the exit ends: the vCPU enters the guest again, its thread loses the
 * CPU, or KVM_RUN returns.  Until then the exit is open.  If it did not end by
 * an entry, the next entry writes an entry record.  So does an entry that no exit
 * came before: else nothing would tell, of a vCPU that loses the CPU before
 * kvm_exit fires, that it was in guest mode.
 *
 * kvm_exit usually fires with interrupts off, before the host serves its
 * interrupts.  On SVM up to 6.1, and with the kprobes of attach=kprobe, it
 * comes after them, and even after a switch.  So the first interrupt or switch
 * that is seen in guest mode gives the time of the exit (struct
 * ks_vcpu.irq_tsc).
 *
 * An entry that follows an entry is one of two things.  Where kvm_exit fires in
 * the function that runs the guest, no exit is missing: the first entry failed
 * (VMX alone: VMLAUNCH or VMRESUME refused; or a TDX module had an error).
 * Elsewhere KVM's fast path handled an exit, and nothing fired.
 */
#include <linux/kvm_host.h>
#include <linux/lockdep.h>

#include "clock.h"
#include "exit_reason.h"
#include "probe.h"
#include "record.h"
#include "vcpu.h"

/* Copy the record of the open exit, and say how long its host part took: @host. */
static __always_inline void ks_fill_exit(struct ks_rec_exit *r,
					 const struct ks_vcpu *v, u64 host)
{
	memcpy(r, &v->exit, offsetof(struct ks_rec_exit, host_cycles));
	r->host_cycles = host;
}

/* The host's part of the open exit ends: write its record. */
static void ks_write_exit(struct ks_vcpu *v, u8 end, u64 now)
{
	struct ks_ledger *ledger = READ_ONCE(v->ledger);
	struct ks_rec_exit *r;

	r = ks_begin_bare_at(exit, ks_vcpu_ring(v) & KVMSCHED_CLASS_EXIT, now);
	ks_fill_exit(r, v, now - v->host_tsc);
	r->flags |= end;
	ks_end_at(exit, r);

	if (ledger)
		ks_ledger_end_exit(ledger, ks_exit_ledger_reason(v),
				v->exit.guest_cycles, v->host_tsc, now,
				end == KS_EXIT_BY_ENTRY ? KVMSCHED_STATE_GUEST :
							  KVMSCHED_STATE_EXIT);
	ks_exit_clear(v);
	v->open = KS_OPEN_NONE;
}

/**
 * ks_exit_end_early - the vCPU leaves the CPU or KVM_RUN: write the open exit
 * @v:   the thread's entry
 * @end: KS_EXIT_BY_SWITCH or KS_EXIT_BY_PUT
 * @now: when
 *
 * Context: owner, interrupts off.
 */
void ks_exit_end_early(struct ks_vcpu *v, u8 end, u64 now)
{
	if (!v->open)
		return;
	v->exit_tsc = v->exit.flags & KS_EXIT_IRQ_FIRST ? v->irq_tsc :
							  v->host_tsc;
	v->entry_due = true;
	ks_write_exit(v, end, now);
}

/*
 * An interrupt or a switch was seen before kvm_exit fired: it dates the exit.
 */
static noinline void ks_open_dated_exit(struct ks_vcpu *v, u32 event, u64 entry)
{
	ks_exit_open(v, event);
	v->exit.flags |= KS_EXIT_IRQ_FIRST;
	v->exit.guest_cycles = entry ? v->irq_tsc - entry : 0;
	v->open = KS_OPEN_SPECIAL;
	/*
	 * Host time is time on the CPU: after a switch it counts from the
	 * switch in.  irq_tsc may be of the CPU before, whose TSC may be ahead.
	 */
	v->host_tsc = min_t(u64, rdtsc(), max(v->thread->in_tsc, v->irq_tsc));
}

/*
 * Every exit takes this path, so it is short: it usually calls nothing, and it
 * prepares the record in the form in which the ring will get it; @raw's owner has put
 * the info there.  The hardware's exits and entries serialize, so reading the TSC needs
 * no barrier.
 */
static __always_inline void ks_note_exit(struct ks_vcpu *v,
					 const struct ks_exit_raw *raw)
{
	u64 entry, now;

	v->exit.reason = raw->reason;
	/*
	 * Interrupts may be on.  Clear entry_tsc first, so that an interrupt
	 * that comes now does not count as the end of guest mode.  Then look
	 * whether an earlier one did.  Only then open the exit: an interrupt
	 * that finds an open exit sets irq_tsc for another reason.
	 */
	entry = v->entry_tsc;
	v->entry_tsc = 0;
	barrier();
	if (unlikely(v->irq_tsc))
		return ks_open_dated_exit(v, raw->event, entry);
	now = rdtsc();
	barrier();
	v->host_tsc = now;
	ks_exit_open(v, raw->event);
	v->exit.guest_cycles = likely(entry) ? now - entry : 0;
}

static noinline void ks_note_exit_slow(struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *v = ks_vcpu_of(vcpu);
	struct ks_exit_raw raw;

	if (!v)
		return;
	ks_probe_settle(v);
	ks_exit_fetch_any(v, vcpu, &raw, &v->exit.info);
	ks_note_exit(v, &raw);
}

/*
 * KVM's fast path handled an exit since the last entry, and nothing fired.  The time
 * of that exit is not known.  The time since the entry counts as the guest's, since
 * the fast path takes little of it.
 */
static void ks_write_unseen_exit(struct ks_vcpu *v, struct kvm_vcpu *vcpu, u64 now)
{
	struct ks_exit_raw raw;

	ks_exit_fetch_any(v, vcpu, &raw, &v->exit.info);
	v->exit.reason = raw.reason;
	ks_exit_open(v, raw.event);
	v->exit.flags |= KS_EXIT_FASTPATH;
	v->exit.guest_cycles = now - v->entry_tsc;
	v->host_tsc = now;
	ks_write_exit(v, KS_EXIT_BY_ENTRY, now);
}

/* Each KVM_RUN begins by one, so nothing is paid for a call. */
static __always_inline void ks_write_entry(struct ks_vcpu *v, u64 now)
{
	struct ks_rec_entry *r;

	r = ks_begin_at(entry, ks_vcpu_ring(v) & KVMSCHED_CLASS_EXIT, now);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->since_exit_cycles = v->entry_due ? ks_since(now, v->exit_tsc) : 0;
	ks_end_at(entry, r);
	v->entry_due = false;
}

/*
 * The last entry failed, so the guest did not run.  No exit is recorded: there was
 * none, and the VMCS still has the reason of an earlier one.  What the host did
 * since then was not seen, so that time is unknown.
 */
static noinline void ks_write_failed_entry(struct ks_vcpu *v, u64 now)
{
	struct ks_ledger *ledger = READ_ONCE(v->ledger);

	ks_write_entry(v, now);
	if (ledger)
		ks_ledger_doubt(ledger);
}

static __always_inline void ks_begin_guest_mode(struct ks_vcpu *v, u64 now)
{
	v->irq_tsc = 0;
	v->entry_tsc = now;
}

static void ks_on_vmx_exit(void *data, struct kvm_vcpu *vcpu, u32 isa);

/*
 * Does kvm_exit fire for each exit, even for those of KVM's fast path?  On SVM it
 * depends on the version, and does not matter: VMRUN always ends by an exit.  (7.x may
 * refuse to run an SEV-ES guest behind kvm_entry; then KVM_RUN returns.)
 */
static bool ks_every_exit_fires(void)
{
	const struct ks_hook *hook;

	for (hook = ks_exit_hooks; hook->name; hook++)
		if (hook->probe == ks_on_vmx_exit)
			return READ_ONCE(hook->attached);
	return false;
}

/*
 * Any entry but the usual: the first one of a vCPU, one after a switch or a
 * put, one that an enabled event wants, or one that finds no room in the page.
 *
 * @data, and __used, which keeps it: the arguments are where kvm_entry's handler has
 * them, and the usual entry does not pay for moving them.
 */
static noinline __used void ks_note_entry_slow(void *data, struct kvm_vcpu *vcpu)
{
	struct ks_vcpu *v = ks_vcpu_of(vcpu);
	struct ks_ledger *ledger;
	u64 now;

	if (!v)
		return;
	v->offset_written = false;
	ks_probe_settle(v);

	now = rdtsc();
	if (v->open)
		ks_write_exit(v, KS_EXIT_BY_ENTRY, now);
	else if (!v->entry_tsc)
		ks_write_entry(v, now);
	else if (ks_every_exit_fires())
		ks_write_failed_entry(v, now);
	else
		ks_write_unseen_exit(v, vcpu, now);
	ledger = READ_ONCE(v->ledger);
	if (ledger && ledger->core.state != KVMSCHED_STATE_GUEST)
		ks_ledger_move(ledger, KVMSCHED_STATE_GUEST, now);
	ks_begin_guest_mode(v, now);
}

/*
 * From the vCPU alone: what the usual entry would have to keep in registers costs it.
 *
 * Context: as ks_note_entry().
 */
static noinline void ks_end_unusual_exit(struct ks_vcpu *v, u64 now)
{
	ks_ledger_end_exit(v->ledger, v->exit.reason, v->exit.guest_cycles, v->host_tsc,
			   now, KVMSCHED_STATE_GUEST);
}

/* Write the record of the open exit, if the open page of the ring has room. */
static __always_inline bool ks_try_exit(const struct ks_vcpu *v, u64 host, u64 now)
{
	struct ks_rec_exit *r = ks_ring_try(KS_RECORD_SIZE(exit), now);

	if (unlikely(!r))
		return false;
	ks_fill_exit(r, v, host);
	return true;
}

static __always_inline void ks_end_usual_exit(struct ks_vcpu *v, u64 now)
{
	v->open = KS_OPEN_NONE;
	ks_begin_guest_mode(v, now);
}

/* The same, and the ledger counts the exit: there is one, as @ledger_exit is set. */
static __always_inline void ks_end_counted_exit(struct ks_vcpu *v, u64 host, u64 now)
{
	ks_end_usual_exit(v, now);
	if (unlikely(!ks_ledger_entry(v->ledger, v->exit.reason, v->exit.guest_cycles,
				      host, now)))
		ks_end_unusual_exit(v, now);
}

/* Reads the word anew each time: that keeps the usual entry free of a register. */
static __always_inline bool ks_exit_is(const struct ks_vcpu *v, u32 state)
{
	barrier();
	return v->exit_state == state;
}

/*
 * An entry whose exit nobody but the ring wants pays for one question.
 *
 * Interrupts are off here in every kernel version.
 */
static __always_inline void ks_note_entry(struct ks_vcpu *v, struct kvm_vcpu *vcpu)
{
	u64 host, now;

	if (unlikely(v->fast_vcpu != vcpu))
		return ks_note_entry_slow(NULL, vcpu);

	now = rdtsc();
	if (likely(ks_exit_is(v, KS_EXIT_TO_RING))) {
		if (likely(ks_try_exit(v, now - v->host_tsc, now)))
			return ks_end_usual_exit(v, now);
	} else if (ks_exit_is(v, KS_EXIT_TO_BOTH)) {
		host = now - v->host_tsc;
		if (likely(ks_try_exit(v, host, now)))
			return ks_end_counted_exit(v, host, now);
	} else if (ks_exit_is(v, KS_EXIT_TO_LEDGER)) {
		return ks_end_counted_exit(v, now - v->host_tsc, now);
	} else if (ks_exit_is(v, KS_EXIT_TO_NOBODY)) {
		return ks_end_usual_exit(v, now);
	}
	ks_note_entry_slow(NULL, vcpu);
}

/*
 * notrace: the ftrace call site costs 1 % of this path.  Other handlers switch preemption
 * off, as tracepoints of 7.x don't.  Here KVM has done that, or interrupts are off: a
 * kernel for debugging (PROVE_LOCKING) checks it, and no other one pays for that.
 *
 * Context: the vCPU's thread, right after the guest; interrupts off.
 */
static notrace void ks_on_vmx_exit(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);
	struct ks_exit_raw raw;

	lockdep_assert_preemption_disabled();
	if (unlikely(v->fast_vcpu != vcpu || ks_is_l2(vcpu)))
		return ks_note_exit_slow(vcpu);
	ks_exit_fetch_vmx(vcpu, &raw, &v->exit.info);
	ks_note_exit(v, &raw);
}

/*
 * The rest: nested page faults, AVIC's, what came while an event was delivered, and codes
 * beyond the table.  What is an error, or has no number, is looked at by the slow path.
 */
static __always_inline void ks_note_svm_other(struct ks_vcpu *v, struct kvm_vcpu *vcpu,
					      const struct vmcb_control_area *control,
					      u8 kind, struct ks_exit_raw *raw)
{
	if (unlikely(kind >= (KS_SVM_OTHER | KS_SVM_MSR) ||
		     raw->reason > SVM_EXIT_VMGEXIT))
		return ks_note_exit_slow(vcpu);
	raw->event = control->exit_int_info;
	if (likely(raw->reason == SVM_EXIT_NPF))
		ks_exit_set_npf(&v->exit.info, control);
	else
		v->exit.info = control->exit_info_1;
	ks_note_exit(v, raw);
}

/*
 * Each kind of exit has a way of its own to the end: a jump back would cost it more than
 * the one instruction.  The first two conditions are so that no comparison is needed: how
 * the kind is put together tells whether it is 0, and its sign.
 * tests/exits.t counts the instructions of each way.
 *
 * Context: as above.  Interrupts are on, and preemption is off, in 6.1 and where a
 * kprobe's handler calls this.
 */
static notrace void ks_on_svm_exit(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);
	const struct vmcb_control_area *control;
	struct ks_exit_raw raw = { .event = 0 };
	u8 kind;

	lockdep_assert_preemption_disabled();
	if (unlikely(v->fast_vcpu != vcpu || ks_is_l2(vcpu)))
		return ks_note_exit_slow(vcpu);
	control = &ks_vmcb(vcpu)->control;
	kind = ks_svm_kind(control, &raw.reason);
	if (likely(kind == KS_SVM_PLAIN)) {
		v->exit.info = control->exit_info_1;
		ks_note_exit(v, &raw);
	} else if ((s8)kind < KS_SVM_PLAIN) {	/* KS_SVM_OTHER is its sign */
		if (raw.reason != SVM_EXIT_VMMCALL)
			return ks_note_svm_other(v, vcpu, control, kind, &raw);
		v->exit.info = (u32)vcpu->arch.regs[VCPU_REGS_RAX];
		ks_note_exit(v, &raw);
	} else if (kind >= KS_SVM_CPUID) {
		ks_exit_set_leaf(&v->exit.info, vcpu);
		ks_note_exit(v, &raw);
	} else {
		ks_exit_set_msr(&v->exit.info, vcpu, control);
		ks_note_exit(v, &raw);
	}
}

/* Context: the vCPU's thread, right before the guest; interrupts off. */
static notrace void ks_on_kvm_entry(void *data, struct kvm_vcpu *vcpu,
			 bool force_immediate_exit)
{
	lockdep_assert_preemption_disabled();
	ks_note_entry(this_cpu_read(ks_current), vcpu);
}

static int ks_on_svm_handle_exit(struct kprobe *kprobe, struct pt_regs *regs)
{
	ks_on_svm_exit(NULL, (struct kvm_vcpu *)ks_arg1(regs), KS_ISA_SVM);
	return 0;
}

/*
 * Was the last exit no exit, since VMLAUNCH or VMRESUME failed?  The error number
 * stays in the VMCS.  So later exits may be taken for such a failure as well, and
 * their reason is not read: better than a wrong one.
 */
static bool ks_vmx_entry_failed(void)
{
	switch (ks_vmread(VM_INSTRUCTION_ERROR)) {
	case VMXERR_ENTRY_INVALID_CONTROL_FIELD:
	case VMXERR_ENTRY_INVALID_HOST_STATE_FIELD:
	case VMXERR_ENTRY_EVENTS_BLOCKED_BY_MOV_SS:
		return true;
	}
	return false;
}

/*
 * Has KVM entered the guest since the last exit?  Where KVM_RUN began before our hooks
 * were attached, it may have done so unseen.
 */
static bool ks_has_entered(const struct ks_vcpu *v)
{
	return !v->open && !v->entry_due && (v->entry_tsc || v->features & KS_FEATURE_LATE);
}

/*
 * KVM calls vmx_handle_exit() without an exit, too: if it has to emulate a guest
 * whose state is invalid (emulation_required), since it did not even try to enter
 * it; and if the entry failed.
 */
static int ks_on_vmx_handle_exit(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct kvm_vcpu *vcpu = (struct kvm_vcpu *)ks_arg1(regs);
	struct ks_vcpu *v = this_cpu_read(ks_current);
	bool known = v->key == vcpu && ks_vcpu_loaded() == v;
	struct ks_exit_raw raw = { .reason = KS_REASON_NONE };

	if (known && !ks_has_entered(v))
		return 0;
	if (unlikely(known && ks_vmx_entry_failed())) {
		if (ks_is_l2(vcpu))
			raw.event = KS_EXIT_RAW_L2;
		v->exit.info = 0;
		ks_note_exit(v, &raw);
	} else {
		ks_on_vmx_exit(NULL, vcpu, KS_ISA_VMX);
	}
	return 0;
}

/*
 * Called right before the guest is entered.  vmx_vcpu_run() itself may return
 * without an entry.
 */
static int ks_on_wait_lapic_expire(struct kprobe *kprobe, struct pt_regs *regs)
{
	ks_on_kvm_entry(NULL, (struct kvm_vcpu *)ks_arg1(regs), false);
	return 0;
}

/*
 * The offset from host time to guest time has changed: identify the vCPU
 * again.
 *
 * Context: any thread; preemption may be on.
 */
static void ks_on_write_tsc_offset(void *data, unsigned int vcpu_id,
				   u64 previous, u64 next)
{
	struct ks_thread *t;
	struct ks_vcpu *v;

	preempt_disable_notrace();
	t = ks_thread_of(current);
	v = t ? READ_ONCE(t->vcpu) : NULL;
	/*
	 * A guest may write its TSC often, and where the TSC is unstable KVM does at each
	 * switch in, before our notifier is called: limit the cost to that vCPU.
	 */
	if (v && v->id == vcpu_id && ks_vcpu_is_loaded(v)) {
		v->offset_written = true;
		ks_vcpu_identity_due(v);
	} else { /* another thread did it */
		ks_vcpus_identity_due(vcpu_id);
	}
	preempt_enable_notrace();
}

/*
 * Entries are attached first: an exit has no guest time if its entry is
 * unseen.
 */
struct ks_hook ks_exit_hooks[] = {
	KS_TRACEPOINT_ROW("kvm_entry", "kvm", KS_CLASS_VCPU, KS_AUTO,
			  ks_on_kvm_entry),
	/* ks_exit_init() puts the handler for VMX here where that is needed. */
	KS_TRACEPOINT_ROW("kvm_exit", "kvm", KS_CLASS_VCPU, KS_AUTO,
			  ks_on_svm_exit),
	KS_KPROBE_ROW("kvm_wait_lapic_expire", "kvm", KS_CLASS_VCPU, KS_KPROBE,
		      "kvm_entry", ks_on_wait_lapic_expire),
	KS_KPROBE_ROW("svm_handle_exit", "kvm_amd", KS_CLASS_VCPU, KS_KPROBE,
		      "kvm_exit", ks_on_svm_handle_exit),
	KS_KPROBE_ROW("vmx_handle_exit", "kvm_intel", KS_CLASS_VCPU, KS_KPROBE,
		      "kvm_exit", ks_on_vmx_handle_exit),
	KS_TRACEPOINT_ROW("kvm_write_tsc_offset", "kvm", KS_CLASS_VCPU,
			  KS_ALWAYS, ks_on_write_tsc_offset),
	{}
};

/**
 * ks_exit_init - choose the handlers of exits for this CPU: SVM's or VMX's
 *
 * Context: init, before anything is attached.
 */
void __init ks_exit_init(void)
{
	bool vmx = ks_exit_isa() == KS_ISA_VMX;
	struct ks_hook *hook;

	for (hook = ks_exit_hooks; hook->name; hook++) {
		if (vmx && hook->probe == ks_on_svm_exit)
			hook->probe = ks_on_vmx_exit;
		if (hook->handler == (vmx ? ks_on_svm_handle_exit : ks_on_vmx_handle_exit))
			hook->when = KS_OTHER_CPU;
	}
}
