// SPDX-License-Identifier: GPL-2.0-only
/*
 * An export as a trace for Perfetto.
 *
 * A row becomes a slice: two packets, for its begin and its end.  Slices of one track lie
 * within each other or apart, so a row that overlaps those before it gets a further track
 * of the same name.  Rows come in the order of their ends, and are written at once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "export/form.h"
#include "export/packets.h"
#include "export/tracks.h"
#include "model/spans.h"

#define TABLES	(KVS_TABLE_SPANS + KVS_SPAN_KINDS)	/* that can be slices */

/* Kinds of tracks: each kind of span has one, by its number; these follow, without a table. */
enum {
	TRACK_EXPIRY = KVS_SPAN_KINDS,	/* of a vCPU: its timer expires */
	TRACK_INJECTION,		/* ... and its interrupt is injected */
	TRACK_HELD,			/* of a CPU: who had it, while a vCPU waited */
	TRACKS
};

static const char *const more_tracks[] = {
	"timer: expiry", "timer: injection", "had by, while vCPUs waited",
};

/* Tracks of one name: a slice that overlaps with those of one lane goes to the next lane. */
struct lanes {
	struct lane {
		uint64_t uuid;
		int64_t end;		/* of its last slice */
	} *lanes;
	unsigned int nr;
};

/* Who has tracks: a vCPU, or a CPU of the host */
struct owner {
	uint64_t parent;		/* the track of its process; 0: not known */
	char *label;
	/* Of a vCPU's thread */
	struct kvs_sched_task thread;
	char *comm;
	struct lanes tracks[TRACKS];
};

struct owners {
	struct owner *owners;
	unsigned int nr;
};

struct vm {
	int64_t pid, number;	/* @pid 0: not known */
	char *name;
};

struct perfetto {
	struct kvs_packets packets;
	struct kvs_sched sched;
	struct owners vcpus, cpus;	/* by their keys, and their numbers */
	struct vm *vms;			/* by their keys */
	unsigned int nr_vms;
	uint64_t nr_tracks, nr_flows;
	bool has_tasks;		/* they tell who has a CPU; else vCPUs' slices do */
	int named_by[TABLES];	/* the column that names a slice; -1: none */
	uint64_t names[TABLES][KVS_EXPORT_COLUMNS];	/* of columns, interned */
};

/* Columns that each table of spans begins with: see tables.c. */
enum { VCPU, CPU, BEGIN, END, LENGTH, GAP, OPEN, COMMON };

static struct owner *owner_of(struct owners *o, uint64_t key)
{
	o->owners = xgrow(o->owners, &o->nr, key, sizeof(*o->owners));
	return &o->owners[key];
}

static const struct kvs_value_of *cell(unsigned int table, const struct kvs_value_of *values,
				       const char *column)
{
	return &values[kvs_export_column(table, column)];
}

static int64_t number(unsigned int table, const struct kvs_value_of *values, const char *column)
{
	const struct kvs_value_of *v = cell(table, values, column);

	return v->null ? 0 : v->number;
}

/* --- What there is ------------------------------------------------------ */

static void write_track(struct perfetto *p, Pf__TrackDescriptor *track, uint64_t uuid)
{
	Pf__TracePacket packet = PF__TRACE_PACKET__INIT;

	track->has_uuid = true;
	track->uuid = uuid;
	packet.track_descriptor = track;
	kvs_packets_write(&p->packets, &packet);
}

static uint64_t new_track(struct perfetto *p)
{
	return KVS_PF_OURS + ++p->nr_tracks;
}

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
	const bool boot = !cell(KVS_TABLE_RECORDING, values, "begin_boottime_ns")->null;
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
		const struct kvs_value_of *value = cell(KVS_TABLE_RECORDING, values, all[i].column);

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
	const struct kvs_value_of *monotonic = cell(KVS_TABLE_RECORDING, values,
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

/* A process has one track, with a number that tells which it is. */
static uint64_t process_track(int64_t pid)
{
	return pid ? (KVS_PF_OURS + (uint64_t)pid) << 24 : 0;
}

static void take_vm(struct perfetto *p, const struct kvs_value_of *values)
{
	uint64_t key = number(KVS_TABLE_VMS, values, "vm");
	const char *name = cell(KVS_TABLE_VMS, values, "name")->text;
	Pf__ProcessDescriptor process = PF__PROCESS_DESCRIPTOR__INIT;
	Pf__TrackDescriptor track = PF__TRACK_DESCRIPTOR__INIT;

	p->vms = xgrow(p->vms, &p->nr_vms, key, sizeof(*p->vms));
	p->vms[key].pid = number(KVS_TABLE_VMS, values, "pid");
	p->vms[key].number = number(KVS_TABLE_VMS, values, "number");
	if (!p->vms[key].pid)
		return;
	process.has_pid = true;
	process.pid = p->vms[key].pid;
	process.process_name = (char *)name;
	track.process = &process;
	write_track(p, &track, process_track(process.pid));
}

/* As the kernel has it: tasks of real-time priority are below 100. */
static int64_t priority_of(const struct kvs_value_of *values)
{
	int64_t real_time = number(KVS_TABLE_VCPUS, values, "priority");

	if (cell(KVS_TABLE_VCPUS, values, "priority")->null)
		return 0;
	return real_time ? 99 - real_time : 120 + number(KVS_TABLE_VCPUS, values, "nice");
}

static char *label_of(const struct vm *vm, int64_t key, int64_t vcpu_id)
{
	if (!vm->pid)
		return xasprintf("vm %lld? vCPU %lld", (long long)key, (long long)vcpu_id);
	if (vm->number)
		return xasprintf("VM %lld vCPU %lld", (long long)vm->number, (long long)vcpu_id);
	return xasprintf("vCPU %lld", (long long)vcpu_id);
}

static void take_vcpu(struct perfetto *p, const struct kvs_value_of *values)
{
	struct owner *o = owner_of(&p->vcpus, number(KVS_TABLE_VCPUS, values, "vcpu"));
	int64_t key = number(KVS_TABLE_VCPUS, values, "vm");
	const char *comm = cell(KVS_TABLE_VCPUS, values, "comm")->text;
	Pf__ThreadDescriptor thread = PF__THREAD_DESCRIPTOR__INIT;
	Pf__TrackDescriptor track = PF__TRACK_DESCRIPTOR__INIT;

	o->parent = process_track(p->vms[key].pid);
	o->label = label_of(&p->vms[key], key, number(KVS_TABLE_VCPUS, values, "vcpu_id"));
	o->comm = comm ? xstrdup(comm) : NULL;
	o->thread = (struct kvs_sched_task){
		.pid = number(KVS_TABLE_VCPUS, values, "tid"), .prio = priority_of(values),
		.comm = o->comm,
	};
	if (!o->parent || !o->thread.pid)
		return;
	thread.has_pid = thread.has_tid = true;
	thread.pid = p->vms[key].pid;
	thread.tid = o->thread.pid;
	thread.thread_name = o->comm;
	track.thread = &thread;
	write_track(p, &track, new_track(p));
}

/* --- Slices -------------------------------------------------------------- */

static const char *track_name(unsigned int track)
{
	return track < KVS_SPAN_KINDS ? kvs_track_of(KVS_TABLE_SPANS + track)->name :
					more_tracks[track - KVS_SPAN_KINDS];
}

static struct lane *new_lane(struct perfetto *p, const struct owner *o, struct lanes *l,
			     const char *name)
{
	Pf__TrackDescriptor track = PF__TRACK_DESCRIPTOR__INIT;

	l->lanes = xrealloc(l->lanes, (l->nr + 1) * sizeof(*l->lanes));
	l->lanes[l->nr].uuid = new_track(p);
	track.name = xasprintf("%s %s", o->label, name);
	track.has_parent_uuid = o->parent;
	track.parent_uuid = o->parent;
	write_track(p, &track, l->lanes[l->nr].uuid);
	free(track.name);
	return &l->lanes[l->nr++];
}

/* The first track of this name whose last slice ended before this slice begins */
static uint64_t lane_for(struct perfetto *p, struct owner *o, unsigned int track,
			 int64_t begin, int64_t end)
{
	struct lanes *l = &o->tracks[track];
	struct lane *lane = NULL;

	for (unsigned int i = 0; i < l->nr && !lane; i++)
		if (l->lanes[i].end <= begin)
			lane = &l->lanes[i];
	if (!lane)
		lane = new_lane(p, o, l, track_name(track));
	lane->end = end;
	return lane->uuid;
}

static struct owner *cpu_of(struct perfetto *p, int64_t cpu)
{
	struct owner *o = owner_of(&p->cpus, cpu);

	if (!o->label)
		o->label = xasprintf("CPU %lld", (long long)cpu);
	return o;
}

/* A vCPU's rows are its own; others are of the CPU where they were. */
static struct owner *owner_of_row(struct perfetto *p, const struct kvs_value_of *values)
{
	return values[VCPU].null ? cpu_of(p, values[CPU].number) :
				   owner_of(&p->vcpus, values[VCPU].number);
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
	uint64_t uuid = lane_for(p, owner_of_row(p, values), table - KVS_TABLE_SPANS, begin, end);

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
	uuid = lane_for(p, cpu_of(p, values[CPU].number), TRACK_HELD, begin, end);
	event.name = (char *)kvs_slice_name(text, table, p->named_by[table], values);
	event.n_terminating_flow_ids = 1;
	event.terminating_flow_ids = &flow;
	write_event(p, &event, KVS_PF_SLICE_BEGIN, uuid, begin);
	write_end(p, uuid, end);
}

/* A moment of its own, with an arrow that begins or ends there */
static void write_moment(struct perfetto *p, struct owner *o, unsigned int track,
			 const char *name, int64_t ns, uint64_t flow)
{
	Pf__TrackEvent event = PF__TRACK_EVENT__INIT;
	uint64_t uuid = o->tracks[track].nr ? o->tracks[track].lanes[0].uuid :
			new_lane(p, o, &o->tracks[track], track_name(track))->uuid;

	event.name = (char *)name;
	event.n_flow_ids = track == TRACK_EXPIRY;
	event.flow_ids = &flow;
	event.n_terminating_flow_ids = track != TRACK_EXPIRY;
	event.terminating_flow_ids = &flow;
	write_event(p, &event, KVS_PF_INSTANT, uuid, ns);
}

static void take_timer(struct perfetto *p, const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_SPANS + KVS_SPAN_TIMER;
	int64_t expired = number(table, values, "expired_ns");
	struct owner *o = owner_of_row(p, values);
	uint64_t flow = new_flow(p);

	write_slice(p, table, values, 0);
	write_moment(p, o, TRACK_EXPIRY, "expiry", expired, flow);
	write_moment(p, o, TRACK_INJECTION, "injection", values[END].number, flow);
}

/* --- Who has a CPU, for Perfetto's own tables ----------------------------- */

static void take_task(struct perfetto *p, const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_SPANS + KVS_SPAN_TASK;
	const struct kvs_sched_task task = {
		.pid = number(table, values, "pid"), .prio = number(table, values, "prio"),
		.comm = cell(table, values, "comm")->text,
		.preempted = number(table, values, "preempted"),
	};

	kvs_sched_slice(&p->sched, &p->packets, values[CPU].number, &task,
			values[BEGIN].number, values[END].number);
}

static void take_thread_slice(struct perfetto *p, const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_SPANS + KVS_SPAN_SLICE;
	struct kvs_sched_task task = owner_of_row(p, values)->thread;
	const char *ended_by = cell(table, values, "ended_by")->text;

	task.preempted = ended_by && !strcmp(ended_by, "preempted");
	if (task.pid)
		kvs_sched_slice(&p->sched, &p->packets, values[CPU].number, &task,
				values[BEGIN].number, values[END].number);
}

static void take_wait(struct perfetto *p, const struct kvs_value_of *values)
{
	const struct owner *o = owner_of_row(p, values);

	if (o->thread.pid && !number(KVS_TABLE_SPANS + KVS_SPAN_WAIT, values, "preempted"))
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
		take_vm(p, values);
		return;
	case KVS_TABLE_VCPUS:
		take_vcpu(p, values);
		return;
	case KVS_TABLE_LOSSES:
	case KVS_TABLE_IPIS:
	case KVS_TABLE_SPANS + KVS_SPAN_ACCEPT:
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

static void free_owners(struct owners *o)
{
	for (unsigned int i = 0; i < o->nr; i++) {
		for (unsigned int k = 0; k < TRACKS; k++)
			free(o->owners[i].tracks[k].lanes);
		free(o->owners[i].label);
		free(o->owners[i].comm);
	}
	free(o->owners);
}

static bool finish(void *ctx, bool keep)
{
	struct perfetto *p = ctx;
	bool ok;

	kvs_sched_end(&p->sched, &p->packets);
	ok = kvs_packets_close(&p->packets, keep);
	free_owners(&p->vcpus);
	free_owners(&p->cpus);
	free(p->vms);
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
	p->has_tasks = rows[KVS_TABLE_SPANS + KVS_SPAN_TASK];
	for (unsigned int i = KVS_TABLE_SPANS; i < TABLES; i++) {
		const char *column = kvs_track_of(i)->named_by;

		p->named_by[i] = column ? kvs_export_column(i, column) : -1;
	}
	write_names(p);
	return p;
}

/* As found in traces of many rows: 70 bytes a slice, 4 a number and 14 a name beside it */
static uint64_t size(const uint64_t *rows)
{
	uint64_t bytes = 0;

	for (unsigned int i = KVS_TABLE_SPANS; i < TABLES; i++) {
		const struct kvs_column *c = kvs_export_table(i)->columns + COMMON;
		uint64_t row = 70;

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
