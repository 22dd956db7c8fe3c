/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moments that are alike: of one vCPU and kind, with the same cause and the same culprit.
 * Each group has their number, sum and extremes, whether or not the single moments are
 * among the worst.
 */
#ifndef KVMSCHED_ALIKE_H
#define KVMSCHED_ALIKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "model/worst.h"

struct kvs_group {
	struct kvs_moment worst;	/* the longest of them, the first of equals */
	uint8_t cause;		/* enum kvs_cause, of timers and interrupts */
	bool others;		/* its vCPU has more groups than are kept: all the rest */
	uint64_t count;
	uint64_t sum;		/* of their lengths, in time stamps' units */
	uint64_t first, last;	/* when the first and the last of them began */
};

struct kvs_alike {
	uint32_t kinds;		/* bits of enum kvs_moment_kind; 0: none */
	struct kvs_group **groups;
	unsigned int nr;
	struct kvs_table table;	/* from a hash of what they share to the first group */
	struct kvs_table per_vcpu;	/* from a vCPU's index to the number of its groups */
};

void kvs_alike_init(struct kvs_alike *a, uint32_t kinds);
/* A sink of @m; @a stays where it is as long as @m is fed. */
void kvs_alike_listen(struct kvs_alike *a, struct kvs_model *m);
void kvs_alike_free(struct kvs_alike *a);
void kvs_alike_add(struct kvs_alike *a, const struct kvs_moment *moment);

/*
 * The groups of the vCPUs for which @wanted says true, where what is alike on several
 * vCPUs is one group, the one with the longest moment first.  The caller frees the array
 * of @nr groups; NULL if there is none.
 */
struct kvs_group *kvs_alike_sum(const struct kvs_alike *a,
				bool (*wanted)(const void *ctx, const struct kvs_vcpu *v),
				const void *ctx, unsigned int *nr);

#endif /* KVMSCHED_ALIKE_H */
