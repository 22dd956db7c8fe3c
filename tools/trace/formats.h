/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_FORMATS_H
#define KVMSCHED_FORMATS_H

#include "trace/dat.h"

/*
 * Read the `format` files of an event system, DIR/SYSTEM/EVENT/format, from the events
 * directory of tracefs or from one of the same structure.  They are ordered by the
 * events' names.  @system must stay valid as long as @sys.  Returns 0, or -1 with errno
 * set; ENOENT means that there is no such system, or that it has no event.
 */
int kvs_formats_read(const char *dir, const char *system, struct kvs_dat_system *sys);
void kvs_formats_free(struct kvs_dat_system *sys);

/* The id of an event, which its records have in common_type; -1 if it isn't there */
int kvs_formats_id(const struct kvs_dat_system *sys, const char *event);

#endif /* KVMSCHED_FORMATS_H */
