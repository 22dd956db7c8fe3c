// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of an interrupt into the guest: kicked out of guest mode for it, or
 * woken for it, or neither.  One cycle is one unit of time here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/model.h"
#include "model/summary.h"
#include "feed.h"

#define ME	.vm = 1, .vcpu = 0
#define VECTOR	0x40

static struct kvs_model m;

#define RECORD(at, name, ...)	FEED(&m, at, 0, 10, name, __VA_ARGS__)

static int setup(void **unused)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	RECORD(1, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT);
	RECORD(5, switch_in, ME);
	RECORD(10, exit, ME, .reason = 0x72, .guest_cycles = 1, .host_cycles = 2);
	return 0;
}

static int teardown(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

static const struct kvs_vector_stats *vector(void)
{
	return m.vcpus[0]->vector[VECTOR];
}

static void kicked(void **unused)
{
	RECORD(100, irq_accept, ME, .vector = VECTOR);
	/* The exit is told at the entry, at 180; it began at 130. */
	RECORD(170, irq_inject, ME, .vector = VECTOR);
	RECORD(180, exit, ME, .reason = 0x60, .guest_cycles = 120, .host_cycles = 50);
	assert_int_equal(vector()->accept_to_exit_ts.count, 1);
	assert_int_equal(vector()->accept_to_exit_ts.max, 30);
	assert_int_equal(vector()->accept_to_cpu_ts.count, 0);
	assert_int_equal(vector()->accept_to_inject_ts.max, 70);
}

static void accepted_out_of_guest_mode(void **unused)
{
	RECORD(140, irq_accept, ME, .vector = VECTOR);
	RECORD(170, irq_inject, ME, .vector = VECTOR);
	RECORD(180, exit, ME, .reason = 0x7c, .guest_cycles = 120, .host_cycles = 50);
	assert_int_equal(vector()->accept_to_inject_ts.count, 1);
	assert_int_equal(vector()->accept_to_exit_ts.count, 0);
	assert_int_equal(vector()->accept_to_cpu_ts.count, 0);
}

static void woken(void **unused)
{
	RECORD(60, exit, ME, .reason = 0x78, .guest_cycles = 40, .host_cycles = 10,
	       .flags = KS_EXIT_BY_SWITCH);
	RECORD(61, switch_out, ME, .kind = KS_SWITCH_HALTED, .loaded = 1);
	RECORD(100, irq_accept, ME, .vector = VECTOR);
	RECORD(145, switch_in, ME, .kind = KS_SWITCH_HALTED, .off_cycles = 84);
	RECORD(170, irq_inject, ME, .vector = VECTOR);
	RECORD(180, entry, ME, .since_exit_cycles = 130);
	/* The next exit is none of its business. */
	RECORD(300, exit, ME, .reason = 0x72, .guest_cycles = 10, .host_cycles = 5);
	assert_int_equal(vector()->accept_to_cpu_ts.count, 1);
	assert_int_equal(vector()->accept_to_cpu_ts.max, 45);
	assert_int_equal(vector()->accept_to_exit_ts.count, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(kicked),
		TEST(accepted_out_of_guest_mode),
		TEST(woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
