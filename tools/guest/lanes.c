// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which tasks of guests a picture shows.  What it does not show has no say in that: a task
 * that ran long at another time would take the lane of one that ran then.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "guest/guest.h"

/* A task, and what of the drawn time it ran and waited */
struct part {
	u32 task;
	s32 pid;
	u64 time[KVS_GUEST_TASK_KINDS];
};

struct choice {
	struct kvs_excerpt drawn;
	struct part *parts;	/* [task], until they are sorted */
	int *lanes;		/* [task]; -1: none */
	kvs_guest_lane_fn take;
	void *ctx;
};

/* Enum kvs_guest_task_does; -1: nothing that is drawn */
static int does_of(const struct kvs_guest_run *run)
{
	if (run->what == KVS_GUEST_RAN)
		return KVS_GUEST_TASK_RUNS;
	return run->what == KVS_GUEST_WAITED ? KVS_GUEST_TASK_WAITS : -1;
}

static void sum_run(void *ctx, const struct kvs_guest_run *run)
{
	struct choice *c = ctx;
	int does = does_of(run);

	if (does >= 0)
		c->parts[run->task].time[does] += kvs_excerpt_part(&c->drawn, run->begin, run->end);
}

static void hand_over(void *ctx, const struct kvs_guest_run *run)
{
	const struct choice *c = ctx;
	int does = does_of(run);

	if (does >= 0 && c->lanes[run->task] >= 0)
		c->take(c->ctx, c->lanes[run->task], does, run->begin, run->end);
}

/* Those that ran longest come first; of those that did not run, those that waited longest. */
static int by_time(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	for (unsigned int does = 0; does < KVS_GUEST_TASK_KINDS; does++)
		if (x->time[does] != y->time[does])
			return x->time[does] > y->time[does] ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* False: there is no room. */
static bool want_task(struct kvs_lanes *lanes, const struct kvs_guest *g, u32 task)
{
	const struct kvs_guest_task *t = &g->tasks[task];
	unsigned int nr = lanes->nr_guests;

	if (nr == KVS_GUEST_LANES)
		return false;
	kvs_host_vm_label(lanes->guests[nr].vm, kvs_joined_vcpu(&g->joined));
	memcpy(lanes->guests[nr].comm, t->comm, sizeof(t->comm));
	lanes->guests[nr].pid = t->pid;
	lanes->nr_guests++;
	return true;
}

static void choose(struct choice *c, const struct kvs_guest *g, struct kvs_lanes *lanes)
{
	unsigned int nr = 0;

	qsort(c->parts, g->nr_tasks, sizeof(*c->parts), by_time);
	for (size_t i = 0; i < g->nr_tasks; i++) {
		const struct part *part = &c->parts[i];

		c->lanes[part->task] = -1;
		if (!part->time[KVS_GUEST_TASK_RUNS] && !part->time[KVS_GUEST_TASK_WAITS])
			continue;
		if (nr < KVS_TASK_LANES && want_task(lanes, g, part->task)) {
			c->lanes[part->task] = lanes->nr_guests - 1;
			nr++;
		} else {
			lanes->guests_left_out++;
		}
	}
}

void kvs_guest_lanes(const struct kvs_guest_set *set, u64 from, u64 to, struct kvs_lanes *lanes,
		     kvs_guest_lane_fn take, void *ctx)
{
	for (size_t i = 0; i < set->nr; i++) {
		const struct kvs_guest *g = &set->guests[i];
		struct choice c = {
			.drawn = { .on = true, .from = from, .to = to }, .take = take, .ctx = ctx,
			.parts = xcalloc(g->nr_tasks + 1, sizeof(*c.parts)),
			.lanes = xcalloc(g->nr_tasks + 1, sizeof(*c.lanes)),
		};

		for (size_t task = 0; task < g->nr_tasks; task++) {
			c.parts[task].task = task;
			c.parts[task].pid = g->tasks[task].pid;
		}
		kvs_guest_runs(g, &set->host.ns, sum_run, &c);
		choose(&c, g, lanes);
		kvs_guest_runs(g, &set->host.ns, hand_over, &c);
		free(c.parts);
		free(c.lanes);
	}
}
