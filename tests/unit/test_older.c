// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of older modules lack records.  What "In short" infers from those that they have is
 * said as such; what newer ones tell is not inferred.  One cycle is one ns here.
 */
#include <locale.h>
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
#include "report/report.h"
#include "feed.h"
#include "findings.h"
#include "printed.h"

#define MS	1000000ULL
#define TID	100
#define HLT	0x78
#define ME	.vm = vm, .vcpu = 0
#define RECORD(name, ...)	FEED(&m, now, 0, tid, name, __VA_ARGS__)

static struct kvs_model m;
static u64 now;
static s32 tid;
static u16 vm;

/* Its first KVM_RUN was before the recording, or of a thread that is new to the module. */
static void identify(u32 features, u64 tsc_offset)
{
	RECORD(vcpu, ME, .tgid = 50, .prio = 120, .features = features,
	       .tsc_offset = tsc_offset, .tsc_ratio = 1ULL << 32, .tsc_frac_bits = 32);
	RECORD(load, ME);
	RECORD(entry, ME);
}

static void begin(u32 features)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	tid = TID;
	vm = 1;
	now = MS;
	RECORD(session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL);
	identify(features, 7);
}

static void end(void)
{
	RECORD(session, .op = KS_SESSION_STOP);
	find_all(&m);
}

static void done(void)
{
	free_found(&m);
}

/* The first sentence is of this kind; it does, or does not, contain the text. */
static void expect(const char *kind, const char *text, bool contained)
{
	char *sentence;

	end();
	assert_int_not_equal(nr, 0);
	assert_string_equal(kvs_finding_kind_name(findings[0].kind), kind);
	sentence = kvs_finding_sentence(&view, &findings[0]);
	if (!!strstr(sentence, text) != contained)
		fail_msg("%s", sentence);
	free(sentence);
	done();
}

/* A report; NULL: the whole */
static void print(const struct kvs_report *report, char *text, size_t size)
{
	FILE *f;
	size_t got;

	end();
	f = print_report(&view, report);
	got = fread(text, 1, size - 1, f);
	text[got] = '\0';
	fclose(f);
	done();
}

static void run(u64 ns)
{
	now += ns;
	RECORD(exit, ME, .reason = 0x72, .guest_cycles = ns - 1000, .host_cycles = 1000);
}

/* For so long somebody has its CPU, of whom an older file has the priority alone. */
static void lose(u64 ns, s32 pid, s16 prio)
{
	struct kvs_record rec = {
		.ts = now, .event = KS_EV_switch_out,
		.switch_out = {
			ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
			.next_pid = pid, .next_prio = prio,
		},
	};

	RECORD(exit, ME, .reason = 0x60, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	rec.ent.pid = tid;
	snprintf(rec.switch_out.next_comm, sizeof(rec.switch_out.next_comm), "%s",
		 pid ? "bystander" : "swapper/0");
	kvs_model_record(&m, &rec);
	now += ns;
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = ns);
	RECORD(entry, ME);
}

/* --- quotas -------------------------------------------------------------- */

#define BEAT	"its long waits end every 100.0 ms, as under a quota (cpu.max) of that period"

/* So much of every 100 ms, and a short wait between that tells nothing */
static void lose_periods(unsigned int periods, s32 pid, s16 prio)
{
	for (unsigned int i = 0; i < periods; i++) {
		run(30 * MS);
		lose(4 * MS, 9, 120);
		run(16 * MS);
		lose(50 * MS, pid, prio);
	}
}

static void a_beat_beside_a_bystander(void **unused)
{
	begin(0);
	run(10 * MS);
	lose(20 * MS, 0, 120);
	run(10 * MS);
	lose_periods(8, 7, 120);
	expect("throttled", "; " BEAT, true);
	/* Its CPU never idles, and so nothing shows that it was throttled. */
	begin(0);
	lose_periods(8, 7, 120);
	expect("wait", "bystander/7 (SCHED_OTHER, BATCH, IDLE or EXT, nice 0) for 400.0 ms; "
	       "that may have taken nothing: " BEAT, true);
}

/* It skips periods: sometimes its guest sleeps. */
static void a_beat_with_periods_left_out(void **unused)
{
	begin(0);
	for (unsigned int i = 0; i < 8; i++) {
		lose_periods(1, 7, 120);
		if (i % 3)
			run(i % 3 * 100 * MS);
	}
	expect("wait", BEAT, true);
}

static void what_is_no_beat(void **unused)
{
	/* A task of real-time priority needs no quota to take the CPU. */
	begin(0);
	lose_periods(8, 7, 49);
	expect("wait", "long waits", false);
	/* Too few */
	begin(0);
	lose_periods(5, 7, 120);
	expect("wait", "long waits", false);
	/* At odd times */
	begin(0);
	for (unsigned int i = 0; i < 12; i++) {
		run((20 + i * i % 7 * 9) * MS);
		lose(50 * MS, 7, 120);
	}
	expect("wait", "long waits", false);
}

/* A file that tells of quotas, and of none here, leaves nothing to infer. */
static void quotas_that_are_told(void **unused)
{
	begin(0);
	RECORD(attach, .hook = "tg_throttle_down", .classes = KVMSCHED_CLASS_STEAL);
	lose_periods(8, 7, 120);
	expect("wait", "long waits", false);
	begin(0);
	RECORD(cgroup, .tid = TID, .id = 500);
	lose_periods(8, 7, 120);
	expect("wait", "long waits", false);
	/* The hook is known, and was refused. */
	begin(0);
	RECORD(attach, .hook = "tg_throttle_down", .classes = KVMSCHED_CLASS_STEAL,
	       .status = -2);
	lose_periods(8, 7, 120);
	expect("wait", BEAT, true);
}

/* Whoever is named as a thief may have run only while a quota was used up. */
static void thieves_beside_untold_quotas(void **unused)
{
	static const struct {
		s16 prio;
		bool told, flight, cgroup, noted;
	} cases[] = {
		{ .prio = 120, .noted = true }, { .prio = 120, .told = true }, { .prio = 49 },
		/* A flight recorder's may have lost what cgroup it was. */
		{ .prio = 120, .told = true, .flight = true, .noted = true },
		{ .prio = 120, .told = true, .flight = true, .cgroup = true },
	};
	char text[16384];

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(0);
		if (cases[i].told)
			RECORD(attach, .hook = "tg_throttle_down",
			       .classes = KVMSCHED_CLASS_STEAL);
		if (cases[i].flight)
			RECORD(session, .op = KS_SESSION_STOP, .overwrite = 1);
		if (cases[i].cgroup)
			RECORD(cgroup, .tid = TID, .id = 500);
		run(30 * MS);
		lose(50 * MS, 7, cases[i].prio);
		print(&kvs_report_thieves, text, sizeof(text));
		assert_non_null(strstr(text, "bystander"));
		assert_int_equal(!!strstr(text, cases[i].flight ?
					  "Quotas (cpu.max) are not told of all vCPUs" :
					  "Quotas (cpu.max) are not told here"),
				 cases[i].noted);
	}
}

/* Others may have followed it, and had most of the wait. */
static void who_ran_next_is_no_thief(void **unused)
{
	char text[16384];

	begin(0);
	lose_periods(2, 7, 120);
	print(NULL, text, sizeof(text));
	assert_non_null(strstr(text, "Who ran next, where a vCPU lost its CPU\n"));
	assert_non_null(strstr(text, "Then waited µs"));
	assert_non_null(strstr(text, "whoever else ran meanwhile"));
}

/* --- timers -------------------------------------------------------------- */

static void a_timer_that_is_not_told(void **unused)
{
	for (unsigned int told = 0; told < 2; told++) {
		begin(told ? KS_FEATURE_EXITS_TOLD : 0);
		run(10 * MS);
		RECORD(exit, ME, .reason = HLT, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
		RECORD(switch_out, ME, .kind = KS_SWITCH_HALTED, .loaded = 1);
		now += 900 * MS;
		expect("asleep", told ? "what it slept for is unknown" :
		       "it may have slept for one that is far ahead, or lost, as this file tells "
		       "of none that was armed before, or by the VMM; or for a device", true);
	}
}

/* --- one vCPU, run by one thread after the other -------------------------- */

/* The next thread, which an older module takes for another VM's */
static void next_thread(u32 features, u64 tsc_offset, bool dies)
{
	if (dies)
		RECORD(switch_out, ME, .kind = KS_SWITCH_DEAD);
	now += 5 * MS;
	tid++;
	vm++;
	identify(features, tsc_offset);
	run(20 * MS);
}

static void one_vcpu_of_three_threads(void **unused)
{
	begin(0);
	run(20 * MS);
	next_thread(0, 7, true);
	next_thread(0, 7, true);
	expect("one_vm", "vm 50 and 2 more VMs of its process seem to be one, whose vcpu0 was run "
	       "by one thread after the other", true);
}

static void expect_several(void)
{
	end();
	assert_int_equal(nr, 0);
	done();
}

static void several_vms(void **unused)
{
	/* Each has a TSC offset of its own, ... */
	begin(0);
	next_thread(0, 8, true);
	expect_several();
	/* ... or none, ... */
	begin(0);
	next_thread(0, 0, true);
	next_thread(0, 0, true);
	expect_several();
	/* ... or both are there at once, ... */
	begin(0);
	next_thread(0, 7, false);
	expect_several();
	/* ... or it is new; a module that tells this tells VMs apart by themselves. */
	begin(0);
	next_thread(KS_FEATURE_NEW, 7, true);
	expect_several();
	begin(KS_FEATURE_EXITS_TOLD);
	next_thread(KS_FEATURE_EXITS_TOLD, 7, true);
	expect_several();
	/* The one before was destroyed. */
	begin(0);
	RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_GONE, .tsc_offset = 7);
	next_thread(0, 7, false);
	expect_several();
}

/* --- a ragged beginning --------------------------------------------------- */

static void what_comes_before_the_first_look(void **unused)
{
	kvs_model_init(&m);
	tid = TID;
	vm = 1;
	now = MS;
	for (unsigned int i = 0; i < 3; i++)
		RECORD(irq_accept, .vm = 0, .vcpu = 0, .vector = 0xec);
	RECORD(irq_accept, .vm = 0, .vcpu = 1, .vector = 0xec);
	assert_int_equal(m.unattributed, 4);
	identify(0, 7);
	/* Whose the other one is, is never told. */
	assert_int_equal(m.unattributed, 1);
	RECORD(irq_accept, .vm = 0, .vcpu = 0, .vector = 0xec);
	assert_int_equal(m.unattributed, 2);
	/* Its thread's end tells it once more. */
	identify(0, 7);
	assert_int_equal(m.unattributed, 2);
	/* One that begins just now had no interrupt before. */
	vm = 2;
	tid++;
	identify(KS_FEATURE_NEW, 8);
	assert_int_equal(m.unattributed, 2);
	kvs_model_free(&m);
}

/* Entries were seen before exits: what looks like the fast path's is any exit. */
static void entries_before_the_first_exit(void **unused)
{
	static const struct {
		u32 features;
		u64 early;	/* how many of two such exits are counted */
	} cases[] = {
		{ 0, 0 }, { KS_FEATURE_EXITS_TOLD, 2 }, { KS_FEATURE_NEW, 2 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(cases[i].features);
		for (unsigned int j = 0; j < 2; j++) {
			now += MS;
			RECORD(exit, ME, .reason = 0x60, .flags = KS_EXIT_FASTPATH);
		}
		run(MS);
		now += MS;
		RECORD(exit, ME, .reason = 0x7c, .flags = KS_EXIT_FASTPATH);
		end();
		assert_int_equal(m.vcpus[0]->exit_count, cases[i].early + 2);
		done();
	}
}

/* What is unknown as records contradict each other was not lost: the head has a 0. */
static void what_is_missing_was_not_lost(void **unused)
{
	char text[16384];

	begin(0);
	run(MS);
	now += MS;
	RECORD(put, ME);
	run(MS);
	print(NULL, text, sizeof(text));
	assert_non_null(strstr(text, "Lost      0\n"));
	assert_non_null(strstr(text, "where records are missing"));
	assert_null(strstr(text, "were lost"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_beat_beside_a_bystander),
		cmocka_unit_test(a_beat_with_periods_left_out),
		cmocka_unit_test(what_is_no_beat),
		cmocka_unit_test(quotas_that_are_told),
		cmocka_unit_test(a_timer_that_is_not_told),
		cmocka_unit_test(one_vcpu_of_three_threads),
		cmocka_unit_test(several_vms),
		cmocka_unit_test(thieves_beside_untold_quotas),
		cmocka_unit_test(who_ran_next_is_no_thief),
		cmocka_unit_test(what_comes_before_the_first_look),
		cmocka_unit_test(entries_before_the_first_exit),
		cmocka_unit_test(what_is_missing_was_not_lost),
	};

	/* Each table in one piece, and µ is printed as such. */
	setenv("COLUMNS", "1000", 1);
	setlocale(LC_CTYPE, "C.UTF-8");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
