// SPDX-License-Identifier: GPL-2.0-only
/*
 * "In short": what is said of a vCPU that waits for a CPU, or sleeps elsewhere than in HLT.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/model.h"
#include "sentences.h"

static void one_long_wait(void **unused)
{
	begin(ALL);
	run(980);
	lose(20 * MS, 7, SCHED_FIFO, "hog");
	expect_only("wait", "vm 50 vcpu0 waited 20.0 ms for a CPU, 2.0 % of its life, up to "
		    "20.0 ms at once; who had it: hog/7 (SCHED_FIFO 50) for 20.0 ms");
}

/* None of them is long, but they are many; who had little is not named. */
static void many_short_waits(void **unused)
{
	begin(ALL);
	for (unsigned int i = 0; i < 100; i++) {
		run(9);
		lose(MS, 7 + i % 2, SCHED_BATCH, i % 2 ? "b" : "a");
	}
	lose(MS, 20, SCHED_OTHER, "little");
	expect_only("wait", "vm 50 vcpu0 waited 101.0 ms for a CPU, 10.1 % of its life, up to "
		    "1.0 ms at once; who had it: a/7 (SCHED_BATCH, nice 0) for 50.0 ms, "
		    "b/8 for 50.0 ms");
}

static void waits_below_the_thresholds(void **unused)
{
	begin(ALL);
	for (unsigned int i = 0; i < 100; i++) {
		run(24);
		lose(MS, 7, SCHED_OTHER, "other");
	}
	lose(9 * MS, 7, SCHED_OTHER, "other");
	expect_nothing();
}

static void without_class_steal(void **unused)
{
	struct kvs_view *v = &view;

	begin(KVMSCHED_CLASS_DEFAULT);
	run(900);
	lose(100 * MS, 7, SCHED_FIFO, "hog");
	end();
	assert_int_equal(nr, 1);
	expect(0, "wait", "vm 50 vcpu0 waited 100.0 ms for a CPU, 10.0 % of its life, up to "
	       "100.0 ms at once; who had it was not recorded (class steal)");
	assert_string_equal(kvs_finding_more(v, &findings[0]), "kvmsched record -e +steal");
	done();
}

/* The one for which it is worst is named; the others are counted. */
static void several_vcpus(void **unused)
{
	begin(ALL);
	run(900);
	lose(100 * MS, 7, SCHED_FIFO, "hog");
	for (vcpu = 1; vcpu < 4; vcpu++) {
		RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW);
		RECORD(load, ME);
		run(1000);
		if (vcpu < 3)
			lose(vcpu * 200 * MS, 7, SCHED_FIFO, "hog");
		switch_out(KS_SWITCH_DEAD, false, 0, 0, "swapper/0");
	}
	vcpu = 0;
	end();
	assert_in_range(nr, 1, KVS_SHORT);
	assert_int_equal(findings[0].kind, KVS_FINDING_WAIT);
	assert_int_equal(findings[0].vcpu->id, 2);
	assert_int_equal(findings[0].others, 2);
	assert_int_equal(findings[0].harm, 400 * MS);
	done();
}

static void throttled(void **unused)
{
	begin(ALL);
	run(500);
	for (unsigned int i = 0; i < 10; i++)
		lose(50 * MS, 0, 0, "swapper/0");
	expect_only("throttled", "vm 50 vcpu0 waited 500.0 ms for a CPU, 50.0 % of its life, "
		    "and was throttled for at least 500.0 ms of it: its CPU stayed idle "
		    "(inferred); its long waits end every 50.0 ms, as under a quota (cpu.max) "
		    "of that period");
}

/* A task that ran while it was throttled took nothing: this can't be told apart. */
static void throttled_beside_a_bystander(void **unused)
{
	begin(ALL);
	run(500);
	lose(20 * MS, 0, 0, "swapper/0");
	lose(480 * MS, 7, SCHED_IDLE, "bystander");
	expect_only("throttled", "vm 50 vcpu0 waited 500.0 ms for a CPU, 50.0 % of its life, "
		    "and was throttled for at least 20.0 ms of it: its CPU stayed idle "
		    "(inferred); whether it was throttled is unknown while that CPU ran "
		    "bystander/7 (SCHED_IDLE, nice 0) for 480.0 ms");
}

static void kept_out_of_kvm_run(void **unused)
{
	begin(ALL);
	run(600);
	RECORD(exit, ME, .reason = 0x60, .flags = KS_EXIT_BY_PUT, .host_cycles = 1);
	RECORD(put, ME);
	switch_out(KS_SWITCH_BLOCKED, false, 0, 0, "swapper/0");
	now += 400 * MS;
	RECORD(switch_in, ME, .kind = KS_SWITCH_BLOCKED, .off_cycles = 400 * MS);
	RECORD(load, ME, .user_cycles = 400 * MS);
	RECORD(entry, ME);
	expect_only("out", "vm 50 vcpu0 slept 400.0 ms outside of KVM_RUN, 40.0 % of its life: "
		    "its VMM kept it from running");
}

/* For a page that has to be fetched */
static void asleep_in_an_exit(void **unused)
{
	begin(ALL);
	for (unsigned int i = 0; i < 10; i++) {
		run(90);
		RECORD(exit, ME, .reason = NPF, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
		switch_out(KS_SWITCH_BLOCKED, true, 0, 0, "swapper/0");
		now += 10 * MS;
		RECORD(switch_in, ME, .kind = KS_SWITCH_BLOCKED, .off_cycles = 10 * MS);
		RECORD(entry, ME);
	}
	expect_only("blocked", "vm 50 vcpu0 slept 100.0 ms in the host's kernel while its exits "
		    "were handled, 10.0 % of its life; most for npf: 10 sleeps, 100.0 ms");
}

/* Until another vCPU starts it: it has had no exit yet. */
static void a_vcpu_that_waits_for_its_start(void **unused)
{
	begin(ALL);
	switch_out(KS_SWITCH_BLOCKED, true, 0, 0, "swapper/0");
	now += 500 * MS;
	RECORD(switch_in, ME, .kind = KS_SWITCH_BLOCKED, .off_cycles = 500 * MS);
	RECORD(entry, ME);
	run(500);
	expect_nothing();
}

static void blocked_for(u8 sleep, u64 ns)
{
	RECORD(switch_out, ME, .kind = KS_SWITCH_BLOCKED, .loaded = 1, .sleep = sleep);
	now += ns;
	RECORD(switch_in, ME, .kind = KS_SWITCH_BLOCKED, .off_cycles = ns);
}

/* By its name: what it waits for is no work of the exit before. */
static void asleep_for_a_page(void **unused)
{
	begin(ALL);
	run(600);
	RECORD(exit, ME, .reason = NPF, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	blocked_for(KS_SLEEP_PAGE, 400 * MS);
	RECORD(entry, ME);
	expect_only("blocked", "vm 50 vcpu0 slept 400.0 ms in the host's kernel, and not in HLT, "
		    "40.0 % of its life; most until the host had a page of the guest (async page "
		    "fault): 1 sleep, 400.0 ms");
}

static void asleep_before_an_entry(void **unused)
{
	begin(ALL);
	blocked_for(KS_SLEEP_OTHER, 400 * MS);
	RECORD(entry, ME);
	run(600);
	expect_only("blocked", "vm 50 vcpu0 slept 400.0 ms in the host's kernel, and not in HLT, "
		    "40.0 % of its life; most before the entry: 1 sleep, 400.0 ms");
	begin(ALL);
	blocked_for(KS_SLEEP_SIPI, 400 * MS);
	RECORD(entry, ME);
	run(600);
	expect_nothing();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_long_wait),
		cmocka_unit_test(many_short_waits),
		cmocka_unit_test(waits_below_the_thresholds),
		cmocka_unit_test(without_class_steal),
		cmocka_unit_test(several_vcpus),
		cmocka_unit_test(throttled),
		cmocka_unit_test(throttled_beside_a_bystander),
		cmocka_unit_test(kept_out_of_kvm_run),
		cmocka_unit_test(asleep_in_an_exit),
		cmocka_unit_test(a_vcpu_that_waits_for_its_start),
		cmocka_unit_test(asleep_for_a_page),
		cmocka_unit_test(asleep_before_an_entry),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
