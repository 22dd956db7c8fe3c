// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recording is read twice: first for what is needed to cut it into units,
 * then for the values of these.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "compare/compare.h"
#include "model/clock.h"
#include "model/model.h"
#include "trace/load.h"

/* What is seen of one vCPU */
struct seen {
	u64 longest_cycles;	/* slice */
	u64 death;		/* of its thread, the first; 0: it lives */
	u64 first;		/* record of it; 0: only the host wrote of it */
	u64 on_since;		/* it had a CPU at the end, since then; 0: it had none */
};

struct surveyor {
	struct kvs_model model;
	struct seen *seen;	/* by the index of the vCPU */
	unsigned int nr;
};

static struct seen *seen_of(struct surveyor *s, unsigned int index)
{
	s->seen = xgrow(s->seen, &s->nr, index, sizeof(*s->seen));
	return &s->seen[index];
}

static void take_slice(void *ctx, const struct kvs_span *span)
{
	struct seen *seen = seen_of(ctx, span->vcpu->index);

	if (span->open)
		return;
	if (span->length > seen->longest_cycles && !span->slice.shared)
		seen->longest_cycles = span->length;
	if (!seen->death && span->slice.kind == KS_SWITCH_DEAD)
		seen->death = span->end;
}

/* What the end of the reading tells, before kvs_model_finish() closes all. */
static void look_at_end(struct surveyor *s)
{
	for (unsigned int i = 0; i < s->model.nr_vcpus; i++) {
		const struct kvs_vcpu *v = s->model.vcpus[i];
		struct seen *seen = seen_of(s, v->index);

		seen->first = v->first_ts;
		seen->on_since = v->state == KVS_STATE_ON_CPU ? v->since_ts : 0;
	}
}

static bool is_wanted(const struct kvs_survey *survey, unsigned int index)
{
	return !survey->wanted || survey->wanted[index];
}

/* A starved vCPU may have no record, so it is not in the model. */
static void choose_witnesses(const struct kvs_select *select, const struct kvs_vm_names *names,
			     struct kvs_witness *w, size_t *nr)
{
	size_t left = 0;

	for (size_t i = 0; i < *nr; i++) {
		const char *name = kvs_vm_names_of_thread(names, w[i].tid);

		if (!name)
			name = kvs_vm_names_of_process(names, w[i].pid);
		if (kvs_select_matches(select, w[i].pid, w[i].vm_index, name, w[i].vcpu))
			w[left++] = w[i];
	}
	*nr = left;
}

/*
 * From when all vCPUs were there, until one left.  Guests that came and went
 * leave no such time: then it is all the time of any of them.
 */
static void set_window(const struct surveyor *s, bool whole, struct kvs_survey *survey)
{
	const struct kvs_model *m = &s->model;
	u64 first = 0, all_there = 0, end = m->stopped ? m->stop_ts : m->last_ts;
	u64 first_death = end;

	survey->start = survey->begin = kvs_model_start_ts(m);
	survey->end = end;
	if (whole)
		return;
	for (unsigned int i = 0; i < s->nr; i++) {
		u64 ts = s->seen[i].first, death = s->seen[i].death;

		if (!is_wanted(survey, i))
			continue;
		if (death && death < first_death)
			first_death = death;
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
	if (all_there && first_death > all_there &&
	    first_death - all_there >= (survey->end - survey->begin) / 2) {
		survey->begin = all_there;
		survey->end = first_death;
	}
}

/* Of those that ended, and of those that went on at @end */
static double longest_slice(const struct surveyor *s, const struct kvs_survey *survey)
{
	const struct kvs_times *t = &survey->times;
	double longest = 0;

	for (unsigned int i = 0; i < s->nr; i++) {
		const struct seen *seen = &s->seen[i];

		if (!is_wanted(survey, i))
			continue;
		longest = fmax(longest, kvs_scale(&t->cycles, seen->longest_cycles));
		if (seen->on_since && survey->end > seen->on_since)
			longest = fmax(longest,
				       kvs_scale(&t->ts, survey->end - seen->on_since));
	}
	return longest;
}

/* Only an experiment's result.json knows which part was recorded under which policy. */
static void warn_of_changes(const char *path, const struct kvs_model *m,
			    const struct kvs_select *select)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		if (!m->vcpus[i]->policy_changes || !kvs_selected(select, m->vcpus[i]))
			continue;
		kvs_warn("%s: vCPUs changed their policy while it was recorded", path);
		kvs_hint("of an experiment, compare the folder: it tells which part of a recording counts");
		return;
	}
}

static bool conclude(const char *path, struct surveyor *s,
		     const struct kvs_trace_info *info, bool whole,
		     const struct kvs_select *select, struct kvs_survey *survey)
{
	const struct kvs_model *m = &s->model;

	survey->records = kvs_model_records(m);
	survey->lost_exact = kvs_model_lost(m, &survey->lost);
	survey->tsc = info->clock == KVS_CLOCK_TSC;
	kvs_times_init(&survey->times, info, m);
	kvs_clocks_init(&survey->clocks, info, &survey->times);
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
	look_at_end(s);
	kvs_model_finish(&s->model);
	kvs_model_name_vms(&s->model, &info->names);
	survey->vcpus = m->nr_vcpus;
	if (!kvs_select_is_any(select))
		survey->wanted = kvs_selected_ones(select, m, &survey->vcpus);
	set_window(s, whole, survey);
	if (survey->end <= survey->begin) {
		kvs_err("%s: covers no time", path);
		return false;
	}
	survey->longest_ns = longest_slice(s, survey);
	if (!whole)
		warn_of_changes(path, m, select);
	if (survey->lost || !survey->lost_exact)
		kvs_warn("%s: %s%" PRIu64 " records lost; what they would have told is missing from the comparison",
			 path, survey->lost_exact ? "" : "at least ", survey->lost);
	if (!kvs_model_all_seen(m))
		kvs_warn("%s: vCPUs or hits of hooks are missing from it, and so from the comparison; `kvmsched report` tells which",
			 path);
	return true;
}

bool kvs_survey_file(const char *path, bool whole, const struct kvs_select *select,
		     struct kvs_survey *survey, struct kvs_witness *witnesses,
		     size_t *nr_witnesses)
{
	struct surveyor s = { 0 };
	const struct kvs_sink sink = {
		.record = kvs_model_record, .missed = kvs_model_missed,
		.foretold = kvs_model_foretold, .ctx = &s.model,
	};
	struct kvs_trace *trace = kvs_trace_open(path);
	bool ok;

	if (!trace)
		return false;
	kvs_model_init(&s.model);
	s.model.queues.unwanted = true;
	kvs_sinks_add(&s.model.sinks, KVS_SPAN_BIT(SLICE), take_slice, &s);
	*survey = (struct kvs_survey){ 0 };
	ok = kvs_trace_read(trace, &sink) &&
	     conclude(path, &s, kvs_trace_info(trace), whole, select, survey);
	if (ok && nr_witnesses)
		choose_witnesses(select, &kvs_trace_info(trace)->names, witnesses,
				 nr_witnesses);
	if (ok && !survey->vcpus && !(nr_witnesses && *nr_witnesses) && !kvs_select_is_any(select)) {
		kvs_err("%s: no such vCPU in it", path);
		ok = false;
	}
	free(s.seen);
	kvs_model_free(&s.model);
	kvs_trace_close(trace);
	return ok;
}

static double seconds_after(const struct kvs_survey *survey, u64 ts)
{
	return kvs_scale(&survey->times.ts, ts - survey->start) / 1e9;
}

bool kvs_survey_narrow(const char *path, const struct kvs_part *part,
		       struct kvs_survey *survey)
{
	const u64 begin = survey->begin, end = survey->end;
	const struct kvs_frame_of_time frame = {
		.clocks = &survey->clocks, .start = survey->start, .begin = begin, .end = end,
	};
	u64 from, to;
	char *why;

	if (!kvs_when_part(&part->from, &part->to, &frame, &from, &to, &why)) {
		kvs_err("%s: %s", path, why);
		free(why);
		return false;
	}
	survey->begin = from > begin ? from : begin;
	survey->end = to < end ? to : end;
	if (survey->begin < survey->end)
		return true;
	kvs_err("%s: there is nothing to compare between --from and --to", path);
	kvs_hint("what can be compared of it is from %.3f s to %.3f s",
		 seconds_after(survey, begin), seconds_after(survey, end));
	return false;
}

void kvs_survey_free(struct kvs_survey *survey)
{
	free(survey->wanted);
	survey->wanted = NULL;
	kvs_clocks_free(&survey->clocks);
}

bool kvs_collect_file(const char *path, const struct kvs_survey *survey,
		      const struct kvs_cut *cut, struct kvs_units *units)
{
	struct kvs_trace *trace = kvs_trace_open(path);
	struct kvs_collector *c;
	struct kvs_sink sink = {
		.record = kvs_collector_record, .missed = kvs_collector_missed,
		.foretold = kvs_collector_foretold,
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
