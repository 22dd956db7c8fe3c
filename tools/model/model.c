// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model: sessions, losses, and whose each record is.
 */
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"

/*
 * A vCPU costs a few kB.  No host has so many; a damaged file may seem to.
 */
#define MAX_VCPUS	4096
#define MAX_HOOKS	1024

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
	kvs_host_free(m);
	kvs_queues_free(&m->queues);
	kvs_worst_free(&m->worst);
	free(m->cpu_loss);
	free(m->missed);
	free(m->hooks);
}

static u64 vcpu_key(u16 vm, u16 id)
{
	return (u64)vm << 16 | id;
}

/* NULL for a vCPU that the module didn't know, and once there are too many. */
static struct kvs_vcpu *vcpu_get(struct kvs_model *m, u16 vm, u16 id)
{
	struct kvs_vcpu *v = kvs_table_get(&m->vcpu_table, vcpu_key(vm, id));

	if (v)
		return v;
	if (!vm || id == KS_NO_VCPU || m->nr_vcpus == MAX_VCPUS) {
		m->unattributed++;
		return NULL;
	}
	v = kvs_vcpu_create(vm, id);
	kvs_ledger_begin(&v->ledger, m->started ? m->start_ts : m->first_ts);
	m->vcpus = xrealloc(m->vcpus, (m->nr_vcpus + 1) * sizeof(*m->vcpus));
	m->vcpus[m->nr_vcpus++] = v;
	kvs_table_put(&m->vcpu_table, vcpu_key(vm, id), v);
	return v;
}

/*
 * Records that the vCPU's own thread writes tell which thread that is; the
 * others come from whoever sent an interrupt, or out of one.
 */
static bool by_own_thread(u16 event)
{
	switch (event) {
	case KS_EV_vcpu:
	case KS_EV_load:
	case KS_EV_put:
	case KS_EV_switch_out:
	case KS_EV_switch_in:
	case KS_EV_policy:
	case KS_EV_exit:
	case KS_EV_entry:
	case KS_EV_halt:
		return true;
	}
	return false;
}

/* The thread that carries @v, from now on. */
static void note_thread(struct kvs_model *m, struct kvs_vcpu *v,
			const struct kvs_record *rec)
{
	s32 tid = rec->ent.pid;
	struct kvs_vcpu *before;

	if (v->tid == tid && v->state != KVS_STATE_UNKNOWN)
		return;
	before = kvs_table_get(&m->threads, (u32)tid);
	if (before && before != v && before->tid == tid) {
		if (before->state == KVS_STATE_ON_CPU)
			v->shared_slice = true;
		kvs_vcpu_leave(m, before, rec->ts);
	}
	if (v->tid != tid) {
		/* What it was doing, it did in another thread. */
		kvs_vcpu_leave(m, v, rec->ts);
		v->threads++;
		v->tid = tid;
	}
	kvs_table_put(&m->threads, (u32)tid, v);
}

static void vcpu_record(struct kvs_model *m, u16 vm, u16 id,
			const struct kvs_record *rec)
{
	struct kvs_vcpu *v = vcpu_get(m, vm, id);

	if (!v)
		return;
	if (!v->first_ts)
		v->first_ts = rec->ts;
	if (by_own_thread(rec->event))
		note_thread(m, v, rec);
	kvs_vcpu_record(m, v, rec);
}

static void session_record(struct kvs_model *m, const struct kvs_record *rec)
{
	if (rec->session.op == KS_SESSION_STOP) {
		if (!m->stopped || rec->ts > m->stop_ts)
			m->stop_ts = rec->ts;
		m->stopped = true;
		m->has_closing = true;
	} else {
		if (!m->started || rec->ts < m->start_ts)
			m->start_ts = rec->ts;
		m->started = true;
	}
	m->classes |= rec->session.classes;
	m->overwrite |= rec->session.overwrite;
	m->pages = rec->session.pages;
	if (rec->session.tsc_khz)
		kvs_session_clock(m, rec->session.tsc_khz);
}

/* Each CPU may tell all hooks; one that failed to attach stays failed. */
static void attach_record(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_hook hook = {
		.classes = rec->attach.classes,
		.how = rec->attach.how,
		.status = rec->attach.status,
	};

	kvs_copy_comm(hook.name, rec->attach.hook, sizeof(rec->attach.hook));
	for (unsigned int i = 0; i < m->nr_hooks; i++)
		if (!strcmp(m->hooks[i].name, hook.name) &&
		    m->hooks[i].how == hook.how)
			return;
	if (m->nr_hooks == MAX_HOOKS)
		return;
	m->hooks = xrealloc(m->hooks, (m->nr_hooks + 1) * sizeof(*m->hooks));
	m->hooks[m->nr_hooks++] = hook;
}

static const char *const event_names[KS_NR_EVENTS] = {
#define EVENT_NAME(record, FIELDS, ...) [KS_EV_##record] = KVS_EVENT_PREFIX #record,
	KS_RECORDS(EVENT_NAME)
};

static struct kvs_cpu_loss *cpu_loss(struct kvs_model *m, unsigned int cpu)
{
	if (cpu >= m->nr_cpu_loss) {
		m->cpu_loss = xrealloc(m->cpu_loss, (cpu + 1) * sizeof(*m->cpu_loss));
		memset(m->cpu_loss + m->nr_cpu_loss, 0,
		       (cpu + 1 - m->nr_cpu_loss) * sizeof(*m->cpu_loss));
		m->nr_cpu_loss = cpu + 1;
	}
	return &m->cpu_loss[cpu];
}

/* Each CPU may tell of the same hook: the numbers are the kernel's, of all. */
static void missed_hits(struct kvs_model *m, const char *hook, u64 count)
{
	struct kvs_missed *h;

	for (h = m->missed; h < m->missed + m->nr_missed; h++)
		if (!strcmp(h->hook, hook))
			break;
	if (h == m->missed + m->nr_missed) {
		if (m->nr_missed == MAX_HOOKS)
			return;
		m->missed = xrealloc(m->missed, (m->nr_missed + 1) * sizeof(*h));
		h = &m->missed[m->nr_missed++];
		*h = (struct kvs_missed){ 0 };
		kvs_copy_comm(h->hook, hook, sizeof(h->hook) - 1);
	}
	h->count += count;
}

static void lost_record(struct kvs_model *m, const struct kvs_record *rec)
{
	char name[sizeof(rec->lost.name) + 1];
	unsigned int event;

	kvs_copy_comm(name, rec->lost.name, sizeof(rec->lost.name));
	for (event = 0; event < KS_NR_EVENTS; event++)
		if (!strcmp(name, event_names[event]) ||
		    !strcmp(name, event_names[event] + strlen(KVS_EVENT_PREFIX)))
			break;
	/* Not of an event: records that made room for others, hits of a kprobe */
	if (event == KS_NR_EVENTS && !rec->lost.event) {
		if (!strcmp(name, "overwritten"))
			m->overwritten += rec->lost.count;
		else
			missed_hits(m, name, rec->lost.count);
		return;
	}
	m->lost_closing[event] += rec->lost.count;
	cpu_loss(m, rec->lost.cpu)->closing += rec->lost.count;
	m->has_closing = true;
}

static void host_irq_record(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_vcpu *v;

	kvs_irq_steals(m, rec);
	if (!rec->host_irq.vm) {
		kvs_host_irq_add(&m->host_irqs, rec);
		return;
	}
	v = vcpu_get(m, rec->host_irq.vm, rec->host_irq.vcpu);
	if (v)
		kvs_host_irq_add(&v->host_irqs, rec);
}

/* Of a vCPU, and told by somebody else */
static void other_record(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_vcpu *v;

	switch (rec->event) {
	case KS_EV_wake:
		v = vcpu_get(m, rec->wake.vm, rec->wake.vcpu);
		if (v)
			kvs_wake_record(m, v, rec);
		break;
	case KS_EV_migrate:
		v = vcpu_get(m, rec->migrate.vm, rec->migrate.vcpu);
		if (v)
			kvs_migrate_record(m, v, rec);
		break;
	case KS_EV_ledger:
		v = vcpu_get(m, rec->ledger.vm, rec->ledger.vcpu);
		if (v)
			kvs_kernel_ledger(v, rec);
		break;
	}
}

void kvs_model_record(void *ctx, const struct kvs_record *rec)
{
	struct kvs_model *m = ctx;

	m->records[rec->event]++;
	if (!m->first_ts || rec->ts < m->first_ts)
		m->first_ts = rec->ts;
	if (rec->ts > m->last_ts)
		m->last_ts = rec->ts;
	switch (rec->event) {
	case KS_EV_session:
		session_record(m, rec);
		break;
	case KS_EV_attach:
		attach_record(m, rec);
		break;
	case KS_EV_lost:
		lost_record(m, rec);
		break;
	case KS_EV_host_switch:
		kvs_host_switch(m, rec);
		break;
	case KS_EV_host_irq:
		host_irq_record(m, rec);
		break;
	/* All others begin with vm and vcpu, each at a place of its own. */
#define OF_VCPU(record)							\
	case KS_EV_##record:						\
		vcpu_record(m, rec->record.vm, rec->record.vcpu, rec);	\
		break;
	OF_VCPU(vcpu)
	OF_VCPU(load)
	OF_VCPU(put)
	OF_VCPU(switch_out)
	OF_VCPU(switch_in)
	OF_VCPU(policy)
	OF_VCPU(exit)
	OF_VCPU(entry)
	OF_VCPU(irq_accept)
	OF_VCPU(irq_inject)
	OF_VCPU(irq_eoi)
	OF_VCPU(timer_arm)
	OF_VCPU(timer_expire)
	OF_VCPU(clockevent)
	OF_VCPU(halt)
	case KS_EV_wake:
	case KS_EV_migrate:
	case KS_EV_ledger:
		other_record(m, rec);
		break;
	case KS_EV_holder:
		kvs_holder_record(m, rec);
		break;
	}
}

void kvs_model_missed(void *ctx, unsigned int cpu, s64 count)
{
	struct kvs_model *m = ctx;

	m->epoch++;
	if (count < 0) {
		m->lost_pages_unknown = true;
		cpu_loss(m, cpu)->untold = true;
	} else {
		m->lost_pages += count;
		cpu_loss(m, cpu)->told += count;
	}
	kvs_cpu_lost(m, cpu);
}

static int vcpu_order(const void *left, const void *right)
{
	const struct kvs_vcpu *a = *(const struct kvs_vcpu *const *)left;
	const struct kvs_vcpu *b = *(const struct kvs_vcpu *const *)right;

	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	if (a->vm != b->vm)
		return a->vm < b->vm ? -1 : 1;
	return (int)a->id - (int)b->id;
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

	/* What was lost behind a CPU's last page, no page could tell. */
	for (unsigned int cpu = 0; cpu < m->nr_cpu_loss; cpu++)
		if (m->cpu_loss[cpu].closing > m->cpu_loss[cpu].told &&
		    !m->cpu_loss[cpu].untold)
			kvs_cpu_lost(m, cpu);
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		kvs_timer_watch(m, m->vcpus[i], end);
		kvs_vcpu_leave(m, m->vcpus[i], end);
	}
	kvs_worst_sort(&m->worst);
	if (m->nr_vcpus)
		qsort(m->vcpus, m->nr_vcpus, sizeof(*m->vcpus), vcpu_order);
	count_vms(m);
}

u64 kvs_model_records(const struct kvs_model *m)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < KS_NR_EVENTS; i++)
		sum += m->records[i];
	return sum;
}

/*
 * The closing records hold all losses of the session, the pages' flags those
 * that were followed by another page; never both.
 */
bool kvs_model_lost(const struct kvs_model *m, u64 *lost)
{
	u64 closing = 0;

	for (unsigned int i = 0; i <= KS_NR_EVENTS; i++)
		closing += m->lost_closing[i];
	if (m->has_closing && closing >= m->lost_pages) {
		*lost = closing;
		return closing || !m->lost_pages_unknown;
	}
	*lost = m->lost_pages;
	return !m->lost_pages_unknown;
}

u64 kvs_model_duration_ts(const struct kvs_model *m)
{
	u64 start = m->started ? m->start_ts : m->first_ts;
	u64 stop = m->stopped ? m->stop_ts : m->last_ts;

	return stop > start ? stop - start : 0;
}

bool kvs_model_has_ledger(const struct kvs_model *m)
{
	return kvs_model_has_class(m, KVMSCHED_CLASS_SWITCH) &&
	       kvs_model_has_class(m, KVMSCHED_CLASS_EXIT);
}

static const u32 event_classes[KS_NR_EVENTS] = {
#define EVENT_CLASS(record, FIELDS, classes) [KS_EV_##record] = classes,
	KS_RECORDS(EVENT_CLASS)
};

bool kvs_model_has_class(const struct kvs_model *m, u32 class)
{
	if (m->classes & class)
		return true;
	/* Enabled events know no session: then a record is the proof. */
	for (unsigned int i = 0; i < KS_NR_EVENTS; i++) {
		/* These come with other classes, too. */
		if (i == KS_EV_vcpu || i == KS_EV_host_irq)
			continue;
		if (m->records[i] && (event_classes[i] & class))
			return true;
	}
	return false;
}

const struct kvs_vcpu *kvs_vcpu_of_thread(const struct kvs_model *m, s32 tid)
{
	return tid > 0 ? kvs_table_get(&m->threads, (u32)tid) : NULL;
}
