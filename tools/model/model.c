// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model: whose each record is, and which stage handles it.
 */
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"

void kvs_model_init(struct kvs_model *m)
{
	*m = (struct kvs_model){
		.cycles_to_ts = KVS_SCALE_NONE, .ns_to_ts = KVS_SCALE_NONE,
	};
}

void kvs_model_free(struct kvs_model *m)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		kvs_vcpu_free(m->vcpus[i]);
	free(m->vcpus);
	kvs_table_free(&m->vcpu_table);
	kvs_table_free(&m->threads);
	kvs_foretold_free(m);
	kvs_signals_free(m);
	kvs_host_free(m);
	kvs_queues_free(&m->queues);
	kvs_quotas_free(&m->quotas);
	kvs_bpf_scheds_free(&m->bpf_scheds);
	kvs_excerpt_free(m);
	free(m->cpu_loss);
	free(m->early);
	free(m->missed);
	free(m->hooks);
}

/* NULL for a vCPU that the module didn't know, and once there are too many. */
static noinline struct kvs_vcpu *vcpu_add(struct kvs_model *m, u16 vm, u16 id)
{
	struct kvs_vcpu *v;

	if (!vm || id == KS_NO_VCPU) {
		m->unattributed++;
		if (id != KS_NO_VCPU) {
			m->early = xgrow(m->early, &m->nr_early, id, sizeof(*m->early));
			m->early[id]++;
		}
		return NULL;
	}
	if (m->nr_vcpus == KVS_MAX_VCPUS) {
		m->beyond++;
		return NULL;
	}
	v = kvs_vcpu_create(vm, id);
	v->index = m->nr_vcpus;
	v->sinks = &m->sinks;
	kvs_waits_begin(m, v, kvs_model_start_ts(m));
	m->vcpus = xrealloc(m->vcpus, (m->nr_vcpus + 1) * sizeof(*m->vcpus));
	m->vcpus[m->nr_vcpus++] = v;
	kvs_table_put(&m->vcpu_table, kvs_vcpu_key(vm, id), v);
	kvs_foretold_identity(m, v);
	return v;
}

static inline struct kvs_vcpu *vcpu_get(struct kvs_model *m, u16 vm, u16 id)
{
	struct kvs_vcpu *v = kvs_table_get(&m->vcpu_table, kvs_vcpu_key(vm, id));

	return v && !v->replaced ? v : vcpu_add(m, vm, id);
}

/* The thread that carries @v, from now on. */
static noinline void change_thread(struct kvs_model *m, struct kvs_vcpu *v, s32 tid, u64 ts)
{
	struct kvs_vcpu *before = kvs_table_get(&m->threads, (u32)tid);

	if (before && before != v && before->tid == tid) {
		if (before->state == KVS_STATE_ON_CPU)
			v->shared_slice = true;
		kvs_vcpu_rest(m, before, ts);
	}
	if (v->tid != tid) {
		/* What it was doing, it did in another thread. */
		kvs_vcpu_leave(m, v, ts);
		v->threads++;
		v->tid = tid;
	}
	kvs_table_put(&m->threads, (u32)tid, v);
}

/* The vCPU that a record is about, whoever wrote it: an interrupt, or a sender */
static struct kvs_vcpu *by_another(struct kvs_model *m, u16 vm, u16 id,
				   const struct kvs_record *rec)
{
	struct kvs_vcpu *v = vcpu_get(m, vm, id);

	if (v && !v->first_ts)
		v->first_ts = rec->ts;
	return v;
}

/*
 * The vCPU of a record that its own thread wrote, so its common_pid is the vCPU's thread.
 * NULL: it has none that the module knew.
 */
static struct kvs_vcpu *by_own_thread(struct kvs_model *m, u16 vm, u16 id,
				      const struct kvs_record *rec)
{
	struct kvs_vcpu *v = by_another(m, vm, id, rec);

	if (v) {
		if (v->tid != rec->ent.pid || v->state == KVS_STATE_UNKNOWN)
			change_thread(m, v, rec->ent.pid, rec->ts);
		v->last_cpu = rec->cpu;
	}
	return v;
}

/*
 * What each record does, stage after stage: vcpu.c, waits.c, irq.c.  The table below
 * is made of the same list as the records: one without a handler here is an error.
 */
#define HANDLE(record)	static void handle_##record(struct kvs_model *m, const struct kvs_record *rec)
#define OWN(record)	by_own_thread(m, rec->record.vm, rec->record.vcpu, rec)
#define OTHER(record)	by_another(m, rec->record.vm, rec->record.vcpu, rec)

HANDLE(session)
{
	kvs_session_record(m, rec);
}

HANDLE(attach)
{
	kvs_attach_record(m, rec);
}

HANDLE(lost)
{
	kvs_lost_record(m, rec);
}

/*
 * It was not there before: its life, and so its ledger, begins now.  An interrupt may
 * have come just before this record, on the vCPU's time, but its thread wrote none.
 * False: there is no room for it.
 */
static bool note_birth(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_vcpu *v = vcpu_get(m, rec->vcpu.vm, rec->vcpu.vcpu);

	if (!v || v->tid)
		return v;
	v->born = true;
	v->newborn.on = true;
	v->newborn.epoch = m->epoch;
	kvs_waits_begin(m, v, rec->ts);
	return true;
}

/* Its first KVM_RUN begins: what was before is not its life, however long it took. */
static void note_first_run(struct kvs_model *m, struct kvs_vcpu *v, u64 ts)
{
	if (v->newborn.on && v->newborn.epoch == m->epoch &&
	    v->ledger.state == KVMSCHED_STATE_UNKNOWN)
		kvs_waits_begin(m, v, ts);
	v->newborn.on = false;
}

/*
 * The module sees the vCPU for the first time, but it ran before.  Modules of older versions
 * recorded until then what came to it, but without its VM.  That is no fault of the file, so
 * these don't count as records of an unknown vCPU.
 */
static void note_first_look(struct kvs_model *m, const struct kvs_vcpu *v,
			    const struct kvs_record *rec)
{
	if ((v->identified && !v->foretold) || rec->vcpu.features & KS_FEATURE_NEW ||
	    v->id >= m->nr_early)
		return;
	m->unattributed -= m->early[v->id];
	m->early[v->id] = 0;
}

/*
 * Modules of older versions took whatever another thread ran for a new VM.  It seems to be
 * one if the thread before has ended, and what KVM chose for the vCPU by its first moment,
 * its TSC offset, is the same to the cycle.
 */
static void look_for_former_self(const struct kvs_model *m, struct kvs_vcpu *v)
{
	if (v->features & (KS_FEATURE_NEW | KS_FEATURE_EXITS_TOLD) || !v->tsc_offset)
		return;
	for (unsigned int i = 0; i < m->nr_vcpus && m->vcpus[i] != v; i++) {
		const struct kvs_vcpu *old = m->vcpus[i];

		if (old->ended && !old->gone && old->vm != v->vm && old->id == v->id &&
		    old->tgid == v->tgid && old->tsc_offset == v->tsc_offset)
			v->once = old->once ? old->once : old;
	}
}

/*
 * A VM's number is used again when 65535 others have been there since, and not while it
 * lives.  So who has it after a VM's end is another one.
 */
static void note_next_of_number(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_vcpu *v = kvs_table_get(&m->vcpu_table,
					   kvs_vcpu_key(rec->vcpu.vm, rec->vcpu.vcpu));

	if (v && v->gone && !(rec->vcpu.features & KS_FEATURE_GONE))
		v->replaced = true;
}

HANDLE(vcpu)
{
	struct kvs_vcpu *v;

	note_next_of_number(m, rec);
	if (rec->vcpu.features & KS_FEATURE_NEW && !note_birth(m, rec))
		return;
	/* Its VM is destroyed, by whatever thread. */
	if (rec->vcpu.features & KS_FEATURE_GONE) {
		v = OTHER(vcpu);
		if (!v)
			return;
		kvs_vcpu_identity(m, v, rec);
		kvs_vcpu_end(m, v, rec->ts);
		v->gone = true;
		return;
	}
	v = OWN(vcpu);
	if (!v)
		return;
	note_first_look(m, v, rec);
	kvs_vcpu_identity(m, v, rec);
	if (v->first_ts == rec->ts)
		look_for_former_self(m, v);
}

HANDLE(load)
{
	struct kvs_vcpu *v = OWN(load);

	if (!v)
		return;
	kvs_vcpu_runs(m, v, rec);
	kvs_vcpu_load(m, v, rec);
	note_first_run(m, v, rec->ts);
	kvs_ledger_load(&v->ledger, rec->ts);
}

HANDLE(put)
{
	struct kvs_vcpu *v = OWN(put);

	if (!v)
		return;
	kvs_vcpu_runs(m, v, rec);
	kvs_vcpu_put(m, v, rec);
	kvs_ledger_put(&v->ledger, rec->ts);
}

HANDLE(switch_out)
{
	struct kvs_vcpu *v = OWN(switch_out);

	if (!v)
		return;
	kvs_vcpu_switch_out(m, v, rec);
	if (!v->ended)
		kvs_waits_switch_out(m, v, rec);
}

HANDLE(switch_in)
{
	struct kvs_vcpu *v = OWN(switch_in);

	if (!v)
		return;
	kvs_vcpu_switch_in(m, v, rec);
	kvs_waits_switch_in(m, v, rec);
}

HANDLE(policy)
{
	struct kvs_vcpu *v = OWN(policy);

	if (v)
		kvs_vcpu_policy(v, rec);
}

HANDLE(exit)
{
	struct kvs_vcpu *v = OWN(exit);

	if (!v)
		return;
	kvs_vcpu_runs(m, v, rec);
	kvs_vcpu_exit(m, v, rec);
	kvs_irq_exit(m, v, rec);
	kvs_waits_exit(m, v, rec);
}

HANDLE(entry)
{
	struct kvs_vcpu *v = OWN(entry);

	if (!v)
		return;
	kvs_vcpu_runs(m, v, rec);
	kvs_vcpu_entry(m, v, rec);
	kvs_irq_entry(v, rec);
	kvs_ledger_entry(&v->ledger, rec->ts);
	kvs_waits_ran(m, v, rec->cpu);
}

HANDLE(irq_accept)
{
	struct kvs_vcpu *v = OTHER(irq_accept);

	if (v)
		kvs_irq_accept(m, v, rec);
}

HANDLE(irq_posted)
{
	struct kvs_vcpu *v = OTHER(irq_posted);

	if (v)
		kvs_irq_posted(m, v, rec);
}

HANDLE(irq_inject)
{
	struct kvs_vcpu *v = OTHER(irq_inject);

	if (v)
		kvs_irq_inject(m, v, rec);
}

HANDLE(irq_eoi)
{
	struct kvs_vcpu *v = OTHER(irq_eoi);

	if (v)
		kvs_irq_eoi(m, v, rec);
}

HANDLE(ipi)
{
	struct kvs_vcpu *v = OWN(ipi);

	if (v)
		kvs_irq_ipi(v, rec);
}

HANDLE(irqfd)
{
	kvs_sender_signal(m, rec);
}

HANDLE(host_irq)
{
	struct kvs_vcpu *v = NULL;

	kvs_waits_host_irq(m, rec);
	if (rec->host_irq.vm) {
		v = vcpu_get(m, rec->host_irq.vm, rec->host_irq.vcpu);
		if (!v)
			return;
	}
	kvs_host_irq_record(m, v, rec);
}

HANDLE(timer_arm)
{
	struct kvs_vcpu *v = OTHER(timer_arm);

	if (v)
		kvs_timer_arm(m, v, rec);
}

HANDLE(timer_expire)
{
	struct kvs_vcpu *v = OTHER(timer_expire);

	if (v)
		kvs_timer_expire(m, v, rec);
}

HANDLE(stimer)
{
	struct kvs_vcpu *v = OTHER(stimer);

	if (v)
		kvs_stimer_record(m, v, rec);
}

HANDLE(clockevent)
{
	struct kvs_vcpu *v = OTHER(clockevent);

	if (!v)
		return;
	v->last_cpu = rec->cpu;
	kvs_host_clockevent(v, rec);
}

HANDLE(halt)
{
	struct kvs_vcpu *v = OWN(halt);

	if (!v)
		return;
	kvs_vcpu_runs(m, v, rec);
	kvs_vcpu_halt(m, v, rec);
	kvs_waits_halt(m, v, rec);
}

HANDLE(wake)
{
	struct kvs_vcpu *v = vcpu_get(m, rec->wake.vm, rec->wake.vcpu);

	if (v)
		kvs_waits_wake(m, v, rec);
}

HANDLE(migrate)
{
	struct kvs_vcpu *v = vcpu_get(m, rec->migrate.vm, rec->migrate.vcpu);

	if (v)
		kvs_waits_migrate(m, v, rec);
}

HANDLE(holder)
{
	kvs_waits_holder(m, rec);
}

HANDLE(allowed)
{
	struct kvs_vcpu *v = vcpu_get(m, rec->allowed.vm, rec->allowed.vcpu);

	if (v)
		kvs_waits_allowed(m, v, rec);
}

HANDLE(idle)
{
	kvs_waits_idle(m, rec);
}

HANDLE(ledger)
{
	struct kvs_vcpu *v = vcpu_get(m, rec->ledger.vm, rec->ledger.vcpu);

	if (!v)
		return;
	kvs_kernel_ledger(v, rec);
	/* No thread has it any more, and no record will come of it. */
	if (v->state == KVS_STATE_UNKNOWN && !v->ended)
		kvs_vcpu_leave(m, v, rec->ts);
}

HANDLE(host_switch)
{
	kvs_host_switch(m, rec);
}

HANDLE(cgroup)
{
	kvs_waits_cgroup(m, rec);
}

HANDLE(throttle)
{
	kvs_waits_throttle(m, rec);
}

HANDLE(quota)
{
	kvs_waits_quota(m, rec);
}

HANDLE(bpf_scheduler)
{
	kvs_bpf_sched_told(&m->bpf_scheds, rec);
}

static void (*const handlers[KS_NR_EVENTS])(struct kvs_model *, const struct kvs_record *) = {
#define KS_RECORD(record, ...) [KS_EV_##record] = handle_##record,
#include "uapi/record_list.h"
};

void kvs_model_record(void *ctx, const struct kvs_record *rec)
{
	struct kvs_model *m = ctx;

	if (m->counting.excerpt.on)
		kvs_excerpt_pass(m, rec->ts);
	m->records[rec->event]++;
	if (!m->first_ts || rec->ts < m->first_ts)
		m->first_ts = rec->ts;
	if (rec->ts > m->last_ts)
		m->last_ts = rec->ts;
	handlers[rec->event](m, rec);
}

void kvs_model_cut(struct kvs_model *m, u64 ts)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		kvs_vcpu_cut(m, m->vcpus[i], ts);
	m->sinks.cut_ts = ts;
}

int kvs_vcpu_order(const struct kvs_vcpu *a, const struct kvs_vcpu *b)
{
	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	if (a->vm != b->vm)
		return a->vm < b->vm ? -1 : 1;
	return (int)a->id - (int)b->id;
}

static int vcpu_order(const void *left, const void *right)
{
	return kvs_vcpu_order(*(const struct kvs_vcpu *const *)left,
			      *(const struct kvs_vcpu *const *)right);
}

/* The module numbers VMs in the order of first sight, over all processes. */
static void count_vms(struct kvs_model *m)
{
	for (unsigned int i = 1; i < m->nr_vcpus; i++) {
		const struct kvs_vcpu *before = m->vcpus[i - 1];
		struct kvs_vcpu *v = m->vcpus[i];

		if (v->tgid == before->tgid)
			v->vm_index = before->vm_index + (v->vm != before->vm);
	}
}

void kvs_model_finish(struct kvs_model *m)
{
	u64 end = m->stopped ? m->stop_ts : m->last_ts;

	kvs_session_finish(m);
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		if (m->vcpus[i]->ended)
			continue;
		kvs_timer_watch(m, m->vcpus[i], end, false);
		kvs_vcpu_leave(m, m->vcpus[i], end);
	}
	if (m->nr_vcpus)
		qsort(m->vcpus, m->nr_vcpus, sizeof(*m->vcpus), vcpu_order);
	count_vms(m);
	if (m->counting.excerpt.on)
		kvs_excerpt_finish(m);
}

const struct kvs_vcpu *kvs_vcpu_of_thread(const struct kvs_model *m, s32 tid)
{
	return tid > 0 ? kvs_table_get(&m->threads, (u32)tid) : NULL;
}
