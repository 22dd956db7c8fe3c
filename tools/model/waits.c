// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the records say to a vCPU's ledger and to its waits, in time stamps.
 */
#include "base/kvmsched.h"
#include "model/model.h"

#define RATE_SHIFT	32

/* A rate learnt from so many cycles is used until there are twice as many. */
static void learn_rate(struct ks_model *m)
{
	ks_u128 cycles = m->rate_cycles, ts = m->rate_ts;

	if (cycles < 2 * m->learnt_cycles || !cycles)
		return;
	m->learnt_cycles = cycles;
	while (ts >> 90) {
		ts >>= 1;
		cycles >>= 1;
	}
	m->cycles_to_ts = (struct ks_scale){
		.mult = (ts << RATE_SHIFT) / cycles, .shift = RATE_SHIFT, .known = true,
	};
}

void ks_model_clock(struct ks_model *m, bool ts_is_ns, u32 tsc_mult, u32 tsc_shift)
{
	m->learn = ts_is_ns && !tsc_mult;
	if (m->learn)
		m->cycles_to_ts.known = false;
	else if (ts_is_ns)
		m->cycles_to_ts = (struct ks_scale){ tsc_mult, tsc_shift, true };
	else if (tsc_mult && tsc_shift <= 63)
		m->ns_to_ts = (struct ks_scale){
			.mult = ((ks_u128)1 << (RATE_SHIFT + tsc_shift)) / tsc_mult,
			.shift = RATE_SHIFT, .known = true,
		};
	else
		m->ns_to_ts.known = false;	/* until the session tells */
}

void ks_session_clock(struct ks_model *m, u32 tsc_khz)
{
	m->tsc_khz = tsc_khz;
	if (m->learn)
		m->cycles_to_ts = (struct ks_scale){
			.mult = (1000000ULL << RATE_SHIFT) / tsc_khz,
			.shift = RATE_SHIFT, .known = true,
		};
	m->learn = false;
	if (!m->ns_to_ts.known)
		m->ns_to_ts = (struct ks_scale){
			.mult = ((ks_u128)tsc_khz << RATE_SHIFT) / 1000000,
			.shift = RATE_SHIFT, .known = true,
		};
}

/* Most files have the TSC for their clock. */
u64 ks_ts_of_cycles(const struct ks_model *m, u64 cycles)
{
	if (m->cycles_to_ts.mult == 1 && !m->cycles_to_ts.shift)
		return cycles;
	return ks_scale(&m->cycles_to_ts, cycles);
}

u64 ks_ts_of_ns(const struct ks_model *m, u64 ns)
{
	return m->ns_to_ts.known ? ks_scale(&m->ns_to_ts, ns) : 0;
}

static void worst_exit(struct ks_model *m, struct ks_vcpu *v,
		       const struct ks_record *rec, u64 host)
{
	struct ks_moment moment = {
		.kind = KS_MOMENT_EXIT, .vcpu = v, .length = host,
		.begin = rec->ts - host, .end = rec->ts, .cpu = rec->cpu,
		.reason = ks_record_reason(rec), .isa = ks_record_isa(rec),
		.exit_end = ks_record_end(rec),
	};

	ks_worst_add(&m->worst, &moment);
}

static void worst_wait(struct ks_model *m, struct ks_vcpu *v, u16 cpu,
		       const struct ks_past_wait *wait)
{
	struct ks_moment moment = {
		.kind = KS_MOMENT_WAIT, .vcpu = v,
		.length = wait->span.end - wait->span.begin,
		.begin = wait->span.begin, .end = wait->span.end, .cpu = cpu,
		.thief = wait->top, .thief_time = wait->top_time,
		.preempted = wait->span.preempted,
	};

	ks_worst_add(&m->worst, &moment);
}

static void told_exit(struct ks_model *m, struct ks_vcpu *v,
		      const struct ks_record *rec)
{
	u64 host;

	if (ks_record_end(rec) == KS_EXIT_BY_ENTRY)
		ks_timer_entered(v, rec->ts);
	if (m->learn)
		learn_rate(m);
	/* How long is a cycle?  The next exits will tell. */
	if (!m->cycles_to_ts.known) {
		ks_ledger_loss(&v->ledger, true);
		ks_ledger_exit(&v->ledger, rec->ts, 0, 0,
			       ks_record_end(rec) == KS_EXIT_BY_ENTRY);
		return;
	}
	host = ks_ts_of_cycles(m, rec->exit.host_cycles);
	ks_irq_kicked(v, rec->ts - host);
	ks_ledger_exit(&v->ledger, rec->ts, ks_ts_of_cycles(m, rec->exit.guest_cycles),
		       host, ks_record_end(rec) == KS_EXIT_BY_ENTRY);
	if (ks_worst_wants(&m->worst, KS_MOMENT_EXIT, host))
		worst_exit(m, v, rec, host);
}

static void told_switch_out(struct ks_model *m, struct ks_vcpu *v,
			    const struct ks_record *rec)
{
	unsigned int kind = rec->switch_out.kind;

	ks_ledger_switch_out(&v->ledger, rec->ts, kind, rec->switch_out.loaded);
	if (kind != KS_SWITCH_PREEMPTED && kind != KS_SWITCH_ABORTED)
		return;
	v->waiter.tid = v->tid;
	ks_wait_begin(&m->queues, &v->waiter, rec->ts,
		      ks_holder_of(rec->switch_out.next_pid, rec->switch_out.next_prio,
				   rec->cpu, rec->switch_out.next_comm), true);
}

static void told_switch_in(struct ks_model *m, struct ks_vcpu *v,
			   const struct ks_record *rec)
{
	u64 waited = ks_ts_of_ns(m, rec->switch_in.wait_ns);
	const struct ks_past_wait *past;
	struct ks_ledger_wait wait;
	bool known;

	if (m->learn)
		learn_rate(m);
	known = ks_ledger_switch_in(&v->ledger, rec->ts,
				    ks_ts_of_cycles(m, rec->switch_in.off_cycles),
				    waited, &wait);
	past = ks_wait_end(&m->queues, &v->waiter, known ? &wait : NULL);
	if (past)
		worst_wait(m, v, rec->cpu, past);
}

static void told_halt(struct ks_model *m, struct ks_vcpu *v,
		      const struct ks_record *rec)
{
	v->halts.count++;
	v->halts.slept += !!rec->halt.waited;
	v->halts.poll_ns += rec->halt.poll_ns;
	v->halts.halt_ns += rec->halt.halt_ns;
	ks_ledger_poll(&v->ledger, rec->ts, ks_ts_of_ns(m, rec->halt.poll_ns));
}

void ks_ledger_record(struct ks_model *m, struct ks_vcpu *v,
		      const struct ks_record *rec)
{
	v->last_cpu = rec->cpu;
	switch (rec->event) {
	case KS_EV_exit:
		told_exit(m, v, rec);
		break;
	case KS_EV_entry:
		ks_timer_entered(v, rec->ts);
		ks_ledger_entry(&v->ledger, rec->ts);
		break;
	case KS_EV_load:
		ks_ledger_load(&v->ledger, rec->ts);
		break;
	case KS_EV_put:
		ks_ledger_put(&v->ledger, rec->ts);
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

void ks_wake_record(struct ks_model *m, struct ks_vcpu *v,
		    const struct ks_record *rec)
{
	ks_ledger_wake(&v->ledger, rec->ts);
	if (v->ledger.woken != rec->ts)
		return;
	v->waiter.tid = v->tid;
	ks_wait_begin(&m->queues, &v->waiter, rec->ts,
		      ks_holder_of(rec->wake.holder_pid, rec->wake.holder_prio,
				   rec->wake.cpu, rec->wake.holder_comm), false);
}

void ks_migrate_record(struct ks_model *m, struct ks_vcpu *v,
		       const struct ks_record *rec)
{
	ks_wait_move(&m->queues, &v->waiter, rec->ts,
		     ks_holder_of(rec->migrate.holder_pid, rec->migrate.holder_prio,
				  rec->migrate.cpu, rec->migrate.holder_comm));
}

void ks_holder_record(struct ks_model *m, const struct ks_record *rec)
{
	struct ks_holder holder = ks_holder_of(rec->holder.pid, rec->holder.prio,
					       rec->cpu, rec->holder.comm);

	ks_wait_holder(&m->queues, rec->ts, &holder);
}

void ks_irq_steals(struct ks_model *m, const struct ks_record *rec)
{
	char name[KS_COMM_LEN];

	ks_copy_comm(name, rec->host_irq.name, sizeof(rec->host_irq.name));
	ks_wait_interrupt(&m->queues, rec->cpu, rec->ts,
			  ks_ts_of_cycles(m, rec->host_irq.cycles), name);
}

void ks_kernel_ledger(struct ks_vcpu *v, const struct ks_record *rec)
{
	v->kernel.known = true;
	v->kernel.exits = rec->ledger.exits;
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		v->kernel.states[i] = rec->ledger.states[i];
}

void ks_cpu_lost(struct ks_model *m, unsigned int cpu)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		ks_ledger_loss(&m->vcpus[i]->ledger, m->vcpus[i]->last_cpu == cpu);
	ks_wait_loss(&m->queues, cpu);
}
