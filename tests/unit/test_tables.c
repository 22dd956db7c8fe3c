// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is printed of random lives is read again, and the parts of each table are summed:
 * they are its whole to the last digit.  The file's clock is a TSC of 2.7 GHz, so every
 * time is rounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/util.h"
#include "model/alike.h"
#include "model/clock.h"
#include "model/details.h"
#include "model/io.h"
#include "model/model.h"
#include "model/summary.h"
#include "model/worst.h"
#include "report/report.h"
#include "report/view.h"
#include "lives.h"
#include "printed.h"
#include "printed_rows.h"

#define TSC_MULT	1594000000U	/* 0.3711 ns for a cycle */
#define TSC_SHIFT	32
#define MOMENTS		2000
#define TOP		4		/* fewer than there are: the others are in one row */
#define WHOLE		10000		/* 100.00 % */

static const struct kvs_trace_info info = {
	.clock = KVS_CLOCK_TSC, .version = 6, .tsc_mult = TSC_MULT, .tsc_shift = TSC_SHIFT,
};
static struct kvs_model m;
static struct kvs_worst worst;
static struct kvs_alike alike;
static struct kvs_details details;
static struct kvs_io io;
static struct kvs_view view;
static u64 waited[LIVES_VCPUS], waits;	/* by the spans; how many took time */

static void take_wait(void *ctx, const struct kvs_span *span)
{
	waited[span->vcpu->index] += span->length;
	waits += !!span->length;
}

static void live(unsigned int seed)
{
	kvs_model_init(&m);
	kvs_model_clock(&m, false, TSC_MULT, TSC_SHIFT);
	kvs_summary_listen(&m);
	kvs_worst_init(&worst, MOMENTS, (1U << KVS_MOMENT_KINDS) - 1);
	kvs_worst_listen(&worst, &m);
	kvs_alike_init(&alike, (1U << KVS_MOMENT_KINDS) - 1);
	kvs_alike_listen(&alike, &m);
	kvs_details_init(&details);
	kvs_details_listen(&details, &m);
	kvs_io_init(&io);
	kvs_io_listen(&io, &m);
	kvs_sinks_add(&m.sinks, KVS_SPAN_BIT(WAIT), take_wait, NULL);
	memset(waited, 0, sizeof(waited));
	waits = 0;
	lives_live(&m, seed);
	kvs_io_finish(&io);
	kvs_worst_sort(&worst);
	view = (struct kvs_view){
		.path = "lives.dat", .info = &info, .model = &m, .worst = &worst,
		.alike = &alike, .each = true, .details = &details, .io = &io, .top = TOP,
		.select = { .vm = KVS_ANY_VM, .vcpu = -1 },
	};
	kvs_view_init(&view);
}

static void forget(void)
{
	kvs_view_free(&view);
	kvs_worst_free(&worst);
	kvs_alike_free(&alike);
	kvs_details_free(&details);
	kvs_io_free(&io);
	kvs_model_free(&m);
}

/* --- The whole report ----------------------------------------------------- */

struct sums {
	u64 count;		/* the words before the first percentages */
	u64 shares[WORDS];
	unsigned int rows, nr_shares;
};

static void add_row(struct sums *sums, const struct row *row)
{
	sums->rows++;
	sums->nr_shares = row->nr_shares;
	sums->count += strtoull(row->words[row->shares[0] - 1], NULL, 10);
	for (unsigned int i = 0; i < row->nr_shares; i++)
		sums->shares[i] += hundredths(row->words[row->shares[i]]);
}

static void expect_table(const struct sums *sums, u64 count, unsigned int columns)
{
	assert_true(sums->rows > 1);
	assert_int_equal(sums->nr_shares, columns);
	assert_int_equal(sums->count, count);
	for (unsigned int i = 0; i < columns; i++)
		assert_int_equal(sums->shares[i], WHOLE);
}

static void expect_ledger_row(const struct row *row)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < row->nr_shares; i++)
		sum += hundredths(row->words[row->shares[i]]);
	assert_int_equal(row->nr_shares, KVMSCHED_NR_STATES);
	assert_int_equal(sum, WHOLE);
}

static void check_report(void)
{
	struct sums exits = { 0 }, switches = { 0 }, users = { 0 }, *table = NULL;
	u64 returns = 0, ledgers = 0;
	char line[LINE];
	struct row row;
	FILE *f = begin_print();

	kvs_print_text(&view, false);
	end_print(f);
	for (bool in_ledger = false; fgets(line, sizeof(line), f);) {
		if (*line == '\n') {
			table = NULL;
			in_ledger = false;
		}
		table = !strncmp(line, "Exits:", 6) ? &exits :
			!strncmp(line, "Switches:", 9) ? &switches :
			!strncmp(line, "Returns to", 10) ? &users : table;
		in_ledger |= !strncmp(line, "Ledger:", 7);
		split_row(&row, line);
		if (!row.nr_shares)
			continue;
		if (in_ledger)
			expect_ledger_row(&row);
		else if (table)
			add_row(table, &row);
		ledgers += in_ledger;
	}
	fclose(f);
	for (unsigned int i = 0; i < view.total->nr_users; i++)
		returns += view.total->users[i].count;
	assert_int_equal(ledgers, LIVES_VCPUS);
	expect_table(&exits, view.total->exit_count, 2);
	expect_table(&switches, kvs_switches(view.total), 1);
	expect_table(&users, returns, 1);
}

/* --- Thieves and causes --------------------------------------------------- */

/* Each row "=" is what the rows above it sum to: pieces, wait and share. */
static void check_thieves(void)
{
	u64 sums[3] = { 0 }, cells[3];
	unsigned int totals = 0;
	char line[LINE];
	struct row row;
	FILE *f = begin_print();

	kvs_report_thieves.text(&view);
	end_print(f);
	while (fgets(line, sizeof(line), f)) {
		split_row(&row, line);
		if (!row.nr_shares)
			continue;
		cells[0] = strtoull(row.words[row.shares[0] - 2], NULL, 10);
		cells[1] = hundredths(row.words[row.shares[0] - 1]);
		cells[2] = hundredths(row.words[row.shares[0]]);
		if (!strstr(line, " = ")) {
			for (unsigned int i = 0; i < 3; i++)
				sums[i] += cells[i];
			continue;
		}
		totals++;
		assert_memory_equal(sums, cells, sizeof(sums));
		assert_int_equal(cells[2], WHOLE);
		memset(sums, 0, sizeof(sums));
	}
	fclose(f);
	assert_int_equal(totals, LIVES_VCPUS);
}

static void check_causes(void)
{
	u64 shares[LIVES_VCPUS] = { 0 }, times[LIVES_VCPUS] = { 0 };
	char line[LINE];
	struct row row;
	FILE *f = begin_print();

	kvs_report_timers.text(&view);
	end_print(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long vcpu;

		split_row(&row, line);
		if (!row.nr_shares)
			continue;
		vcpu = strtoul(row.words[1], NULL, 10);
		assert_true(vcpu < LIVES_VCPUS);
		times[vcpu] += hundredths(row.words[row.shares[0] - 1]);
		shares[vcpu] += hundredths(row.words[row.shares[0]]);
	}
	fclose(f);
	for (unsigned int i = 0; i < LIVES_VCPUS; i++) {
		const struct kvs_vcpu *v = m.vcpus[i];
		u64 late = v->timer.deadline_to_inject_ts.above.sum;

		assert_int_equal(shares[v->id], WHOLE);
		assert_int_equal(times[v->id], (kvs_scale(&view.times.ts, late) + 5) / 10);
	}
}

/* --- The worst moments ---------------------------------------------------- */

/* "... for 0.040 of 0.100 ms; 0.035 ms: ...; 0.025 ms: others" */
static bool check_sentence(const char *line)
{
	const char *of = strstr(line, " of ");
	u64 sum, whole;

	if (!of || !strchr("0123456789", of[4]))
		return false;
	whole = thousandths(of + 4);
	while (of[-1] != ' ')
		of--;
	sum = thousandths(of);
	for (const char *part = line; (part = strstr(part, " ms: ")); part++) {
		const char *at = part;

		while (at[-1] != ' ')
			at--;
		/* " ms: it had to wake up" is no part. */
		if (at[-2] == ';')
			sum += thousandths(at);
	}
	assert_int_equal(sum, whole);
	return true;
}

/* The next line, and those that it goes on in: they begin with five spaces. */
static bool read_text(FILE *f, char *text, size_t size)
{
	char next[LINE];
	long at;

	if (!fgets(text, size, f))
		return false;
	for (at = ftell(f); fgets(next, sizeof(next), f) && strspn(next, " ") == 5; at = ftell(f)) {
		text[strcspn(text, "\n")] = '\0';
		assert_true(strlen(text) + strlen(next) < size);
		strcat(text, next + 4);
	}
	fseek(f, at, SEEK_SET);
	return true;
}

static void check_worst(void)
{
	u64 late = 0, causes = 0, shared = 0, caused = 0;
	char line[4 * LINE];
	FILE *f = begin_print();

	kvs_report_worst.text(&view);
	end_print(f);
	while (read_text(f, line, sizeof(line))) {
		const char *injected = strstr(line, " injected ");

		if (strstr(line, " vm ")) {
			assert_int_equal(causes, late);
			caused += !!late;
			late = injected ? thousandths(injected + 10) : 0;
			causes = 0;
			shared += check_sentence(line);
		} else if (!strncmp(line, "       ", 7)) {
			const char *ms = strstr(line, " ms\n");

			while (ms[-1] != ' ')
				ms--;
			causes += thousandths(ms);
		}
	}
	fclose(f);
	assert_int_equal(causes, late);
	assert_true(caused > 100 && shared > 100);
}

/* Alike ones in one row: nothing of the waits is left out, or is in two of them. */
static void check_groups(void)
{
	struct kvs_group *groups;
	u64 sum = 0, count = 0, all = 0;
	unsigned int nr;

	groups = kvs_view_groups(&view, &nr);
	for (unsigned int i = 0; i < nr; i++) {
		if (groups[i].worst.kind != KVS_MOMENT_WAIT)
			continue;
		sum += groups[i].sum;
		count += groups[i].count;
	}
	free(groups);
	for (unsigned int i = 0; i < LIVES_VCPUS; i++)
		all += waited[i];
	assert_int_equal(sum, all);
	assert_int_equal(count, waits);
}

/* --- What exits were for -------------------------------------------------- */

/* Times in hundredths of microseconds, shares in those of a percent */
static void add_detail(u64 sums[4], const struct row *row)
{
	const unsigned int *share = row->shares;

	sums[0] += strtoull(row->words[share[0] - 1], NULL, 10);
	sums[1] += hundredths(row->words[share[0]]);
	if (row->nr_shares < 2)
		return;
	sums[2] += hundredths(row->words[share[1] - 1]);
	sums[3] += hundredths(row->words[share[1]]);
}

static void check_details(void)
{
	unsigned int totals = 0, rows = 0;
	u64 sums[4] = { 0 };
	char line[LINE];
	struct row row;
	FILE *f;

	view.by = (1U << KVS_DETAIL_KINDS) - 1;
	f = print_report(&view, &kvs_report_exits);
	view.by = 0;
	while (fgets(line, sizeof(line), f)) {
		u64 all[4] = { 0 };

		split_row(&row, line);
		if (!row.nr_shares)
			continue;
		if (strncmp(line, "= all", 5)) {
			add_detail(sums, &row);
			rows++;
			continue;
		}
		add_detail(all, &row);
		assert_memory_equal(sums, all, sizeof(sums));
		assert_int_equal(all[1], WHOLE);
		assert_int_equal(rows, TOP + 1);
		memset(sums, 0, sizeof(sums));
		rows = 0;
		totals++;
	}
	fclose(f);
	assert_int_equal(totals, KVS_DETAIL_KINDS);
}

/* --- Interrupts, and guest I/O -------------------------------------------- */

/*
 * Adds the column that is so many cells before a row's end, over the rows of one table:
 * from the line that begins with @title to the next empty line.
 */
static u64 column_of(FILE *f, const char *title, unsigned int from_end)
{
	bool in_table = false;
	char line[LINE];
	struct row row;
	u64 sum = 0;

	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		in_table = *line != '\n' && (in_table || !strncmp(line, title, strlen(title)));
		split_row(&row, line);
		/* No rows: the title, the headings and remarks, which end with words. */
		if (in_table && row.nr > from_end &&
		    strchr("-0123456789", *row.words[row.nr - 1]))
			sum += strtoull(row.words[row.nr - from_end], NULL, 10);
	}
	return sum;
}

static void check_irqs(void)
{
	FILE *f = print_report(&view, &kvs_report_irqs), *host = begin_print();
	u64 accepted = 0, merged = 0, count = 0, ended = 0;

	kvs_print_text(&view, true);
	end_print(host);
	for (unsigned int i = 0; i < LIVES_VCPUS * KVS_VECTORS; i++) {
		const struct kvs_vector_stats *s = m.vcpus[i / KVS_VECTORS]->vector[i % KVS_VECTORS];

		accepted += s ? s->accepted : 0;
		merged += s ? s->merged : 0;
	}
	assert_true(accepted > 500 && merged > 50);
	assert_int_equal(column_of(f, "Who sent them", 8), accepted);
	assert_int_equal(column_of(f, "Who sent them", 7), merged);
	count = column_of(f, "Host interrupts", 6);
	ended = column_of(f, "Host interrupts", 7);
	assert_true(count > 500);
	assert_int_equal(column_of(host, "Host interrupts and softirqs served on a vCPU", 7), count);
	assert_int_equal(column_of(host, "Host interrupts and softirqs served on a vCPU", 6), ended);
	fclose(f);
	fclose(host);
}

static void check_io(void)
{
	FILE *f;
	u64 sum = 0;

	view.top = 1000;
	f = print_report(&view, &kvs_report_io);
	view.top = TOP;
	for (unsigned int taker = 10; taker <= 12; taker++)
		sum += column_of(f, "Guest I/O", taker);
	assert_true(sum > 100);
	assert_int_equal(column_of(f, "Guest I/O", 13), sum);
	sum = 0;
	for (unsigned int how = 1; how <= 5; how++)
		sum += column_of(f, "Requests", how);
	assert_true(sum > 10);
	assert_int_equal(column_of(f, "Requests", 6), sum);
	fclose(f);
}

/* All that the ledger has as a wait is told or not, and CPUs idle within what is. */
static void check_idle(void)
{
	u64 time = 0;

	for (unsigned int i = 0; i < LIVES_VCPUS; i++) {
		const struct kvs_idle_sum *sum = &m.vcpus[i]->waiter.idle.sum;

		const u64 *states = m.vcpus[i]->ledger.states;

		assert_int_equal(sum->waited + sum->unknown,
				 states[KVMSCHED_STATE_WAIT_PREEMPTED] +
				 states[KVMSCHED_STATE_WAIT_WOKEN]);
		assert_true(sum->time <= sum->waited);
		time += sum->time;
	}
	assert_true(time > 0);
}

/* --- JSON ----------------------------------------------------------------- */

static json_int_t number(const json_t *o, const char *key)
{
	json_t *value = json_object_get(o, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static json_t *read_json(bool (*print)(const struct kvs_view *view))
{
	FILE *f = begin_print();
	json_t *o;
	bool done = print(&view);

	end_print(f);
	assert_true(done);
	o = json_loadf(f, 0, NULL);
	assert_non_null(o);
	fclose(f);
	return o;
}

static json_int_t sum_of(json_t *array, const char *key)
{
	json_int_t sum = 0;
	json_t *entry;
	size_t i;

	json_array_foreach(array, i, entry)
		sum += number(entry, key);
	return sum;
}

static void check_json(void)
{
	json_t *o = read_json(kvs_print_json), *vcpu, *value;
	const char *key;
	size_t i;

	json_array_foreach(json_object_get(o, "vcpus"), i, vcpu) {
		json_t *states = json_object_get(vcpu, "states_ns");
		json_int_t sum = 0;

		json_object_foreach(states, key, value)
			sum += json_integer_value(value);
		assert_int_equal(sum, number(vcpu, "wall_ns"));
		assert_int_equal(number(vcpu, "residual_ns"), 0);
		assert_int_equal(sum_of(json_object_get(vcpu, "thieves"), "ns"),
				 number(states, "wait_preempted") + number(states, "wait_woken"));
		assert_int_equal(sum_of(json_object_get(vcpu, "exits"), "count"),
				 number(vcpu, "exit_count"));
	}
	assert_int_equal(i, LIVES_VCPUS);
	json_decref(o);
}

static void check_json_worst(void)
{
	json_t *o = read_json(kvs_print_json_worst), *moment, *value;
	unsigned int caused = 0, shared = 0;
	const char *key;
	size_t i;

	json_array_foreach(json_object_get(o, "worst"), i, moment) {
		json_t *thieves = json_object_get(moment, "thieves");
		json_int_t sum = 0;

		json_object_foreach(json_object_get(moment, "causes_ns"), key, value)
			sum += json_integer_value(value);
		if (!json_is_null(json_object_get(moment, "cause"))) {
			assert_int_equal(sum, number(moment, "ns"));
			caused++;
		}
		if (json_is_null(thieves))
			continue;
		assert_int_equal(sum_of(json_object_get(thieves, "largest"), "ns") +
				 number(thieves, "others_ns"), number(thieves, "waited_ns"));
		shared++;
	}
	assert_true(caused > 100 && shared > 100);
	json_decref(o);
}

static void tables_sum_to_their_whole(void **unused)
{
	for (unsigned int seed = 1; seed <= 10; seed++) {
		live(seed);
		check_report();
		check_thieves();
		check_causes();
		check_worst();
		check_groups();
		check_details();
		check_irqs();
		check_io();
		check_idle();
		check_json();
		check_json_worst();
		forget();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_sum_to_their_whole),
	};

	/* Each table in one piece */
	setenv("COLUMNS", "1000", 1);
	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
