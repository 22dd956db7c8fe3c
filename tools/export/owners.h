/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has tracks in a trace for Perfetto, and which of them a slice goes to.
 */
#ifndef KVMSCHED_OWNERS_H
#define KVMSCHED_OWNERS_H

#include <stdint.h>

#include "base/table.h"
#include "export/packets.h"
#include "export/tables.h"
#include "model/spans.h"

/* Kinds of tracks: each kind of span has one, by its number; these follow, without a table. */
enum {
	KVS_TRACK_EXPIRY = KVS_SPAN_KINDS,	/* of a vCPU: its timer expires */
	KVS_TRACK_INJECTION,		/* ... and its interrupt is injected */
	KVS_TRACK_HELD,			/* of a CPU: who had it, while a vCPU waited */
	KVS_TRACKS
};

/* Tracks of one name: a slice that overlaps with those of one lane goes to the next lane. */
struct kvs_owner_lanes {
	struct kvs_owner_lane {
		uint64_t uuid;
		int64_t end;		/* of its last slice */
	} *lanes;
	unsigned int nr;
	int64_t soonest;		/* no lane's last slice ends before */
};

/* A vCPU, or a CPU of the host */
struct kvs_owner {
	uint64_t parent;		/* the track of its process; 0: not known */
	char *label;
	/* Of a vCPU's thread */
	struct kvs_sched_task thread;
	char *comm;
	struct kvs_owner_lanes tracks[KVS_TRACKS];
};

/* The caller sets @packets; all else begins as zeroes. */
struct kvs_owners {
	struct kvs_packets *packets;	/* where tracks are described */
	struct kvs_owner_list {
		struct kvs_owner *owners;
		unsigned int nr;
	} vcpus, cpus;			/* by their keys, and their numbers */
	struct kvs_owner_vm {
		int64_t pid, number;	/* @pid 0: not known */
	} *vms;				/* by their keys */
	unsigned int nr_vms;
	struct kvs_table guest_tasks;	/* struct kvs_owner_lanes, by VM and PID */
	uint64_t nr_tracks;
};

/* A row of table vms becomes a process; one of vcpus, which come later, a thread of it. */
void kvs_owners_take_vm(struct kvs_owners *o, const struct kvs_value_of *values);
void kvs_owners_take_vcpu(struct kvs_owners *o, const struct kvs_value_of *values);
/* By a vCPU's key, and by a CPU's number; valid until the next call of any of these */
struct kvs_owner *kvs_owners_vcpu(struct kvs_owners *o, int64_t key);
struct kvs_owner *kvs_owners_cpu(struct kvs_owners *o, int64_t cpu);
/* The number of the track to which a slice of @owner goes, which is told its times */
uint64_t kvs_owners_track(struct kvs_owners *o, struct kvs_owner *owner, unsigned int track,
			  int64_t begin, int64_t end);
/* That of moments, which need no room: any number of them fit on one track. */
uint64_t kvs_owners_moments(struct kvs_owners *o, struct kvs_owner *owner, unsigned int track);
/* That of a row of table guest_tasks, which is told as well; its VM was taken. */
uint64_t kvs_owners_guest_track(struct kvs_owners *o, const struct kvs_value_of *values);
/* Frees what @o holds. */
void kvs_owners_free(struct kvs_owners *o);

#endif /* KVMSCHED_OWNERS_H */
