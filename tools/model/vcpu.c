// SPDX-License-Identifier: GPL-2.0-only
/*
 * One vCPU: its thread, switches, exits and returns to userspace.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/summary.h"

struct kvs_vcpu *kvs_vcpu_create(u16 vm, u16 id)
{
	static const struct kvs_sinks nobody;
	struct kvs_vcpu *v = xcalloc(1, sizeof(*v));

	v->vm = vm;
	v->id = id;
	v->sinks = &nobody;
	v->sw.last_taker = -1;
	v->timer.vector = -1;
	return v;
}

void kvs_vcpu_free(struct kvs_vcpu *v)
{
	if (!v)
		return;
	kvs_summary_free(v);
	kvs_culprits_free(&v->timer.trail.culprits);
	kvs_culprits_free(&v->timer.trail_again.culprits);
	kvs_waiter_free(&v->waiter);
	free(v);
}

/* It was on the CPU until @ts at least; the switch out that ends it is not seen yet. */
static void emit_open_slice(const struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	const struct kvs_span span = {
		.kind = KVS_SPAN_SLICE, .vcpu = v, .cpu = v->last_cpu, .open = true,
		.gap = v->since_epoch != m->epoch,
		.begin = kvs_span_begin(v->sinks, v->since_ts, ts), .end = ts,
		.slice.since = true,
	};

	if (kvs_span_wanted(v->sinks, KVS_SPAN_SLICE) && span.begin < ts)
		kvs_span_emit(v->sinks, &span);
}

static void enter_state(const struct kvs_model *m, struct kvs_vcpu *v,
			enum kvs_state state, u64 ts)
{
	v->state = state;
	v->since_ts = ts;
	v->since_epoch = m->epoch;
	if (state == KVS_STATE_ON_CPU)
		v->ended = false;
}

/* The same where no switch out ends the slice before it */
static void set_state(const struct kvs_model *m, struct kvs_vcpu *v,
		      enum kvs_state state, u64 ts)
{
	if (v->state == KVS_STATE_ON_CPU)
		emit_open_slice(m, v, ts);
	enter_state(m, v, state, ts);
}

/* Whether it is off the CPU, and has been runnable since the switch out */
static bool waits_since_switch(const struct kvs_model *m, const struct kvs_vcpu *v)
{
	return v->state == KVS_STATE_OFF_CPU && v->out_ts && v->out_epoch == m->epoch &&
	       (v->out_kind == KS_SWITCH_PREEMPTED || v->out_kind == KS_SWITCH_ABORTED);
}

/* The exit that a switch has cut goes to the sinks, and so much more of it was polled. */
static noinline void emit_late_exit(const struct kvs_model *m, struct kvs_vcpu *v, u64 polled_ns)
{
	struct kvs_span *span = &v->late_exit.span;

	v->late_exit.on = false;
	span->exit.poll_cycles += kvs_cycles_of_ns(m, polled_ns);
	span->exit.poll_ts += kvs_ts_of_ns(m, polled_ns);
	kvs_span_emit(v->sinks, span);
}

/*
 * A switch has cut the exit, and no record of the end of its halt will come any more.  If
 * the switch put the vCPU to sleep in HLT, the halt goes on (@open), or records were lost.
 */
static void settle_exit(const struct kvs_model *m, struct kvs_vcpu *v, bool open)
{
	if (!v->late_exit.on)
		return;
	v->late_exit.span.exit.halts = v->out_kind == KS_SWITCH_HALTED &&
				       (open || v->late_exit.epoch != m->epoch);
	emit_late_exit(m, v, 0);
}

void kvs_vcpu_halt(struct kvs_model *m, struct kvs_vcpu *v, const struct kvs_record *rec)
{
	if (v->late_exit.on && v->late_exit.epoch == m->epoch) {
		emit_late_exit(m, v, rec->halt.poll_ns);
		return;
	}
	settle_exit(m, v, false);
	/* It never slept: its exit is recorded next. */
	if (v->polled_epoch != m->epoch)
		v->polled_ns = 0;
	v->polled_ns += rec->halt.poll_ns;
	v->polled_epoch = m->epoch;
}

void kvs_vcpu_cut(struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	const struct kvs_span span = {
		.kind = KVS_SPAN_OFF, .vcpu = v, .cpu = v->last_cpu, .open = true,
		.begin = kvs_span_begin(v->sinks, v->out_ts, ts), .end = ts,
		.off = { .kind = v->out_kind, .since = true },
	};

	settle_exit(m, v, true);
	if (v->state == KVS_STATE_ON_CPU)
		emit_open_slice(m, v, ts);
	if (kvs_span_wanted(v->sinks, KVS_SPAN_OFF) && waits_since_switch(m, v) &&
	    span.begin < ts)
		kvs_span_emit(v->sinks, &span);
	if (!v->ended)
		kvs_waits_cut(m, v, ts);
}

enum kvs_slept_for kvs_slept_for(const struct kvs_span *span)
{
	if (span->exit.sleep == KS_SLEEP_SIPI)
		return KVS_SLEPT_FOR_SIPI;
	if (span->exit.sleep == KS_SLEEP_PAGE)
		return KVS_SLEPT_FOR_PAGE;
	if (span->exit.unknown)
		return KVS_SLEPT_UNKNOWN;
	return span->exit.before ? KVS_SLEPT_BEFORE_ENTRY : KVS_SLEPT_IN_EXIT;
}

void kvs_vcpu_slept(struct kvs_vcpu *v, u64 ts, u64 length)
{
	const struct kvs_cut_exit *cut = &v->cut_exit;
	bool before = v->before_entry.on;
	u32 epoch = before ? v->before_entry.epoch : cut->epoch;
	const struct kvs_span span = {
		.kind = KVS_SPAN_BLOCKED, .vcpu = v, .cpu = v->last_cpu,
		.begin = ts - length, .end = ts, .length = length,
		.exit = {
			.reason = cut->reason, .isa = cut->isa, .end = cut->end,
			.l2 = cut->l2, .fastpath = cut->fastpath,
			.before = before, .sleep = v->out_sleep,
			.unknown = epoch != v->out_epoch || !(before || cut->on),
		},
	};

	if (!length)
		return;
	if (v->last_sleep.over || length > v->last_sleep.end - v->last_sleep.begin)
		v->last_sleep = (struct kvs_sleep){
			.begin = span.begin, .end = span.end, .reason = cut->reason,
			.isa = cut->isa, .l2 = cut->l2, .what = kvs_slept_for(&span),
		};
	if (kvs_span_wanted(v->sinks, KVS_SPAN_BLOCKED))
		kvs_span_emit(v->sinks, &span);
}

void kvs_vcpu_leave(struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	u64 begin = kvs_ledger_wait_begin(&v->ledger);
	u64 slept = kvs_ledger_slept_in_run(&v->ledger);

	settle_exit(m, v, true);
	kvs_run_note(m, v, false, ts);
	kvs_ledger_leave(&v->ledger, ts);
	kvs_vcpu_slept(v, begin ? begin : ts, kvs_ledger_slept_in_run(&v->ledger) - slept);
	kvs_wait_cut(&m->queues, &v->waiter, begin, ts);
	set_state(m, v, KVS_STATE_UNKNOWN, ts);
	v->cut_exit.on = v->before_entry.on = v->last_put.on = false;
	v->entry_ts = v->out_ts = 0;
}

void kvs_vcpu_end(struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	if (v->ended)
		return;
	kvs_timer_watch(m, v, ts, true);
	kvs_vcpu_leave(m, v, ts);
	v->ended = true;
}

void kvs_vcpu_rest(struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	if (v->ledger.state != KVMSCHED_STATE_USER || v->ledger.gap) {
		kvs_vcpu_leave(m, v, ts);
		return;
	}
	settle_exit(m, v, true);
	set_state(m, v, KVS_STATE_UNKNOWN, ts);
	v->cut_exit.on = false;
	v->entry_ts = v->out_ts = 0;
}

void kvs_vcpu_take_identity(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	v->identified = true;
	v->tgid = rec->vcpu.tgid;
	kvs_copy_comm(v->comm, rec->vcpu.comm, sizeof(rec->vcpu.comm));
	v->policy = rec->vcpu.policy;
	v->rt_priority = rec->vcpu.rt_priority;
	v->nice = rec->vcpu.nice;
	v->prio = rec->vcpu.prio;
	v->policy_known = true;
	v->features = rec->vcpu.features;
	v->apicv_inhibits = rec->vcpu.apicv_inhibits;
	v->apicv |= v->features & KS_FEATURE_IRQCHIP && !v->apicv_inhibits;
	v->halt_poll_ns = rec->vcpu.halt_poll_ns;
	v->tsc_offset = rec->vcpu.tsc_offset;
	v->tsc_ratio = rec->vcpu.tsc_ratio;
	v->tsc_frac_bits = rec->vcpu.tsc_frac_bits;
}

void kvs_vcpu_identity(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	/* Told again after the thread's death, and by whoever stops: then its thread may sleep. */
	if (v->state == KVS_STATE_UNKNOWN && !v->identified)
		kvs_vcpu_runs(m, v, rec);
	v->foretold = false;
	kvs_vcpu_take_identity(v, rec);
	kvs_timer_follow_tsc(v);
}

void kvs_vcpu_policy(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	v->policy = rec->policy.policy;
	v->rt_priority = rec->policy.rt_priority;
	v->nice = rec->policy.nice;
	v->prio = rec->policy.prio;
	v->policy_known = true;
	v->policy_changes++;
}

/* A duration that a record measured, and that ends with the record */
static u64 begin_of(const struct kvs_model *m, const struct kvs_record *rec, u64 cycles)
{
	u64 ts = m->cycles_to_ts.known ? kvs_ts_of_cycles(m, cycles) : 0;

	return ts < rec->ts ? rec->ts - ts : rec->ts;
}

void kvs_vcpu_load(struct kvs_model *m, struct kvs_vcpu *v,
		   const struct kvs_record *rec)
{
	const struct kvs_span span = {
		.kind = KVS_SPAN_USER, .vcpu = v, .cpu = rec->cpu,
		.unit = KVS_SPAN_IN_CYCLES, .length = rec->load.user_cycles,
		.begin = begin_of(m, rec, rec->load.user_cycles), .end = rec->ts,
		.user = {
			.reason = v->last_put.reason,
			.known = v->last_put.on && v->last_put.epoch == m->epoch,
		},
	};

	settle_exit(m, v, false);
	v->before_entry.on = true;
	v->before_entry.epoch = m->epoch;
	kvs_run_note(m, v, true, rec->ts);
	if (span.length && kvs_span_wanted(v->sinks, KVS_SPAN_USER))
		kvs_span_emit(v->sinks, &span);
	v->last_put.on = false;
}

void kvs_vcpu_put(struct kvs_model *m, struct kvs_vcpu *v,
		  const struct kvs_record *rec)
{
	const struct kvs_span span = {
		.kind = KVS_SPAN_RUN, .vcpu = v, .cpu = rec->cpu,
		.unit = KVS_SPAN_IN_CYCLES, .length = rec->put.run_cycles,
		.begin = begin_of(m, rec, rec->put.run_cycles), .end = rec->ts,
		.user = { .reason = rec->put.exit_reason, .known = true },
	};

	settle_exit(m, v, false);
	kvs_run_note(m, v, false, rec->ts);
	if (kvs_span_wanted(v->sinks, KVS_SPAN_RUN))
		kvs_span_emit(v->sinks, &span);
	v->last_put = (struct kvs_last_put){
		.on = true, .reason = rec->put.exit_reason, .epoch = m->epoch,
	};
}

static void emit_slice(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	bool since = v->state == KVS_STATE_ON_CPU;
	u64 begin = since ? v->since_ts : begin_of(m, rec, rec->switch_out.ran_cycles);
	char comm[KVS_COMM_LEN];
	const struct kvs_span span = {
		.kind = KVS_SPAN_SLICE, .vcpu = v, .cpu = rec->cpu,
		.unit = KVS_SPAN_IN_CYCLES, .length = rec->switch_out.ran_cycles,
		.gap = since && v->since_epoch != m->epoch,
		.begin = kvs_span_begin(v->sinks, begin, rec->ts),
		.end = rec->ts,
		.slice = {
			.kind = rec->switch_out.kind, .since = since,
			.shared = v->shared_slice, .loaded = rec->switch_out.loaded,
			.next_pid = rec->switch_out.next_pid,
			.next_prio = rec->switch_out.next_prio, .next_comm = comm,
		},
	};

	kvs_copy_comm(comm, rec->switch_out.next_comm, sizeof(rec->switch_out.next_comm));
	kvs_span_emit(v->sinks, &span);
}

void kvs_vcpu_switch_out(struct kvs_model *m, struct kvs_vcpu *v,
			 const struct kvs_record *rec)
{
	unsigned int kind = rec->switch_out.kind;

	if (kind >= KVS_SWITCH_KINDS)
		return;
	if (kvs_span_wanted(v->sinks, KVS_SPAN_SLICE))
		emit_slice(m, v, rec);
	kvs_run_note(m, v, rec->switch_out.loaded, rec->ts);
	enter_state(m, v, KVS_STATE_OFF_CPU, rec->ts);
	v->shared_slice = false;
	v->out_ts = rec->ts;
	v->out_epoch = m->epoch;
	v->out_kind = kind;
	v->out_sleep = rec->switch_out.sleep;
	v->sleeps_told |= v->out_sleep != KS_SLEEP_NOT_TOLD;
	v->entry_ts = 0;
	if (kind == KS_SWITCH_DEAD)
		kvs_vcpu_end(m, v, rec->ts);
}

/*
 * When the scheduler gave the thread its CPU, which is a little before the switch in is
 * recorded.  Where records were lost, another switch out may have been the last one.
 */
static u64 got_cpu(const struct kvs_model *m, const struct kvs_vcpu *v,
		   const struct kvs_record *rec)
{
	if (!v->out_ts || v->out_epoch != m->epoch || !m->cycles_to_ts.known)
		return rec->ts;
	return kvs_got_cpu(v->out_ts, kvs_ts_of_cycles(m, rec->switch_in.off_cycles),
			   rec->ts);
}

static void emit_off(struct kvs_model *m, struct kvs_vcpu *v,
		     const struct kvs_record *rec, bool since)
{
	u64 off = rec->switch_in.off_cycles, end = since ? got_cpu(m, v, rec) : rec->ts;
	const struct kvs_span span = {
		.kind = KVS_SPAN_OFF, .vcpu = v, .cpu = rec->cpu,
		.unit = KVS_SPAN_IN_CYCLES, .length = off,
		.begin = kvs_span_begin(v->sinks, since ? v->out_ts : begin_of(m, rec, off),
					end),
		.end = end,
		.off = {
			.kind = rec->switch_in.kind, .since = since,
			.migrated = rec->switch_in.from_cpu != rec->cpu,
			.wait_ns = rec->switch_in.wait_ns,
		},
	};

	kvs_span_emit(v->sinks, &span);
}

void kvs_vcpu_switch_in(struct kvs_model *m, struct kvs_vcpu *v,
			const struct kvs_record *rec)
{
	bool since = v->out_ts && v->out_epoch == m->epoch;
	u64 off = rec->switch_in.off_cycles;

	if (off && since) {
		m->rate_cycles += off;
		m->rate_ts += rec->ts - v->out_ts;
	}
	if (off && kvs_span_wanted(v->sinks, KVS_SPAN_OFF))
		emit_off(m, v, rec, since);
	v->sw.in++;
	set_state(m, v, KVS_STATE_ON_CPU, got_cpu(m, v, rec));
	v->out_ts = 0;
	v->shared_slice = false;
}

/* From the last entry, the guest's time and the host's since then are known. */
static void rate_pair(struct kvs_model *m, struct kvs_vcpu *v,
		      const struct kvs_record *rec)
{
	if (!v->entry_ts || v->exit_epoch != m->epoch || !rec->exit.guest_cycles)
		return;
	m->rate_cycles += (kvs_u128)rec->exit.guest_cycles + rec->exit.host_cycles;
	m->rate_ts += rec->ts - v->entry_ts;
}

static void note_exit(const struct kvs_model *m, struct kvs_vcpu *v,
		      const struct kvs_record *rec)
{
	u64 polled_ns = v->polled_epoch == m->epoch ? v->polled_ns : 0;
	struct kvs_span span = {
		.kind = KVS_SPAN_EXIT, .vcpu = v, .cpu = rec->cpu,
		.unit = KVS_SPAN_IN_CYCLES, .length = rec->exit.host_cycles,
		.begin = begin_of(m, rec, rec->exit.host_cycles), .end = rec->ts,
		.exit = {
			.reason = kvs_record_reason(rec), .isa = kvs_record_isa(rec),
			.end = kvs_record_end(rec), .l2 = kvs_record_l2(rec),
			.fastpath = rec->exit.flags & KS_EXIT_FASTPATH,
			.info = rec->exit.info,
			.guest_cycles = rec->exit.guest_cycles,
		},
	};

	settle_exit(m, v, false);
	span.exit.poll_cycles = kvs_cycles_of_ns(m, polled_ns);
	span.exit.poll_ts = kvs_ts_of_ns(m, polled_ns);
	if (span.exit.end != KS_EXIT_BY_SWITCH) {
		kvs_span_emit(v->sinks, &span);
		return;
	}
	v->late_exit.on = true;
	v->late_exit.epoch = m->epoch;
	v->late_exit.span = span;
}

/*
 * Modules of older versions attached the hook of entries before that of exits: until an
 * exit is recorded as it comes, what an entry tells of the one before it, without a time,
 * need not be the fast path's.  It is not counted: they had not seen all of the vCPU yet.
 */
static bool is_before_exits(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	v->exits_told |= !(rec->exit.flags & KS_EXIT_FASTPATH) || rec->exit.guest_cycles;
	return !v->exits_told && v->identified && !v->born &&
	       !(v->features & KS_FEATURE_EXITS_TOLD);
}

void kvs_vcpu_exit(struct kvs_model *m, struct kvs_vcpu *v,
		   const struct kvs_record *rec)
{
	bool fastpath = rec->exit.flags & KS_EXIT_FASTPATH;
	bool before_exits = is_before_exits(v, rec);
	unsigned int end = kvs_record_end(rec);

	kvs_run_note(m, v, true, rec->ts);
	if (!fastpath)
		rate_pair(m, v, rec);
	if (m->learn)
		kvs_learn_rate(m);
	if (!before_exits && kvs_span_wanted(v->sinks, KVS_SPAN_EXIT))
		note_exit(m, v, rec);
	v->polled_ns = 0;
	v->before_entry.on = false;
	v->cut_exit.on = end != KS_EXIT_BY_ENTRY;
	if (v->cut_exit.on)
		v->cut_exit = (struct kvs_cut_exit){
			.on = true, .reason = kvs_record_reason(rec),
			.isa = kvs_record_isa(rec), .end = end,
			.l2 = kvs_record_l2(rec), .fastpath = fastpath,
			.epoch = m->epoch,
		};
	v->last_sleep.over |= end == KS_EXIT_BY_ENTRY;
	v->entry_ts = end == KS_EXIT_BY_ENTRY ? rec->ts : 0;
	v->exit_epoch = m->epoch;
}

void kvs_vcpu_entry(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec)
{
	const struct kvs_cut_exit *cut = &v->cut_exit;
	u64 out = rec->entry.since_exit_cycles;

	settle_exit(m, v, false);
	if (out && cut->on && cut->epoch == m->epoch &&
	    kvs_span_wanted(v->sinks, KVS_SPAN_OUT)) {
		const struct kvs_span span = {
			.kind = KVS_SPAN_OUT, .vcpu = v, .cpu = rec->cpu,
			.unit = KVS_SPAN_IN_CYCLES, .length = out,
			.begin = begin_of(m, rec, out), .end = rec->ts,
			.exit = {
				.reason = cut->reason, .isa = cut->isa,
				.end = cut->end, .l2 = cut->l2,
				.fastpath = cut->fastpath,
			},
		};

		kvs_span_emit(v->sinks, &span);
	}
	v->cut_exit.on = v->before_entry.on = false;
	v->last_sleep.over = true;
	v->entry_ts = rec->ts;
	v->exit_epoch = m->epoch;
}

void kvs_vcpu_runs(struct kvs_model *m, struct kvs_vcpu *v,
		   const struct kvs_record *rec)
{
	if (v->state != KVS_STATE_ON_CPU)
		set_state(m, v, KVS_STATE_ON_CPU, rec->ts);
}
