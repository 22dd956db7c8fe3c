// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which vCPUs, CPUs and tasks have a lane.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "picture/lanes.h"

void kvs_lanes_free(struct kvs_lanes *lanes)
{
	free(lanes->of_index);
}

static unsigned int hue_of(struct kvs_lanes *lanes, u16 vm)
{
	for (unsigned int i = 0; i < lanes->nr_vcpus; i++)
		if (lanes->vcpus[i].vm == vm)
			return lanes->vcpus[i].hue;
	return lanes->nr_vms++ % KVS_RUNS_HUES;
}

static bool uses_timer(const struct kvs_timer_stats *t)
{
	u64 armed = t->found + t->by_vmm + t->expired;

	for (unsigned int mode = 0; mode < KVS_TIMER_MODES; mode++)
		armed += t->armed[mode];
	return armed;
}

static bool has_irqs(const struct kvs_vcpu *v)
{
	for (unsigned int vector = 0; vector < KVS_VECTORS; vector++)
		if (v->vector[vector] && v->vector[vector]->injected)
			return true;
	return false;
}

bool kvs_lanes_want(struct kvs_lanes *lanes, const struct kvs_vcpu *v)
{
	unsigned int nr = lanes->nr_vcpus;

	if (nr == KVS_LANES)
		return false;
	if (v->index >= lanes->nr_indices) {
		lanes->of_index = xrealloc(lanes->of_index,
					   (v->index + 1) * sizeof(*lanes->of_index));
		while (lanes->nr_indices <= v->index)
			lanes->of_index[lanes->nr_indices++] = -1;
	}
	lanes->vcpus[nr].vm = v->vm;
	lanes->vcpus[nr].index = v->index;
	lanes->vcpus[nr].hue = hue_of(lanes, v->vm);
	lanes->vcpus[nr].tgid = v->identified ? v->tgid : 0;
	lanes->vcpus[nr].timer = uses_timer(&v->timer);
	lanes->vcpus[nr].irqs = has_irqs(v);
	lanes->of_index[v->index] = nr;
	lanes->nr_vcpus++;
	return true;
}

/* Ran @a longer than @b?  By their numbers, if they ran as long */
static bool is_before(const struct kvs_task *a, const struct kvs_task *b)
{
	return !b || a->slice_ts.sum > b->slice_ts.sum ||
	       (a->slice_ts.sum == b->slice_ts.sum && a->pid < b->pid);
}

void kvs_lanes_want_tasks(struct kvs_lanes *lanes, const struct kvs_model *m)
{
	while (lanes->nr_tasks < KVS_TASK_LANES) {
		const struct kvs_task *best = NULL;

		for (unsigned int i = 0; i < m->nr_tasks; i++) {
			const struct kvs_task *t = m->tasks[i];

			if (!t->is_vcpu && t->pid > 0 && t->slice_ts.sum && is_before(t, best) &&
			    kvs_lanes_task(lanes, t) < 0)
				best = t;
		}
		if (!best)
			return;
		lanes->tasks[lanes->nr_tasks].pid = best->pid;
		memcpy(lanes->tasks[lanes->nr_tasks++].comm, best->comm, KVS_COMM_LEN);
	}
}

int kvs_lanes_task(const struct kvs_lanes *lanes, const struct kvs_task *task)
{
	for (unsigned int i = 0; i < lanes->nr_tasks; i++)
		if (lanes->tasks[i].pid == task->pid)
			return i;
	return -1;
}

int kvs_lanes_cpu(struct kvs_lanes *lanes, unsigned int cpu)
{
	for (unsigned int i = 0; i < lanes->nr_cpus; i++)
		if (lanes->cpus[i] == cpu)
			return i;
	if (lanes->nr_cpus == KVS_LANES) {
		lanes->cpus_left_out = true;
		return -1;
	}
	lanes->cpus[lanes->nr_cpus] = cpu;
	return lanes->nr_cpus++;
}

static bool is_of_vmm(const struct kvs_lanes *lanes, const struct kvs_task *task)
{
	for (unsigned int i = 0; task->tgid && i < lanes->nr_vcpus; i++)
		if (lanes->vcpus[i].tgid == task->tgid)
			return true;
	return false;
}

int kvs_lanes_runs(const struct kvs_lanes *lanes, const struct kvs_span *span)
{
	int lane = kvs_lanes_vcpu(lanes, span->vcpu);

	if (span->kind == KVS_SPAN_SLICE ? !span->slice.since : span->task->is_vcpu)
		return -1;
	if (span->gap)
		return KVS_RUNS_UNKNOWN;
	if (span->kind == KVS_SPAN_TASK)
		return is_of_vmm(lanes, span->task) ? KVS_RUNS_VMM : KVS_RUNS_TASK;
	return lane < 0 ? KVS_RUNS_OTHER_VCPU : (int)lanes->vcpus[lane].hue;
}
