/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of threads, for the cmdlines of a trace.dat.
 */
#ifndef KVMSCHED_COMMS_H
#define KVMSCHED_COMMS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "trace/dat.h"

struct kvs_comms;

struct kvs_comms *kvs_comms_new(void);
void kvs_comms_free(struct kvs_comms *comms);

/* A name for a pid that has none yet; what records tell later counts more. */
void kvs_comms_add(struct kvs_comms *comms, pid_t pid, const char *comm);

/* Whether there is a name for @pid */
bool kvs_comms_has(const struct kvs_comms *comms, pid_t pid);

void kvs_comms_merge(struct kvs_comms *comms, const struct kvs_comms *from);

/* All threads of the host as /proc has them now. */
void kvs_comms_add_proc(struct kvs_comms *comms);

/*
 * Names within records: whoever ended before the recording did is gone from
 * /proc.  @sys tells the ids of the events; data are pages of a ring.  This
 * runs for everything that is recorded: ten instructions for a record without
 * a name, and a look into a table for one with a name.  Returns how many records
 * there are.
 */
void kvs_comms_set_events(struct kvs_comms *comms, const struct kvs_dat_system *sys);
/* Whoever wants the records that tell of vCPUs; @guests outlives @comms. */
struct kvs_guests;
void kvs_comms_set_guests(struct kvs_comms *comms, struct kvs_guests *guests);
size_t kvs_comms_add_pages(struct kvs_comms *comms, const void *data, size_t size);

/* Lines "PID COMM", as many as fit into @room bytes with the NUL. */
char *kvs_comms_text(const struct kvs_comms *comms, size_t room);

#endif /* KVMSCHED_COMMS_H */
