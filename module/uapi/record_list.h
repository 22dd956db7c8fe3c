/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kvmsched: every record, declared once: its fields, and its trace event
 *
 *	KS_RECORD(name, classes, fields, "format", arguments)
 *
 * No comma stands between two fields, and one behind the last.  There is at least one
 * argument.  A new record goes to the end: the order is that of the events' ids.
 *
 * Whoever includes this file says what becomes of a record, as often as it likes:
 *
 *	#define KS_RECORD(record, classes, fields, ...)	#record,
 *	static const char *const names[] = {
 *	#include "uapi/record_list.h"
 *	};
 *
 * @classes: the KVMSCHED_CLASS_* that record it; 0: it comes with each session
 * @fields: F(type, name) for one value, A(type, name, n) for an array; who uses
 *	the fields defines these two as well.  The types are the kernel's own u8, s32
 *	and so on, by which the format files name them.
 * "format", arguments: how the trace event is printed (TP_printk); events.h of the
 *	module has the ks_show_*
 *
 * In the ring, the fields that ftrace gives all events stand in front of these.
 * Their size is that of struct trace_entry, which format files say; no row
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
 *
 * records.h has what the numbers in the fields mean; include it before.
 */
#ifndef KS_RECORD
#error "KS_RECORD() says what becomes of each record"
#endif

/* A session begins or ends, on this CPU */
KS_RECORD(session, 0,
	F(u8, op)		/* KS_SESSION_* */
	F(u8, overwrite)	/* 1: flight recorder */
	F(u16, cpu)
	F(u32, classes)		/* KVMSCHED_CLASS_* recorded */
	F(u32, pages)		/* data pages of this CPU's ring */
	F(u32, tsc_khz),
	"%s classes=%#x pages=%u%s tsc_khz=%u",
	__entry->op == KS_SESSION_STOP ? "stop" : "start",
	__entry->classes, __entry->pages,
	__entry->overwrite ? " overwrite" : "", __entry->tsc_khz)

/* One hook, as it is attached at the start of the session */
KS_RECORD(attach, 0,
	A(char, hook, 32)	/* function or tracepoint */
	F(u32, classes)		/* KVMSCHED_CLASS_* that need it */
	F(s32, status)		/* 0 or negative errno */
	F(u32, how),		/* KVMSCHED_HOW_* */
	"hook=%s how=%s status=%d classes=%#x",
	__entry->hook, ks_show_how(__entry->how), __entry->status,
	__entry->classes)

/* How many records of one kind a CPU lost in the whole session */
KS_RECORD(lost, 0,
	F(u16, event)		/* its id, as in common_type; 0: none */
	F(u16, cpu)
	A(char, name, 32)	/* of the event, or of what was lost */
	F(u64, count),
	"cpu=%u event=%s count=%llu",
	__entry->cpu, __entry->name, __entry->count)

/*
 * Who a vCPU is; written first of all, and when something here has changed.  A flight
 * recorder writes it at the end as well, and records of hooks and cgroups.
 */
KS_RECORD(vcpu, KVMSCHED_CLASS_SWITCH,
	F(u16, vm)
	F(u16, vcpu)
	F(s32, tgid)		/* the VMM process; common_pid: its thread */
	F(u64, tsc_offset)	/* guest_tsc = tsc * ratio + offset */
	F(u64, tsc_ratio)	/* fixed point ... */
	F(u32, tsc_frac_bits)	/* ... number of its fraction bits */
	F(u32, features)	/* KS_FEATURE_* */
	F(u32, apicv_inhibits)	/* KVM's bitmap; 0: APICv/AVIC active */
	F(u32, halt_poll_ns)	/* limit of halt polling now, 0: none */
	F(u16, policy)		/* SCHED_* */
	F(u16, rt_priority)	/* 1..99 for FIFO and RR */
	F(s16, nice)
	F(s16, prio)		/* the kernel's, 0..139, -1 DEADLINE */
	A(char, comm, 16),
	"vm=%u vcpu=%u tgid=%d comm=%s policy=%s rt_priority=%u nice=%d prio=%d "
	"tsc_offset=%#llx tsc_ratio=%#llx/2^%u features=%#x "
	"apicv_inhibits=%#x halt_poll_ns=%u",
	__entry->vm, __entry->vcpu, __entry->tgid, __entry->comm,
	ks_show_policy(__entry->policy), __entry->rt_priority,
	__entry->nice, __entry->prio,
	__entry->tsc_offset, __entry->tsc_ratio, __entry->tsc_frac_bits,
	__entry->features, __entry->apicv_inhibits, __entry->halt_poll_ns)

/* KVM_RUN begins (vcpu_load) */
KS_RECORD(load, KVMSCHED_CLASS_SWITCH,
	F(u16, vm)
	F(u16, vcpu)
	F(u64, user_cycles),	/* since the last put, 0 if unknown */
	"vm=%u vcpu=%u user_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->user_cycles)

/* KVM_RUN ends (vcpu_put): a heavyweight exit */
KS_RECORD(put, KVMSCHED_CLASS_SWITCH,
	F(u16, vm)
	F(u16, vcpu)
	F(u32, exit_reason)	/* KVM_EXIT_* of struct kvm_run */
	F(u64, run_cycles),	/* since the load, 0 if unknown */
	"vm=%u vcpu=%u exit_reason=%u run_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->exit_reason, __entry->run_cycles)

/* The vCPU's thread loses the CPU */
KS_RECORD(switch_out, KVMSCHED_CLASS_SWITCH,
	F(u16, vm)
	F(u16, vcpu)
	F(u8, kind)		/* KS_SWITCH_* */
	F(u8, loaded)		/* 1: within KVM_RUN */
	F(s16, next_prio)
	F(s32, next_pid)
	A(char, next_comm, 16)
	F(u32, nvcsw)		/* the kernel's counts of switches, */
	F(u32, nivcsw)		/* this one included */
	F(u64, ran_cycles)	/* since the switch in, 0 if unknown */
	F(s32, next_tgid)
	F(u8, next_policy)	/* SCHED_* */
	F(s8, next_nice)
	F(u8, next_flags)	/* KS_TASK_* */
	F(u8, throttled)	/* KS_THROTTLED_*, as it goes */
	F(u8, sleep),		/* KS_SLEEP_*, if it is blocked */
	"vm=%u vcpu=%u %s%s%s next=%s/%d tgid=%d prio=%d %s nice=%d%s%s "
	"ran_cycles=%llu nvcsw=%u nivcsw=%u sleep=%s",
	__entry->vm, __entry->vcpu, ks_show_switch(__entry->kind),
	__entry->loaded ? "" : " in userspace",
	ks_show_throttled(__entry->throttled),
	__entry->next_comm, __entry->next_pid, __entry->next_tgid,
	__entry->next_prio, ks_show_policy(__entry->next_policy),
	__entry->next_nice, ks_show_task(__entry->next_flags),
	__entry->ran_cycles, __entry->nvcsw, __entry->nivcsw,
	ks_show_sleep(__entry->sleep))

/* The vCPU's thread gains the CPU */
KS_RECORD(switch_in, KVMSCHED_CLASS_SWITCH,
	F(u16, vm)
	F(u16, vcpu)
	F(u16, from_cpu)	/* where it ran before */
	F(u8, kind)		/* KS_SWITCH_* of the switch out */
	F(u64, off_cycles)	/* since the switch out, 0 if unknown */
	/* runnable in that time: from the wakeup on, or if unseen, by run_delay */
	F(u64, wait_ns),
	"vm=%u vcpu=%u after=%s from_cpu=%u off_cycles=%llu wait_ns=%llu",
	__entry->vm, __entry->vcpu, ks_show_switch(__entry->kind),
	__entry->from_cpu, __entry->off_cycles, __entry->wait_ns)

/* Policy or priority of the vCPU's thread have changed */
KS_RECORD(policy, KVMSCHED_CLASS_SWITCH,
	F(u16, vm)
	F(u16, vcpu)
	F(u16, old_policy)
	F(s16, old_prio)
	F(u16, policy)
	F(s16, prio)
	F(s16, nice)
	F(u16, rt_priority),
	"vm=%u vcpu=%u %s prio=%d -> %s prio=%d rt_priority=%u nice=%d",
	__entry->vm, __entry->vcpu, ks_show_policy(__entry->old_policy),
	__entry->old_prio, ks_show_policy(__entry->policy), __entry->prio,
	__entry->rt_priority, __entry->nice)

/*
 * One hardware exit.  It is written when the vCPU enters the guest again, its
 * thread loses the CPU, or KVM_RUN returns, whichever is first.  By far the most
 * frequent record: 40 bytes, 44 with the header of the ring.
 */
KS_RECORD(exit, KVMSCHED_CLASS_EXIT,
	F(u16, vm)
	F(u16, vcpu)
	F(s16, reason)		/* the hardware's number, or KS_REASON_* */
	F(u8, vector)		/* of the interruption info, if valid */
	F(u8, flags)		/* KS_EXIT_* */
	F(u64, info)		/* see KS_EXIT_MSR_WRITE */
	F(u64, guest_cycles)	/* from entry to this exit, 0 if unknown; */
				/* to the record, if by the fast path */
	F(u64, host_cycles),	/* from this exit to the record */
	"vm=%u vcpu=%u reason=%s%s%s%s info=%#llx%s%s%s%s%s vector=%d "
	"guest_cycles=%llu host_cycles=%llu end=%s",
	__entry->vm, __entry->vcpu,
	__entry->flags & KS_EXIT_L2 ? "L2 " : "",
	ks_show_reason(__entry->flags, __entry->reason),
	__entry->flags & KS_EXIT_FAILED_ENTRY ? " (failed entry)" : "",
	__entry->flags & KS_EXIT_FASTPATH ? " (fastpath)" : "",
	__entry->info, ks_show_access(__entry),
	__entry->flags & KS_EXIT_INFO_VALID ? __entry->vector : -1,
	__entry->guest_cycles, __entry->host_cycles,
	__print_symbolic(__entry->flags & KS_EXIT_END, KVMSCHED_EXIT_ENDS(KS_SHOW)))

/*
 * Entry into the guest after an exit whose record a switch or a put ended; after an
 * entry that failed, of which no record tells; or the first one that is seen
 */
KS_RECORD(entry, KVMSCHED_CLASS_EXIT,
	F(u16, vm)
	F(u16, vcpu)
	F(u64, since_exit_cycles), /* since the exit: out of the guest; 0: none */
	"vm=%u vcpu=%u since_exit_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->since_exit_cycles)

/*
 * The virtual LAPIC accepts an interrupt.  By a work item (IRQFD_WORK) the sender is a
 * worker of the kernel's: the irqfd record before it has whoever asked for it.
 */
KS_RECORD(irq_accept, KVMSCHED_CLASS_IRQ,
	F(u16, vm)
	F(u16, vcpu)
	F(u16, delivery_mode)	/* APIC's: 0 fixed, 2 SMI, 4 NMI, 5 INIT ... */
	F(u8, vector)
	F(u8, level)		/* 1: level triggered */
	F(u8, by)		/* KS_BY_* */
	KS_SENDER_FIELDS
	F(u64, sent_cycles),	/* since it was sent: ICR, HYPERCALL, IRQFD; or 0 */
	"vm=%u vcpu=%u vector=%u delivery_mode=%u %s by=%s context=%s "
	"from_vm=%u from_vcpu=%u name=%s tgid=%d gsi=%u sent_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->vector, __entry->delivery_mode,
	__entry->level ? "level" : "edge", ks_show_by(__entry->by),
	ks_show_context(__entry->context), __entry->from_vm,
	__entry->from_vcpu, __entry->name, __entry->tgid, __entry->gsi,
	__entry->sent_cycles)

/* KVM injects an interrupt: the guest takes it at the next entry */
KS_RECORD(irq_inject, KVMSCHED_CLASS_IRQ,
	F(u16, vm)
	F(u16, vcpu)
	F(u16, vector)
	F(u8, soft)
	F(u8, reinjected),	/* 1: again, since an exit came first */
	"vm=%u vcpu=%u vector=%u%s%s",
	__entry->vm, __entry->vcpu, __entry->vector,
	__entry->soft ? " soft" : "",
	__entry->reinjected ? " reinjected" : "")

/* The guest ends an interrupt (EOI) */
KS_RECORD(irq_eoi, KVMSCHED_CLASS_IRQ,
	F(u16, vm)
	F(u16, vcpu)
	F(s32, vector),
	"vm=%u vcpu=%u vector=%d",
	__entry->vm, __entry->vcpu, __entry->vector)

/*
 * The host served an interrupt or a softirq, while a vCPU's thread was on the CPU
 * (vm, vcpu) or another task.  The second needs class host, or class steal and a
 * vCPU that waits for this CPU.  A softirq may be interrupted: the interrupt has
 * a record of its own, and its time is not counted in the softirq's.
 */
KS_RECORD(host_irq, KVMSCHED_CLASS_IRQ,
	F(u16, vm)		/* 0: a host process (common_pid) */
	F(u16, vcpu)
	F(s32, irq)		/* Linux number; -1: vector or softirq */
	A(char, name, 16)	/* of the first action, vector or softirq */
	F(u8, ended_guest)	/* 1: this interrupt ended guest mode */
	F(u8, kind)		/* KS_HOST_IRQ_* */
	F(u16, vector)		/* 0: unknown, or a softirq */
	F(u64, cycles),		/* in the handler */
	"vm=%u vcpu=%u irq=%d vector=%u %s name=%s cycles=%llu%s",
	__entry->vm, __entry->vcpu, __entry->irq, __entry->vector,
	ks_show_host_irq(__entry->kind), __entry->name, __entry->cycles,
	__entry->ended_guest ? " ended guest mode" : "")

/* A LAPIC timer is programmed, by the guest unless @rearm says otherwise */
KS_RECORD(timer_arm, KVMSCHED_CLASS_TIMER,
	F(u16, vm)
	F(u16, vcpu)
	F(u8, mode)		/* KS_TIMER_* */
	F(u8, rearm)		/* KS_ARM_*, by whom */
	F(u8, hv)		/* 1: VMX preemption timer, 0: hrtimer */
	F(u64, guest_deadline)	/* guest's TSC; TSC deadline mode only */
	F(u64, deadline)	/* host's TSC; 0: stopped */
	F(u64, period_ns),	/* one-shot and periodic: as asked for */
	"vm=%u vcpu=%u %s by=%s guest_deadline=%llu deadline=%llu period_ns=%llu%s",
	__entry->vm, __entry->vcpu, ks_show_timer(__entry->mode),
	ks_show_arm(__entry->rearm), __entry->guest_deadline,
	__entry->deadline, __entry->period_ns,
	__entry->hv ? " preemption-timer" : "")

/* What backs the LAPIC timer expires */
KS_RECORD(timer_expire, KVMSCHED_CLASS_TIMER,
	F(u16, vm)
	F(u16, vcpu)
	F(u8, mode)
	F(u8, hv)		/* 1: VMX preemption timer, 0: hrtimer */
	F(u8, merged)		/* KS_MERGED_* */
	F(u64, deadline)	/* host's TSC, as in kvmsched_timer_arm */
	F(s64, late_cycles),	/* negative: early (timer advance) */
	"vm=%u vcpu=%u %s deadline=%llu late_cycles=%lld%s%s",
	__entry->vm, __entry->vcpu, ks_show_timer(__entry->mode),
	__entry->deadline, __entry->late_cycles,
	__entry->hv ? " preemption-timer" : "", __entry->merged == KS_MERGED_YES ? " merged" : "")

/* The host programs its own clock event device while a vCPU is loaded */
KS_RECORD(clockevent, KVMSCHED_CLASS_TIMER,
	F(u16, vm)
	F(u16, vcpu)
	F(s64, expires_ns)	/* CLOCK_MONOTONIC */
	F(s64, delta_ns),	/* from now */
	"vm=%u vcpu=%u expires_ns=%lld delta_ns=%lld",
	__entry->vm, __entry->vcpu, __entry->expires_ns, __entry->delta_ns)

/* A halt is over */
KS_RECORD(halt, KVMSCHED_CLASS_SWITCH,
	F(u16, vm)
	F(u16, vcpu)
	F(u8, waited)		/* 1: it slept */
	F(u8, valid)		/* 0: woken for nothing */
	F(u64, poll_ns)		/* polled, by KVM's halt_poll_*_ns */
	F(u64, halt_ns),	/* polled and slept, by KVM */
	"vm=%u vcpu=%u %s%s poll_ns=%llu halt_ns=%llu",
	__entry->vm, __entry->vcpu, __entry->waited ? "slept" : "polled",
	__entry->valid ? "" : " for nothing",
	__entry->poll_ns, __entry->halt_ns)

/* Class steal: a vCPU's thread was woken, and waits for a CPU now */
KS_RECORD(wake, KVMSCHED_CLASS_STEAL,
	F(u16, vm)
	F(u16, vcpu)
	F(u16, cpu)		/* that it waits for */
	F(s16, holder_prio)
	F(s32, holder_pid)	/* task on that CPU; -1 unknown */
	A(char, holder_comm, 16)
	F(s32, holder_tgid)
	F(u8, holder_policy)	/* SCHED_* */
	F(s8, holder_nice)
	F(u8, holder_flags)	/* KS_TASK_* */
	F(u8, throttled),	/* KS_THROTTLED_* */
	"vm=%u vcpu=%u cpu=%u%s holder=%s/%d tgid=%d prio=%d %s nice=%d%s%s",
	__entry->vm, __entry->vcpu, __entry->cpu,
	ks_show_throttled(__entry->throttled),
	__entry->holder_comm, __entry->holder_pid, __entry->holder_tgid,
	__entry->holder_prio, ks_show_policy(__entry->holder_policy),
	__entry->holder_nice, ks_show_task(__entry->holder_flags))

/* Class steal: a waiting vCPU's thread is moved to the queue of another CPU */
KS_RECORD(migrate, KVMSCHED_CLASS_STEAL,
	F(u16, vm)
	F(u16, vcpu)
	F(u16, cpu)		/* that it waits for from now on */
	F(u16, from_cpu)
	F(s32, holder_pid)	/* task on @cpu; -1 unknown */
	F(s16, holder_prio)
	A(char, holder_comm, 16)
	F(s32, holder_tgid)
	F(u8, holder_policy)	/* SCHED_* */
	F(s8, holder_nice)
	F(u8, holder_flags),	/* KS_TASK_* */
	"vm=%u vcpu=%u cpu=%u from_cpu=%u holder=%s/%d tgid=%d prio=%d %s nice=%d%s%s",
	__entry->vm, __entry->vcpu, __entry->cpu, __entry->from_cpu,
	__entry->holder_comm, __entry->holder_pid, __entry->holder_tgid,
	__entry->holder_prio, ks_show_policy(__entry->holder_policy),
	__entry->holder_nice, ks_show_task(__entry->holder_flags))

/* Class steal: another task gets this CPU, for which a vCPU waits */
KS_RECORD(holder, KVMSCHED_CLASS_STEAL,
	F(s32, pid)
	F(s16, prio)
	F(u16, vm)		/* the holder is a vCPU, or 0 */
	F(u16, vcpu)
	F(u16, waiters)		/* vCPUs that wait for this CPU */
	A(char, comm, 16)
	F(s32, tgid)
	F(u8, policy)		/* SCHED_* */
	F(s8, nice)
	F(u8, flags),		/* KS_TASK_* */
	"holder=%s/%d tgid=%d prio=%d %s nice=%d%s%s vm=%u vcpu=%u waiters=%u",
	__entry->comm, __entry->pid, __entry->tgid, __entry->prio,
	ks_show_policy(__entry->policy), __entry->nice,
	ks_show_task(__entry->flags),
	__entry->vm, __entry->vcpu, __entry->waiters)

/* A vCPU's ledger in the kernel, at the end of the session */
KS_RECORD(ledger, 0,
	F(u16, vm)
	F(u16, vcpu)
	F(s32, tid)
	A(u64, states, 9)	/* cycles, by enum kvmsched_state */
	F(u64, exits),
	"vm=%u vcpu=%u tid=%d unknown=%llu guest=%llu exit=%llu user=%llu "
	"poll=%llu halted=%llu blocked=%llu wait_preempted=%llu "
	"wait_woken=%llu exits=%llu",
	__entry->vm, __entry->vcpu, __entry->tid,
	__entry->states[0], __entry->states[1], __entry->states[2],
	__entry->states[3], __entry->states[4], __entry->states[5],
	__entry->states[6], __entry->states[7], __entry->states[8],
	__entry->exits)

/*
 * Class host: a context switch of the host.  A task is known to be a vCPU's thread while it
 * is within an ioctl of the vCPU; and at any time, once another class has seen its KVM_RUN.
 */
KS_RECORD(host_switch, KVMSCHED_CLASS_HOST,
	F(s32, prev_pid)
	F(s32, next_pid)
	F(s16, prev_prio)
	F(s16, next_prio)
	F(u8, prev_policy)
	F(u8, next_policy)
	F(u8, preempted)	/* 1: prev is still runnable */
	F(u8, vcpus)		/* 1: prev is a vCPU, 2: next, 3: both */
	A(char, prev_comm, 16)
	A(char, next_comm, 16)
	F(s32, prev_tgid)
	F(s32, next_tgid)
	F(s8, prev_nice)
	F(s8, next_nice)
	F(u8, prev_flags)	/* KS_TASK_*; not _SERVER, which is over by then */
	F(u8, next_flags),
	"prev=%s/%d tgid=%d prio=%d %s nice=%d%s%s %s -> "
	"next=%s/%d tgid=%d prio=%d %s nice=%d%s%s",
	__entry->prev_comm, __entry->prev_pid, __entry->prev_tgid,
	__entry->prev_prio, ks_show_policy(__entry->prev_policy),
	__entry->prev_nice, ks_show_task(__entry->prev_flags),
	__entry->preempted ? "preempted" : "blocked",
	__entry->next_comm, __entry->next_pid, __entry->next_tgid,
	__entry->next_prio, ks_show_policy(__entry->next_policy),
	__entry->next_nice, ks_show_task(__entry->next_flags))

/*
 * Class steal: in which cgroup a vCPU's thread is, as the cpu controller has it; and for
 * each cgroup above that, which one is above it.  A quota bounds all that are below.
 */
KS_RECORD(cgroup, KVMSCHED_CLASS_STEAL,
	F(s32, tid)		/* the thread; 0: it is above another's */
	F(u64, id)		/* its directory's inode number; 0: none */
	F(u64, parent),		/* the one above it; 0: none */
	"tid=%d id=%llu parent=%llu",
	__entry->tid, __entry->id, __entry->parent)

/*
 * Class steal: the quota of a cgroup (cpu.max) is used up on a CPU, or there is some
 * again.  Told of cgroups that a vCPU's thread is in, or below.
 */
KS_RECORD(throttle, KVMSCHED_CLASS_STEAL,
	F(u64, cgroup)
	F(u16, cpu)
	F(u8, on),		/* 1: its tasks are kept from that CPU */
	"cgroup=%llu cpu=%u %s",
	__entry->cgroup, __entry->cpu, __entry->on ? "begins" : "ends")

/* Class steal: a cgroup's cpu.max and cpu.stat, as a program has read them */
KS_RECORD(quota, KVMSCHED_CLASS_STEAL,
	F(u64, cgroup)
	F(s64, quota_us)	/* of each period; -1: no limit */
	F(u64, period_us)
	F(u64, periods)		/* nr_periods */
	F(u64, throttled)	/* nr_throttled */
	F(u64, throttled_us)	/* throttled_usec */
	A(char, name, KVMSCHED_QUOTA_NAME), /* of its path, the end */
	/* The name is a program's, and may fill its array without a NUL; likewise below. */
	"cgroup=%llu name=%.48s quota_us=%lld period_us=%llu periods=%llu "
	"throttled=%llu throttled_us=%llu",
	__entry->cgroup, __entry->name, __entry->quota_us, __entry->period_us,
	__entry->periods, __entry->throttled, __entry->throttled_us)

/* A vCPU sends an interrupt to another, or to itself, by its LAPIC's ICR */
KS_RECORD(ipi, KVMSCHED_CLASS_IRQ,
	F(u16, vm)		/* of the sender */
	F(u16, vcpu)
	F(u32, icr)		/* low half: vector, delivery mode, shorthand */
	F(u32, dest),		/* APIC id or logical; not with a shorthand */
	"vm=%u vcpu=%u vector=%u delivery_mode=%u icr=%#x dest=%#x",
	__entry->vm, __entry->vcpu, __entry->icr & 0xff,
	__entry->icr >> 8 & 7, __entry->icr, __entry->dest)

/* Which BPF scheduler is loaded (sched_ext), as a program has found it */
KS_RECORD(bpf_scheduler, KVMSCHED_CLASS_SWITCH,
	F(u64, loads)		/* how many were, since the kernel came up */
	F(u8, loaded)		/* 0: none is */
	F(u8, all_threads)	/* 1: it has all but real-time ones; else SCHED_EXT's */
	A(char, name, KVMSCHED_BPF_SCHEDULER_NAME), /* the beginning */
	"loads=%llu loaded=%u all_threads=%u name=%.64s",
	__entry->loads, __entry->loaded, __entry->all_threads, __entry->name)

/* An eventfd was signalled that is an interrupt of a VM (irqfd) */
KS_RECORD(irqfd, KVMSCHED_CLASS_IRQ,
	F(u16, vm)
	KS_SENDER_FIELDS,
	"vm=%u gsi=%u context=%s from_vm=%u from_vcpu=%u name=%s tgid=%d",
	__entry->vm, __entry->gsi, ks_show_context(__entry->context),
	__entry->from_vm, __entry->from_vcpu, __entry->name, __entry->tgid)

/*
 * Class steal: a vCPU's thread begins to wait for a CPU, or is moved while it waits: which
 * CPUs it may run on, of those that are online, and which of these idle.  A record for each
 * 64 CPUs of which it may use any.
 */
KS_RECORD(allowed, KVMSCHED_CLASS_STEAL,
	F(u16, vm)
	F(u16, vcpu)
	F(u16, first_cpu)	/* that of bit 0; a multiple of 64 */
	F(u8, begins)		/* 1: the first record of those of this moment */
	F(u64, cpus)		/* a bit for each */
	F(u64, idle),		/* of @cpus */
	"vm=%u vcpu=%u first_cpu=%u cpus=%#llx idle=%#llx%s",
	__entry->vm, __entry->vcpu, __entry->first_cpu, __entry->cpus,
	__entry->idle, __entry->begins ? "" : " more")

/* Class steal: this CPU begins to idle, or ends that, while a vCPU waits for any CPU */
KS_RECORD(idle, KVMSCHED_CLASS_STEAL,
	F(u8, idle)		/* 1: it idles from now on */
	F(u16, waiters),	/* vCPUs that wait, for whichever CPU */
	"%s waiters=%u",
	__entry->idle ? "begins" : "ends", __entry->waiters)

/*
 * KVM leaves what the LAPIC has just accepted to the hardware (APICv's posted interrupts,
 * AVIC): the guest takes it without an exit, and no record tells when
 */
KS_RECORD(irq_posted, KVMSCHED_CLASS_IRQ,
	F(u16, vm)
	F(u16, vcpu)
	F(u8, vector),
	"vm=%u vcpu=%u vector=%u",
	__entry->vm, __entry->vcpu, __entry->vector)

/* A synthetic timer of Hyper-V's interface, of which each vCPU has four */
KS_RECORD(stimer, KVMSCHED_CLASS_TIMER,
	F(u16, vm)
	F(u16, vcpu)
	F(u8, timer)		/* 0 to 3 */
	F(u8, what)		/* KS_STIMER_* */
	F(u8, periodic)		/* ARMED: for each period anew */
	F(u8, direct)		/* DELIVERED: an interrupt, else a message */
	F(u64, ahead_cycles),	/* ARMED: until it is due */
	"vm=%u vcpu=%u timer=%u %s periodic=%u direct=%u ahead_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->timer,
	__print_symbolic(__entry->what, KVMSCHED_STIMERS(KS_SHOW)),
	__entry->periodic, __entry->direct, __entry->ahead_cycles)

#undef KS_RECORD
#undef F
#undef A
