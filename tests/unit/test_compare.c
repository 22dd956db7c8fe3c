// SPDX-License-Identifier: GPL-2.0-only
/*
 * From records to verdicts: the collector on stories whose truth is known, the
 * comparison on arms made by hand.  test_compare_files.c does the same with files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "comparing.h"
#include "near.h"

/* --- a story of records ----------------------------------------------- */

static struct kvs_survey survey_of(u64 length)
{
	const struct kvs_scale one = KVS_SCALE_NONE;

	return (struct kvs_survey){
		.times = { .ts = one, .cycles = one, .ns = one },
		.begin = BASE, .end = BASE + length,
	};
}

static struct kvs_record record(u16 event, u64 ts, s32 tid)
{
	struct kvs_record rec = { .event = event, .ts = BASE + ts };

	rec.ent.pid = tid;
	return rec;
}

static void out(struct kvs_collector *c, u64 ts, u16 vcpu, u8 kind, u64 ran)
{
	struct kvs_record rec = record(KS_EV_switch_out, ts, 100 + vcpu);

	rec.switch_out.vm = 1;
	rec.switch_out.vcpu = vcpu;
	rec.switch_out.kind = kind;
	rec.switch_out.ran_cycles = ran;
	kvs_collector_record(c, &rec);
}

static void in(struct kvs_collector *c, u64 ts, u16 vcpu, u8 kind, u64 off, u64 wait)
{
	struct kvs_record rec = record(KS_EV_switch_in, ts, 100 + vcpu);

	rec.switch_in.vm = 1;
	rec.switch_in.vcpu = vcpu;
	rec.switch_in.kind = kind;
	rec.switch_in.off_cycles = off;
	rec.switch_in.wait_ns = wait;
	kvs_collector_record(c, &rec);
}

static void leave_guest(struct kvs_collector *c, u64 ts, u16 vcpu, u64 guest, u64 host)
{
	struct kvs_record rec = record(KS_EV_exit, ts, 100 + vcpu);

	rec.exit.vm = 1;
	rec.exit.vcpu = vcpu;
	rec.exit.reason = 0x60;
	rec.exit.guest_cycles = guest;
	rec.exit.host_cycles = host;
	kvs_collector_record(c, &rec);
}

/* Two vCPUs take turns of @slice, from before the window until after it. */
static void take_turns(struct kvs_collector *c, u64 length, u64 slice)
{
	u64 ts = 0;

	for (unsigned int n = 0; ts <= length + slice; n++, ts += slice) {
		u16 now = n % 2, next = !now;

		if (n > 0)
			leave_guest(c, ts - slice / 2, now, slice / 2 - 1000, 1000);
		if (n > 0)
			out(c, ts, now, KS_SWITCH_PREEMPTED, slice);
		in(c, ts, next, KS_SWITCH_PREEMPTED, n > 1 ? slice : 0, 0);
	}
}

static double median_of(struct kvs_unit *unit, enum kvs_metric metric, bool censored)
{
	struct kvs_obs obs;

	assert_true(kvs_values_quantile(&unit->values[metric], 0.5, &obs));
	assert_int_equal(obs.censored, censored);
	return obs.value;
}

static void turns_give_slices_waits_and_shares(void **unused)
{
	const struct kvs_survey survey = survey_of(SECOND);
	const struct kvs_cut cut = { .block_ns = 0 };
	struct kvs_collector *c = kvs_collector_create(&survey, &cut);
	struct kvs_units units;
	struct kvs_unit *u;

	take_turns(c, SECOND, 4 * MS);
	kvs_collector_finish(c, &units);
	assert_int_equal(units.nr, 1);
	u = units.units;
	assert_near(median_of(u, KVS_M_SLICE, false), 4 * MS, 1);
	assert_near(median_of(u, KVS_M_WAIT_PREEMPTED, false), 4 * MS, 1);
	assert_near(median_of(u, KVS_M_EXIT_COST, false), 1000, 0.01);
	assert_near(u->single[KVS_M_FAIRNESS].value, 1, 1e-4);
	assert_near(u->single[KVS_M_STEAL].value, 0.5, 0.005);
	/* 125 slices each */
	assert_near(u->single[KVS_M_SLICES].value, 125, 1);
	assert_near(u->single[KVS_M_PREEMPTIONS].value, 125, 1);
	assert_near(u->single[KVS_M_SWITCHES].value, 250, 2);
	/* Half of each slice, less 1 µs; of two vCPUs, one at a time */
	assert_near(u->single[KVS_M_GUEST_SHARE].value, 0.25, 0.003);
	kvs_units_free(&units);
}

static void blocks_are_equal_and_add_up(void **unused)
{
	const struct kvs_survey survey = survey_of(SECOND);
	const struct kvs_cut cut = { .block_ns = 50 * MS };
	struct kvs_collector *c = kvs_collector_create(&survey, &cut);
	struct kvs_units units;

	take_turns(c, SECOND, 4 * MS);
	kvs_collector_finish(c, &units);
	assert_int_equal(units.nr, 20);
	for (size_t i = 0; i < units.nr; i++) {
		struct kvs_unit *u = &units.units[i];

		assert_true(u->values[KVS_M_SLICE].nr == 12 || u->values[KVS_M_SLICE].nr == 13);
		assert_near(u->single[KVS_M_STEAL].value, 0.5, 0.05);
		assert_near(u->single[KVS_M_SLICES].value, 125, 5.1);
	}
	kvs_units_free(&units);
}

/* One has the CPU all the time, the other waits since before the window. */
static void starved_vcpu_is_censored(void **unused)
{
	const struct kvs_survey survey = survey_of(SECOND);
	const struct kvs_cut cut = { .block_ns = 0 };
	struct kvs_collector *c = kvs_collector_create(&survey, &cut);
	struct kvs_record early = record(KS_EV_switch_out, 0, 101);
	struct kvs_units units;

	early.ts = BASE - 300 * MS;
	early.switch_out.vm = 1;
	early.switch_out.vcpu = 1;
	early.switch_out.kind = KS_SWITCH_PREEMPTED;
	early.switch_out.ran_cycles = 4 * MS;
	kvs_collector_record(c, &early);
	in(c, 0, 0, KS_SWITCH_PREEMPTED, 0, 0);
	leave_guest(c, 500 * MS, 0, 400 * MS, 1000);
	/* After the window all is as it was: none of this counts. */
	out(c, SECOND + MS, 0, KS_SWITCH_PREEMPTED, SECOND + MS);
	in(c, SECOND + MS, 1, KS_SWITCH_PREEMPTED, SECOND + 301 * MS, 0);
	kvs_collector_finish(c, &units);
	assert_near(median_of(units.units, KVS_M_SLICE, true), SECOND, 100);
	assert_near(median_of(units.units, KVS_M_WAIT_PREEMPTED, true), SECOND, 100);
	assert_near(units.units->single[KVS_M_FAIRNESS].value, 0.5, 1e-6);
	assert_near(units.units->single[KVS_M_STEAL].value, 0.5, 1e-6);
	assert_near(units.units->single[KVS_M_PREEMPTIONS].value, 0, 0);
	kvs_units_free(&units);
}

/*
 * One that left no record in the window is known by a witness, whether it leaves one
 * after it, when the policies are back, or none at all.
 */
static void hear_witness(bool seen_later)
{
	const struct kvs_witness witnesses[] = {
		{ .tid = 100, .starved = false }, { .tid = 101, .starved = true },
	};
	const struct kvs_survey survey = survey_of(SECOND);
	const struct kvs_cut cut = { .witnesses = witnesses, .nr_witnesses = 2 };
	struct kvs_collector *c = kvs_collector_create(&survey, &cut);
	struct kvs_units units;

	in(c, 0, 0, KS_SWITCH_PREEMPTED, 0, 0);
	leave_guest(c, 500 * MS, 0, 400 * MS, 1000);
	if (seen_later)
		in(c, SECOND + MS, 1, KS_SWITCH_PREEMPTED, 0, 0);
	kvs_collector_finish(c, &units);
	assert_near(median_of(units.units, KVS_M_WAIT_PREEMPTED, true), SECOND, 100);
	assert_near(units.units->single[KVS_M_FAIRNESS].value, 0.5, 1e-6);
	assert_near(units.units->single[KVS_M_STEAL].value, 0.5, 1e-6);
	kvs_units_free(&units);
}

static void witness_speaks_for_the_unseen(void **unused)
{
	hear_witness(false);
	hear_witness(true);
}

/* The blocks that are drawn are within the recording, in order, and apart. */
static void drawn_blocks_hold_what_ends_in_them(void **unused)
{
	const struct kvs_survey survey = survey_of(SECOND);
	u64 values[2] = { 0, 0 }, rest[2];

	for (unsigned int seed = 0; seed < 2; seed++) {
		const struct kvs_cut cut = {
			.block_ns = 10 * MS, .most_blocks = 20, .seed = seed + 1,
		};
		struct kvs_collector *c = kvs_collector_create(&survey, &cut);
		struct kvs_units units;

		take_turns(c, SECOND, 100000);
		kvs_collector_finish(c, &units);
		assert_int_equal(units.nr, 20);
		assert_int_equal(units.fit, 100);
		for (size_t i = 0; i < units.nr; i++) {
			struct kvs_unit *u = &units.units[i];

			assert_in_range(u->values[KVS_M_SLICE].nr, 98, 102);
			assert_near(u->single[KVS_M_STEAL].value, 0.5, 0.02);
			assert_near(u->single[KVS_M_SLICES].value, 5000, 110);
			values[seed] += u->values[KVS_M_SLICE].nr;
		}
		rest[seed] = units.rest.values[KVS_M_SLICE].nr;
		assert_in_range(values[seed] + rest[seed], 9990, 10001);
		kvs_units_free(&units);
	}
}

static void woken_waits_are_apart(void **unused)
{
	const struct kvs_survey survey = survey_of(SECOND);
	const struct kvs_cut cut = { .block_ns = 0 };
	struct kvs_collector *c = kvs_collector_create(&survey, &cut);
	struct kvs_units units;

	in(c, 0, 0, KS_SWITCH_HALTED, 0, 0);
	for (u64 ts = 10 * MS; ts < SECOND; ts += 10 * MS) {
		out(c, ts, 0, KS_SWITCH_HALTED, 4 * MS);
		in(c, ts + 6 * MS, 0, KS_SWITCH_HALTED, 6 * MS, 50000);
	}
	kvs_collector_finish(c, &units);
	assert_near(median_of(units.units, KVS_M_WAIT_WOKEN, false), 50000, 0.01);
	assert_int_equal(units.units->values[KVS_M_WAIT_PREEMPTED].nr, 0);
	/* 99 times 50 µs of a second: asleep is not stolen */
	assert_near(units.units->single[KVS_M_STEAL].value, 99 * 50e-6, 1e-6);
	assert_near(units.units->single[KVS_M_PREEMPTIONS].value, 0, 0);
	kvs_units_free(&units);
}

/* --- values ----------------------------------------------------------- */

static void values_are_as_observations(void **unused)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct kvs_obs obs[40], expected, got;

	gsl_rng_set(rng, 1);
	for (unsigned int run = 0; run < 200; run++) {
		size_t n = 1 + gsl_rng_uniform_int(rng, ARRAY_SIZE(obs));
		double q = (1 + gsl_rng_uniform_int(rng, 100)) / 100.0;
		struct kvs_values v = { 0 };

		for (size_t i = 0; i < n; i++) {
			obs[i] = (struct kvs_obs){ gsl_rng_uniform_int(rng, 20),
						  !gsl_rng_uniform_int(rng, 4) };
			kvs_values_add(&v, obs[i].value, obs[i].censored);
		}
		expected = kvs_quantile(obs, n, q);
		assert_true(kvs_values_quantile(&v, q, &got));
		assert_true(got.value == expected.value);
		assert_int_equal(got.censored, expected.censored);
		kvs_values_free(&v);
	}
	gsl_rng_free(rng);
}

/*
 * Half a million different values: rounded as the library says, in bounded memory, and
 * merged likewise; a quantile is off by no more than that and one value's distance.
 */
static void many_values_are_rounded(void **unused)
{
	const size_t n = 500000;
	struct kvs_values v = { 0 }, merged = { 0 };
	struct kvs_obs got;

	for (size_t i = 0; i < n; i++)
		kvs_values_add(&v, 1e6 + i, false);
	assert_int_equal(v.nr, n);
	assert_true(v.distinct < 50000);
	assert_true(kvs_values_rounding(&v) > 0 && kvs_values_rounding(&v) < 1e-4);
	kvs_values_add(&merged, -3, false);
	kvs_values_add(&merged, 0, false);
	kvs_values_add(&merged, 1e9, true);
	kvs_values_merge(&merged, &v);
	assert_int_equal(merged.nr, n + 2);
	assert_int_equal(merged.nr_censored, 1);
	for (unsigned int percent = 5; percent < 100; percent += 5) {
		double want = 1e6 + n * percent / 100.0;

		assert_true(kvs_values_quantile(&merged, percent / 100.0, &got));
		assert_false(got.censored);
		assert_near(got.value, want, want * kvs_values_rounding(&merged) + 3);
	}
	assert_true(merged.seen[0].value == -3 && merged.seen[1].value == 0);
	kvs_values_free(&v);
	kvs_values_free(&merged);
}

/* The same value a thousand times, and one more after the first question */
static void values_go_on_after_a_question(void **unused)
{
	struct kvs_values v = { 0 };
	struct kvs_obs got;

	for (unsigned int i = 0; i < 1000; i++)
		kvs_values_add(&v, i % 2 ? 7.25 : 3.5, false);
	assert_true(kvs_values_quantile(&v, 0.4, &got));
	assert_true(got.value == 3.5);
	kvs_values_add(&v, 7.25, false);
	assert_true(kvs_values_quantile(&v, 0.5, &got));
	assert_true(got.value == 7.25);
	assert_int_equal(v.distinct, 2);
	assert_int_equal(v.nr, 1001);
	assert_true(kvs_values_rounding(&v) == 0);
	kvs_values_free(&v);
}

/* --- arms to verdicts ------------------------------------------------- */

static void give(struct kvs_arm *arm, enum kvs_metric m, const double *x, size_t n)
{
	arm->value[m] = xcalloc(n, sizeof(**arm->value));
	arm->nr[m] = n;
	for (size_t i = 0; i < n; i++) {
		arm->value[m][i].value = x[i];
		kvs_values_add(&arm->pool[m], x[i], false);
	}
}

static void verdicts_follow_directions(void **unused)
{
	static const double low[] = { 1, 2, 3, 4, 5, 6 }, high[] = { 11, 12, 13, 14, 15, 16 };
	static const enum kvs_verdict expected[KVS_NR_METRICS] = {
		[KVS_M_SLICE] = KVS_V_HIGHER, [KVS_M_WAIT_PREEMPTED] = KVS_V_WORSE,
		[KVS_M_WAIT_WOKEN] = KVS_V_WORSE, [KVS_M_TIMER_LATENESS] = KVS_V_WORSE,
		[KVS_M_IRQ_DELIVERY] = KVS_V_WORSE, [KVS_M_EXIT_COST] = KVS_V_WORSE,
		[KVS_M_TASK_SLICE] = KVS_V_HIGHER, [KVS_M_TASK_WAIT] = KVS_V_WORSE,
		[KVS_M_TASK_LATENESS] = KVS_V_WORSE,
		[KVS_M_SLICES] = KVS_V_HIGHER, [KVS_M_PREEMPTIONS] = KVS_V_HIGHER,
		[KVS_M_FAIRNESS] = KVS_V_BETTER, [KVS_M_GUEST_SHARE] = KVS_V_BETTER,
		[KVS_M_SWITCHES] = KVS_V_HIGHER, [KVS_M_STEAL] = KVS_V_WORSE,
	};
	struct kvs_arm a = { .units = 6 }, b = { .units = 6 };
	struct kvs_comparison pair = { .a = &a, .b = &b };

	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		give(&a, m, low, 6);
		give(&b, m, high, 6);
	}
	kvs_compare(&pair, 1, &settings);
	assert_int_equal(pair.tests, KVS_NR_METRICS);
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		assert_int_equal(pair.result[m].verdict, expected[m]);
		/* All as sure as 6 against 6 can be */
		assert_near(pair.result[m].corrected, KVS_NR_METRICS * 2 / 924.0, 1e-9);
		assert_near(pair.result[m].difference, 10, 0);
	}
	kvs_arm_free(&a);
	kvs_arm_free(&b);
}

static void five_rounds_are_too_few(void **unused)
{
	static const double low[] = { 1, 2, 3, 4, 5 }, high[] = { 11, 12, 13, 14, 15 };
	struct kvs_arm a = { .units = 5 }, b = { .units = 5 };
	struct kvs_comparison pair = { .a = &a, .b = &b };

	give(&a, KVS_M_SLICE, low, 5);
	give(&b, KVS_M_SLICE, high, 5);
	kvs_compare(&pair, 1, &settings);
	assert_int_equal(pair.result[KVS_M_SLICE].verdict, KVS_V_TOO_FEW);
	assert_int_equal(pair.result[KVS_M_SLICE].needed, 6);
	assert_true(isnan(pair.result[KVS_M_SLICE].p));
	assert_near(pair.result[KVS_M_SLICE].difference, 10, 0);
	assert_false(pair.result[KVS_M_STEAL].present);
	kvs_arm_free(&a);
	kvs_arm_free(&b);
}

/* Corrected for three pairs, 6 rounds can find nothing any more: say so. */
static void more_tests_need_more_rounds(void **unused)
{
	static const double low[] = { 1, 2, 3, 4, 5, 6 }, high[] = { 11, 12, 13, 14, 15, 16 };
	static const double mixed[] = { 1, 12, 3, 14, 5, 16 };
	struct kvs_settings all = settings;
	struct kvs_arm a = { .units = 6 }, b = { .units = 6 }, c = { .units = 6 };
	struct kvs_comparison pairs[] = {
		{ .a = &a, .b = &b }, { .a = &a, .b = &c }, { .a = &b, .b = &c },
	};

	all.all_pairs = true;
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		give(&a, m, low, 6);
		give(&b, m, high, 6);
		give(&c, m, mixed, 6);
	}
	kvs_compare(pairs, 3, &all);
	assert_int_equal(pairs[0].result[KVS_M_SLICE].verdict, KVS_V_TOO_FEW);
	/* 36 tests: 2 / C(14, 7) times 36 is 0.021 */
	assert_int_equal(pairs[0].result[KVS_M_SLICE].needed, 7);
	kvs_compare(pairs, 3, &settings);
	assert_int_equal(pairs[0].result[KVS_M_SLICE].verdict, KVS_V_HIGHER);
	kvs_arm_free(&a);
	kvs_arm_free(&b);
	kvs_arm_free(&c);
}

static void identical_rounds_are_deterministic(void **unused)
{
	static const double same[] = { 4, 4, 4, 4, 4, 4 };
	struct kvs_arm a = { .units = 6 }, b = { .units = 6 };
	struct kvs_comparison pair = { .a = &a, .b = &b };

	give(&a, KVS_M_SLICE, same, 6);
	give(&b, KVS_M_SLICE, same, 6);
	kvs_compare(&pair, 1, &settings);
	assert_true(pair.result[KVS_M_SLICE].identical);
	assert_int_equal(pair.result[KVS_M_SLICE].verdict, KVS_V_NONE);
	assert_near(pair.result[KVS_M_SLICE].detectable, 0, 0);
	assert_near(pair.result[KVS_M_SLICE].ci[0], 0, 0);
	assert_near(pair.result[KVS_M_SLICE].ci[1], 0, 0);
	kvs_arm_free(&a);
	kvs_arm_free(&b);
}

/* 200 whole comparisons of an arm with itself, 12 metrics each */
static void whole_comparisons_rarely_alarm(void **unused)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	unsigned int alarms = 0;
	double x[8], y[8];

	gsl_rng_set(rng, 11);
	for (unsigned int run = 0; run < 200; run++) {
		struct kvs_arm a = { .units = 8 }, b = { .units = 8 };
		struct kvs_comparison pair = { .a = &a, .b = &b };
		bool alarm = false;

		for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
			for (size_t i = 0; i < 8; i++) {
				x[i] = 100 + gsl_ran_gaussian(rng, 10);
				y[i] = 100 + gsl_ran_gaussian(rng, 10);
			}
			give(&a, m, x, 8);
			give(&b, m, y, 8);
		}
		kvs_compare(&pair, 1, &settings);
		for (unsigned int m = 0; m < KVS_NR_METRICS; m++)
			alarm |= pair.result[m].verdict != KVS_V_NONE;
		alarms += alarm;
		kvs_arm_free(&a);
		kvs_arm_free(&b);
	}
	print_message("# A/A comparisons with any verdict but none: %u of 200\n", alarms);
	assert_true(alarms <= 18);
	gsl_rng_free(rng);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_give_slices_waits_and_shares),
		cmocka_unit_test(blocks_are_equal_and_add_up),
		cmocka_unit_test(starved_vcpu_is_censored),
		cmocka_unit_test(witness_speaks_for_the_unseen),
		cmocka_unit_test(woken_waits_are_apart),
		cmocka_unit_test(values_are_as_observations),
		cmocka_unit_test(many_values_are_rounded),
		cmocka_unit_test(values_go_on_after_a_question),
		cmocka_unit_test(verdicts_follow_directions),
		cmocka_unit_test(five_rounds_are_too_few),
		cmocka_unit_test(more_tests_need_more_rounds),
		cmocka_unit_test(identical_rounds_are_deterministic),
		cmocka_unit_test(whole_comparisons_rarely_alarm),
		cmocka_unit_test(drawn_blocks_hold_what_ends_in_them),
	};

	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
