// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a vCPU's thread came to wait for a CPU: each way, from spans made by hand.  Times are in
 * ns, which are cycles here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/util.h"
#include "guest/guest.h"
#include "model/clock.h"
#include "model/model.h"
#include "uapi/kvmsched.h"

struct story {
	struct kvs_model model;
	struct kvs_guest_line line;
	struct kvs_guest_cpu cpu;
	struct kvs_guest g;
};

static void begin(struct story *s, u64 first, u64 last)
{
	*s = (struct story){ .cpu = { .first = first, .last = last } };
	kvs_model_init(&s->model);
	kvs_model_clock(&s->model, true, 0, 0);
	s->g.lines = &s->line;
	s->g.cpus = &s->cpu;
}

static void take(struct story *s, const struct kvs_span *span)
{
	kvs_steal_take(&s->line, span, &s->model);
}

/* A slice until @at, within KVM_RUN or not, and the time off the CPU until @end */
static void off(struct story *s, u64 at, u64 end, bool in_run, u8 kind, u64 wait_ns)
{
	take(s, &(struct kvs_span){ .kind = KVS_SPAN_SLICE, .begin = at - 1, .end = at,
				    .slice = { .kind = kind, .loaded = in_run, .since = true } });
	take(s, &(struct kvs_span){ .kind = KVS_SPAN_OFF, .begin = at, .end = end,
				    .off = { .kind = kind, .since = true, .wait_ns = wait_ns } });
}

static void piece(struct story *s, u64 at, u64 end, enum kvs_thief_kind kind)
{
	const struct kvs_holder holder = { .kind = kind };

	take(s, &(struct kvs_span){ .kind = KVS_SPAN_PIECE, .begin = at, .end = end,
				    .piece = &holder });
}

static struct kvs_guest_stolen end(struct story *s)
{
	struct kvs_guest_stolen stolen;

	kvs_steal_settle(&s->line);
	stolen = kvs_guest_stolen(&s->g, 0);
	kvs_steal_free(&s->line);
	kvs_model_free(&s->model);
	return stolen;
}

static void each_way(void **unused)
{
	struct kvs_guest_stolen stolen;
	struct story s;

	begin(&s, 0, 10000);
	off(&s, 100, 300, true, KS_SWITCH_PREEMPTED, 200);
	off(&s, 400, 450, false, KS_SWITCH_PREEMPTED, 50);
	off(&s, 500, 530, true, KS_SWITCH_ABORTED, 30);
	/* It slept, until 7 ns before it got a CPU. */
	off(&s, 600, 900, true, KS_SWITCH_HALTED, 7);
	off(&s, 1000, 1100, false, KS_SWITCH_BLOCKED, 5);
	/* Throttled for a part of the first one, and nobody's thief is a throttling. */
	piece(&s, 100, 160, KVS_THIEF_QUOTA);
	piece(&s, 160, 300, KVS_THIEF_TASK);
	piece(&s, 400, 410, KVS_THIEF_THROTTLED);
	piece(&s, 410, 415, KVS_THIEF_RT_THROTTLED);
	stolen = end(&s);
	assert_int_equal(stolen.waits, 5);
	assert_int_equal(stolen.by[KVS_STEAL_IN_RUN], 200);
	assert_int_equal(stolen.by[KVS_STEAL_OUTSIDE], 50);
	assert_int_equal(stolen.by[KVS_STEAL_FALLING_ASLEEP], 30);
	assert_int_equal(stolen.by[KVS_STEAL_WOKEN], 12);
	assert_int_equal(stolen.by[KVS_STEAL_UNKNOWN], 0);
	assert_int_equal(stolen.sum, 292);
	assert_int_equal(stolen.throttled, 75);
}

/* Waits are cut at both ends of the guest's trace, and count where they end. */
static void within_the_trace(void **unused)
{
	struct kvs_guest_stolen stolen;
	struct story s;

	begin(&s, 200, 420);
	off(&s, 100, 300, true, KS_SWITCH_PREEMPTED, 200);
	off(&s, 400, 450, false, KS_SWITCH_PREEMPTED, 50);
	stolen = end(&s);
	assert_int_equal(stolen.waits, 1);
	assert_int_equal(stolen.by[KVS_STEAL_IN_RUN], 100);
	assert_int_equal(stolen.by[KVS_STEAL_OUTSIDE], 20);
}

/* The record of the slice was lost: where the thread was preempted is not told. */
static void unknown_where(void **unused)
{
	struct kvs_guest_stolen stolen;
	struct story s;

	begin(&s, 0, 1000);
	take(&s, &(struct kvs_span){ .kind = KVS_SPAN_OFF, .begin = 100, .end = 150,
				     .off = { .kind = KS_SWITCH_PREEMPTED, .since = true } });
	/* Nor is anything of one that began before the recording. */
	take(&s, &(struct kvs_span){ .kind = KVS_SPAN_OFF, .begin = 200, .end = 250,
				     .off = { .kind = KS_SWITCH_PREEMPTED } });
	stolen = end(&s);
	assert_int_equal(stolen.by[KVS_STEAL_UNKNOWN], 50);
	assert_int_equal(stolen.sum, 50);
	assert_int_equal(stolen.waits, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way),
		cmocka_unit_test(within_the_trace),
		cmocka_unit_test(unknown_where),
	};

	return cmocka_run_group_tests_name("steal", tests, NULL, NULL);
}
