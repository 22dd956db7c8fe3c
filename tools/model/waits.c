// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the records say to a vCPU's ledger and to its waits, in time stamps.
 */
#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"

static void worst_exit(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec, u64 host)
{
	struct kvs_moment moment = {
		.kind = KVS_MOMENT_EXIT, .vcpu = v, .length = host,
		.begin = rec->ts - host, .end = rec->ts, .cpu = rec->cpu,
		.reason = kvs_record_reason(rec), .isa = kvs_record_isa(rec),
		.exit_end = kvs_record_end(rec),
	};

	kvs_worst_add(&m->worst, &moment);
}

static void worst_wait(struct kvs_model *m, struct kvs_vcpu *v, u16 cpu,
		       const struct kvs_past_wait *wait)
{
	struct kvs_moment moment = {
		.kind = KVS_MOMENT_WAIT, .vcpu = v,
		.length = wait->span.end - wait->span.begin,
		.begin = wait->span.begin, .end = wait->span.end, .cpu = cpu,
		.thief = wait->top, .thief_time = wait->top_time,
		.preempted = wait->span.preempted,
	};

	kvs_worst_add(&m->worst, &moment);
}

static void told_exit(struct kvs_model *m, struct kvs_vcpu *v,
		      const struct kvs_record *rec)
{
	u64 host;

	if (kvs_record_end(rec) == KS_EXIT_BY_ENTRY)
		kvs_timer_entered(v, rec->ts);
	if (m->learn)
		kvs_learn_rate(m);
	/* How long is a cycle?  The next exits will tell. */
	if (!m->cycles_to_ts.known) {
		kvs_ledger_loss(&v->ledger, true);
		kvs_ledger_exit(&v->ledger, rec->ts, 0, 0,
				kvs_record_end(rec) == KS_EXIT_BY_ENTRY);
		return;
	}
	host = kvs_ts_of_cycles(m, rec->exit.host_cycles);
	kvs_irq_kicked(v, rec->ts - host);
	kvs_ledger_exit(&v->ledger, rec->ts, kvs_ts_of_cycles(m, rec->exit.guest_cycles),
			host, kvs_record_end(rec) == KS_EXIT_BY_ENTRY);
	if (kvs_worst_wants(&m->worst, KVS_MOMENT_EXIT, host))
		worst_exit(m, v, rec, host);
}

static void told_switch_out(struct kvs_model *m, struct kvs_vcpu *v,
			    const struct kvs_record *rec)
{
	unsigned int kind = rec->switch_out.kind;

	kvs_ledger_switch_out(&v->ledger, rec->ts, kind, rec->switch_out.loaded);
	if (kind != KS_SWITCH_PREEMPTED && kind != KS_SWITCH_ABORTED)
		return;
	v->waiter.tid = v->tid;
	kvs_wait_begin(&m->queues, &v->waiter, rec->ts,
		       kvs_holder_of(rec->switch_out.next_pid, rec->switch_out.next_prio,
				     rec->cpu, rec->switch_out.next_comm), true);
}

static void told_switch_in(struct kvs_model *m, struct kvs_vcpu *v,
			   const struct kvs_record *rec)
{
	u64 waited = kvs_ts_of_ns(m, rec->switch_in.wait_ns);
	const struct kvs_past_wait *past;
	struct kvs_ledger_wait wait;
	bool known;

	if (m->learn)
		kvs_learn_rate(m);
	known = kvs_ledger_switch_in(&v->ledger, rec->ts,
				     kvs_ts_of_cycles(m, rec->switch_in.off_cycles),
				     waited, &wait);
	past = kvs_wait_end(&m->queues, &v->waiter, known ? &wait : NULL);
	if (past)
		worst_wait(m, v, rec->cpu, past);
}

static void told_halt(struct kvs_model *m, struct kvs_vcpu *v,
		      const struct kvs_record *rec)
{
	v->halts.count++;
	v->halts.slept += !!rec->halt.waited;
	v->halts.poll_ns += rec->halt.poll_ns;
	v->halts.halt_ns += rec->halt.halt_ns;
	kvs_ledger_poll(&v->ledger, rec->ts, kvs_ts_of_ns(m, rec->halt.poll_ns));
}

void kvs_ledger_record(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	v->last_cpu = rec->cpu;
	switch (rec->event) {
	case KS_EV_exit:
		told_exit(m, v, rec);
		break;
	case KS_EV_entry:
		kvs_timer_entered(v, rec->ts);
		kvs_ledger_entry(&v->ledger, rec->ts);
		break;
	case KS_EV_load:
		kvs_ledger_load(&v->ledger, rec->ts);
		break;
	case KS_EV_put:
		kvs_ledger_put(&v->ledger, rec->ts);
		break;
	case KS_EV_switch_out:
		told_switch_out(m, v, rec);
		break;
	case KS_EV_switch_in:
		told_switch_in(m, v, rec);
		break;
	case KS_EV_halt:
		told_halt(m, v, rec);
		break;
	}
}

void kvs_wake_record(struct kvs_model *m, struct kvs_vcpu *v,
		     const struct kvs_record *rec)
{
	kvs_ledger_wake(&v->ledger, rec->ts);
	if (v->ledger.woken != rec->ts)
		return;
	v->waiter.tid = v->tid;
	kvs_wait_begin(&m->queues, &v->waiter, rec->ts,
		       kvs_holder_of(rec->wake.holder_pid, rec->wake.holder_prio,
				     rec->wake.cpu, rec->wake.holder_comm), false);
}

void kvs_migrate_record(struct kvs_model *m, struct kvs_vcpu *v,
			const struct kvs_record *rec)
{
	kvs_wait_move(&m->queues, &v->waiter, rec->ts,
		      kvs_holder_of(rec->migrate.holder_pid, rec->migrate.holder_prio,
				    rec->migrate.cpu, rec->migrate.holder_comm));
}

void kvs_holder_record(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_holder holder = kvs_holder_of(rec->holder.pid, rec->holder.prio,
						 rec->cpu, rec->holder.comm);

	kvs_wait_holder(&m->queues, rec->ts, &holder);
}

void kvs_irq_steals(struct kvs_model *m, const struct kvs_record *rec)
{
	char name[KVS_COMM_LEN];

	kvs_copy_comm(name, rec->host_irq.name, sizeof(rec->host_irq.name));
	kvs_wait_interrupt(&m->queues, rec->cpu, rec->ts,
			   kvs_ts_of_cycles(m, rec->host_irq.cycles), name);
}

void kvs_kernel_ledger(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	v->kernel.known = true;
	v->kernel.exits = rec->ledger.exits;
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		v->kernel.states[i] = rec->ledger.states[i];
}

void kvs_cpu_lost(struct kvs_model *m, unsigned int cpu)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		kvs_ledger_loss(&m->vcpus[i]->ledger, m->vcpus[i]->last_cpu == cpu);
	kvs_wait_loss(&m->queues, cpu);
}
