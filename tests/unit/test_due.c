// SPDX-License-Identifier: GPL-2.0-only
/*
 * A timer that was due before the recording began: no time of its sentence is made up.
 * One cycle is one unit of time here, and two of them are a ns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/moment.h"
#include "model/summary.h"
#include "model/worst.h"
#include "feed.h"

#define ME	.vm = 1, .vcpu = 0
#define VECTOR	0x40
#define MS	2000000ULL
#define BEGIN	(100 * MS)

static struct kvs_model m;

#define RECORD(at, name, ...)	FEED(&m, at, 0, 10, name, __VA_ARGS__)

static char *sentence_of(u64 deadline)
{
	const struct kvs_times times = {
		.ts = { .mult = 1, .shift = 1, .known = true },
		.cycles = { .mult = 1, .shift = 1, .known = true },
	};
	struct kvs_worst worst;
	char *text;

	kvs_model_init(&m);
	kvs_summary_listen(&m);
	kvs_worst_init(&worst, 1, 1U << KVS_MOMENT_TIMER);
	kvs_worst_listen(&worst, &m);
	RECORD(BEGIN, session, .op = KS_SESSION_START, .tsc_khz = 2000000,
	       .classes = KVMSCHED_CLASS_DEFAULT);
	RECORD(BEGIN + 1, vcpu, ME, .tgid = 10, .tsc_ratio = 1ULL << 32, .tsc_frac_bits = 32);
	RECORD(BEGIN + 2, load, ME);
	RECORD(BEGIN + 2, exit, ME, .reason = 0x72, .guest_cycles = 1, .host_cycles = 2);
	RECORD(BEGIN + 3, timer_arm, ME, .mode = KS_TIMER_DEADLINE, .rearm = KS_ARM_FOUND,
	       .deadline = deadline, .guest_deadline = deadline);
	RECORD(BEGIN + MS, timer_expire, ME, .mode = KS_TIMER_DEADLINE, .merged = KS_MERGED_NO,
	       .late_cycles = (s64)(BEGIN + MS - deadline));
	RECORD(BEGIN + MS, irq_accept, ME, .vector = VECTOR);
	RECORD(BEGIN + 2 * MS, irq_inject, ME, .vector = VECTOR);
	RECORD(BEGIN + 3 * MS, session, .op = KS_SESSION_STOP);
	kvs_model_finish(&m);
	kvs_worst_sort(&worst);
	assert_int_equal(worst.count, 1);
	text = kvs_moment_sentence(&m, &times, &worst.heap[0]);
	kvs_worst_free(&worst);
	kvs_model_free(&m);
	return text;
}

static void before_the_recording(void **unused)
{
	char *text = sentence_of(BEGIN - 12 * MS);

	assert_non_null(strstr(text, "timer, due 12.000 ms before the recording began, injected "
			       "14.000 ms late"));
	free(text);
}

static void within_it(void **unused)
{
	char *text = sentence_of(BEGIN + MS / 2);

	assert_non_null(strstr(text, "timer due at 0.000500 s injected 1.500 ms late"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_recording),
		cmocka_unit_test(within_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
