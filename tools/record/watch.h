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

#include "trace/dat.h"
#include "model/worst.h"

/* Longer than so many ns, by kind of moment; 0: not waited for */
struct watch_limits {
	uint64_t ns[KS_MOMENT_KINDS];
};

/* "wait>500us,timer>1ms" on top of @limits; prints what is wrong with it. */
bool watch_parse(struct watch_limits *limits, const char *text);

/* Classes that these need, and those that are wanted on top to name a thief */
uint32_t watch_classes(const struct watch_limits *limits, uint32_t *wanted);

struct kvmsched_info;
struct watch;

struct watch *watch_new(const struct watch_limits *limits,
			const struct dat_system *events,
			const struct kvmsched_info *info);
void watch_free(struct watch *w);

/* The next pages of a CPU; copied. */
void watch_pages(struct watch *w, unsigned int cpu, const void *pages, size_t size);

/*
 * Look at all records up to @until, in the order of time; later ones of some
 * CPU may still come.  True: what was waited for has happened.
 */
bool watch_look(struct watch *w, uint64_t until);

/*
 * What happened, in words, the caller's to free; and since when, in cycles.
 * NULL: nothing did.
 */
char *watch_sentence(struct watch *w, uint64_t *since);

#endif /* KVMSCHED_WATCH_H */
