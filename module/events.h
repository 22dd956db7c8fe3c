/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The schema: one TRACE_EVENT of system kvmsched for each row of
 * uapi/record_list.h.  Its `format` file describes the ring's records, too, since
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

/* The record is complete already; copy what follows the common fields. */
#define KS_ASSIGN(record)						\
	memcpy((char *)__entry + sizeof(__entry->ent),			\
	       (const char *)rec + sizeof(rec->ent),			\
	       offsetof(struct ks_rec_##record, __end) - sizeof(rec->ent))

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

/* tests/golden/mkformats makes format files of the records instead. */
#ifndef KS_RECORD
#define F(type, name)		__field(type, name)
#define A(type, name, n)	__array(type, name, n)
#define KS_RECORD(record, classes, fields, ...)				\
	TRACE_EVENT(kvmsched_##record,					\
		TP_PROTO(const struct ks_rec_##record *rec),		\
		TP_ARGS(rec),						\
		TP_STRUCT__entry(fields),				\
		TP_fast_assign(KS_ASSIGN(record);),			\
		TP_printk(__VA_ARGS__));
#endif
#include "uapi/record_list.h"

#endif /* _KVMSCHED_EVENTS_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE events
#include <trace/define_trace.h>
