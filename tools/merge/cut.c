// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a merge writes, if not all: guests of a VM, the CPU that is a vCPU, a part of the time.
 * Files are cut between pages, since a page is the kernel's own, and stays as it was.
 */
#include <stdlib.h>

#include "base/log.h"
#include "merge/merge.h"

bool kvs_cut_guests(struct kvs_merged *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_guests; i++) {
		if (kvs_joined_selected(&m->guests[i].joined, &m->select)) {
			m->guests[nr++] = m->guests[i];
		} else {
			kvs_joined_free(&m->guests[i].joined);
			free(m->guests[i].file);
		}
	}
	m->nr_guests = nr;
	if (!nr)
		kvs_joined_none_selected(&m->select);
	return nr;
}

/* Of a CPU without events there is nothing to cut. */
static bool cut_cpu(const struct kvs_merged *m, struct kvs_joined *g, unsigned int cpu)
{
	const struct kvs_excerpt *w = &m->excerpt;
	const struct kvs_host_vcpu *v = g->cpus[cpu].vcpu;

	if (m->select.vcpu >= 0 && !kvs_joined_cpu_selected(g, cpu, &m->select)) {
		g->side.parts->ranges[cpu].size = 0;
		return true;
	}
	if (!w->on || !v)
		return true;
	return kvs_parts_cut(g->side.parts, cpu, w->from ? kvs_guest_time(v, w->from) : 0,
			     w->to == UINT64_MAX ? UINT64_MAX : kvs_guest_time(v, w->to));
}

static bool has_events(const struct kvs_merged *m, const struct kvs_joined *g, unsigned int cpu)
{
	const struct kvs_times_of_cpu *times = &g->side.cpus[cpu];

	if (!kvs_joined_cpu_selected(g, cpu, &m->select))
		return false;
	for (size_t i = 0; i < times->nr; i++)
		if (kvs_excerpt_has(&m->excerpt, kvs_host_time(g->cpus[cpu].vcpu, times->at[i]).at))
			return true;
	return false;
}

static bool cut_guest(const struct kvs_merged *m, struct kvs_joined *g)
{
	bool any = false;

	for (unsigned int cpu = 0; cpu < g->side.parts->cpus; cpu++) {
		any |= has_events(m, g, cpu);
		if (!cut_cpu(m, g, cpu))
			return false;
	}
	if (any)
		return true;
	kvs_err("%s: nothing of it is between --from and --to", g->side.path);
	kvs_hint("both are counted from when the host's recording began; say others, or leave this guest out");
	return false;
}

bool kvs_cut_pages(struct kvs_merged *m, struct kvs_parts *host)
{
	const struct kvs_excerpt *w = &m->excerpt;

	for (unsigned int cpu = 0; w->on && cpu < host->cpus; cpu++)
		if (!kvs_parts_cut(host, cpu, w->from, w->to))
			return false;
	for (size_t i = 0; i < m->nr_guests; i++)
		if (!cut_guest(m, &m->guests[i].joined))
			return false;
	return true;
}
