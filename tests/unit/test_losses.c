// SPDX-License-Identifier: GPL-2.0-only
/*
 * When records were lost: between two records of their CPU, or at no time that is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/model.h"
#include "picture/losses.h"

#define START	1000
#define STOP	9000

static struct kvs_losses losses;
static struct kvs_model m;
static struct kvs_cpu_loss sums[3];

static int begin(void **unused)
{
	losses = (struct kvs_losses){ 0 };
	m = (struct kvs_model){
		.started = true, .stopped = true, .start_ts = START, .stop_ts = STOP,
		.first_ts = START, .last_ts = STOP, .cpu_loss = sums, .nr_cpu_loss = 3,
	};
	for (unsigned int cpu = 0; cpu < 3; cpu++)
		sums[cpu] = (struct kvs_cpu_loss){ 0 };
	return 0;
}

static int end(void **unused)
{
	kvs_losses_free(&losses);
	return 0;
}

static void record(unsigned int cpu, u64 ts, unsigned int event)
{
	const struct kvs_record rec = { .ts = ts, .cpu = cpu, .event = event };

	kvs_losses_record(&losses, &rec);
}

/* As the model adds them up, too */
static void missed(unsigned int cpu, s64 records)
{
	kvs_losses_missed(&losses, cpu, records);
	if (records < 0)
		sums[cpu].uncounted = true;
	else
		sums[cpu].flagged += records;
}

static void is_loss(unsigned int i, unsigned int cpu, u64 from, u64 to, s64 records, bool last)
{
	const struct kvs_loss *loss = &losses.list[i];

	assert_true(i < losses.nr);
	assert_int_equal(loss->cpu, cpu);
	assert_int_equal(loss->from, from);
	assert_int_equal(loss->to, to);
	assert_int_equal(loss->records, records);
	assert_int_equal(loss->last, last);
}

static void between_two_records_of_the_cpu(void **unused)
{
	record(0, START, KS_EV_session);
	record(0, 2000, KS_EV_exit);
	record(1, 2500, KS_EV_exit);
	missed(0, 70);
	record(0, 3000, KS_EV_exit);
	record(0, 4000, KS_EV_exit);
	kvs_losses_finish(&losses, &m);
	assert_int_equal(losses.nr, 1);
	is_loss(0, 0, 2000, 3000, 70, false);
	assert_int_equal(losses.list[0].times, 1);
}

/* The closing records tell of more than the flags of pages. */
static void after_the_last_one_nobody_knows_when(void **unused)
{
	record(2, 2000, KS_EV_exit);
	missed(2, 70);
	record(2, 3000, KS_EV_exit);
	sums[2].closing = 93;
	record(2, STOP - 5, KS_EV_lost);
	record(2, STOP, KS_EV_session);
	kvs_losses_finish(&losses, &m);
	assert_int_equal(losses.nr, 2);
	is_loss(0, 2, 2000, 3000, 70, false);
	is_loss(1, 2, 3000, STOP, 23, true);
}

static void a_cpu_without_a_record_may_have_lost_them_at_any_time(void **unused)
{
	sums[1].closing = 5;
	record(1, START, KS_EV_session);
	record(1, STOP, KS_EV_lost);
	kvs_losses_finish(&losses, &m);
	assert_int_equal(losses.nr, 1);
	is_loss(0, 1, START, STOP, 5, true);
}

static void what_nobody_counted_has_no_number(void **unused)
{
	record(0, 2000, KS_EV_exit);
	missed(0, 7);
	missed(0, -1);
	record(0, 3000, KS_EV_exit);
	sums[0].closing = 50;	/* they may all have been lost there */
	kvs_losses_finish(&losses, &m);
	assert_int_equal(losses.nr, 1);
	is_loss(0, 0, 2000, 3000, -1, false);
}

/* The file ends behind the flag: the page that it belongs to has no record. */
static void before_no_record(void **unused)
{
	record(0, 2000, KS_EV_exit);
	missed(0, 7);
	kvs_losses_finish(&losses, &m);
	assert_int_equal(losses.nr, 1);
	is_loss(0, 0, 2000, STOP, 7, true);
}

/* A file with a loss at each page has a list that a page can hold, and loses none. */
static void many_losses_are_put_together(void **unused)
{
	s64 sum = 0;

	for (unsigned int i = 0; i < 5000; i++) {
		missed(i % 2, 1);
		record(i % 2, START + i, KS_EV_exit);
	}
	sums[1].closing = 2500 + 11;
	kvs_losses_finish(&losses, &m);
	assert_in_range(losses.nr, 2, 1100);
	for (unsigned int i = 0; i < losses.nr; i++)
		sum += losses.list[i].records;
	assert_int_equal(sum, 5000 + 11);
	is_loss(losses.nr - 1, 1, START + 4999, STOP, 11, true);
	assert_int_equal(losses.list[losses.nr - 2].to, START + 4999);
	assert_true(losses.list[losses.nr - 2].times > 1000);
}

int main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(between_two_records_of_the_cpu),
		TEST(after_the_last_one_nobody_knows_when),
		TEST(a_cpu_without_a_record_may_have_lost_them_at_any_time),
		TEST(what_nobody_counted_has_no_number),
		TEST(before_no_record),
		TEST(many_losses_are_put_together),
	};

	return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
