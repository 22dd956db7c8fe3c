/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms: distributions of whole numbers in little memory.
 *
 * Count, sum, minimum and maximum are exact.  Percentiles come from buckets.
 * There are KVS_HIST_STEPS buckets of equal width between one power of two (an
 * octave) and the next; values below KVS_HIST_STEPS have a bucket each.  The q
 * percentile is by nearest rank: the smallest value such that at least a share
 * q of all values doesn't exceed it.  The result is the mean of the bucket that
 * holds this value.  So its relative error is below 1 / KVS_HIST_STEPS (0.8 %),
 * and zero if all values in the bucket are equal, as time slices often are.
 *
 * A thousand vCPUs have tens of thousands of histograms, most of them with few values.
 * So a histogram has octaves only where it has values, and an octave lists only the
 * buckets that are used; once they are many, it lists all.
 */
#ifndef KVMSCHED_HIST_H
#define KVMSCHED_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define KVS_HIST_BITS	7
#define KVS_HIST_STEPS	(1U << KVS_HIST_BITS)

__extension__ typedef unsigned __int128 kvs_u128;
__extension__ typedef __int128 kvs_s128;

struct kvs_bucket {
	uint64_t step : KVS_HIST_BITS;	/* which of its octave's */
	uint64_t count : 64 - KVS_HIST_BITS;	/* values in this bucket */
	uint64_t sum;		/* of them; may wrap, see bucket_value() */
};

struct kvs_octave {
	struct kvs_bucket *buckets;	/* in the order of steps */
	uint64_t used[KVS_HIST_STEPS / 64];	/* a bit for each step that is listed */
	uint8_t nr, room;	/* both KVS_HIST_STEPS: all are there */
};

/* Values from 0 to 2^64 - 1.  A histogram that is all zeroes is empty. */
struct kvs_hist {
	uint64_t count;
	uint64_t min, max;	/* valid unless @count is 0 */
	kvs_u128 sum;
	struct kvs_octave *octaves;	/* from number @first to the last that is used */
	uint8_t first, nr;	/* of @octaves; NULL: 0 */
};

/* Values that may be negative.  All zeroes is empty. */
struct kvs_shist {
	struct kvs_hist below;	/* magnitudes of the values below 0 */
	struct kvs_hist above;	/* 0 and the values above */
};

/* A factor: out = in * mult >> shift.  It turns TSC cycles, or a file's clock, to ns. */
struct kvs_scale {
	uint64_t mult;
	uint32_t shift;		/* 0 .. 63 */
	bool known;		/* false: the rate is not known, nothing converts */
};

/* The factor 1 */
#define KVS_SCALE_NONE	{ .mult = 1, .shift = 0, .known = true }

/* What is printed of a histogram, in the unit that the scale converts to */
struct kvs_summary {
	uint64_t count;		/* 0: the other fields mean nothing */
	int64_t min, max;
	int64_t p50, p99, p999;	/* percentiles: 50, 99, 99.9 */
	double avg;
	kvs_s128 total;		/* sum of all values */
};

void kvs_hist_add(struct kvs_hist *h, uint64_t value);
/* Add all values of @from to @into; exact, as if they had been added one by one. */
void kvs_hist_merge(struct kvs_hist *into, const struct kvs_hist *from);
/* The same with values times @scale, which must be known; a bucket at a time. */
void kvs_hist_merge_scaled(struct kvs_hist *into, const struct kvs_hist *from,
			   const struct kvs_scale *scale);
/* The value at rank ceil(@num / @den * count), e.g. 99 / 100; 0 if @h is empty. */
uint64_t kvs_hist_percentile(const struct kvs_hist *h, uint32_t num, uint32_t den);
/*
 * Tells the values in bins, four of equal width in each octave, in order: @low up to, but
 * not with, @high.  Bins without a value are left out.
 */
void kvs_hist_bins(const struct kvs_hist *h,
		   void (*take)(void *ctx, uint64_t low, uint64_t high, uint64_t count),
		   void *ctx);
/* Frees the buckets; @h is empty then, and can be used again. */
void kvs_hist_free(struct kvs_hist *h);

/* The same for values that may be negative */

void kvs_shist_add(struct kvs_shist *h, int64_t value);
void kvs_shist_merge(struct kvs_shist *into, const struct kvs_shist *from);
int64_t kvs_shist_percentile(const struct kvs_shist *h, uint32_t num, uint32_t den);
void kvs_shist_free(struct kvs_shist *h);

/* False, with an empty summary, if there are no values or @scale is not known */
bool kvs_hist_summary(const struct kvs_hist *h, const struct kvs_scale *scale,
		      struct kvs_summary *s);
bool kvs_shist_summary(const struct kvs_shist *h, const struct kvs_scale *scale,
		       struct kvs_summary *s);

/* @value times @scale, rounded down.  kvs_scale_sum() can't overflow on the way. */
kvs_u128 kvs_scale_sum(const struct kvs_scale *scale, kvs_u128 value);
uint64_t kvs_scale(const struct kvs_scale *scale, uint64_t value);

#endif /* KVMSCHED_HIST_H */
