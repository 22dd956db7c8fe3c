// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of vCPUs has one thread for each: what is said where that is not all.
 */
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
#include "model/summary.h"
#include "report/report.h"
#include "feed.h"
#include "findings.h"
#include "printed.h"

#define MS	1000000ULL

static struct kvs_model m;
static u64 now;

static void begin(void)
{
	now = MS;
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	FEED(&m, now, 0, 1, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	     .classes = KVMSCHED_CLASS_DEFAULT);
}

/* One KVM_RUN of a vCPU of this VMM, in this thread */
static void run_of(s32 vmm, u16 vcpu, s32 tid)
{
	now += MS;
	FEED(&m, now, 0, tid, vcpu, .vm = 1, .vcpu = vcpu, .tgid = vmm);
	FEED(&m, now, 0, tid, load, .vm = 1, .vcpu = vcpu);
	FEED(&m, now, 0, tid, entry, .vm = 1, .vcpu = vcpu);
	now += MS;
	FEED(&m, now, 0, tid, exit, .vm = 1, .vcpu = vcpu, .reason = 0x7b,
	     .flags = KS_EXIT_BY_PUT, .guest_cycles = MS - 1, .host_cycles = 1);
	FEED(&m, now, 0, tid, put, .vm = 1, .vcpu = vcpu);
}

static void run(u16 vcpu, s32 tid)
{
	run_of(90, vcpu, tid);
}

/* @lines: what is said below the table of vCPUs */
static void expect(const char *lines)
{
	char text[16384], *at;
	FILE *f;

	now += MS;
	FEED(&m, now, 0, 1, session, .op = KS_SESSION_STOP);
	find_all(&m);
	f = print_report(&view, NULL);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	/* The table is one piece; the heading and a row for each vCPU */
	at = strstr(text, "\nvCPUs\n");
	assert_non_null(at);
	at += strlen("\nvCPUs\n");
	for (unsigned int i = 0; i <= m.nr_vcpus; i++)
		at = strchr(at, '\n') + 1;
	assert_non_null(strstr(at, "\n\n"));
	strstr(at, "\n\n")[1] = '\0';
	assert_string_equal(*at == '\n' ? "" : at, lines);
	free_found(&m);
}

static void each_has_its_own(void **unused)
{
	begin();
	for (unsigned int i = 0; i < 4; i++)
		run(i % 2, 100 + i % 2);
	expect("");
}

static void from_thread_to_thread(void **unused)
{
	begin();
	run(0, 100);
	run(0, 101);
	expect("TID is the last: vm 90 vcpu0 went from thread to thread, 1 time\n");
	begin();
	for (unsigned int i = 0; i < 4; i++) {
		run(0, 100 + i);
		run(1, 200 + i);
	}
	expect("TID is the last: vm 90 vcpu0 and 1 more went from thread to thread, 6 times\n");
}

static void one_thread_for_several(void **unused)
{
	begin();
	for (unsigned int i = 0; i < 6; i++)
		run(i % 3, 100);
	expect("Thread 100 ran 3 of them in turn; slices of several count for none\n");
	begin();
	for (unsigned int i = 0; i < 8; i++)
		run(i % 4, 100 + i % 2);
	expect("2 threads ran several of them in turn; slices of several count for none\n");
}

/*
 * The number of a VM that has ended is given to another one, when 65535 have been there
 * since: their vCPUs stay two, and a record that still comes for the first one is its own.
 */
static void number_of_another_vm(void **unused)
{
	begin();
	run(0, 100);
	run(0, 100);
	now += MS;
	FEED(&m, now, 0, 95, vcpu, .vm = 1, .tgid = 90, .features = KS_FEATURE_GONE);
	FEED(&m, now, 0, 95, ledger, .vm = 1, .tid = 100, .exits = 2);
	run_of(91, 0, 200);
	run_of(91, 0, 200);
	run_of(91, 0, 200);
	find_all(&m);
	assert_int_equal(m.nr_vcpus, 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(m.vcpus[i]->tgid, 90 + i);
		assert_int_equal(m.vcpus[i]->tid, 100 + 100 * i);
		assert_int_equal(m.vcpus[i]->exit_count, 2 + i);
		assert_int_equal(m.vcpus[i]->gone, !i);
	}
	free_found(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_own),
		cmocka_unit_test(from_thread_to_thread),
		cmocka_unit_test(one_thread_for_several),
		cmocka_unit_test(number_of_another_vm),
	};

	setenv("COLUMNS", "1000", 1);
	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
