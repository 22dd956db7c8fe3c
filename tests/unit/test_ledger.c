// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger, on lives whose truth is written down while they are made up.
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
#include "model/clock.h"
#include "model/model.h"
#include "model/summary.h"
#include "report/view.h"
#include "truth.h"

/* An exit of the fast path is told at the entry that ends it, if nothing saw it. */
static void seen_at_reentry(u64 guest)
{
	spend(KVMSCHED_STATE_GUEST, guest);
	RECORD(exit, ME, .guest_cycles = guest,
	       .flags = KS_EXIT_FASTPATH | KS_EXIT_BY_ENTRY);
}

static void every_state(void **unused)
{
	begin();
	round_trip(100, 10);
	to_userspace(77);
	sleeps(KS_SWITCH_HALTED, 33, 1000, 50, true);
	sleeps(KS_SWITCH_HALTED, 0, 1000, 60, false);
	sleeps(KS_SWITCH_BLOCKED, 0, 300, 5, true);
	polls(70);
	preempted(400);
	preempted_untold(90, 15, 410);
	preempted_in_userspace(420);
	spend(KVMSCHED_STATE_GUEST, 1000);
	end();
	expect_truth();
}

/* Even if no record told of the entry before it: no time of the guest is the host's. */
static void fast_path_leaves_the_guest_its_time(void **unused)
{
	begin();
	seen_at_reentry(3000);
	seen_at_reentry(4000);
	round_trip(100, 10);
	end();
	expect_truth();
}

/* The entry after a failed one has a record, and no exit before it. */
static void a_failed_entry_is_unknown(void **unused)
{
	begin();
	round_trip(100, 10);
	spend(KVMSCHED_STATE_UNKNOWN, 70);
	enter();
	round_trip(200, 20);
	spend(KVMSCHED_STATE_UNKNOWN, 60);
	RECORD(put, ME);
	spend(KVMSCHED_STATE_USER, 50);
	end();
	expect_truth();
}

/* Its thread ends, and so does its life. */
static void dies(void)
{
	exit_by(30, 11, KS_EXIT_BY_PUT);
	RECORD(put, ME);
	spend(KVMSCHED_STATE_USER, 21);
	RECORD(switch_out, ME, .kind = KS_SWITCH_DEAD);
}

static void what_follows_the_threads_end_is_no_life(void **unused)
{
	begin();
	dies();
	/* Its VM is destroyed later on, which is told with all that is known of it. */
	now += 3000;
	RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_GONE);
	RECORD(ledger, ME);
	now += 2000;
	end();
	expect_truth();
	assert_true(m.vcpus[0]->ended);
	assert_false(m.vcpus[0]->born);
	assert_int_equal(ledger()->lost, 0);
}

/* The VM ends first, in a thread that goes on. */
static void a_life_ends_with_its_vm(void **unused)
{
	begin();
	exit_by(30, 11, KS_EXIT_BY_PUT);
	RECORD(put, ME);
	spend(KVMSCHED_STATE_USER, 77);
	RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_GONE);
	now += 2000;
	RECORD(switch_out, ME, .kind = KS_SWITCH_DEAD);
	now += 1000;
	end();
	expect_truth();
	assert_true(m.vcpus[0]->ended);
}

/* Another thread goes on with it: what it did between the two is not known. */
static void another_thread_revives_it(void **unused)
{
	begin();
	dies();
	spend(KVMSCHED_STATE_UNKNOWN, 4000);
	pid = 101;
	RECORD(load, ME);
	spend(KVMSCHED_STATE_EXIT, 33);
	enter();
	round_trip(100, 10);
	end();
	expect_truth();
	assert_false(m.vcpus[0]->ended);
}

/* Nothing of the recording before its first KVM_RUN is its own. */
static void a_life_begins_with_the_first_kvm_run(void **unused)
{
	now += 500;
	/* Its thread was interrupted before it could tell who it is. */
	RECORD(host_irq, ME, .name = "local_timer", .cycles = 20);
	now += 30;
	RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW);
	/* An interrupt, or a hypervisor below, may come between the two. */
	now += 16000;
	RECORD(load, ME);
	spend(KVMSCHED_STATE_EXIT, 40);
	round_trip(100, 10);
	/* What is told again does not begin it again. */
	RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW);
	round_trip(200, 20);
	end();
	expect_truth();
	assert_true(m.vcpus[0]->born);
	assert_int_equal(truth[KVMSCHED_STATE_UNKNOWN], 0);
}

/* 20000 random steps, each of which must be booked to the unit. */
static void random_lives(void **unused)
{
	srand(1);
	begin();
	for (unsigned int i = 0; i < 20000; i++) {
		u64 t = 1 + rand() % 5000;

		cpu = rand() % 4;
		switch (rand() % 9) {
		case 0: to_userspace(t); break;
		case 1: sleeps(KS_SWITCH_HALTED, rand() % 9, t, rand() % 100, rand() % 2); break;
		case 2: sleeps(KS_SWITCH_BLOCKED, 0, t, rand() % 100, rand() % 2); break;
		case 3: preempted(t); break;
		case 4: preempted_untold(t, rand() % 50, rand() % 5000); break;
		case 5: preempted_in_userspace(t); break;
		case 6: polls(t); break;
		default: round_trip(t, 1 + rand() % 99);
		}
	}
	end();
	expect_truth();
}

static void a_loss_makes_its_time_unknown(void **unused)
{
	u64 lost;

	begin();
	round_trip(100, 10);
	/* Here a halt, a return to userspace and two exits are lost. */
	lost = 4321;
	spend(KVMSCHED_STATE_UNKNOWN, lost);
	kvs_model_missed(&m, 0, 5);
	round_trip(100, 10);
	end();
	expect_truth();
	assert_int_equal(ledger()->lost, lost);
}

/* What comes next need not be an exit: each kind ends the unknown time. */
static void whatever_follows_a_loss(void **unused)
{
	begin();
	round_trip(100, 10);
	spend(KVMSCHED_STATE_UNKNOWN, 700);	/* from guest mode to KVM_RUN's end */
	kvs_model_missed(&m, 0, 2);
	RECORD(put, ME);
	spend(KVMSCHED_STATE_USER, 50);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_UNKNOWN, 800);	/* userspace and back, unseen */
	kvs_model_missed(&m, 0, 2);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_UNKNOWN, 900);
	kvs_model_missed(&m, 0, 2);
	enter();
	round_trip(100, 10);
	spend(KVMSCHED_STATE_UNKNOWN, 60);	/* no loss told: it is out of turn */
	RECORD(load, ME);
	spend(KVMSCHED_STATE_EXIT, 60);
	enter();
	spend(KVMSCHED_STATE_UNKNOWN, 77);
	kvs_model_missed(&m, 0, 2);
	RECORD(switch_out, ME, .kind = KS_SWITCH_HALTED, .loaded = 1);
	spend(KVMSCHED_STATE_HALTED, 5);
	end();
	expect_truth();
}

/* The exit says itself that nothing of this vCPU's was lost. */
static void a_loss_of_others_records_harms_no_one(void **unused)
{
	begin();
	round_trip(100, 10);
	kvs_model_missed(&m, 0, 5);
	round_trip(1000, 10);
	kvs_model_missed(&m, 1, 5);	/* another CPU */
	to_userspace(50);
	end();
	expect_truth();
}

/* Asleep while another CPU loses records: the switch in shows a run unseen. */
static void a_run_on_a_cpu_that_lost_it_is_unknown(void **unused)
{
	begin();
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_HALTED, .loaded = 1);
	kvs_model_missed(&m, 1, 5);
	spend(KVMSCHED_STATE_UNKNOWN, 9000);
	RECORD(switch_in, ME, .kind = KS_SWITCH_HALTED, .off_cycles = 600, .wait_ns = 5);
	spend(KVMSCHED_STATE_UNKNOWN, 30);	/* in KVM_RUN or not? */
	enter();
	round_trip(100, 10);
	end();
	expect_truth();
}

/* The closing records know of losses that no later page could tell. */
static void a_loss_at_the_end_is_unknown(void **unused)
{
	begin();
	round_trip(100, 10);
	spend(KVMSCHED_STATE_UNKNOWN, 7000);
	RECORD(lost, .event = 9, .cpu = 0, .name = "kvmsched_exit", .count = 3);
	end();
	expect_truth();
}

static void hits_of_kprobes_are_not_lost_records(void **unused)
{
	u64 lost;

	RECORD(lost, .event = 0, .cpu = 0, .name = "overwritten", .count = 30);
	RECORD(lost, .event = 0, .cpu = 1, .name = "overwritten", .count = 12);
	RECORD(lost, .event = 0, .cpu = 1, .name = "vcpu_load", .count = 2);
	RECORD(lost, .event = 9, .cpu = 0, .name = "kvmsched_exit", .count = 3);
	kvs_model_finish(&m);
	assert_true(kvs_model_lost(&m, &lost));
	assert_int_equal(lost, 3);
	assert_int_equal(m.overwritten, 42);
	assert_int_equal(m.nr_missed, 1);
	assert_string_equal(m.missed[0].hook, "vcpu_load");
	assert_int_equal(m.missed[0].count, 2);
}

/* Off the CPU, but not in HLT: within KVM_RUN the kernel's doing, outside the VMM's */
static void blocked_is_not_asleep(void **unused)
{
	static const struct {
		u8 loaded;
		unsigned int cause;
	} cases[] = {
		{ 1, KVS_CAUSE_BLOCKED }, { 0, KVS_CAUSE_USER },
	};

	for (unsigned int i = 0; i < 2; i++) {
		struct kvs_ledger l = { 0 };
		u64 spent[KVS_CAUSES] = { 0 };
		struct kvs_ledger_mark mark;

		kvs_ledger_begin(&l, 0);
		kvs_ledger_switch_out(&l, 100, KS_SWITCH_BLOCKED, cases[i].loaded);
		mark = kvs_ledger_mark(&l, 1000);
		kvs_spent_since(&l, &mark, 4000, spent);
		assert_int_equal(spent[cases[i].cause], 3000);
		assert_int_equal(kvs_cause_main(spent), cases[i].cause);
		assert_int_equal(spent[KVS_CAUSE_SLEEP], 0);
		/* The same once it has been booked. */
		kvs_ledger_wake(&l, 4000);
		kvs_ledger_switch_in(&l, 4100, 4000, 100, &(struct kvs_ledger_wait){ 0 });
		memset(spent, 0, sizeof(spent));
		kvs_spent_since(&l, &mark, 4100, spent);
		assert_int_equal(spent[cases[i].cause], 3000);
		assert_int_equal(spent[KVS_CAUSE_WAIT], 100);
	}
}

/* It halts, and that it was woken before the interrupt came is told only later. */
static void what_is_learnt_late_is_older(void **unused)
{
	u64 spent[KVS_CAUSES] = { 0 };
	struct kvs_ledger_mark mark;
	struct kvs_ledger l = { 0 };

	kvs_ledger_begin(&l, 0);
	kvs_ledger_switch_out(&l, 0, KS_SWITCH_HALTED, true);
	mark = kvs_ledger_mark(&l, 50);
	kvs_ledger_switch_in(&l, 60, 60, 30, &(struct kvs_ledger_wait){ 0 });
	kvs_ledger_entry(&l, 70);
	kvs_spent_since(&l, &mark, 100, spent);
	assert_int_equal(spent[KVS_CAUSE_WAIT], 60 - 50);
	assert_int_equal(spent[KVS_CAUSE_HOST], 10);
	assert_int_equal(spent[KVS_CAUSE_GUEST], 30);
	assert_int_equal(spent[KVS_CAUSE_SLEEP], 0);
}

/* Nothing tells exits from guest mode there: not even that the host was at work. */
static void without_exits_kvm_run_is_unknown(void **unused)
{
	struct kvs_ledger_mark mark;
	u64 spent[KVS_CAUSES] = { 0 };
	struct kvs_ledger l;

	kvs_ledger_begin(&l, 0);
	l.no_exits = true;
	kvs_ledger_load(&l, 10);
	mark = kvs_ledger_mark(&l, 20);
	kvs_ledger_switch_out(&l, 100, KS_SWITCH_HALTED, true);
	kvs_ledger_wake(&l, 150);
	kvs_ledger_switch_in(&l, 160, 60, 10, &(struct kvs_ledger_wait){ 0 });
	kvs_ledger_poll(&l, 170, 7);
	kvs_spent_since(&l, &mark, 180, spent);
	assert_int_equal(spent[KVS_CAUSE_UNKNOWN], 80 + 20);
	assert_int_equal(spent[KVS_CAUSE_HOST], 0);
	kvs_ledger_put(&l, 190);
	kvs_ledger_load(&l, 200);
	assert_int_equal(l.states[KVMSCHED_STATE_UNKNOWN], 100 + 30);
	assert_int_equal(l.states[KVMSCHED_STATE_HALTED], 50);
	assert_int_equal(l.states[KVMSCHED_STATE_WAIT_WOKEN], 10);
	assert_int_equal(l.states[KVMSCHED_STATE_USER], 10);
	assert_int_equal(l.lost, 0);
	/* They are recorded after all. */
	kvs_ledger_entry(&l, 220);
	kvs_ledger_exit(&l, 300, 50, 30, false);
	assert_int_equal(l.states[KVMSCHED_STATE_GUEST], 50);
	assert_int_equal(l.states[KVMSCHED_STATE_EXIT], 30);
	assert_int_equal(kvs_ledger_residual(&l), 0);
}

/* It is the session that says so. */
static void what_a_session_leaves_out_is_unknown(void **unused)
{
	m.classes = KVMSCHED_CLASS_SWITCH;
	spend(KVMSCHED_STATE_UNKNOWN, 500);
	RECORD(vcpu, ME, .tgid = 50);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_UNKNOWN, 40);
	RECORD(put, ME);
	spend(KVMSCHED_STATE_USER, 20);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_UNKNOWN, 60);
	end();
	expect_truth();
}

static void words_say_why_a_state_is_unknown(void **unused)
{
	m.classes = KVMSCHED_CLASS_SWITCH;
	assert_string_equal(kvs_model_why_unknown(&m), "class exit was not recorded");
	m.classes = KVMSCHED_CLASS_EXIT;
	assert_string_equal(kvs_model_why_unknown(&m), "class switch was not recorded");
	m.classes = KVMSCHED_CLASS_SWITCH | KVMSCHED_CLASS_EXIT;
	assert_string_equal(kvs_model_why_unknown(&m), "records are missing");
}

/* Out of guest mode it may sleep, wait for a CPU or be in userspace. */
static void without_switches_guest_mode_alone_is_known(void **unused)
{
	struct kvs_ledger l;

	kvs_ledger_begin(&l, 0);
	l.no_switches = true;
	kvs_ledger_exit(&l, 100, 60, 30, true);
	kvs_ledger_exit(&l, 200, 80, 20, true);
	kvs_ledger_exit(&l, 300, 70, 30, false);
	kvs_ledger_entry(&l, 350);
	assert_int_equal(l.states[KVMSCHED_STATE_GUEST], 60 + 80 + 70);
	assert_int_equal(l.states[KVMSCHED_STATE_UNKNOWN], 10 + 30 + 20 + 30 + 50);
	assert_int_equal(l.lost, 0);
	assert_int_equal(kvs_ledger_residual(&l), 0);
	/* They are recorded after all. */
	kvs_ledger_exit(&l, 400, 30, 20, false);
	kvs_ledger_put(&l, 410);
	kvs_ledger_load(&l, 430);
	kvs_ledger_entry(&l, 440);
	assert_int_equal(l.states[KVMSCHED_STATE_EXIT], 10);
	assert_int_equal(l.states[KVMSCHED_STATE_USER], 20);
}

/* Three ways for a timer to be lost; the fourth is on time. */
static void watchdog_names_lost_timers(void **unused)
{
	const struct kvs_overdue *o;

	begin();
	RECORD(timer_arm, ME, .mode = KS_TIMER_DEADLINE, .deadline = now + 200);
	spend(KVMSCHED_STATE_GUEST, 20000000);
	RECORD(timer_arm, ME, .mode = KS_TIMER_DEADLINE, .deadline = now + 200);
	spend(KVMSCHED_STATE_GUEST, 230);
	RECORD(timer_expire, ME, .mode = KS_TIMER_DEADLINE, .late_cycles = 30);
	spend(KVMSCHED_STATE_GUEST, 230);
	RECORD(timer_arm, ME, .mode = KS_TIMER_DEADLINE, .deadline = now + 200);
	spend(KVMSCHED_STATE_GUEST, 230);
	RECORD(timer_expire, ME, .mode = KS_TIMER_DEADLINE, .late_cycles = 30);
	RECORD(irq_accept, ME, .vector = 0xec);
	RECORD(irq_inject, ME, .vector = 0xec);
	RECORD(timer_arm, ME, .mode = KS_TIMER_DEADLINE, .deadline = now + 200);
	spend(KVMSCHED_STATE_GUEST, 230);
	RECORD(timer_expire, ME, .mode = KS_TIMER_DEADLINE, .late_cycles = 30);
	spend(KVMSCHED_STATE_GUEST, 20000000);
	end();
	o = &m.vcpus[0]->timer.overdue;
	assert_int_equal(o->not_expired, 1);
	assert_int_equal(o->unanswered, 1);
	assert_int_equal(o->not_accepted, 1);
	assert_int_equal(o->not_injected, 0);
	assert_true(kvs_overdue(m.vcpus[0]));
}

/* Time stamps in ns, durations in cycles: 2.5 cycles are one ns. */
static void clocks_of_two_kinds(void **unused)
{
	struct kvs_times t;
	struct kvs_trace_info info = { .clock = KVS_CLOCK_NS };
	struct kvs_ledger_ns ns;
	u64 sum = 0;

	kvs_model_free(&m);
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	kvs_model_clock(&m, true, 0, 0);
	RECORD(load, ME);
	for (unsigned int i = 0; i < 1000; i++) {
		now += 1100;
		RECORD(exit, ME, .guest_cycles = 2500, .host_cycles = 250);
	}
	kvs_model_finish(&m);
	kvs_times_init(&t, &info, &m);
	kvs_ledger_ns(&t, ledger(), &ns);
	for (unsigned int i = 0; i < STATES; i++)
		sum += ns.states[i];
	assert_int_equal(sum, ns.wall);
	assert_in_range(ns.states[KVMSCHED_STATE_GUEST], 998000, 1000000);
	assert_in_range(ns.states[KVMSCHED_STATE_EXIT], 99000, 101000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_state),
		TEST(fast_path_leaves_the_guest_its_time),
		TEST(a_failed_entry_is_unknown),
		TEST(what_follows_the_threads_end_is_no_life),
		TEST(a_life_ends_with_its_vm),
		TEST(another_thread_revives_it),
		TEST(a_life_begins_with_the_first_kvm_run),
		TEST(random_lives),
		TEST(a_loss_makes_its_time_unknown),
		TEST(whatever_follows_a_loss),
		TEST(a_loss_of_others_records_harms_no_one),
		TEST(a_run_on_a_cpu_that_lost_it_is_unknown),
		TEST(a_loss_at_the_end_is_unknown),
		TEST(hits_of_kprobes_are_not_lost_records),
		TEST(blocked_is_not_asleep),
		TEST(what_is_learnt_late_is_older),
		TEST(without_exits_kvm_run_is_unknown),
		TEST(what_a_session_leaves_out_is_unknown),
		TEST(words_say_why_a_state_is_unknown),
		TEST(without_switches_guest_mode_alone_is_known),
		TEST(watchdog_names_lost_timers),
		TEST(clocks_of_two_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
