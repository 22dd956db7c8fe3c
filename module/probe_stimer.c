// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synthetic timers of Hyper-V's interface, which guests use in the LAPIC's place
 *
 * KVM starts them, and delivers what is due, in the vCPU's thread right before it enters
 * the guest; so it is known whose they are.  Their hrtimers' tracepoint tells the vcpu_id
 * alone, which several VMs have: when one of these expired is not recorded.
 */
#include <linux/irqflags.h>
#include <linux/kvm_host.h>

#include "clock.h"
#include "probe.h"
#include "record.h"
#include "vcpu.h"

#define KS_STIMER_NS	100	/* their clock's unit */

/* Interrupts are off, for the sake of ks_vcpu_here() and of the record. */
static void ks_write_stimer(int vcpu_id, const struct ks_rec_stimer *what)
{
	struct ks_vcpu *v = ks_vcpu_here();
	struct ks_rec_stimer *r;
	u64 now = rdtsc_ordered();

	if (v->id != vcpu_id || !(ks_vcpu_wanted(v) & KVMSCHED_CLASS_TIMER))
		return;
	r = ks_begin_at(stimer, ks_vcpu_ring(v) & KVMSCHED_CLASS_TIMER, now);
	r->vm = v->vm;
	r->vcpu = v->id;
	r->timer = what->timer;
	r->what = what->what;
	r->periodic = what->periodic;
	r->direct = what->direct;
	r->ahead_cycles = what->ahead_cycles;
	ks_end_at(stimer, r);
}

/*
 * Context: the vCPU's thread; preemption may be on.  Within KVM_RUN, or in another ioctl,
 * by which the VMM restores the vCPU.
 */
static void ks_note_stimer(int vcpu_id, const struct ks_rec_stimer *what)
{
	unsigned long flags;

	local_irq_save(flags);
	ks_write_stimer(vcpu_id, what);
	local_irq_restore(flags);
}

/* It is due at @then.  The guest chooses that, and may choose any number. */
static void ks_note_stimer_armed(int vcpu_id, int timer, u64 now, u64 then, bool periodic)
{
	const u64 ahead = min(ks_since(then, now), KS_NEVER / KS_STIMER_NS);
	const struct ks_rec_stimer what = {
		.timer = timer, .what = KS_STIMER_ARMED, .periodic = periodic,
		.ahead_cycles = ks_cycles_of(ahead * KS_STIMER_NS),
	};

	ks_note_stimer(vcpu_id, &what);
}

static void ks_on_stimer_start_periodic(void *data, int vcpu_id, int timer, u64 time_now,
					u64 exp_time)
{
	ks_note_stimer_armed(vcpu_id, timer, time_now, exp_time, true);
}

static void ks_on_stimer_start_one_shot(void *data, int vcpu_id, int timer, u64 time_now,
					u64 count)
{
	ks_note_stimer_armed(vcpu_id, timer, time_now, count, false);
}

static void ks_on_stimer_expiration(void *data, int vcpu_id, int timer, int direct,
				    int error)
{
	const struct ks_rec_stimer what = {
		.timer = timer, .direct = direct,
		.what = error ? KS_STIMER_REFUSED : KS_STIMER_DELIVERED,
	};

	ks_note_stimer(vcpu_id, &what);
}

static void ks_on_stimer_cleanup(void *data, int vcpu_id, int timer)
{
	const struct ks_rec_stimer what = { .timer = timer, .what = KS_STIMER_STOPPED };

	ks_note_stimer(vcpu_id, &what);
}

struct ks_hook ks_stimer_hooks[] = {
	KS_TRACEPOINT_ROW("kvm_hv_stimer_start_periodic", "kvm", KVMSCHED_CLASS_TIMER,
			  KS_ALWAYS, ks_on_stimer_start_periodic),
	KS_TRACEPOINT_ROW("kvm_hv_stimer_start_one_shot", "kvm", KVMSCHED_CLASS_TIMER,
			  KS_ALWAYS, ks_on_stimer_start_one_shot),
	KS_TRACEPOINT_ROW("kvm_hv_stimer_expiration", "kvm", KVMSCHED_CLASS_TIMER,
			  KS_ALWAYS, ks_on_stimer_expiration),
	KS_TRACEPOINT_ROW("kvm_hv_stimer_cleanup", "kvm", KVMSCHED_CLASS_TIMER,
			  KS_ALWAYS, ks_on_stimer_cleanup),
	{}
};
