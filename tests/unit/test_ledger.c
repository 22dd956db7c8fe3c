// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger and the thieves, on lives whose truth is written down while they
 * are made up.  One cycle, one ns and one unit of time are the same here.
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
#include "model/moment.h"
#include "model/worst.h"
#include "report/view.h"
#include "feed.h"

#define ME	.vm = 1, .vcpu = 0
#define STATES	KVMSCHED_NR_STATES

/* The model under test, the truth, and what the coming records share */
static struct kvs_model m;
static u64 truth[STATES], spans[STATES];
static u64 now;
static u16 cpu;
static s32 pid;

#define RECORD(name, ...)	FEED(&m, now, cpu, pid, name, __VA_ARGS__)

static void session(u8 op)
{
	RECORD(session, .op = op, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL);
}

/* The same times once more, from the spans of the ledger's states */
static void take_state(void *ctx, const struct kvs_span *span)
{
	u64 length = span->end - span->begin;

	if (span->vcpu->index)
		return;
	spans[span->state.state] += length;
	if (span->state.state == KVMSCHED_STATE_POLL)
		spans[KVMSCHED_STATE_EXIT] -= length;
}

static int setup(void **unused)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	kvs_sinks_add(&m.sinks, KVS_SPAN_BIT(STATE), take_state, NULL);
	memset(truth, 0, sizeof(truth));
	memset(spans, 0, sizeof(spans));
	now = 1000;
	cpu = 0;
	pid = 100;
	session(KS_SESSION_START);
	return 0;
}

static int teardown(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

/* So much time passes in a state. */
static void spend(unsigned int state, u64 time)
{
	now += time;
	truth[state] += time;
}

static const struct kvs_ledger *ledger(void)
{
	return &m.vcpus[0]->ledger;
}

static void end(void)
{
	session(KS_SESSION_STOP);
	kvs_model_finish(&m);
}

static void expect_truth(void)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < STATES; i++) {
		if (ledger()->states[i] != truth[i])
			fail_msg("%s: %llu, not %llu", kvs_ledger_state_name(i),
				 (unsigned long long)ledger()->states[i],
				 (unsigned long long)truth[i]);
		if (spans[i] != truth[i])
			fail_msg("%s: %llu by spans, not %llu", kvs_ledger_state_name(i),
				 (unsigned long long)spans[i],
				 (unsigned long long)truth[i]);
		sum += truth[i];
	}
	assert_int_equal(kvs_ledger_wall(ledger()), sum);
	assert_int_equal(kvs_ledger_residual(ledger()), 0);
}

/* Parts of a life.  The one that is in the guest stays in the guest. */

static void begin(void)
{
	spend(KVMSCHED_STATE_UNKNOWN, 500);
	RECORD(vcpu, ME, .tgid = 50);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_EXIT, 40);
	/* In older recordings, the first entry has no record. */
}

static void exit_by(u64 guest, u64 host, u8 how)
{
	spend(KVMSCHED_STATE_GUEST, guest);
	spend(KVMSCHED_STATE_EXIT, host);
	RECORD(exit, ME, .reason = 0x72, .guest_cycles = guest,
	       .host_cycles = host, .flags = how);
}

static void enter(void)
{
	RECORD(entry, ME);
}

static void round_trip(u64 guest, u64 host)
{
	exit_by(guest, host, KS_EXIT_BY_ENTRY);
}

static void to_userspace(u64 user)
{
	exit_by(30, 11, KS_EXIT_BY_PUT);
	spend(KVMSCHED_STATE_EXIT, 3);
	RECORD(put, ME);
	spend(KVMSCHED_STATE_USER, user);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_EXIT, 7);
	enter();
}

/* Slept, then waited for the CPU; the wakeup is told, or else run_delay. */
static void sleeps(u8 kind, u64 polled, u64 slept, u64 waited, bool told)
{
	exit_by(20, 5 + polled, KS_EXIT_BY_SWITCH);
	truth[KVMSCHED_STATE_EXIT] -= polled;
	truth[KVMSCHED_STATE_POLL] += polled;
	spend(KVMSCHED_STATE_EXIT, 2);
	RECORD(switch_out, ME, .kind = kind, .loaded = 1);
	spend(kind == KS_SWITCH_HALTED ? KVMSCHED_STATE_HALTED : KVMSCHED_STATE_BLOCKED, slept);
	if (told)
		RECORD(wake, ME, .cpu = cpu, .holder_pid = 0);
	spend(KVMSCHED_STATE_WAIT_WOKEN, waited);
	RECORD(switch_in, ME, .kind = kind, .from_cpu = cpu,
	       .off_cycles = slept + waited, .wait_ns = told ? 12345 : waited);
	spend(KVMSCHED_STATE_EXIT, 9);
	RECORD(halt, ME, .waited = 1, .valid = 1, .poll_ns = polled);
	spend(KVMSCHED_STATE_EXIT, 4);
	enter();
}

/* A halt that never sleeps is told before its exit. */
static void polls(u64 polled)
{
	now += 20 + polled;
	RECORD(halt, ME, .waited = 0, .valid = 1, .poll_ns = polled);
	now += 6;
	truth[KVMSCHED_STATE_GUEST] += 15;
	truth[KVMSCHED_STATE_EXIT] += 11;
	truth[KVMSCHED_STATE_POLL] += polled;
	RECORD(exit, ME, .reason = 0x78, .guest_cycles = 15,
	       .host_cycles = 11 + polled);
}

static void preempted(u64 waited)
{
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	       .next_pid = 7, .next_comm = "thief");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, waited);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .from_cpu = cpu,
	       .off_cycles = waited);
	spend(KVMSCHED_STATE_EXIT, 6);
	enter();
}

/* The exit is told only when the thread runs again (SVM of old kernels). */
static void preempted_untold(u64 guest, u64 host, u64 waited)
{
	spend(KVMSCHED_STATE_GUEST, guest);
	spend(KVMSCHED_STATE_EXIT, host);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1, .next_pid = 7);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, waited);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .from_cpu = cpu,
	       .off_cycles = waited);
	spend(KVMSCHED_STATE_EXIT, 8);
	RECORD(exit, ME, .reason = 0x60, .guest_cycles = guest, .host_cycles = 8,
	       .flags = KS_EXIT_IRQ_FIRST | KS_EXIT_BY_ENTRY);
}

static void preempted_in_userspace(u64 waited)
{
	exit_by(30, 11, KS_EXIT_BY_PUT);
	RECORD(put, ME);
	spend(KVMSCHED_STATE_USER, 21);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 0, .next_pid = 7);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, waited);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .from_cpu = cpu,
	       .off_cycles = waited);
	spend(KVMSCHED_STATE_USER, 22);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_EXIT, 7);
	enter();
}

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

/* Thieves */

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
		TEST(blocked_is_not_asleep),
		TEST(what_is_learnt_late_is_older),
		TEST(watchdog_names_lost_timers),
		TEST(clocks_of_two_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
