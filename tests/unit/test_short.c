// SPDX-License-Identifier: GPL-2.0-only
/*
 * "In short": each kind of sentence, on a life in which one thing is wrong; and that
 * nothing is said of a life in which nothing is.  test_short_waits.c has those of waits.
 */
#include <errno.h>
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
#include "model/model.h"
#include "sentences.h"

/* Armed for a ms ahead, and injected so much later */
static void timer(u64 late)
{
	u64 deadline = now + MS;

	RECORD(timer_arm, ME, .mode = KS_TIMER_DEADLINE, .deadline = deadline,
	       .guest_deadline = deadline);
	run(1);
	RECORD(timer_expire, ME, .mode = KS_TIMER_DEADLINE, .deadline = deadline,
	       .merged = KS_MERGED_NO);
	if (late)
		lose(late, 7, SCHED_FIFO, "hog");
	RECORD(irq_accept, ME, .vector = VECTOR);
	RECORD(irq_inject, ME, .vector = VECTOR);
	RECORD(irq_eoi, ME, .vector = VECTOR);
}

/* Timers, sleep, a short wait and a return to userspace: all as it should be */
static void a_healthy_guest(void **unused)
{
	begin(ALL);
	for (unsigned int i = 0; i < 100; i++) {
		timer(0);
		run(5);
		sleep_for(3 * MS);
		lose(MS / 10, 7, SCHED_OTHER, "other");
		RECORD(exit, ME, .reason = 0x7b, .flags = KS_EXIT_BY_PUT, .host_cycles = 500);
		RECORD(put, ME);
		now += 5000;
		RECORD(load, ME, .user_cycles = 5000);
		RECORD(entry, ME);
	}
	expect_nothing();
}

static void dear_exits(void **unused)
{
	begin(ALL);
	for (unsigned int i = 0; i < 100; i++) {
		run(6);
		now += 3 * MS;
		RECORD(exit, ME, .reason = 0x7c, .host_cycles = 3 * MS);
		RECORD(exit, ME, .reason = 0x7b, .flags = KS_EXIT_BY_PUT);
		RECORD(put, ME);
		now += MS;
		RECORD(load, ME, .user_cycles = MS);
		RECORD(entry, ME);
	}
	end();
	assert_int_equal(nr, 1);
	expect(0, "exits", "Exits kept vm 50 vcpu0 for 300.6 ms in the host's kernel and for "
	       "100.0 ms in its VMM, 40.1 % of its life; most for msr: 100 exits, 300.0 ms");
	done();
}

static void late_timers(void **unused)
{
	begin(ALL);
	run(900);
	timer(20 * MS);
	end();
	assert_int_equal(nr, 2);
	expect(1, "late_timer", "Timers came up to 20.0 ms late to vm 50 vcpu0; 100 % of all "
	       "their lateness arose while it waited for a CPU");
	done();
}

static void a_lost_timer(void **unused)
{
	begin(ALL);
	RECORD(timer_arm, ME, .mode = KS_TIMER_DEADLINE, .deadline = now + 5 * MS,
	       .guest_deadline = now + 5 * MS);
	run(900);
	/* It comes before what is longer. */
	lose(100 * MS, 7, SCHED_FIFO, "hog");
	end();
	assert_int_equal(nr, 2);
	expect(0, "lost_timer", "1 timer of vm 50 vcpu0 passed the deadline and never reached "
	       "the guest");
	assert_int_equal(findings[1].kind, KVS_FINDING_WAIT);
	done();
}

static void a_timer_that_is_far_ahead(void **unused)
{
	begin(ALL);
	run(100);
	RECORD(timer_arm, ME, .mode = KS_TIMER_DEADLINE, .deadline = now + 1000000 * MS,
	       .guest_deadline = now + 1000000 * MS);
	RECORD(exit, ME, .reason = HLT, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	switch_out(KS_SWITCH_HALTED, true, 0, 0, "swapper/0");
	now += 900 * MS;
	expect_only("far_timer", "vm 50 vcpu0 sleeps in HLT, and its timer is set 1000.000 s "
		    "ahead, beyond the end of the recording");
}

static void identify(u32 features)
{
	RECORD(vcpu, ME, .tgid = 50, .features = features, .tsc_ratio = 1ULL << 32,
	       .tsc_frac_bits = 32);
}

/* No timer, no interrupt; if it had one of them, the guest would be idle. */
static void nothing_wakes_it(void **unused)
{
	begin(ALL);
	identify(KS_FEATURE_EXITS_TOLD);
	run(100);
	sleep_for(900 * MS);
	expect_only("asleep", "vm 50 vcpu0 slept 900.0 ms in HLT, 90.0 % of its life, and no "
		    "interrupt came to its VM, of which no timer was seen: what it slept for "
		    "is unknown");
}

static void an_idle_guest(void **unused)
{
	begin(ALL);
	timer(0);
	sleep_for(900 * MS);
	expect_nothing();
}

/* One vCPU that is awake may wake the others at any time. */
static void a_sleeper_among_others(void **unused)
{
	begin(ALL);
	run(10);
	sleep_for(900 * MS);
	vcpu = 1;
	RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW);
	RECORD(load, ME);
	RECORD(irq_accept, ME, .vector = VECTOR);
	run(100);
	switch_out(KS_SWITCH_DEAD, false, 0, 0, "swapper/0");
	vcpu = 0;
	expect_nothing();
}

static void ticks_that_were_merged(void **unused)
{
	begin(ALL);
	RECORD(timer_arm, ME, .mode = KS_TIMER_PERIODIC, .deadline = now + MS,
	       .period_ns = MS);
	for (unsigned int i = 0; i < 100; i++) {
		run(1);
		RECORD(timer_expire, ME, .mode = KS_TIMER_PERIODIC,
		       .merged = i % 10 ? KS_MERGED_NO : KS_MERGED_YES);
		RECORD(irq_accept, ME, .vector = VECTOR);
		RECORD(irq_inject, ME, .vector = VECTOR);
		RECORD(irq_eoi, ME, .vector = VECTOR);
	}
	expect_only("ticks", "10 of 100 ticks of the timer of vm 50 vcpu0 had no interrupt of "
		    "their own: 10 were merged with one before, 0 skipped by KVM");
}

/* One exit each ms and @more between them, which ask for what @info is */
static void spin_by(u32 reason, u64 info, unsigned int more)
{
	run(1);
	for (unsigned int i = 0; i < more; i++)
		RECORD(exit, ME, .reason = reason, .info = info, .host_cycles = 1);
}

/* It is suspected, and no more: the records don't tell what the guest waits for. */
static void spinning(void **unused)
{
	begin(ALL);
	identify(KS_FEATURE_DETAIL);
	for (unsigned int i = 0; i < 100; i++) {
		spin_by(SVM_PAUSE, 0, 2);
		spin_by(VMMCALL, KICK_CPU, 1);
		spin_by(VMMCALL, SCHED_YIELD, 1);
		spin_by(VMMCALL, 10, 1);
	}
	expect_only("spin", "vm 50 vcpu0 made 200 PAUSE exits and 100 KICK_CPU hypercalls and "
		    "100 SCHED_YIELD hypercalls: spinning suspected, as for a lock whose "
		    "holder had no CPU");
	/* 99 of them */
	begin(ALL);
	spin_by(SVM_PAUSE, 0, 99);
	expect_nothing();
	/* Less than 1,000 a second */
	begin(ALL);
	for (unsigned int i = 0; i < 250; i++) {
		run(1);
		spin_by(SVM_PAUSE, 0, 1);
	}
	expect_nothing();
	/* A hypercall whose number was not recorded */
	begin(ALL);
	identify(KS_FEATURE_DETAIL | KS_FEATURE_NO_REGS);
	spin_by(VMMCALL, KICK_CPU, 500);
	expect_nothing();
}

/* A guest that waits for another vCPU, 100 times */
static void spin_by_hypercall(void)
{
	begin(ALL);
	identify(KS_FEATURE_DETAIL);
	for (unsigned int i = 0; i < 100; i++)
		spin_by(VMMCALL, KICK_CPU, 1);
}

static void expect_spin(const char *more)
{
	char *text = xasprintf("vm 50 vcpu0 made 100 KICK_CPU hypercalls: spinning suspected, "
			       "as for a lock whose holder had no CPU%s", more);

	assert_int_equal(nr, 1);
	expect(0, "spin", text);
	free(text);
}

static void expect_only_spin(const char *more)
{
	end();
	expect_spin(more);
	done();
}

/* What KVM did about it is known of a process, not of a vCPU. */
static void yields_to_another_vcpu(void **unused)
{
	struct kvs_yields_row rows[] = {
		{ .pid = 49, .vms = 1, .attempted = 7 },
		{ .pid = 50, .vms = 1, .attempted = 400, .successful = 12 },
	};

	told_by_file.yields = rows;
	told_by_file.nr_yields = 2;
	spin_by_hypercall();
	expect_only_spin("; for such hypercalls of all vCPUs of its VM, KVM tried 400 times to "
			 "yield to another one, and did 12 times");
	rows[1] = (struct kvs_yields_row){ .pid = 50, .vms = 2, .attempted = 100, .successful = 1 };
	spin_by_hypercall();
	expect_only_spin("; for such hypercalls of all vCPUs of its process's VMs, KVM tried 100 "
			 "times to yield to another one, and did 1 time");
	/* There were a hundred: KVM has counted those of another VM. */
	rows[1].attempted = 99;
	spin_by_hypercall();
	expect_only_spin("");
	told_by_file.nr_yields = 1;
	spin_by_hypercall();
	expect_only_spin("");
	told_by_file.nr_yields = 0;
}

/* Where the sum is not that of what is reported, nothing is said. */
static void yields_that_are_not_all(void **unused)
{
	struct kvs_yields_row row = { .pid = 50, .vms = 1, .attempted = 400, .successful = 12 };

	told_by_file.yields = &row;
	told_by_file.nr_yields = 1;
	/* PAUSE exits alone: what KVM does at these it does not count. */
	begin(ALL);
	for (unsigned int i = 0; i < 100; i++)
		spin_by(SVM_PAUSE, 0, 1);
	expect_only("spin", "vm 50 vcpu0 made 100 PAUSE exits: spinning suspected, as for a lock "
		    "whose holder had no CPU");
	/* Another VM of the process was there, and is gone. */
	spin_by_hypercall();
	RECORD(vcpu, .vm = 2, .vcpu = 0, .tgid = 50);
	expect_only_spin("");
	/* That of another process makes no difference. */
	spin_by_hypercall();
	RECORD(vcpu, .vm = 2, .vcpu = 0, .tgid = 51);
	expect_only_spin("; for such hypercalls of all vCPUs of its VM, KVM tried 400 times to "
			 "yield to another one, and did 12 times");
	/* Parts of the recording, of which the counts are */
	spin_by_hypercall();
	end();
	m.counting.excerpt.on = true;
	expect_spin("");
	m.counting.excerpt.on = false;
	m.overwrite = true;
	expect_spin("");
	done();
	told_by_file.nr_yields = 0;
}

/* No threshold: nobody can see how much of Guest it is. */
static void idle_that_does_not_exit(void **unused)
{
	begin(ALL);
	identify(KS_FEATURE_EXITS_TOLD | KS_FEATURE_NO_HLT | KS_FEATURE_NO_MWAIT);
	run(500);
	expect_only("idle", "vm 50 idles without exits, as neither HLT nor MWAIT exits: Guest, "
		    "99.9 % of the life of vcpu0, includes idle");
	begin(ALL);
	identify(KS_FEATURE_EXITS_TOLD | KS_FEATURE_NO_HLT);
	run(500);
	vcpu = 1;
	identify(KS_FEATURE_EXITS_TOLD | KS_FEATURE_NO_HLT | KS_FEATURE_NEW);
	RECORD(load, ME);
	run(100);
	expect_only("idle", "vm 50 idles without exits, as HLT doesn't exit: Guest, 99.9 % of "
		    "the life of vcpu0, includes idle; so it is with 1 more vCPU");
	/* A guest whose HLT exits may use it. */
	begin(ALL);
	identify(KS_FEATURE_EXITS_TOLD | KS_FEATURE_NO_MWAIT);
	run(500);
	expect_only("idle", "vm 50 may idle without exits, as MWAIT doesn't exit: Guest, 99.9 % "
		    "of the life of vcpu0, may include idle");
}

/* A guest that spins is not idle, and one of which nothing was told may be either. */
static void idle_that_exits(void **unused)
{
	begin(ALL);
	identify(KS_FEATURE_EXITS_TOLD | KS_FEATURE_NO_PAUSE | KS_FEATURE_NO_CSTATE);
	run(500);
	expect_nothing();
	begin(ALL);
	identify(0);
	run(500);
	expect_nothing();
}

static void records_that_were_lost(void **unused)
{
	begin(ALL);
	run(500);
	RECORD(lost, .event = 1, .name = "exit", .count = 505);
	end();
	assert_int_equal(nr, 1);
	expect(0, "loss", "505 records were lost (50.0 %): the figures are less than the truth");
	done();
}

static void a_hook_that_is_missing(void **unused)
{
	begin(ALL);
	RECORD(attach, .hook = "kvm_entry", .classes = KVMSCHED_CLASS_EXIT, .how = 1,
	       .status = -EBUSY);
	/* That of another CPU vendor is missing everywhere. */
	RECORD(attach, .hook = "vmx_none", .classes = KVMSCHED_CLASS_EXIT, .how = 1,
	       .status = -ENOENT);
	run(500);
	expect_only("hook", "kvm_entry could not be attached (Device or resource busy): what "
		    "needs it is missing from class exit");
}

static void hits_that_were_dropped(void **unused)
{
	begin(ALL);
	run(500);
	RECORD(lost, .event = 0, .name = "vcpu_load", .count = 6);
	end();
	assert_int_equal(nr, 1);
	expect(0, "hits", "The kernel dropped 6 hits of kprobes: the figures are less than the "
	       "truth");
	done();
	/* Less than a hundredth of the records */
	begin(ALL);
	run(500);
	RECORD(lost, .event = 0, .name = "vcpu_load", .count = 5);
	expect_nothing();
}

/* Neither the module nor the program had room for them. */
static void vcpus_that_are_missing(void **unused)
{
	begin(ALL);
	run(500);
	RECORD(lost, .event = 0, .name = "refused", .count = 7);
	expect_only("missing", "vCPUs are missing: 7 times one found no room in the module's "
		    "tables (max_vcpus)");
	begin(ALL);
	for (vcpu = 1; vcpu <= 4100; vcpu++)
		RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW);
	end();
	assert_int_equal(nr, 1);
	expect(0, "missing", "vCPUs are missing: 5 records are of other vCPUs than the first 4096");
	done();
}

/* What is wrong with the recording is said, however much is wrong with the guest. */
static void at_most_six(void **unused)
{
	begin(ALL);
	identify(KS_FEATURE_EXITS_TOLD | KS_FEATURE_NO_HLT);
	RECORD(attach, .hook = "kvm_entry", .classes = KVMSCHED_CLASS_EXIT, .how = 1,
	       .status = -EBUSY);
	RECORD(lost, .event = 1, .name = "exit", .count = 500);
	timer(50 * MS);
	RECORD(timer_expire, ME, .mode = KS_TIMER_DEADLINE, .merged = KS_MERGED_YES);
	lose(40 * MS, 0, 0, "swapper/0");
	now += 200 * MS;
	RECORD(exit, ME, .reason = 0x7c, .host_cycles = 200 * MS);
	RECORD(timer_arm, ME, .mode = KS_TIMER_DEADLINE, .deadline = now + MS,
	       .guest_deadline = now + MS);
	RECORD(exit, ME, .reason = 0x60, .flags = KS_EXIT_BY_PUT, .host_cycles = 1);
	RECORD(put, ME);
	switch_out(KS_SWITCH_BLOCKED, false, 0, 0, "swapper/0");
	now += 120 * MS;
	RECORD(switch_in, ME, .kind = KS_SWITCH_BLOCKED, .off_cycles = 120 * MS);
	RECORD(load, ME, .user_cycles = 120 * MS);
	RECORD(entry, ME);
	run(20);
	end();
	assert_int_equal(nr, KVS_SHORT);
	assert_int_equal(findings[0].kind, KVS_FINDING_LOST_TIMER);
	assert_int_equal(findings[1].kind, KVS_FINDING_OUT);
	assert_int_equal(findings[2].kind, KVS_FINDING_THROTTLED);
	assert_int_equal(findings[3].kind, KVS_FINDING_IDLE);
	assert_int_equal(findings[4].kind, KVS_FINDING_LOSS);
	assert_int_equal(findings[5].kind, KVS_FINDING_HOOK);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_guest),
		cmocka_unit_test(dear_exits),
		cmocka_unit_test(late_timers),
		cmocka_unit_test(a_lost_timer),
		cmocka_unit_test(a_timer_that_is_far_ahead),
		cmocka_unit_test(nothing_wakes_it),
		cmocka_unit_test(an_idle_guest),
		cmocka_unit_test(a_sleeper_among_others),
		cmocka_unit_test(ticks_that_were_merged),
		cmocka_unit_test(spinning),
		cmocka_unit_test(yields_to_another_vcpu),
		cmocka_unit_test(yields_that_are_not_all),
		cmocka_unit_test(idle_that_does_not_exit),
		cmocka_unit_test(idle_that_exits),
		cmocka_unit_test(records_that_were_lost),
		cmocka_unit_test(hits_that_were_dropped),
		cmocka_unit_test(vcpus_that_are_missing),
		cmocka_unit_test(a_hook_that_is_missing),
		cmocka_unit_test(at_most_six),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
