// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has tracks in a trace for Perfetto; see owners.h.
 *
 * Slices of one track lie within each other or apart, so a slice that overlaps those before
 * it gets a further track of the same name.  A track is described before its first slice.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "export/owners.h"
#include "export/tracks.h"

#define PREFIX_LEN	32
#define IDLE_PID	0	/* of the idle tasks of all CPUs of a guest */

static const char *const more_tracks[] = {
	"timer: expiry", "timer: injection", "had by, while vCPUs waited",
};

static struct kvs_owner *owner_of(struct kvs_owner_list *list, uint64_t key)
{
	list->owners = xgrow(list->owners, &list->nr, key, sizeof(*list->owners));
	return &list->owners[key];
}

static void write_track(struct kvs_owners *o, Pf__TrackDescriptor *track, uint64_t uuid)
{
	Pf__TracePacket packet = PF__TRACE_PACKET__INIT;

	track->has_uuid = true;
	track->uuid = uuid;
	packet.track_descriptor = track;
	kvs_packets_write(o->packets, &packet);
}

static uint64_t new_track(struct kvs_owners *o)
{
	return KVS_PF_OURS + ++o->nr_tracks;
}

/* --- VMs and vCPUs -------------------------------------------------------- */

/* A process has one track, with a number that tells which it is. */
static uint64_t process_track(int64_t pid)
{
	return pid ? (KVS_PF_OURS + (uint64_t)pid) << 24 : 0;
}

void kvs_owners_take_vm(struct kvs_owners *o, const struct kvs_value_of *values)
{
	uint64_t key = kvs_number_of(KVS_TABLE_VMS, values, "vm");
	const char *name = kvs_cell_of(KVS_TABLE_VMS, values, "name")->text;
	Pf__ProcessDescriptor process = PF__PROCESS_DESCRIPTOR__INIT;
	Pf__TrackDescriptor track = PF__TRACK_DESCRIPTOR__INIT;

	o->vms = xgrow(o->vms, &o->nr_vms, key, sizeof(*o->vms));
	o->vms[key].pid = kvs_number_of(KVS_TABLE_VMS, values, "pid");
	o->vms[key].number = kvs_number_of(KVS_TABLE_VMS, values, "number");
	if (!o->vms[key].pid)
		return;
	process.has_pid = true;
	process.pid = o->vms[key].pid;
	process.process_name = (char *)name;
	track.process = &process;
	write_track(o, &track, process_track(process.pid));
}

/* As the kernel has it: tasks of real-time priority are below 100. */
static int64_t priority_of(const struct kvs_value_of *values)
{
	int64_t real_time = kvs_number_of(KVS_TABLE_VCPUS, values, "priority");

	if (kvs_cell_of(KVS_TABLE_VCPUS, values, "priority")->null)
		return 0;
	return real_time ? 99 - real_time : 120 + kvs_number_of(KVS_TABLE_VCPUS, values, "nice");
}

/* What names of tracks begin with where the process does not tell which VM's they are */
static const char *prefix_of(char text[PREFIX_LEN], const struct kvs_owners *o, int64_t key)
{
	const struct kvs_owner_vm *vm = &o->vms[key];

	*text = '\0';
	if (!vm->pid)
		snprintf(text, PREFIX_LEN, "vm %" PRId64 "? ", key);
	else if (vm->number)
		snprintf(text, PREFIX_LEN, "VM %" PRId64 " ", vm->number);
	return text;
}

void kvs_owners_take_vcpu(struct kvs_owners *o, const struct kvs_value_of *values)
{
	struct kvs_owner *v = kvs_owners_vcpu(o, kvs_number_of(KVS_TABLE_VCPUS, values, "vcpu"));
	int64_t key = kvs_number_of(KVS_TABLE_VCPUS, values, "vm");
	const char *comm = kvs_cell_of(KVS_TABLE_VCPUS, values, "comm")->text;
	Pf__ThreadDescriptor thread = PF__THREAD_DESCRIPTOR__INIT;
	Pf__TrackDescriptor track = PF__TRACK_DESCRIPTOR__INIT;
	char prefix[PREFIX_LEN];

	v->parent = process_track(o->vms[key].pid);
	v->label = xasprintf("%svCPU %" PRId64, prefix_of(prefix, o, key),
			     kvs_number_of(KVS_TABLE_VCPUS, values, "vcpu_id"));
	v->comm = comm ? xstrdup(comm) : NULL;
	v->thread = (struct kvs_sched_task){
		.pid = kvs_number_of(KVS_TABLE_VCPUS, values, "tid"), .prio = priority_of(values),
		.comm = v->comm,
	};
	if (!v->parent || !v->thread.pid)
		return;
	thread.has_pid = thread.has_tid = true;
	thread.pid = o->vms[key].pid;
	thread.tid = v->thread.pid;
	thread.thread_name = v->comm;
	track.thread = &thread;
	write_track(o, &track, new_track(o));
}

struct kvs_owner *kvs_owners_vcpu(struct kvs_owners *o, int64_t key)
{
	return owner_of(&o->vcpus, key);
}

struct kvs_owner *kvs_owners_cpu(struct kvs_owners *o, int64_t cpu)
{
	struct kvs_owner *owner = owner_of(&o->cpus, cpu);

	if (!owner->label)
		owner->label = xasprintf("CPU %lld", (long long)cpu);
	return owner;
}

/* --- Their tracks ---------------------------------------------------------- */

static struct kvs_owner_lane *new_lane(struct kvs_owners *o, struct kvs_owner_lanes *l, uint64_t parent,
				 const char *name)
{
	Pf__TrackDescriptor track = PF__TRACK_DESCRIPTOR__INIT;

	l->lanes = xrealloc(l->lanes, (l->nr + 1) * sizeof(*l->lanes));
	l->lanes[l->nr].uuid = new_track(o);
	track.name = (char *)name;
	track.has_parent_uuid = parent;
	track.parent_uuid = parent;
	write_track(o, &track, l->lanes[l->nr].uuid);
	return &l->lanes[l->nr++];
}

static struct kvs_owner_lane *new_lane_of(struct kvs_owners *o, struct kvs_owner *owner,
				    unsigned int track)
{
	const char *kind = track < KVS_SPAN_KINDS ? kvs_track_of(KVS_TABLE_SPANS + track)->name :
						    more_tracks[track - KVS_SPAN_KINDS];
	char *name = xasprintf("%s %s", owner->label, kind);
	struct kvs_owner_lane *lane = new_lane(o, &owner->tracks[track], owner->parent, name);

	free(name);
	return lane;
}

/*
 * The first one whose last slice ended before @begin; NULL: none.  A guest's own words may
 * make any number of lanes, so not each row looks at all of them.
 */
static struct kvs_owner_lane *free_lane(struct kvs_owner_lanes *l, int64_t begin)
{
	int64_t soonest = INT64_MAX;

	if (begin < l->soonest)
		return NULL;
	for (unsigned int i = 0; i < l->nr; i++) {
		if (l->lanes[i].end <= begin)
			return &l->lanes[i];
		if (l->lanes[i].end < soonest)
			soonest = l->lanes[i].end;
	}
	l->soonest = soonest;
	return NULL;
}

/* A slice that ends at @end goes to the lane, which may be a new one. */
static uint64_t use_lane(struct kvs_owner_lanes *l, struct kvs_owner_lane *lane, int64_t end)
{
	lane->end = end;
	if (end < l->soonest)
		l->soonest = end;
	return lane->uuid;
}

uint64_t kvs_owners_track(struct kvs_owners *o, struct kvs_owner *owner, unsigned int track,
			  int64_t begin, int64_t end)
{
	struct kvs_owner_lane *lane = free_lane(&owner->tracks[track], begin);

	if (!lane)
		lane = new_lane_of(o, owner, track);
	return use_lane(&owner->tracks[track], lane, end);
}

uint64_t kvs_owners_moments(struct kvs_owners *o, struct kvs_owner *owner, unsigned int track)
{
	const struct kvs_owner_lanes *l = &owner->tracks[track];

	return l->nr ? l->lanes[0].uuid : new_lane_of(o, owner, track)->uuid;
}

static struct kvs_owner_lane *new_guest_lane(struct kvs_owners *o, struct kvs_owner_lanes *l,
				       const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_GUEST_TASKS;
	int64_t key = kvs_number_of(table, values, "vm"), pid = kvs_number_of(table, values, "pid");
	char prefix[PREFIX_LEN];
	struct kvs_owner_lane *lane;
	char *name;

	prefix_of(prefix, o, key);
	if (pid == IDLE_PID)
		name = xasprintf("%sguest CPU %" PRId64, prefix,
				 kvs_number_of(table, values, "cpu"));
	else
		name = xasprintf("%sguest task %s/%" PRId64, prefix,
				 kvs_cell_of(table, values, "comm")->text, pid);
	lane = new_lane(o, l, process_track(o->vms[key].pid), name);

	free(name);
	return lane;
}

/* Whose tracks a row belongs to: its task's, or, as idle tasks share a PID, its CPU's */
static uint64_t guest_key(const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_GUEST_TASKS;
	uint32_t pid = kvs_number_of(table, values, "pid");

	if (pid == IDLE_PID)
		pid = 1U << 31 | (uint32_t)kvs_number_of(table, values, "cpu");
	return (uint64_t)kvs_number_of(table, values, "vm") << 32 | pid;
}

/*
 * A guest may have many tasks, each of which has one kind of track.  Where a task was late its
 * rows overlap and are in no order: that row comes while the task runs, those of its wait and
 * its run when they are over.
 */
uint64_t kvs_owners_guest_track(struct kvs_owners *o, const struct kvs_value_of *values)
{
	const unsigned int table = KVS_TABLE_GUEST_TASKS;
	uint64_t key = guest_key(values);
	struct kvs_owner_lanes *l = kvs_table_get(&o->guest_tasks, key);
	struct kvs_owner_lane *lane;

	if (!l) {
		l = xcalloc(1, sizeof(*l));
		kvs_table_put(&o->guest_tasks, key, l);
	}
	lane = free_lane(l, kvs_number_of(table, values, "begin_ns"));
	if (!lane)
		lane = new_guest_lane(o, l, values);
	return use_lane(l, lane, kvs_number_of(table, values, "end_ns"));
}

static void free_guest_tasks(struct kvs_table *tasks)
{
	for (size_t i = 0; i < tasks->room; i++) {
		struct kvs_owner_lanes *l = tasks->slots[i].value;

		if (l)
			free(l->lanes);
		free(l);
	}
	kvs_table_free(tasks);
}

static void free_list(struct kvs_owner_list *list)
{
	for (unsigned int i = 0; i < list->nr; i++) {
		for (unsigned int k = 0; k < KVS_TRACKS; k++)
			free(list->owners[i].tracks[k].lanes);
		free(list->owners[i].label);
		free(list->owners[i].comm);
	}
	free(list->owners);
}

void kvs_owners_free(struct kvs_owners *o)
{
	free_list(&o->vcpus);
	free_list(&o->cpus);
	free_guest_tasks(&o->guest_tasks);
	free(o->vms);
}
