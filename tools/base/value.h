/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values as people write them: behind an option of the command line, or behind
 * a key of an experiment's file.  Both take them from here, so that the same
 * text is right or wrong in both, and is refused in the same words.
 */
#ifndef KVMSCHED_VALUE_H
#define KVMSCHED_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

#define KVS_LAST_VCPU	65534	/* 65535 stands for "no vCPU" in records */
#define KVS_MOMENT	1e-9	/* the shortest time: with it, 0 is refused */

/*
 * Where a value goes.  One of the pointers is set; it decides what is taken.
 */
struct kvs_value {
	bool *flag;		/* true, yes, false, no; nothing: true */
	const char **text;	/* not empty; the caller's text itself */
	char **copy;		/* not empty; on the heap, replaces what was there */
	long *number;		/* from @min to @max; @max 0: no limit */
	double *seconds;	/* from @least to @most, with or without a unit */
	uint64_t *size;		/* bytes, up to @largest, with K, M or G */
	long *pid;
	struct kvs_vm_id *vm;
	unsigned int *choice;	/* index into @names */
	uint32_t *bits;		/* likewise, a bit; may be repeated */
	/* Anything else: takes @text to @to, returns as kvs_value_take(). */
	char *(*take)(void *to, const char *text);
	void *to;

	long min, max;
	double least, most;
	uint64_t largest;
	const char *const *names;	/* ends with NULL */
};

/*
 * Takes @text as a value.  Returns NULL, or a sentence for the user that says
 * what is wrong with it, on the heap.  An empty sentence: the user has been
 * told already.
 */
char *kvs_value_take(const struct kvs_value *value, const char *text);

/* What is there now, as a user would write it, on the heap; NULL: nothing. */
char *kvs_value_text(const struct kvs_value *value);

/* "timer, irq, wait or exit", on the heap */
char *kvs_names_text(const char *const *names, const char *or);

#endif /* KVMSCHED_VALUE_H */
