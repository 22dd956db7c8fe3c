// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest's tasks did, from its events and the host's lines; see guest.h.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "guest/guest.h"

#define MARK		"kvmsched "	/* begins the lines of trace_marker that are for us */
#define MAX_RT_PRIO	100		/* the kernel's priorities below are real-time */
#define NICE_0_PRIO	120

/* Fields of /proc/PID/stat, counted from the one behind the name, see proc(5) */
#define STAT_NICE	16
#define STAT_RT_PRIO	37
#define STAT_POLICY	38

u32 kvs_guest_task(struct kvs_guest *g, s32 pid, unsigned int cpu)
{
	u64 key = pid ? (u32)pid : 1ULL << 32 | cpu;
	uintptr_t index = (uintptr_t)kvs_table_get(&g->by_pid, key);

	if (index)
		return index - 1;
	g->tasks = xrealloc(g->tasks, (g->nr_tasks + 1) * sizeof(*g->tasks));
	g->tasks[g->nr_tasks] = (struct kvs_guest_task){
		.pid = pid, .cpu = pid ? -1 : (s32)cpu, .policy = -1,
	};
	kvs_table_put(&g->by_pid, key, (void *)(uintptr_t)++g->nr_tasks);
	return g->nr_tasks - 1;
}

static void take_stat(struct kvs_guest_task *t, const char *field)
{
	s32 nice = 0, rt_priority = 0;

	for (unsigned int i = 0; field; i++) {
		if (i == STAT_NICE)
			nice = atoi(field);
		else if (i == STAT_RT_PRIO)
			rt_priority = atoi(field);
		else if (i == STAT_POLICY)
			break;
		field = strchr(field, ' ');
		field += !!field;
	}
	if (!field)
		return;
	t->policy = atoi(field);
	t->nice = nice;
	t->rt_priority = rt_priority;
}

/* What is not set is not there. */
static void take_config(struct kvs_guest *g, const char *text)
{
	const char *hz = strstr(text, " CONFIG_HZ=");

	if (!hz || sscanf(hz, " CONFIG_HZ=%" SCNu64, &g->hz) != 1)
		return;
	g->steal_left_out = strstr(text, " CONFIG_PARAVIRT_TIME_ACCOUNTING=y");
}

/*
 *	kvmsched rr_ms 100
 *	kvmsched config CONFIG_HZ=250 CONFIG_PARAVIRT_TIME_ACCOUNTING=y
 *	kvmsched task <schedstat: ran, waited, slices> <stat: PID (name) S ...>
 *	kvmsched late NS
 */
void kvs_guest_marker(struct kvs_guest *g, struct kvs_guest_event *event, const char *text)
{
	const char *name_end = strrchr(text, ')');
	u64 ran, waited, slices, ms, late;
	s32 pid;

	if (sscanf(text, MARK "rr_ms %" SCNu64, &ms) == 1)
		g->rr_ms = ms;
	if (!strncmp(text, MARK "config ", strlen(MARK "config ")))
		take_config(g, text);
	if (sscanf(text, MARK "late %" SCNu64, &late) == 1) {
		event->kind = KVS_GUEST_TOLD_LATE;
		event->ran_ns = late;
		return;
	}
	if (sscanf(text, MARK "task %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd32 " (", &ran,
		   &waited, &slices, &pid) != 4 || pid <= 0 || !name_end || name_end[1] != ' ')
		return;
	event->task = kvs_guest_task(g, pid, event->cpu);
	event->ran_ns = ran;
	take_stat(&g->tasks[event->task], name_end + 2);
}

const char *kvs_guest_policy(char text[KVS_GUEST_POLICY_LEN], const struct kvs_guest_task *t)
{
	if (t->cpu >= 0)
		snprintf(text, KVS_GUEST_POLICY_LEN, "idle");
	else if (t->policy == SCHED_FIFO || t->policy == SCHED_RR)
		snprintf(text, KVS_GUEST_POLICY_LEN, "%s %d",
			 t->policy == SCHED_RR ? "RR" : "FIFO", t->rt_priority);
	else if (t->policy == SCHED_OTHER || t->policy == SCHED_BATCH)
		snprintf(text, KVS_GUEST_POLICY_LEN, "%s nice %d",
			 t->policy == SCHED_BATCH ? "BATCH" : "OTHER", t->nice);
	else if (t->policy >= 0)
		snprintf(text, KVS_GUEST_POLICY_LEN, "%s", kvs_policy_name(t->policy));
	else if (!t->seen)
		snprintf(text, KVS_GUEST_POLICY_LEN, "unknown");
	else if (t->prio < 0)
		snprintf(text, KVS_GUEST_POLICY_LEN, "DEADLINE");
	else if (t->prio < MAX_RT_PRIO)
		snprintf(text, KVS_GUEST_POLICY_LEN, "RT %d (FIFO or RR not told)",
			 MAX_RT_PRIO - 1 - t->prio);
	else
		snprintf(text, KVS_GUEST_POLICY_LEN, "nice %d (policy not told)",
			 t->prio - NICE_0_PRIO);
	return text;
}

static void forget_quantum(struct kvs_guest_task *t, bool whole)
{
	t->quantum = (struct kvs_guest_span){ 0 };
	t->quantum_whole = whole;
}

/*
 * A quantum is what a real-time task ran until another of its priority had its turn.  What
 * took the CPU meanwhile, with a higher priority, only interrupts it.  After a sleep the
 * kernel goes on with what was left of the one before, so the next that is whole begins
 * after a turn.
 */
static void end_quantum(const struct kvs_guest *g, struct kvs_guest_task *t,
			const struct kvs_guest_event *change)
{
	bool turn = change->runnable && change->next_prio == change->prio;
	bool counts = kvs_excerpt_has(&g->excerpt, change->at) &&
		      kvs_guest_has_cpu(g, change->cpu);

	if (!turn) {
		if (!change->runnable)
			forget_quantum(t, false);
		return;
	}
	if (t->quantum_whole && counts) {
		struct kvs_guest_span *all = &t->quanta;

		if (!all->count || t->quantum.sum < t->shortest_quantum)
			t->shortest_quantum = t->quantum.sum;
		if (t->quantum.sum > all->longest)
			all->longest = t->quantum.sum;
		for (unsigned int part = 0; part < KVS_PARTS; part++)
			all->part[part] += t->quantum.part[part];
		all->sum += t->quantum.sum;
		all->counted += t->quantum.sum;
		all->count++;
	}
	forget_quantum(t, true);
}

/* Those between @begin and @end that are in the excerpt, too */
static u64 moments_in(const struct kvs_excerpt *w, const struct kvs_moments *m, u64 begin, u64 end)
{
	u64 length = kvs_excerpt_part(w, begin, end);

	if (w->on && begin < w->from)
		begin = w->from;
	return length ? kvs_moments_between(m, begin, begin + length) : 0;
}

/* Was the first exit that the guest caused after a switch the load of CR3? */
static bool led_to_exit(const struct kvs_guest_line *line, u64 begin, u64 end)
{
	size_t before = kvs_moments_between(&line->exits, 0, begin);
	u64 first = before < line->exits.nr ? line->exits.at[before] : end;

	return first < end && kvs_moments_between(&line->cr3, first, first + 1);
}

/* The part of the time from @begin to @end that is in the excerpt; it counts where it ends. */
static void add_part(const struct kvs_guest *g, const struct kvs_guest_line *line, u64 begin,
		     u64 end, struct kvs_guest_span *span)
{
	const struct kvs_excerpt *w = &g->excerpt;
	u64 length = kvs_excerpt_part(w, begin, end);
	bool ends = kvs_excerpt_has(w, end);

	if (length) {
		u64 from = w->on && begin < w->from ? w->from : begin;

		kvs_line_add(line, from, from + length, span);
		span->count--;
		span->counted -= ends ? 0 : length;
	}
	span->count += ends;
}

/* A slice on a CPU that is not selected may still be a part of a quantum that is. */
static void end_slice(struct kvs_guest *g, struct kvs_guest_task *t,
		      const struct kvs_guest_event *change)
{
	struct kvs_guest_cpu *cpu = &g->cpus[change->cpu];
	const struct kvs_guest_line *line = &g->lines[change->cpu];
	const struct kvs_excerpt *w = &g->excerpt;
	bool selected = kvs_guest_has_cpu(g, change->cpu);

	if (selected) {
		add_part(g, line, cpu->since, change->at, &t->slices);
		t->cuts += moments_in(w, &line->cuts, cpu->since, change->at);
	}
	if (selected && kvs_excerpt_has(w, change->at))
		t->cut_slices += !!kvs_moments_between(&line->cuts, cpu->since, change->at);
	if (change->prio < 0 || change->prio >= MAX_RT_PRIO || t->cpu >= 0)
		return;
	kvs_line_add(line, cpu->since, change->at, &t->quantum);
	end_quantum(g, t, change);
}

static void take_switch(struct kvs_guest *g, const struct kvs_guest_event *e)
{
	struct kvs_guest_task *prev = &g->tasks[e->task], *next = &g->tasks[e->next];
	struct kvs_guest_cpu *cpu = &g->cpus[e->cpu];
	const struct kvs_guest_line *line = &g->lines[e->cpu];
	const struct kvs_excerpt *w = &g->excerpt;

	if (cpu->current >= 0 && kvs_excerpt_has(w, cpu->since))
		cpu->switched_exits += led_to_exit(line, cpu->since, e->at);
	if (cpu->current == (s64)e->task)
		end_slice(g, prev, e);
	cpu->switches += kvs_excerpt_has(w, e->at);
	prev->on_cpu = false;
	prev->waiting = e->runnable && prev->cpu < 0;
	prev->was_woken = false;
	prev->wait_since = e->at;
	if (next->waiting && next->wait_since <= e->at && kvs_guest_has_cpu(g, e->cpu)) {
		add_part(g, line, next->wait_since, e->at, &next->waits);
		next->woken += next->was_woken && kvs_excerpt_has(w, e->at);
	}
	next->waiting = false;
	next->on_cpu = true;
	cpu->current = e->next;
	cpu->since = e->at;
}

/* A task that has not left its CPU yet, or waits for one already, does not begin to wait. */
static void take_waking(struct kvs_guest_task *t, u64 at)
{
	if (t->on_cpu || t->waiting)
		return;
	t->waiting = true;
	t->was_woken = true;
	t->wait_since = at;
}

/* The kernel's own count is exact while the task is off the CPU, and is of all CPUs. */
static void take_mark(const struct kvs_guest *g, struct kvs_guest_task *t,
		      const struct kvs_guest_event *e)
{
	if (t->on_cpu || g->select->vcpu >= 0)
		return;
	if (!t->mark.nr++) {
		t->mark.first_ns = e->ran_ns;
		t->mark.first = t->slices;
	}
	t->mark.last_ns = e->ran_ns;
	t->mark.last = t->slices;
}

/* Events are missing: what any task does now will be known at its next switch. */
static void take_loss(struct kvs_guest *g, const struct kvs_guest_event *e)
{
	g->cpus[e->cpu].lost += kvs_excerpt_has(&g->excerpt, e->at);
	for (unsigned int cpu = 0; cpu < g->joined.side.parts->cpus; cpu++)
		g->cpus[cpu].current = -1;
	for (size_t i = 0; i < g->nr_tasks; i++) {
		struct kvs_guest_task *t = &g->tasks[i];

		t->waiting = t->on_cpu = false;
		t->mark.nr = 0;
		forget_quantum(t, false);
	}
}

/* A CPU without events has no time. */
static void cut_cpu(const struct kvs_excerpt *w, struct kvs_guest_cpu *cpu)
{
	u64 length = kvs_excerpt_part(w, cpu->first, cpu->last);

	if (w->on && cpu->first && cpu->first < w->from)
		cpu->first = w->from;
	cpu->last = cpu->first + length;
}

void kvs_guest_account(struct kvs_guest *g)
{
	unsigned int cpus = g->joined.side.parts->cpus;

	for (unsigned int i = 0; i < cpus; i++)
		g->cpus[i].current = -1;
	for (size_t i = 0; i < g->nr_events; i++) {
		const struct kvs_guest_event *e = &g->events[i];

		if (e->kind == KVS_GUEST_SWITCH)
			take_switch(g, e);
		else if (e->kind == KVS_GUEST_WAKING)
			take_waking(&g->tasks[e->task], e->at);
		else if (e->kind == KVS_GUEST_MARK && kvs_excerpt_has(&g->excerpt, e->at))
			take_mark(g, &g->tasks[e->task], e);
		else if (e->kind == KVS_GUEST_LOSS)
			take_loss(g, e);
	}
	kvs_guest_pair(g);
	for (unsigned int i = 0; i < cpus; i++) {
		struct kvs_guest_cpu *cpu = &g->cpus[i];

		if (cpu->current >= 0 && kvs_excerpt_has(&g->excerpt, cpu->since))
			cpu->switched_exits += led_to_exit(&g->lines[i], cpu->since, cpu->last);
		cpu->cr3 = moments_in(&g->excerpt, &g->lines[i].cr3, cpu->first, cpu->last);
		cut_cpu(&g->excerpt, cpu);
	}
}

const char *kvs_guest_part_name(enum kvs_guest_part part)
{
	static const char *const names[KVS_PARTS] = {
		[KVS_PART_GUEST] = "guest_mode", [KVS_PART_HOST] = "host_work",
		[KVS_PART_WAIT] = "waits", [KVS_PART_ASLEEP] = "asleep",
		[KVS_PART_UNKNOWN] = "not_told",
	};

	return names[part];
}

static int by_sum(const void *a, const void *b, void *ctx)
{
	const struct kvs_guest_task *tasks = ctx;
	const struct kvs_guest_task *x = &tasks[*(const u32 *)a], *y = &tasks[*(const u32 *)b];

	if (x->slices.sum != y->slices.sum)
		return x->slices.sum > y->slices.sum ? -1 : 1;
	return x->pid != y->pid ? (x->pid < y->pid ? -1 : 1) : x->cpu - y->cpu;
}

u32 *kvs_guest_order(const struct kvs_guest *g)
{
	u32 *order = xcalloc(g->nr_tasks + 1, sizeof(*order));

	for (size_t i = 0; i < g->nr_tasks; i++)
		order[i] = i;
	qsort_r(order, g->nr_tasks, sizeof(*order), by_sum, g->tasks);
	return order;
}

u64 kvs_guest_asked_ns(const struct kvs_guest *g, const struct kvs_guest_task *t)
{
	return t->policy == SCHED_RR ? g->rr_ms * 1000000 : 0;
}

double kvs_guest_inflation(const struct kvs_guest *g, const struct kvs_guest_task *t,
			   const struct kvs_scale *ns)
{
	return (double)kvs_scale(ns, t->quanta.sum) / t->quanta.count / kvs_guest_asked_ns(g, t);
}

bool kvs_guest_counted(const struct kvs_guest_task *t)
{
	return t->mark.nr > 1 && t->mark.last_ns > t->mark.first_ns;
}
