/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record --stop-on: looks at the records of a flight recorder while it runs,
 * until a moment comes that is as bad as what is waited for.
 *
 * What a wait, a late timer, a slow interrupt or a costly exit is, decides the
 * model that reports are made of, so that live and later they are the same.
 */
#ifndef KVMSCHED_WATCH_H
#define KVMSCHED_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/worst.h"
#include "trace/dat.h"

/* By kind of moment: a longer one ends the recording; 0: none of that kind does */
struct kvs_watch_limits {
	uint64_t ns[KVS_MOMENT_KINDS];
};

/*
 * "wait>500us,timer>1ms" on top of what is in @limits, a struct kvs_watch_limits.  NULL, or
 * a sentence that says what is wrong with it; the caller frees it.
 */
char *kvs_watch_take(void *limits, const char *text);

/* Classes that these need, and those that are wanted on top to name a thief */
uint32_t kvs_watch_classes(const struct kvs_watch_limits *limits, uint32_t *wanted);

struct kvmsched_info;
struct kvs_watch;

struct kvs_watch *kvs_watch_new(const struct kvs_watch_limits *limits,
				const struct kvs_dat_system *events,
				const struct kvmsched_info *info);
void kvs_watch_free(struct kvs_watch *w);

/*
 * The next pages of a CPU, @size bytes in all; copied.  @pages need not be aligned, and may be
 * NULL where @size is 0.  The last page may be cut: its records count as far as they are there.
 */
void kvs_watch_pages(struct kvs_watch *w, unsigned int cpu, const void *pages, size_t size);

/*
 * Look at all records up to @until, in the order of time; later ones of some
 * CPU may still come.  True: what was waited for has happened.
 */
bool kvs_watch_look(struct kvs_watch *w, uint64_t until);

/* What the VMs of the records are called; the names stay valid as long as @w is. */
void kvs_watch_name_vms(struct kvs_watch *w, const struct kvs_dat_guest *guests, size_t nr);

/*
 * What happened, in words, the caller's to free; and since when, in cycles.
 * NULL: nothing did.
 */
char *kvs_watch_sentence(struct kvs_watch *w, uint64_t *since);

#endif /* KVMSCHED_WATCH_H */
