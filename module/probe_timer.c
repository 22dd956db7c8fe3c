// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers: the guest arms its LAPIC timer, what backs it fires; the host
 * programs its own clock event device while a vCPU is loaded
 *
 * Every write to TMICT and IA32_TSC_DEADLINE calls restart_apic_timer().  That
 * function then chooses between an hrtimer and the VMX preemption timer, and
 * the tracepoint kvm_hv_timer_state says which.  So what the guest asked for
 * waits in struct ks_vcpu.arm until that tracepoint fires, or until the timer
 * expires at once since its deadline has passed.
 *
 * The VMM may arm it as well, outside of KVM_RUN, as it restores a vCPU; and a
 * timer may be on its way already when a vCPU is seen first.
 *
 * The expiry of an hrtimer is seen by the hrtimer's tracepoint, not by a
 * kprobe: the kernel drops a kprobe hit in an interrupt that interrupts the
 * handler of another kprobe.
 */
#include <linux/clockchips.h>
#include <linux/kvm_host.h>
#include <asm/apicdef.h>
#include <trace/events/timer.h>

#include "clock.h"
#include "compat/hrtimer.h"
#include "compat/lapic.h"
#include "exit_reason.h"
#include "probe.h"
#include "record.h"
#include "sender.h"
#include "vcpu.h"

static u8 ks_timer_mode(struct kvm_lapic *apic)
{
	switch (ks_lapic_read(apic, u32, KS_TIMER_MODE)) {
	case APIC_LVT_TIMER_TSCDEADLINE:
		return KS_TIMER_DEADLINE;
	case APIC_LVT_TIMER_PERIODIC:
		return KS_TIMER_PERIODIC;
	default:
		return KS_TIMER_ONESHOT;
	}
}

/* The host's TSC at the moment when the guest's TSC reaches @deadline */
static u64 ks_host_tsc_of(struct kvm_vcpu *vcpu, u64 deadline, u64 now)
{
	u32 frac_bits = ks_tsc_frac_bits();
	u64 ratio = vcpu->arch.l1_tsc_scaling_ratio;
	u64 guest_now = mul_u64_u64_shr(now, ratio, frac_bits) +
			vcpu->arch.l1_tsc_offset;
	u64 ahead = deadline - guest_now;
	bool past = (s64)ahead < 0;

	if (past)
		ahead = -ahead;
	if (ratio == 1ULL << frac_bits)
		return past ? now - ahead : now + ahead;
	/*
	 * The guest chooses the deadline, and the quotient must not overflow.
	 */
	if (ahead >= KS_NEVER || ratio < 1ULL << (frac_bits - 8))
		return past ? 0 : U64_MAX;
	ahead = mul_u64_u64_div_u64(ahead, 1ULL << frac_bits, ratio);
	return past ? now - ahead : now + ahead;
}

/* The deadline of the LAPIC's timer, in the host's TSC */
static u64 ks_timer_deadline(struct kvm_vcpu *vcpu, struct kvm_lapic *apic, u8 mode,
			     u64 now)
{
	u64 cycles;
	s64 ahead;

	if (mode == KS_TIMER_DEADLINE)
		return ks_host_tsc_of(vcpu, ks_lapic_read(apic, u64,
							  KS_TIMER_TSCDEADLINE),
				      now);

	ahead = ks_lapic_read(apic, ktime_t, KS_TIMER_TARGET) - ktime_get();
	cycles = ks_cycles_of(ahead < 0 ? -(u64)ahead : ahead);
	return ahead < 0 ? now - cycles : now + cycles;
}

/* What the LAPIC's timer is set to, as the fields of an arm's record have it */
static void ks_timer_read(struct kvm_vcpu *vcpu, struct kvm_lapic *apic,
			  struct ks_arm *arm)
{
	arm->mode = ks_timer_mode(apic);
	arm->deadline = ks_timer_deadline(vcpu, apic, arm->mode, rdtsc_ordered());
	arm->guest_deadline = 0;
	arm->period_ns = 0;
	if (arm->mode == KS_TIMER_DEADLINE)
		arm->guest_deadline = ks_lapic_read(apic, u64, KS_TIMER_TSCDEADLINE);
	else
		arm->period_ns = ks_lapic_read(apic, s64, KS_TIMER_PERIOD);
}

/* What tells an arm from the one before it: the deadline, in the unit that KVM has it in */
static u64 ks_timer_asked(struct kvm_lapic *apic, const struct ks_arm *arm)
{
	return arm->mode == KS_TIMER_DEADLINE ? arm->guest_deadline :
						(u64)ks_lapic_read(apic, ktime_t,
								   KS_TIMER_TARGET);
}

static void ks_write_arm(struct ks_vcpu *v, const struct ks_arm *arm, bool hv)
{
	struct ks_rec_timer_arm *r;
	unsigned long flags;
	u64 now;

	r = ks_begin(timer_arm, ks_vcpu_ring(v) & KVMSCHED_CLASS_TIMER, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->mode = arm->mode;
	r->rearm = arm->rearm;
	r->hv = hv;
	r->guest_deadline = arm->guest_deadline;
	r->deadline = arm->deadline;
	r->period_ns = arm->period_ns;
	ks_end(timer_arm, r, flags);
}

/*
 * Write the record of the arm that waits in v->arm, if there is one.  The
 * thread or an interrupt of the timer may do so, so interrupts go off before
 * the test.
 */
static void ks_write_due_arm(struct ks_vcpu *v, bool hv)
{
	unsigned long flags;

	local_irq_save(flags);
	if (v->arm_due) {
		v->arm_due = false;
		ks_write_arm(v, &v->arm, hv);
	}
	local_irq_restore(flags);
}

/* The entry of a LAPIC's vCPU, if its timers are wanted and can be read */
static struct ks_vcpu *ks_timer_owner(struct kvm_lapic *apic,
				      struct kvm_vcpu **vcpu)
{
	struct ks_vcpu *v;

	*vcpu = ks_lapic_vcpu(apic);
	if (!*vcpu)
		return NULL;
	v = ks_vcpu_find(*vcpu);
	return v && (ks_vcpu_wanted(v) & KVMSCHED_CLASS_TIMER) ? v : NULL;
}

/*
 * Is the current thread within KVM_RUN of this vCPU?  ks_vcpu_loaded() doesn't know yet
 * where a thread gets another CPU: KVM restarts the preemption timer in its own sched_in,
 * which is called before ours.
 *
 * Context: preemption off.
 */
static bool ks_timer_is_own(const struct ks_vcpu *v)
{
	return READ_ONCE(v->runner) == current;
}

/*
 * Another ioctl than KVM_RUN sets the timer: the VMM restores a vCPU.  The thread
 * has the vCPU to itself, but is not its owner to us, so v->arm is not touched.  The next
 * KVM_RUN may find it on another CPU, and then KVM arms the same once more.
 */
static void ks_timer_restored(struct ks_vcpu *v, struct kvm_vcpu *vcpu,
			      struct kvm_lapic *apic)
{
	struct ks_arm arm;

	ks_timer_read(vcpu, apic, &arm);
	arm.rearm = KS_ARM_BY_VMM;
	WRITE_ONCE(v->last_deadline, ks_timer_asked(apic, &arm));
	if (arm.guest_deadline || arm.period_ns)
		ks_write_arm(v, &arm, false);
}

/* The guest arms its timer, or KVM does so again: the record waits in v->arm. */
static void ks_timer_armed(struct ks_vcpu *v, struct kvm_vcpu *vcpu,
			   struct kvm_lapic *apic, bool by_kvm)
{
	u64 asked;

	ks_timer_read(vcpu, apic, &v->arm);
	asked = ks_timer_asked(apic, &v->arm);
	/*
	 * KVM also calls restart_apic_timer() when it changes what backs the timer.
	 */
	v->arm.rearm = by_kvm || v->arm_next || asked == v->last_deadline ?
		       KS_ARM_AGAIN : KS_ARM_BY_GUEST;
	v->arm_next = false;
	v->timer_known = true;
	v->last_deadline = asked;
	/* From here on the timer's interrupt may read v->arm. */
	barrier();
	v->arm_due = true;
}

/* If an expiry is pending, KVM starts no timer, and no tracepoint fires. */
static bool ks_timer_waits_for_expiry(struct kvm_lapic *apic)
{
	return ks_timer_mode(apic) != KS_TIMER_PERIODIC &&
	       ks_lapic_read(apic, int, KS_TIMER_PENDING);
}

/* The guest writes 0 to IA32_TSC_DEADLINE: nothing is armed any more. */
static bool ks_timer_is_stopped(struct kvm_lapic *apic)
{
	return ks_timer_mode(apic) == KS_TIMER_DEADLINE &&
	       !ks_lapic_read(apic, u64, KS_TIMER_TSCDEADLINE);
}

static void ks_timer_stopped(struct ks_vcpu *v)
{
	const struct ks_arm arm = {
		.mode = KS_TIMER_DEADLINE, .rearm = KS_ARM_STOPPED,
	};

	v->arm_due = false;
	v->last_deadline = 0;
	ks_write_arm(v, &arm, false);
}

/* static void restart_apic_timer(struct kvm_lapic *apic) */
static int ks_on_restart_apic_timer(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct kvm_lapic *apic = (struct kvm_lapic *)ks_arg1(regs);
	struct kvm_vcpu *vcpu;
	struct ks_vcpu *v = ks_timer_owner(apic, &vcpu);

	if (!v)
		return 0;
	if (!ks_timer_is_own(v)) {
		ks_timer_restored(v, vcpu, apic);
		return 0;
	}
	if (ks_timer_is_stopped(apic)) {
		ks_timer_stopped(v);
		return 0;
	}
	ks_timer_armed(v, vcpu, apic, false);
	if (ks_timer_waits_for_expiry(apic))
		ks_write_due_arm(v, false);
	return 0;
}

/*
 * void kvm_lapic_switch_to_hv_timer(struct kvm_vcpu *vcpu)
 *
 * After a halt KVM moves the timer back to the preemption timer.  Compilers put
 * restart_apic_timer() into this function, so that its own hook sees nothing.  Where
 * they don't, that hook finds the same arm once more, before its record is written.
 */
static int ks_on_switch_to_hv_timer(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct kvm_lapic *apic = ((struct kvm_vcpu *)ks_arg1(regs))->arch.apic;
	struct kvm_vcpu *vcpu;
	struct ks_vcpu *v = ks_timer_owner(apic, &vcpu);

	if (v && ks_timer_is_own(v) && !ks_timer_is_stopped(apic) &&
	    !ks_timer_waits_for_expiry(apic))
		ks_timer_armed(v, vcpu, apic, true);
	return 0;
}

/*
 * Context: the vCPU's thread; preemption off, since KVM chooses and switches what
 * backs the timer on one CPU (start_hv_timer(), cancel_hv_timer()).  KVM's sched_in is
 * part of this, as above: so the thread's own entry says which vCPU it is.
 */
static void ks_on_hv_timer_state(void *data, unsigned int vcpu_id,
				 unsigned int hv_timer_in_use)
{
	struct ks_vcpu *v = ks_vcpu_of_task(current);

	if (v && ks_timer_is_own(v) && v->id == vcpu_id)
		ks_write_due_arm(v, hv_timer_in_use);
}

static void ks_write_expiry(struct kvm_lapic *apic)
{
	struct kvm_vcpu *vcpu;
	struct ks_vcpu *v = ks_timer_owner(apic, &vcpu);
	struct ks_rec_timer_expire *r;
	unsigned long flags;
	u64 now;
	u8 mode;

	if (!v)
		return;
	if (ks_timer_is_own(v))
		ks_write_due_arm(v, ks_lapic_read(apic, bool, KS_TIMER_HV_IN_USE));

	mode = ks_timer_mode(apic);
	r = ks_begin(timer_expire, ks_vcpu_ring(v) & KVMSCHED_CLASS_TIMER, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->mode = mode;
	r->hv = ks_lapic_read(apic, bool, KS_TIMER_HV_IN_USE);
	r->deadline = ks_timer_deadline(vcpu, apic, mode, now);
	r->late_cycles = now - r->deadline;
	/* KVM ignores an expiry while another one is pending. */
	r->merged = ks_lapic_read(apic, int, KS_TIMER_PENDING) ? KS_MERGED_YES :
								 KS_MERGED_NO;
	ks_end(timer_expire, r, flags);
}

/*
 * static void apic_timer_expired(struct kvm_lapic *apic, bool from_timer_fn)
 *
 * The hrtimer's interrupt calls it too; another hook records that expiry.  The other
 * callers run in the vCPU's thread: an exit by the preemption timer, and the
 * arming of a timer whose deadline has passed.
 *
 * With posted interrupts KVM delivers the interrupt here, whoever calls.
 *
 * Where the preemption timer backs a periodic timer, KVM then sets the next period
 * and calls restart_apic_timer(): the guest has armed nothing.
 */
static int ks_on_apic_timer_expired(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct kvm_lapic *apic = (struct kvm_lapic *)ks_arg1(regs);
	struct kvm_vcpu *vcpu = ks_lapic_vcpu(apic);
	struct ks_vcpu *v = ks_vcpu_loaded();

	if (vcpu)
		ks_sender_timer(vcpu, regs);
	/* Of a bool, the caller sets the lowest byte alone. */
	if ((u8)ks_arg2(regs))
		return 0;
	ks_write_expiry(apic);
	if (v && vcpu == v->key && ks_vcpu_wanted(v) & KVMSCHED_CLASS_TIMER &&
	    ks_timer_mode(apic) == KS_TIMER_PERIODIC &&
	    ks_lapic_read(apic, bool, KS_TIMER_HV_IN_USE))
		v->arm_next = true;
	return 0;
}

/*
 * The address of apic_timer_fn() in kvm.ko, from the LAPIC of the vCPU that was
 * identified last.  It is compared, never called.
 */
static void *ks_apic_timer_fn;

/*
 * Context: the hrtimer's interrupt, on any CPU.  On PREEMPT_RT a thread runs many
 * hrtimers, with preemption on, but not KVM's (HRTIMER_MODE_ABS_HARD): so only a
 * word is compared for those.
 */
static void ks_on_hrtimer_expire(void *data, struct hrtimer *hrtimer,
				 ks_hrtimer_now_t now)
{
	if (ACCESS_PRIVATE(hrtimer, function) != READ_ONCE(ks_apic_timer_fn))
		return;
	ks_write_expiry((struct kvm_lapic *)((char *)hrtimer - KS_LAPIC_TIMER));
}

/**
 * ks_timer_learn - look at a vCPU's LAPIC before its timer is believed
 * @v: entry of the current thread, about to be identified
 *
 * Context: as ks_vcpu_identify().
 */
void ks_timer_learn(struct ks_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->key;
	struct hrtimer *hrtimer;

	if (!ks_lapic_readable(vcpu)) {
		v->features |= KS_FEATURE_NO_LAPIC;
		return;
	}
	hrtimer = (struct hrtimer *)((char *)vcpu->arch.apic + KS_LAPIC_TIMER);
	WRITE_ONCE(ks_apic_timer_fn, ACCESS_PRIVATE(hrtimer, function));
}

/* What backs the timer, and when that expires: the hrtimer may know better than KVM */
static bool ks_timer_backing(struct kvm_lapic *apic, bool *hv, u64 *expires)
{
	struct hrtimer *hrtimer = (struct hrtimer *)((char *)apic + KS_LAPIC_TIMER);
	s64 ahead;
	u64 now;

	*hv = ks_lapic_read(apic, bool, KS_TIMER_HV_IN_USE);
	if (*hv)
		return true;
	if (!hrtimer_is_queued(hrtimer))
		return false;
	now = rdtsc_ordered();
	ahead = ktime_sub(hrtimer_get_expires(hrtimer), ktime_get());
	*expires = ahead < 0 ? now : now + ks_cycles_of(ahead);
	return true;
}

/**
 * ks_timer_found - tell of a timer that was armed before anybody looked
 * @v: entry of the current thread, identified just now
 *
 * Its deadline is the one that KVM's hrtimer is set to.  That differs from what the
 * guest waits for if the VMM has set IA32_TSC_DEADLINE before the TSC.
 *
 * Context: as ks_vcpu_identify().
 */
void ks_timer_found(struct ks_vcpu *v)
{
	struct kvm_lapic *apic = v->key->arch.apic;
	struct ks_arm arm;
	bool hv;

	if (v->timer_known || v->features & KS_FEATURE_NO_LAPIC ||
	    !(ks_vcpu_wanted(v) & KVMSCHED_CLASS_TIMER))
		return;
	v->timer_known = true;
	ks_timer_read(v->key, apic, &arm);
	if (!ks_timer_backing(apic, &hv, &arm.deadline))
		return;
	arm.rearm = KS_ARM_FOUND;
	v->last_deadline = arm.guest_deadline ?:
			   (u64)ks_lapic_read(apic, ktime_t, KS_TIMER_TARGET);
	ks_write_arm(v, &arm, hv);
}

/*
 * int clockevents_program_event(struct clock_event_device *dev,
 *				 ktime_t expires, bool force)
 */
static int ks_on_program_event(struct kprobe *kprobe, struct pt_regs *regs)
{
	ktime_t expires = ks_arg2(regs);
	struct ks_vcpu *v = ks_vcpu_loaded();
	struct ks_rec_clockevent *r;
	unsigned long flags;
	u64 now;

	if (!v || !(ks_vcpu_wanted(v) & KVMSCHED_CLASS_TIMER) || expires == KTIME_MAX)
		return 0;
	r = ks_begin(clockevent, ks_vcpu_ring(v) & KVMSCHED_CLASS_TIMER, now, flags);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->expires_ns = expires;
	r->delta_ns = expires - ktime_get();
	ks_end(clockevent, r, flags);
	return 0;
}

struct ks_hook ks_timer_hooks[] = {
	KS_TRACEPOINT_ROW("kvm_hv_timer_state", "kvm", KVMSCHED_CLASS_TIMER,
			  KS_ALWAYS, ks_on_hv_timer_state),
	KS_CHECKED_ROW(hrtimer_expire_entry, "", KVMSCHED_CLASS_TIMER,
		       KS_ALWAYS, ks_on_hrtimer_expire),
	/*
	 * A hit that the kernel drops in an interrupt is one of the hrtimer's.
	 */
	KS_KPROBE_HINT_ROW("apic_timer_expired", "kvm",
			   KVMSCHED_CLASS_TIMER | KVMSCHED_CLASS_IRQ,
			   ks_on_apic_timer_expired),
	KS_KPROBE_ROW("restart_apic_timer", "kvm", KVMSCHED_CLASS_TIMER,
		      KS_ALWAYS, NULL, ks_on_restart_apic_timer),
	KS_KPROBE_ROW("kvm_lapic_switch_to_hv_timer", "kvm", KVMSCHED_CLASS_TIMER,
		      KS_ALWAYS, NULL, ks_on_switch_to_hv_timer),
	KS_KPROBE_ROW("clockevents_program_event", "", KVMSCHED_CLASS_TIMER,
		      KS_ALWAYS, NULL, ks_on_program_event),
	{}
};
