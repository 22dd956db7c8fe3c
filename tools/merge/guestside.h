/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's own trace: its file, and the time stamps of its events.
 */
#ifndef KVMSCHED_GUESTSIDE_H
#define KVMSCHED_GUESTSIDE_H

#include "trace/parts.h"

/* Time stamps of one guest CPU's events */
struct kvs_times_of_cpu {
	u64 *at;
	size_t nr, room;
};

struct kvs_guest_side {
	const char *path;		/* as the user wrote it */
	struct kvs_parts *parts;
	struct kvs_times_of_cpu *cpus;	/* @parts->cpus of them */
	u64 events;			/* of all CPUs */
};

/*
 * False after a message: the file can't be read, its clock isn't the TSC, or it holds no
 * event.  @file is the version 6 of it; it must stay valid, as @path.
 */
bool kvs_guest_side_read(struct kvs_guest_side *g, const char *file, const char *path);
void kvs_guest_side_free(struct kvs_guest_side *g);

#endif /* KVMSCHED_GUESTSIDE_H */
