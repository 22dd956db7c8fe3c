// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flight recorder's file whose beginning is overwritten: what its end tells again holds for
 * the whole of it.
 */
#include <asm/svm.h>
#include <errno.h>
#include <linux/kvm_para.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "synth.h"
#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/clock.h"
#include "model/details.h"
#include "model/holder.h"
#include "model/model.h"
#include "model/summary.h"
#include "trace/load.h"

#define MS		2000000ULL	/* cycles of the TSC */
#define ME		.vm = 1, .vcpu = 0
#define TID		100
#define VMM		50
#define OTHER_TID	200
#define OTHER_VMM	60
#define GROUP		71
#define ABOVE		70
#define PAGE		0x1234000ULL
#define MSR		0x6e0ULL

static char path[] = "/tmp/kvmsched-test.XXXXXX";
static struct synth *s;
static u64 now;
static struct kvs_model m;
static struct kvs_details details;
static enum kvs_relation related[2];	/* the thieves, in this order */
static unsigned int nr_related;
static unsigned int hooks_by_then;	/* when the first of them was told */
static u64 lookaheads;

#define ADD(cpu, tid, name, ...) do {					\
	struct ks_rec_##name rec_ = { __VA_ARGS__ };			\
									\
	rec_.ent.pid = (tid);						\
	SYNTH_ADD(s, cpu, now, name, &rec_);				\
} while (0)

static void add_exit(s16 reason, u64 info)
{
	now += MS;
	ADD(0, TID, exit, ME, .reason = reason, .info = info, .guest_cycles = MS / 2,
	    .host_cycles = MS / 2, .flags = KS_EXIT_BY_ENTRY);
}

/* A wait of 30 ms; somebody throttles the group meanwhile, or takes the CPU. */
static void add_wait(bool throttled, s32 thief, s32 process)
{
	if (throttled)
		ADD(0, TID, throttle, .cgroup = ABOVE, .cpu = 0, .on = 1);
	now += MS;
	ADD(0, TID, exit, ME, .reason = SVM_EXIT_INTR, .flags = KS_EXIT_BY_SWITCH,
	    .guest_cycles = MS / 2, .host_cycles = MS / 2);
	ADD(0, TID, switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1, .next_pid = thief,
	    .next_tgid = process, .next_prio = 120, .next_comm = "thief",
	    .next_flags = KS_TASK_TOLD, .throttled = KS_THROTTLED_AS_GROUP);
	now += 30 * MS;
	if (throttled)
		ADD(0, 0, throttle, .cgroup = ABOVE, .cpu = 0, .on = 0);
	ADD(0, TID, switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = 30 * MS);
	ADD(0, TID, entry, ME, .since_exit_cycles = 30 * MS + MS / 2);
}

static void add_attached(const char *hook, s32 status)
{
	struct ks_rec_attach rec = {
		.classes = KVMSCHED_CLASS_ALL, .status = status,
		.how = status ? KVMSCHED_HOW_NONE : KVMSCHED_HOW_KPROBE,
	};

	strncpy(rec.hook, hook, sizeof(rec.hook) - 1);
	SYNTH_ADD(s, 1, now, attach, &rec);
}

/* As STOP writes them, on another CPU than the vCPU's */
static void add_closing_records(bool overwrite)
{
	now += MS;
	add_attached("tg_throttle_down", 0);
	add_attached("kvm_hv_stimer_expiration", 0);
	add_attached("tg_unthrottle_up", -EAGAIN);
	ADD(1, 1, cgroup, .tid = TID, .id = GROUP, .parent = ABOVE);
	ADD(1, 1, cgroup, .id = ABOVE, .parent = 1);
	ADD(1, TID, vcpu, ME, .tgid = VMM, .features = KS_FEATURE_DETAIL, .comm = "me");
	ADD(1, OTHER_TID, vcpu, .vm = 2, .tgid = OTHER_VMM, .comm = "other");
	for (unsigned int cpu = 0; cpu < 2; cpu++)
		ADD(cpu, 1, session, .op = KS_SESSION_STOP, .overwrite = overwrite, .cpu = cpu,
		    .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL, .pages = 4,
		    .tsc_khz = SYNTH_TSC_KHZ);
}

static void begin_file(void)
{
	const char *tests = getenv("KVMSCHED_TESTS");
	char *formats = xasprintf("%s/golden/formats", tests ? tests : "tests");

	s = synth_new(path, 2, formats);
	free(formats);
	now = 1000 * MS;
}

static void take_piece(void *ctx, const struct kvs_span *span)
{
	if (span->piece->kind != KVS_THIEF_TASK || nr_related == ARRAY_SIZE(related))
		return;
	if (!nr_related)
		hooks_by_then = m.nr_hooks;
	related[nr_related++] = kvs_holder_relation(&m, span->vcpu, span->piece);
}

static void foretell(void *ctx, const struct kvs_record *rec)
{
	lookaheads++;
	kvs_model_foretold(ctx, rec);
}

static void read_file(void)
{
	const struct kvs_sink sink = {
		.record = kvs_model_record, .missed = kvs_model_missed, .foretold = foretell,
		.ctx = &m,
	};
	struct kvs_trace *trace;

	synth_finish(s);
	trace = kvs_trace_open(path);
	assert_non_null(trace);
	nr_related = lookaheads = 0;
	kvs_model_init(&m);
	kvs_model_clock(&m, false, kvs_trace_info(trace)->tsc_mult,
			kvs_trace_info(trace)->tsc_shift);
	kvs_summary_listen(&m);
	kvs_details_init(&details);
	kvs_details_listen(&details, &m);
	kvs_sinks_add(&m.sinks, KVS_SPAN_BIT(PIECE), take_piece, NULL);
	assert_true(kvs_trace_read(trace, &sink));
	kvs_model_finish(&m);
	kvs_trace_close(trace);
}

static void read_recorder(bool overwrite)
{
	begin_file();
	ADD(0, TID, entry, ME);
	add_exit(SVM_EXIT_NPF, PAGE | (u64)KS_NPF_WRITE << KS_EXIT_ACCESS_SHIFT);
	add_exit(SVM_EXIT_MSR, MSR);
	add_exit(SVM_EXIT_VMMCALL, KVM_HC_KICK_CPU);
	add_wait(true, 7, 8);
	add_wait(false, 51, VMM);
	add_wait(false, 61, OTHER_VMM);
	add_closing_records(overwrite);
	read_file();
}

static int free_model(void **unused)
{
	kvs_details_free(&details);
	kvs_model_free(&m);
	return unlink(path);
}

static u64 taken_by(unsigned int kind)
{
	const struct kvs_waiter *w = &m.vcpus[0]->waiter;
	u64 sum = 0;

	for (unsigned int i = 0; i < w->nr; i++)
		sum += w->thieves[i].who.kind == kind ? w->thieves[i].time : 0;
	return sum;
}

/* The only row of this kind */
static const struct kvs_detail *detail_by(enum kvs_detail_by by)
{
	const struct kvs_detail *found = NULL;

	for (unsigned int i = 0; i < details.nr; i++)
		if (details.rows[i]->by == by) {
			assert_null(found);
			found = details.rows[i];
		}
	assert_non_null(found);
	return found;
}

static void quotas_are_no_thieves(void **unused)
{
	read_recorder(true);
	assert_int_equal(m.vcpus[0]->tid, TID);
	assert_int_equal(taken_by(KVS_THIEF_QUOTA), 30 * MS);
	assert_int_equal(taken_by(KVS_THIEF_TASK), 60 * MS);
	assert_true(kvs_model_tells_quotas(&m));
	assert_false(((struct kvs_cgroup *)kvs_table_get(&m.quotas.by_id, GROUP))->strange);
}

static void exits_have_their_details(void **unused)
{
	const struct kvs_detail *row;

	read_recorder(true);
	row = detail_by(KVS_BY_ADDRESS);
	assert_true(row->known);
	assert_int_equal(row->key, PAGE);
	assert_int_equal(row->accesses[KVS_ACCESS_WRITE], 1);
	row = detail_by(KVS_BY_MSR);
	assert_true(row->known);
	assert_int_equal(row->key, MSR);
	assert_true(detail_by(KVS_BY_HYPERCALL)->known);
	assert_int_equal(m.vcpus[0]->spins[KVS_SPIN_KICK], 1);
}

static void hooks_are_told(void **unused)
{
	read_recorder(true);
	assert_int_equal(hooks_by_then, 3);
	assert_int_equal(m.nr_hooks, 3);
	assert_string_equal(m.hooks[2].name, "tg_unthrottle_up");
	assert_int_equal(m.hooks[2].status, -EAGAIN);
	assert_true(m.stimers_told);
}

/* Its module came meanwhile, and what was attached at the beginning is still there. */
static void a_hook_is_told_once(void **unused)
{
	begin_file();
	add_attached("vcpu_load", -ENOENT);
	now += MS;
	add_attached("vcpu_load", 0);
	add_closing_records(true);
	read_file();
	assert_int_equal(m.nr_hooks, 4);
	assert_string_equal(m.hooks[0].name, "vcpu_load");
	assert_int_equal(m.hooks[0].status, -ENOENT);
}

/* Of the other VMM's vCPU there is no record before its identity. */
static void relations_are_known(void **unused)
{
	read_recorder(true);
	assert_int_equal(nr_related, 2);
	assert_int_equal(related[0], KVS_RELATION_OWN_THREAD);
	assert_int_equal(related[1], KVS_RELATION_OTHER_THREAD);
}

/* Each record counts once, and each vCPU: it has had one thread. */
static void nothing_counts_twice(void **unused)
{
	read_recorder(true);
	assert_int_equal(kvs_model_records(&m), 1 + 3 + 3 * 4 + 2 + 7 + 2);
	assert_int_equal(lookaheads, kvs_model_records(&m));
	assert_int_equal(m.nr_vcpus, 2);
	assert_int_equal(m.vcpus[0]->threads, 1);
	assert_int_equal(m.vcpus[1]->threads, 1);
	assert_false(m.vcpus[0]->foretold);
	assert_int_equal(m.vcpus[0]->ledger.states[KVMSCHED_STATE_WAIT_PREEMPTED], 90 * MS);
}

/* What is not overwritten has it all at its beginning. */
static void other_files_are_read_once(void **unused)
{
	read_recorder(false);
	assert_int_equal(lookaheads, 0);
	assert_int_equal(taken_by(KVS_THIEF_QUOTA), 0);
	assert_false(detail_by(KVS_BY_MSR)->known);
}

/* STOP tells who is there: of a thread that has ended, and of one that may sleep. */
static void whoever_stops_puts_nobody_on_a_cpu(void **unused)
{
	begin_file();
	ADD(0, TID, entry, ME);
	add_exit(SVM_EXIT_HLT, 0);
	now += MS;
	ADD(0, TID, switch_out, ME, .kind = KS_SWITCH_DEAD, .next_prio = 120);
	add_closing_records(true);
	read_file();
	assert_int_equal(m.nr_vcpus, 2);
	for (unsigned int i = 0; i < m.nr_vcpus; i++) {
		assert_true(m.vcpus[i]->identified);
		assert_int_equal(m.vcpus[i]->state, KVS_STATE_UNKNOWN);
	}
	assert_true(m.vcpus[0]->ended);
}

/* A VM begins within what is there: it is not known before, and then it is new. */
static void newborns_are_not_foretold(void **unused)
{
	begin_file();
	ADD(0, TID, irq_accept, ME, .vector = 0x30);
	now += MS;
	ADD(0, TID, vcpu, ME, .tgid = VMM, .features = KS_FEATURE_NEW | KS_FEATURE_DETAIL);
	ADD(0, TID, load, ME);
	ADD(0, TID, entry, ME);
	add_exit(SVM_EXIT_MSR, MSR);
	add_closing_records(true);
	read_file();
	assert_true(m.vcpus[0]->born);
	assert_true(detail_by(KVS_BY_MSR)->known);
	assert_int_equal(m.vcpus[0]->ledger.begin, 1001 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(quotas_are_no_thieves, free_model),
		cmocka_unit_test_teardown(exits_have_their_details, free_model),
		cmocka_unit_test_teardown(hooks_are_told, free_model),
		cmocka_unit_test_teardown(a_hook_is_told_once, free_model),
		cmocka_unit_test_teardown(relations_are_known, free_model),
		cmocka_unit_test_teardown(nothing_counts_twice, free_model),
		cmocka_unit_test_teardown(other_files_are_read_once, free_model),
		cmocka_unit_test_teardown(whoever_stops_puts_nobody_on_a_cpu, free_model),
		cmocka_unit_test_teardown(newborns_are_not_foretold, free_model),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	close(mkstemp(path));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
