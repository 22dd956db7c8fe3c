/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_FORMATS_H
#define KVMSCHED_FORMATS_H

#include "trace/dat.h"

/*
 * The `format` files of an event system, from the events directory of tracefs
 * or one laid out like it: DIR/SYSTEM/EVENT/format, in the order of the events'
 * names.  -1 with errno set; ENOENT: there is no such system or no event in it.
 */
int kvs_formats_read(const char *dir, const char *system, struct kvs_dat_system *sys);
void kvs_formats_free(struct kvs_dat_system *sys);

/* An event's id, as its records have it in common_type; -1: not there. */
int kvs_formats_id(const struct kvs_dat_system *sys, const char *event);

#endif /* KVMSCHED_FORMATS_H */
