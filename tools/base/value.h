/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parses values as people write them: behind an option of the command line, or behind
 * a key of an experiment's file.  Both use these functions, so the same text is
 * right or wrong in both, and is refused with the same words.
 */
#ifndef KVMSCHED_VALUE_H
#define KVMSCHED_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "base/vm.h"
#include "base/when.h"

#define KVS_LAST_VCPU	65534	/* 65535 stands for "no vCPU" in records */
#define KVS_SHORTEST	1e-9	/* the shortest time: with it, 0 is refused */

/*
 * What kind of value is expected, its limits, and where it is stored.  The caller sets one
 * of the pointers; which one says what is expected.
 */
struct kvs_value {
	bool *flag;		/* true, yes, false or no; without text: true */
	const char **text;	/* any text but an empty one; the caller's pointer is stored */
	char **copy;		/* the same, but a copy is stored; the old one is freed */
	long *number;		/* from @min to @max; @max 0: no limit */
	double *seconds;	/* from @least to @most; may have a unit (ns, us, ms, s) */
	struct kvs_when *when;	/* seconds likewise, since the recording began; or see when.h */
	uint64_t *size;		/* bytes, up to @largest; may have a suffix K, M or G */
	long *pid;
	struct kvs_vm_id *vm;
	unsigned int *choice;	/* one of @names: its index is stored */
	uint32_t *bits;		/* one of @names: the bit of its index is added */
	/* Anything else: stores @text in @to, and returns what kvs_value_take() returns. */
	char *(*take)(void *to, const char *text);
	void *to;

	long min, max;
	double least, most;
	uint64_t largest;
	const char *const *names;	/* ends with NULL */
};

/*
 * Parse @text and store the value.  Returns NULL, or a sentence for the user that says what
 * is wrong with @text; the caller frees it.  An empty sentence means that a message was
 * printed already.
 */
char *kvs_value_take(const struct kvs_value *value, const char *text);

/*
 * The value that is stored now, as a user would write it; NULL if there is none.  The caller
 * frees it.
 */
char *kvs_value_text(const struct kvs_value *value);

/* @names as "timer, irq, wait or exit", with @or before the last; the caller frees it. */
char *kvs_names_text(const char *const *names, const char *or);

#endif /* KVMSCHED_VALUE_H */
