// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spans against what the model sums by itself, on all golden recordings: whoever adds
 * up spans comes to the same figures.
 */
#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/summary.h"
#include "trace/load.h"

#define VCPUS	64

/* What a sink adds up of one vCPU */
struct sums {
	u64 states[KVMSCHED_NR_STATES];
	u64 lengths;		/* of all states */
	u64 pieces, slices_ts;
	u64 last_end[KVS_SPAN_KINDS];
};

static struct {
	struct kvs_model model;
	struct sums sums[VCPUS];
	u64 now;		/* of the record at hand */
	u64 cut;		/* cut the model there; 0: never */
	u64 spans;
} t;

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct sums *s;

	t.spans++;
	assert_true(span->kind < KVS_SPAN_KINDS);
	assert_true(span->begin <= span->end);
	if (!span->vcpu)
		return;
	assert_in_range(span->vcpu->index, 0, VCPUS - 1);
	s = &t.sums[span->vcpu->index];
	/* Nothing ends after the record that tells it. */
	assert_true(span->end <= t.now);
	switch (span->kind) {
	case KVS_SPAN_STATE:
		assert_int_equal(span->length, span->end - span->begin);
		s->states[span->state.state] += span->length;
		if (span->state.state == KVMSCHED_STATE_POLL)
			s->states[KVMSCHED_STATE_EXIT] -= span->length;
		else
			s->lengths += span->length;
		break;
	case KVS_SPAN_PIECE:
		s->pieces += span->length;
		break;
	case KVS_SPAN_SLICE:
		/* One vCPU is on one CPU at a time. */
		assert_true(span->gap || span->begin >= s->last_end[span->kind]);
		s->last_end[span->kind] = span->end;
		if (span->slice.since)
			s->slices_ts += span->end - span->begin;
		break;
	}
}

static void take_record(void *ctx, const struct kvs_record *rec)
{
	if (t.cut && rec->ts > t.cut) {
		t.now = t.cut;
		kvs_model_cut(&t.model, t.cut);
		t.cut = 0;
	}
	if (rec->ts > t.now)
		t.now = rec->ts;
	kvs_model_record(&t.model, rec);
}

static void take_loss(void *ctx, unsigned int cpu, s64 count)
{
	kvs_model_missed(&t.model, cpu, count);
}

/* With the summary, and a sink of @kinds; the model is cut at @cut, unless that is 0. */
static void read_file(const char *path, u32 kinds, u64 cut)
{
	const struct kvs_sink sink = { .record = take_record, .missed = take_loss };
	struct kvs_trace *trace = kvs_trace_open(path);
	const struct kvs_trace_info *info;

	assert_non_null(trace);
	info = kvs_trace_info(trace);
	memset(&t, 0, sizeof(t));
	t.cut = cut;
	kvs_model_init(&t.model);
	kvs_model_clock(&t.model, info->clock == KVS_CLOCK_NS, info->tsc_mult,
			info->tsc_shift);
	kvs_summary_listen(&t.model);
	kvs_sinks_add(&t.model.sinks, kinds, take_span, NULL);
	assert_true(kvs_trace_read(trace, &sink));
	t.now = UINT64_MAX;
	kvs_model_finish(&t.model);
	kvs_trace_close(trace);
}

/* Runs @check on each golden recording after reading it. */
static void on_each_file(u32 kinds, void (*check)(const char *path))
{
	const char *tests = getenv("KVMSCHED_TESTS");
	char *pattern = xasprintf("%s/golden/*.dat", tests ? tests : "tests");
	unsigned int read = 0;
	glob_t files;

	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++, read++) {
		read_file(files.gl_pathv[i], kinds, 0);
		check(files.gl_pathv[i]);
		kvs_model_free(&t.model);
	}
	assert_true(read >= 6);
	globfree(&files);
	free(pattern);
}

static const struct sums *sums_of(const struct kvs_vcpu *v)
{
	return &t.sums[v->index];
}

static void check_states(const char *path)
{
	for (unsigned int i = 0; i < t.model.nr_vcpus; i++) {
		const struct kvs_vcpu *v = t.model.vcpus[i];

		for (unsigned int state = 0; state < KVMSCHED_NR_STATES; state++)
			if (sums_of(v)->states[state] != v->ledger.states[state])
				fail_msg("%s: vCPU %u: %s is %llu by spans, %llu by the ledger",
					 path, v->id, kvs_ledger_state_name(state),
					 (unsigned long long)sums_of(v)->states[state],
					 (unsigned long long)v->ledger.states[state]);
	}
}

static void states_sum_to_the_ledger(void **unused)
{
	on_each_file(KVS_SPAN_BIT(STATE), check_states);
}

static void check_waits(const char *path)
{
	for (unsigned int i = 0; i < t.model.nr_vcpus; i++) {
		const struct kvs_vcpu *v = t.model.vcpus[i];
		u64 thieves = 0;

		for (unsigned int j = 0; j < v->waiter.nr; j++)
			thieves += v->waiter.thieves[j].time;
		/* Pieces of a wait that the ledger doesn't know are told, too. */
		assert_true(sums_of(v)->pieces >= thieves);
		if (!v->ledger.lost)
			assert_int_equal(sums_of(v)->pieces, thieves);
	}
}

static void pieces_sum_to_the_thieves(void **unused)
{
	on_each_file(KVS_SPAN_BIT(PIECE), check_waits);
}

static void check_slices(const char *path)
{
	for (unsigned int i = 0; i < t.model.nr_vcpus; i++) {
		const struct kvs_vcpu *v = t.model.vcpus[i];

		assert_true(v->on_cpu_ts == sums_of(v)->slices_ts);
	}
}

static void slices_sum_to_the_time_on_cpu(void **unused)
{
	on_each_file(KVS_SPAN_BIT(SLICE), check_slices);
}

/* The time that the spans of one kind fill */
static u64 slices_of(const struct kvs_vcpu *v)
{
	return v->on_cpu_ts;
}

static u64 pieces_of(const struct kvs_vcpu *v)
{
	return sums_of(v)->pieces;
}

static u64 states_of(const struct kvs_vcpu *v)
{
	return sums_of(v)->lengths;
}

/* A cut divides what goes on at that time, and nothing is missing or there twice. */
static void check_cuts(const char *name, u32 kinds, u64 (*filled)(const struct kvs_vcpu *v),
		       double tolerance)
{
	const char *tests = getenv("KVMSCHED_TESTS");
	char *path = xasprintf("%s/golden/%s", tests ? tests : "tests", name);
	u64 whole[VCPUS], begin = 0, end;

	read_file(path, kinds, 0);
	end = t.model.stop_ts;
	for (unsigned int i = 0; i < t.model.nr_vcpus; i++) {
		whole[i] = filled(t.model.vcpus[i]);
		/* A cut can only divide what is known by then. */
		if (t.model.vcpus[i]->first_ts > begin)
			begin = t.model.vcpus[i]->first_ts;
	}
	kvs_model_free(&t.model);
	for (unsigned int part = 1; part < 100; part++) {
		read_file(path, kinds, begin + (end - begin) / 100 * part);
		for (unsigned int i = 0; i < t.model.nr_vcpus; i++)
			if (fabs((double)filled(t.model.vcpus[i]) - whole[i]) >
			    tolerance * whole[i])
				fail_msg("%s, cut at %u %%: vCPU %u has %llu, without a cut %llu",
					 name, part, t.model.vcpus[i]->id,
					 (unsigned long long)filled(t.model.vcpus[i]),
					 (unsigned long long)whole[i]);
		kvs_model_free(&t.model);
	}
	free(path);
}

static void cut_divides_slices(void **unused)
{
	check_cuts("svm-rr.dat", KVS_SPAN_BIT(SLICE), slices_of, 0);
}

static void cut_divides_states(void **unused)
{
	check_cuts("svm-rr.dat", KVS_SPAN_BIT(STATE), states_of, 0);
	check_cuts("svm-hlt.dat", KVS_SPAN_BIT(STATE), states_of, 0);
}

/* A cut may come after the end of a wait, and before the record that tells it. */
static void cut_divides_pieces(void **unused)
{
	check_cuts("svm-steal.dat", KVS_SPAN_BIT(PIECE), pieces_of, 0.002);
}

static void check_nothing(const char *path)
{
	assert_int_equal(t.spans, 0);
	assert_true(kvs_model_records(&t.model) > 0);
}

/* Kinds that nobody asked for are not handed over. */
static void only_what_is_wanted(void **unused)
{
	on_each_file(0, check_nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_sum_to_the_ledger),
		cmocka_unit_test(pieces_sum_to_the_thieves),
		cmocka_unit_test(slices_sum_to_the_time_on_cpu),
		cmocka_unit_test(cut_divides_slices),
		cmocka_unit_test(cut_divides_states),
		cmocka_unit_test(cut_divides_pieces),
		cmocka_unit_test(only_what_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
