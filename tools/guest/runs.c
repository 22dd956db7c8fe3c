// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a guest's task really ran: its guest gave it the vCPU, and the host gave the vCPU a
 * CPU.  All other time in which it was runnable it waited, whoever was the reason; but for
 * time of which the host's recording does not tell what the vCPU did.
 *
 * A CPU of the guest is idle while its idle task has it, whatever the host does meanwhile: a
 * vCPU that waits for a CPU keeps nobody in the guest waiting then.
 */
#include <stdlib.h>

#include "base/util.h"
#include "guest/guest.h"
#include "model/clock.h"

struct state {
	bool on_cpu, waiting;
	u64 since;		/* when it began to wait */
};

struct run_cpu {
	s64 current;		/* task; -1: not known */
	u64 since;
	struct kvs_stretches off;	/* the vCPU did not run */
	struct kvs_stretches told;	/* the host's recording tells what it did */
};

struct runs {
	const struct kvs_guest *g;
	kvs_guest_run_fn take;
	void *ctx;
	struct state *tasks;
	struct run_cpu *cpus;
};

static void add_part(struct kvs_stretches *to, const struct kvs_guest_line *line,
		     enum kvs_guest_part part)
{
	const struct kvs_stretches *s = &line->part[part];

	for (size_t i = 0; i < s->nr; i++)
		kvs_stretches_add(to, s->at[i].begin, s->at[i].end);
}

/* The host let the vCPU wait, or stopped it: neither is the guest's doing. */
static void find_off(struct kvs_stretches *off, const struct kvs_guest_line *line)
{
	add_part(off, line, KVS_PART_WAIT);
	add_part(off, line, KVS_PART_ASLEEP);
	kvs_stretches_sort(off);
}

/* Of all other time nobody knows whether the vCPU ran. */
static void find_told(struct kvs_stretches *told, const struct kvs_guest_line *line)
{
	for (unsigned int part = 0; part < KVS_PART_UNKNOWN; part++)
		add_part(told, line, part);
	kvs_stretches_sort(told);
}

/* A wait that did not end is of no CPU, and so of no vCPU that is selected. */
static void hand_over(struct runs *r, const struct kvs_guest_run *run)
{
	bool selected = run->cpu < 0 ? r->g->select->vcpu < 0 : kvs_guest_has_cpu(r->g, run->cpu);

	if (run->begin < run->end && selected)
		r->take(r->ctx, run);
}

/* Its task ran from @begin to @end, as far as that is told. */
static void hand_ran(struct runs *r, const struct run_cpu *cpu, u64 begin, u64 end, bool open)
{
	const struct kvs_stretches *told = &cpu->told;
	size_t i = kvs_stretches_before(told, begin);

	/* The last one that begins before may still go on. */
	for (i -= i > 0; i < told->nr && told->at[i].begin < end; i++) {
		u64 from = told->at[i].begin > begin ? told->at[i].begin : begin;
		u64 to = told->at[i].end < end ? told->at[i].end : end;

		hand_over(r, &(struct kvs_guest_run){
			.what = KVS_GUEST_RAN, .task = cpu->current, .cpu = cpu - r->cpus,
			.begin = from, .end = to, .open = open && to == end,
		});
	}
}

static void begin_to_wait(struct runs *r, u32 task, u64 at)
{
	struct state *s = &r->tasks[task];

	if (s->waiting)
		return;
	s->waiting = true;
	s->since = at;
}

/* @cpu: where it got its turn; NULL: the trace ends before */
static void end_wait(struct runs *r, u32 task, u64 at, const struct run_cpu *cpu)
{
	struct state *s = &r->tasks[task];

	if (s->waiting)
		hand_over(r, &(struct kvs_guest_run){
			.what = KVS_GUEST_WAITED, .task = task, .cpu = cpu ? cpu - r->cpus : -1,
			.begin = s->since, .end = at, .open = !cpu,
		});
	s->waiting = false;
}

/* From @cpu->since to @end the guest believed that its task ran. */
static void divide_slice(struct runs *r, const struct run_cpu *cpu, u64 end, bool open)
{
	const struct kvs_stretches *off = &cpu->off;
	u32 task = cpu->current;
	u64 at = cpu->since;
	size_t i = kvs_stretches_before(off, at);

	/* The last one that begins before may still go on. */
	for (i -= i > 0; i < off->nr && off->at[i].begin < end; i++) {
		const struct kvs_stretch *s = &off->at[i];

		if (s->end <= at)
			continue;
		if (s->begin > at) {
			end_wait(r, task, at, cpu);
			hand_ran(r, cpu, at, s->begin, false);
			at = s->begin;
		}
		begin_to_wait(r, task, at);
		at = s->end;
	}
	if (at < end) {
		end_wait(r, task, at, cpu);
		hand_ran(r, cpu, at, end, open);
	}
}

/* What had the CPU until @end */
static void end_slice(struct runs *r, const struct run_cpu *cpu, u64 end, bool open)
{
	if (r->g->tasks[cpu->current].cpu < 0)
		divide_slice(r, cpu, end, open);
	else
		hand_over(r, &(struct kvs_guest_run){
			.what = KVS_GUEST_IDLE, .task = cpu->current, .cpu = cpu - r->cpus,
			.begin = cpu->since, .end = end, .open = open,
		});
}

static void take_switch(struct runs *r, const struct kvs_guest_event *e)
{
	struct run_cpu *cpu = &r->cpus[e->cpu];

	if (cpu->current == (s64)e->task)
		end_slice(r, cpu, e->at, false);
	r->tasks[e->task].on_cpu = false;
	if (e->runnable && r->g->tasks[e->task].cpu < 0)
		begin_to_wait(r, e->task, e->at);
	else
		r->tasks[e->task].waiting = false;
	r->tasks[e->next].on_cpu = true;
	cpu->current = e->next;
	cpu->since = e->at;
}

static void take_loss(struct runs *r)
{
	for (unsigned int cpu = 0; cpu < r->g->joined.side.parts->cpus; cpu++)
		r->cpus[cpu].current = -1;
	for (size_t i = 0; i < r->g->nr_tasks; i++)
		r->tasks[i] = (struct state){ 0 };
}

/* A task that writes such a line has the CPU. */
static void take_late(struct runs *r, const struct kvs_guest_event *e, const struct kvs_scale *ns)
{
	s64 task = r->cpus[e->cpu].current;
	const struct kvs_scale cycles = kvs_scale_inverse(ns);
	u64 late = kvs_scale(&cycles, e->ran_ns);

	if (task >= 0 && r->g->tasks[task].cpu < 0 && late < e->at)
		hand_over(r, &(struct kvs_guest_run){
			.what = KVS_GUEST_LATE, .task = task, .cpu = e->cpu,
			.begin = e->at - late, .end = e->at,
		});
}

static void take_event(struct runs *r, const struct kvs_guest_event *e, const struct kvs_scale *ns)
{
	switch (e->kind) {
	case KVS_GUEST_SWITCH:
		take_switch(r, e);
		break;
	case KVS_GUEST_WAKING:
		if (!r->tasks[e->task].on_cpu)
			begin_to_wait(r, e->task, e->at);
		break;
	case KVS_GUEST_TOLD_LATE:
		take_late(r, e, ns);
		break;
	case KVS_GUEST_LOSS:
		take_loss(r);
		break;
	case KVS_GUEST_MARK:
	case KVS_GUEST_LOAD:
		break;
	}
}

void kvs_guest_runs(const struct kvs_guest *g, const struct kvs_scale *ns, kvs_guest_run_fn take,
		    void *ctx)
{
	unsigned int cpus = g->joined.side.parts->cpus;
	struct runs r = {
		.g = g, .take = take, .ctx = ctx,
		.tasks = xcalloc(g->nr_tasks + 1, sizeof(*r.tasks)),
		.cpus = xcalloc(cpus, sizeof(*r.cpus)),
	};
	u64 last = 0;

	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		r.cpus[cpu].current = -1;
		find_off(&r.cpus[cpu].off, &g->lines[cpu]);
		find_told(&r.cpus[cpu].told, &g->lines[cpu]);
		if (g->cpus[cpu].last > last)
			last = g->cpus[cpu].last;
	}
	for (size_t i = 0; i < g->nr_events; i++)
		take_event(&r, &g->events[i], ns);
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		if (r.cpus[cpu].current >= 0)
			end_slice(&r, &r.cpus[cpu], last, true);
		kvs_stretches_free(&r.cpus[cpu].off);
		kvs_stretches_free(&r.cpus[cpu].told);
	}
	for (size_t i = 0; i < g->nr_tasks; i++)
		end_wait(&r, i, last, NULL);
	free(r.tasks);
	free(r.cpus);
}
