// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a guest's events of its scheduler, and its loads of CR3; see guest.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "guest/guest.h"

/* Bits of prev_state that say why a task sleeps; the one above them: it was preempted. */
#define ASLEEP_BITS	0xff
#define MAX_LINE	1024	/* of trace_marker; the kernel's own limit */

/* Reasons of tlb_flush, as linux/mm_types.h numbers them */
enum reason {
	FLUSH_ON_TASK_SWITCH,
	REMOTE_SHOOTDOWN,	/* this CPU flushes, as another one has asked for */
	LOCAL_SHOOTDOWN,
	LOCAL_MM_SHOOTDOWN,
};

#define ALL_PAGES	-1

/* A number, or a name, in the records of an event */
struct place {
	unsigned int offset, size;	/* size 0: not there */
	bool is_signed;
};

struct layout {
	unsigned int id;		/* 0: not in the file */
	struct place comm, pid, prio, state, next_comm, next_pid, next_prio;
	struct place reason, pages;
	unsigned int text;		/* where a line of trace_marker begins */
};

struct reading {
	struct kvs_guest *g;
	unsigned int cpu;
	struct place type;
	bool not_joined;		/* events of this CPU, since the last one that was */
	struct layout change, waking, wakeup, newborn, flush, print;
};

static struct place place_of(const struct kvs_format *f, const char *name)
{
	const struct kvs_format_field *field = kvs_format_find(f, name);

	if (!field || field->is_dynamic)
		return (struct place){ 0 };
	return (struct place){ field->offset, field->size, field->is_signed };
}

static void take_format(void *ctx, const struct kvs_format *f)
{
	struct reading *r = ctx;
	const struct { const char *name; struct layout *layout; } known[] = {
		{ "sched_switch", &r->change }, { "sched_waking", &r->waking },
		{ "sched_wakeup", &r->wakeup }, { "sched_wakeup_new", &r->newborn },
		{ "tlb_flush", &r->flush }, { "print", &r->print },
	};
	const struct kvs_format_field *text = kvs_format_find(f, "buf");

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		bool change = !i;

		if (strcmp(f->name, known[i].name) || known[i].layout->id)
			continue;
		r->type = place_of(f, "common_type");
		*known[i].layout = (struct layout){
			.id = f->id, .text = text ? text->offset : 0,
			.comm = place_of(f, change ? "prev_comm" : "comm"),
			.pid = place_of(f, change ? "prev_pid" : "pid"),
			.prio = place_of(f, change ? "prev_prio" : "prio"),
			.state = place_of(f, "prev_state"),
			.next_comm = place_of(f, "next_comm"),
			.next_pid = place_of(f, "next_pid"),
			.next_prio = place_of(f, "next_prio"),
			.reason = place_of(f, "reason"), .pages = place_of(f, "pages"),
		};
		/* The kernel has it unsigned, of 4 bytes or of 8, and prints it as signed. */
		known[i].layout->pages.is_signed = true;
	}
}

/* Is it within the record, and of a number's size? */
static bool has_number(const struct kvs_part_record *rec, const struct place *p)
{
	return p->size && p->size <= sizeof(u64) && p->offset <= rec->size &&
	       p->size <= rec->size - p->offset;
}

/* 0 if it is not there */
static s64 number_at(const struct kvs_part_record *rec, const struct place *p)
{
	unsigned int unused;
	u64 value = 0;

	if (!has_number(rec, p))
		return 0;
	memcpy(&value, (const char *)rec->data + p->offset, p->size);
	unused = 64 - 8 * p->size;
	return p->is_signed ? (s64)(value << unused) >> unused : (s64)value;
}

static u32 task_at(struct reading *r, const struct kvs_part_record *rec, const struct place *pid,
		   const struct place *comm, const struct place *prio)
{
	u32 index = kvs_guest_task(r->g, number_at(rec, pid), r->cpu);
	struct kvs_guest_task *t = &r->g->tasks[index];

	if (rec->ts < t->comm_at)
		return index;
	t->comm_at = rec->ts;
	t->seen = true;
	t->prio = number_at(rec, prio);
	if (comm->size && comm->size < KVS_COMM_LEN && comm->offset + comm->size <= rec->size)
		kvs_copy_comm(t->comm, (const char *)rec->data + comm->offset, comm->size);
	return index;
}

static bool take_marker(struct reading *r, const struct kvs_part_record *rec,
			struct kvs_guest_event *event)
{
	char text[MAX_LINE];
	size_t size;

	if (!r->print.text || rec->size <= r->print.text)
		return false;
	size = rec->size - r->print.text;
	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, (const char *)rec->data + r->print.text, size);
	text[size] = '\0';
	event->kind = KVS_GUEST_MARK;
	event->ran_ns = UINT64_MAX;
	kvs_guest_marker(r->g, event, text);
	return event->ran_ns != UINT64_MAX;
}

/*
 * A switch to other page tables loads CR3, and a flush of all pages writes to CR3 what it
 * holds already; either is told when that is done.  Single pages are flushed without it.
 */
static bool take_flush(struct reading *r, const struct kvs_part_record *rec,
		       struct kvs_guest_event *event)
{
	s64 reason = number_at(rec, &r->flush.reason);

	/* One that is not there is read as 0, which is a reason, too. */
	if (!has_number(rec, &r->flush.reason))
		return false;
	r->g->flushes = true;
	event->kind = KVS_GUEST_LOAD;
	event->flush = reason != FLUSH_ON_TASK_SWITCH;
	if (!event->flush)
		return true;
	return reason >= REMOTE_SHOOTDOWN && reason <= LOCAL_MM_SHOOTDOWN &&
	       number_at(rec, &r->flush.pages) == ALL_PAGES;
}

static bool take_known(struct reading *r, const struct kvs_part_record *rec,
		       struct kvs_guest_event *event)
{
	unsigned int type = number_at(rec, &r->type);
	const struct layout *l = &r->change;

	if (!type)
		return false;
	if (type == l->id) {
		event->kind = KVS_GUEST_SWITCH;
		event->prio = number_at(rec, &l->prio);
		event->next_prio = number_at(rec, &l->next_prio);
		event->runnable = !(number_at(rec, &l->state) & ASLEEP_BITS);
		event->task = task_at(r, rec, &l->pid, &l->comm, &l->prio);
		event->next = task_at(r, rec, &l->next_pid, &l->next_comm, &l->next_prio);
		return true;
	}
	if (type == r->print.id)
		return take_marker(r, rec, event);
	if (type == r->flush.id)
		return take_flush(r, rec, event);
	l = type == r->waking.id ? &r->waking : type == r->wakeup.id ? &r->wakeup :
	    type == r->newborn.id ? &r->newborn : NULL;
	if (!l)
		return false;
	event->kind = KVS_GUEST_WAKING;
	event->task = task_at(r, rec, &l->pid, &l->comm, &l->prio);
	r->g->wakings = true;
	return true;
}

void kvs_guest_add(struct kvs_guest *g, const struct kvs_guest_event *event)
{
	if (g->nr_events == g->room) {
		g->room = g->room ? 2 * g->room : 1024;
		g->events = xrealloc(g->events, g->room * sizeof(*g->events));
	}
	g->events[g->nr_events] = *event;
	g->events[g->nr_events].order = g->nr_events;
	g->nr_events++;
}

static void take_record(void *ctx, const struct kvs_part_record *rec)
{
	struct reading *r = ctx;
	const struct kvs_host_time time = kvs_host_time(r->g->joined.cpus[r->cpu].vcpu, rec->ts);
	struct kvs_guest_cpu *cpu = &r->g->cpus[r->cpu];
	struct kvs_guest_event event = { .cpu = r->cpu };

	if (time.told != KVS_TIME_TOLD) {
		r->not_joined = true;
		return;
	}
	event.at = time.at;
	if (!cpu->first)
		cpu->first = event.at;
	cpu->last = event.at;
	if (rec->missed || r->not_joined) {
		r->not_joined = false;
		event.kind = KVS_GUEST_LOSS;
		kvs_guest_add(r->g, &event);
	}
	if (take_known(r, rec, &event))
		kvs_guest_add(r->g, &event);
}

static int by_time(const void *a, const void *b)
{
	const struct kvs_guest_event *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

bool kvs_guest_events(struct kvs_guest *g)
{
	struct reading r = { .g = g };
	u64 bad = 0;

	kvs_parts_formats(g->joined.side.parts, take_format, &r);
	for (r.cpu = 0; r.cpu < g->joined.side.parts->cpus; r.cpu++) {
		r.not_joined = false;
		if (g->joined.side.cpus[r.cpu].nr &&
		    !kvs_parts_records(g->joined.side.parts, r.cpu, take_record, &r, &bad))
			return false;
	}
	if (!r.change.id) {
		kvs_err("%s: has no sched_switch, which tells what tasks did", g->joined.side.path);
		kvs_hint("record in the guest with `trace-cmd record -C x86-tsc -e sched_switch -e sched_waking`");
		return false;
	}
	if (g->nr_events)
		qsort(g->events, g->nr_events, sizeof(*g->events), by_time);
	return true;
}
