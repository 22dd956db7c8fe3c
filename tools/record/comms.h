/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of threads, for the cmdlines of a trace.dat.
 */
#ifndef KVMSCHED_COMMS_H
#define KVMSCHED_COMMS_H

#include <stddef.h>
#include <sys/types.h>

#include "trace/dat.h"

struct comms;

struct comms *comms_new(void);
void comms_free(struct comms *comms);

/* The first name that a pid is given stays. */
void comms_add(struct comms *comms, pid_t pid, const char *comm);

void comms_merge(struct comms *comms, const struct comms *from);

/* All threads of the host as /proc has them now. */
void comms_add_proc(struct comms *comms);

/*
 * Names within records: whoever ended before the recording did is gone from
 * /proc.  @sys tells the ids of the events; data are pages of a ring.  This
 * runs for everything that is recorded: ten instructions for a record without
 * a name, or with a known one.  Returns how many records there are.
 */
void comms_set_events(struct comms *comms, const struct dat_system *sys);
size_t comms_add_pages(struct comms *comms, const void *data, size_t size);

/* Lines "PID COMM", as many as fit into @room bytes with the NUL. */
char *comms_text(const struct comms *comms, size_t room);

#endif /* KVMSCHED_COMMS_H */
