// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a vCPU sleeps within KVM_RUN, but not in HLT, is told by the exit that is being
 * handled.  One cycle, one ns and one unit of time are the same here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/moment.h"
#include "model/summary.h"
#include "model/worst.h"
#include "feed.h"

#define NPF	0x400
#define IOIO	0x7b

static struct kvs_model m;
static u64 now;

#define RECORD(name, ...)						\
	FEED(&m, now, 0, 100, name, .vm = 1, .vcpu = 0, ##__VA_ARGS__)

static void session(u8 op)
{
	FEED(&m, now, 0, 1, session, .op = op, .tsc_khz = 1000000,
	     .classes = KVMSCHED_CLASS_DEFAULT);
}

static int setup(void **unused)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	now = 1000;
	session(KS_SESSION_START);
	RECORD(vcpu, .tgid = 90);
	RECORD(load);
	return 0;
}

static int teardown(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

static void end(void)
{
	session(KS_SESSION_STOP);
	kvs_model_finish(&m);
}

static void exits(u32 reason, u8 how)
{
	now += 100 + 10;
	RECORD(exit, .reason = reason, .guest_cycles = 100, .host_cycles = 10, .flags = how);
}

static void goes_off(u8 kind, u8 loaded)
{
	RECORD(switch_out, .kind = kind, .loaded = loaded);
}

/* It is off for so long, and runnable again for the last part of it. */
static void comes_back(u8 kind, u64 slept, u64 waited)
{
	now += slept + waited;
	RECORD(switch_in, .kind = kind, .off_cycles = slept + waited, .wait_ns = waited);
}

static void sleeps(u64 slept, u64 waited)
{
	goes_off(KS_SWITCH_BLOCKED, 1);
	comes_back(KS_SWITCH_BLOCKED, slept, waited);
}

static void enters(void)
{
	now += 5;
	RECORD(entry, .since_exit_cycles = 1);
}

static void expect(u32 reason, u64 count, u64 sum)
{
	const struct kvs_exit_stats *e = kvs_exit_get(m.vcpus[0], KS_ISA_SVM, false, reason,
						      false);

	assert_int_equal(e->blocked_ts.count, count);
	assert_int_equal((u64)e->blocked_ts.sum, sum);
}

static void expect_before(u64 count, u64 sum)
{
	assert_int_equal(m.vcpus[0]->blocked_before_ts.count, count);
	assert_int_equal((u64)m.vcpus[0]->blocked_before_ts.sum, sum);
}

/* Once for the page, and once more for a lock, with a preemption between them */
static void each_sleep_in_an_exit(void **unused)
{
	enters();
	exits(NPF, KS_EXIT_BY_SWITCH);
	sleeps(3000, 20);
	goes_off(KS_SWITCH_PREEMPTED, 1);
	comes_back(KS_SWITCH_PREEMPTED, 0, 500);
	sleeps(40, 0);
	enters();
	exits(NPF, KS_EXIT_BY_ENTRY);
	end();
	expect(NPF, 2, 3000 + 40);
	expect_before(0, 0);
}

/* HLT is what the guest asked for, and out of KVM_RUN the VMM did. */
static void other_sleeps_are_not_meant(void **unused)
{
	enters();
	exits(IOIO, KS_EXIT_BY_SWITCH);
	goes_off(KS_SWITCH_HALTED, 1);
	comes_back(KS_SWITCH_HALTED, 700, 10);
	RECORD(halt, .waited = 1, .valid = 1, .halt_ns = 700);
	enters();
	exits(IOIO, KS_EXIT_BY_PUT);
	RECORD(put);
	goes_off(KS_SWITCH_BLOCKED, 0);
	comes_back(KS_SWITCH_BLOCKED, 900, 10);
	RECORD(load);
	enters();
	end();
	expect(IOIO, 0, 0);
	expect_before(0, 0);
}

/* KVM_RUN has returned since: what it waits for now is not that exit's doing. */
static void before_an_entry(void **unused)
{
	sleeps(60, 1);
	enters();
	exits(NPF, KS_EXIT_BY_SWITCH);
	sleeps(300, 2);
	RECORD(put);
	now += 50;
	RECORD(load);
	sleeps(8, 3);
	enters();
	end();
	expect(NPF, 1, 300);
	expect_before(2, 60 + 8);
}

static void sleeps_for(u8 sleep, u64 slept)
{
	RECORD(switch_out, .kind = KS_SWITCH_BLOCKED, .loaded = 1, .sleep = sleep);
	comes_back(KS_SWITCH_BLOCKED, slept, 1);
}

static void expect_told(const struct kvs_hist *h, u64 count, u64 sum)
{
	assert_int_equal(h->count, count);
	assert_int_equal((u64)h->sum, sum);
}

/* Until it is started, before its first entry and when it was stopped again */
static void until_a_sipi(void **unused)
{
	sleeps_for(KS_SLEEP_SIPI, 900);
	enters();
	exits(IOIO, KS_EXIT_BY_SWITCH);
	sleeps_for(KS_SLEEP_SIPI, 80);
	enters();
	end();
	expect_told(&m.vcpus[0]->blocked_sipi_ts, 2, 900 + 80);
	expect_before(0, 0);
	expect(IOIO, 0, 0);
}

/* KVM has another thread wait for the page; a lock after that is the exit's. */
static void until_a_page(void **unused)
{
	sleeps_for(KS_SLEEP_OTHER, 6);
	enters();
	exits(NPF, KS_EXIT_BY_SWITCH);
	sleeps_for(KS_SLEEP_PAGE, 3000);
	sleeps_for(KS_SLEEP_OTHER, 40);
	enters();
	end();
	expect_told(&m.vcpus[0]->blocked_page_ts, 1, 3000);
	expect(NPF, 1, 40);
	expect_before(1, 6);
}

static void that_the_recording_ends(void **unused)
{
	enters();
	exits(NPF, KS_EXIT_BY_SWITCH);
	goes_off(KS_SWITCH_BLOCKED, 1);
	now += 77;
	end();
	expect(NPF, 1, 77);
}

/*
 * While it is off the CPU, nothing of it can be lost: it is that exit all the same.  If
 * records are lost before the switch, then another exit may be among them.
 */
static void where_records_were_lost(void **unused)
{
	enters();
	exits(NPF, KS_EXIT_BY_SWITCH);
	goes_off(KS_SWITCH_BLOCKED, 1);
	kvs_model_missed(&m, 0, 4);
	comes_back(KS_SWITCH_BLOCKED, 3000, 20);
	sleeps(7, 0);
	enters();
	end();
	expect(NPF, 1, 3000);
	expect_before(0, 0);
	assert_int_equal(m.vcpus[0]->blocked_unknown_ts.count, 1);
	assert_int_equal((u64)m.vcpus[0]->blocked_unknown_ts.sum, 7);
}

/* --- in words ------------------------------------------------------------ */

/* It sleeps, an interrupt comes to it, and it sleeps on; what is said of that interrupt? */
static void expect_words(u8 sleep, u64 slept, u64 more, const char *text)
{
	static const struct kvs_trace_info info = { .clock = KVS_CLOCK_NS };
	struct kvs_times times;
	struct kvs_worst worst;
	char *sentence;

	kvs_worst_init(&worst, 1, 1U << KVS_MOMENT_IRQ);
	kvs_worst_listen(&worst, &m);
	RECORD(switch_out, .kind = KS_SWITCH_BLOCKED, .loaded = 1, .sleep = sleep);
	now += 100;
	RECORD(irq_accept, .vector = 0x50);
	comes_back(KS_SWITCH_BLOCKED, slept, 20);
	sleeps(more, 0);
	RECORD(irq_inject, .vector = 0x50);
	enters();
	end();
	kvs_worst_sort(&worst);
	assert_int_equal(worst.count, 1);
	kvs_times_init(&times, &info, &m);
	sentence = kvs_moment_sentence(&m, &times, &worst.heap[0]);
	if (!strstr(sentence, text))
		fail_msg("%s", sentence);
	free(sentence);
	kvs_worst_free(&worst);
}

static void words_for_an_exit(void **unused)
{
	/* Of an exit before, in which it slept for longer */
	enters();
	exits(IOIO, KS_EXIT_BY_SWITCH);
	sleeps(9000000, 0);
	enters();
	exits(NPF, KS_EXIT_BY_SWITCH);
	expect_words(KS_SLEEP_OTHER, 3000000, 40, "it was blocked in the host's kernel for 3.000 ms, "
		     "mostly while npf was handled");
}

static void words_for_no_exit(void **unused)
{
	expect_words(KS_SLEEP_OTHER, 3000000, 40, "mostly before it entered the guest");
}

static void words_for_a_sipi(void **unused)
{
	expect_words(KS_SLEEP_SIPI, 3000000, 40, "mostly until another vCPU started it (SIPI)");
}

static void words_for_a_page(void **unused)
{
	expect_words(KS_SLEEP_PAGE, 3000000, 40,
		     "mostly until the host had a page of the guest (async page fault)");
}

/* The two are as long as one another: neither is named. */
static void no_words_for_two(void **unused)
{
	enters();
	exits(NPF, KS_EXIT_BY_SWITCH);
	expect_words(KS_SLEEP_OTHER, 100 + 3000000, 3000000, "within KVM_RUN but not in HLT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_sleep_in_an_exit, setup, teardown),
		cmocka_unit_test_setup_teardown(other_sleeps_are_not_meant, setup, teardown),
		cmocka_unit_test_setup_teardown(before_an_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(until_a_sipi, setup, teardown),
		cmocka_unit_test_setup_teardown(until_a_page, setup, teardown),
		cmocka_unit_test_setup_teardown(that_the_recording_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(where_records_were_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(words_for_an_exit, setup, teardown),
		cmocka_unit_test_setup_teardown(words_for_no_exit, setup, teardown),
		cmocka_unit_test_setup_teardown(words_for_a_sipi, setup, teardown),
		cmocka_unit_test_setup_teardown(words_for_a_page, setup, teardown),
		cmocka_unit_test_setup_teardown(no_words_for_two, setup, teardown),
	};

	return cmocka_run_group_tests_name("blocked", tests, NULL, NULL);
}
