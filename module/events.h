/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The schema: one TRACE_EVENT of system kvmsched for each list of fields in
 * uapi/records.h.  Its `format` file describes the ring's records, too, since
 * both have the same layout.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvmsched

#if !defined(_KVMSCHED_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _KVMSCHED_EVENTS_H

#include <linux/tracepoint.h>
#include <asm/vmx.h>
#include <asm/svm.h>

#include "record_layout.h"

#ifndef KS_EVENT
/* The record is complete already; copy what follows the common fields. */
#define KS_ASSIGN(record)						\
	memcpy((char *)__entry + sizeof(__entry->ent),			\
	       (const char *)rec + sizeof(rec->ent),			\
	       offsetof(struct ks_rec_##record, __end) - sizeof(rec->ent))

#define KS_EVENT(record, FIELDS, printk)				\
	TRACE_EVENT(kvmsched_##record,					\
		TP_PROTO(const struct ks_rec_##record *rec),		\
		TP_ARGS(rec),						\
		TP_STRUCT__entry(FIELDS(__field, __array)),		\
		TP_fast_assign(KS_ASSIGN(record);),			\
		TP_printk(printk))
#endif

#define KS_ARGS(...)	__VA_ARGS__

/* Tools read these from the format file, so they are numbers there. */
#define KS_SHOW(symbol, number, name)	{ number, name }

#define ks_show_switch(kind)						\
	__print_symbolic(kind, KVMSCHED_SWITCH_KINDS(KS_SHOW))

#define KS_SCHED_EXT	7	/* headers have it from 6.12 on */
#define ks_show_policy(policy)						\
	__print_symbolic(policy,					\
		{ SCHED_NORMAL,		"SCHED_OTHER" },		\
		{ SCHED_FIFO,		"SCHED_FIFO" },			\
		{ SCHED_RR,		"SCHED_RR" },			\
		{ SCHED_BATCH,		"SCHED_BATCH" },		\
		{ SCHED_IDLE,		"SCHED_IDLE" },			\
		{ SCHED_DEADLINE,	"SCHED_DEADLINE" },		\
		{ KS_SCHED_EXT,		"SCHED_EXT" })

/* What the flags say, as words in front of a task's policy */
#define ks_show_task(flags)						\
	(flags) & KS_TASK_KTHREAD ? " kthread" : "",			\
	(flags) & KS_TASK_SERVER ? " server" : ""

#define ks_show_sleep(sleep)						\
	__print_symbolic(sleep, KVMSCHED_SLEEPS(KS_SHOW))

/* Likewise, of a vCPU's thread */
#define ks_show_throttled(how)	((how) == KS_THROTTLED_YES ? " throttled" : "")

#define ks_show_timer(mode)						\
	__print_symbolic(mode, KVMSCHED_TIMER_MODES(KS_SHOW))

#define ks_show_arm(arm)						\
	__print_symbolic(arm, KVMSCHED_ARMS(KS_SHOW))

#define ks_show_host_irq(kind)						\
	__print_symbolic(kind, KVMSCHED_HOST_IRQ_KINDS(KS_SHOW))

#define ks_show_context(context)					\
	__print_symbolic(context, KVMSCHED_CONTEXTS(KS_SHOW))

#define ks_show_by(by)							\
	__print_symbolic(by, KVMSCHED_SENT_BYS(KS_SHOW))

#define ks_show_how(how)						\
	__print_symbolic(how, KVMSCHED_HOWS(KS_SHOW))

#define ks_show_reason(flags, reason)					\
	((flags) & KS_EXIT_VMX ?					\
	 __print_symbolic(reason, VMX_EXIT_REASONS) :			\
	 __print_symbolic(reason, SVM_EXIT_REASONS))

/*
 * How a page was accessed: bits of npf's error code, or of EPT_VIOLATION's
 * qualification.  A read is a bit of the latter, and the absence of others in the former.
 * Those must not be one mask: libtraceevent takes a & (b | c) for (a & b) | c.
 */
#define ks_npf_has(rec, bits)						\
	((((rec)->flags & KS_EXIT_VMX) == 0) && ((rec)->reason == SVM_EXIT_NPF) && \
	 (((rec)->info >> KS_EXIT_ACCESS_SHIFT) & (bits)))
#define ks_npf_reads(rec)						\
	((((rec)->flags & KS_EXIT_VMX) == 0) && ((rec)->reason == SVM_EXIT_NPF) && \
	 ((((rec)->info >> KS_EXIT_ACCESS_SHIFT) & KS_NPF_WRITE) == 0) &&	\
	 ((((rec)->info >> KS_EXIT_ACCESS_SHIFT) & KS_NPF_EXECUTE) == 0))
#define ks_ept_has(rec, bits)						\
	(((rec)->flags & KS_EXIT_VMX) && ((rec)->reason == EXIT_REASON_EPT_VIOLATION) && \
	 (((rec)->info >> KS_EXIT_ACCESS_SHIFT) & (bits)))
#define ks_is_misconfig(rec)						\
	(((rec)->flags & KS_EXIT_VMX) && ((rec)->reason == EXIT_REASON_EPT_MISCONFIG))

/* Five words; KVM marks MMIO by an entry that the hardware refuses. */
#define ks_show_access(rec)						\
	(ks_npf_reads(rec) || ks_ept_has(rec, KS_EPT_READ)) ? " read" : "", \
	(ks_npf_has(rec, KS_NPF_WRITE) || ks_ept_has(rec, KS_EPT_WRITE)) ? " write" : "", \
	(ks_npf_has(rec, KS_NPF_EXECUTE) || ks_ept_has(rec, KS_EPT_EXECUTE)) ? " execute" : "", \
	(ks_npf_has(rec, KS_NPF_PRESENT) || ks_ept_has(rec, KS_EPT_PRESENT)) ? " present" : "", \
	(ks_npf_has(rec, KS_NPF_RESERVED) || ks_is_misconfig(rec)) ? " MMIO" : ""

KS_EVENT(session, KS_SESSION_FIELDS, KS_ARGS(
	"%s classes=%#x pages=%u%s tsc_khz=%u",
	__entry->op == KS_SESSION_STOP ? "stop" : "start",
	__entry->classes, __entry->pages,
	__entry->overwrite ? " overwrite" : "", __entry->tsc_khz));

KS_EVENT(attach, KS_ATTACH_FIELDS, KS_ARGS(
	"hook=%s how=%s status=%d classes=%#x",
	__entry->hook, ks_show_how(__entry->how), __entry->status,
	__entry->classes));

KS_EVENT(lost, KS_LOST_FIELDS, KS_ARGS(
	"cpu=%u event=%s count=%llu",
	__entry->cpu, __entry->name, __entry->count));

KS_EVENT(vcpu, KS_VCPU_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u tgid=%d comm=%s policy=%s rt_priority=%u nice=%d prio=%d "
	"tsc_offset=%#llx tsc_ratio=%#llx/2^%u features=%#x "
	"apicv_inhibits=%#x halt_poll_ns=%u",
	__entry->vm, __entry->vcpu, __entry->tgid, __entry->comm,
	ks_show_policy(__entry->policy), __entry->rt_priority,
	__entry->nice, __entry->prio,
	__entry->tsc_offset, __entry->tsc_ratio, __entry->tsc_frac_bits,
	__entry->features, __entry->apicv_inhibits, __entry->halt_poll_ns));

KS_EVENT(load, KS_LOAD_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u user_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->user_cycles));

KS_EVENT(put, KS_PUT_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u exit_reason=%u run_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->exit_reason, __entry->run_cycles));

KS_EVENT(switch_out, KS_SWITCH_OUT_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u %s%s%s next=%s/%d tgid=%d prio=%d %s nice=%d%s%s "
	"ran_cycles=%llu nvcsw=%u nivcsw=%u sleep=%s",
	__entry->vm, __entry->vcpu, ks_show_switch(__entry->kind),
	__entry->loaded ? "" : " in userspace",
	ks_show_throttled(__entry->throttled),
	__entry->next_comm, __entry->next_pid, __entry->next_tgid,
	__entry->next_prio, ks_show_policy(__entry->next_policy),
	__entry->next_nice, ks_show_task(__entry->next_flags),
	__entry->ran_cycles, __entry->nvcsw, __entry->nivcsw,
	ks_show_sleep(__entry->sleep)));

KS_EVENT(switch_in, KS_SWITCH_IN_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u after=%s from_cpu=%u off_cycles=%llu wait_ns=%llu",
	__entry->vm, __entry->vcpu, ks_show_switch(__entry->kind),
	__entry->from_cpu, __entry->off_cycles, __entry->wait_ns));

KS_EVENT(policy, KS_POLICY_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u %s prio=%d -> %s prio=%d rt_priority=%u nice=%d",
	__entry->vm, __entry->vcpu, ks_show_policy(__entry->old_policy),
	__entry->old_prio, ks_show_policy(__entry->policy), __entry->prio,
	__entry->rt_priority, __entry->nice));

KS_EVENT(exit, KS_EXIT_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u reason=%s%s%s%s info=%#llx%s%s%s%s%s vector=%d guest_cycles=%llu host_cycles=%llu end=%s",
	__entry->vm, __entry->vcpu,
	__entry->flags & KS_EXIT_L2 ? "L2 " : "",
	ks_show_reason(__entry->flags, __entry->reason),
	__entry->flags & KS_EXIT_FAILED_ENTRY ? " (failed entry)" : "",
	__entry->flags & KS_EXIT_FASTPATH ? " (fastpath)" : "",
	__entry->info, ks_show_access(__entry),
	__entry->flags & KS_EXIT_INFO_VALID ? __entry->vector : -1,
	__entry->guest_cycles, __entry->host_cycles,
	__print_symbolic(__entry->flags & KS_EXIT_END, KVMSCHED_EXIT_ENDS(KS_SHOW))));

KS_EVENT(entry, KS_ENTRY_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u since_exit_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->since_exit_cycles));

KS_EVENT(irq_accept, KS_IRQ_ACCEPT_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u vector=%u delivery_mode=%u %s by=%s context=%s "
	"from_vm=%u from_vcpu=%u name=%s tgid=%d gsi=%u sent_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->vector, __entry->delivery_mode,
	__entry->level ? "level" : "edge", ks_show_by(__entry->by),
	ks_show_context(__entry->context), __entry->from_vm,
	__entry->from_vcpu, __entry->name, __entry->tgid, __entry->gsi,
	__entry->sent_cycles));

KS_EVENT(irq_inject, KS_IRQ_INJECT_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u vector=%u%s%s",
	__entry->vm, __entry->vcpu, __entry->vector,
	__entry->soft ? " soft" : "",
	__entry->reinjected ? " reinjected" : ""));

KS_EVENT(irq_eoi, KS_IRQ_EOI_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u vector=%d",
	__entry->vm, __entry->vcpu, __entry->vector));

KS_EVENT(host_irq, KS_HOST_IRQ_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u irq=%d vector=%u %s name=%s cycles=%llu%s",
	__entry->vm, __entry->vcpu, __entry->irq, __entry->vector,
	ks_show_host_irq(__entry->kind), __entry->name, __entry->cycles,
	__entry->ended_guest ? " ended guest mode" : ""));

KS_EVENT(timer_arm, KS_TIMER_ARM_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u %s by=%s guest_deadline=%llu deadline=%llu period_ns=%llu%s",
	__entry->vm, __entry->vcpu, ks_show_timer(__entry->mode),
	ks_show_arm(__entry->rearm), __entry->guest_deadline,
	__entry->deadline, __entry->period_ns,
	__entry->hv ? " preemption-timer" : ""));

KS_EVENT(timer_expire, KS_TIMER_EXPIRE_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u %s deadline=%llu late_cycles=%lld%s%s",
	__entry->vm, __entry->vcpu, ks_show_timer(__entry->mode),
	__entry->deadline, __entry->late_cycles,
	__entry->hv ? " preemption-timer" : "", __entry->merged == KS_MERGED_YES ? " merged" : ""));

KS_EVENT(clockevent, KS_CLOCKEVENT_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u expires_ns=%lld delta_ns=%lld",
	__entry->vm, __entry->vcpu, __entry->expires_ns, __entry->delta_ns));

KS_EVENT(halt, KS_HALT_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u %s%s poll_ns=%llu halt_ns=%llu",
	__entry->vm, __entry->vcpu, __entry->waited ? "slept" : "polled",
	__entry->valid ? "" : " for nothing",
	__entry->poll_ns, __entry->halt_ns));

KS_EVENT(wake, KS_WAKE_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u cpu=%u%s holder=%s/%d tgid=%d prio=%d %s nice=%d%s%s",
	__entry->vm, __entry->vcpu, __entry->cpu,
	ks_show_throttled(__entry->throttled),
	__entry->holder_comm, __entry->holder_pid, __entry->holder_tgid,
	__entry->holder_prio, ks_show_policy(__entry->holder_policy),
	__entry->holder_nice, ks_show_task(__entry->holder_flags)));

KS_EVENT(migrate, KS_MIGRATE_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u cpu=%u from_cpu=%u holder=%s/%d tgid=%d prio=%d %s nice=%d%s%s",
	__entry->vm, __entry->vcpu, __entry->cpu, __entry->from_cpu,
	__entry->holder_comm, __entry->holder_pid, __entry->holder_tgid,
	__entry->holder_prio, ks_show_policy(__entry->holder_policy),
	__entry->holder_nice, ks_show_task(__entry->holder_flags)));

KS_EVENT(holder, KS_HOLDER_FIELDS, KS_ARGS(
	"holder=%s/%d tgid=%d prio=%d %s nice=%d%s%s vm=%u vcpu=%u waiters=%u",
	__entry->comm, __entry->pid, __entry->tgid, __entry->prio,
	ks_show_policy(__entry->policy), __entry->nice,
	ks_show_task(__entry->flags),
	__entry->vm, __entry->vcpu, __entry->waiters));

KS_EVENT(ledger, KS_LEDGER_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u tid=%d unknown=%llu guest=%llu exit=%llu user=%llu "
	"poll=%llu halted=%llu blocked=%llu wait_preempted=%llu "
	"wait_woken=%llu exits=%llu",
	__entry->vm, __entry->vcpu, __entry->tid,
	__entry->states[0], __entry->states[1], __entry->states[2],
	__entry->states[3], __entry->states[4], __entry->states[5],
	__entry->states[6], __entry->states[7], __entry->states[8],
	__entry->exits));

KS_EVENT(host_switch, KS_HOST_SWITCH_FIELDS, KS_ARGS(
	"prev=%s/%d tgid=%d prio=%d %s nice=%d%s%s %s -> "
	"next=%s/%d tgid=%d prio=%d %s nice=%d%s%s",
	__entry->prev_comm, __entry->prev_pid, __entry->prev_tgid,
	__entry->prev_prio, ks_show_policy(__entry->prev_policy),
	__entry->prev_nice, ks_show_task(__entry->prev_flags),
	__entry->preempted ? "preempted" : "blocked",
	__entry->next_comm, __entry->next_pid, __entry->next_tgid,
	__entry->next_prio, ks_show_policy(__entry->next_policy),
	__entry->next_nice, ks_show_task(__entry->next_flags)));

KS_EVENT(cgroup, KS_CGROUP_FIELDS, KS_ARGS(
	"tid=%d id=%llu parent=%llu",
	__entry->tid, __entry->id, __entry->parent));

KS_EVENT(throttle, KS_THROTTLE_FIELDS, KS_ARGS(
	"cgroup=%llu cpu=%u %s",
	__entry->cgroup, __entry->cpu, __entry->on ? "begins" : "ends"));

/* The name is a program's, and may fill its array without a NUL; likewise below. */
KS_EVENT(quota, KS_QUOTA_FIELDS, KS_ARGS(
	"cgroup=%llu name=%.48s quota_us=%lld period_us=%llu periods=%llu "
	"throttled=%llu throttled_us=%llu",
	__entry->cgroup, __entry->name, __entry->quota_us, __entry->period_us,
	__entry->periods, __entry->throttled, __entry->throttled_us));

KS_EVENT(ipi, KS_IPI_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u vector=%u delivery_mode=%u icr=%#x dest=%#x",
	__entry->vm, __entry->vcpu, __entry->icr & 0xff,
	__entry->icr >> 8 & 7, __entry->icr, __entry->dest));

KS_EVENT(bpf_scheduler, KS_BPF_SCHEDULER_FIELDS, KS_ARGS(
	"loads=%llu loaded=%u all_threads=%u name=%.64s",
	__entry->loads, __entry->loaded, __entry->all_threads, __entry->name));

KS_EVENT(irqfd, KS_IRQFD_FIELDS, KS_ARGS(
	"vm=%u gsi=%u context=%s from_vm=%u from_vcpu=%u name=%s tgid=%d",
	__entry->vm, __entry->gsi, ks_show_context(__entry->context),
	__entry->from_vm, __entry->from_vcpu, __entry->name, __entry->tgid));

KS_EVENT(allowed, KS_ALLOWED_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u first_cpu=%u cpus=%#llx idle=%#llx%s",
	__entry->vm, __entry->vcpu, __entry->first_cpu, __entry->cpus,
	__entry->idle, __entry->begins ? "" : " more"));

KS_EVENT(idle, KS_IDLE_FIELDS, KS_ARGS(
	"%s waiters=%u",
	__entry->idle ? "begins" : "ends", __entry->waiters));

KS_EVENT(irq_posted, KS_IRQ_POSTED_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u vector=%u",
	__entry->vm, __entry->vcpu, __entry->vector));

KS_EVENT(stimer, KS_STIMER_FIELDS, KS_ARGS(
	"vm=%u vcpu=%u timer=%u %s periodic=%u direct=%u ahead_cycles=%llu",
	__entry->vm, __entry->vcpu, __entry->timer,
	__print_symbolic(__entry->what, KVMSCHED_STIMERS(KS_SHOW)),
	__entry->periodic, __entry->direct, __entry->ahead_cycles));

#endif /* _KVMSCHED_EVENTS_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE events
#include <trace/define_trace.h>
