/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Distributions in little memory.
 *
 * Count, sum, minimum and maximum are exact.  Percentiles come from buckets,
 * KVS_HIST_STEPS of equal width between one power of two and the next; values
 * below KVS_HIST_STEPS have a bucket each.  A percentile is the mean of the
 * bucket that holds the value of its rank (nearest rank: the smallest value
 * that at least q of all values don't exceed), so it is off by less than
 * 1 / KVS_HIST_STEPS, 0.8 %, and by nothing where all values of a bucket are
 * the same, as time slices often are.
 */
#ifndef KVMSCHED_HIST_H
#define KVMSCHED_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define KVS_HIST_BITS	7
#define KVS_HIST_STEPS	(1U << KVS_HIST_BITS)
#define KVS_HIST_OCTAVES	(64 - KVS_HIST_BITS + 1)

__extension__ typedef unsigned __int128 kvs_u128;
__extension__ typedef __int128 kvs_s128;

struct kvs_bucket {
	uint64_t count;
	uint64_t sum;		/* wraps; wrong means are put right then */
};

/* All zeroes is an empty one. */
struct kvs_hist {
	uint64_t count;
	uint64_t min, max;
	kvs_u128 sum;
	struct kvs_bucket *octave[KVS_HIST_OCTAVES];	/* allocated at first use */
};

/* Of values that may be negative: their magnitudes, apart. */
struct kvs_shist {
	struct kvs_hist below, above;
};

/* out = in * mult >> shift; what turns the TSC, or a file's clock, to ns */
struct kvs_scale {
	uint64_t mult;
	uint32_t shift;
	bool known;
};

#define KVS_SCALE_NONE	{ .mult = 1, .shift = 0, .known = true }

struct kvs_summary {
	uint64_t count;		/* 0: nothing else means anything */
	int64_t min, max;
	int64_t p50, p99, p999;
	double avg;
	kvs_s128 total;
};

void kvs_hist_add(struct kvs_hist *h, uint64_t value);
void kvs_hist_merge(struct kvs_hist *into, const struct kvs_hist *from);
/* The values of @from times @scale, bucket by bucket. */
void kvs_hist_merge_scaled(struct kvs_hist *into, const struct kvs_hist *from,
			   const struct kvs_scale *scale);
/* The value at rank ceil(@num / @den * count); 0 of an empty histogram. */
uint64_t kvs_hist_percentile(const struct kvs_hist *h, uint32_t num, uint32_t den);
void kvs_hist_free(struct kvs_hist *h);

void kvs_shist_add(struct kvs_shist *h, int64_t value);
void kvs_shist_merge(struct kvs_shist *into, const struct kvs_shist *from);
int64_t kvs_shist_percentile(const struct kvs_shist *h, uint32_t num, uint32_t den);
void kvs_shist_free(struct kvs_shist *h);

/* Returns false, and an empty summary, without values or without a scale. */
bool kvs_hist_summary(const struct kvs_hist *h, const struct kvs_scale *scale,
		      struct kvs_summary *s);
bool kvs_shist_summary(const struct kvs_shist *h, const struct kvs_scale *scale,
		       struct kvs_summary *s);

kvs_u128 kvs_scale_sum(const struct kvs_scale *scale, kvs_u128 value);
uint64_t kvs_scale(const struct kvs_scale *scale, uint64_t value);

#endif /* KVMSCHED_HIST_H */
