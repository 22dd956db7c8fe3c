// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recording is read twice: first for what is needed to cut it into units,
 * then for the values of these.
 */
#include <inttypes.h>
#include <math.h>

#include "compare/compare.h"
#include "base/kvmsched.h"
#include "trace/load.h"

struct surveyor {
	struct ks_model model;
	u64 first_death;	/* of a vCPU's thread; 0: none died */
};

static void survey_record(void *ctx, const struct ks_record *rec)
{
	struct surveyor *s = ctx;

	ks_model_record(&s->model, rec);
	if (rec->event == KS_EV_switch_out && !s->first_death &&
	    rec->switch_out.kind == KS_SWITCH_DEAD)
		s->first_death = rec->ts;
}

static void survey_missed(void *ctx, unsigned int cpu, s64 count)
{
	struct surveyor *s = ctx;

	ks_model_missed(&s->model, cpu, count);
}

/*
 * From when all vCPUs were there, until one left.  Guests that came and went
 * leave no such time: then it is all the time of any of them.
 */
static void set_window(const struct surveyor *s, bool whole, struct ks_survey *survey)
{
	const struct ks_model *m = &s->model;
	u64 first = 0, all_there = 0, end = m->stopped ? m->stop_ts : m->last_ts;

	survey->begin = m->started ? m->start_ts : m->first_ts;
	survey->end = end;
	if (whole)
		return;
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		u64 ts = m->vcpus[i]->first_ts;

		if (!first || ts < first)
			first = ts;
		if (ts > all_there)
			all_there = ts;
	}
	survey->begin = first;
	if (s->first_death && s->first_death < end)
		end = s->first_death;
	if (end > all_there && end - all_there >= (survey->end - first) / 2) {
		survey->begin = all_there;
		survey->end = end;
	}
}

static double longest_slice(const struct ks_model *m, const struct ks_times *t,
			    u64 end)
{
	double longest = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct ks_vcpu *v = m->vcpus[i];

		longest = fmax(longest, ks_scale(&t->cycles, v->sw.slice_cycles.max));
		if (v->state == KS_STATE_ON_CPU && end > v->since_ts)
			longest = fmax(longest, ks_scale(&t->ts, end - v->since_ts));
	}
	return longest;
}

/* Which part is of which policy, only an experiment's result tells. */
static void warn_of_changes(const char *path, const struct ks_model *m)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		if (!m->vcpus[i]->policy_changes)
			continue;
		ks_warn("%s: vCPUs changed their policy while it was recorded", path);
		ks_hint("of an experiment, compare the folder: it tells which part of a recording counts");
		return;
	}
}

static bool conclude(const char *path, struct surveyor *s,
		     const struct ks_trace_info *info, bool whole,
		     struct ks_survey *survey)
{
	const struct ks_model *m = &s->model;

	survey->records = ks_model_records(m);
	survey->lost_exact = ks_model_lost(m, &survey->lost);
	survey->vcpus = m->nr_vcpus;
	survey->tsc = info->clock == KS_CLOCK_TSC;
	ks_times_init(&survey->times, info, m);
	if (!survey->records) {
		ks_err("%s: no kvmsched records in it", path);
		ks_hint("did a vCPU run, and was the recording ended by `kvmsched record` itself?");
		return false;
	}
	if (!survey->times.cycles.known || !survey->times.ts.known) {
		ks_err("%s: doesn't tell the rate of its TSC, so times can't be compared", path);
		ks_hint("record with `kvmsched record`, which writes it into the file");
		return false;
	}
	set_window(s, whole, survey);
	if (survey->end <= survey->begin) {
		ks_err("%s: covers no time", path);
		return false;
	}
	survey->longest_ns = longest_slice(m, &survey->times, survey->end);
	if (!whole)
		warn_of_changes(path, m);
	if (survey->lost || !survey->lost_exact)
		ks_warn("%s: %s%" PRIu64 " records lost; what they would have told is missing from the comparison",
			path, survey->lost_exact ? "" : "at least ", survey->lost);
	return true;
}

bool ks_survey_file(const char *path, bool whole, struct ks_survey *survey)
{
	struct surveyor s = { .first_death = 0 };
	const struct ks_sink sink = {
		.record = survey_record, .missed = survey_missed, .ctx = &s,
	};
	struct ks_trace *trace = ks_trace_open(path);
	bool ok;

	if (!trace)
		return false;
	ks_model_init(&s.model);
	ok = ks_trace_read(trace, &sink) &&
	     conclude(path, &s, ks_trace_info(trace), whole, survey);
	ks_model_free(&s.model);
	ks_trace_close(trace);
	return ok;
}

bool ks_collect_file(const char *path, const struct ks_survey *survey,
		     const struct ks_cut *cut, struct ks_units *units)
{
	struct ks_trace *trace = ks_trace_open(path);
	struct ks_collector *c;
	struct ks_sink sink = {
		.record = ks_collector_record, .missed = ks_collector_missed,
	};
	bool ok;

	if (!trace)
		return false;
	c = ks_collector_create(survey, cut);
	sink.ctx = c;
	ok = ks_trace_read(trace, &sink);
	ks_collector_finish(c, units);
	ks_trace_close(trace);
	return ok;
}
