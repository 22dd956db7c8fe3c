// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model on records that no module wrote: a damaged file may hold any number, and
 * time may go back.  Spans still begin before they end, and end by now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/clock.h"
#include "model/model.h"
#include "model/summary.h"

#define RUNS		60
#define RECORDS		3000

static struct {
	struct kvs_model model;
	u64 random;
	u64 latest;		/* time stamp of all records so far */
	u64 spans;
} t;

static u64 next_random(void)
{
	t.random ^= t.random << 13;
	t.random ^= t.random >> 7;
	t.random ^= t.random << 17;
	return t.random;
}

/* Often 0 or small, sometimes anything */
static u64 some_number(void)
{
	switch (next_random() % 8) {
	case 0:
		return next_random();
	case 1:
		return UINT64_MAX - next_random() % 1000;
	case 2:
	case 3:
		return 0;
	default:
		return next_random() % 5000;
	}
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	t.spans++;
	if (span->begin > span->end)
		fail_msg("a span of kind %s ends %llu before its begin",
			 kvs_span_kind_name(span->kind),
			 (unsigned long long)(span->begin - span->end));
	if (span->end > t.latest)
		fail_msg("a span of kind %s ends %llu after the last record",
			 kvs_span_kind_name(span->kind),
			 (unsigned long long)(span->end - t.latest));
	if (span->unit == KVS_SPAN_IN_TS && span->length &&
	    span->length != span->end - span->begin)
		fail_msg("a span of kind %s is as long as it is not",
			 kvs_span_kind_name(span->kind));
}

static void feed_record(u64 *ts)
{
	struct kvs_record rec = { .event = next_random() % KS_NR_EVENTS };

	for (size_t at = offsetof(struct kvs_record, exit); at + 8 <= sizeof(rec); at += 8) {
		u64 number = some_number();

		memcpy((char *)&rec + at, &number, sizeof(number));
	}
	*ts += next_random() % 2000;
	rec.ts = next_random() % 50 ? *ts : *ts - next_random() % *ts;
	rec.cpu = next_random() % 4;
	rec.ent.pid = 100 + next_random() % 3;
	rec.exit.vm = 1;
	rec.exit.vcpu = next_random() % 3;
	if (rec.event == KS_EV_switch_out)
		rec.switch_out.kind = next_random() % (KS_NR_SWITCH_KINDS + 1);
	if (rec.event == KS_EV_wake)
		rec.wake.cpu = next_random() % 4;
	if (rec.event == KS_EV_migrate)
		rec.migrate.cpu = next_random() % 4;
	if (rec.event == KS_EV_host_switch)
		rec.host_switch.prev_pid = 100 + next_random() % 5;
	if (rec.ts > t.latest)
		t.latest = rec.ts;
	kvs_model_record(&t.model, &rec);
	if (!(next_random() % 200))
		kvs_model_missed(&t.model, next_random() % 4, next_random() % 3 - 1);
}

static void any_records(void **unused)
{
	for (unsigned int run = 1; run <= RUNS; run++) {
		u64 ts = 1000000;

		memset(&t, 0, sizeof(t));
		t.random = run * 0x9e3779b97f4a7c15ULL;
		kvs_model_init(&t.model);
		kvs_model_clock(&t.model, run % 3, run % 3 == 1 ? 3 : 0, 1);
		kvs_summary_listen(&t.model);
		kvs_sinks_add(&t.model.sinks, KVS_SPAN_ALL, take_span, NULL);
		for (unsigned int i = 0; i < RECORDS; i++) {
			feed_record(&ts);
			if (!(next_random() % 500))
				kvs_model_cut(&t.model, t.latest);
		}
		kvs_model_finish(&t.model);
		for (unsigned int i = 0; i < t.model.nr_vcpus; i++)
			assert_int_equal(kvs_ledger_residual(&t.model.vcpus[i]->ledger), 0);
		assert_true(t.spans > RECORDS / 2);
		kvs_model_free(&t.model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
