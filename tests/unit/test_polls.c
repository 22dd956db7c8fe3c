// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an exit costs is told without halt polling, which is told beside it.  Time stamps
 * are cycles of a TSC of 2 GHz, so one ns is two of them, except where a test says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "compare/compare.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/moment.h"
#include "model/summary.h"
#include "model/worst.h"
#include "report/view.h"

#define HLT	0x78
#define NPF	0x400

static struct kvs_model m;
static struct kvs_worst worst;
static u64 now;

/* Whoever gets the records: the model or a collector */
static void (*feed)(void *ctx, const struct kvs_record *rec);
static void *fed;

#define RECORD(name, ...) do {						\
	struct kvs_record rec_ = {					\
		.ts = now, .event = KS_EV_##name,			\
		.name = { .vm = 1, .vcpu = 0, ##__VA_ARGS__ },		\
	};								\
									\
	rec_.ent.pid = 100;						\
	feed(fed, &rec_);						\
} while (0)

static void session(u8 op)
{
	struct kvs_record rec = {
		.ts = now, .event = KS_EV_session,
		.session = { .op = op, .tsc_khz = 2000000, .classes = KVMSCHED_CLASS_DEFAULT },
	};

	feed(fed, &rec);
}

static void begin(bool ts_is_ns)
{
	kvs_model_init(&m);
	kvs_model_clock(&m, ts_is_ns, 0, 0);
	kvs_summary_listen(&m);
	kvs_worst_init(&worst, 8, 1U << KVS_MOMENT_EXIT);
	kvs_worst_listen(&worst, &m);
	feed = kvs_model_record;
	fed = &m;
	now = 1000000;
	session(KS_SESSION_START);
	RECORD(vcpu, .tgid = 90);
	RECORD(load);
	RECORD(entry);
}

static int setup(void **unused)
{
	begin(false);
	return 0;
}

static int teardown(void **unused)
{
	kvs_worst_free(&worst);
	kvs_model_free(&m);
	return 0;
}

static void end(void)
{
	session(KS_SESSION_STOP);
	kvs_model_finish(&m);
}

static void exits(u32 reason, u64 host, u8 how)
{
	now += 1000 + host;
	RECORD(exit, .reason = reason, .guest_cycles = 1000, .host_cycles = host, .flags = how);
}

/* It polls, and is woken before it sleeps: the halt's record comes first. */
static void polls(u64 host, u64 polled_ns)
{
	RECORD(halt, .valid = 1, .poll_ns = polled_ns, .halt_ns = polled_ns);
	exits(HLT, host, KS_EXIT_BY_ENTRY);
}

static void goes_to_sleep(u32 reason, u64 host, u8 kind)
{
	exits(reason, host, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, .kind = kind, .loaded = 1);
}

static void wakes(u8 kind)
{
	now += 5000;
	RECORD(switch_in, .kind = kind, .off_cycles = 5000);
}

static void expect(const struct kvs_hist *h, u64 count, u64 sum)
{
	assert_int_equal(h->count, count);
	assert_int_equal((u64)h->sum, sum);
}

static void expect_exits(u32 reason, u64 costs, u64 cost, u64 polls, u64 polled, u64 out)
{
	struct kvs_vcpu *v = m.vcpus[0];
	struct kvs_exit_stats *e = kvs_exit_get(v, KS_ISA_SVM, false, reason, false);
	struct kvs_hist host, all;

	kvs_exit_host(e, &host);
	kvs_exit_out(e, &all);
	expect(&host, costs, cost);
	expect(&e->poll_cycles, polls, polled);
	assert_int_equal((u64)all.sum, out);
	kvs_hist_free(&host);
	kvs_hist_free(&all);
}

static void woken_while_it_polls(void **unused)
{
	polls(8000 + 280000, 140000);
	polls(8200, 0);
	exits(NPF, 9000, KS_EXIT_BY_ENTRY);
	end();
	expect_exits(HLT, 2, 8000 + 8200, 1, 280000, 288000 + 8200);
	/* What was polled in a halt is no other exit's. */
	expect_exits(NPF, 1, 9000, 0, 0, 9000);
}

/* Its exit ended with the switch, but the halt is over only later. */
static void asleep_after_it_polled(void **unused)
{
	goes_to_sleep(HLT, 8000 + 100000, KS_SWITCH_HALTED);
	wakes(KS_SWITCH_HALTED);
	RECORD(halt, .waited = 1, .valid = 1, .poll_ns = 50000, .halt_ns = 52500);
	now += 2000;
	RECORD(entry, .since_exit_cycles = 115000);
	exits(NPF, 9000, KS_EXIT_BY_ENTRY);
	end();
	expect_exits(HLT, 1, 8000, 1, 100000, 115000);
	expect_exits(NPF, 1, 9000, 0, 0, 9000);
}

/* A page that has to be fetched is no halt: all that it cost on the CPU is its cost. */
static void blocked_without_a_halt(void **unused)
{
	goes_to_sleep(NPF, 7000, KS_SWITCH_BLOCKED);
	wakes(KS_SWITCH_BLOCKED);
	RECORD(entry, .since_exit_cycles = 12500);
	goes_to_sleep(NPF, 7100, KS_SWITCH_BLOCKED);
	end();
	expect_exits(NPF, 2, 7000 + 7100, 0, 0, 12500);
}

/* Preempted while it polls: no more is taken off the exit than it has. */
static void preempted_while_it_polls(void **unused)
{
	goes_to_sleep(HLT, 30000, KS_SWITCH_PREEMPTED);
	wakes(KS_SWITCH_PREEMPTED);
	RECORD(halt, .valid = 1, .poll_ns = 140000);
	RECORD(entry, .since_exit_cycles = 300000);
	end();
	expect_exits(HLT, 1, 0, 1, 280000, 300000);
}

/* How long it polled is told when the halt is over, and this one's end is not seen. */
static void a_halt_that_goes_on_has_no_cost_yet(void **unused)
{
	goes_to_sleep(HLT, 150000, KS_SWITCH_HALTED);
	end();
	expect_exits(HLT, 0, 0, 0, 0, 0);
	assert_int_equal(m.vcpus[0]->exit_count, 1);
	assert_int_equal(worst.count, 0);
}

static void nor_has_one_whose_end_was_lost(void **unused)
{
	goes_to_sleep(HLT, 150000, KS_SWITCH_HALTED);
	kvs_model_missed(&m, 0, 4);
	wakes(KS_SWITCH_HALTED);
	RECORD(halt, .waited = 1, .valid = 1, .poll_ns = 1000);
	RECORD(entry);
	exits(NPF, 9000, KS_EXIT_BY_ENTRY);
	end();
	expect_exits(HLT, 0, 0, 0, 0, 0);
	assert_int_equal(m.vcpus[0]->exit_count, 2);
}

/* Of the two, the page costs more, by far. */
static void the_worst_exit_is_not_the_one_that_polled(void **unused)
{
	struct kvs_times times = {
		.ts = { .mult = 1, .shift = 1, .known = true },
		.cycles = { .mult = 1, .shift = 1, .known = true },
	};
	char *text;

	polls(8000 + 4000000, 2000000);
	exits(NPF, 90000, KS_EXIT_BY_ENTRY);
	end();
	kvs_worst_sort(&worst);
	assert_int_equal(worst.count, 2);
	assert_int_equal(worst.heap[0].reason, NPF);
	assert_int_equal(worst.heap[0].length, 90000);
	assert_int_equal(worst.heap[1].length, 8000);
	text = kvs_moment_sentence(&m, &times, &worst.heap[1]);
	assert_non_null(strstr(text, "took 0.004 ms of host time"));
	assert_non_null(strstr(text, "beside 2.000 ms of halt polling"));
	free(text);
}

/* Time stamps that are ns already */
static void polling_is_in_cycles_whatever_the_clock(void **unused)
{
	teardown(NULL);
	begin(true);
	RECORD(halt, .valid = 1, .poll_ns = 140000);
	now += 500 + 144000;
	RECORD(exit, .reason = HLT, .guest_cycles = 1000, .host_cycles = 288000,
	       .flags = KS_EXIT_BY_ENTRY);
	end();
	expect_exits(HLT, 1, 8000, 1, 280000, 288000);
	assert_int_equal(worst.heap[0].length, 4000);
	assert_int_equal(worst.heap[0].polled, 140000);
}

static void feed_collector(void *ctx, const struct kvs_record *rec)
{
	kvs_collector_record(ctx, rec);
}

static void expect_cost(bool tsc, struct kvs_scale ts)
{
	const struct kvs_survey survey = {
		.times = { .ts = ts, .cycles = { .mult = 1, .shift = 1, .known = true },
			   .ns = KVS_SCALE_NONE },
		.begin = 1000000, .end = 3000000, .tsc = tsc,
	};
	const struct kvs_cut cut = { .block_ns = 0 };
	struct kvs_units units;
	struct kvs_obs obs;

	fed = kvs_collector_create(&survey, &cut);
	feed = feed_collector;
	now = 1000000;
	RECORD(load);
	RECORD(entry);
	polls(8000 + 280000, 140000);
	goes_to_sleep(HLT, 8000 + 100000, KS_SWITCH_HALTED);
	wakes(KS_SWITCH_HALTED);
	RECORD(halt, .waited = 1, .valid = 1, .poll_ns = 50000);
	RECORD(entry);
	goes_to_sleep(HLT, 90000, KS_SWITCH_HALTED);
	kvs_collector_finish(fed, &units);
	assert_int_equal(units.units->values[KVS_M_EXIT_COST].nr, 2);
	for (unsigned int i = 1; i <= 2; i++) {
		assert_true(kvs_values_quantile(&units.units->values[KVS_M_EXIT_COST], i / 2.0,
						&obs));
		assert_true(obs.value > 3999 && obs.value < 4001);
	}
	kvs_units_free(&units);
}

static void compare_has_the_cost_without_polling(void **unused)
{
	expect_cost(true, (struct kvs_scale){ .mult = 1, .shift = 1, .known = true });
	expect_cost(false, (struct kvs_scale)KVS_SCALE_NONE);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(woken_while_it_polls),
		TEST(asleep_after_it_polled),
		TEST(blocked_without_a_halt),
		TEST(preempted_while_it_polls),
		TEST(a_halt_that_goes_on_has_no_cost_yet),
		TEST(nor_has_one_whose_end_was_lost),
		TEST(the_worst_exit_is_not_the_one_that_polled),
		TEST(polling_is_in_cycles_whatever_the_clock),
		TEST(compare_has_the_cost_without_polling),
	};

	return cmocka_run_group_tests_name("polls", tests, NULL, NULL);
}
