// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a guest's own trace; see guestside.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "merge/guestside.h"

static void take_event(void *ctx, const struct kvs_part_record *rec)
{
	struct kvs_times_of_cpu *cpu = ctx;

	if (cpu->nr == cpu->room) {
		cpu->room = cpu->room ? 2 * cpu->room : 1024;
		cpu->at = xrealloc(cpu->at, cpu->room * sizeof(*cpu->at));
	}
	cpu->at[cpu->nr++] = rec->ts;
}

/* Its TSC is the only clock of a guest that the host can tell the time of. */
static bool check_clock(const struct kvs_guest_side *g)
{
	char *clock = kvs_parts_clock(g->parts);
	bool ok = !strcmp(clock, "x86-tsc");

	if (!ok) {
		kvs_err("%s: its clock is '%s', and the host knows nothing of that", g->path, clock);
		kvs_hint("record in the guest with `trace-cmd record -C x86-tsc`");
	}
	free(clock);
	return ok;
}

static bool read_events(struct kvs_guest_side *g)
{
	u64 bad = 0;

	g->cpus = xcalloc(g->parts->cpus, sizeof(*g->cpus));
	for (unsigned int cpu = 0; cpu < g->parts->cpus; cpu++) {
		if (!kvs_parts_records(g->parts, cpu, take_event, &g->cpus[cpu], &bad))
			return false;
		g->events += g->cpus[cpu].nr;
	}
	if (bad)
		kvs_warn("%s: damaged: %" PRIu64 " pages make no sense from some place on",
			 g->path, bad);
	if (!g->events) {
		kvs_err("%s: holds no event", g->path);
		kvs_hint("record events of the guest's kernel, as sched_switch; see kvmsched-merge(1)");
	}
	return g->events;
}

bool kvs_guest_side_read(struct kvs_guest_side *g, const char *file, const char *path)
{
	*g = (struct kvs_guest_side){ .path = path, .parts = kvs_parts_open(file, path) };
	return g->parts && check_clock(g) && read_events(g);
}

void kvs_guest_side_free(struct kvs_guest_side *g)
{
	for (unsigned int cpu = 0; g->cpus && cpu < g->parts->cpus; cpu++)
		free(g->cpus[cpu].at);
	free(g->cpus);
	kvs_parts_close(g->parts);
}
