// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model, on stories whose truth is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/clock.h"
#include "model/model.h"
#include "report/view.h"
#include "story.h"

static struct kvs_exit_stats *exit_of(struct kvs_vcpu *v, u32 reason)
{
	struct kvs_exit_stats *e = kvs_exit_get(v, 2, false, reason, false);

	assert_true(e->count > 0);
	return e;
}

static void exits_are_counted_by_reason(void **unused)
{
	struct kvs_vcpu *v;

	identify(10, VCPU0, 50);
	for (u64 i = 0; i < 1000; i++)
		RECORD(100 + 10 * i, exit, ON(VCPU0), .reason = 0x72,
		       .guest_cycles = 7, .host_cycles = 3);
	for (u64 i = 0; i < 10; i++)
		RECORD(20000 + i, exit, ON(VCPU0), .reason = 0x400,
		       .host_cycles = 4);
	kvs_model_finish(&m);
	v = vcpu(VCPU0);
	assert_int_equal(v->exit_count, 1010);
	assert_int_equal(v->nr_exits, 2);
	assert_int_equal(exit_of(v, 0x72)->count, 1000);
	assert_int_equal((u64)exit_of(v, 0x72)->uncut_cycles.sum, 3000);
	assert_int_equal((u64)v->guest_cycles, 7000);
	/* guest_cycles 0 is "unknown", not a short time */
	assert_int_equal(exit_of(v, 0x400)->guest_cycles.count, 0);
}

/* exit, switch out, switch in, entry: host work ends at the switch out */
static void cut_story_is_told_in_two(void **unused)
{
	struct kvs_exit_stats *hlt;
	struct kvs_hist host, out;

	identify(10, VCPU0, 50);
	RECORD(100, exit, ON(VCPU0), .reason = 0x78, .guest_cycles = 50,
	       .host_cycles = 20, .flags = KS_EXIT_BY_SWITCH);
	RECORD(101, switch_out, ON(VCPU0), .kind = KS_SWITCH_HALTED, .loaded = 1);
	RECORD(900, switch_in, ON(VCPU0), .kind = KS_SWITCH_HALTED,
	       .off_cycles = 799, .wait_ns = 33);
	RECORD(950, entry, ON(VCPU0), .since_exit_cycles = 870);
	/* Another one, uncut: both count as out of the guest. */
	RECORD(1000, exit, ON(VCPU0), .reason = 0x78, .guest_cycles = 40,
	       .host_cycles = 10, .flags = KS_EXIT_BY_ENTRY);
	kvs_model_finish(&m);
	hlt = exit_of(vcpu(VCPU0), 0x78);
	assert_int_equal(hlt->ended[KS_EXIT_BY_SWITCH], 1);
	assert_int_equal(hlt->ended[KS_EXIT_BY_ENTRY], 1);
	kvs_exit_host(hlt, &host);
	kvs_exit_out(hlt, &out);
	assert_int_equal((u64)host.sum, 30);
	assert_int_equal((u64)out.sum, 880);
	assert_int_equal(out.count, 2);
	kvs_hist_free(&host);
	kvs_hist_free(&out);
}

/* An entry says nothing of an exit that was lost. */
static void entry_after_a_loss_blames_no_one(void **unused)
{
	identify(10, VCPU0, 50);
	RECORD(100, exit, ON(VCPU0), .reason = 0x78, .flags = KS_EXIT_BY_PUT);
	kvs_model_missed(&m, 0, 5);
	RECORD(900, entry, ON(VCPU0), .since_exit_cycles = 100);
	assert_int_equal(exit_of(vcpu(VCPU0), 0x78)->out_cycles.count, 0);
}

/* Those of one reason are told apart by the mark alone. */
static void fastpath_has_a_reason_and_no_times(void **unused)
{
	identify(10, VCPU0, 50);
	RECORD(100, exit, ON(VCPU0), .flags = KS_EXIT_VMX | KS_EXIT_FASTPATH,
	       .reason = 32, .guest_cycles = 40);
	RECORD(200, exit, ON(VCPU0), .flags = KS_EXIT_VMX, .reason = 32, .host_cycles = 5);
	assert_int_equal(vcpu(VCPU0)->exit_count, 2);
	assert_int_equal(vcpu(VCPU0)->nr_exits, 2);
	assert_int_equal(vcpu(VCPU0)->exits[0].uncut_cycles.count, 0);
	assert_int_equal(vcpu(VCPU0)->exits[0].guest_cycles.count, 0);
	assert_int_equal((u64)vcpu(VCPU0)->guest_cycles, 40);
	assert_true(vcpu(VCPU0)->exits[0].fastpath);
	assert_int_equal(vcpu(VCPU0)->exits[0].reason, 32);
	assert_false(vcpu(VCPU0)->exits[1].fastpath);
	assert_int_equal(vcpu(VCPU0)->exits[1].reason, 32);
}

/* A guest of the guest has rows of its own, for the whole of its exits. */
static void exits_of_l2_are_told_apart(void **unused)
{
	struct kvs_vcpu *v;

	identify(10, VCPU0, 50);
	RECORD(100, exit, ON(VCPU0), .reason = 0x72, .host_cycles = 3);
	RECORD(200, exit, ON(VCPU0), .reason = 0x72, .host_cycles = 50,
	       .flags = KS_EXIT_L2 | KS_EXIT_BY_SWITCH);
	RECORD(300, entry, ON(VCPU0), .since_exit_cycles = 150);
	RECORD(400, exit, ON(VCPU0), .reason = 0x72, .host_cycles = 60,
	       .flags = KS_EXIT_L2 | KS_EXIT_BY_ENTRY);
	kvs_model_finish(&m);
	v = vcpu(VCPU0);
	assert_int_equal(v->exit_count, 3);
	assert_int_equal(v->nr_exits, 2);
	assert_int_equal(exit_of(v, 0x72)->count, 1);
	assert_int_equal((u64)exit_of(v, 0x72)->uncut_cycles.sum, 3);
	assert_true(v->exits[1].l2);
	assert_int_equal(v->exits[1].count, 2);
	assert_int_equal((u64)v->exits[1].uncut_cycles.sum, 60);
	assert_int_equal((u64)v->exits[1].cut_cycles.sum, 50);
	assert_int_equal((u64)v->exits[1].out_cycles.sum, 150);
}

static void switch_pair(u64 out, u64 in, u8 kind, u64 ran, s32 next, u64 wait_ns)
{
	RECORD(out, switch_out, ON(VCPU0), .kind = kind, .loaded = 1,
	       .ran_cycles = ran, .next_pid = next, .next_comm = "thief");
	RECORD(in, switch_in, ON(VCPU0), .kind = kind, .from_cpu = 0,
	       .off_cycles = in - out, .wait_ns = wait_ns);
}

static void waits_and_slices(void **unused)
{
	const struct kvs_times t = { .cycles = { 3, 0, true }, .ts = { 3, 0, true } };
	struct kvs_vcpu *v;
	struct kvs_hist waits;

	identify(0, VCPU0, 50);
	switch_pair(100, 300, KS_SWITCH_PREEMPTED, 100, 900, 1);
	switch_pair(400, 450, KS_SWITCH_PREEMPTED, 100, 901, 1);
	switch_pair(500, 900, KS_SWITCH_BLOCKED, 50, 0, 12);
	switch_pair(950, 960, KS_SWITCH_ABORTED, 50, 0, 9);
	RECORD(1000, session, .op = KS_SESSION_STOP);
	kvs_model_finish(&m);
	v = vcpu(VCPU0);
	assert_int_equal(kvs_switches(v), 4);
	assert_int_equal(v->sw.out[KS_SWITCH_PREEMPTED], 2);
	assert_int_equal(v->sw.in, 4);
	/* Runnable all the time: after a preemption and an aborted sleep. */
	assert_int_equal(v->sw.preempted_wait_cycles.count, 3);
	assert_int_equal((u64)v->sw.preempted_wait_cycles.sum, 200 + 50 + 10);
	assert_int_equal((u64)v->sw.woken_wait_ns.sum, 12);
	assert_int_equal(v->sw.full_slice_cycles.count, 2);
	assert_int_equal((u64)v->sw.slice_cycles.sum, 300);
	/* on the CPU 0-100, 300-400, 450-500, 900-950, 960-1000 */
	assert_int_equal((u64)v->on_cpu_ts, 340);
	assert_int_equal((u64)v->on_cpu_cycles, 0);
	/* Both units in one distribution: cycles are 3 ns each here. */
	assert_true(kvs_waits(&t, v, &waits));
	assert_int_equal((u64)waits.sum, 260 * 3 + 12);
	kvs_hist_free(&waits);
}

static void thieves_are_told_apart(void **unused)
{
	struct kvs_switch_stats *sw;

	identify(0, VCPU0, 50);
	switch_pair(100, 300, KS_SWITCH_PREEMPTED, 100, 900, 1);
	switch_pair(400, 450, KS_SWITCH_PREEMPTED, 100, 901, 1);
	switch_pair(460, 500, KS_SWITCH_PREEMPTED, 10, 900, 1);
	switch_pair(600, 900, KS_SWITCH_HALTED, 50, 0, 12);
	kvs_model_finish(&m);
	kvs_sort_takers(vcpu(VCPU0));
	sw = &vcpu(VCPU0)->sw;
	assert_int_equal(sw->nr_takers, 3);
	assert_int_equal(sw->takers[0].pid, 900);
	assert_int_equal(sw->takers[0].count[KS_SWITCH_PREEMPTED], 2);
	assert_int_equal((u64)sw->takers[0].wait_cycles.sum, 240);
	assert_int_equal(sw->takers[1].pid, 901);
	/* Idle took the CPU of a sleeper: that is no wait. */
	assert_int_equal(sw->takers[2].pid, 0);
	assert_int_equal(sw->takers[2].wait_cycles.count, 0);
}

static void migrations_by_cpu(void **unused)
{
	identify(0, VCPU0, 50);
	RECORD(100, switch_out, ON(VCPU0), .kind = KS_SWITCH_PREEMPTED);
	cpu = 3;
	RECORD(200, switch_in, ON(VCPU0), .kind = KS_SWITCH_PREEMPTED,
	       .from_cpu = 0, .off_cycles = 100);
	RECORD(300, switch_out, ON(VCPU0), .kind = KS_SWITCH_PREEMPTED);
	RECORD(400, switch_in, ON(VCPU0), .kind = KS_SWITCH_PREEMPTED,
	       .from_cpu = 3, .off_cycles = 100);
	assert_int_equal(vcpu(VCPU0)->sw.migrated, 1);
}

/* The switch in was lost: the module still knows how long the slice was. */
static void lost_switch_in(void **unused)
{
	struct kvs_vcpu *v;

	identify(0, VCPU0, 50);
	RECORD(100, switch_out, ON(VCPU0), .kind = KS_SWITCH_BLOCKED, .ran_cycles = 100);
	kvs_model_missed(&m, 0, 1);
	RECORD(500, switch_out, ON(VCPU0), .kind = KS_SWITCH_BLOCKED, .ran_cycles = 40);
	kvs_model_finish(&m);
	v = vcpu(VCPU0);
	assert_int_equal((u64)v->on_cpu_ts, 100);
	assert_int_equal((u64)v->on_cpu_cycles, 40);
	assert_int_equal((u64)v->sw.slice_cycles.sum, 140);
}

/* The switch out was lost: whoever enters the guest runs. */
static void lost_switch_in_shows_at_the_entry(void **unused)
{
	identify(0, VCPU0, 50);
	RECORD(100, switch_out, ON(VCPU0), .kind = KS_SWITCH_BLOCKED);
	kvs_model_missed(&m, 0, -1);
	RECORD(500, entry, ON(VCPU0), .since_exit_cycles = 450);
	RECORD(700, session, .op = KS_SESSION_STOP);
	kvs_model_finish(&m);
	assert_int_equal((u64)vcpu(VCPU0)->on_cpu_ts, 100 + 200);
}

static void vcpu_changes_its_thread(void **unused)
{
	struct kvs_vcpu *v;

	identify(0, VCPU0, 50);
	RECORD(100, put, ON(VCPU0), .exit_reason = 2);
	/* 100 goes on without it; 200 takes it over later. */
	pid = 200;
	RECORD(300, load, ON(VCPU0));
	RECORD(400, switch_out, ON(VCPU0), .kind = KS_SWITCH_BLOCKED);
	kvs_model_finish(&m);
	v = vcpu(VCPU0);
	assert_int_equal(m.nr_vcpus, 1);
	assert_int_equal(v->threads, 2);
	assert_int_equal(v->tid, 200);
	/* It was the old thread's until the new one came: 0-300, 300-400 */
	assert_int_equal((u64)v->on_cpu_ts, 400);
}

static void one_thread_carries_two_vcpus(void **unused)
{
	identify(0, VCPU0, 50);
	RECORD(100, put, ON(VCPU0), .exit_reason = 2);
	identify(150, VCPU1, 50);
	RECORD(160, load, ON(VCPU1));
	RECORD(250, put, ON(VCPU1), .exit_reason = 2);
	/* The slice began with the other one. */
	RECORD(260, switch_out, ON(VCPU1), .kind = KS_SWITCH_BLOCKED,
	       .ran_cycles = 260);
	RECORD(400, switch_in, ON(VCPU1), .kind = KS_SWITCH_BLOCKED, .off_cycles = 140);
	RECORD(410, load, ON(VCPU0), .user_cycles = 310);
	RECORD(500, session, .op = KS_SESSION_STOP);
	kvs_model_finish(&m);
	assert_int_equal((u64)vcpu(VCPU0)->on_cpu_ts, 150 + 90);
	assert_int_equal((u64)vcpu(VCPU1)->on_cpu_ts, 110 + 10);
	assert_int_equal((u64)vcpu(VCPU1)->on_cpu_cycles, 0);
	assert_int_equal(vcpu(VCPU1)->sw.slice_cycles.count, 0);
	assert_int_equal(vcpu(VCPU0)->threads, 1);
}

static void vms_of_a_process_are_numbered(void **unused)
{
	identify(1, 7, 0, 50);
	pid = 101;
	identify(2, 3, 0, 50);
	pid = 102;
	identify(3, 5, 0, 40);
	pid = 103;
	identify(4, 3, 1, 50);
	kvs_model_finish(&m);
	assert_int_equal(vcpu(3, 0)->vm_index, 0);
	assert_int_equal(vcpu(3, 1)->vm_index, 0);
	assert_int_equal(vcpu(7, 0)->vm_index, 1);
	assert_int_equal(vcpu(5, 0)->vm_index, 0);
	/* In order: by process, VM, number */
	assert_int_equal(m.vcpus[0]->vm, 5);
	assert_int_equal(m.vcpus[2]->id, 1);
	assert_int_equal(m.vcpus[3]->vm, 7);
}

static void policy_is_the_last_one(void **unused)
{
	identify(1, VCPU0, 50);
	RECORD(5, policy, ON(VCPU0), .old_policy = 2, .policy = 0, .nice = 5);
	assert_int_equal(vcpu(VCPU0)->policy, 0);
	assert_int_equal(vcpu(VCPU0)->nice, 5);
	assert_int_equal(vcpu(VCPU0)->policy_changes, 1);
}

static void userspace_exits(void **unused)
{
	struct kvs_user_stats *io;
	struct kvs_vcpu *v;

	identify(0, VCPU0, 50);
	for (u64 i = 0; i < 10; i++) {
		RECORD(100 * i + 50, put, ON(VCPU0), .exit_reason = 2, .run_cycles = 30);
		RECORD(100 * i + 80, load, ON(VCPU0), .user_cycles = 30);
	}
	RECORD(2000, put, ON(VCPU0), .exit_reason = 8, .run_cycles = 5);
	v = vcpu(VCPU0);
	io = kvs_user_get(v, 2);
	assert_int_equal(io->count, 10);
	assert_int_equal((u64)io->run_cycles.sum, 300);
	assert_int_equal((u64)io->user_cycles.sum, 300);
	assert_int_equal(kvs_user_get(v, 8)->count, 1);
	assert_int_equal(kvs_user_get(v, 8)->user_cycles.count, 0);
}

static void lost(const char *event, u64 count)
{
	struct kvs_record rec = { .event = KS_EV_lost };

	snprintf(rec.lost.name, sizeof(rec.lost.name), "%s", event);
	rec.lost.count = count;
	kvs_model_record(&m, &rec);
}

static void closing_records_hold_all_losses(void **unused)
{
	u64 n;

	kvs_model_missed(&m, 0, 30);	/* the same losses, told by pages */
	lost("kvmsched_exit", 40);
	lost("kvmsched_entry", 2);
	RECORD(100, session, .op = KS_SESSION_STOP);
	assert_true(kvs_model_lost(&m, &n));
	assert_int_equal(n, 42);
	assert_int_equal(m.lost_closing[KS_EV_exit], 40);
}

static void pages_tell_losses_without_a_stop(void **unused)
{
	u64 n;

	kvs_model_missed(&m, 0, 30);
	kvs_model_missed(&m, 1, 5);
	assert_true(kvs_model_lost(&m, &n));
	assert_int_equal(n, 35);
	kvs_model_missed(&m, 1, -1);
	assert_false(kvs_model_lost(&m, &n));
	assert_int_equal(n, 35);
}

static void session_is_as_long_as_its_cpus(void **unused)
{
	RECORD(1000, session, .op = KS_SESSION_START, .classes = KVMSCHED_CLASS_EXIT);
	cpu = 1;
	RECORD(1005, session, .op = KS_SESSION_START, .classes = KVMSCHED_CLASS_EXIT);
	RECORD(9000, session, .op = KS_SESSION_STOP);
	cpu = 0;
	RECORD(9003, session, .op = KS_SESSION_STOP);
	assert_int_equal(kvs_model_duration_ts(&m), 8003);
	assert_true(kvs_model_has_class(&m, KVMSCHED_CLASS_EXIT));
	assert_false(kvs_model_has_class(&m, KVMSCHED_CLASS_IRQ));
}

static void without_a_session_records_prove_classes(void **unused)
{
	identify(5, VCPU0, 50);
	accept(105, 0x31);
	assert_int_equal(kvs_model_duration_ts(&m), 100);
	assert_true(kvs_model_has_class(&m, KVMSCHED_CLASS_IRQ));
	assert_false(kvs_model_has_class(&m, KVMSCHED_CLASS_SWITCH));
}

static void host_switch(u64 ts, s32 prev, s32 next, bool preempted)
{
	RECORD(ts, host_switch, .prev_pid = prev, .next_pid = next,
	       .preempted = preempted, .prev_comm = "prev", .next_comm = "next");
}

static struct kvs_task *task(s32 id)
{
	for (unsigned int i = 0; i < m.nr_tasks; i++)
		if (m.tasks[i]->pid == id)
			return m.tasks[i];
	fail_msg("no task %d", id);
	return NULL;
}

static void slices_of_host_tasks(void **unused)
{
	host_switch(100, 8, 7, false);	/* 8's slice has no beginning */
	host_switch(200, 7, 9, true);
	cpu = 1;			/* 7 goes on elsewhere */
	host_switch(260, 0, 7, false);
	host_switch(300, 7, 0, false);
	cpu = 0;
	host_switch(350, 9, 0, false);
	host_switch(400, 0, 7, false);	/* woken: since when, no one told */
	kvs_model_finish(&m);
	assert_int_equal(task(8)->slices, 0);
	assert_int_equal(task(7)->slices, 2);
	assert_int_equal((u64)task(7)->slice_ts.sum, 100 + 40);
	assert_int_equal(task(7)->preempted, 1);
	assert_int_equal(task(7)->blocked, 1);
	assert_int_equal(task(7)->preempted_wait_ts.count, 1);
	assert_int_equal((u64)task(7)->preempted_wait_ts.sum, 60);
	assert_int_equal((u64)task(9)->slice_ts.sum, 150);
	assert_int_equal(task(9)->preempted_wait_ts.count, 0);
	assert_int_equal(m.nr_tasks, 3);	/* idle is none */
}

static void host_irqs_are_whose_they_are(void **unused)
{
	RECORD(10, host_irq, ON(VCPU0), .irq = -1, .name = "timer", .cycles = 5,
	       .kind = KS_HOST_IRQ_TIMER, .ended_guest = 1);
	RECORD(20, host_irq, ON(VCPU0), .irq = -1, .name = "timer", .cycles = 7,
	       .kind = KS_HOST_IRQ_TIMER);
	RECORD(30, host_irq, .vm = 0, .irq = 24, .name = "eth0", .cycles = 9);
	/* The same softirq in two places: two rows. */
	RECORD(40, host_irq, ON(VCPU0), .irq = -1, .name = "RCU", .cycles = 3,
	       .kind = KS_HOST_IRQ_SOFTIRQ);
	RECORD(50, host_irq, ON(VCPU0), .irq = -1, .name = "RCU", .cycles = 4,
	       .kind = KS_HOST_IRQ_OWN_SOFTIRQ);
	assert_int_equal(vcpu(VCPU0)->host_irqs.nr, 3);
	assert_int_equal((u64)vcpu(VCPU0)->host_irqs.irqs[1].cycles.sum, 3);
	assert_int_equal((u64)vcpu(VCPU0)->host_irqs.irqs[2].cycles.sum, 4);
	assert_int_equal(vcpu(VCPU0)->host_irqs.irqs[0].count, 2);
	assert_int_equal(vcpu(VCPU0)->host_irqs.irqs[0].ended_guest, 1);
	assert_int_equal(m.host_irqs.nr, 1);
	assert_int_equal(m.nr_vcpus, 1);
}

/* Time stamps in ns, durations in cycles: 3 cycles a ns, told by the records */
static void rate_is_told_by_the_records(void **unused)
{
	const struct kvs_trace_info info = { .clock = KVS_CLOCK_NS };
	struct kvs_times t;
	u64 ts = 1000;

	identify(ts, VCPU0, 50);
	for (unsigned int i = 0; i < 1000; i++) {
		ts += 5000;
		RECORD(ts, exit, ON(VCPU0), .reason = 0x72,
		       .guest_cycles = 12000, .host_cycles = 3000);
	}
	kvs_model_finish(&m);
	kvs_times_init(&t, &info, &m);
	assert_int_equal(t.source, KVS_TSC_RECORDS);
	assert_true(t.cycles.known && t.ts.known);
	assert_in_range(kvs_scale(&t.cycles, 3000000), 999999, 1000001);
	assert_int_equal(kvs_scale(&t.ts, 12345), 12345);
}

static void without_a_rate_cycles_have_no_time(void **unused)
{
	const struct kvs_trace_info info = { .clock = KVS_CLOCK_NS };
	struct kvs_times t;

	kvs_times_init(&t, &info, &m);
	assert_false(t.cycles.known);
	assert_true(t.ts.known);
}

static void selection_sums_only_its_own(void **unused)
{
	const struct kvs_trace_info info = { .clock = KVS_CLOCK_NS };
	struct kvs_view view = { .info = &info, .model = &m };

	for (u16 id = 0; id < 3; id++) {
		pid = 100 + id;
		identify(id, 1, id, 50);
		for (u16 i = 0; i <= id; i++)
			RECORD(100 + i, exit, AT(1, id), .reason = 0x72,
			       .host_cycles = 10);
	}
	kvs_model_finish(&m);
	view.select = (struct kvs_select){ KVS_ANY_VM, -1 };
	kvs_view_init(&view);
	assert_int_equal(view.selected, 3);
	assert_int_equal(view.total->exit_count, 6);
	kvs_view_free(&view);
	view.select = (struct kvs_select){ { .pid = 50, .index = -1 }, 2 };
	kvs_view_init(&view);
	assert_int_equal(view.selected, 1);
	assert_int_equal(view.total->exit_count, 3);
	kvs_view_free(&view);
	view.select = (struct kvs_select){ { .pid = 51, .index = -1 }, -1 };
	kvs_view_init(&view);
	assert_int_equal(view.selected, 0);
	kvs_view_free(&view);
}

/* A damaged file invents vCPUs and reasons: tables end, counts don't. */
static void tables_have_limits(void **unused)
{
	u64 exits = 0;

	for (u32 i = 0; i < 20000; i++)
		RECORD(i, exit, AT(1 + i / 1000, 0), .reason = i);
	for (u32 i = 0; i < 6000; i++)
		RECORD(30000 + i, exit, AT(1, i % 65535), .reason = i);
	RECORD(40000, exit, .vm = 0, .vcpu = KS_NO_VCPU);
	kvs_model_finish(&m);
	for (unsigned int i = 0; i < m.nr_vcpus; i++) {
		u64 sum = 0;

		for (unsigned int j = 0; j < m.vcpus[i]->nr_exits; j++)
			sum += m.vcpus[i]->exits[j].count;
		assert_int_equal(sum, m.vcpus[i]->exit_count);
		assert_true(m.vcpus[i]->nr_exits < 1000);
		exits += sum;
	}
	assert_int_equal(m.nr_vcpus, 4096);
	assert_int_equal(m.unattributed, 1);
	assert_int_equal(exits + m.beyond, 26000);
	assert_true(m.beyond > 1000);
	assert_false(kvs_model_all_seen(&m));
}

/* A vCPU that the module refuses leaves no record, and no loss that a ring could count. */
static void refused_vcpus_are_no_exact_loss(void **unused)
{
	u64 lost;

	RECORD(0, exit, AT(1, 0), .reason = 1);
	assert_true(kvs_model_all_seen(&m));
	RECORD(9, lost, .name = "refused", .count = 5);
	RECORD(9, lost, .name = "refused", .count = 2);
	kvs_model_finish(&m);
	assert_int_equal(m.refused, 7);
	assert_int_equal(m.nr_missed, 0);
	assert_true(kvs_model_lost(&m, &lost));
	assert_int_equal(lost, 0);
	assert_false(kvs_model_all_seen(&m));
}

/* The last switch out before a loss says nothing of when the coming slice began. */
static void slice_after_a_lost_switch(void **unused)
{
	RECORD(10, switch_in, ON(VCPU0));
	RECORD(1000, switch_out, ON(VCPU0), .kind = KS_SWITCH_PREEMPTED, .ran_cycles = 990);
	/* Lost: in at 2000, out at 5000 */
	kvs_model_missed(&m, 0, 2);
	RECORD(5200, switch_in, ON(VCPU0), .kind = KS_SWITCH_PREEMPTED, .off_cycles = 200);
	assert_int_equal(vcpu(VCPU0)->since_ts, 5200);
	RECORD(6200, switch_out, ON(VCPU0), .kind = KS_SWITCH_PREEMPTED, .ran_cycles = 1000);
	assert_true(vcpu(VCPU0)->on_cpu_ts == 990 + 1000);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(exits_are_counted_by_reason),
		TEST(cut_story_is_told_in_two),
		TEST(entry_after_a_loss_blames_no_one),
		TEST(fastpath_has_a_reason_and_no_times),
		TEST(exits_of_l2_are_told_apart),
		TEST(waits_and_slices),
		TEST(thieves_are_told_apart),
		TEST(migrations_by_cpu),
		TEST(lost_switch_in),
		TEST(lost_switch_in_shows_at_the_entry),
		TEST(vcpu_changes_its_thread),
		TEST(one_thread_carries_two_vcpus),
		TEST(vms_of_a_process_are_numbered),
		TEST(policy_is_the_last_one),
		TEST(userspace_exits),
		TEST(closing_records_hold_all_losses),
		TEST(pages_tell_losses_without_a_stop),
		TEST(session_is_as_long_as_its_cpus),
		TEST(without_a_session_records_prove_classes),
		TEST(slices_of_host_tasks),
		TEST(host_irqs_are_whose_they_are),
		TEST(rate_is_told_by_the_records),
		TEST(without_a_rate_cycles_have_no_time),
		TEST(selection_sums_only_its_own),
		TEST(tables_have_limits),
		TEST(refused_vcpus_are_no_exact_loss),
		TEST(slice_after_a_lost_switch),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
