// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which vCPUs and CPUs have a lane.
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

bool kvs_lanes_want(struct kvs_lanes *lanes, const struct kvs_vcpu *v)
{
	unsigned int nr = lanes->nr_vcpus;

	if (nr == KVS_LANES)
		return false;
	if (v->index >= lanes->nr_indices) {
		lanes->of_index = xrealloc(lanes->of_index, v->index + 1);
		memset(lanes->of_index + lanes->nr_indices, -1,
		       v->index + 1 - lanes->nr_indices);
		lanes->nr_indices = v->index + 1;
	}
	lanes->vcpus[nr].vm = v->vm;
	lanes->vcpus[nr].index = v->index;
	lanes->vcpus[nr].hue = hue_of(lanes, v->vm);
	lanes->of_index[v->index] = nr;
	lanes->nr_vcpus++;
	return true;
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

int kvs_lanes_runs(const struct kvs_lanes *lanes, const struct kvs_span *span)
{
	int lane = kvs_lanes_vcpu(lanes, span->vcpu);

	if (span->kind == KVS_SPAN_SLICE ? !span->slice.since : span->task->is_vcpu)
		return -1;
	if (span->gap)
		return KVS_RUNS_UNKNOWN;
	if (span->kind == KVS_SPAN_TASK)
		return KVS_RUNS_TASK;
	return lane < 0 ? KVS_RUNS_OTHER_VCPU : (int)lanes->vcpus[lane].hue;
}
