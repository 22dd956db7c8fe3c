// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the records say to a vCPU's ledger and to its waits, in time stamps.
 */
#include <sched.h>
#include <stddef.h>
#include <stdio.h>

#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/names.h"

static struct kvs_vcpu *vcpu_of(struct kvs_ledger *l)
{
	return (struct kvs_vcpu *)((char *)l - offsetof(struct kvs_vcpu, ledger));
}

static void emit_state(struct kvs_vcpu *v, unsigned int state, u64 from, u64 to, bool open)
{
	u64 begin = kvs_span_begin(v->sinks, from, to);
	const struct kvs_span span = {
		.kind = KVS_SPAN_STATE, .vcpu = v, .cpu = v->last_cpu,
		.begin = begin, .end = to, .length = to - begin, .state.state = state,
		.open = open,
	};

	if (begin < to && kvs_span_wanted(v->sinks, KVS_SPAN_STATE))
		kvs_span_emit(v->sinks, &span);
}

static void emit_booked(struct kvs_ledger *l, unsigned int state, u64 from, u64 to)
{
	emit_state(vcpu_of(l), state, from, to, false);
}

static void emit_piece(struct kvs_vcpu *v, u64 from, u64 to,
		       const struct kvs_holder *holder, bool open)
{
	u64 begin = kvs_span_begin(v->sinks, from, to);
	const struct kvs_span span = {
		.kind = KVS_SPAN_PIECE, .vcpu = v, .cpu = holder->cpu,
		.begin = begin, .end = to, .length = to - begin, .piece = holder, .open = open,
	};

	if (begin < to && kvs_span_wanted(v->sinks, KVS_SPAN_PIECE))
		kvs_span_emit(v->sinks, &span);
}

static void emit_ended_piece(struct kvs_waiter *w, u64 from, u64 to,
			     const struct kvs_holder *holder)
{
	emit_piece((struct kvs_vcpu *)((char *)w - offsetof(struct kvs_vcpu, waiter)), from,
		   to, holder, false);
}

void kvs_waits_begin(struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	kvs_ledger_begin(&v->ledger, ts);
	v->ledger.no_exits = !kvs_model_has_class(m, KVMSCHED_CLASS_EXIT);
	v->ledger.no_switches = !kvs_model_has_class(m, KVMSCHED_CLASS_SWITCH);
	if (kvs_span_wanted(&m->sinks, KVS_SPAN_STATE))
		v->ledger.booked = emit_booked;
	if (kvs_span_wanted(&m->sinks, KVS_SPAN_PIECE))
		m->queues.piece = emit_ended_piece;
}

/*
 * The state that goes on, and the one before it if that waits for a late record: guest
 * mode for its exit, whose record comes too late to say which part of it was guest's.
 */
void kvs_waits_cut(struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	const struct kvs_ledger *l = &v->ledger;
	u64 woken = l->woken > l->since && l->woken < ts ? l->woken : ts;

	if (l->pending_to)
		emit_state(v, KVMSCHED_STATE_GUEST, l->pending_from, l->pending_to, true);
	emit_state(v, l->state, l->since, woken, true);
	emit_state(v, KVMSCHED_STATE_WAIT_WOKEN, woken, ts, true);
	kvs_wait_settle(&m->queues, &v->waiter);
	if (v->waiter.waiting) {
		struct kvs_holder culprit = kvs_wait_culprit(&v->waiter);

		emit_piece(v, v->waiter.since, ts, &culprit, true);
	}
}

static void emit_wait(struct kvs_vcpu *v, u16 cpu, const struct kvs_past_wait *wait)
{
	const struct kvs_span span = {
		.kind = KVS_SPAN_WAIT, .vcpu = v, .cpu = cpu,
		.begin = wait->span.begin, .end = wait->span.end,
		.length = wait->span.end - wait->span.begin, .wait = wait,
	};

	kvs_span_emit(v->sinks, &span);
}

void kvs_waits_exit(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec)
{
	u64 host;

	/* The length of a cycle is learnt from the next exits. */
	if (!m->cycles_to_ts.known) {
		kvs_ledger_loss(&v->ledger, true);
		kvs_ledger_exit(&v->ledger, rec->ts, 0, 0,
				kvs_record_end(rec) == KS_EXIT_BY_ENTRY);
		return;
	}
	host = kvs_ts_of_cycles(m, rec->exit.host_cycles);
	kvs_ledger_exit(&v->ledger, rec->ts, kvs_ts_of_cycles(m, rec->exit.guest_cycles),
			host, kvs_record_end(rec) == KS_EXIT_BY_ENTRY);
	if (kvs_record_end(rec) == KS_EXIT_BY_ENTRY)
		kvs_waits_ran(m, v, rec->cpu);
}

static bool is_real_time(const struct kvs_vcpu *v)
{
	return v->policy_known && (v->policy == SCHED_FIFO || v->policy == SCHED_RR);
}

static bool may_have_quota(const struct kvs_vcpu *v)
{
	return !is_real_time(v) && !(v->policy_known && v->policy == SCHED_DEADLINE);
}

void kvs_waits_ran(struct kvs_model *m, struct kvs_vcpu *v, u16 cpu)
{
	struct kvs_waiter *w = &v->waiter;

	if ((w->ran.on && w->ran.cpu == cpu && w->ran.epoch == m->quotas.epoch) ||
	    m->queues.unwanted || !v->policy_known || !may_have_quota(v))
		return;
	w->ran.on = true;
	w->ran.cpu = cpu;
	w->ran.epoch = m->quotas.epoch;
	kvs_quota_ran(&m->quotas, v->tid, cpu);
}

/*
 * May it be kept from that CPU by a quota of which that is not known, since before @since?
 * Where each task is throttled by itself, its records tell whether it is.
 */
static void look_at_doubts(struct kvs_queues *q, struct kvs_waiter *w,
			   enum kvs_quota_doubt doubt, u64 since)
{
	bool certain = w->throttled == KS_THROTTLED_YES;

	if (certain && w->quota)
		return;
	if (certain || (w->throttled == KS_THROTTLED_AS_GROUP && doubt))
		kvs_wait_doubt(q, w, since, doubt == KVS_QUOTA_IN_DOUBT, certain);
	else
		kvs_wait_trust(w);
}

/* Does a quota keep it from the CPU that it waits for, now?  @over: one did, until now. */
static void look_at_quotas(struct kvs_model *m, struct kvs_vcpu *v, u64 ts, bool over)
{
	struct kvs_waiter *w = &v->waiter;
	const struct kvs_cgroup *quota = NULL;
	enum kvs_quota_doubt doubt;

	if (!w->waiting || !may_have_quota(v))
		return;
	doubt = kvs_quota_doubt(&m->quotas, w->tid, w->holder.cpu);
	if (w->throttled != KS_THROTTLED_NO)
		quota = kvs_quota_of(&m->quotas, w->tid, w->holder.cpu);
	/* Once that is over for itself, it competes with others wherever it waits. */
	if ((over || w->quota) && !quota && doubt != KVS_QUOTA_IN_DOUBT &&
	    w->throttled == KS_THROTTLED_YES)
		w->throttled = KS_THROTTLED_NO;
	kvs_wait_throttle(&m->queues, w, ts, quota);
	look_at_doubts(&m->queues, w, doubt, ts);
}

static void begin_wait(struct kvs_model *m, struct kvs_vcpu *v, u64 ts,
		       struct kvs_holder holder, bool preempted, u8 throttled)
{
	v->waiter.tid = v->tid;
	v->waiter.real_time = is_real_time(v);
	v->waiter.throttled = throttled;
	kvs_wait_begin(&m->queues, &v->waiter, ts, holder, preempted);
	look_at_quotas(m, v, ts, false);
}

void kvs_waits_switch_out(struct kvs_model *m, struct kvs_vcpu *v,
			  const struct kvs_record *rec)
{
	unsigned int kind = rec->switch_out.kind;

	kvs_ledger_switch_out(&v->ledger, rec->ts, kind, rec->switch_out.loaded);
	if (kind != KS_SWITCH_PREEMPTED && kind != KS_SWITCH_ABORTED)
		return;
	if (m->queues.unwanted)
		return;
	begin_wait(m, v, rec->ts, kvs_holder_told(rec->switch_out, next_, rec->cpu), true,
		   rec->switch_out.throttled);
}

/* It has the CPU that it waited for: what was in doubt kept it from that at no time. */
static void got_cpu(struct kvs_model *m, struct kvs_vcpu *v, u16 cpu)
{
	struct kvs_waiter *w = &v->waiter;

	if (!w->waiting || w->throttled != KS_THROTTLED_AS_GROUP || cpu != w->holder.cpu)
		return;
	kvs_waits_ran(m, v, cpu);
	if (may_have_quota(v))
		kvs_wait_trust(w);
}

void kvs_waits_switch_in(struct kvs_model *m, struct kvs_vcpu *v,
			 const struct kvs_record *rec)
{
	u64 waited = kvs_ts_of_ns(m, rec->switch_in.wait_ns);
	u64 slept = kvs_ledger_slept_in_run(&v->ledger);
	const struct kvs_past_wait *past;
	struct kvs_ledger_wait wait;
	bool known;

	if (m->learn)
		kvs_learn_rate(m);
	known = kvs_ledger_switch_in(&v->ledger, rec->ts,
				     kvs_ts_of_cycles(m, rec->switch_in.off_cycles),
				     waited, &wait);
	if (known) {
		kvs_run_waited(m, v, wait.end - wait.begin);
		kvs_beat_note(&v->beat, wait.begin, wait.end, kvs_ts_of_ns(m, KVS_BEAT_WAIT_NS));
		kvs_vcpu_slept(v, wait.begin, kvs_ledger_slept_in_run(&v->ledger) - slept);
	}
	got_cpu(m, v, rec->cpu);
	past = kvs_wait_end(&m->queues, &v->waiter, known ? &wait : NULL);
	if (past && kvs_span_wanted(v->sinks, KVS_SPAN_WAIT))
		emit_wait(v, rec->cpu, past);
}

void kvs_waits_halt(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec)
{
	v->halts.count++;
	v->halts.slept += !!rec->halt.waited;
	v->halts.poll_ns += rec->halt.poll_ns;
	v->halts.halt_ns += rec->halt.halt_ns;
	kvs_ledger_poll(&v->ledger, rec->ts, kvs_ts_of_ns(m, rec->halt.poll_ns));
}

void kvs_waits_wake(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec)
{
	kvs_ledger_wake(&v->ledger, rec->ts);
	if (v->ledger.woken != rec->ts || m->queues.unwanted)
		return;
	begin_wait(m, v, rec->ts, kvs_holder_told(rec->wake, holder_, rec->wake.cpu), false,
		   rec->wake.throttled);
}

void kvs_waits_migrate(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	if (!v->waiter.waiting)
		return;
	kvs_wait_decide(&m->queues, &v->waiter, rec->ts, NULL);
	kvs_wait_move(&m->queues, &v->waiter, rec->ts,
		      kvs_holder_told(rec->migrate, holder_, rec->migrate.cpu));
	look_at_quotas(m, v, rec->ts, true);
}

void kvs_waits_cgroup(struct kvs_model *m, const struct kvs_record *rec)
{
	const struct kvs_cgroup *before = kvs_quota_cgroup_of(&m->quotas, rec->cgroup.tid);
	struct kvs_vcpu *v = kvs_table_get(&m->threads, (u32)rec->cgroup.tid);

	kvs_quota_cgroup(&m->quotas, rec);
	if (!v)
		return;
	if (kvs_quota_cgroup_of(&m->quotas, rec->cgroup.tid) != before) {
		v->waiter.ran.on = false;
		if (v->waiter.waiting)
			kvs_wait_decide(&m->queues, &v->waiter, rec->ts, NULL);
	}
	look_at_quotas(m, v, rec->ts, false);
}

/*
 * Of a throttling that began before the recording, or before anybody watched its cgroup, only
 * the end is seen, and likewise where the record of its begin is lost.  Then the quota has
 * kept the vCPU from that CPU all the time.
 */
void kvs_waits_throttle(struct kvs_model *m, const struct kvs_record *rec)
{
	const struct kvs_cgroup *ended = kvs_quota_throttle(&m->quotas, rec, m->start_ts);

	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		struct kvs_waiter *w = &m->vcpus[i]->waiter;
		bool over;

		if (!w->waiting || w->holder.cpu != rec->throttle.cpu)
			continue;
		over = ended && kvs_quota_has(&m->quotas, w->tid, ended);
		if (over)
			kvs_wait_decide(&m->queues, w, rec->ts, ended);
		look_at_quotas(m, m->vcpus[i], rec->ts, over);
	}
}

/* The record of a quota may come after the first waits have begun. */
void kvs_waits_quota(struct kvs_model *m, const struct kvs_record *rec)
{
	if (!kvs_quota_told(&m->quotas, rec))
		return;
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		look_at_quotas(m, m->vcpus[i], rec->ts, false);
}

void kvs_waits_holder(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_holder holder = kvs_holder_told(rec->holder, , rec->cpu);

	kvs_wait_holder(&m->queues, rec->ts, &holder);
}

void kvs_waits_allowed(struct kvs_model *m, struct kvs_vcpu *v, const struct kvs_record *rec)
{
	if (m->queues.unwanted)
		return;
	m->queues.idles.tick = kvs_ts_of_ns(m, KVS_IDLE_TICK_NS);
	kvs_idle_allowed(&m->queues.idles, &v->waiter.idle, rec->ts, rec->allowed.begins,
			 rec->allowed.first_cpu, rec->allowed.cpus, rec->allowed.idle);
}

void kvs_waits_idle(struct kvs_model *m, const struct kvs_record *rec)
{
	kvs_idle_cpu(&m->queues.idles, rec->ts, rec->cpu, rec->idle.idle);
}

/*
 * To leave the idle loop takes microseconds, but a softirq may come first.  Of one that is
 * interrupted, the part before that counts as idle (see below), and packets may take 8 ms.
 */
#define SURELY_AWAKE_NS	10000000

/*
 * If a softirq was interrupted, its part before that counts as its task's: the record
 * does not say when it began, and the pieces up to the interrupt are handed over already.
 * One that a task serves by itself is that task's doing.
 */
void kvs_waits_host_irq(struct kvs_model *m, const struct kvs_record *rec)
{
	char thief[KVS_COMM_LEN + sizeof("softirq ")], name[KVS_COMM_LEN];

	if (rec->host_irq.kind == KS_HOST_IRQ_OWN_SOFTIRQ)
		return;
	m->queues.surely_awake = kvs_ts_of_ns(m, SURELY_AWAKE_NS);
	kvs_copy_comm(name, rec->host_irq.name, sizeof(rec->host_irq.name));
	snprintf(thief, sizeof(thief), "%s%s",
		 kvs_is_softirq(rec->host_irq.kind) ? "softirq " : "", name);
	kvs_wait_interrupt(&m->queues, rec->cpu, rec->ent.pid, rec->ts,
			   kvs_ts_of_cycles(m, rec->host_irq.cycles), thief);
}

void kvs_kernel_ledger(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	v->kernel.known = true;
	v->kernel.exits = rec->ledger.exits;
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		v->kernel.states[i] = rec->ledger.states[i];
}

/* From its next piece on, which begins after what was lost, it can be known again. */
static void lose_quotas(struct kvs_model *m, struct kvs_vcpu *v)
{
	struct kvs_waiter *w = &v->waiter;
	enum kvs_quota_doubt doubt;

	if (!w->waiting || !may_have_quota(v))
		return;
	doubt = kvs_quota_doubt(&m->quotas, w->tid, w->holder.cpu);
	if (w->quota || w->doubt.limited || doubt == KVS_QUOTA_IN_DOUBT)
		kvs_wait_loss(&m->queues, w->holder.cpu);
	kvs_wait_lose_doubt(w);
	look_at_doubts(&m->queues, w, doubt, KVS_NEXT_PIECE);
}

void kvs_waits_lost(struct kvs_model *m, unsigned int cpu)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		kvs_ledger_loss(&m->vcpus[i]->ledger, m->vcpus[i]->last_cpu == cpu);
	kvs_wait_loss(&m->queues, cpu);
	/* A quota's record may be in the ring of any CPU. */
	kvs_quota_lost(&m->quotas);
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		lose_quotas(m, m->vcpus[i]);
}
