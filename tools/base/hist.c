// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log-linear histograms; hist.h says what is exact and what isn't.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hist.h"
#include "base/util.h"

static unsigned int octave_of(uint64_t value)
{
	if (value < KVS_HIST_STEPS)
		return 0;
	return 63 - __builtin_clzll(value) - KVS_HIST_BITS + 1;
}

static unsigned int step_of(uint64_t value, unsigned int octave)
{
	if (!octave)
		return value;
	return (value >> (octave - 1)) & (KVS_HIST_STEPS - 1);
}

/*
 * The mean of a bucket's values.  The width of octave o's buckets is 2^(o - 1).
 * If the sum has wrapped, the mean lies outside of the bucket; then the middle of
 * the bucket stands for it.
 */
static uint64_t bucket_value(const struct kvs_bucket *b, unsigned int octave)
{
	uint64_t width, low, mean;

	if (!octave)
		return b->step;
	width = 1ULL << (octave - 1);
	low = (uint64_t)(KVS_HIST_STEPS + b->step) * width;
	mean = b->sum / b->count;
	return mean - low < width ? mean : low + width / 2;
}

#define LISTED_MAX	56	/* buckets of an octave; where one more is used, it has all */

/* The octave of this number, which is made where there is none yet */
static struct kvs_octave *get_octave(struct kvs_hist *h, unsigned int octave)
{
	unsigned int first = h->nr && h->first < octave ? h->first : octave;
	unsigned int end = h->first + h->nr > octave ? h->first + h->nr : octave + 1;
	struct kvs_octave *octaves;

	if (!h->nr)
		end = octave + 1;
	if (first != h->first || end - first != h->nr) {
		octaves = xcalloc(end - first, sizeof(*octaves));
		if (h->nr)
			memcpy(octaves + (h->first - first), h->octaves,
			       h->nr * sizeof(*octaves));
		free(h->octaves);
		h->octaves = octaves;
		h->first = first;
		h->nr = end - first;
	}
	return &h->octaves[octave - first];
}

static void list_all_buckets(struct kvs_octave *o)
{
	struct kvs_bucket *all = xcalloc(KVS_HIST_STEPS, sizeof(*all));

	for (unsigned int i = 0; i < KVS_HIST_STEPS; i++)
		all[i].step = i;
	for (unsigned int i = 0; i < o->nr; i++)
		all[o->buckets[i].step] = o->buckets[i];
	free(o->buckets);
	o->buckets = all;
	o->nr = o->room = KVS_HIST_STEPS;
}

/* How many bits are set: in place, as x86-64's first CPUs have no instruction for it. */
static inline unsigned int bits_in(uint64_t x)
{
	x -= x >> 1 & 0x5555555555555555;
	x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return x * 0x0101010101010101 >> 56;
}

/* Where the list has the bucket of @step, or would have it */
static inline unsigned int find_bucket(const struct kvs_octave *o, unsigned int step)
{
	/* As many are listed before it as have a lower step. */
	unsigned int i = bits_in(o->used[step / 64] & ((1ULL << step % 64) - 1));

	return step < 64 ? i : i + bits_in(o->used[0]);
}

static struct kvs_bucket *list_bucket(struct kvs_octave *o, unsigned int step)
{
	unsigned int i = find_bucket(o, step);

	if (o->nr == LISTED_MAX) {
		list_all_buckets(o);
		return &o->buckets[step];
	}
	if (o->nr == o->room) {
		o->room += o->room / 2 + 1;
		o->buckets = xrealloc(o->buckets, o->room * sizeof(*o->buckets));
	}
	memmove(&o->buckets[i + 1], &o->buckets[i], (o->nr - i) * sizeof(*o->buckets));
	o->buckets[i] = (struct kvs_bucket){ .step = step };
	o->nr++;
	o->used[step / 64] |= 1ULL << step % 64;
	return &o->buckets[i];
}

/* NULL: no value has fallen there yet. */
static inline struct kvs_bucket *used_bucket(const struct kvs_hist *h, unsigned int octave,
					     unsigned int step)
{
	const struct kvs_octave *o;

	if (octave - h->first >= h->nr)
		return NULL;
	o = &h->octaves[octave - h->first];
	if (o->nr == KVS_HIST_STEPS)
		return &o->buckets[step];
	if (!(o->used[step / 64] >> step % 64 & 1))
		return NULL;
	return &o->buckets[find_bucket(o, step)];
}

static struct kvs_bucket *get_bucket(struct kvs_hist *h, unsigned int octave, unsigned int step)
{
	struct kvs_bucket *b = used_bucket(h, octave, step);

	return b ? b : list_bucket(get_octave(h, octave), step);
}

/* Account for @count values between @min and @max in what is exact, but the sum. */
static inline void add_extremes(struct kvs_hist *h, uint64_t min, uint64_t max,
				uint64_t count)
{
	if (!h->count || min < h->min)
		h->min = min;
	if (!h->count || max > h->max)
		h->max = max;
	h->count += count;
}

static void add_to_bucket(struct kvs_hist *h, uint64_t value, uint64_t count)
{
	unsigned int octave = octave_of(value);
	struct kvs_bucket *b = get_bucket(h, octave, step_of(value, octave));

	b->count += count;
	b->sum += value * count;
}

void kvs_hist_add(struct kvs_hist *h, uint64_t value)
{
	unsigned int octave = octave_of(value);
	struct kvs_bucket *b = used_bucket(h, octave, step_of(value, octave));

	add_extremes(h, value, value, 1);
	h->sum += value;
	/* Most values fall where others have fallen before. */
	if (!b) {
		add_to_bucket(h, value, 1);
		return;
	}
	b->count++;
	b->sum += value;
}

void kvs_hist_merge(struct kvs_hist *into, const struct kvs_hist *from)
{
	if (!from->count)
		return;
	add_extremes(into, from->min, from->max, from->count);
	into->sum += from->sum;
	for (unsigned int o = 0; o < from->nr; o++) {
		for (unsigned int i = 0; i < from->octaves[o].nr; i++) {
			const struct kvs_bucket *b = &from->octaves[o].buckets[i];
			struct kvs_bucket *to;

			if (!b->count)
				continue;
			to = get_bucket(into, from->first + o, b->step);
			to->count += b->count;
			to->sum += b->sum;
		}
	}
}

void kvs_hist_merge_scaled(struct kvs_hist *into, const struct kvs_hist *from,
			   const struct kvs_scale *scale)
{
	if (!from->count)
		return;
	add_extremes(into, kvs_scale(scale, from->min),
		     kvs_scale(scale, from->max), from->count);
	into->sum += kvs_scale_sum(scale, from->sum);
	for (unsigned int o = 0; o < from->nr; o++) {
		for (unsigned int i = 0; i < from->octaves[o].nr; i++) {
			const struct kvs_bucket *b = &from->octaves[o].buckets[i];
			uint64_t value;

			if (!b->count)
				continue;
			value = bucket_value(b, from->first + o);
			add_to_bucket(into, kvs_scale(scale, value), b->count);
		}
	}
}

/* The bin of kvs_hist_bins() that holds @value: its begin and its width */
static uint64_t bin_of(uint64_t value, uint64_t *width)
{
	unsigned int octave = value < 4 ? 0 : 63 - __builtin_clzll(value) - 2;

	*width = 1ULL << octave;
	return value >> octave << octave;
}

static uint64_t bucket_low(const struct kvs_bucket *b, unsigned int octave)
{
	return octave ? (uint64_t)(KVS_HIST_STEPS + b->step) << (octave - 1) : b->step;
}

void kvs_hist_bins(const struct kvs_hist *h,
		   void (*take)(void *ctx, uint64_t low, uint64_t high, uint64_t count),
		   void *ctx)
{
	uint64_t low = 0, width = 0, count = 0;

	for (unsigned int o = 0; o < h->nr; o++) {
		for (unsigned int i = 0; i < h->octaves[o].nr; i++) {
			const struct kvs_bucket *b = &h->octaves[o].buckets[i];
			uint64_t begin = bucket_low(b, h->first + o);

			if (!b->count)
				continue;
			if (count && begin - low >= width) {
				take(ctx, low, low + width, count);
				count = 0;
			}
			if (!count)
				low = bin_of(begin, &width);
			count += b->count;
		}
	}
	if (count)
		take(ctx, low, low + width, count);
}

/* ceil(count * num / den), at least 1, since the smallest value has rank 1 */
static uint64_t rank_of(uint64_t count, uint32_t num, uint32_t den)
{
	uint64_t rank = ((kvs_u128)count * num + den - 1) / den;

	return rank ? rank : 1;
}

static uint64_t value_at(const struct kvs_hist *h, uint64_t rank)
{
	uint64_t seen = 0, value;

	/* Minimum and maximum are known exactly. */
	if (rank == 1)
		return h->min;
	if (rank >= h->count)
		return h->max;
	for (unsigned int o = 0; o < h->nr; o++) {
		for (unsigned int i = 0; i < h->octaves[o].nr; i++) {
			const struct kvs_bucket *b = &h->octaves[o].buckets[i];

			seen += b->count;
			if (seen < rank)
				continue;
			value = bucket_value(b, h->first + o);
			if (value < h->min)
				return h->min;
			return value > h->max ? h->max : value;
		}
	}
	return h->max;
}

uint64_t kvs_hist_percentile(const struct kvs_hist *h, uint32_t num, uint32_t den)
{
	return h->count ? value_at(h, rank_of(h->count, num, den)) : 0;
}

void kvs_hist_free(struct kvs_hist *h)
{
	for (unsigned int o = 0; o < h->nr; o++)
		free(h->octaves[o].buckets);
	free(h->octaves);
	memset(h, 0, sizeof(*h));
}

void kvs_shist_add(struct kvs_shist *h, int64_t value)
{
	if (value < 0)
		kvs_hist_add(&h->below, -(uint64_t)value);
	else
		kvs_hist_add(&h->above, value);
}

void kvs_shist_merge(struct kvs_shist *into, const struct kvs_shist *from)
{
	kvs_hist_merge(&into->below, &from->below);
	kvs_hist_merge(&into->above, &from->above);
}

static int64_t saturated(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static int64_t negative(uint64_t magnitude)
{
	return -saturated(magnitude);
}

int64_t kvs_shist_percentile(const struct kvs_shist *h, uint32_t num, uint32_t den)
{
	uint64_t count = h->below.count + h->above.count;
	uint64_t rank;

	if (!count)
		return 0;
	rank = rank_of(count, num, den);
	/* Below zero the order is reversed: the largest magnitude is the smallest value. */
	if (rank <= h->below.count)
		return negative(value_at(&h->below, h->below.count - rank + 1));
	return saturated(value_at(&h->above, rank - h->below.count));
}

void kvs_shist_free(struct kvs_shist *h)
{
	kvs_hist_free(&h->below);
	kvs_hist_free(&h->above);
}

kvs_u128 kvs_scale_sum(const struct kvs_scale *scale, kvs_u128 value)
{
	/* Multiply the halves separately: value * mult may need more than 128 bits. */
	kvs_u128 high = (value >> 64) * scale->mult;
	kvs_u128 low = (kvs_u128)(uint64_t)value * scale->mult;

	return (high << (64 - scale->shift)) + (low >> scale->shift);
}

uint64_t kvs_scale(const struct kvs_scale *scale, uint64_t value)
{
	return ((kvs_u128)value * scale->mult) >> scale->shift;
}

static int64_t scale_signed(const struct kvs_scale *scale, int64_t value)
{
	if (value < 0)
		return negative(kvs_scale(scale, -(uint64_t)value));
	return saturated(kvs_scale(scale, value));
}

bool kvs_shist_summary(const struct kvs_shist *h, const struct kvs_scale *scale,
		       struct kvs_summary *s)
{
	const struct kvs_hist *below = &h->below, *above = &h->above;

	memset(s, 0, sizeof(*s));
	if (!scale->known || !(below->count + above->count))
		return false;
	s->count = below->count + above->count;
	s->min = scale_signed(scale, kvs_shist_percentile(h, 0, 1));
	s->p50 = scale_signed(scale, kvs_shist_percentile(h, 1, 2));
	s->p99 = scale_signed(scale, kvs_shist_percentile(h, 99, 100));
	s->p999 = scale_signed(scale, kvs_shist_percentile(h, 999, 1000));
	s->max = scale_signed(scale, kvs_shist_percentile(h, 1, 1));
	s->total = (kvs_s128)kvs_scale_sum(scale, above->sum) -
		   (kvs_s128)kvs_scale_sum(scale, below->sum);
	s->avg = (double)s->total / s->count;
	return true;
}

bool kvs_hist_summary(const struct kvs_hist *h, const struct kvs_scale *scale,
		      struct kvs_summary *s)
{
	struct kvs_shist both = { .above = *h };

	return kvs_shist_summary(&both, scale, s);
}
