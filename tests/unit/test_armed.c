// SPDX-License-Identifier: GPL-2.0-only
/*
 * For how long a LAPIC timer is armed, and what ends that.  One cycle is one ns and one
 * unit of time here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "base/base.h"
#include "model/model.h"
#include "feed.h"

#define ME	.vm = 1, .vcpu = 0

static struct kvs_model m;
static struct kvs_span spans[8];
static unsigned int nr, checked;

#define RECORD(at, name, ...)	FEED(&m, at, 3, 10, name, __VA_ARGS__)

static void take_span(void *ctx, const struct kvs_span *span)
{
	assert_true(nr < ARRAY_SIZE(spans));
	spans[nr++] = *span;
}

static int setup(void **unused)
{
	nr = checked = 0;
	kvs_model_init(&m);
	kvs_sinks_add(&m.sinks, KVS_SPAN_BIT(TIMER_ARMED), take_span, NULL);
	RECORD(1, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT);
	RECORD(2, vcpu, ME, .tgid = 10, .tsc_ratio = 1ULL << 32, .tsc_frac_bits = 32);
	return 0;
}

static int teardown(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

static void arm(u64 ts, u8 mode, u64 deadline, u8 how)
{
	RECORD(ts, timer_arm, ME, .mode = mode, .rearm = how, .deadline = deadline,
	       .guest_deadline = mode == KS_TIMER_DEADLINE ? deadline : 0);
}

static void expire(u64 ts, u8 mode, s64 late)
{
	RECORD(ts, timer_expire, ME, .mode = mode, .late_cycles = late);
}

static void end(u64 ts)
{
	RECORD(ts, session, .op = KS_SESSION_STOP);
	kvs_model_finish(&m);
}

/* The next span; returns it. */
static const struct kvs_span *assert_armed(u64 from, u64 to, unsigned int how)
{
	const struct kvs_span *span = &spans[checked];

	assert_true(checked++ < nr);
	assert_int_equal(span->begin, from);
	assert_int_equal(span->end, to);
	assert_int_equal(span->length, to - from);
	assert_int_equal(span->cpu, 3);
	assert_int_equal(span->armed.end, how);
	assert_int_equal(span->open, how == KVS_ARMED_OPEN);
	return span;
}

static void assert_no_more(void)
{
	assert_int_equal(nr, checked);
}

static void expires(void **unused)
{
	const struct kvs_span *span;

	arm(100, KS_TIMER_DEADLINE, 150, KS_ARM_BY_GUEST);
	/* Moved to another CPU: it goes on. */
	arm(120, KS_TIMER_DEADLINE, 150, KS_ARM_AGAIN);
	expire(157, KS_TIMER_DEADLINE, 7);
	end(1000);
	span = assert_armed(100, 157, KVS_ARMED_EXPIRED);
	assert_int_equal(span->armed.deadline, 150);
	assert_int_equal(span->armed.mode, KS_TIMER_DEADLINE);
	assert_true(span->armed.since);
	assert_false(span->gap);
	assert_no_more();
}

static void is_stopped(void **unused)
{
	arm(100, KS_TIMER_DEADLINE, 500, KS_ARM_BY_GUEST);
	arm(130, KS_TIMER_DEADLINE, 0, KS_ARM_STOPPED);
	end(1000);
	assert_int_equal(assert_armed(100, 130, KVS_ARMED_STOPPED)->armed.deadline, 500);
	assert_no_more();
}

static void is_replaced(void **unused)
{
	arm(100, KS_TIMER_DEADLINE, 500, KS_ARM_BY_GUEST);
	arm(130, KS_TIMER_DEADLINE, 600, KS_ARM_BY_GUEST);
	expire(590, KS_TIMER_DEADLINE, -10);
	end(1000);
	assert_int_equal(assert_armed(100, 130, KVS_ARMED_REPLACED)->armed.deadline, 500);
	assert_int_equal(assert_armed(130, 590, KVS_ARMED_EXPIRED)->armed.deadline, 600);
	assert_no_more();
}

static void is_armed_at_the_end(void **unused)
{
	arm(100, KS_TIMER_DEADLINE, 5000, KS_ARM_BY_GUEST);
	end(1000);
	assert_int_equal(assert_armed(100, 1000, KVS_ARMED_OPEN)->armed.deadline, 5000);
	assert_no_more();
}

static void is_found_armed(void **unused)
{
	arm(100, KS_TIMER_DEADLINE, 150, KS_ARM_FOUND);
	expire(150, KS_TIMER_DEADLINE, 0);
	assert_false(assert_armed(100, 150, KVS_ARMED_EXPIRED)->armed.since);
	assert_no_more();
}

static void periods_follow_each_other(void **unused)
{
	arm(100, KS_TIMER_PERIODIC, 200, KS_ARM_BY_GUEST);
	expire(200, KS_TIMER_PERIODIC, 0);
	expire(303, KS_TIMER_PERIODIC, 3);
	/* Whether the guest stops it now is not told. */
	end(1000);
	assert_armed(100, 200, KVS_ARMED_EXPIRED);
	assert_armed(200, 303, KVS_ARMED_EXPIRED);
	assert_no_more();
}

static void one_shot(void **unused)
{
	arm(100, KS_TIMER_ONESHOT, 200, KS_ARM_BY_GUEST);
	/* It may have been stopped any time before. */
	arm(150, KS_TIMER_ONESHOT, 300, KS_ARM_BY_GUEST);
	expire(300, KS_TIMER_ONESHOT, 0);
	end(1000);
	assert_armed(150, 300, KVS_ARMED_EXPIRED);
	assert_no_more();
}

static void another_mode_is_another_timer(void **unused)
{
	arm(100, KS_TIMER_ONESHOT, 200, KS_ARM_BY_GUEST);
	expire(200, KS_TIMER_DEADLINE, 0);
	assert_no_more();
}

static void records_are_lost_meanwhile(void **unused)
{
	arm(100, KS_TIMER_DEADLINE, 150, KS_ARM_BY_GUEST);
	kvs_model_missed(&m, 0, 5);
	expire(150, KS_TIMER_DEADLINE, 0);
	assert_true(assert_armed(100, 150, KVS_ARMED_EXPIRED)->gap);
	assert_no_more();
}

int main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(expires),
		TEST(is_stopped),
		TEST(is_replaced),
		TEST(is_armed_at_the_end),
		TEST(is_found_armed),
		TEST(periods_follow_each_other),
		TEST(one_shot),
		TEST(another_mode_is_another_timer),
		TEST(records_are_lost_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
