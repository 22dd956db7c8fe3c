// SPDX-License-Identifier: GPL-2.0-only
/*
 * What exits for writes of CR3 were for, by the guest's own events; see guest.h.
 *
 * The guest's kernel tells each load of CR3 right after it, so its exit is the last one
 * before.  That is certain only if there is no other one since the load before: entries
 * into the kernel may write CR3 as well, which no event tells.
 */
#include <stdlib.h>

#include "base/util.h"
#include "guest/guest.h"

/* A CPU of the guest, while its events are read */
struct pairing {
	u64 since;		/* the load before, or the CPU's first event */
	bool lossy;		/* the guest lost events since then, and maybe a load */
};

/* Does the host's recording tell all of that time? Otherwise there may be more exits. */
static bool is_told(const struct kvs_guest_line *line, u64 begin, u64 end)
{
	struct kvs_guest_span span = { 0 };

	kvs_line_add(line, begin, end, &span);
	return !span.part[KVS_PART_UNKNOWN];
}

/* It counts where its exit is, as the exit does. */
static void take_load(struct kvs_guest *g, struct pairing *p, const struct kvs_guest_event *load)
{
	const struct kvs_guest_line *line = &g->lines[load->cpu];
	struct kvs_guest_cpu *cpu = &g->cpus[load->cpu];
	bool certain = !p->lossy && kvs_moments_between(&line->cr3, p->since, load->at) == 1 &&
		       is_told(line, p->since, load->at);
	u64 exit = certain ? line->cr3.at[kvs_moments_between(&line->cr3, 0, p->since)] : 0;

	*p = (struct pairing){ .since = load->at };
	if (!certain || !kvs_excerpt_has(&g->excerpt, exit))
		return;
	if (load->flush)
		cpu->cr3_flushes++;
	else
		cpu->cr3_switches++;
}

void kvs_guest_pair(struct kvs_guest *g)
{
	unsigned int cpus = g->joined.side.parts->cpus;
	struct pairing *pairings = xcalloc(cpus, sizeof(*pairings));

	for (unsigned int i = 0; i < cpus; i++)
		pairings[i].since = g->cpus[i].first;
	for (size_t i = 0; i < g->nr_events; i++) {
		const struct kvs_guest_event *e = &g->events[i];

		if (e->kind == KVS_GUEST_LOAD)
			take_load(g, &pairings[e->cpu], e);
		else if (e->kind == KVS_GUEST_LOSS)
			pairings[e->cpu].lossy = true;
	}
	free(pairings);
}

u64 kvs_guest_unpaired(const struct kvs_guest_cpu *cpu)
{
	u64 paired = cpu->cr3_switches + cpu->cr3_flushes;

	/* Only in a damaged file are there loads after a CPU's last event. */
	return paired < cpu->cr3 ? cpu->cr3 - paired : 0;
}
