// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cycles, nanoseconds and time stamps; see clock.h.
 */
#include "model/clock.h"

#define RATE_SHIFT	32
/* Shorter than this, rounding to ns spoils the rate by more than 1 in 10^4. */
#define RATE_MIN_NS	100000

static struct kvs_scale scale_from(kvs_u128 ns, kvs_u128 cycles)
{
	/* Both get smaller until the quotient can be had in 128 bits. */
	while (ns >> 90) {
		ns >>= 1;
		cycles >>= 1;
	}
	if (!cycles)
		return (struct kvs_scale){ 0 };
	return (struct kvs_scale){
		.mult = (ns << RATE_SHIFT) / cycles, .shift = RATE_SHIFT, .known = true,
	};
}

void kvs_times_init(struct kvs_times *t, const struct kvs_trace_info *info,
		    const struct kvs_model *m)
{
	*t = (struct kvs_times){ .ns = KVS_SCALE_NONE };
	if (info->tsc_mult) {
		t->cycles = (struct kvs_scale){ info->tsc_mult, info->tsc_shift, true };
		t->source = KVS_TSC_OPTION;
	} else if (m->tsc_khz) {
		t->cycles = scale_from(1000000, m->tsc_khz);
		t->source = KVS_TSC_SESSION;
	} else if (info->clock == KVS_CLOCK_NS && m->rate_ts >= RATE_MIN_NS) {
		t->cycles = scale_from(m->rate_ts, m->rate_cycles);
		t->source = KVS_TSC_RECORDS;
	}
	t->ts = info->clock == KVS_CLOCK_TSC ? t->cycles : t->ns;
}

/* Learn the rate anew whenever it can be learnt from twice as many cycles as before. */
void kvs_learn_rate(struct kvs_model *m)
{
	if (m->rate_cycles < 2 * m->learnt_cycles || !m->rate_cycles)
		return;
	m->learnt_cycles = m->rate_cycles;
	m->cycles_to_ts = scale_from(m->rate_ts, m->rate_cycles);
}

struct kvs_scale kvs_scale_inverse(const struct kvs_scale *scale)
{
	if (!scale->known || !scale->mult)
		return (struct kvs_scale){ 0 };
	return (struct kvs_scale){
		.mult = ((kvs_u128)1 << (RATE_SHIFT + scale->shift)) / scale->mult,
		.shift = RATE_SHIFT, .known = true,
	};
}

void kvs_model_clock(struct kvs_model *m, bool ts_is_ns, u32 tsc_mult, u32 tsc_shift)
{
	m->learn = ts_is_ns && !tsc_mult;
	if (m->learn)
		m->cycles_to_ts.known = false;
	else if (ts_is_ns)
		m->cycles_to_ts = (struct kvs_scale){ tsc_mult, tsc_shift, true };
	else if (tsc_mult && tsc_shift <= 63)
		m->ns_to_ts = (struct kvs_scale){
			.mult = ((kvs_u128)1 << (RATE_SHIFT + tsc_shift)) / tsc_mult,
			.shift = RATE_SHIFT, .known = true,
		};
	else
		m->ns_to_ts.known = false;	/* until the session's record */
}

void kvs_session_clock(struct kvs_model *m, u32 tsc_khz)
{
	m->tsc_khz = tsc_khz;
	if (m->learn)
		m->cycles_to_ts = (struct kvs_scale){
			.mult = (1000000ULL << RATE_SHIFT) / tsc_khz,
			.shift = RATE_SHIFT, .known = true,
		};
	m->learn = false;
	if (!m->ns_to_ts.known)
		m->ns_to_ts = (struct kvs_scale){
			.mult = ((kvs_u128)tsc_khz << RATE_SHIFT) / 1000000,
			.shift = RATE_SHIFT, .known = true,
		};
}

u64 kvs_ts_after(const struct kvs_times *times, u64 start, double seconds)
{
	const struct kvs_scale to_ts = kvs_scale_inverse(&times->ts);

	return start + kvs_scale(&to_ts, seconds * 1e9);
}

u64 kvs_ns_since_begin(const struct kvs_model *m, const struct kvs_times *times, u64 ts)
{
	u64 start = kvs_model_start_ts(m);

	return ts > start ? kvs_scale(&times->ts, ts - start) : 0;
}

s64 kvs_ns_from(const struct kvs_times *times, u64 start, u64 ts)
{
	return ts >= start ? (s64)kvs_scale(&times->ts, ts - start) :
			     -(s64)kvs_scale(&times->ts, start - ts);
}

double kvs_seconds_since_begin(const struct kvs_model *m, const struct kvs_times *times,
			       u64 ts)
{
	return kvs_ns_since_begin(m, times, ts) / 1e9;
}
