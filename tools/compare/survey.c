// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recording is read twice: first for what is needed to cut it into units,
 * then for the values of these.
 */
#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "compare/compare.h"
#include "model/clock.h"
#include "model/model.h"
#include "trace/load.h"

struct surveyor {
	struct kvs_model model;
	u64 first_death;	/* of a vCPU's thread; 0: none died */
	u64 longest_cycles;	/* slice */
};

static void take_slice(void *ctx, const struct kvs_span *span)
{
	struct surveyor *s = ctx;

	if (span->open)
		return;
	if (span->length > s->longest_cycles && !span->slice.shared)
		s->longest_cycles = span->length;
	if (!s->first_death && span->slice.kind == KS_SWITCH_DEAD)
		s->first_death = span->end;
}

/*
 * From when all vCPUs were there, until one left.  Guests that came and went
 * leave no such time: then it is all the time of any of them.
 */
static void set_window(const struct surveyor *s, bool whole, struct kvs_survey *survey)
{
	const struct kvs_model *m = &s->model;
	u64 first = 0, all_there = 0, end = m->stopped ? m->stop_ts : m->last_ts;

	survey->begin = kvs_model_start_ts(m);
	survey->end = end;
	if (whole)
		return;
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		u64 ts = m->vcpus[i]->first_ts;

		/* Only the host wrote of it: nobody knows since when it was there. */
		if (!ts)
			continue;
		if (!first || ts < first)
			first = ts;
		if (ts > all_there)
			all_there = ts;
	}
	if (first)
		survey->begin = first;
	if (s->first_death && s->first_death < end)
		end = s->first_death;
	if (all_there && end > all_there && end - all_there >= (survey->end - survey->begin) / 2) {
		survey->begin = all_there;
		survey->end = end;
	}
}

/* Of those that ended, and of those that went on at @end */
static double longest_slice(const struct surveyor *s, const struct kvs_times *t, u64 end)
{
	double longest = kvs_scale(&t->cycles, s->longest_cycles);

	for (unsigned int i = 0; i < s->model.nr_vcpus; i++) {
		const struct kvs_vcpu *v = s->model.vcpus[i];

		if (v->state == KVS_STATE_ON_CPU && end > v->since_ts)
			longest = fmax(longest, kvs_scale(&t->ts, end - v->since_ts));
	}
	return longest;
}

/* Only an experiment's result.json knows which part was recorded under which policy. */
static void warn_of_changes(const char *path, const struct kvs_model *m)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		if (!m->vcpus[i]->policy_changes)
			continue;
		kvs_warn("%s: vCPUs changed their policy while it was recorded", path);
		kvs_hint("of an experiment, compare the folder: it tells which part of a recording counts");
		return;
	}
}

static bool conclude(const char *path, struct surveyor *s,
		     const struct kvs_trace_info *info, bool whole,
		     struct kvs_survey *survey)
{
	const struct kvs_model *m = &s->model;

	survey->records = kvs_model_records(m);
	survey->lost_exact = kvs_model_lost(m, &survey->lost);
	survey->vcpus = m->nr_vcpus;
	survey->tsc = info->clock == KVS_CLOCK_TSC;
	kvs_times_init(&survey->times, info, m);
	if (!survey->records) {
		kvs_err("%s: no kvmsched records in it", path);
		kvs_hint("did a vCPU run, and was the recording ended by `kvmsched record` itself?");
		return false;
	}
	if (!survey->times.cycles.known || !survey->times.ts.known) {
		kvs_err("%s: doesn't tell the rate of its TSC, so times can't be compared", path);
		kvs_hint("record with `kvmsched record`, which writes it into the file");
		return false;
	}
	set_window(s, whole, survey);
	if (survey->end <= survey->begin) {
		kvs_err("%s: covers no time", path);
		return false;
	}
	survey->longest_ns = longest_slice(s, &survey->times, survey->end);
	if (!whole)
		warn_of_changes(path, m);
	if (survey->lost || !survey->lost_exact)
		kvs_warn("%s: %s%" PRIu64 " records lost; what they would have told is missing from the comparison",
			 path, survey->lost_exact ? "" : "at least ", survey->lost);
	if (!kvs_model_all_seen(m))
		kvs_warn("%s: vCPUs or hits of hooks are missing from it, and so from the comparison; `kvmsched report` tells which",
			 path);
	return true;
}

bool kvs_survey_file(const char *path, bool whole, struct kvs_survey *survey)
{
	struct surveyor s = { 0 };
	const struct kvs_sink sink = {
		.record = kvs_model_record, .missed = kvs_model_missed, .ctx = &s.model,
	};
	struct kvs_trace *trace = kvs_trace_open(path);
	bool ok;

	if (!trace)
		return false;
	kvs_model_init(&s.model);
	s.model.queues.unwanted = true;
	kvs_sinks_add(&s.model.sinks, KVS_SPAN_BIT(SLICE), take_slice, &s);
	ok = kvs_trace_read(trace, &sink) &&
	     conclude(path, &s, kvs_trace_info(trace), whole, survey);
	kvs_model_free(&s.model);
	kvs_trace_close(trace);
	return ok;
}

bool kvs_collect_file(const char *path, const struct kvs_survey *survey,
		      const struct kvs_cut *cut, struct kvs_units *units)
{
	struct kvs_trace *trace = kvs_trace_open(path);
	struct kvs_collector *c;
	struct kvs_sink sink = {
		.record = kvs_collector_record, .missed = kvs_collector_missed,
	};
	bool ok;

	if (!trace)
		return false;
	c = kvs_collector_create(survey, cut);
	sink.ctx = c;
	ok = kvs_trace_read(trace, &sink);
	kvs_collector_finish(c, units);
	if (!ok)
		kvs_units_free(units);
	kvs_trace_close(trace);
	return ok;
}
