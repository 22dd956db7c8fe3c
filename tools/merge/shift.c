// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes and reads the option TIME_SHIFT; see shift.h.
 *
 *	id of the host's trace (8 bytes), flags (4), number of CPUs (4)
 *	for each CPU:	number of samples (4), their times (8 each), offsets, ratios
 *	for each CPU:	fraction bits of each sample's ratio (8 each)
 */
#include <stdlib.h>
#include <string.h>

#include "base/hist.h"
#include "base/util.h"
#include "merge/shift.h"
#include "trace/cursor.h"

#define INTERPOLATE	1	/* flag: between two samples, the offset is in between */

/*
 * Between two samples trace-cmd multiplies what has passed with how much the offset has
 * changed, in 64 bits: samples that are so near overflow nowhere.
 */
#define SAMPLE_STEP	(1ULL << 30)

/* What trace-cmd adds to a time stamp: at @guest, and from there on */
static s64 shift_at(const struct kvs_guest_tsc *tsc, u64 guest)
{
	return kvs_host_of_guest(tsc, guest) - guest;
}

static void put_number(FILE *out, u64 value, size_t size)
{
	fwrite(&value, 1, size, out);	/* little endian */
}

/* The times of the guest at which the offset is told */
struct samples {
	struct kvs_shift_sample {
		u64 time;
		s64 shift;
	} *at;
	size_t nr, room;
};

/* Times rise from sample to sample, or trace-cmd would not find them. */
static void add_sample(struct samples *s, u64 time, s64 shift)
{
	if (s->nr && time <= s->at[s->nr - 1].time)
		return;
	if (s->nr == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		s->at = xrealloc(s->at, s->room * sizeof(*s->at));
	}
	s->at[s->nr++] = (struct kvs_shift_sample){ time, shift };
}

/*
 * Events @from to @to - 1, which all have one TSC.  A ratio would be trace-cmd's to multiply,
 * which it does in 64 bits; so the offset changes instead, from sample to sample.  Where there
 * is no event for long, there is one on either side.
 */
static void add_epoch(struct samples *s, const struct kvs_guest_tsc *tsc, const u64 *times,
		      size_t from, size_t to)
{
	add_sample(s, times[from], shift_at(tsc, times[from]));
	for (size_t i = from + 1; !kvs_guest_tsc_unscaled(tsc) && i < to; i++) {
		if (times[i] - s->at[s->nr - 1].time <= SAMPLE_STEP)
			continue;
		add_sample(s, times[i - 1], shift_at(tsc, times[i - 1]));
		if (times[i] - times[i - 1] > SAMPLE_STEP)
			add_sample(s, times[i], shift_at(tsc, times[i]));
	}
	add_sample(s, times[to - 1], shift_at(tsc, times[to - 1]));
}

/* Events of each TSC by that one; each that has no time stands where the TSC was changed. */
static void add_events(struct samples *s, const struct kvs_host_vcpu *v,
		       const struct kvs_times_of_cpu *times)
{
	for (size_t i = 0, next; i < times->nr; i = next) {
		const struct kvs_host_time first = kvs_host_time(v, times->at[i]);

		next = i + 1;
		if (first.told != KVS_TIME_TOLD) {
			add_sample(s, times->at[i], first.at - times->at[i]);
			continue;
		}
		for (; next < times->nr; next++) {
			struct kvs_host_time time = kvs_host_time(v, times->at[next]);

			if (time.told != KVS_TIME_TOLD || time.epoch != first.epoch)
				break;
		}
		add_epoch(s, &v->epochs[first.epoch].tsc, times->at, i, next);
	}
}

static struct samples samples_of(const struct kvs_joined *g, unsigned int cpu)
{
	const struct kvs_times_of_cpu *times = &g->side.cpus[cpu];
	const struct kvs_host_vcpu *v = g->cpus[cpu].vcpu;
	struct samples s = { 0 };

	if (!v || !times->nr) {
		add_sample(&s, 0, 0);	/* there is no event to shift */
	} else if (!kvs_tsc_changed(v) && kvs_guest_tsc_unscaled(&kvs_last_tsc(v)->tsc)) {
		add_sample(&s, times->at[0], shift_at(&kvs_last_tsc(v)->tsc, times->at[0]));
	} else {
		add_events(&s, v, times);
		/* At the last sample trace-cmd reckons with how much it differs from the one before. */
		add_sample(&s, s.at[s.nr - 1].time + 1, s.at[s.nr - 1].shift);
	}
	return s;
}

static void put_samples(FILE *out, const struct samples *s)
{
	put_number(out, s->nr, sizeof(u32));
	for (size_t i = 0; i < s->nr; i++)
		put_number(out, s->at[i].time, sizeof(u64));
	for (size_t i = 0; i < s->nr; i++)
		put_number(out, s->at[i].shift, sizeof(u64));
	for (size_t i = 0; i < s->nr; i++)
		put_number(out, 1, sizeof(u64));
}

char *kvs_shift_make(const struct kvs_joined *g, u64 host_id, u32 *size)
{
	unsigned int cpus = g->side.parts->cpus;
	char *data = NULL;
	u64 fractions = 0;
	size_t length;
	FILE *out = xopen_memstream(&data, &length);

	put_number(out, host_id, sizeof(u64));
	put_number(out, INTERPOLATE, sizeof(u32));
	put_number(out, cpus, sizeof(u32));
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		struct samples s = samples_of(g, cpu);

		put_samples(out, &s);
		fractions += s.nr;
		free(s.at);
	}
	for (u64 i = 0; i < fractions; i++)
		put_number(out, 0, sizeof(u64));
	fclose(out);
	*size = length;
	return data;
}

/* Bytes of an option, of which there may be too few */
struct bytes {
	const char *at, *end;
	bool failed;
};

static u64 take_number(struct bytes *b, size_t size)
{
	u64 value = 0;

	if (b->failed || size > (size_t)(b->end - b->at)) {
		b->failed = true;
		return 0;
	}
	memcpy(&value, b->at, size);
	b->at += size;
	return value;
}

/* The samples of one CPU within an option, as arrays of 8 bytes a sample */
struct carried_cpu {
	u32 nr;
	const char *times, *offsets, *ratios, *fractions;
};

static const char *take_array(struct bytes *b, u32 nr)
{
	const char *at = b->at;

	if (b->failed || nr > (size_t)(b->end - b->at) / sizeof(u64)) {
		b->failed = true;
		return NULL;
	}
	b->at += nr * sizeof(u64);
	return at;
}

static u64 value_at(const char *array, u32 index)
{
	u64 value = 0;

	if (array)
		memcpy(&value, array + index * sizeof(value), sizeof(value));
	return value;
}

/* Old versions of trace-cmd wrote no fraction bits, nor ratios that need any. */
static void compare_cpu(struct kvs_carried *c, const struct carried_cpu *cpu,
			const struct kvs_host_vcpu *vcpu)
{
	for (u32 i = 0; i < cpu->nr; i++) {
		u64 time = value_at(cpu->times, i);
		struct kvs_host_time ours = kvs_host_time(vcpu, time);
		u64 there = ((kvs_u128)time * value_at(cpu->ratios, i) >>
			     (value_at(cpu->fractions, i) & 63)) + value_at(cpu->offsets, i);
		s64 later = there - ours.at;

		if (ours.told == KVS_TIME_BETWEEN || ours.told == KVS_TIME_NEVER)
			continue;
		if (!c->samples || later < c->least)
			c->least = later;
		if (!c->samples || later > c->most)
			c->most = later;
		c->samples++;
	}
}

/* Finds the samples of @nr CPUs; false if there are fewer bytes than they need. */
static bool take_cpus(struct bytes *b, struct carried_cpu *cpus, u32 nr)
{
	for (u32 cpu = 0; cpu < nr && !b->failed; cpu++) {
		cpus[cpu].nr = take_number(b, sizeof(u32));
		cpus[cpu].times = take_array(b, cpus[cpu].nr);
		cpus[cpu].offsets = take_array(b, cpus[cpu].nr);
		cpus[cpu].ratios = take_array(b, cpus[cpu].nr);
	}
	for (u32 cpu = 0; cpu < nr && !b->failed && b->at < b->end; cpu++)
		cpus[cpu].fractions = take_array(b, cpus[cpu].nr);
	return !b->failed;
}

struct kvs_carried kvs_shift_carried(const struct kvs_joined *g)
{
	const struct kvs_part_option *option = kvs_parts_option(g->side.parts,
								KVS_OPTION_TIME_SHIFT);
	struct kvs_carried c = { .there = option };
	struct carried_cpu *cpus;
	struct bytes b;
	u32 nr;

	if (!option)
		return c;
	b = (struct bytes){ .at = option->data, .end = option->data + option->size };
	take_number(&b, sizeof(u64));
	take_number(&b, sizeof(u32));
	nr = take_number(&b, sizeof(u32));
	/* Each CPU needs its number of samples at least. */
	c.damaged = b.failed || nr > (size_t)(b.end - b.at) / sizeof(u32);
	if (c.damaged)
		return c;
	cpus = xcalloc(nr + 1, sizeof(*cpus));
	c.damaged = !take_cpus(&b, cpus, nr);
	for (u32 cpu = 0; !c.damaged && cpu < nr && cpu < g->side.parts->cpus; cpu++)
		if (g->cpus[cpu].vcpu && g->side.cpus[cpu].nr)
			compare_cpu(&c, &cpus[cpu], g->cpus[cpu].vcpu);
	free(cpus);
	return c;
}
