// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's side: its processes' slices, and the interrupts it serves.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/summary.h"

#define MAX_TASKS	8192	/* a damaged file, or a fork bomb */

static struct kvs_task *task_get(struct kvs_model *m, s32 pid)
{
	struct kvs_task *t = kvs_table_get(&m->task_table, (u32)pid);

	if (t)
		return t;
	if (m->nr_tasks == MAX_TASKS)
		return m->tasks[MAX_TASKS - 1];
	t = xcalloc(1, sizeof(*t));
	t->pid = pid;
	if (m->nr_tasks == MAX_TASKS - 1) {
		t->pid = -1;
		strcpy(t->comm, KVS_OTHERS);
	}
	m->tasks = xrealloc(m->tasks, (m->nr_tasks + 1) * sizeof(*m->tasks));
	m->tasks[m->nr_tasks++] = t;
	kvs_table_put(&m->task_table, (u32)pid, t);
	return t;
}

static void task_describe(struct kvs_task *t, const char *comm, size_t size, s32 tgid,
			  u8 policy, s16 prio, bool is_vcpu)
{
	if (t->pid > 0)
		kvs_copy_comm(t->comm, comm, size);
	t->tgid = tgid;
	t->policy = policy;
	t->prio = prio;
	t->is_vcpu |= is_vcpu;
}

static struct kvs_running *running_on(struct kvs_model *m, unsigned int cpu)
{
	m->running = xgrow(m->running, &m->nr_running, cpu, sizeof(*m->running));
	return &m->running[cpu];
}

static void emit_task(struct kvs_model *m, const struct kvs_record *rec,
		      struct kvs_task *t, unsigned int kind, u64 since)
{
	const struct kvs_span span = {
		.kind = kind, .cpu = rec->cpu, .begin = since, .end = rec->ts,
		.length = rec->ts - since, .task = t,
	};

	if (kvs_span_wanted(&m->sinks, kind))
		kvs_span_emit(&m->sinks, &span);
}

static void task_out(struct kvs_model *m, const struct kvs_record *rec)
{
	const struct kvs_running *r = running_on(m, rec->cpu);
	struct kvs_task *t = task_get(m, rec->host_switch.prev_pid);

	task_describe(t, rec->host_switch.prev_comm,
		      sizeof(rec->host_switch.prev_comm), rec->host_switch.prev_tgid,
		      rec->host_switch.prev_policy, rec->host_switch.prev_prio,
		      rec->host_switch.vcpus & 1);
	if (rec->host_switch.preempted)
		t->preempted++;
	else
		t->blocked++;
	t->waiting = rec->host_switch.preempted;
	/* The slice of before the first record, or of a lost one, has no start. */
	if (r->known && r->pid == rec->host_switch.prev_pid &&
	    r->epoch == m->epoch && rec->ts >= r->since_ts)
		emit_task(m, rec, t, KVS_SPAN_TASK, r->since_ts);
	t->out_ts = rec->ts;
	t->out_epoch = m->epoch;
}

static void task_in(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_task *t = task_get(m, rec->host_switch.next_pid);

	task_describe(t, rec->host_switch.next_comm,
		      sizeof(rec->host_switch.next_comm), rec->host_switch.next_tgid,
		      rec->host_switch.next_policy, rec->host_switch.next_prio,
		      rec->host_switch.vcpus & 2);
	if (t->waiting && t->out_epoch == m->epoch && rec->ts >= t->out_ts)
		emit_task(m, rec, t, KVS_SPAN_TASK_WAIT, t->out_ts);
	t->waiting = false;
}

void kvs_host_switch(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_running *r = running_on(m, rec->cpu);

	/* Idle threads all have pid 0, and nobody asks for their slices. */
	if (rec->host_switch.prev_pid)
		task_out(m, rec);
	if (rec->host_switch.next_pid)
		task_in(m, rec);
	r->pid = rec->host_switch.next_pid;
	r->since_ts = rec->ts;
	r->epoch = m->epoch;
	r->known = true;
}

u64 kvs_host_runs_since(const struct kvs_model *m, const struct kvs_record *rec)
{
	const struct kvs_running *r = rec->cpu < m->nr_running ? &m->running[rec->cpu] : NULL;

	return r && r->known && r->epoch == m->epoch && r->pid == rec->ent.pid ? r->since_ts : 0;
}

void kvs_host_irq_record(struct kvs_model *m, struct kvs_vcpu *v,
			 const struct kvs_record *rec)
{
	u64 ts = kvs_ts_of_cycles(m, rec->host_irq.cycles);
	char name[KVS_COMM_LEN];
	const struct kvs_span span = {
		.kind = KVS_SPAN_HOST_IRQ, .vcpu = v, .cpu = rec->cpu,
		.unit = KVS_SPAN_IN_CYCLES, .length = rec->host_irq.cycles,
		.begin = ts < rec->ts ? rec->ts - ts : rec->ts, .end = rec->ts,
		.host_irq = {
			.kind = rec->host_irq.kind, .irq = rec->host_irq.irq,
			.vector = rec->host_irq.vector, .name = name,
			.ended_guest = rec->host_irq.ended_guest,
		},
	};

	if (!kvs_span_wanted(&m->sinks, KVS_SPAN_HOST_IRQ))
		return;
	kvs_copy_comm(name, rec->host_irq.name, sizeof(rec->host_irq.name));
	kvs_span_emit(&m->sinks, &span);
}

void kvs_host_free(struct kvs_model *m)
{
	for (unsigned int i = 0; i < m->nr_tasks; i++) {
		kvs_hist_free(&m->tasks[i]->slice_ts);
		kvs_hist_free(&m->tasks[i]->preempted_wait_ts);
		free(m->tasks[i]);
	}
	free(m->tasks);
	kvs_table_free(&m->task_table);
	for (unsigned int i = 0; i < m->host_irqs.nr; i++)
		kvs_hist_free(&m->host_irqs.irqs[i].cycles);
	free(m->host_irqs.irqs);
	free(m->running);
}

void kvs_host_clockevent(struct kvs_vcpu *v, const struct kvs_record *rec)
{
	s64 delta = rec->clockevent.delta_ns;
	const struct kvs_span span = {
		.kind = KVS_SPAN_CLOCKEVENT, .vcpu = v, .cpu = rec->cpu,
		.unit = KVS_SPAN_IN_NS, .length = delta > 0 ? delta : 0,
		.begin = rec->ts, .end = rec->ts,
	};

	if (kvs_span_wanted(v->sinks, KVS_SPAN_CLOCKEVENT))
		kvs_span_emit(v->sinks, &span);
}
