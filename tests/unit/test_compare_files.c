// SPDX-License-Identifier: GPL-2.0-only
/*
 * From files to verdicts: windows, blocks that are drawn, and rounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <gsl/gsl_rng.h>

#include "base/util.h"
#include "comparing.h"
#include "near.h"
#include "synth.h"

#define CYCLES_PER_NS	(SYNTH_TSC_KHZ / 1000000)

/* As take_turns(), with slices that vary a little by @seed, into a file */
static char *file_of_turns(const char *name, u64 length, u64 slice, unsigned int seed)
{
	const char *tests = getenv("KVMSCHED_TESTS");
	char *formats = xasprintf("%s/golden/formats", tests ? tests : "..");
	char *path = xasprintf("%s/kvmsched-test-%d-%s", "/tmp", getpid(), name);
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct synth *s = synth_new(path, 1, formats);
	u64 ts = BASE, before = 0;

	gsl_rng_set(rng, seed);
	for (unsigned int n = 0; ts < BASE + length; n++) {
		u64 this = slice + gsl_rng_uniform_int(rng, slice / 100);
		u16 now = n % 2, next = !now;
		struct ks_rec_switch_out o = {
			.ent.pid = 100 + now, .vm = 1, .vcpu = now,
			.kind = KS_SWITCH_PREEMPTED, .next_pid = 100 + next,
			.ran_cycles = before * CYCLES_PER_NS,
		};
		struct ks_rec_switch_in i = {
			.ent.pid = 100 + next, .vm = 1, .vcpu = next,
			.kind = KS_SWITCH_PREEMPTED,
			.off_cycles = n > 1 ? before * CYCLES_PER_NS : 0,
		};

		if (n)
			SYNTH_ADD(s, 0, ts * CYCLES_PER_NS, switch_out, &o);
		SYNTH_ADD(s, 0, ts * CYCLES_PER_NS, switch_in, &i);
		ts += this;
		before = this;
	}
	synth_finish(s);
	gsl_rng_free(rng);
	free(formats);
	return path;
}

/* A vCPU of which only others wrote, since its own records are lost, moves no window. */
static void window_needs_no_record_of_a_sleeper(void **unused)
{
	const char *tests = getenv("KVMSCHED_TESTS");
	char *formats = xasprintf("%s/golden/formats", tests ? tests : "..");
	char *path = xasprintf("%s/kvmsched-test-%d-sleeper", "/tmp", getpid());
	struct synth *s = synth_new(path, 1, formats);
	struct ks_rec_switch_in in = { .ent.pid = 100, .vm = 1 };
	struct ks_rec_exit last = { .ent.pid = 100, .vm = 1, .guest_cycles = 1000 };
	struct ks_rec_ledger ledger = { .vm = 1, .vcpu = 1, .tid = 101 };
	struct kvs_survey survey;

	SYNTH_ADD(s, 0, BASE, switch_in, &in);
	SYNTH_ADD(s, 0, BASE + SECOND, exit, &last);
	SYNTH_ADD(s, 0, BASE + SECOND, ledger, &ledger);
	synth_finish(s);
	assert_true(kvs_survey_file(path, false, &everything, &survey, NULL, NULL));
	assert_int_equal(survey.vcpus, 2);
	assert_int_equal(survey.begin, BASE);
	assert_int_equal(survey.end, BASE + SECOND);
	unlink(path);
	free(path);
	free(formats);
}

static struct kvs_study study_of(char **args, size_t nr)
{
	struct kvs_study study = { .settings = settings, .part.select = everything };

	assert_true(kvs_study_load(&study, args, nr));
	return study;
}

static void two_files_are_cut_into_blocks(void **unused)
{
	char *args[] = { file_of_turns("a.dat", 10 * SECOND, 4 * MS, 1),
			 file_of_turns("b.dat", 10 * SECOND, 5 * MS, 2) };
	struct kvs_study study = study_of(args, 2);
	const struct kvs_result *r = study.pairs[0].result;

	assert_int_equal(study.settings.by, KVS_BY_BLOCK);
	assert_false(study.settings.too_short);
	assert_true(study.block_ns >= KVS_BLOCK_SLICES * 5 * MS);
	assert_in_range(study.arms[0].units, KVS_MIN_BLOCKS, KVS_MAX_BLOCKS);
	assert_int_equal(study.arms[0].units, study.arms[1].units);
	assert_near(r[KVS_M_SLICE].difference, 1 * MS, 0.02 * MS);
	assert_int_equal(r[KVS_M_SLICE].verdict, KVS_V_HIGHER);
	assert_int_equal(r[KVS_M_WAIT_PREEMPTED].verdict, KVS_V_WORSE);
	assert_int_equal(r[KVS_M_SLICES].verdict, KVS_V_LOWER);
	assert_int_equal(r[KVS_M_STEAL].verdict, KVS_V_NONE);
	/* Exits were not recorded: no share of 0 is made of that. */
	assert_false(r[KVS_M_GUEST_SHARE].present);
	kvs_study_free(&study);
	unlink(args[0]);
	unlink(args[1]);
	free(args[0]);
	free(args[1]);
}

static void too_short_a_file_says_what_it_takes(void **unused)
{
	char *args[] = { file_of_turns("a.dat", 3 * SECOND, 4 * MS, 1),
			 file_of_turns("b.dat", 3 * SECOND, 100 * MS, 2) };
	struct kvs_study study = study_of(args, 2);

	assert_true(study.settings.too_short);
	assert_near(study.needed_ns, KVS_MIN_BLOCKS * KVS_BLOCK_SLICES * 100.5 * MS,
		    0.01 * 12 * SECOND);
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++)
		assert_int_equal(study.pairs[0].result[m].verdict, KVS_V_TOO_FEW);
	kvs_study_free(&study);
	unlink(args[0]);
	unlink(args[1]);
	free(args[0]);
	free(args[1]);
}

static void forget(char **paths, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
}

/*
 * 1 s against 60: the longer one has time for 60 times as many blocks, of which some are
 * drawn.  They are the same with the same seed, and all values are in the pool.
 */
static void a_long_file_gives_some_of_its_blocks(void **unused)
{
	char *args[] = { file_of_turns("a.dat", SECOND, MS, 1),
			 file_of_turns("b.dat", 60 * SECOND, MS, 2) };
	double began = (double)clock() / CLOCKS_PER_SEC, p, detectable;
	struct kvs_study study = study_of(args, 2), again = study_of(args, 2);
	const struct kvs_arm *arm = study.arms;
	const struct kvs_result *r = study.pairs[0].result;

	assert_true((double)clock() / CLOCKS_PER_SEC - began < 4);
	assert_int_equal(arm[0].units, KVS_MAX_BLOCKS);
	assert_int_equal(arm[0].fit, KVS_MAX_BLOCKS);
	assert_int_equal(arm[1].units, KVS_BLOCK_RATIO * KVS_MAX_BLOCKS);
	assert_in_range(arm[1].fit, 1190, 1205);
	assert_in_range(arm[1].pool[KVS_M_SLICE].nr, 59000, 60000);
	assert_int_equal(arm[1].nr[KVS_M_SLICE], arm[1].units);
	assert_true(r[KVS_M_SLICE].tested);
	assert_int_equal(r[KVS_M_SLICE].verdict, KVS_V_NONE);
	p = r[KVS_M_SLICE].p;
	detectable = r[KVS_M_SLICE].detectable;
	assert_true(again.pairs[0].result[KVS_M_SLICE].p == p);
	assert_true(again.pairs[0].result[KVS_M_SLICE].detectable == detectable);
	kvs_study_free(&study);
	kvs_study_free(&again);
	forget(args, 2);
}

/* Tiny files, one of which seems to last for minutes, since its end was damaged */
static void a_damaged_length_costs_nothing(void **unused)
{
	char *args[] = { file_of_turns("a.dat", MS, 10000, 1),
			 file_of_turns("b.dat", MS, 10000, 2) };
	const char *tests = getenv("KVMSCHED_TESTS");
	char *formats = xasprintf("%s/golden/formats", tests ? tests : "..");
	struct ks_rec_switch_in in = { .ent.pid = 100, .vm = 1 };
	struct ks_rec_switch_out out = { .ent.pid = 100, .vm = 1, .ran_cycles = 20000 };
	double began = (double)clock() / CLOCKS_PER_SEC;
	struct kvs_study study;
	struct synth *s;

	/* Else it would be kept beside the new one. */
	unlink(args[1]);
	s = synth_new(args[1], 1, formats);
	SYNTH_ADD(s, 0, BASE, switch_in, &in);
	SYNTH_ADD(s, 0, BASE + 20000, switch_out, &out);
	SYNTH_ADD(s, 0, BASE + 10000 * SECOND, switch_in, &in);
	synth_finish(s);
	study = study_of(args, 2);
	assert_true(study.arms[1].fit > 1000000);
	assert_true(study.arms[1].units <= KVS_BLOCK_RATIO * KVS_MAX_BLOCKS);
	assert_true((double)clock() / CLOCKS_PER_SEC - began < 2);
	kvs_study_free(&study);
	forget(args, 2);
	free(formats);
}

/* Files of one name are rounds of one arm. */
static void named_files_are_rounds(void **unused)
{
	enum { ROUNDS = 6 };
	char *paths[2 * ROUNDS], *args[2 * ROUNDS];
	struct kvs_study study;

	for (unsigned int i = 0; i < 2 * ROUNDS; i++) {
		char *name = xasprintf("%u.dat", i);

		paths[i] = file_of_turns(name, SECOND, i % 2 ? 5 * MS : 4 * MS, i + 1);
		args[i] = xasprintf("%s=%s", i % 2 ? "five" : "four", paths[i]);
		free(name);
	}
	study = study_of(args, 2 * ROUNDS);
	assert_int_equal(study.settings.by, KVS_BY_ROUND);
	assert_int_equal(study.nr_arms, 2);
	assert_string_equal(study.arms[1].name, "five");
	assert_int_equal(study.arms[1].units, ROUNDS);
	assert_int_equal(study.pairs[0].result[KVS_M_SLICE].verdict, KVS_V_HIGHER);
	assert_int_equal(study.pairs[0].result[KVS_M_STEAL].verdict, KVS_V_NONE);
	assert_false(study.deterministic);
	kvs_study_free(&study);
	for (unsigned int i = 0; i < 2 * ROUNDS; i++) {
		unlink(paths[i]);
		free(paths[i]);
		free(args[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_needs_no_record_of_a_sleeper),
		cmocka_unit_test(two_files_are_cut_into_blocks),
		cmocka_unit_test(too_short_a_file_says_what_it_takes),
		cmocka_unit_test(a_long_file_gives_some_of_its_blocks),
		cmocka_unit_test(a_damaged_length_costs_nothing),
		cmocka_unit_test(named_files_are_rounds),
	};

	return cmocka_run_group_tests_name("compare files", tests, NULL, NULL);
}
