// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits cut by who held the CPU; see thieves.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/thieves.h"

#define MAX_THIEVES	1024	/* of one vCPU; all beyond go to the last row */
#define MAX_CPUS	65536

static const char *const kinds[KVS_THIEF_KINDS] = {
	[KVS_THIEF_UNKNOWN]	= "unknown",
	[KVS_THIEF_TASK]		= "task",
	[KVS_THIEF_IDLE]		= "idle",
	[KVS_THIEF_MIGRATION]	= "migration",
	[KVS_THIEF_INTERRUPT]	= "interrupt",
	[KVS_THIEF_THROTTLED]	= "throttled",
};

const char *kvs_thief_kind_name(unsigned int kind)
{
	return kind < KVS_THIEF_KINDS ? kinds[kind] : NULL;
}

const char *kvs_thief_name(const struct kvs_holder *who)
{
	static const char *const names[KVS_THIEF_KINDS] = {
		[KVS_THIEF_UNKNOWN]	= "(unknown)",
		[KVS_THIEF_IDLE]		= "(idle: waking or throttled)",
		[KVS_THIEF_MIGRATION]	= "(migration)",
		[KVS_THIEF_THROTTLED]	= "(idle: throttled, inferred)",
	};

	if (who->kind < KVS_THIEF_KINDS && names[who->kind])
		return names[who->kind];
	return who->comm;
}

void kvs_queues_free(struct kvs_queues *q)
{
	free(q->first);
}

void kvs_waiter_free(struct kvs_waiter *w)
{
	free(w->thieves);
}

struct kvs_holder kvs_holder_of(int32_t pid, int16_t prio, uint16_t cpu,
				const char *comm)
{
	struct kvs_holder h = { .pid = pid, .prio = prio, .cpu = cpu };

	if (pid < 0) {
		h.pid = -1;
	} else if (!pid) {
		h.kind = KVS_THIEF_IDLE;
	} else {
		memcpy(h.comm, comm, strnlen(comm, sizeof(h.comm) - 1));
		h.kind = strncmp(h.comm, "migration/", 10) ? KVS_THIEF_TASK :
							     KVS_THIEF_MIGRATION;
	}
	return h;
}

/*
 * Threads are distinguished by pid, interrupts by name.  All idle threads are one thief,
 * and so are all migration threads.
 */
static bool is_same_thief(const struct kvs_holder *a, const struct kvs_holder *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == KVS_THIEF_INTERRUPT)
		return !strcmp(a->comm, b->comm);
	return a->kind != KVS_THIEF_TASK || a->pid == b->pid;
}

struct kvs_thief *kvs_thief_get(struct kvs_waiter *w, const struct kvs_holder *who)
{
	struct kvs_thief *t;

	for (t = w->thieves; t < w->thieves + w->nr; t++)
		if (is_same_thief(&t->who, who))
			return t;
	if (w->nr == MAX_THIEVES)
		return &w->thieves[MAX_THIEVES - 1];
	w->thieves = xrealloc(w->thieves, (w->nr + 1) * sizeof(*t));
	t = &w->thieves[w->nr++];
	*t = (struct kvs_thief){ .who = *who };
	if (w->nr == MAX_THIEVES)
		t->who = (struct kvs_holder){ .pid = -1, .comm = "(others)",
					     .kind = KVS_THIEF_TASK };
	return t;
}

static struct kvs_waiter **get_queue(struct kvs_queues *q, unsigned int cpu)
{
	if (cpu >= q->nr) {
		q->first = xrealloc(q->first, (cpu + 1) * sizeof(*q->first));
		memset(q->first + q->nr, 0, (cpu + 1 - q->nr) * sizeof(*q->first));
		q->nr = cpu + 1;
	}
	return &q->first[cpu];
}

static void enqueue(struct kvs_queues *q, struct kvs_waiter *w)
{
	struct kvs_waiter **first = get_queue(q, w->holder.cpu);

	w->next = *first;
	*first = w;
}

static void dequeue(struct kvs_queues *q, struct kvs_waiter *w)
{
	struct kvs_waiter **at = get_queue(q, w->holder.cpu);

	while (*at && *at != w)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
}

/* The piece since the last change is its holder's. */
static void add_piece(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts)
{
	struct kvs_thief *t;
	uint64_t time = ts > w->since ? ts - w->since : 0;

	/* Time goes back only in a damaged file: no piece then, and none twice. */
	if (!time)
		return;
	if (q->piece)
		q->piece(w, w->since, ts, &w->holder);
	w->since = ts;
	t = kvs_thief_get(w, &w->holder);
	t->pending.time += time;
	t->pending.count++;
	if (time > t->pending.max) {
		t->pending.max = time;
		t->pending.cpu = w->holder.cpu;
	}
	/* Name and policy may change: the latest are the best known. */
	if (t->who.pid == w->holder.pid && t->who.kind == KVS_THIEF_TASK) {
		uint16_t cpu = t->who.cpu;

		t->who = w->holder;
		t->who.cpu = cpu;
	}
}

static void drop_pieces(struct kvs_waiter *w)
{
	for (struct kvs_thief *t = w->thieves; t < w->thieves + w->nr; t++)
		memset(&t->pending, 0, sizeof(t->pending));
}

void kvs_wait_begin(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		    struct kvs_holder holder, bool preempted)
{
	if (w->waiting) {
		dequeue(q, w);
		drop_pieces(w);
	}
	if (preempted && holder.kind == KVS_THIEF_IDLE)
		holder.kind = KVS_THIEF_THROTTLED;
	w->waiting = true;
	w->interrupted = false;
	w->since = ts;
	w->holder = holder;
	enqueue(q, w);
}

void kvs_wait_move(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		   struct kvs_holder holder)
{
	if (!w->waiting)
		return;
	add_piece(q, w, ts);
	dequeue(q, w);
	w->interrupted = false;
	w->holder = holder;
	enqueue(q, w);
}

void kvs_wait_holder(struct kvs_queues *q, uint64_t ts, const struct kvs_holder *holder)
{
	struct kvs_waiter *w = holder->cpu < q->nr ? q->first[holder->cpu] : NULL;

	for (; w; w = w->next) {
		/* It has the CPU at last: the switch there is part of its wait. */
		if (holder->pid == w->tid)
			continue;
		add_piece(q, w, ts);
		w->holder = *holder;
		if (holder->kind == KVS_THIEF_IDLE)
			w->holder.kind = KVS_THIEF_THROTTLED;
	}
}

/*
 * The piece up to an interrupt.  An idle CPU is awake after its interrupt, and takes
 * whoever may run there before it idles on: if it did not, the vCPU was throttled.
 */
static void add_piece_before_interrupt(struct kvs_queues *q, struct kvs_waiter *w,
				       uint64_t begin)
{
	if (begin <= w->since)
		return;
	if (w->holder.kind == KVS_THIEF_IDLE && w->interrupted &&
	    begin - w->since >= q->surely_awake)
		w->holder.kind = KVS_THIEF_THROTTLED;
	add_piece(q, w, begin);
}

void kvs_wait_interrupt(struct kvs_queues *q, unsigned int cpu, int32_t tid,
			uint64_t ts, uint64_t length, const char *name)
{
	struct kvs_holder interrupt = {
		.pid = -1, .cpu = cpu, .kind = KVS_THIEF_INTERRUPT,
	};

	memcpy(interrupt.comm, name, strnlen(name, sizeof(interrupt.comm) - 1));
	for (struct kvs_waiter *w = cpu < q->nr ? q->first[cpu] : NULL; w; w = w->next) {
		struct kvs_holder holder = w->holder;

		/* It has the CPU: its switch in is still to come. */
		if (w->tid == tid)
			continue;
		/* A wait may begin in the interrupt that wakes it. */
		add_piece_before_interrupt(q, w, ts > length ? ts - length : 0);
		w->holder = interrupt;
		add_piece(q, w, ts);
		w->holder = holder;
		w->interrupted = true;
	}
}

void kvs_wait_loss(struct kvs_queues *q, unsigned int cpu)
{
	struct kvs_waiter *w = cpu < q->nr ? q->first[cpu] : NULL;

	for (; w; w = w->next)
		w->holder = (struct kvs_holder){ .pid = -1, .cpu = cpu };
}

/* The pieces are the thieves' for good; the largest part names the wait. */
static void commit_pieces(struct kvs_waiter *w, struct kvs_past_wait *past)
{
	for (struct kvs_thief *t = w->thieves; t < w->thieves + w->nr; t++) {
		if (!t->pending.time)
			continue;
		if (t->pending.time > past->top_time) {
			past->top_time = t->pending.time;
			past->top = t->who;
			past->top.cpu = t->pending.cpu;
		}
		t->time += t->pending.time;
		t->count += t->pending.count;
		if (t->pending.max > t->max) {
			t->max = t->pending.max;
			t->who.cpu = t->pending.cpu;
		}
	}
	drop_pieces(w);
}

const struct kvs_past_wait *kvs_wait_end(struct kvs_queues *q, struct kvs_waiter *w,
					 const struct kvs_ledger_wait *span)
{
	static const struct kvs_holder nobody = { .pid = -1 };
	struct kvs_past_wait *past;

	if (w->waiting)
		dequeue(q, w);
	if (!span) {
		w->waiting = false;
		drop_pieces(w);
		return NULL;
	}
	past = &w->past[w->nr_past++ % KVS_PAST_WAITS];
	*past = (struct kvs_past_wait){ .span = *span, .top = nobody };
	/* Its wakeup was not recorded, and so it is unknown who had the CPU. */
	if (!w->waiting) {
		w->holder = nobody;
		w->since = span->begin;
	}
	w->waiting = false;
	add_piece(q, w, span->end);
	commit_pieces(w, past);
	return past;
}

void kvs_wait_cut(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts, bool known)
{
	struct kvs_ledger_wait span = { .begin = w->since, .end = ts };

	if (w->waiting)
		kvs_wait_end(q, w, known ? &span : NULL);
}

const struct kvs_past_wait *kvs_wait_within(const struct kvs_waiter *w,
					    uint64_t from, uint64_t to)
{
	const struct kvs_past_wait *best = NULL;

	for (unsigned int i = 0; i < KVS_PAST_WAITS && i < w->nr_past; i++) {
		const struct kvs_past_wait *p = &w->past[i];

		if (p->span.end <= from || p->span.begin >= to)
			continue;
		if (!best || p->top_time > best->top_time)
			best = p;
	}
	return best;
}
