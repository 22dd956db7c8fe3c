// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's interrupts and its LAPIC timer, on stories whose truth is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"
#include "story.h"

static void inject(u64 ts, u16 vector, bool again)
{
	RECORD(ts, irq_inject, ON(VCPU0), .vector = vector, .reinjected = again);
}

static void eoi(u64 ts, s32 vector)
{
	RECORD(ts, irq_eoi, ON(VCPU0), .vector = vector);
}

static void legs_of_an_interrupt(void **unused)
{
	struct kvs_vector_stats *s;

	accept(100, 0x31);
	inject(130, 0x31, false);
	eoi(150, 0x31);
	accept(200, 0x31);
	accept(205, 0x31);	/* merged with the one that is pending */
	inject(210, 0x31, false);
	inject(220, 0x31, true);	/* delivery was cut by an exit */
	eoi(300, 0x31);
	RECORD(400, irq_accept, ON(VCPU0), .delivery_mode = 4, .vector = 0x31);
	RECORD(410, irq_accept, ON(VCPU0), .delivery_mode = 4 << 8, .vector = 0x31);
	s = kvs_vector_get(vcpu(VCPU0), 0x31);
	assert_int_equal(s->accepted, 3);
	assert_int_equal(s->merged, 1);
	assert_int_equal(s->injected, 2);
	assert_int_equal(s->reinjected, 1);
	assert_int_equal(s->eoi, 2);
	assert_int_equal((u64)s->accept_to_inject_ts.sum, 30 + 10);
	assert_int_equal((u64)s->inject_to_eoi_ts.sum, 20 + 90);
	assert_int_equal(vcpu(VCPU0)->other_accepts, 2);
}

/* The guest ends one that is on its way: it was injected before anybody looked. */
static void an_unseen_injection(void **unused)
{
	struct kvs_vector_stats *s;

	accept(100, 0x31);
	eoi(150, 0x31);
	accept(1000, 0x31);
	inject(1010, 0x31, false);
	accept(1015, 0x31);	/* the next one, while this is in service */
	eoi(1020, 0x31);
	inject(1025, 0x31, false);
	s = kvs_vector_get(vcpu(VCPU0), 0x31);
	assert_int_equal(s->merged, 0);
	assert_int_equal(s->accept_to_inject_ts.count, 2);
	assert_int_equal((u64)s->accept_to_inject_ts.sum, 10 + 10);
	assert_int_equal(s->inject_to_eoi_ts.count, 1);
}

/* To the lowest priority it goes by its vector, too; older modules shift that number. */
static void lowest_priority(void **unused)
{
	RECORD(100, irq_accept, ON(VCPU0), .delivery_mode = 1, .vector = 0x31);
	inject(130, 0x31, false);
	RECORD(200, irq_accept, ON(VCPU0), .delivery_mode = 1 << 8, .vector = 0x31);
	assert_int_equal(kvs_vector_get(vcpu(VCPU0), 0x31)->accepted, 2);
	assert_int_equal(vcpu(VCPU0)->other_accepts, 0);
}

static void vectors_dont_mix(void **unused)
{
	accept(100, 0x31);
	accept(110, 0x41);
	inject(120, 0x41, false);
	inject(130, 0x31, false);
	eoi(140, 0x31);
	eoi(150, 0x41);
	assert_int_equal((u64)kvs_vector_get(vcpu(VCPU0), 0x41)->accept_to_inject_ts.sum, 10);
	assert_int_equal((u64)kvs_vector_get(vcpu(VCPU0), 0x31)->accept_to_inject_ts.sum, 30);
}

static void losses_end_the_legs(void **unused)
{
	struct kvs_vector_stats *s;

	accept(100, 0x31);
	kvs_model_missed(&m, 0, 3);
	inject(9000, 0x31, false);	/* may be the next one's */
	kvs_model_missed(&m, 1, 3);
	eoi(9999, 0x31);
	s = kvs_vector_get(vcpu(VCPU0), 0x31);
	assert_int_equal(s->injected, 1);
	assert_int_equal(s->accept_to_inject_ts.count, 0);
	assert_int_equal(s->inject_to_eoi_ts.count, 0);
}

static void expire(u64 ts, u8 mode, s64 late)
{
	RECORD(ts, timer_expire, ON(VCPU0), .mode = mode, .late_cycles = late);
}

static void timer_round(u64 ts)
{
	RECORD(ts, timer_arm, ON(VCPU0), .mode = KS_TIMER_DEADLINE);
	expire(ts + 50, KS_TIMER_DEADLINE, 5);
	accept(ts + 51, 0xec);
	inject(ts + 60, 0xec, false);
	eoi(ts + 90, 0xec);
}

static void timers_vector_is_learned(void **unused)
{
	struct kvs_timer_stats *t;

	for (u64 i = 0; i < 10; i++)
		timer_round(1000 * i);
	t = &vcpu(VCPU0)->timer;
	assert_int_equal(t->vector, 0xec);
	assert_int_equal(t->armed[KS_TIMER_DEADLINE], 10);
	assert_int_equal(t->expired, 10);
	assert_int_equal(t->injected, 10);
	assert_int_equal((u64)t->expire_to_inject_ts.sum, 100);
	assert_int_equal(t->late_cycles.above.count, 10);

	/* Another interrupt comes between expiry and the timer's own. */
	expire(20000, KS_TIMER_DEADLINE, -3);
	accept(20001, 0x31);
	inject(20002, 0x31, false);
	accept(20005, 0xec);
	inject(20010, 0xec, false);
	assert_int_equal(t->vector, 0xec);
	assert_int_equal(t->injected, 11);
	assert_int_equal((u64)t->expire_to_inject_ts.max, 10);
	assert_int_equal(t->late_cycles.below.count, 1);
}

/* A booting guest moves from its firmware's vector to the system's. */
static void timers_vector_changes(void **unused)
{
	struct kvs_timer_stats *t;

	for (u64 i = 0; i < 4; i++)
		timer_round(1000 * i);
	for (u64 i = 0; i < 20; i++) {
		expire(10000 + 100 * i, KS_TIMER_DEADLINE, 0);
		accept(10001 + 100 * i, 0x55);
		inject(10002 + 100 * i, 0x55, false);
	}
	t = &vcpu(VCPU0)->timer;
	assert_int_equal(t->vector, 0x55);
	assert_true(t->injected >= 4 + 16);
}

static void rearming_is_not_programming(void **unused)
{
	RECORD(1, timer_arm, ON(VCPU0), .mode = KS_TIMER_ONESHOT);
	RECORD(2, timer_arm, ON(VCPU0), .mode = KS_TIMER_ONESHOT, .rearm = 1);
	RECORD(3, timer_arm, ON(VCPU0), .mode = KS_TIMER_PERIODIC, .hv = 1);
	assert_int_equal(vcpu(VCPU0)->timer.armed[KS_TIMER_ONESHOT], 1);
	assert_int_equal(vcpu(VCPU0)->timer.armed[KS_TIMER_PERIODIC], 1);
	assert_int_equal(vcpu(VCPU0)->timer.hv_armed, 1);
	assert_int_equal(vcpu(VCPU0)->timer.rearmed, 1);
}

/* Periods that pass while the vCPU waits: one interrupt, as late as the first */
static void periods_become_one(void **unused)
{
	struct kvs_timer_stats *t;

	expire(100, KS_TIMER_PERIODIC, 0);
	expire(200, KS_TIMER_PERIODIC, 0);
	accept(250, 0x40);
	inject(260, 0x40, false);
	t = &vcpu(VCPU0)->timer;
	assert_int_equal(t->expired, 2);
	assert_int_equal(t->injected, 1);
	assert_int_equal((u64)t->expire_to_inject_ts.sum, 160);
}

/* An interrupt's sender is not the vCPU's thread. */
static void senders_are_no_threads(void **unused)
{
	identify(0, VCPU0, 50);
	pid = 4242;
	accept(10, 0x31);
	expire(20, KS_TIMER_DEADLINE, 0);
	pid = 100;
	RECORD(30, switch_out, ON(VCPU0), .kind = KS_SWITCH_BLOCKED);
	assert_int_equal(vcpu(VCPU0)->tid, 100);
	assert_int_equal(vcpu(VCPU0)->threads, 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(legs_of_an_interrupt),
		TEST(an_unseen_injection),
		TEST(lowest_priority),
		TEST(vectors_dont_mix),
		TEST(losses_end_the_legs),
		TEST(timers_vector_is_learned),
		TEST(timers_vector_changes),
		TEST(rearming_is_not_programming),
		TEST(periods_become_one),
		TEST(senders_are_no_threads),
	};

	return cmocka_run_group_tests_name("irqs", tests, NULL, NULL);
}
