/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened to each vCPU, found out from its records, which come in the order of time.
 *
 * Pure: no file, no trace library, no printing.  Records go in, statistics come
 * out.  A vCPU is keyed by (vm, vcpu): it may change its thread, and one thread
 * may carry several vCPUs one after the other.
 */
#ifndef KVMSCHED_MODEL_H
#define KVMSCHED_MODEL_H

#include "model/state.h"
#include "trace/vmnames.h"

/*
 * One cycle, one ns and one unit of the time stamps are the same, unless
 * kvs_model_clock() is called.  Then sinks are added, before the first record:
 * kvs_summary_listen(), kvs_worst_listen(), or kvs_sinks_add(&m->sinks, ...).
 */
void kvs_model_init(struct kvs_model *m);
void kvs_model_free(struct kvs_model *m);

/* The two ends of struct kvs_sink; @ctx is the model. */
void kvs_model_record(void *ctx, const struct kvs_record *rec);
void kvs_model_missed(void *ctx, unsigned int cpu, s64 count);
/* Its member @foretold: the model knows from the beginning who each vCPU is, and the like. */
void kvs_model_foretold(void *ctx, const struct kvs_record *rec);

/*
 * Everything that goes on at @ts, not before the last record, is handed to the
 * sinks as spans that are open; what ends later begins at @ts for them.
 */
void kvs_model_cut(struct kvs_model *m, u64 ts);

/* After the last record: close what is open, put the vCPUs in order. */
void kvs_model_finish(struct kvs_model *m);

/*
 * After kvs_model_finish(): give each vCPU the name of its VM.  It is the guest's, or else
 * its command's, and lives as long as @names.
 */
void kvs_model_name_vms(struct kvs_model *m, const struct kvs_vm_names *names);

/* The vCPU that this thread carried last; NULL: it's none that we know. */
const struct kvs_vcpu *kvs_vcpu_of_thread(const struct kvs_model *m, s32 tid);

/* In the excerpt, or in the whole recording */
u64 kvs_model_records(const struct kvs_model *m);
u64 kvs_model_all_records(const struct kvs_model *m);
/* Records of an event (enum ks_event), whether they are in the excerpt or not */
u64 kvs_model_ever(const struct kvs_model *m, unsigned int event);
/* How many records were lost.  False: @lost is only the least that it may be. */
bool kvs_model_lost(const struct kvs_model *m, u64 *lost);
/* Did the module, or the model, have no room for a vCPU?  Nobody counts its records. */
bool kvs_model_vcpus_missing(const struct kvs_model *m);
/*
 * False: something was not seen at all, so nobody can say how many records of it there
 * would be: a vCPU found no room, or the kernel dropped hits of a hook.
 */
bool kvs_model_all_seen(const struct kvs_model *m);
/* When the recording began, in the file's clock: a file of trace-cmd's, with its first record */
u64 kvs_model_start_ts(const struct kvs_model *m);
/* When it ended, or with its last record */
u64 kvs_model_end_ts(const struct kvs_model *m);
/* Time that the recording, or the excerpt of it, covers, in the file's clock */
u64 kvs_model_duration_ts(const struct kvs_model *m);
/* Whether a class was recorded, as far as the file shows it. */
bool kvs_model_has_class(const struct kvs_model *m, u32 class);
/* Does the file tell when a quota (cpu.max) kept a cgroup from a CPU? */
bool kvs_model_tells_quotas(const struct kvs_model *m);
/* Whether the ledger has all that it lives on. */
bool kvs_model_has_ledger(const struct kvs_model *m);
/* Why nobody knows what a vCPU did, in words */
const char *kvs_model_why_unknown(const struct kvs_model *m);

/* --- The stages: for model.c alone, and for one another downwards -------- */

/* A vCPU costs a few kB.  No host has more than this; a damaged file may seem to. */
#define KVS_MAX_VCPUS	4096

static inline u64 kvs_vcpu_key(u16 vm, u16 id)
{
	return (u64)vm << 16 | id;
}

/* foretold.c: what is told late, and holds before that */
/* A new @v is who its first identity record says, which may come late. */
void kvs_foretold_identity(struct kvs_model *m, struct kvs_vcpu *v);
/* Has a process any vCPU, of which there may have been no record yet? */
bool kvs_foretold_vmm(const struct kvs_model *m, s32 tgid);
void kvs_foretold_free(struct kvs_model *m);

/* session.c: the recording as a whole */
void kvs_session_foretold(struct kvs_model *m, const struct kvs_record *rec);
void kvs_session_record(struct kvs_model *m, const struct kvs_record *rec);
void kvs_attach_record(struct kvs_model *m, const struct kvs_record *rec);
void kvs_lost_record(struct kvs_model *m, const struct kvs_record *rec);
/* After the last record: takes note of what was lost after the last page of each CPU. */
void kvs_session_finish(struct kvs_model *m);

/* vcpu.c: one vCPU's thread, exits and returns to userspace */
struct kvs_vcpu *kvs_vcpu_create(u16 vm, u16 id);
/* As qsort() wants it: by process, VM and number, the order in which reports have them */
int kvs_vcpu_order(const struct kvs_vcpu *a, const struct kvs_vcpu *b);
void kvs_vcpu_free(struct kvs_vcpu *v);
/* Its thread wrote a record, so it runs, even where its switch in was lost. */
void kvs_vcpu_runs(struct kvs_model *m, struct kvs_vcpu *v,
		   const struct kvs_record *rec);
void kvs_vcpu_identity(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec);
/* What it is, without what that tells of the present */
void kvs_vcpu_take_identity(struct kvs_vcpu *v, const struct kvs_record *rec);
void kvs_vcpu_policy(struct kvs_vcpu *v, const struct kvs_record *rec);
void kvs_vcpu_load(struct kvs_model *m, struct kvs_vcpu *v,
		   const struct kvs_record *rec);
void kvs_vcpu_put(struct kvs_model *m, struct kvs_vcpu *v,
		  const struct kvs_record *rec);
void kvs_vcpu_switch_out(struct kvs_model *m, struct kvs_vcpu *v,
			 const struct kvs_record *rec);
void kvs_vcpu_switch_in(struct kvs_model *m, struct kvs_vcpu *v,
			const struct kvs_record *rec);
void kvs_vcpu_exit(struct kvs_model *m, struct kvs_vcpu *v,
		   const struct kvs_record *rec);
void kvs_vcpu_entry(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec);
/* A halt is over, and its polling known. */
void kvs_vcpu_halt(struct kvs_model *m, struct kvs_vcpu *v, const struct kvs_record *rec);
/* It has slept until @ts, @length of that in KVM_RUN but not in HLT. */
void kvs_vcpu_slept(struct kvs_vcpu *v, u64 ts, u64 length);
/* What a span of kind BLOCKED was slept for */
enum kvs_slept_for kvs_slept_for(const struct kvs_span *span);
/* The thread goes on with another vCPU, or the recording is over. */
void kvs_vcpu_leave(struct kvs_model *m, struct kvs_vcpu *v, u64 ts);
/* Its thread or its VM has ended, and with it its life, unless it runs again one day. */
void kvs_vcpu_end(struct kvs_model *m, struct kvs_vcpu *v, u64 ts);
/*
 * Its thread goes on to another vCPU.  If KVM_RUN had returned, it stays with the VMM
 * until any thread runs it again; else it is as kvs_vcpu_leave() says.
 */
void kvs_vcpu_rest(struct kvs_model *m, struct kvs_vcpu *v, u64 ts);
/* What is open at @ts goes to the sinks, as open spans. */
void kvs_vcpu_cut(struct kvs_model *m, struct kvs_vcpu *v, u64 ts);

/* waits.c: passes records on to the ledger and to the waits of a vCPU */
void kvs_waits_begin(struct kvs_model *m, struct kvs_vcpu *v, u64 ts);
void kvs_waits_cut(struct kvs_model *m, struct kvs_vcpu *v, u64 ts);
void kvs_waits_exit(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec);
void kvs_waits_switch_out(struct kvs_model *m, struct kvs_vcpu *v,
			  const struct kvs_record *rec);
void kvs_waits_switch_in(struct kvs_model *m, struct kvs_vcpu *v,
			 const struct kvs_record *rec);
void kvs_waits_halt(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec);
void kvs_waits_wake(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec);
void kvs_waits_migrate(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec);
void kvs_waits_holder(struct kvs_model *m, const struct kvs_record *rec);
void kvs_waits_allowed(struct kvs_model *m, struct kvs_vcpu *v, const struct kvs_record *rec);
void kvs_waits_idle(struct kvs_model *m, const struct kvs_record *rec);
void kvs_waits_cgroup(struct kvs_model *m, const struct kvs_record *rec);
void kvs_waits_throttle(struct kvs_model *m, const struct kvs_record *rec);
void kvs_waits_quota(struct kvs_model *m, const struct kvs_record *rec);
/* It enters the guest: if it is an ordinary task, no quota keeps it from @cpu. */
void kvs_waits_ran(struct kvs_model *m, struct kvs_vcpu *v, u16 cpu);
void kvs_waits_host_irq(struct kvs_model *m, const struct kvs_record *rec);
void kvs_kernel_ledger(struct kvs_vcpu *v, const struct kvs_record *rec);
/* Records of @cpu were lost: ledgers and waits that they may have belonged to are in doubt. */
void kvs_waits_lost(struct kvs_model *m, unsigned int cpu);

/* irq.c: interrupts and timers of a vCPU */
void kvs_irq_exit(struct kvs_model *m, struct kvs_vcpu *v,
		  const struct kvs_record *rec);
void kvs_irq_entry(struct kvs_vcpu *v, const struct kvs_record *rec);
void kvs_irq_posted(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec);
void kvs_irq_accept(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec);
void kvs_irq_inject(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec);
void kvs_irq_ipi(struct kvs_vcpu *v, const struct kvs_record *rec);
void kvs_irq_eoi(struct kvs_model *m, struct kvs_vcpu *v,
		 const struct kvs_record *rec);
void kvs_timer_arm(struct kvs_model *m, struct kvs_vcpu *v,
		   const struct kvs_record *rec);
void kvs_timer_expire(struct kvs_model *m, struct kvs_vcpu *v,
		      const struct kvs_record *rec);
/* stimers.c: synthetic timers */
void kvs_stimer_record(struct kvs_model *m, struct kvs_vcpu *v, const struct kvs_record *rec);

/* A timer's injection is handed to the sinks now, settled or not. */
void kvs_timer_flush(struct kvs_vcpu *v);
struct kvs_vector_stats *kvs_vector_get(struct kvs_vcpu *v, u8 vector);

/*
 * Time that is known to have been spent within KVM_RUN until @ts, on a CPU or asleep.
 * It may be found to be less later, when a wait ends whose begin was not recorded.
 */
static inline u64 kvs_run_until(const struct kvs_model *m, const struct kvs_vcpu *v, u64 ts)
{
	const struct kvs_in_run *run = &v->in_run;
	u64 wait = kvs_ledger_wait_begin(&v->ledger);
	u64 end = wait && wait < ts ? wait : ts;
	bool on = run->on && run->epoch == m->epoch && end > run->since;

	return run->total + (on ? end - run->since : 0);
}

/* A record shows that @v is within KVM_RUN at @ts, or not. */
static inline void kvs_run_note(const struct kvs_model *m, struct kvs_vcpu *v, bool on,
				u64 ts)
{
	struct kvs_in_run *run = &v->in_run;

	if (run->on && run->epoch == m->epoch) {
		if (on)
			return;
		run->total = kvs_run_until(m, v, ts);
	}
	run->on = on;
	run->since = ts;
	run->epoch = m->epoch;
}

/* A wait for the CPU of that length has ended. */
static inline void kvs_run_waited(const struct kvs_model *m, struct kvs_vcpu *v, u64 length)
{
	if (v->in_run.on && v->in_run.epoch == m->epoch)
		v->in_run.since += length;
}

/* How much that has grown since kvs_run_until() returned @before */
static inline u64 kvs_run_since(const struct kvs_model *m, const struct kvs_vcpu *v,
				u64 before, u64 ts)
{
	u64 now = kvs_run_until(m, v, ts);

	return now > before ? now - before : 0;
}

/* armed.c: for how long timers are armed */
void kvs_timer_armed(struct kvs_model *m, struct kvs_vcpu *v, const struct kvs_record *rec);
/* @deadline: the guest's, a time stamp */
void kvs_timer_armed_expires(struct kvs_model *m, struct kvs_vcpu *v,
			     const struct kvs_record *rec, u64 deadline);
/* No more records of @v come. */
void kvs_timer_armed_end(struct kvs_model *m, struct kvs_vcpu *v, u64 end);

/* watchdog.c: timers that don't come */
/* No more records of @v come: counts its timers that are long overdue at @end. */
void kvs_timer_watch(struct kvs_model *m, struct kvs_vcpu *v, u64 end, bool dies);
/* The timer is set anew: was it overdue, and when will it be? */
void kvs_timer_watch_arm(struct kvs_model *m, struct kvs_vcpu *v,
			 const struct kvs_record *rec);
/* The guest's TSC may have changed, and with it when its timer is due. */
void kvs_timer_follow_tsc(struct kvs_vcpu *v);

/* host.c: the host's side */
void kvs_host_switch(struct kvs_model *m, const struct kvs_record *rec);
/* Since when the task of @rec has had its CPU, a time stamp; 0: class host does not tell */
u64 kvs_host_runs_since(const struct kvs_model *m, const struct kvs_record *rec);
/* @v: on whose time it came; NULL: on no vCPU's */
void kvs_host_irq_record(struct kvs_model *m, struct kvs_vcpu *v,
			 const struct kvs_record *rec);
void kvs_host_clockevent(struct kvs_vcpu *v, const struct kvs_record *rec);
void kvs_host_free(struct kvs_model *m);

#endif /* KVMSCHED_MODEL_H */
