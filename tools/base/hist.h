/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Distributions in little memory.
 *
 * Count, sum, minimum and maximum are exact.  Percentiles come from buckets,
 * KS_HIST_STEPS of equal width between one power of two and the next; values
 * below KS_HIST_STEPS have a bucket each.  A percentile is the mean of the
 * bucket that holds the value of its rank (nearest rank: the smallest value
 * that at least q of all values don't exceed), so it is off by less than
 * 1 / KS_HIST_STEPS, 0.8 %, and by nothing where all values of a bucket are
 * the same, as time slices often are.
 */
#ifndef KVMSCHED_HIST_H
#define KVMSCHED_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define KS_HIST_BITS	7
#define KS_HIST_STEPS	(1U << KS_HIST_BITS)
#define KS_HIST_OCTAVES	(64 - KS_HIST_BITS + 1)

__extension__ typedef unsigned __int128 ks_u128;
__extension__ typedef __int128 ks_s128;

struct ks_bucket {
	uint64_t count;
	uint64_t sum;		/* wraps; wrong means are put right then */
};

/* All zeroes is an empty one. */
struct ks_hist {
	uint64_t count;
	uint64_t min, max;
	ks_u128 sum;
	struct ks_bucket *octave[KS_HIST_OCTAVES];	/* allocated at first use */
};

/* Of values that may be negative: their magnitudes, apart. */
struct ks_shist {
	struct ks_hist below, above;
};

/* out = in * mult >> shift; what turns the TSC, or a file's clock, to ns */
struct ks_scale {
	uint64_t mult;
	uint32_t shift;
	bool known;
};

#define KS_SCALE_NONE	{ .mult = 1, .shift = 0, .known = true }

struct ks_summary {
	uint64_t count;		/* 0: nothing else means anything */
	int64_t min, max;
	int64_t p50, p99, p999;
	double avg;
	ks_s128 total;
};

void ks_hist_add(struct ks_hist *h, uint64_t value);
void ks_hist_merge(struct ks_hist *into, const struct ks_hist *from);
/* The values of @from times @scale, bucket by bucket. */
void ks_hist_merge_scaled(struct ks_hist *into, const struct ks_hist *from,
			  const struct ks_scale *scale);
/* The value at rank ceil(@num / @den * count); 0 of an empty histogram. */
uint64_t ks_hist_percentile(const struct ks_hist *h, uint32_t num, uint32_t den);
void ks_hist_free(struct ks_hist *h);

void ks_shist_add(struct ks_shist *h, int64_t value);
void ks_shist_merge(struct ks_shist *into, const struct ks_shist *from);
int64_t ks_shist_percentile(const struct ks_shist *h, uint32_t num, uint32_t den);
void ks_shist_free(struct ks_shist *h);

/* Returns false, and an empty summary, without values or without a scale. */
bool ks_hist_summary(const struct ks_hist *h, const struct ks_scale *scale,
		     struct ks_summary *s);
bool ks_shist_summary(const struct ks_shist *h, const struct ks_scale *scale,
		      struct ks_summary *s);

ks_u128 ks_scale_sum(const struct ks_scale *scale, ks_u128 value);
uint64_t ks_scale(const struct ks_scale *scale, uint64_t value);

#endif /* KVMSCHED_HIST_H */
