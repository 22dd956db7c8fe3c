/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The three units of time in a recording, and how one becomes another:
 * cycles of the TSC, as the module measured durations; nanoseconds; and time
 * stamps in the file's clock, which are one of the two.
 */
#ifndef KVMSCHED_CLOCK_H
#define KVMSCHED_CLOCK_H

#include "model/model.h"
#include "trace/info.h"

/* Where the length of a cycle is known from */
enum kvs_tsc_source {
	KVS_TSC_UNKNOWN,
	KVS_TSC_OPTION,		/* the file's TSC2NSEC */
	KVS_TSC_SESSION,	/* the module's tsc_khz */
	KVS_TSC_RECORDS,		/* both clocks of the records, compared */
};

/* To nanoseconds, for whoever prints */
struct kvs_times {
	struct kvs_scale ts, cycles;
	struct kvs_scale ns;	/* what is ns already */
	enum kvs_tsc_source source;
};

void kvs_times_init(struct kvs_times *t, const struct kvs_trace_info *info,
		    const struct kvs_model *m);

/*
 * Time stamps of the model @m are ns, or cycles of the TSC, which
 * (cycles * @tsc_mult) >> @tsc_shift turns to ns (0: not known yet).
 */
void kvs_model_clock(struct kvs_model *m, bool ts_is_ns, u32 tsc_mult, u32 tsc_shift);
/* The session's record has the TSC's rate. */
void kvs_session_clock(struct kvs_model *m, u32 tsc_khz);
/*
 * Neither the file nor a session has the TSC's rate: estimate it from the records that
 * measured the same stretch of time by both clocks.
 */
void kvs_learn_rate(struct kvs_model *m);

/* Durations to time stamps.  Most files have the TSC for their clock. */
static inline u64 kvs_ts_of_cycles(const struct kvs_model *m, u64 cycles)
{
	if (m->cycles_to_ts.mult == 1 && !m->cycles_to_ts.shift)
		return cycles;
	return kvs_scale(&m->cycles_to_ts, cycles);
}

static inline u64 kvs_ts_of_ns(const struct kvs_model *m, u64 ns)
{
	return ns && m->ns_to_ts.known ? kvs_scale(&m->ns_to_ts, ns) : 0;
}

static inline u64 kvs_cycles_of_ns(const struct kvs_model *m, u64 ns)
{
	const struct kvs_scale *s = &m->cycles_to_ts;

	if (!ns || !s->known || !s->mult)
		return 0;
	return ((kvs_u128)kvs_ts_of_ns(m, ns) << s->shift) / s->mult;
}

/* A time in whole µs, rounded; parts of it are shown as the differences of such sums. */
static inline u64 kvs_us_of(const struct kvs_scale *ts, u64 time)
{
	return (kvs_scale(ts, time) + 500) / 1000;
}

/* The other way round */
struct kvs_scale kvs_scale_inverse(const struct kvs_scale *scale);

/* The time stamp that is @seconds after @start, which is one, too */
u64 kvs_ts_after(const struct kvs_times *times, u64 start, double seconds);

/* A time stamp as time since the recording began; 0 before that */
u64 kvs_ns_since_begin(const struct kvs_model *m, const struct kvs_times *times, u64 ts);
/* A time stamp as time since another one; below 0 before that */
s64 kvs_ns_from(const struct kvs_times *times, u64 start, u64 ts);
double kvs_seconds_since_begin(const struct kvs_model *m, const struct kvs_times *times,
			       u64 ts);

#endif /* KVMSCHED_CLOCK_H */
