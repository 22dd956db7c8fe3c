// SPDX-License-Identifier: GPL-2.0-only
/*
 * An export as a trace for Perfetto.
 *
 * A row becomes a slice: two packets, for its begin and its end.  owners.c finds the track
 * that has room for it.  Rows come in the order of their ends, those of guests' tasks behind
 * all others, and are written at once: who reads a trace puts it in order.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "export/form.h"
#include "export/owners.h"
#include "export/packets.h"
#include "export/tracks.h"
#include "model/spans.h"

#define SLICE_BYTES	70	/* that a slice takes, without what stands beside it; about */
#define TABLES	(KVS_TABLE_SPANS + KVS_SPAN_KINDS)	/* that can be slices */

struct perfetto {
	struct kvs_packets packets;
	struct kvs_sched sched;
	struct kvs_owners owners;
	uint64_t nr_flows;
	bool has_tasks;		/* they tell who has a CPU; else vCPUs' slices do */
	int named_by[TABLES];	/* the column that names a slice; -1: none */
	uint64_t names[TABLES][KVS_EXPORT_COLUMNS];	/* of columns, interned */
};

/* Columns that each table of spans begins with: see tables.c. */
enum { VCPU, CPU, BEGIN, END, LENGTH, GAP, OPEN, COMMON };

/* --- Names and clocks ----------------------------------------------------- */

/* Names of columns are written once; slices have their numbers. */
static void write_names(struct perfetto *p)
{
	Pf__DebugAnnotationName names[TABLES * KVS_EXPORT_COLUMNS], *pointers[ARRAY_SIZE(names)];
	Pf__InternedData interned = PF__INTERNED_DATA__INIT;
	Pf__TracePacket packet = PF__TRACE_PACKET__INIT;

	interned.debug_annotation_names = pointers;
	for (unsigned int i = KVS_TABLE_SPANS; i < TABLES; i++) {
		const struct kvs_column *c = kvs_export_table(i)->columns;

		for (unsigned int k = 0; c[k].type != KVS_COLUMN_END; k++) {
			size_t nr = 0;

			while (nr < interned.n_debug_annotation_names &&
			       strcmp(names[nr].name, c[k].name))
				nr++;
			p->names[i][k] = nr + 1;
			if (nr < interned.n_debug_annotation_names)
				continue;
			pf__debug_annotation_name__init(&names[nr]);
			names[nr].has_iid = true;
			names[nr].iid = nr + 1;
			names[nr].name = (char *)c[k].name;
			pointers[nr] = &names[nr];
			interned.n_debug_annotation_names++;
		}
	}
	packet.interned_data = &interned;
	packet.has_sequence_flags = true;
	packet.sequence_flags = KVS_PF_FORGET;
	kvs_packets_write(&p->packets, &packet);
}

/* The clocks at the beginning, as far as the recording tells them; returns how many. */
static size_t list_clocks(const struct kvs_value_of *values, Pf__ClockSnapshot__Clock *clocks)
{
	/*
	 * Perfetto takes events of the scheduler for times of the boot clock.  Older recordings
	 * do not tell that: there it is taken for equal to the monotonic one, from which it
	 * differs by the time that the machine was suspended.
	 */
	const bool boot = !kvs_cell_of(KVS_TABLE_RECORDING, values, "begin_boottime_ns")->null;
	const struct {
		uint32_t id;
		const char *column;
	} all[KVS_PF_CLOCKS] = {
		{ KVS_PF_BOOTTIME, boot ? "begin_boottime_ns" : "begin_monotonic_ns" },
		{ KVS_PF_MONOTONIC, "begin_monotonic_ns" },
		{ KVS_PF_TSC, "begin_tsc" },
		{ KVS_PF_REALTIME, "begin_realtime_ns" },
	};
	size_t nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct kvs_value_of *value = kvs_cell_of(KVS_TABLE_RECORDING, values,
							       all[i].column);

		if (value->null)
			continue;
		pf__clock_snapshot__clock__init(&clocks[nr]);
		clocks[nr].has_clock_id = clocks[nr].has_timestamp = true;
		clocks[nr].clock_id = all[i].id;
		clocks[nr++].timestamp = value->number;
	}
	return nr;
}

static void take_recording(struct perfetto *p, const struct kvs_value_of *values)
{
	const struct kvs_value_of *monotonic = kvs_cell_of(KVS_TABLE_RECORDING, values,
							   "begin_monotonic_ns");
	Pf__ClockSnapshot__Clock clocks[KVS_PF_CLOCKS], *pointers[KVS_PF_CLOCKS];
	Pf__ClockSnapshot snapshot = PF__CLOCK_SNAPSHOT__INIT;
	Pf__TracePacket packet = PF__TRACE_PACKET__INIT;

	if (monotonic->null)
		return;
	snapshot.clocks = pointers;
	snapshot.n_clocks = list_clocks(values, clocks);
	for (size_t i = 0; i < snapshot.n_clocks; i++)
		pointers[i] = &clocks[i];
	/* Packets have times of the boot clock. */
	p->packets.base_ns = clocks[0].timestamp;
	packet.has_timestamp = true;
	packet.timestamp = p->packets.base_ns;
	packet.clock_snapshot = &snapshot;
	kvs_packets_write(&p->packets, &packet);
}

/* --- Slices -------------------------------------------------------------- */

/* A vCPU's rows are its own; others are of the CPU where they were. */
static struct kvs_owner *owner_of_row(struct perfetto *p, const struct kvs_value_of *values)
{
	return values[VCPU].null ? kvs_owners_cpu(&p->owners, values[CPU].number) :
				   kvs_owners_vcpu(&p->owners, values[VCPU].number);
}

static void write_event(struct perfetto *p, Pf__TrackEvent *event, unsigned int type,
			uint64_t uuid, int64_t ns)
{
	Pf__TracePacket packet = PF__TRACE_PACKET__INIT;

	event->has_type = event->has_track_uuid = true;
	event->type = type;
	event->track_uuid = uuid;
	packet.has_timestamp = packet.has_sequence_flags = true;
	packet.timestamp = kvs_packets_time(&p->packets, ns);
	packet.sequence_flags = KVS_PF_NEEDS_NAMES;
	packet.track_event = event;
	kvs_packets_write(&p->packets, &packet);
}

static void write_end(struct perfetto *p, uint64_t uuid, int64_t ns)
{
	Pf__TrackEvent event = PF__TRACK_EVENT__INIT;

	write_event(p, &event, KVS_PF_SLICE_END, uuid, ns);
}

/* Is a cell worth a line beside the slice, which tells its begin, end and name? */
static bool is_told(const struct perfetto *p, unsigned int table, unsigned int column,
		    const struct kvs_value_of *values)
{
	const struct kvs_value_of *v = &values[column];
	bool text = kvs_export_table(table)->columns[column].type == KVS_COLUMN_TEXT;

	if (text ? !v->text : v->null)
		return false;
	if (text)
		return (int)column != p->named_by[table];
	if (column == LENGTH)
		return v->number != values[END].number - values[BEGIN].number;
	if (column == GAP || column == OPEN)
		return v->number;
	return column != BEGIN && column != END && column != VCPU;
}

static size_t annotate(const struct perfetto *p, unsigned int table,
		       const struct kvs_value_of *values, Pf__DebugAnnotation *notes)
{
	const struct kvs_column *c = kvs_export_table(table)->columns;
	size_t nr = 0;

	for (unsigned int i = 0; c[i].type != KVS_COLUMN_END; i++) {
		Pf__DebugAnnotation *note = &notes[nr];

		if (!is_told(p, table, i, values))
			continue;
		nr++;
		pf__debug_annotation__init(note);
		note->has_name_iid = true;
		note->name_iid = p->names[table][i];
		note->has_int_value = c[i].type != KVS_COLUMN_TEXT;
		note->int_value = values[i].number;
		if (!note->has_int_value)
			note->string_value = (char *)values[i].text;
	}
	return nr;
}

/* @flow: one that begins here; 0: none */
static void write_slice(struct perfetto *p, unsigned int table,
			const struct kvs_value_of *values, uint64_t flow)
{
	Pf__DebugAnnotation notes[KVS_EXPORT_COLUMNS], *pointers[KVS_EXPORT_COLUMNS];
	int64_t begin = values[BEGIN].number, end = values[END].number;
	Pf__TrackEvent event = PF__TRACK_EVENT__INIT;
	char text[KVS_SLICE_NAME_LEN];
	uint64_t uuid = kvs_owners_track(&p->owners, owner_of_row(p, values),
					 table - KVS_TABLE_SPANS, begin, end);

	event.name = (char *)kvs_slice_name(text, table, p->named_by[table], values);
	event.n_debug_annotations = annotate(p, table, values, notes);
	event.debug_annotations = pointers;
	for (size_t i = 0; i < event.n_debug_annotations; i++)
		pointers[i] = &notes[i];
	event.n_flow_ids = flow ? 1 : 0;
	event.flow_ids = &flow;
	write_event(p, &event, KVS_PF_SLICE_BEGIN, uuid, begin);
	write_end(p, uuid, end);
}

static void add_note(Pf__TrackEvent *event, uint64_t name, int64_t value)
{
	Pf__DebugAnnotation *note = event->debug_annotations[event->n_debug_annotations++];

	pf__debug_annotation__init(note);
	note->has_name_iid = note->has_int_value = true;
	note->name_iid = name;
	note->int_value = value;
}

/* What a task of a guest did.  Its track tells whose task it is, or which CPU was idle. */
static void take_guest_task(struct perfetto *p, const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_GUEST_TASKS;
	const struct kvs_value_of *cpu = kvs_cell_of(table, values, "cpu");
	Pf__DebugAnnotation notes[2], *pointers[] = { &notes[0], &notes[1] };
	uint64_t uuid = kvs_owners_guest_track(&p->owners, values);
	Pf__TrackEvent event = PF__TRACK_EVENT__INIT;

	event.name = (char *)kvs_cell_of(table, values, "what")->text;
	event.debug_annotations = pointers;
	if (!cpu->null)
		add_note(&event, p->names[KVS_TABLE_SPANS][CPU], cpu->number);
	if (kvs_number_of(table, values, "open"))
		add_note(&event, p->names[KVS_TABLE_SPANS][OPEN], 1);
	write_event(p, &event, KVS_PF_SLICE_BEGIN, uuid, kvs_number_of(table, values, "begin_ns"));
	write_end(p, uuid, kvs_number_of(table, values, "end_ns"));
}

static uint64_t new_flow(struct perfetto *p)
{
	return ((uint64_t)KVS_PF_OURS << 40) + ++p->nr_flows;
}

/* A part of a wait, and an arrow from it to who had the CPU */
static void take_piece(struct perfetto *p, const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_SPANS + KVS_SPAN_PIECE;
	int64_t begin = values[BEGIN].number, end = values[END].number;
	Pf__TrackEvent event = PF__TRACK_EVENT__INIT;
	char text[KVS_SLICE_NAME_LEN];
	uint64_t flow = new_flow(p), uuid;

	write_slice(p, table, values, flow);
	uuid = kvs_owners_track(&p->owners, kvs_owners_cpu(&p->owners, values[CPU].number),
				KVS_TRACK_HELD, begin, end);
	event.name = (char *)kvs_slice_name(text, table, p->named_by[table], values);
	event.n_terminating_flow_ids = 1;
	event.terminating_flow_ids = &flow;
	write_event(p, &event, KVS_PF_SLICE_BEGIN, uuid, begin);
	write_end(p, uuid, end);
}

/* A moment of its own, with an arrow that begins or ends there */
static void write_moment(struct perfetto *p, struct kvs_owner *o, unsigned int track,
			 const char *name, int64_t ns, uint64_t flow)
{
	Pf__TrackEvent event = PF__TRACK_EVENT__INIT;
	uint64_t uuid = kvs_owners_moments(&p->owners, o, track);

	event.name = (char *)name;
	event.n_flow_ids = track == KVS_TRACK_EXPIRY;
	event.flow_ids = &flow;
	event.n_terminating_flow_ids = track != KVS_TRACK_EXPIRY;
	event.terminating_flow_ids = &flow;
	write_event(p, &event, KVS_PF_INSTANT, uuid, ns);
}

static void take_timer(struct perfetto *p, const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_SPANS + KVS_SPAN_TIMER;
	int64_t expired = kvs_number_of(table, values, "expired_ns");
	struct kvs_owner *o = owner_of_row(p, values);
	uint64_t flow = new_flow(p);

	write_slice(p, table, values, 0);
	write_moment(p, o, KVS_TRACK_EXPIRY, "expiry", expired, flow);
	write_moment(p, o, KVS_TRACK_INJECTION, "injection", values[END].number, flow);
}

/* --- Who has a CPU, for Perfetto's own tables ----------------------------- */

static void take_task(struct perfetto *p, const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_SPANS + KVS_SPAN_TASK;
	const struct kvs_sched_task task = {
		.pid = kvs_number_of(table, values, "pid"),
		.prio = kvs_number_of(table, values, "prio"),
		.comm = kvs_cell_of(table, values, "comm")->text,
		.preempted = kvs_number_of(table, values, "preempted"),
	};

	kvs_sched_slice(&p->sched, &p->packets, values[CPU].number, &task,
			values[BEGIN].number, values[END].number);
}

static void take_thread_slice(struct perfetto *p, const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_SPANS + KVS_SPAN_SLICE;
	struct kvs_sched_task task = owner_of_row(p, values)->thread;
	const char *ended_by = kvs_cell_of(table, values, "ended_by")->text;

	task.preempted = ended_by && !strcmp(ended_by, "preempted");
	if (task.pid)
		kvs_sched_slice(&p->sched, &p->packets, values[CPU].number, &task,
				values[BEGIN].number, values[END].number);
}

static void take_wait(struct perfetto *p, const struct kvs_value_of *values)
{
	const struct kvs_owner *o = owner_of_row(p, values);

	if (o->thread.pid && !kvs_number_of(KVS_TABLE_SPANS + KVS_SPAN_WAIT, values, "preempted"))
		kvs_sched_wake(&p->packets, values[CPU].number, &o->thread, values[BEGIN].number);
}

/* --- The form ------------------------------------------------------------- */

static void take_row(void *ctx, unsigned int table, const struct kvs_value_of *values)
{
	struct perfetto *p = ctx;

	switch (table) {
	case KVS_TABLE_RECORDING:
		take_recording(p, values);
		return;
	case KVS_TABLE_VMS:
		kvs_owners_take_vm(&p->owners, values);
		return;
	case KVS_TABLE_VCPUS:
		kvs_owners_take_vcpu(&p->owners, values);
		return;
	case KVS_TABLE_LOSSES:
	case KVS_TABLE_IPIS:
	case KVS_TABLE_SPANS + KVS_SPAN_ACCEPT:
		return;
	case KVS_TABLE_GUEST_TASKS:
		take_guest_task(p, values);
		return;
	case KVS_TABLE_SPANS + KVS_SPAN_TASK:
		take_task(p, values);
		return;
	case KVS_TABLE_SPANS + KVS_SPAN_PIECE:
		take_piece(p, values);
		return;
	case KVS_TABLE_SPANS + KVS_SPAN_TIMER:
		take_timer(p, values);
		return;
	case KVS_TABLE_SPANS + KVS_SPAN_SLICE:
		if (!p->has_tasks)
			take_thread_slice(p, values);
		break;
	case KVS_TABLE_SPANS + KVS_SPAN_WAIT:
		take_wait(p, values);
		break;
	}
	write_slice(p, table, values, 0);
}

static bool finish(void *ctx, bool keep)
{
	struct perfetto *p = ctx;
	bool ok;

	kvs_sched_end(&p->sched, &p->packets);
	ok = kvs_packets_close(&p->packets, keep);
	kvs_owners_free(&p->owners);
	free(p);
	return ok;
}

static void *create(const char *path, const uint64_t *rows)
{
	struct perfetto *p = xcalloc(1, sizeof(*p));

	if (!kvs_packets_open(&p->packets, path)) {
		kvs_packets_close(&p->packets, false);
		free(p);
		return NULL;
	}
	p->owners.packets = &p->packets;
	p->has_tasks = rows[KVS_TABLE_SPANS + KVS_SPAN_TASK];
	for (unsigned int i = KVS_TABLE_SPANS; i < TABLES; i++) {
		const char *column = kvs_track_of(i)->named_by;

		p->named_by[i] = column ? kvs_export_column(i, column) : -1;
	}
	write_names(p);
	return p;
}

/*
 * As found in traces of many rows: SLICE_BYTES, and 4 for a number and 14 for a name beside
 * the slice.  Some slices of guests' tasks have their CPU.
 */
static uint64_t size(const uint64_t *rows)
{
	uint64_t bytes = rows[KVS_TABLE_GUEST_TASKS] * (SLICE_BYTES + 4);

	for (unsigned int i = KVS_TABLE_SPANS; i < TABLES; i++) {
		const struct kvs_column *c = kvs_export_table(i)->columns + COMMON;
		uint64_t row = SLICE_BYTES;

		if (i == KVS_TABLE_SPANS + KVS_SPAN_ACCEPT)
			continue;
		for (; c->type; c++)
			row += c->type == KVS_COLUMN_TEXT ? 14 : 4;
		bytes += rows[i] * row;
	}
	return bytes;
}

const struct kvs_form kvs_form_perfetto = {
	.create = create, .row = take_row, .finish = finish, .size = size,
};
