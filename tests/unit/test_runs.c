// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a guest's task really ran: switches of the guest and waits of its vCPU, put together
 * by hand.  Times are in ns, which are cycles here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "guest/guest.h"

enum { IDLE, A, B, NR_TASKS };

#define MAX_RUNS	64

struct story {
	struct kvs_parts *parts;
	struct kvs_guest g;
	struct kvs_guest_line line;
	struct kvs_guest_cpu cpu;
	struct kvs_guest_task tasks[NR_TASKS];
	struct kvs_guest_run runs[MAX_RUNS];
	size_t nr;
	u64 untold_end;		/* the host's recording tells nothing before */
};

static void begin(struct story *s)
{
	static const struct kvs_select all = { .vm = KVS_ANY_VM, .vcpu = -1 };

	memset(s, 0, sizeof(*s));
	s->g.select = &all;
	s->parts = xcalloc(1, sizeof(*s->parts));
	s->parts->cpus = 1;
	s->g.joined.side.parts = s->parts;
	s->g.lines = &s->line;
	s->g.cpus = &s->cpu;
	s->g.tasks = s->tasks;
	s->g.nr_tasks = NR_TASKS;
	s->tasks[A].cpu = s->tasks[B].cpu = -1;
}

static void event(struct story *s, struct kvs_guest_event e)
{
	kvs_guest_add(&s->g, &e);
	s->cpu.last = e.at;
}

static void change(struct story *s, u64 at, u32 from, u32 to, bool runnable)
{
	event(s, (struct kvs_guest_event){ .at = at, .task = from, .next = to,
		.kind = KVS_GUEST_SWITCH, .runnable = runnable });
}

static void wakeup(struct story *s, u64 at, u32 task)
{
	event(s, (struct kvs_guest_event){ .at = at, .task = task, .kind = KVS_GUEST_WAKING });
}

static void off(struct story *s, enum kvs_guest_part part, u64 from, u64 to)
{
	kvs_stretches_add(&s->line.part[part], from, to);
}

static void take(void *ctx, const struct kvs_guest_run *run)
{
	struct story *s = ctx;

	assert_true(s->nr < MAX_RUNS);
	s->runs[s->nr++] = *run;
}

static void finish(struct story *s)
{
	const struct kvs_scale ns = KVS_SCALE_NONE;

	/* All else is told, unless the story has untold time. */
	kvs_stretches_add(&s->line.part[KVS_PART_GUEST], s->untold_end, s->cpu.last);
	kvs_guest_runs(&s->g, &ns, take, s);
	for (unsigned int part = 0; part < KVS_PART_UNKNOWN; part++)
		kvs_stretches_free(&s->line.part[part]);
	free(s->g.events);
	free(s->parts);
}

/* Those of one task and kind are these, and no others. */
static void is(const struct story *s, u32 task, enum kvs_guest_what what, const u64 (*times)[2],
	       size_t nr)
{
	size_t seen = 0;

	for (size_t i = 0; i < s->nr; i++) {
		const struct kvs_guest_run *run = &s->runs[i];

		if (run->task != task || run->what != what)
			continue;
		assert_true(seen < nr);
		assert_int_equal(run->begin, times[seen][0]);
		assert_int_equal(run->end, times[seen][1]);
		seen++;
	}
	assert_int_equal(seen, nr);
}

#define IS(s, task, what, ...) do {						\
	static const u64 times_[][2] = { __VA_ARGS__ };				\
	is(s, task, what, times_, ARRAY_SIZE(times_));				\
} while (0)

/* The host takes the CPU twice in one slice of the guest: three pieces, and waits between. */
static void quantum_in_pieces(void **unused)
{
	struct story s;

	begin(&s);
	off(&s, KVS_PART_WAIT, 140, 180);
	off(&s, KVS_PART_WAIT, 220, 260);
	wakeup(&s, 90, A);
	change(&s, 100, IDLE, A, false);
	change(&s, 300, A, B, true);
	change(&s, 350, B, A, true);
	finish(&s);
	IS(&s, A, KVS_GUEST_RAN, { 100, 140 }, { 180, 220 }, { 260, 300 });
	IS(&s, A, KVS_GUEST_WAITED, { 90, 100 }, { 140, 180 }, { 220, 260 }, { 300, 350 });
	IS(&s, B, KVS_GUEST_RAN, { 300, 350 });
	is(&s, IDLE, KVS_GUEST_RAN, NULL, 0);
	is(&s, IDLE, KVS_GUEST_WAITED, NULL, 0);
}

/* Whoever is the reason, it is one wait: the guest gives A the vCPU while that has no CPU. */
static void one_wait_for_both(void **unused)
{
	struct story s;

	begin(&s);
	off(&s, KVS_PART_ASLEEP, 199, 230);
	off(&s, KVS_PART_WAIT, 230, 250);
	change(&s, 100, IDLE, B, false);
	wakeup(&s, 150, A);
	change(&s, 199, B, A, false);
	change(&s, 400, A, B, true);
	finish(&s);
	IS(&s, A, KVS_GUEST_WAITED, { 150, 250 });
	is(&s, A, KVS_GUEST_RAN, (const u64[][2]){ { 250, 400 } }, 1);
	IS(&s, B, KVS_GUEST_RAN, { 100, 199 });
}

/* The vCPU never has a CPU, and the guest believes that A runs: it waits, to the end. */
static void starved_vcpu(void **unused)
{
	struct story s;

	begin(&s);
	off(&s, KVS_PART_WAIT, 110, 900);
	wakeup(&s, 50, B);
	change(&s, 100, IDLE, A, false);
	change(&s, 1000, A, B, true);
	finish(&s);
	IS(&s, A, KVS_GUEST_RAN, { 100, 110 }, { 900, 1000 });
	IS(&s, A, KVS_GUEST_WAITED, { 110, 900 });
	/* B has the CPU as the trace ends, so its wait has ended. */
	is(&s, B, KVS_GUEST_WAITED, (const u64[][2]){ { 50, 1000 } }, 1);
}

/* A CPU is idle for as long as the guest says, whatever the host does with the vCPU. */
static void idle_cpu(void **unused)
{
	struct story s;

	begin(&s);
	off(&s, KVS_PART_ASLEEP, 310, 380);
	off(&s, KVS_PART_WAIT, 380, 390);
	change(&s, 100, IDLE, A, false);
	change(&s, 300, A, IDLE, false);
	change(&s, 400, IDLE, B, true);
	change(&s, 500, B, IDLE, false);
	event(&s, (struct kvs_guest_event){ .at = 600, .task = A, .kind = KVS_GUEST_WAKING });
	finish(&s);
	IS(&s, IDLE, KVS_GUEST_IDLE, { 300, 400 }, { 500, 600 });
	is(&s, IDLE, KVS_GUEST_RAN, NULL, 0);
	is(&s, IDLE, KVS_GUEST_WAITED, NULL, 0);
	IS(&s, A, KVS_GUEST_RAN, { 100, 300 });
	for (size_t i = 0; i < s.nr; i++)
		assert_int_equal(s.runs[i].open, s.runs[i].begin == 500);
}

/* What goes on when the trace ends is open. */
static void open_at_the_end(void **unused)
{
	struct story s;
	unsigned int open = 0;

	begin(&s);
	wakeup(&s, 50, B);
	change(&s, 100, IDLE, A, false);
	event(&s, (struct kvs_guest_event){ .at = 500, .task = A, .kind = KVS_GUEST_MARK });
	finish(&s);
	IS(&s, A, KVS_GUEST_RAN, { 100, 500 });
	IS(&s, B, KVS_GUEST_WAITED, { 50, 500 });
	for (size_t i = 0; i < s.nr; i++)
		open += s.runs[i].open;
	assert_int_equal(open, 2);
}

/* Where events are lost, nothing is told until the next switch. */
static void nothing_is_told_across_a_loss(void **unused)
{
	struct story s;

	begin(&s);
	wakeup(&s, 50, B);
	change(&s, 100, IDLE, A, false);
	event(&s, (struct kvs_guest_event){ .at = 200, .kind = KVS_GUEST_LOSS });
	change(&s, 300, B, A, true);
	change(&s, 400, A, B, true);
	finish(&s);
	IS(&s, A, KVS_GUEST_RAN, { 300, 400 });
	IS(&s, B, KVS_GUEST_WAITED, { 300, 400 });
}

/* A line of trace_marker says how late a sleep ended: the time before it, of the writer. */
static void lateness_by_the_tasks_word(void **unused)
{
	struct kvs_guest_event e = { .at = 150, .kind = KVS_GUEST_MARK };
	struct story s;

	begin(&s);
	change(&s, 100, IDLE, A, false);
	kvs_guest_marker(&s.g, &e, "kvmsched late 70\n");
	assert_int_equal(e.kind, KVS_GUEST_TOLD_LATE);
	event(&s, e);
	finish(&s);
	IS(&s, A, KVS_GUEST_LATE, { 80, 150 });
}

/* Whether the vCPU ran before 150 is not known, so nor is whether its task did. */
static void nobody_knows_what_the_host_does_not_tell(void **unused)
{
	struct story s;

	begin(&s);
	s.untold_end = 150;
	change(&s, 100, IDLE, A, false);
	change(&s, 300, A, IDLE, false);
	finish(&s);
	IS(&s, A, KVS_GUEST_RAN, { 150, 300 });
	is(&s, A, KVS_GUEST_WAITED, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantum_in_pieces),
		cmocka_unit_test(one_wait_for_both),
		cmocka_unit_test(starved_vcpu),
		cmocka_unit_test(idle_cpu),
		cmocka_unit_test(open_at_the_end),
		cmocka_unit_test(nothing_is_told_across_a_loss),
		cmocka_unit_test(lateness_by_the_tasks_word),
		cmocka_unit_test(nobody_knows_what_the_host_does_not_tell),
	};

	return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
