/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks: one row for each place in the kernel where a probe is attached
 *
 * Each probe_*.c has its handlers and a table of hooks; no other file knows the
 * handlers.  hooks.c attaches a row while one of its classes is
 * wanted.  Handlers never run in an NMI, and never allocate, sleep, print or wake.
 *
 * Kprobes and preempt notifiers call their handlers with preemption off.  A
 * tracepoint did so up to 6.x; since 7.0 it calls them as it was called itself,
 * within SRCU.  A handler that is preempted comes back on another CPU, and
 * stop_machine() unlinks our notifiers in between: so each handler says in which
 * context its tracepoint fires.  Where preemption may be on, the handler switches
 * it off before it looks at data of its CPU or at a list of notifiers.  (It may
 * still be preempted before that: who waits for SRCU waits for it, too.)
 */
#ifndef _KVMSCHED_PROBE_H
#define _KVMSCHED_PROBE_H

#include <linux/kprobes.h>
#include <linux/tracepoint.h>

#include "vcpu.h"

/* When a row is wanted */
enum ks_hook_when {
	KS_ALWAYS,	/* one of its classes is wanted */
	KS_AUTO,	/* the same, with attach=auto only */
	KS_KPROBE,	/* the same, with attach=kprobe or without @instead */
	KS_OTHER_CPU,	/* it is for CPUs of another vendor: never, and not told */
};

/**
 * struct ks_hook - a row
 * @name:	tracepoint or function
 * @module:	"" for the kernel itself
 * @classes:	KVMSCHED_CLASS_* that need it
 * @how:	KVMSCHED_HOW_TRACEPOINT or _KPROBE
 * @when:	see above
 * @instead:	KS_KPROBE: the tracepoint that this row stands in for
 * @probe:	tracepoint's handler
 * @handler:	kprobe's handler
 * @hint:	a hit that the kernel drops loses no record, see the handler
 * @keep:	attached once, it stays until its module or ours goes
 *
 * The rest belongs to the mutex of the rows (rows.h):
 * @tracepoint:	found, or NULL
 * @kprobe:	while @registered
 * @registered:	until its module goes or we do; enabled while @attached
 * @attached:	the handler is attached
 * @status:	of the last attempt, 0 or negative errno
 * @missed:	hits missed while it was attached before
 * @missed_before: the kernel's count when it was attached last
 */
struct ks_hook {
	const char *name;
	const char *module;
	u32 classes;
	u8 how;
	enum ks_hook_when when;
	const char *instead;
	void *probe;
	kprobe_pre_handler_t handler;
	bool hint;
	bool keep;

	struct tracepoint *tracepoint;
	struct kprobe kprobe;
	bool registered;
	bool attached;
	int status;
	u64 missed;
	unsigned long missed_before;
};

extern bool ks_kvm_built_in;

void ks_hook_attach(struct ks_hook *hook);
void ks_hook_detach(struct ks_hook *hook);
u64 ks_hook_missed(const struct ks_hook *hook);
int ks_hook_probe(struct ks_hook *hook);

#define KS_TRACEPOINT_ROW(_name, _module, _classes, _when, _probe)	\
	{ .name = (_name), .module = (_module), .classes = (_classes),	\
	  .how = KVMSCHED_HOW_TRACEPOINT, .when = (_when), .probe = (_probe) }

#define KS_KPROBE_ROW(_name, _module, _classes, _when, _instead, _handler) \
	{ .name = (_name), .module = (_module), .classes = (_classes),	\
	  .how = KVMSCHED_HOW_KPROBE, .when = (_when),			\
	  .instead = (_instead), .handler = (_handler) }

#define KS_KPROBE_KEPT_ROW(_name, _module, _classes, _handler)		\
	{ .name = (_name), .module = (_module), .classes = (_classes),	\
	  .how = KVMSCHED_HOW_KPROBE, .when = KS_ALWAYS,		\
	  .handler = (_handler), .keep = true }

#define KS_KPROBE_HINT_ROW(_name, _module, _classes, _handler)		\
	{ .name = (_name), .module = (_module), .classes = (_classes),	\
	  .how = KVMSCHED_HOW_KPROBE, .when = KS_ALWAYS,		\
	  .handler = (_handler), .hint = true }

/*
 * KS_TRACEPOINT_ROW for a tracepoint of a public header, its name without quotes.  The
 * compiler compares the prototypes of handler and tracepoint, so that the module does not
 * build on a kernel that has changed the latter.  KVM's own trace.h is not public.
 *
 * The comparison is a call within typeof(), which is never made; the type of that is void.
 */
#define KS_CHECKED_ROW(_name, _module, _classes, _when, _probe)		\
	KS_TRACEPOINT_ROW(#_name, _module, _classes, _when,		\
		(typeof(check_trace_callback_type_##_name(_probe)) *)(_probe))

extern struct ks_hook ks_sched_hooks[];
extern struct ks_hook ks_exit_hooks[];
extern struct ks_hook ks_irq_hooks[];
extern struct ks_hook ks_sender_hooks[];
extern struct ks_hook ks_softirq_hooks[];
extern struct ks_hook ks_timer_hooks[];
extern struct ks_hook ks_stimer_hooks[];
extern struct ks_hook ks_host_hooks[];
extern struct ks_hook ks_steal_hooks[];
extern struct ks_hook ks_throttle_hooks[];

/* Arguments of a probed function, in the order of the x86-64 ABI */
#define ks_arg1(regs)	((regs)->di)
#define ks_arg2(regs)	((regs)->si)
#define ks_arg4(regs)	((regs)->cx)

/**
 * ks_vcpu_here - the vCPU of the thread that has this CPU
 *
 * Within KVM_RUN or not.  The switch to a thread lets interrupts in before it calls
 * sched_in, which sets ks_current: such an interrupt finds the vCPU by the thread's
 * own list.
 *
 * Context: interrupts off, or stop_machine() could unlink during the walk.
 * Return: the vCPU, if it is known; ks_nobody if the thread has none.
 */
static inline struct ks_vcpu *ks_vcpu_here(void)
{
	struct ks_vcpu *v = this_cpu_read(ks_current);
	struct ks_thread *t = READ_ONCE(v->thread);

	if (t && t->task == current)
		return ks_vcpu_is_known(v) ? v : &ks_nobody;
	if (likely(hlist_empty(&current->preempt_notifiers)))
		return &ks_nobody;
	return ks_vcpu_of_task(current) ?: &ks_nobody;
}

/*
 * Does anybody want a host_irq record of what was served on the time of a vCPU (@v,
 * or ks_nobody), or of one that waits for this CPU (@waited_for)?
 */
static inline bool ks_host_irq_wanted(const struct ks_vcpu *v, bool waited_for)
{
	return ks_vcpu_wanted(v) & KVMSCHED_CLASS_IRQ ||
	       ks_anybody_wants(KVMSCHED_CLASS_HOST) || waited_for;
}

/* Does the session?  Interrupts must be off until the record is written. */
static inline bool ks_host_irq_to_ring(const struct ks_vcpu *v, bool waited_for)
{
	return ks_vcpu_ring(v) & KVMSCHED_CLASS_IRQ ||
	       ks_session_wants(KVMSCHED_CLASS_HOST) ||
	       (waited_for && ks_session_wants(KVMSCHED_CLASS_STEAL));
}

/* Classes that need the hooks of softirqs */
#define KS_SOFTIRQ_CLASSES \
	(KVMSCHED_CLASS_IRQ | KVMSCHED_CLASS_HOST | KVMSCHED_CLASS_STEAL)

void ks_exit_init(void);
void ks_sched_init(void);
void ks_exit_end_early(struct ks_vcpu *v, u8 end, u64 now);
void ks_irq_attached(u32 before);
void ks_softirq_interrupted(u64 cycles);
void ks_softirq_forget(void);
void ks_steal_begin(void);
void ks_steal_attached(void);
bool ks_steal_waited_for(void);
void ks_steal_woken(struct ks_thread *t, struct ks_vcpu *v);
void ks_steal_stop_waiting(struct ks_thread *t);
void ks_throttle_begin(void);
void ks_throttle_look(void);
void ks_throttle_identified(struct ks_vcpu *v);
void ks_throttle_tell_again(void);
void ks_throttle_tell_cgroup(struct ks_thread *t, struct ks_vcpu *v);
void ks_timer_learn(struct ks_vcpu *v);
void ks_timer_found(struct ks_vcpu *v);

/**
 * ks_probe_identify - write the identity record of the current thread's vCPU
 * @v: the vCPU, at which the thread may have looked for the first time just now
 *
 * The record tells whether the LAPIC can be read, so that is found out first.
 *
 * Context: as ks_vcpu_identify().
 */
static inline void ks_probe_identify(struct ks_vcpu *v)
{
	ks_timer_learn(v);
	ks_vcpu_identify(v);
	ks_timer_found(v);
	ks_throttle_identified(v);
}

/**
 * ks_probe_settle - from here on, the vCPU's exits may take the fast path
 * @v: the vCPU of the current thread, which is within KVM_RUN and has looked
 *
 * Context: as ks_vcpu_identify().
 */
static inline void ks_probe_settle(struct ks_vcpu *v)
{
	if (likely(READ_ONCE(v->fast_vcpu)))
		return;	/* they do */
	if (unlikely(READ_ONCE(v->identity_due)))
		ks_probe_identify(v);
	ks_vcpu_set_fast(v);
}

#endif /* _KVMSCHED_PROBE_H */
