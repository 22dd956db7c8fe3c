// SPDX-License-Identifier: GPL-2.0-only
/*
 * One vCPU: its thread, switches, exits and returns to userspace.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"

#define MAX_EXITS	256
#define MAX_USERS	64
#define MAX_TAKERS	1024

struct kvs_vcpu *kvs_vcpu_create(u16 vm, u16 id)
{
	struct kvs_vcpu *v = xcalloc(1, sizeof(*v));

	v->vm = vm;
	v->id = id;
	v->last_exit = v->last_user = v->out_taker = -1;
	v->timer.vector = -1;
	return v;
}

static void free_exits(struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < v->nr_exits; i++) {
		kvs_hist_free(&v->exits[i].uncut_cycles);
		kvs_hist_free(&v->exits[i].cut_cycles);
		kvs_hist_free(&v->exits[i].out_cycles);
		kvs_hist_free(&v->exits[i].guest_cycles);
	}
	free(v->exits);
	kvs_hist_free(&v->guest_cycles);
}

static void free_users(struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < v->nr_users; i++) {
		kvs_hist_free(&v->users[i].run_cycles);
		kvs_hist_free(&v->users[i].user_cycles);
	}
	free(v->users);
	kvs_hist_free(&v->user_cycles);
}

static void free_switches(struct kvs_switch_stats *sw)
{
	for (unsigned int i = 0; i < sw->nr_takers; i++)
		kvs_hist_free(&sw->takers[i].wait_cycles);
	free(sw->takers);
	kvs_hist_free(&sw->slice_cycles);
	kvs_hist_free(&sw->full_slice_cycles);
	kvs_hist_free(&sw->preempted_wait_cycles);
	kvs_hist_free(&sw->woken_wait_ns);
	kvs_hist_free(&sw->off_cycles);
}

static void free_irqs(struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		if (!v->vector[i])
			continue;
		kvs_hist_free(&v->vector[i]->accept_to_inject_ts);
		kvs_hist_free(&v->vector[i]->accept_to_exit_ts);
		kvs_hist_free(&v->vector[i]->accept_to_cpu_ts);
		kvs_hist_free(&v->vector[i]->inject_to_eoi_ts);
		free(v->vector[i]);
	}
	kvs_shist_free(&v->timer.late_cycles);
	kvs_hist_free(&v->timer.expire_to_inject_ts);
	kvs_hist_free(&v->timer.expire_to_accept_ts);
	kvs_hist_free(&v->timer.accept_to_inject_ts);
	kvs_hist_free(&v->timer.inject_to_entry_ts);
	kvs_shist_free(&v->timer.deadline_to_inject_ts);
	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		kvs_hist_free(&v->timer.cause_ts[i]);
	for (unsigned int i = 0; i < v->host_irqs.nr; i++)
		kvs_hist_free(&v->host_irqs.irqs[i].cycles);
	free(v->host_irqs.irqs);
	kvs_hist_free(&v->clockevent_ns);
}

void kvs_vcpu_free(struct kvs_vcpu *v)
{
	if (!v)
		return;
	free_exits(v);
	free_users(v);
	free_switches(&v->sw);
	free_irqs(v);
	kvs_waiter_free(&v->waiter);
	free(v);
}

struct kvs_exit_stats *kvs_exit_get(struct kvs_vcpu *v, u8 isa, u32 reason,
				    bool fastpath)
{
	struct kvs_exit_stats *e;

	if (fastpath)
		reason = 0;
	if (v->nr_exits == MAX_EXITS - 1)
		reason = KVS_OTHER_REASON;
	for (e = v->exits; e < v->exits + v->nr_exits; e++)
		if (e->reason == reason && e->isa == isa && e->fastpath == fastpath)
			return e;
	if (v->nr_exits == MAX_EXITS)
		return &v->exits[MAX_EXITS - 1];
	v->exits = xrealloc(v->exits, (v->nr_exits + 1) * sizeof(*v->exits));
	e = &v->exits[v->nr_exits++];
	*e = (struct kvs_exit_stats){ .reason = reason, .isa = isa, .fastpath = fastpath };
	return e;
}

struct kvs_user_stats *kvs_user_get(struct kvs_vcpu *v, u32 reason)
{
	struct kvs_user_stats *u;

	if (v->nr_users == MAX_USERS - 1)
		reason = KVS_OTHER_REASON;
	for (u = v->users; u < v->users + v->nr_users; u++)
		if (u->reason == reason)
			return u;
	if (v->nr_users == MAX_USERS)
		return &v->users[MAX_USERS - 1];
	v->users = xrealloc(v->users, (v->nr_users + 1) * sizeof(*v->users));
	u = &v->users[v->nr_users++];
	*u = (struct kvs_user_stats){ .reason = reason };
	return u;
}

struct kvs_taker *kvs_taker_get(struct kvs_switch_stats *sw, s32 pid,
				const char *comm, s16 prio)
{
	struct kvs_taker *t;

	/* Each CPU's idle thread is named otherwise. */
	if (!pid)
		comm = "(idle)";
	if (sw->nr_takers == MAX_TAKERS - 1) {
		pid = -1;
		comm = KVS_OTHERS;
	}
	for (t = sw->takers; t < sw->takers + sw->nr_takers; t++)
		if (t->pid == pid && (pid <= 0 || !strcmp(t->comm, comm)))
			return t;
	if (sw->nr_takers == MAX_TAKERS)
		return &sw->takers[MAX_TAKERS - 1];
	sw->takers = xrealloc(sw->takers, (sw->nr_takers + 1) * sizeof(*t));
	t = &sw->takers[sw->nr_takers++];
	*t = (struct kvs_taker){ .pid = pid, .prio = prio };
	kvs_copy_comm(t->comm, comm, sizeof(t->comm) - 1);
	return t;
}

static void set_state(struct kvs_vcpu *v, enum kvs_state state, u64 ts)
{
	if (v->state == KVS_STATE_ON_CPU && ts > v->since_ts)
		v->on_cpu_ts += ts - v->since_ts;
	v->state = state;
	v->since_ts = ts;
}

void kvs_vcpu_leave(struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	kvs_wait_cut(&m->queues, &v->waiter, ts, kvs_ledger_leave(&v->ledger, ts));
	set_state(v, KVS_STATE_UNKNOWN, ts);
	v->last_exit = v->last_user = v->out_taker = -1;
	v->entry_ts = v->out_ts = 0;
}

static void identity(struct kvs_vcpu *v, const struct kvs_record *rec)
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
	v->halt_poll_ns = rec->vcpu.halt_poll_ns;
	v->tsc_offset = rec->vcpu.tsc_offset;
	v->tsc_ratio = rec->vcpu.tsc_ratio;
	v->tsc_frac_bits = rec->vcpu.tsc_frac_bits;
}

static void policy(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	v->policy = rec->policy.policy;
	v->rt_priority = rec->policy.rt_priority;
	v->nice = rec->policy.nice;
	v->prio = rec->policy.prio;
	v->policy_known = true;
	v->policy_changes++;
}

static void load(struct kvs_model *m, struct kvs_vcpu *v,
		 const struct kvs_record *rec)
{
	u64 cycles = rec->load.user_cycles;

	if (cycles) {
		kvs_hist_add(&v->user_cycles, cycles);
		if (v->last_user >= 0 && v->user_epoch == m->epoch)
			kvs_hist_add(&v->users[v->last_user].user_cycles, cycles);
	}
	v->last_user = -1;
}

static void put(struct kvs_model *m, struct kvs_vcpu *v,
		const struct kvs_record *rec)
{
	struct kvs_user_stats *u = kvs_user_get(v, rec->put.exit_reason);

	u->count++;
	if (rec->put.run_cycles)
		kvs_hist_add(&u->run_cycles, rec->put.run_cycles);
	v->last_user = u - v->users;
	v->user_epoch = m->epoch;
}

static void switch_out(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec)
{
	struct kvs_switch_stats *sw = &v->sw;
	unsigned int kind = rec->switch_out.kind;
	u64 ran = rec->switch_out.ran_cycles;
	char comm[KVS_COMM_LEN];
	struct kvs_taker *t;

	if (kind >= KVS_SWITCH_KINDS)
		return;
	sw->out[kind]++;
	sw->in_userspace += !rec->switch_out.loaded;
	if (v->state != KVS_STATE_ON_CPU)
		v->on_cpu_cycles += ran;
	set_state(v, KVS_STATE_OFF_CPU, rec->ts);
	/* A slice that several vCPUs shared is no one's. */
	if (ran && !v->shared_slice) {
		kvs_hist_add(&sw->slice_cycles, ran);
		if (kind == KS_SWITCH_PREEMPTED)
			kvs_hist_add(&sw->full_slice_cycles, ran);
	}
	v->shared_slice = false;
	kvs_copy_comm(comm, rec->switch_out.next_comm,
		      sizeof(rec->switch_out.next_comm));
	t = kvs_taker_get(sw, rec->switch_out.next_pid, comm,
			  rec->switch_out.next_prio);
	t->count[kind]++;
	v->out_taker = t - sw->takers;
	v->out_ts = rec->ts;
	v->out_epoch = m->epoch;
	v->entry_ts = 0;
	if (kind == KS_SWITCH_DEAD) {
		kvs_timer_watch(m, v, rec->ts);
		kvs_vcpu_leave(m, v, rec->ts);
	}
}

/*
 * A preempted vCPU waits all the time that it is off the CPU, and so does one
 * whose sleep a signal aborted; a woken one only since its wakeup, which the
 * kernel's run_delay tells.
 */
static void wait_end(struct kvs_model *m, struct kvs_vcpu *v,
		     const struct kvs_record *rec)
{
	struct kvs_switch_stats *sw = &v->sw;
	u64 off = rec->switch_in.off_cycles;
	bool seen = v->out_ts && v->out_epoch == m->epoch;

	if (!off)
		return;
	sw->migrated += rec->switch_in.from_cpu != rec->cpu;
	kvs_hist_add(&sw->off_cycles, off);
	switch (rec->switch_in.kind) {
	case KS_SWITCH_PREEMPTED:
		if (seen && v->out_taker >= 0)
			kvs_hist_add(&sw->takers[v->out_taker].wait_cycles, off);
		/* fall through */
	case KS_SWITCH_ABORTED:
		kvs_hist_add(&sw->preempted_wait_cycles, off);
		break;
	default:
		kvs_hist_add(&sw->woken_wait_ns, rec->switch_in.wait_ns);
	}
	if (seen) {
		m->rate_cycles += off;
		m->rate_ts += rec->ts - v->out_ts;
	}
}

/* Told a little later than the scheduler gave it the CPU. */
static u64 got_cpu(const struct kvs_model *m, const struct kvs_vcpu *v,
		   const struct kvs_record *rec)
{
	u64 off = rec->switch_in.off_cycles;
	u64 got = off && v->out_ts ? v->out_ts + kvs_ts_of_cycles(m, off) : rec->ts;

	return got < rec->ts && m->cycles_to_ts.known ? got : rec->ts;
}

static void switch_in(struct kvs_model *m, struct kvs_vcpu *v,
		      const struct kvs_record *rec)
{
	v->sw.in++;
	wait_end(m, v, rec);
	set_state(v, KVS_STATE_ON_CPU, got_cpu(m, v, rec));
	v->out_ts = 0;
	v->out_taker = -1;
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

static void exit_record(struct kvs_model *m, struct kvs_vcpu *v,
			const struct kvs_record *rec)
{
	bool fastpath = rec->exit.flags & KS_EXIT_FASTPATH;
	struct kvs_exit_stats *e = kvs_exit_get(v, kvs_record_isa(rec),
						kvs_record_reason(rec), fastpath);
	unsigned int end = kvs_record_end(rec);

	v->exit_count++;
	e->count++;
	if (end < KVS_EXIT_ENDS)
		e->ended[end]++;
	if (rec->exit.guest_cycles) {
		kvs_hist_add(&e->guest_cycles, rec->exit.guest_cycles);
		kvs_hist_add(&v->guest_cycles, rec->exit.guest_cycles);
	}
	if (!fastpath) {
		kvs_hist_add(end == KS_EXIT_BY_ENTRY ? &e->uncut_cycles : &e->cut_cycles,
			     rec->exit.host_cycles);
		rate_pair(m, v, rec);
	}
	v->entry_ts = end == KS_EXIT_BY_ENTRY ? rec->ts : 0;
	v->last_exit = end == KS_EXIT_BY_ENTRY ? -1 : e - v->exits;
	v->exit_epoch = m->epoch;
}

static void entry(struct kvs_model *m, struct kvs_vcpu *v,
		  const struct kvs_record *rec)
{
	u64 out = rec->entry.since_exit_cycles;

	if (out && v->last_exit >= 0 && v->exit_epoch == m->epoch)
		kvs_hist_add(&v->exits[v->last_exit].out_cycles, out);
	v->last_exit = -1;
	v->entry_ts = rec->ts;
	v->exit_epoch = m->epoch;
}

static void clockevent(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	s64 delta = rec->clockevent.delta_ns;

	kvs_hist_add(&v->clockevent_ns, delta > 0 ? delta : 0);
}

/* A thread that tells of itself runs, even where its switch in was lost. */
static void must_run(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	if (v->state != KVS_STATE_ON_CPU)
		set_state(v, KVS_STATE_ON_CPU, rec->ts);
}

void kvs_vcpu_record(struct kvs_model *m, struct kvs_vcpu *v,
		     const struct kvs_record *rec)
{
	switch (rec->event) {
	case KS_EV_vcpu:
		/* Told again after the thread's death, and by whoever stops. */
		if (v->state == KVS_STATE_UNKNOWN && !v->identified)
			must_run(v, rec);
		identity(v, rec);
		break;
	case KS_EV_load:
		must_run(v, rec);
		load(m, v, rec);
		break;
	case KS_EV_put:
		must_run(v, rec);
		put(m, v, rec);
		break;
	case KS_EV_switch_out:
		switch_out(m, v, rec);
		break;
	case KS_EV_switch_in:
		switch_in(m, v, rec);
		break;
	case KS_EV_policy:
		policy(v, rec);
		break;
	case KS_EV_exit:
		must_run(v, rec);
		exit_record(m, v, rec);
		break;
	case KS_EV_entry:
		must_run(v, rec);
		entry(m, v, rec);
		break;
	case KS_EV_clockevent:
		clockevent(v, rec);
		break;
	case KS_EV_halt:
		must_run(v, rec);
		break;
	default:
		kvs_irq_record(m, v, rec);
		return;
	}
	kvs_ledger_record(m, v, rec);
}
