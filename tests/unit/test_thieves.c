// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thieves: who had the CPU that a vCPU waited for, on lives whose truth is written down while
 * they are made up.
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
#include "model/moment.h"
#include "model/worst.h"
#include "report/view.h"
#include "truth.h"

static struct kvs_thief *thief(u8 kind, s32 who)
{
	struct kvs_waiter *w = &m.vcpus[0]->waiter;

	for (unsigned int i = 0; i < w->nr; i++)
		if (w->thieves[i].who.kind == kind &&
		    (kind != KVS_THIEF_TASK || w->thieves[i].who.pid == who))
			return &w->thieves[i];
	fail_msg("no thief %d", who);
	return NULL;
}

static void expect_rows_sum(void)
{
	const struct kvs_waiter *w = &m.vcpus[0]->waiter;
	u64 sum = 0;

	for (unsigned int i = 0; i < w->nr; i++)
		sum += w->thieves[i].time;
	assert_int_equal(sum, ledger()->states[KVMSCHED_STATE_WAIT_PREEMPTED] +
			      ledger()->states[KVMSCHED_STATE_WAIT_WOKEN]);
}

static void holder(s32 who, const char *comm)
{
	struct kvs_record rec = {
		.ts = now, .event = KS_EV_holder, .cpu = cpu,
		.holder = { .pid = who, .prio = 120, .waiters = 1 },
	};

	strcpy(rec.holder.comm, comm);
	kvs_model_record(&m, &rec);
}

static void taken_by_two_in_turn(void **unused)
{
	begin();
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	       .next_pid = 7, .next_comm = "a");
	for (unsigned int i = 0; i < 3; i++) {
		spend(KVMSCHED_STATE_WAIT_PREEMPTED, 100 + i);
		holder(8, "b");
		spend(KVMSCHED_STATE_WAIT_PREEMPTED, 30);
		holder(7, "a");
	}
	/* Its own switch in, told by both: still the wait that the other caused */
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 10);
	holder(pid, "vcpu");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 2);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = 405);
	end();
	expect_rows_sum();
	assert_int_equal(thief(KVS_THIEF_TASK, 7)->time, 100 + 101 + 102 + 12);
	assert_int_equal(thief(KVS_THIEF_TASK, 7)->count, 4);
	assert_int_equal(thief(KVS_THIEF_TASK, 7)->max, 102);
	assert_int_equal(thief(KVS_THIEF_TASK, 8)->time, 90);
	assert_int_equal(m.vcpus[0]->waiter.nr, 2);
}

/* An interrupt of the task that has the CPU */
#define INTERRUPT(...) do {						\
	s32 own_ = pid;							\
									\
	pid = 7;							\
	RECORD(host_irq, __VA_ARGS__);					\
	pid = own_;							\
} while (0)

/* An interrupt's handler is nobody's: cut out of whoever held the CPU. */
static void interrupts_are_told_apart(void **unused)
{
	begin();
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	/* This one began before the wait. */
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	       .next_pid = 7, .next_comm = "a");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 3);
	INTERRUPT(.name = "local_timer", .cycles = 10);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 100);
	INTERRUPT(.name = "eth0", .cycles = 40);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 50);
	cpu = 1;
	INTERRUPT(.name = "eth0", .cycles = 40);
	cpu = 0;
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = 153);
	end();
	expect_rows_sum();
	assert_int_equal(thief(KVS_THIEF_TASK, 7)->time, 60 + 50);
	assert_int_equal(m.vcpus[0]->waiter.nr, 3);
	for (unsigned int i = 0; i < 3; i++) {
		const struct kvs_thief *t = &m.vcpus[0]->waiter.thieves[i];

		if (t->who.kind == KVS_THIEF_INTERRUPT)
			assert_int_equal(t->time, strcmp(t->who.comm, "eth0") ? 3 : 40);
	}
}

/* It got its CPU, and an interrupt came before its switch in was told: no thief's. */
static void an_interrupt_after_the_wait_took_nothing(void **unused)
{
	begin();
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	       .next_pid = 7, .next_comm = "a");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 100);
	INTERRUPT(.name = "before", .cycles = 30);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 20);
	spend(KVMSCHED_STATE_EXIT, 45);
	INTERRUPT(.name = "after", .cycles = 40);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = 120);
	end();
	expect_rows_sum();
	assert_int_equal(m.vcpus[0]->waiter.nr, 2);
	assert_int_equal(thief(KVS_THIEF_TASK, 7)->time, 70 + 20);
	assert_int_equal(thief(KVS_THIEF_INTERRUPT, 0)->time, 30);
}

/* The time of an interrupt is its own, and the softirq that it interrupts has the rest. */
static void softirqs_are_told_apart(void **unused)
{
	begin();
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	       .next_pid = 7, .next_comm = "a");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 100);
	INTERRUPT(.name = "local_timer", .cycles = 10);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 8);
	INTERRUPT(.name = "TIMER", .kind = KS_HOST_IRQ_SOFTIRQ, .cycles = 7);
	/* 30 of which 12 are an interrupt's */
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 24);
	INTERRUPT(.name = "local_timer", .cycles = 12);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 8);
	INTERRUPT(.name = "TIMER", .kind = KS_HOST_IRQ_SOFTIRQ, .cycles = 18);
	/* The task's own is the task's doing. */
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 5);
	INTERRUPT(.name = "NET_RX", .kind = KS_HOST_IRQ_OWN_SOFTIRQ, .cycles = 5);
	/* It has the CPU since 9 cycles ago, and these are on its own time. */
	spend(KVMSCHED_STATE_EXIT, 9);
	RECORD(host_irq, ME, .name = "local_timer", .cycles = 6);
	RECORD(host_irq, ME, .name = "TIMER", .kind = KS_HOST_IRQ_SOFTIRQ, .cycles = 2);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = 145);
	end();
	expect_rows_sum();
	assert_int_equal(thief(KVS_THIEF_TASK, 7)->time, 90 + 1 + 12 + 5);
	assert_int_equal(m.vcpus[0]->waiter.nr, 3);
	for (unsigned int i = 0; i < 3; i++) {
		const struct kvs_thief *t = &m.vcpus[0]->waiter.thieves[i];

		if (t->who.kind == KVS_THIEF_INTERRUPT)
			assert_int_equal(t->time, strcmp(t->who.comm, "softirq TIMER") ?
					 10 + 12 : 7 + 8);
	}
}

static void moved_while_it_waits(void **unused)
{
	begin();
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	       .next_pid = 7, .next_comm = "a");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 50);
	RECORD(migrate, ME, .cpu = 1, .from_cpu = 0, .holder_pid = 9, .holder_comm = "c");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 20);
	holder(8, "b");		/* of the CPU that it left */
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 5);
	cpu = 1;
	holder(10, "d");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 8);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .from_cpu = 0, .off_cycles = 83);
	end();
	expect_rows_sum();
	assert_int_equal(thief(KVS_THIEF_TASK, 7)->time, 50);
	assert_int_equal(thief(KVS_THIEF_TASK, 9)->time, 25);
	assert_int_equal(thief(KVS_THIEF_TASK, 10)->time, 8);
	assert_int_equal(m.vcpus[0]->waiter.nr, 3);
}

static void idle_is_latency_or_throttling(void **unused)
{
	begin();
	sleeps(KS_SWITCH_HALTED, 0, 1000, 50, true);
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1, .next_pid = 0);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 5000);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = 5000);
	end();
	expect_rows_sum();
	assert_int_equal(thief(KVS_THIEF_IDLE, 0)->time, 50);
	assert_int_equal(thief(KVS_THIEF_THROTTLED, 0)->time, 5000);
}

/* The idle task is interrupted. */
static void interrupt_idle(u64 cycles)
{
	s32 own = pid;

	pid = 0;
	RECORD(host_irq, .name = "local_timer", .cycles = cycles);
	pid = own;
}

/* Woken onto an idle CPU: its interrupts show whether it was awake and idled on. */
static void idle_between_interrupts_is_throttling(void **unused)
{
	begin();
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_HALTED, .loaded = 1);
	spend(KVMSCHED_STATE_HALTED, 1000);
	RECORD(wake, ME, .cpu = cpu, .holder_pid = 0);
	/* It may be that this one wakes the CPU up ... */
	spend(KVMSCHED_STATE_WAIT_WOKEN, 20000000 + 10);
	interrupt_idle(10);
	/* ... and this one comes before the CPU can switch. */
	spend(KVMSCHED_STATE_WAIT_WOKEN, 10000000 - 1 + 10);
	interrupt_idle(10);
	/* But here it has long been awake, ... */
	spend(KVMSCHED_STATE_WAIT_WOKEN, 10000000 + 10);
	interrupt_idle(10);
	/* ... whereas another CPU has to wake up first. */
	RECORD(migrate, ME, .cpu = 1, .from_cpu = 0, .holder_pid = 0);
	cpu = 1;
	spend(KVMSCHED_STATE_WAIT_WOKEN, 30000000 + 10);
	interrupt_idle(10);
	spend(KVMSCHED_STATE_WAIT_WOKEN, 50000000);
	RECORD(switch_in, ME, .kind = KS_SWITCH_HALTED, .from_cpu = 0,
	       .off_cycles = 1000 + 120000000 - 1 + 40);
	end();
	expect_rows_sum();
	assert_int_equal(thief(KVS_THIEF_THROTTLED, 0)->time, 10000000);
	assert_int_equal(thief(KVS_THIEF_THROTTLED, 0)->count, 1);
	assert_int_equal(thief(KVS_THIEF_IDLE, 0)->time,
			 20000000 + 10000000 - 1 + 30000000 + 50000000);
	assert_int_equal(thief(KVS_THIEF_INTERRUPT, 0)->time, 40);
}

static void a_holder_that_was_lost_is_unknown(void **unused)
{
	begin();
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	       .next_pid = 7, .next_comm = "a");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 100);
	holder(8, "b");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 40);
	kvs_model_missed(&m, cpu, 1);
	holder(9, "c");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 1000);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = 1140);
	sleeps(KS_SWITCH_HALTED, 0, 1000, 60, false);	/* no wakeup: unknown, too */
	end();
	expect_rows_sum();
	assert_int_equal(thief(KVS_THIEF_TASK, 7)->time, 100);
	assert_int_equal(thief(KVS_THIEF_UNKNOWN, -1)->time, 40 + 60);
	assert_int_equal(thief(KVS_THIEF_TASK, 9)->time, 1000);
}

static void a_wait_that_the_recording_cuts(void **unused)
{
	begin();
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	       .next_pid = 7, .next_comm = "a");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, 700);
	end();
	expect_truth();
	expect_rows_sum();
	assert_int_equal(thief(KVS_THIEF_TASK, 7)->time, 700);
}

/* A theft of 5 ms between expiry and injection is what the timer was late for. */
static void worst_moment_names_the_thief(void **unused)
{
	struct kvs_trace_info info = { .clock = KVS_CLOCK_NS };
	struct kvs_view view = {
		.info = &info, .model = &m, .select = { .vm = KVS_ANY_VM, .vcpu = -1 },
	};
	const struct kvs_moment *moment;
	struct kvs_worst worst;
	char *text;

	kvs_worst_init(&worst, 2, 1 << KVS_MOMENT_TIMER);
	kvs_worst_listen(&worst, &m);
	begin();
	for (unsigned int i = 0; i < 50; i++) {
		u64 stolen = i == 20 ? 5000000 : 100;

		RECORD(timer_arm, ME, .mode = KS_TIMER_DEADLINE, .deadline = now + 200);
		spend(KVMSCHED_STATE_GUEST, 230);
		RECORD(timer_expire, ME, .mode = KS_TIMER_DEADLINE, .late_cycles = 30);
		spend(KVMSCHED_STATE_EXIT, 10);
		RECORD(exit, ME, .reason = 0x60, .guest_cycles = 230,
		       .host_cycles = 10, .flags = KS_EXIT_BY_SWITCH);
		cpu = 3;
		RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
		       .next_pid = 901, .next_prio = 49, .next_comm = "thief",
		       .next_tgid = 900, .next_policy = 1, .next_flags = KS_TASK_TOLD);
		spend(KVMSCHED_STATE_WAIT_PREEMPTED, stolen);
		RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = stolen);
		RECORD(irq_accept, ME, .vector = 0xec);
		spend(KVMSCHED_STATE_EXIT, 7);
		RECORD(irq_inject, ME, .vector = 0xec);
		enter();
	}
	end();
	expect_truth();
	kvs_worst_sort(&worst);
	kvs_view_init(&view);
	assert_int_equal(worst.count, 2);
	moment = &worst.heap[0];
	assert_int_equal(moment->length, 30 + 10 + 5000000 + 7);
	assert_int_equal(moment->spent[KVS_CAUSE_TIMER], 30);
	assert_int_equal(moment->spent[KVS_CAUSE_WAIT], 5000000);
	assert_int_equal(moment->spent[KVS_CAUSE_HOST], 17);
	text = kvs_moment_sentence(&m, &view.times, moment);
	assert_non_null(strstr(text, "vm 50 vcpu0: timer due at "));
	assert_non_null(strstr(text, "injected 5.000 ms late: runnable, but CPU 3 ran "
				     "thief/901 (SCHED_FIFO 50; other process) "
				     "for 5.000 ms"));
	free(text);
	/* The first one as well, of whose guest mode the ledger learnt only after its expiry */
	assert_int_equal(m.vcpus[0]->timer.main_cause[KVS_CAUSE_WAIT], 50);
	assert_int_equal(m.vcpus[0]->timer.overdue.not_expired, 0);
	kvs_worst_free(&worst);
	kvs_view_free(&view);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(taken_by_two_in_turn),
		TEST(interrupts_are_told_apart),
		TEST(an_interrupt_after_the_wait_took_nothing),
		TEST(softirqs_are_told_apart),
		TEST(moved_while_it_waits),
		TEST(idle_is_latency_or_throttling),
		TEST(idle_between_interrupts_is_throttling),
		TEST(a_holder_that_was_lost_is_unknown),
		TEST(a_wait_that_the_recording_cuts),
		TEST(worst_moment_names_the_thief),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
