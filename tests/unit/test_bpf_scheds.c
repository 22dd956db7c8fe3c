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
#include "model/summary.h"
#include "model/worst.h"
#include "report/bpf-scheds.h"
#include "feed.h"
#include "findings.h"
#include "printed.h"

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
	free_found(&m);
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

/* What a report's lines say: read into @text, of @size bytes */
static void print_lines(char *text, size_t size)
{
	FILE *f = begin_print();

	kvs_print_bpf_scheds(&view);
	end_print(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void a_report_says_so(void **unused)
{
	char text[400];

	kvs_summary_listen(&m);
	look(100, 1, false, "simple");
	look(200, 1, false, "simple");
	find_all(&m);
	print_lines(text, sizeof(text));
	assert_string_equal(text, "Scheduler BPF scheduler simple, for threads of SCHED_EXT alone\n");
	kvs_view_free(&view);
	look(300, 2, true, "other");
	look(400, 2, false, "");
	find_all(&m);
	print_lines(text, sizeof(text));
	assert_string_equal(text,
		"Scheduler BPF scheduler simple, for threads of SCHED_EXT alone, seen from 0.000\n"
		"          to 0.100 s\n"
		"          BPF scheduler other, for all threads but real-time ones, seen from\n"
		"          0.200 to 0.200 s\n"
		"          no BPF scheduler, seen from 0.300 to 0.300 s\n");
}

/* While none is loaded there is nothing to say. */
static void a_report_says_nothing(void **unused)
{
	char text[400];

	kvs_summary_listen(&m);
	look(100, 1, false, "");
	look(200, 2, false, "");
	find_all(&m);
	print_lines(text, sizeof(text));
	assert_string_equal(text, "");
}

/* A vCPU of SCHED_OTHER that waits for 100 of 200 ms, from 10 ms on */
static void a_long_wait(void)
{
	FEED(&m, 10 * MS, 0, 10, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	     .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL);
	FEED(&m, 10 * MS, 0, 10, vcpu, .vm = 1, .vcpu = 0, .tgid = 9,
	     .features = KS_FEATURE_NEW, .policy = SCHED_OTHER);
	FEED(&m, 11 * MS, 0, 10, exit, .vm = 1, .vcpu = 0);
	FEED(&m, 11 * MS, 0, 10, switch_out, .vm = 1, .vcpu = 0, .loaded = 1,
	     .kind = KS_SWITCH_PREEMPTED, .next_pid = 7, .next_comm = "spin",
	     .next_prio = 120, .next_flags = KS_TASK_TOLD);
	FEED(&m, 111 * MS, 0, 10, switch_in, .vm = 1, .vcpu = 0, .kind = KS_SWITCH_PREEMPTED,
	     .off_cycles = 100 * MS, .wait_ns = 100 * MS);
	FEED(&m, 211 * MS, 0, 10, exit, .vm = 1, .vcpu = 0, .guest_cycles = 99 * MS,
	     .host_cycles = 1000);
}

static void expect_in_short(const char *words)
{
	char *text;

	find_all(&m);
	assert_int_equal(nr, 1);
	text = kvs_finding_sentence(&view, &findings[0]);
	assert_non_null(strstr(text, "waited 100.0 ms for a CPU"));
	if (words)
		assert_non_null(strstr(text, words));
	else
		assert_null(strstr(text, "BPF"));
	free(text);
}

static void in_short_says_so(void **unused)
{
	kvs_summary_listen(&m);
	look(5, 1, true, "simple");
	a_long_wait();
	look(220, 1, true, "simple");
	expect_in_short("; scheduled by the BPF scheduler simple");
}

static void in_short_says_that_it_changed(void **unused)
{
	kvs_summary_listen(&m);
	look(5, 1, true, "simple");
	a_long_wait();
	look(220, 1, false, "");
	expect_in_short("; the BPF scheduler changed meanwhile");
}

/* That one had only threads of SCHED_EXT. */
static void in_short_says_nothing_of_others(void **unused)
{
	kvs_summary_listen(&m);
	look(5, 1, false, "simple");
	a_long_wait();
	look(220, 1, false, "simple");
	expect_in_short(NULL);
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
		TEST(a_report_says_so),
		TEST(a_report_says_nothing),
		TEST(in_short_says_so),
		TEST(in_short_says_that_it_changed),
		TEST(in_short_says_nothing_of_others),
	};

	return cmocka_run_group_tests_name("bpf_scheds", tests, NULL, NULL);
}
