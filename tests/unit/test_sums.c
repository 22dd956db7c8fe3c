// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sums are sums: three vCPUs lead random lives on two CPUs, with losses, late records
 * and records that contradict each other; then the rows of each table are summed again.
 * One cycle, one ns and one unit of time are the same here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/summary.h"
#include "report/report.h"
#include "report/view.h"
#include "feed.h"

#define VCPUS	3
#define CPUS	2
#define STATES	KVMSCHED_NR_STATES

enum life { IN_GUEST, WAITS, SLEEPS, IN_USERSPACE };

/* What is true of a vCPU while its records are made up */
struct vcpu {
	enum life life;
	s32 tid;
	u16 cpu;
	u64 since;		/* when that began */
	u8 kind;		/* of the last switch out */
	bool loaded;
};

static struct kvs_model m;
static struct vcpu vcpus[VCPUS];
static u64 now;
static unsigned int tasks;	/* of how many tasks the host's others are */
static u64 waits[VCPUS];	/* all waits that were handed over */
static u64 irq_waits;		/* moments of interrupts with waits in them */

#define RECORD_OF(tid, on, name, ...)	FEED(&m, now, on, tid, name, __VA_ARGS__)
#define RECORD(v, name, ...)						\
	RECORD_OF((v)->tid, (v)->cpu, name, .vm = 1, .vcpu = (v) - vcpus, ##__VA_ARGS__)

static u64 upto(u64 most)
{
	return 1 + rand() % most;
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	const struct kvs_shares *shares;
	u64 top = 0;

	if (span->kind == KVS_SPAN_IRQ) {
		struct kvs_shares irq;

		kvs_culprits_shares(&span->irq.vector->trail.culprits, &irq);
		assert_true(irq.all <= span->end - span->begin);
		irq_waits += !!irq.all;
		return;
	}
	shares = &span->wait->shares;
	for (unsigned int i = 0; i < shares->nr; i++) {
		top += shares->top[i].time;
		if (i)
			assert_true(shares->top[i - 1].time >= shares->top[i].time ||
				    kvs_is_others(&shares->top[i].who));
	}
	assert_true(top <= shares->all);
	assert_int_equal(shares->all, span->length);
	waits[span->vcpu->index] += span->length;
}

static void begin(unsigned int seed)
{
	srand(seed);
	tasks = seed % 2 ? 200 : 8;
	now = 1000;
	irq_waits = 0;
	memset(waits, 0, sizeof(waits));
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	kvs_sinks_add(&m.sinks, KVS_SPAN_BIT(WAIT) | KVS_SPAN_BIT(IRQ), take_span, NULL);
	RECORD_OF(1, 0, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
		  .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL);
	for (unsigned int i = 0; i < VCPUS; i++) {
		struct vcpu *v = &vcpus[i];

		*v = (struct vcpu){ .tid = 100 + i, .cpu = i % CPUS, .life = IN_GUEST };
		now += upto(50);
		RECORD(v, vcpu, .tgid = 90);
		RECORD(v, load);
	}
}

static void exits(struct vcpu *v, u8 how)
{
	u64 host = upto(30);

	now += host;
	RECORD(v, exit, .reason = 0x60 + rand() % 8, .guest_cycles = upto(40),
	       .host_cycles = host, .flags = how);
}

static void leaves_cpu(struct vcpu *v)
{
	static const u8 kinds[] = {
		KS_SWITCH_PREEMPTED, KS_SWITCH_PREEMPTED, KS_SWITCH_ABORTED,
		KS_SWITCH_HALTED, KS_SWITCH_BLOCKED,
	};

	v->kind = kinds[rand() % 5];
	v->loaded = v->life == IN_GUEST;
	if (v->loaded && rand() % 4)
		exits(v, KS_EXIT_BY_SWITCH);
	RECORD(v, switch_out, .kind = v->kind, .loaded = v->loaded,
	       .next_pid = rand() % tasks, .next_comm = "next");
	v->since = now;
	v->life = v->kind == KS_SWITCH_HALTED || v->kind == KS_SWITCH_BLOCKED ? SLEEPS : WAITS;
}

/* Anybody's interrupt, or softirq, on a CPU; it may begin before what goes on. */
static void interrupts(u16 cpu, s32 tid)
{
	static const char *const names[] = { "eth0", "local_timer", "TIMER" };
	unsigned int which = rand() % 3;
	struct kvs_record rec = {
		.ts = now, .event = KS_EV_host_irq, .cpu = cpu,
		.host_irq = { .cycles = upto(40),
			      .kind = which == 2 ? KS_HOST_IRQ_SOFTIRQ : KS_HOST_IRQ_DEVICE },
	};

	rec.ent.pid = tid;
	strcpy(rec.host_irq.name, names[which]);
	kvs_model_record(&m, &rec);
}

/* It gets its CPU some time before its switch in is told. */
static void gets_cpu(struct vcpu *v)
{
	u64 got = now;

	if (rand() % 2)
		RECORD_OF(7, v->cpu, holder, .pid = v->tid, .comm = "vcpu");
	for (unsigned int i = rand() % 12; i; i--) {
		now += upto(9);
		interrupts(v->cpu, rand() % 2 ? v->tid : 7);
		if (rand() % 4 == 0)
			RECORD_OF(7, v->cpu, holder, .pid = rand() % tasks, .comm = "a");
	}
	RECORD(v, switch_in, .kind = v->kind, .from_cpu = v->cpu,
	       .off_cycles = rand() % 20 ? got - v->since : upto(50),
	       .wait_ns = upto(30));
	v->life = v->loaded ? IN_GUEST : IN_USERSPACE;
	if (v->loaded)
		RECORD(v, entry);
}

static void runs_in_guest(struct vcpu *v)
{
	switch (rand() % 4) {
	case 0:
		exits(v, KS_EXIT_BY_PUT);
		RECORD(v, put);
		v->life = IN_USERSPACE;
		break;
	case 1:
		RECORD(v, irq_inject, .vector = 0x30 + rand() % 3);
		exits(v, KS_EXIT_BY_ENTRY);
		break;
	case 2:
		leaves_cpu(v);
		break;
	default:
		exits(v, KS_EXIT_BY_ENTRY);
	}
}

static void waits_on(struct vcpu *v)
{
	u16 to = rand() % CPUS;

	if (v->life == WAITS && rand() % 8 == 0 && to != v->cpu) {
		RECORD_OF(7, v->cpu, migrate, .vm = 1, .vcpu = v - vcpus, .cpu = to,
			  .from_cpu = v->cpu, .holder_pid = rand() % tasks, .holder_comm = "b");
		v->cpu = to;
	} else if (v->life == SLEEPS && rand() % 2) {
		RECORD_OF(7, v->cpu, wake, .vm = 1, .vcpu = v - vcpus, .cpu = v->cpu,
			  .holder_pid = rand() % tasks, .holder_comm = "c");
		v->life = WAITS;
	} else if (rand() % 3 == 0) {
		gets_cpu(v);
	}
}

static void step(void)
{
	struct vcpu *v = &vcpus[rand() % VCPUS];

	now += upto(60);
	/* Once in a while the clock goes back, as in a damaged file. */
	if (rand() % 500 == 0)
		now -= upto(200);
	switch (rand() % 12) {
	case 0:
		RECORD_OF(7, rand() % CPUS, holder, .pid = rand() % tasks, .comm = "d");
		return;
	case 1:
		interrupts(rand() % CPUS, 7);
		return;
	case 2:
		RECORD_OF(7, 0, irq_accept, .vm = 1, .vcpu = v - vcpus,
			  .vector = 0x30 + rand() % 3);
		return;
	case 3:
		if (rand() % 40 == 0)
			kvs_model_missed(&m, rand() % CPUS, 3);
		return;
	}
	if (v->life == IN_GUEST) {
		runs_in_guest(v);
	} else if (v->life == IN_USERSPACE) {
		if (rand() % 4 == 0) {
			leaves_cpu(v);
			return;
		}
		RECORD(v, load);
		RECORD(v, entry);
		v->life = IN_GUEST;
	} else {
		waits_on(v);
	}
}

static void live(unsigned int seed)
{
	begin(seed);
	for (unsigned int i = 0; i < 20000; i++)
		step();
	RECORD_OF(1, 0, session, .op = KS_SESSION_STOP);
	kvs_model_finish(&m);
}

static void check_ledger(const struct kvs_vcpu *v)
{
	const u64 *states = v->ledger.states;
	u64 sum = 0;

	for (unsigned int i = 0; i < STATES; i++)
		sum += states[i];
	assert_int_equal(sum, kvs_ledger_wall(&v->ledger));
	assert_int_equal(kvs_ledger_residual(&v->ledger), 0);
}

static void check_thieves(const struct kvs_vcpu *v)
{
	const u64 *states = v->ledger.states;
	u64 sum = 0;

	for (unsigned int i = 0; i < v->waiter.nr; i++) {
		assert_true(v->waiter.thieves[i].max <= v->waiter.thieves[i].time);
		sum += v->waiter.thieves[i].time;
	}
	assert_int_equal(sum, states[KVMSCHED_STATE_WAIT_PREEMPTED] +
			      states[KVMSCHED_STATE_WAIT_WOKEN]);
	assert_true(waits[v->index] && waits[v->index] <= sum);
}

static void check_counts(const struct kvs_vcpu *v)
{
	u64 exits = 0, ended = 0, out[KVS_SWITCH_KINDS] = { 0 };

	for (unsigned int i = 0; i < v->nr_exits; i++) {
		exits += v->exits[i].count;
		for (unsigned int end = 0; end < KVS_EXIT_ENDS; end++)
			ended += v->exits[i].ended[end];
	}
	assert_int_equal(exits, v->exit_count);
	assert_int_equal(ended, exits);
	for (unsigned int i = 0; i < v->sw.nr_takers; i++)
		for (unsigned int kind = 0; kind < KVS_SWITCH_KINDS; kind++)
			out[kind] += v->sw.takers[i].count[kind];
	assert_memory_equal(out, v->sw.out, sizeof(out));
}

/* Hundredths, as "12.34" or "12.34%" */
static unsigned long long hundredths(const char *text)
{
	unsigned long long whole, part;

	assert_int_equal(sscanf(text, "%llu.%2llu", &whole, &part), 2);
	return 100 * whole + part;
}

/* The cells of a printed row that sum: pieces, wait and share, which are before a % */
static bool read_row(char *line, unsigned long long cells[3])
{
	char *words[64] = { NULL };
	unsigned int n = 0;

	for (char *w = strtok(line, " \n"); w && n < 64; w = strtok(NULL, " \n"))
		words[n++] = w;
	for (unsigned int i = 2; i < n; i++) {
		if (words[i][strlen(words[i]) - 1] != '%')
			continue;
		cells[0] = strtoull(words[i - 2], NULL, 10);
		cells[1] = hundredths(words[i - 1]);
		cells[2] = hundredths(words[i]);
		return true;
	}
	return false;
}

/* Each row "=" is what the rows above it sum to, to the last digit. */
static void check_printed(FILE *f)
{
	unsigned long long sums[3] = { 0 }, cells[3];
	unsigned int totals = 0;
	char line[512];

	while (fgets(line, sizeof(line), f)) {
		bool total = strstr(line, " = ");

		if (!read_row(line, cells))
			continue;
		if (!total) {
			for (unsigned int i = 0; i < 3; i++)
				sums[i] += cells[i];
			continue;
		}
		totals++;
		assert_memory_equal(sums, cells, sizeof(sums));
		assert_int_equal(cells[2], 10000);
		memset(sums, 0, sizeof(sums));
	}
	assert_int_equal(totals, VCPUS);
}

static void check_report(void)
{
	static const struct kvs_trace_info info = { .clock = KVS_CLOCK_NS, .version = 6 };
	struct kvs_view view = {
		.path = "lives.dat", .info = &info, .model = &m,
		.select = { .vm = { .pid = -1, .index = -1 }, .vcpu = -1 },
	};
	int saved = dup(STDOUT_FILENO);
	FILE *f = tmpfile();

	assert_non_null(f);
	kvs_view_init(&view);
	fflush(stdout);
	assert_return_code(dup2(fileno(f), STDOUT_FILENO), 0);
	kvs_report_thieves.text(&view);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(f);
	check_printed(f);
	fclose(f);
	kvs_view_free(&view);
}

static void rows_are_their_sum(void **unused)
{
	u64 with_waits = 0;

	for (unsigned int seed = 1; seed <= 20; seed++) {
		live(seed);
		for (unsigned int i = 0; i < VCPUS; i++) {
			check_ledger(m.vcpus[i]);
			check_thieves(m.vcpus[i]);
			check_counts(m.vcpus[i]);
		}
		check_report();
		with_waits += irq_waits;
		kvs_model_free(&m);
	}
	assert_true(with_waits > 100);
}

/* More culprits than the table has rows: the whole is the same, and the largest is named. */
static void culprits_beyond_the_table(void **unused)
{
	struct kvs_culprits c = { 0 };
	struct kvs_holder who = { .kind = KVS_THIEF_TASK };
	struct kvs_shares shares;
	u64 sum = 0;

	for (s32 pid = 1; pid <= 1000; pid++) {
		who.pid = pid;
		kvs_culprits_add(&c, &who, 10 + pid % 7);
		sum += 10 + pid % 7;
	}
	assert_int_equal(c.nr, KVS_CULPRITS);
	/* One that comes late, and takes more than any of them */
	who.pid = 5000;
	for (unsigned int i = 0; i < 3; i++)
		kvs_culprits_add(&c, &who, 50);
	kvs_culprits_shares(&c, &shares);
	assert_int_equal(c.nr, KVS_CULPRITS);
	assert_int_equal(shares.all, sum + 150);
	assert_int_equal(shares.top[0].who.pid, 5000);
	assert_int_equal(shares.top[0].time, 150);
	assert_int_equal(shares.nr, KVS_SHARES);
	assert_false(kvs_is_others(&shares.top[2].who));
	sum = 0;
	for (unsigned int i = 0; i < c.nr; i++)
		sum += c.rows[i].time;
	assert_int_equal(sum, shares.all);
	kvs_culprits_clear(&c);
	kvs_culprits_shares(&c, &shares);
	assert_int_equal(shares.all, 0);
	assert_int_equal(shares.top[0].who.pid, -1);
	kvs_culprits_free(&c);
}

/* A culprit has all its pieces together, whatever came between them. */
static void pieces_of_one_culprit_are_one_part(void **unused)
{
	struct kvs_holder who = { .kind = KVS_THIEF_TASK, .pid = 7, .cpu = 1 };
	struct kvs_culprits c = { 0 };
	struct kvs_shares shares;

	for (unsigned int i = 1; i <= 100; i++) {
		who.pid = 7;
		who.cpu = i % 2;
		kvs_culprits_add(&c, &who, 5 + i % 2);
		who.pid = 1000 + i;
		kvs_culprits_add(&c, &who, 50);
	}
	kvs_culprits_shares(&c, &shares);
	assert_int_equal(shares.top[0].who.pid, 7);
	assert_int_equal(shares.top[0].time, 550);
	assert_int_equal(shares.top[0].who.cpu, 1);	/* of the longest piece */
	assert_int_equal(shares.all, 550 + 5000);
	kvs_culprits_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_their_sum),
		cmocka_unit_test(culprits_beyond_the_table),
		cmocka_unit_test(pieces_of_one_culprit_are_one_part),
	};

	return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
