// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moments that are alike, against a table that the test fills itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "model/alike.h"

#define VCPUS		3
#define CULPRITS	5
#define ROUNDS		20000

static struct kvs_vcpu vcpus[VCPUS];

static bool any(const void *ctx, const struct kvs_vcpu *v)
{
	return !ctx || ctx == v;
}

static struct kvs_moment wait_for(unsigned int vcpu, int pid, uint64_t begin, uint64_t length)
{
	struct kvs_moment moment = {
		.kind = KVS_MOMENT_WAIT, .vcpu = &vcpus[vcpu], .length = length,
		.begin = begin, .end = begin + length,
		.thief = { .kind = KVS_THIEF_TASK, .pid = pid, .comm = "spin" },
		.thief_time = length,
	};

	return moment;
}

static void sums_are_those_of_the_moments(void **unused)
{
	struct {
		uint64_t count, sum, worst, first, last;
	} truth[CULPRITS] = { 0 };
	struct kvs_alike alike;
	struct kvs_group *groups;
	unsigned int nr;

	srandom(1);
	kvs_alike_init(&alike, 1 << KVS_MOMENT_WAIT);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		unsigned int culprit = random() % CULPRITS;
		uint64_t length = 1 + random() % 1000000;
		struct kvs_moment m = wait_for(random() % VCPUS, 100 + culprit, i, length);

		kvs_alike_add(&alike, &m);
		truth[culprit].count++;
		truth[culprit].sum += length;
		if (length > truth[culprit].worst)
			truth[culprit].worst = length;
		if (!truth[culprit].first)
			truth[culprit].first = i;
		truth[culprit].last = i;
	}
	groups = kvs_alike_sum(&alike, any, NULL, &nr);
	assert_int_equal(nr, CULPRITS);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int culprit = groups[i].worst.thief.pid - 100;

		assert_int_equal(groups[i].count, truth[culprit].count);
		assert_int_equal(groups[i].sum, truth[culprit].sum);
		assert_int_equal(groups[i].worst.length, truth[culprit].worst);
		assert_int_equal(groups[i].first, truth[culprit].first);
		assert_int_equal(groups[i].last, truth[culprit].last);
		assert_true(!i || groups[i].worst.length <= groups[i - 1].worst.length);
	}
	free(groups);
	kvs_alike_free(&alike);
}

static void one_vcpu_alone(void **unused)
{
	struct kvs_moment m = wait_for(0, 100, 10, 7), n = wait_for(1, 100, 5, 9);
	struct kvs_alike alike;
	struct kvs_group *groups;
	unsigned int nr;

	kvs_alike_init(&alike, 1 << KVS_MOMENT_WAIT);
	kvs_alike_add(&alike, &m);
	kvs_alike_add(&alike, &n);
	groups = kvs_alike_sum(&alike, any, &vcpus[0], &nr);
	assert_int_equal(nr, 1);
	assert_int_equal(groups->count, 1);
	assert_int_equal(groups->sum, 7);
	free(groups);
	assert_null(kvs_alike_sum(&alike, any, &vcpus[2], &nr));
	assert_int_equal(nr, 0);
	kvs_alike_free(&alike);
}

/* What differs in kind, cause, culprit or reason is not alike. */
static void different_ones_stay_apart(void **unused)
{
	struct kvs_moment m = wait_for(0, 100, 10, 7);
	struct kvs_alike alike;
	unsigned int nr;

	kvs_alike_init(&alike, 15);
	kvs_alike_add(&alike, &m);
	m.thief.kind = KVS_THIEF_INTERRUPT;	/* of a culprit of another kind */
	m.thief.pid = -1;
	kvs_alike_add(&alike, &m);
	strcpy(m.thief.comm, "timer");		/* another interrupt */
	kvs_alike_add(&alike, &m);
	m.kind = KVS_MOMENT_TIMER;
	m.spent[KVS_CAUSE_WAIT] = 5;
	kvs_alike_add(&alike, &m);
	m.spent[KVS_CAUSE_HOST] = 6;		/* the culprit is no longer asked for */
	kvs_alike_add(&alike, &m);
	m.thief.pid = 8;
	kvs_alike_add(&alike, &m);
	m.kind = KVS_MOMENT_IRQ;
	kvs_alike_add(&alike, &m);
	m.kind = KVS_MOMENT_EXIT;
	m.reason = 1;
	kvs_alike_add(&alike, &m);
	m.reason = 2;
	kvs_alike_add(&alike, &m);
	m.l2 = true;
	kvs_alike_add(&alike, &m);
	free(kvs_alike_sum(&alike, any, NULL, &nr));
	assert_int_equal(nr, 9);
	kvs_alike_free(&alike);
}

/* However many culprits there are, memory stays small, and the sum exact. */
static void too_many_culprits(void **unused)
{
	uint64_t count = 0, sum = 0;
	struct kvs_alike alike;
	struct kvs_group *groups;
	unsigned int nr, others = 0;

	kvs_alike_init(&alike, 1 << KVS_MOMENT_WAIT);
	for (unsigned int i = 1; i <= 1000; i++) {
		struct kvs_moment m = wait_for(0, i, i, i);

		kvs_alike_add(&alike, &m);
	}
	groups = kvs_alike_sum(&alike, any, NULL, &nr);
	assert_in_range(nr, 2, 100);
	for (unsigned int i = 0; i < nr; i++) {
		count += groups[i].count;
		sum += groups[i].sum;
		others += groups[i].others;
	}
	assert_int_equal(count, 1000);
	assert_int_equal(sum, 1000 * 1001 / 2);
	assert_int_equal(others, 1);
	free(groups);
	kvs_alike_free(&alike);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_of_the_moments),
		cmocka_unit_test(one_vcpu_alone),
		cmocka_unit_test(different_ones_stay_apart),
		cmocka_unit_test(too_many_culprits),
	};

	for (unsigned int i = 0; i < VCPUS; i++)
		vcpus[i].index = i;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
