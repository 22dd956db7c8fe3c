/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of a Perfetto trace: a sequence of packets.
 */
#ifndef KVMSCHED_PACKETS_H
#define KVMSCHED_PACKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "export/perfetto.pb-c.h"
#include "export/tables.h"

/* The values of fields that are enums in Perfetto */
enum {
	KVS_PF_SLICE_BEGIN = 1, KVS_PF_SLICE_END = 2, KVS_PF_INSTANT = 3,
	KVS_PF_FORGET = 1, KVS_PF_NEEDS_NAMES = 2,
	KVS_PF_REALTIME = 1, KVS_PF_MONOTONIC = 3, KVS_PF_BOOTTIME = 6, KVS_PF_TSC = 9,
	KVS_PF_CLOCKS = 4,	/* number of the clocks above */
};

/*
 * Numbers of tracks, and of who wrote a packet, must not be those of others, since two
 * traces can be joined.  Others begin at 1, or take 64 random bits.
 */
#define KVS_PF_OURS		0x6b766d

struct kvs_packets {
	char *path, *part;	/* of the result, and of the file until then */
	FILE *file;
	uint8_t *buffer;	/* for one packet */
	size_t room;
	bool failed;		/* a message was printed */
	uint64_t base_ns;	/* the trace's clock when the recording began */
};

/* False after a message; kvs_packets_close() is needed in either case. */
bool kvs_packets_open(struct kvs_packets *p, const char *path);
/* @packet becomes one of ours, and is written. */
void kvs_packets_write(struct kvs_packets *p, Pf__TracePacket *packet);
/* If not @keep, or after a message, nothing is left of the file. */
bool kvs_packets_close(struct kvs_packets *p, bool keep);

/* A time of the tables in the trace's clock, which has no negative times */
static inline uint64_t kvs_packets_time(const struct kvs_packets *p, int64_t ns)
{
	return ns < 0 && -(uint64_t)ns > p->base_ns ? 0 : p->base_ns + ns;
}

/* sched.c: who has each CPU of the host, as switches and wakeups that Perfetto knows */

struct kvs_sched_task {
	int64_t pid, prio;
	const char *comm;	/* valid during the call; NULL: not known */
	bool preempted;		/* at its end: it could have gone on */
};

struct kvs_sched {
	struct kvs_sched_cpu {
		int64_t until;		/* all before it is written */
		int64_t pid, prio;	/* who had the CPU last; 0: nobody that is known */
		bool preempted;
		char comm[64];
	} *cpus;
	unsigned int nr;
};

/* @task had @cpu from @begin to @end.  Calls for one CPU come in the order of time. */
void kvs_sched_slice(struct kvs_sched *s, struct kvs_packets *p, int64_t cpu,
		     const struct kvs_sched_task *task, int64_t begin, int64_t end);
/* @task was woken. */
void kvs_sched_wake(struct kvs_packets *p, int64_t cpu, const struct kvs_sched_task *task,
		    int64_t ns);
/* Who had a CPU last leaves it; frees what @s holds. */
void kvs_sched_end(struct kvs_sched *s, struct kvs_packets *p);

#endif /* KVMSCHED_PACKETS_H */
