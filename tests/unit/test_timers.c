// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a LAPIC timer: injected, merged, skipped, stopped, lost, far ahead,
 * or not judged.  One cycle is one ns and one unit of time here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/model.h"
#include "model/summary.h"
#include "feed.h"

#define ME	.vm = 1, .vcpu = 0
#define VECTOR	0x40
#define MS	1000000ULL
#define OFFSET	(1000 * MS)	/* of the guest's TSC, ahead of the host's */

static struct kvs_model m;

#define RECORD(at, name, ...)	FEED(&m, at, 0, 10, name, __VA_ARGS__)

/* A vCPU that is within KVM_RUN from 1 ms on */
static int setup(void **unused)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	RECORD(1, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT);
	RECORD(MS, vcpu, ME, .tgid = 10, .tsc_offset = OFFSET, .tsc_ratio = 1ULL << 32,
	       .tsc_frac_bits = 32);
	RECORD(MS, load, ME);
	RECORD(MS, exit, ME, .reason = 0x72, .guest_cycles = 1, .host_cycles = 2);
	return 0;
}

static int teardown(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

static const struct kvs_timer_stats *timer(void)
{
	return &m.vcpus[0]->timer;
}

static void arm(u64 ts, u64 deadline, u8 how)
{
	RECORD(ts, timer_arm, ME, .mode = KS_TIMER_DEADLINE, .rearm = how,
	       .deadline = deadline,
	       .guest_deadline = how == KS_ARM_STOPPED ? 0 : deadline + OFFSET);
}

static void expire(u64 ts)
{
	RECORD(ts, timer_expire, ME, .mode = KS_TIMER_DEADLINE, .merged = KS_MERGED_NO);
}

static void tick(u64 ts, u64 target, u8 merged)
{
	RECORD(ts, timer_expire, ME, .mode = KS_TIMER_PERIODIC,
	       .late_cycles = (s64)(ts - target), .merged = merged);
}

static void arm_periodic(void)
{
	RECORD(MS, timer_arm, ME, .mode = KS_TIMER_PERIODIC, .deadline = 2 * MS,
	       .period_ns = MS);
}

static void accept(u64 ts)
{
	RECORD(ts, irq_accept, ME, .vector = VECTOR);
}

static void inject(u64 ts)
{
	RECORD(ts, irq_inject, ME, .vector = VECTOR);
}

static void put(u64 ts)
{
	RECORD(ts, exit, ME, .reason = 0x60, .flags = KS_EXIT_BY_PUT, .host_cycles = 1);
	RECORD(ts, put, ME);
}

static void halt(u64 ts)
{
	RECORD(ts, exit, ME, .reason = 0x78, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	RECORD(ts, switch_out, ME, .kind = KS_SWITCH_HALTED, .loaded = 1);
}

static void preempt(u64 ts)
{
	RECORD(ts, exit, ME, .reason = 0x60, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	RECORD(ts, switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1);
}

static void back(u64 ts, u64 off, u64 waited)
{
	RECORD(ts, switch_in, ME, .off_cycles = off, .wait_ns = waited);
}

static void die(u64 ts)
{
	RECORD(ts, switch_out, ME, .kind = KS_SWITCH_DEAD);
}

static void end(u64 ts)
{
	RECORD(ts, session, .op = KS_SESSION_STOP);
	kvs_model_finish(&m);
}

static void expect_overdue(u64 expired, u64 accepted, u64 injected, u64 not_judged)
{
	const struct kvs_overdue *o = &timer()->overdue;

	assert_int_equal(o->not_expired, expired);
	assert_int_equal(o->not_accepted, accepted);
	assert_int_equal(o->not_injected, injected);
	assert_int_equal(o->not_judged, not_judged);
	assert_int_equal(o->unanswered, 0);
}

static void lost_while_it_halts(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	halt(3 * MS);
	end(30 * MS);
	expect_overdue(1, 0, 0, 0);
}

static void not_accepted_while_it_runs(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	expire(5 * MS);
	end(30 * MS);
	expect_overdue(0, 1, 0, 0);
}

static void not_injected_while_it_runs(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	expire(5 * MS);
	accept(5 * MS);
	end(30 * MS);
	expect_overdue(0, 0, 1, 0);
}

static void not_judged_without_a_cpu(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	preempt(3 * MS);
	expire(5 * MS);
	accept(5 * MS);
	end(300 * MS);
	expect_overdue(0, 0, 0, 1);
}

static void not_judged_without_a_cpu_at_death(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	halt(3 * MS);
	expire(5 * MS);
	accept(5 * MS);
	RECORD(5 * MS, wake, ME, .holder_pid = 0);
	back(250 * MS, 247 * MS, 245 * MS);
	put(250 * MS);
	die(251 * MS);
	end(300 * MS);
	expect_overdue(0, 0, 0, 1);
}

/* What it waited is known only when it has its CPU again. */
static void not_judged_without_its_wakeup(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	halt(3 * MS);
	expire(100 * MS);
	accept(100 * MS);
	back(250 * MS, 247 * MS, 245 * MS);
	end(255 * MS);
	expect_overdue(0, 0, 0, 1);
}

static void judged_when_it_has_its_cpu_again(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	preempt(3 * MS);
	expire(5 * MS);
	accept(5 * MS);
	back(250 * MS, 247 * MS, 247 * MS);
	end(261 * MS);
	expect_overdue(0, 0, 1, 0);
}

static void due_in_userspace(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	put(3 * MS);
	expire(5 * MS);
	end(90 * MS);
	expect_overdue(0, 0, 0, 1);
}

/* As a VMM that is stopped: it sleeps, but not within KVM_RUN. */
static void due_in_userspace_and_asleep(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	put(3 * MS);
	RECORD(4 * MS, switch_out, ME, .kind = KS_SWITCH_BLOCKED);
	expire(5 * MS);
	end(90 * MS);
	expect_overdue(0, 0, 0, 1);
}

static void accepted_then_userspace(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	expire(5 * MS);
	accept(5 * MS);
	put(6 * MS);
	end(90 * MS);
	expect_overdue(0, 0, 0, 1);
}

static void due_when_the_thread_is_dead(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	put(3 * MS);
	die(4 * MS);
	end(90 * MS);
	expect_overdue(0, 0, 0, 0);
}

/* It masks the timer, and halts with interrupts off until the VM is gone. */
static void due_in_the_last_moments_of_its_life(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	halt(3 * MS);
	expire(5 * MS);
	RECORD(80 * MS, switch_in, ME, .kind = KS_SWITCH_HALTED, .off_cycles = 77 * MS);
	put(81 * MS);
	die(82 * MS);
	end(900 * MS);
	expect_overdue(0, 0, 0, 1);
}

static void due_in_the_last_moments_of_the_recording(void **unused)
{
	arm(2 * MS, 25 * MS, KS_ARM_BY_GUEST);
	end(30 * MS);
	expect_overdue(0, 0, 0, 1);
}

/* Most of the time since the deadline was userspace's, but enough was not. */
static void userspace_does_not_hide_a_lost_one(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	put(6 * MS);
	RECORD(300 * MS, load, ME);
	RECORD(301 * MS, exit, ME, .reason = 0x72, .guest_cycles = 1, .host_cycles = 2);
	end(315 * MS);
	expect_overdue(1, 0, 0, 0);
}

static void a_stopped_timer_is_not_missed(void **unused)
{
	arm(2 * MS, 5 * MS, KS_ARM_BY_GUEST);
	arm(3 * MS, 0, KS_ARM_STOPPED);
	end(90 * MS);
	expect_overdue(0, 0, 0, 0);
	assert_int_equal(timer()->armed[KS_TIMER_DEADLINE], 1);
	assert_int_equal(timer()->far.ahead_ts, 0);
}

static void far_ahead(void **unused)
{
	arm(2 * MS, 5000 * MS, KS_ARM_BY_GUEST);
	halt(3 * MS);
	end(90 * MS);
	expect_overdue(0, 0, 0, 0);
	assert_int_equal(timer()->far.ahead_ts, 4998 * MS);
	assert_true(timer()->far.asleep);
}

/* A deadline behind the recording's end, but not further away than that is long */
static void not_far_ahead(void **unused)
{
	arm(60 * MS, 95 * MS, KS_ARM_BY_GUEST);
	end(90 * MS);
	expect_overdue(0, 0, 0, 0);
	assert_int_equal(timer()->far.ahead_ts, 0);
}

/* The guest's deadline is at 5 ms, but the hrtimer that KVM has set is 1,000 s ahead. */
static void set_before_the_tsc(void **unused)
{
	RECORD(2 * MS, timer_arm, ME, .mode = KS_TIMER_DEADLINE, .rearm = KS_ARM_FOUND,
	       .deadline = 1000002 * MS, .guest_deadline = 5 * MS + OFFSET);
	halt(3 * MS);
	end(90 * MS);
	expect_overdue(1, 0, 0, 0);
	assert_int_equal(timer()->found, 1);
	assert_int_equal(timer()->armed[KS_TIMER_DEADLINE], 0);
	assert_int_equal(timer()->far.ahead_ts, 1000000 * MS);
}

/* The VMM arms it with the old TSC, and moves that. */
static void armed_then_the_tsc_moves(void **unused)
{
	arm(2 * MS, 800 * MS, KS_ARM_BY_VMM);
	RECORD(2 * MS, vcpu, ME, .tgid = 10, .tsc_offset = OFFSET + 795 * MS,
	       .tsc_ratio = 1ULL << 32, .tsc_frac_bits = 32);
	end(90 * MS);
	expect_overdue(1, 0, 0, 0);
	assert_int_equal(timer()->by_vmm, 1);
	assert_int_equal(timer()->armed[KS_TIMER_DEADLINE], 0);
	assert_int_equal(timer()->far.ahead_ts, 798 * MS);
}

/* Ten ticks, of which six come while the vCPU waits, and are one interrupt */
static void ticks_are_merged(void **unused)
{
	arm_periodic();
	for (u64 i = 2; i < 6; i++) {
		tick(i * MS + 5, i * MS, KS_MERGED_NO);
		accept(i * MS + 10);
		inject(i * MS + 20);
	}
	tick(6 * MS + 5, 6 * MS, KS_MERGED_NO);
	for (u64 i = 7; i < 12; i++)
		tick(i * MS + 5, i * MS, KS_MERGED_YES);
	accept(11 * MS + 500);
	inject(11 * MS + 505);
	assert_int_equal(timer()->expired, 10);
	assert_int_equal(timer()->merged, 5);
	assert_int_equal(timer()->injected, 5);
	assert_int_equal(timer()->skipped, 0);
	assert_int_equal(timer()->left_out, 0);
	kvs_timer_flush(m.vcpus[0]);
	/* As late as the first of them */
	assert_int_equal(timer()->expire_to_inject_ts.max, 5 * MS + 500);
}

/* KVM has accepted the first, but still has it down as pending as the next expires. */
static void a_tick_is_merged_behind_its_accept(void **unused)
{
	arm_periodic();
	for (u64 i = 2; i < 20; i += 3) {
		tick(i * MS, i * MS, KS_MERGED_NO);
		accept((i + 1) * MS - 1);
		tick((i + 1) * MS, (i + 1) * MS, KS_MERGED_YES);
		inject((i + 1) * MS + 1);
		tick((i + 2) * MS, (i + 2) * MS, KS_MERGED_NO);
		accept((i + 2) * MS + 1);
		inject((i + 2) * MS + 2);
	}
	assert_int_equal(timer()->expired, 18);
	assert_int_equal(timer()->merged, 6);
	assert_int_equal(timer()->injected, 12);
}

/* Between expiry and accept the guest took the one that waited in the LAPIC. */
static void the_next_tick_is_its_own(void **unused)
{
	arm_periodic();
	tick(2 * MS, 2 * MS, KS_MERGED_NO);
	accept(2 * MS + 1);
	tick(3 * MS, 3 * MS, KS_MERGED_NO);
	inject(3 * MS + 1);
	accept(3 * MS + 2);
	inject(3 * MS + 7);
	assert_int_equal(timer()->merged, 0);
	assert_int_equal(timer()->injected, 2);
	kvs_timer_flush(m.vcpus[0]);
	assert_int_equal((u64)timer()->expire_to_inject_ts.sum, MS + 1 + 7);
}

/* An interrupt waits in the LAPIC, accepted: the guest has interrupts off. */
static void ticks_are_merged_in_the_lapic(void **unused)
{
	arm_periodic();
	for (u64 i = 2; i < 8; i++) {
		tick(i * MS + 5, i * MS, KS_MERGED_NO);
		accept(i * MS + 10);
	}
	inject(8 * MS);
	assert_int_equal(timer()->expired, 6);
	assert_int_equal(timer()->merged, 5);
	assert_int_equal(timer()->injected, 1);
	end(9 * MS);
	assert_int_equal(timer()->expire_to_inject_ts.max, 6 * MS - 5);
	expect_overdue(0, 0, 0, 0);
}

/* KVM moves a target that is past to the present: 3.4 periods, then 0.5. */
static void periods_are_skipped(void **unused)
{
	arm_periodic();
	tick(2 * MS + 10, 2 * MS, KS_MERGED_NO);
	tick(6 * MS + 400100, 6 * MS + 400000, KS_MERGED_NO);
	tick(7 * MS + 900100, 7 * MS + 900000, KS_MERGED_NO);
	tick(8 * MS + 900010, 8 * MS + 900000, KS_MERGED_NO);
	assert_int_equal(timer()->skipped, 3);
	assert_int_equal(timer()->left_out, 0);
	/* The guest arms it anew: no gap. */
	RECORD(20 * MS, timer_arm, ME, .mode = KS_TIMER_PERIODIC, .deadline = 21 * MS,
	       .period_ns = MS);
	tick(21 * MS, 21 * MS, KS_MERGED_NO);
	assert_int_equal(timer()->skipped, 3);
}

/* A loss hides expiries, which KVM did not skip. */
static void a_loss_is_no_skipped_period(void **unused)
{
	arm_periodic();
	tick(2 * MS, 2 * MS, KS_MERGED_NO);
	kvs_model_missed(&m, 0, 7);
	tick(9 * MS, 9 * MS, KS_MERGED_NO);
	assert_int_equal(timer()->skipped, 0);
}

static void older_files_do_not_tell(void **unused)
{
	arm_periodic();
	tick(2 * MS, 2 * MS, KS_MERGED_NOT_TOLD);
	tick(9 * MS, 9 * MS, KS_MERGED_NOT_TOLD);
	assert_int_equal(timer()->skipped, 0);
	assert_int_equal(timer()->left_out, 6);
}

/* Where the preemption timer backs it, KVM arms it again at each expiry. */
static void periods_on_the_preemption_timer(void **unused)
{
	arm_periodic();
	for (u64 i = 2; i < 7; i++) {
		tick(i * MS, i * MS, KS_MERGED_NO);
		RECORD(i * MS + 1, timer_arm, ME, .mode = KS_TIMER_PERIODIC, .hv = 1,
		       .rearm = KS_ARM_AGAIN, .deadline = (i + 1) * MS, .period_ns = MS);
		accept(i * MS + 2);
		inject(i * MS + 3);
	}
	assert_int_equal(timer()->armed[KS_TIMER_PERIODIC], 1);
	assert_int_equal(timer()->rearmed, 5);
	assert_int_equal(timer()->injected, 5);
	assert_int_equal(timer()->skipped, 0);
	end(8 * MS);
	expect_overdue(0, 0, 0, 0);
}

static u64 spent(unsigned int cause)
{
	return (u64)timer()->cause_ts[cause].sum;
}

/* It comes in guest mode at 5 ms, and the exit that it needs at 5.3 ms. */
static void guest_mode_ends_where_the_exit_says(void **unused)
{
	RECORD(5 * MS, timer_expire, ME, .mode = KS_TIMER_DEADLINE,
	       .merged = KS_MERGED_NO);
	accept(5 * MS + 1);
	inject(5 * MS + 700000);
	assert_int_equal(timer()->expire_to_inject_ts.count, 0);
	RECORD(6 * MS, exit, ME, .reason = 0x60, .guest_cycles = 4300000,
	       .host_cycles = 700000);
	assert_int_equal(timer()->expire_to_inject_ts.count, 1);
	assert_int_equal(spent(KVS_CAUSE_GUEST), 300000);
	assert_int_equal(spent(KVS_CAUSE_HOST), 400000);
}

/* The preemption timer expires, and its exit is seen @host before its record. */
static void expire_by_an_exit(u64 guest, u64 host)
{
	RECORD(5 * MS, timer_expire, ME, .mode = KS_TIMER_DEADLINE, .hv = 1,
	       .merged = KS_MERGED_NO);
	accept(5 * MS + 1);
	inject(5 * MS + 5000);
	RECORD(5 * MS + 6000, exit, ME, .reason = 52, .flags = KS_EXIT_VMX,
	       .guest_cycles = guest, .host_cycles = host);
}

/* The preemption timer's expiry is an exit itself: nothing waits for one. */
static void its_own_exit_is_not_waited_for(void **unused)
{
	expire_by_an_exit(3999000, 7000);
	assert_int_equal(spent(KVS_CAUSE_GUEST), 0);
	assert_int_equal(spent(KVS_CAUSE_HOST), 5000);
	assert_int_equal(timer()->main_cause[KVS_CAUSE_HOST], 1);
}

/* Even where a kprobe sees that exit only after the timer's interrupt is on its way */
static void nor_where_it_is_seen_late(void **unused)
{
	expire_by_an_exit(4003000, 3000);
	assert_int_equal(spent(KVS_CAUSE_GUEST), 0);
	assert_int_equal(spent(KVS_CAUSE_HOST), 5000);
}

static void an_injection_is_told_at_the_end(void **unused)
{
	expire(5 * MS);
	accept(5 * MS + 1);
	inject(5 * MS + 5000);
	end(6 * MS);
	assert_int_equal(timer()->expire_to_inject_ts.count, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lost_while_it_halts),
		TEST(not_accepted_while_it_runs),
		TEST(not_injected_while_it_runs),
		TEST(not_judged_without_a_cpu),
		TEST(not_judged_without_a_cpu_at_death),
		TEST(not_judged_without_its_wakeup),
		TEST(judged_when_it_has_its_cpu_again),
		TEST(due_in_userspace),
		TEST(due_in_userspace_and_asleep),
		TEST(accepted_then_userspace),
		TEST(due_when_the_thread_is_dead),
		TEST(due_in_the_last_moments_of_its_life),
		TEST(due_in_the_last_moments_of_the_recording),
		TEST(userspace_does_not_hide_a_lost_one),
		TEST(a_stopped_timer_is_not_missed),
		TEST(far_ahead),
		TEST(not_far_ahead),
		TEST(set_before_the_tsc),
		TEST(armed_then_the_tsc_moves),
		TEST(ticks_are_merged),
		TEST(a_tick_is_merged_behind_its_accept),
		TEST(the_next_tick_is_its_own),
		TEST(ticks_are_merged_in_the_lapic),
		TEST(periods_are_skipped),
		TEST(a_loss_is_no_skipped_period),
		TEST(older_files_do_not_tell),
		TEST(periods_on_the_preemption_timer),
		TEST(guest_mode_ends_where_the_exit_says),
		TEST(its_own_exit_is_not_waited_for),
		TEST(nor_where_it_is_seen_late),
		TEST(an_injection_is_told_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
