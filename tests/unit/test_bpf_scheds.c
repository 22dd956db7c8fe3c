// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which BPF scheduler had a thread when, by what a program found once in a while.
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
#include "base/util.h"
#include "model/bpf-sched.h"
#include "model/model.h"
#include "model/moment.h"
#include "model/worst.h"
#include "feed.h"

#define MS	1000000ULL

static struct kvs_model m;

static void look(u64 ms, u64 loads, bool all, const char *name)
{
	struct kvs_record rec = {
		.event = KS_EV_bpf_scheduler, .ts = ms * MS,
		.bpf_scheduler = { .loads = loads, .loaded = *name, .all_threads = all },
	};

	snprintf(rec.bpf_scheduler.name, sizeof(rec.bpf_scheduler.name), "%s", name);
	kvs_model_record(&m, &rec);
}

/* NULL for nothing */
static void said(u16 policy, u64 begin_ms, u64 end_ms, const char *expected)
{
	char *text = kvs_bpf_sched_words(&m.bpf_scheds, policy, begin_ms * MS, end_ms * MS);

	if (expected)
		assert_string_equal(text ?: "nothing", expected);
	else
		assert_null(text);
	free(text);
}

static int begin(void **unused)
{
	kvs_model_init(&m);
	return 0;
}

static int end(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

static void nobody_looked(void **unused)
{
	said(SCHED_EXT, 0, 10, NULL);
}

static void none_was_loaded(void **unused)
{
	look(100, 3, false, "");
	look(900, 3, false, "");
	said(SCHED_EXT, 100, 900, NULL);
	assert_int_equal(m.bpf_scheds.nr, 1);
	assert_false(m.bpf_scheds.list[0].loaded);
}

static void one_has_all_threads(void **unused)
{
	look(100, 1, true, "simple");
	look(900, 1, true, "simple");
	said(SCHED_OTHER, 100, 900, "scheduled by the BPF scheduler simple");
	said(SCHED_IDLE, 200, 200, "scheduled by the BPF scheduler simple");
	said(SCHED_EXT, 200, 300, "scheduled by the BPF scheduler simple");
	said(SCHED_RR, 200, 300, NULL);
	said(SCHED_FIFO, 200, 300, NULL);
	said(SCHED_DEADLINE, 200, 300, NULL);
}

static void one_has_its_own_threads(void **unused)
{
	look(100, 1, false, "simple");
	look(900, 1, false, "simple");
	said(SCHED_OTHER, 200, 300, NULL);
	said(SCHED_EXT, 200, 300, "scheduled by the BPF scheduler simple");
}

/* Before the first look and after the last, nobody knows. */
static void beyond_the_looks(void **unused)
{
	look(100, 1, true, "simple");
	look(900, 1, true, "simple");
	said(SCHED_OTHER, 99, 300, NULL);
	said(SCHED_OTHER, 300, 901, NULL);
}

static void it_changed(void **unused)
{
	look(100, 0, false, "");
	look(200, 0, false, "");
	look(300, 1, true, "simple");
	look(400, 1, true, "simple");
	look(500, 2, true, "simple");	/* once more, and so another one */
	look(600, 2, false, "");
	assert_int_equal(m.bpf_scheds.nr, 4);
	said(SCHED_OTHER, 100, 200, NULL);
	said(SCHED_OTHER, 300, 400, "scheduled by the BPF scheduler simple");
	/* It came, and nobody knows if before or after these. */
	said(SCHED_OTHER, 201, 299, "the BPF scheduler changed about then: none, simple");
	said(SCHED_OTHER, 200, 201, "the BPF scheduler changed about then: none, simple");
	said(SCHED_OTHER, 299, 300, "the BPF scheduler changed about then: none, simple");
	said(SCHED_RR, 201, 299, NULL);
	said(SCHED_OTHER, 350, 500,
	     "the BPF scheduler changed about then: simple, simple");
	said(SCHED_OTHER, 100, 600,
	     "the BPF scheduler changed about then: none, simple, simple, none");
	look(700, 3, true, "other");
	said(SCHED_OTHER, 100, 700,
	     "the BPF scheduler changed about then: none, simple, simple, none, and more");
}

static void names_may_fill_their_field(void **unused)
{
	char name[KVMSCHED_BPF_SCHEDULER_NAME + 1];
	struct kvs_record rec = {
		.event = KS_EV_bpf_scheduler, .ts = 1, .bpf_scheduler.loaded = 1,
	};

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(rec.bpf_scheduler.name, name, sizeof(rec.bpf_scheduler.name));
	kvs_model_record(&m, &rec);
	assert_string_equal(m.bpf_scheds.list[0].name, name);
}

/* A wait of 10 ms, as the report tells it */
static void a_wait_says_so(void **unused)
{
	struct kvs_times times;
	struct kvs_worst worst;
	char *text;

	kvs_worst_init(&worst, 4, 1U << KVS_MOMENT_WAIT);
	kvs_worst_listen(&worst, &m);
	FEED(&m, MS, 0, 10, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	     .classes = KVMSCHED_CLASS_DEFAULT);
	look(2, 1, true, "simple");
	FEED(&m, 3 * MS, 0, 10, vcpu, .vm = 1, .vcpu = 0, .tgid = 9, .policy = SCHED_OTHER);
	FEED(&m, 4 * MS, 0, 10, exit, .vm = 1, .vcpu = 0);
	FEED(&m, 5 * MS, 0, 10, switch_out, .vm = 1, .vcpu = 0, .loaded = 1,
	     .kind = KS_SWITCH_PREEMPTED, .next_pid = 7, .next_comm = "spin");
	FEED(&m, 15 * MS, 0, 10, switch_in, .vm = 1, .vcpu = 0, .kind = KS_SWITCH_PREEMPTED,
	     .off_cycles = 10 * MS, .wait_ns = 10 * MS);
	look(20, 1, true, "simple");
	kvs_model_finish(&m);
	kvs_worst_sort(&worst);
	assert_int_equal(worst.count, 1);
	kvs_times_init(&times, &(struct kvs_trace_info){ .clock = KVS_CLOCK_TSC }, &m);
	text = kvs_moment_sentence(&m, &times, &worst.heap[0]);
	assert_non_null(strstr(text, "waited 10.000 ms"));
	assert_non_null(strstr(text, "; scheduled by the BPF scheduler simple"));
	free(text);
	kvs_worst_free(&worst);
}

#define TEST(function)	cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_looked),
		TEST(none_was_loaded),
		TEST(one_has_all_threads),
		TEST(one_has_its_own_threads),
		TEST(beyond_the_looks),
		TEST(it_changed),
		TEST(names_may_fill_their_field),
		TEST(a_wait_says_so),
	};

	return cmocka_run_group_tests_name("bpf_scheds", tests, NULL, NULL);
}
