// SPDX-License-Identifier: GPL-2.0-only
/*
 * "In short": each kind of sentence, on a life in which one thing is wrong; and that
 * nothing is said of a life in which nothing is.  One cycle is one ns here.
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
#include "model/model.h"
#include "model/summary.h"
#include "feed.h"
#include "findings.h"

#define ME	.vm = 1, .vcpu = vcpu
#define MS	1000000ULL
#define VECTOR	0x40
#define NPF	0x400
#define HLT	0x78
#define SVM_PAUSE	0x77
#define VMMCALL	0x81
#define KICK_CPU	5
#define SCHED_YIELD	11
#define ALL	(KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL)

static struct kvs_model m;
static u64 now;
static u16 vcpu;

#define RECORD(name, ...)	FEED(&m, now, 0, 100 + vcpu, name, __VA_ARGS__)

static void session(u8 op, u32 classes)
{
	RECORD(session, .op = op, .tsc_khz = 1000000, .classes = classes);
}

/* Each life begins in the guest, at 1 ms. */
static void begin(u32 classes)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	vcpu = 0;
	now = MS;
	session(KS_SESSION_START, classes);
	RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW, .tsc_ratio = 1ULL << 32,
	       .tsc_frac_bits = 32);
	RECORD(load, ME);
}

static void end(void)
{
	session(KS_SESSION_STOP, 0);
	find_all(&m);
}

static void done(void)
{
	free_found(&m);
}

/* In guest mode, with an exit of 1 µs after each ms */
static void run(u64 ms)
{
	for (u64 i = 0; i < ms; i++) {
		now += MS;
		RECORD(exit, ME, .reason = 0x72, .guest_cycles = MS - 1000,
		       .host_cycles = 1000);
	}
}

static void switch_out(u8 kind, bool loaded, s32 pid, u8 policy, const char *comm)
{
	struct kvs_record rec = {
		.ts = now, .event = KS_EV_switch_out,
		.switch_out = {
			ME, .kind = kind, .loaded = loaded, .next_pid = pid,
			.next_prio = policy == SCHED_FIFO ? 49 : 120, .next_policy = policy,
			.next_flags = KS_TASK_TOLD,
		},
	};

	rec.ent.pid = 100 + vcpu;
	snprintf(rec.switch_out.next_comm, sizeof(rec.switch_out.next_comm), "%s", comm);
	kvs_model_record(&m, &rec);
}

/* For so long the CPU is another's: of a task, or, with PID 0, nobody's. */
static void lose(u64 ns, s32 pid, u8 policy, const char *comm)
{
	RECORD(exit, ME, .reason = 0x60, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	switch_out(KS_SWITCH_PREEMPTED, true, pid, policy, comm);
	now += ns;
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = ns);
	RECORD(entry, ME);
}

/* In HLT */
static void sleep_for(u64 ns)
{
	RECORD(exit, ME, .reason = HLT, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	switch_out(KS_SWITCH_HALTED, true, 0, 0, "swapper/0");
	now += ns;
	RECORD(switch_in, ME, .kind = KS_SWITCH_HALTED, .off_cycles = ns);
	RECORD(halt, ME, .waited = 1, .valid = 1, .halt_ns = ns);
	RECORD(entry, ME);
}

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

static void expect(unsigned int i, const char *kind, const char *sentence)
{
	char *text;

	assert_in_range(i, 0, nr - 1);
	text = kvs_finding_sentence(&view, &findings[i]);
	assert_string_equal(kvs_finding_kind_name(findings[i].kind), kind);
	assert_string_equal(text, sentence);
	free(text);
}

/* This, and nothing else */
static void expect_only(const char *kind, const char *sentence)
{
	end();
	assert_int_equal(nr, 1);
	expect(0, kind, sentence);
	done();
}

static void expect_nothing(void)
{
	end();
	assert_int_equal(nr, 0);
	done();
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

static void one_long_wait(void **unused)
{
	begin(ALL);
	run(980);
	lose(20 * MS, 7, SCHED_FIFO, "hog");
	expect_only("wait", "vm 50 vcpu0 waited 20.0 ms for a CPU, 2.0 % of its life, up to "
		    "20.0 ms at once; who had it: hog/7 (SCHED_FIFO 50) for 20.0 ms");
}

/* None of them is long, but they are many; who had little is not named. */
static void many_short_waits(void **unused)
{
	begin(ALL);
	for (unsigned int i = 0; i < 100; i++) {
		run(9);
		lose(MS, 7 + i % 2, SCHED_BATCH, i % 2 ? "b" : "a");
	}
	lose(MS, 20, SCHED_OTHER, "little");
	expect_only("wait", "vm 50 vcpu0 waited 101.0 ms for a CPU, 10.1 % of its life, up to "
		    "1.0 ms at once; who had it: a/7 (SCHED_BATCH, nice 0) for 50.0 ms, "
		    "b/8 for 50.0 ms");
}

static void waits_below_the_thresholds(void **unused)
{
	begin(ALL);
	for (unsigned int i = 0; i < 100; i++) {
		run(24);
		lose(MS, 7, SCHED_OTHER, "other");
	}
	lose(9 * MS, 7, SCHED_OTHER, "other");
	expect_nothing();
}

static void without_class_steal(void **unused)
{
	struct kvs_view *v = &view;

	begin(KVMSCHED_CLASS_DEFAULT);
	run(900);
	lose(100 * MS, 7, SCHED_FIFO, "hog");
	end();
	assert_int_equal(nr, 1);
	expect(0, "wait", "vm 50 vcpu0 waited 100.0 ms for a CPU, 10.0 % of its life, up to "
	       "100.0 ms at once; who had it was not recorded (class steal)");
	assert_string_equal(kvs_finding_more(v, &findings[0]), "kvmsched record -e +steal");
	done();
}

/* The one for which it is worst is named; the others are counted. */
static void several_vcpus(void **unused)
{
	begin(ALL);
	run(900);
	lose(100 * MS, 7, SCHED_FIFO, "hog");
	for (vcpu = 1; vcpu < 4; vcpu++) {
		RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW);
		RECORD(load, ME);
		run(1000);
		if (vcpu < 3)
			lose(vcpu * 200 * MS, 7, SCHED_FIFO, "hog");
		switch_out(KS_SWITCH_DEAD, false, 0, 0, "swapper/0");
	}
	vcpu = 0;
	end();
	assert_in_range(nr, 1, KVS_SHORT);
	assert_int_equal(findings[0].kind, KVS_FINDING_WAIT);
	assert_int_equal(findings[0].vcpu->id, 2);
	assert_int_equal(findings[0].others, 2);
	assert_int_equal(findings[0].harm, 400 * MS);
	done();
}

static void throttled(void **unused)
{
	begin(ALL);
	run(500);
	for (unsigned int i = 0; i < 10; i++)
		lose(50 * MS, 0, 0, "swapper/0");
	expect_only("throttled", "vm 50 vcpu0 waited 500.0 ms for a CPU, 50.0 % of its life, "
		    "and was throttled for at least 500.0 ms of it: its CPU stayed idle "
		    "(inferred); its long waits end every 50.0 ms, as under a quota (cpu.max) "
		    "of that period");
}

/* A task that ran while it was throttled took nothing: this can't be told apart. */
static void throttled_beside_a_bystander(void **unused)
{
	begin(ALL);
	run(500);
	lose(20 * MS, 0, 0, "swapper/0");
	lose(480 * MS, 7, SCHED_IDLE, "bystander");
	expect_only("throttled", "vm 50 vcpu0 waited 500.0 ms for a CPU, 50.0 % of its life, "
		    "and was throttled for at least 20.0 ms of it: its CPU stayed idle "
		    "(inferred); whether it was throttled is unknown while that CPU ran "
		    "bystander/7 (SCHED_IDLE, nice 0) for 480.0 ms");
}

static void kept_out_of_kvm_run(void **unused)
{
	begin(ALL);
	run(600);
	RECORD(exit, ME, .reason = 0x60, .flags = KS_EXIT_BY_PUT, .host_cycles = 1);
	RECORD(put, ME);
	switch_out(KS_SWITCH_BLOCKED, false, 0, 0, "swapper/0");
	now += 400 * MS;
	RECORD(switch_in, ME, .kind = KS_SWITCH_BLOCKED, .off_cycles = 400 * MS);
	RECORD(load, ME, .user_cycles = 400 * MS);
	RECORD(entry, ME);
	expect_only("out", "vm 50 vcpu0 slept 400.0 ms outside of KVM_RUN, 40.0 % of its life: "
		    "its VMM kept it from running");
}

/* For a page that has to be fetched */
static void asleep_in_an_exit(void **unused)
{
	begin(ALL);
	for (unsigned int i = 0; i < 10; i++) {
		run(90);
		RECORD(exit, ME, .reason = NPF, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
		switch_out(KS_SWITCH_BLOCKED, true, 0, 0, "swapper/0");
		now += 10 * MS;
		RECORD(switch_in, ME, .kind = KS_SWITCH_BLOCKED, .off_cycles = 10 * MS);
		RECORD(entry, ME);
	}
	expect_only("blocked", "vm 50 vcpu0 slept 100.0 ms in the host's kernel while its exits "
		    "were handled, 10.0 % of its life; most for npf: 10 sleeps, 100.0 ms");
}

/* Until another vCPU starts it: it has had no exit yet. */
static void a_vcpu_that_waits_for_its_start(void **unused)
{
	begin(ALL);
	switch_out(KS_SWITCH_BLOCKED, true, 0, 0, "swapper/0");
	now += 500 * MS;
	RECORD(switch_in, ME, .kind = KS_SWITCH_BLOCKED, .off_cycles = 500 * MS);
	RECORD(entry, ME);
	run(500);
	expect_nothing();
}

static void blocked_for(u8 sleep, u64 ns)
{
	RECORD(switch_out, ME, .kind = KS_SWITCH_BLOCKED, .loaded = 1, .sleep = sleep);
	now += ns;
	RECORD(switch_in, ME, .kind = KS_SWITCH_BLOCKED, .off_cycles = ns);
}

/* By its name: what it waits for is no work of the exit before. */
static void asleep_for_a_page(void **unused)
{
	begin(ALL);
	run(600);
	RECORD(exit, ME, .reason = NPF, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	blocked_for(KS_SLEEP_PAGE, 400 * MS);
	RECORD(entry, ME);
	expect_only("blocked", "vm 50 vcpu0 slept 400.0 ms in the host's kernel, and not in HLT, "
		    "40.0 % of its life; most until the host had a page of the guest (async page "
		    "fault): 1 sleep, 400.0 ms");
}

static void asleep_before_an_entry(void **unused)
{
	begin(ALL);
	blocked_for(KS_SLEEP_OTHER, 400 * MS);
	RECORD(entry, ME);
	run(600);
	expect_only("blocked", "vm 50 vcpu0 slept 400.0 ms in the host's kernel, and not in HLT, "
		    "40.0 % of its life; most before the entry: 1 sleep, 400.0 ms");
	begin(ALL);
	blocked_for(KS_SLEEP_SIPI, 400 * MS);
	RECORD(entry, ME);
	run(600);
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
		cmocka_unit_test(one_long_wait),
		cmocka_unit_test(many_short_waits),
		cmocka_unit_test(waits_below_the_thresholds),
		cmocka_unit_test(without_class_steal),
		cmocka_unit_test(several_vcpus),
		cmocka_unit_test(throttled),
		cmocka_unit_test(throttled_beside_a_bystander),
		cmocka_unit_test(kept_out_of_kvm_run),
		cmocka_unit_test(asleep_in_an_exit),
		cmocka_unit_test(a_vcpu_that_waits_for_its_start),
		cmocka_unit_test(asleep_for_a_page),
		cmocka_unit_test(asleep_before_an_entry),
		cmocka_unit_test(dear_exits),
		cmocka_unit_test(late_timers),
		cmocka_unit_test(a_lost_timer),
		cmocka_unit_test(a_timer_that_is_far_ahead),
		cmocka_unit_test(nothing_wakes_it),
		cmocka_unit_test(an_idle_guest),
		cmocka_unit_test(a_sleeper_among_others),
		cmocka_unit_test(ticks_that_were_merged),
		cmocka_unit_test(spinning),
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
