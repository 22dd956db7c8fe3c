/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMs that a recording meets, and what they are called.
 *
 * The module knows no names, and who reads the recording may be on another machine, or
 * look at it when the VM is gone.  So the recorder asks /proc as soon as a record tells
 * of a VM, and the name goes into the file's header.
 */
#ifndef KVMSCHED_GUESTS_H
#define KVMSCHED_GUESTS_H

#include <stddef.h>

#include "trace/dat.h"

struct kvs_comms;
struct kvs_guests;

struct kvs_guests *kvs_guests_new(const struct kvs_dat_system *events);
/* @g may be NULL. */
void kvs_guests_free(struct kvs_guests *g);

/* Adds the vCPU, and its VM, of a record of event kvmsched_vcpu, as the ring has it. */
void kvs_guests_add_vcpu(struct kvs_guests *g, const void *record, size_t size);

/*
 * Names those that /proc had no name for, as they had ended before it was asked: unless
 * @comms, which the file gets as well, has the name of their process, by the thread of
 * their first vCPU.  Such a name says so itself.  For the end of a recording.
 */
#define KVS_THREADS_NAME	"thread "
void kvs_guests_name_rest(struct kvs_guests *g, const struct kvs_comms *comms);

/*
 * Those whose name is known, as many as fit into @room bytes of a header; @nr is how many.
 * The caller frees the array, but not what it points to, which lives as long as @g.
 */
struct kvs_dat_guest *kvs_guests_named(const struct kvs_guests *g, size_t room, size_t *nr);

#endif /* KVMSCHED_GUESTS_H */
