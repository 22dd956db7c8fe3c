// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sums are sums: vCPUs lead random lives, and then what the model says of them is summed
 * again.  One cycle, one ns and one unit of time are the same here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/model.h"
#include "model/summary.h"
#include "model/worst.h"
#include "lives.h"

#define STATES	KVMSCHED_NR_STATES
#define MOMENTS	50000		/* more than there are in one life */

static struct kvs_model m;
static struct kvs_worst worst;
static u64 waits[LIVES_VCPUS];	/* all waits that were handed over */
static u64 slept[3];		/* in exits, before an entry, in unknown exits; in all lives */

static void take_wait(void *ctx, const struct kvs_span *span)
{
	assert_int_equal(span->wait->shares.all, span->length);
	waits[span->vcpu->index] += span->length;
}

static void live(unsigned int seed)
{
	memset(waits, 0, sizeof(waits));
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	kvs_worst_init(&worst, MOMENTS, (1U << KVS_MOMENT_KINDS) - 1);
	kvs_worst_listen(&worst, &m);
	kvs_sinks_add(&m.sinks, KVS_SPAN_BIT(WAIT), take_wait, NULL);
	lives_live(&m, seed);
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
	u64 exits = 0, ended = 0, blocked = 0, out[KVS_SWITCH_KINDS] = { 0 };

	for (unsigned int i = 0; i < v->nr_exits; i++) {
		exits += v->exits[i].count;
		blocked += v->exits[i].blocked_ts.sum;
		for (unsigned int end = 0; end < KVS_EXIT_ENDS; end++)
			ended += v->exits[i].ended[end];
	}
	assert_int_equal(exits, v->exit_count);
	assert_int_equal(ended, exits);
	assert_int_equal(blocked + v->blocked_before_ts.sum + v->blocked_unknown_ts.sum,
			 kvs_ledger_slept_in_run(&v->ledger));
	slept[0] += blocked;
	slept[1] += v->blocked_before_ts.sum;
	slept[2] += v->blocked_unknown_ts.sum;
	for (unsigned int i = 0; i < v->sw.nr_takers; i++)
		for (unsigned int kind = 0; kind < KVS_SWITCH_KINDS; kind++)
			out[kind] += v->sw.takers[i].count[kind];
	assert_memory_equal(out, v->sw.out, sizeof(out));
}

/* The causes of what came late, and the timers that they were the main one of */
static void check_causes(const struct kvs_vcpu *v)
{
	const struct kvs_timer_stats *t = &v->timer;
	u64 sum = 0, timers = 0;

	for (unsigned int i = 0; i < KVS_CAUSES; i++) {
		sum += t->cause_ts[i].sum;
		timers += t->main_cause[i];
	}
	assert_true(sum > 0);
	assert_int_equal(sum, t->deadline_to_inject_ts.above.sum);
	assert_in_range(timers, 1, t->deadline_to_inject_ts.above.count);
}

static void check_shares(const struct kvs_shares *shares)
{
	u64 top = 0;

	for (unsigned int i = 0; i < shares->nr; i++) {
		top += shares->top[i].time;
		if (i)
			assert_true(shares->top[i - 1].time >= shares->top[i].time ||
				    kvs_is_others(&shares->top[i].who));
	}
	assert_true(top <= shares->all);
}

/* Each moment that was long enough for `report worst`, here all of them */
static void check_moments(unsigned int seed, u64 with_waits[KVS_MOMENT_KINDS])
{
	assert_in_range(worst.count, 1, MOMENTS - 1);
	for (unsigned int i = 0; i < worst.count; i++) {
		const struct kvs_moment *moment = &worst.heap[i];
		bool early = moment->kind == KVS_MOMENT_TIMER &&
			     moment->expired <= moment->begin;
		u64 spent = 0;

		check_shares(&moment->shares);
		with_waits[moment->kind] += !!moment->shares.all;
		for (unsigned int c = 0; c < KVS_CAUSES; c++)
			spent += moment->spent[c];
		if (moment->kind == KVS_MOMENT_TIMER || moment->kind == KVS_MOMENT_IRQ)
			assert_int_equal(spent, moment->length);
		/*
		 * Of a timer that expired late, it may be a wait that began before its deadline.
		 * And two waits overlap where the clock went back between them.
		 */
		if (moment->kind == KVS_MOMENT_IRQ || early)
			assert_true(moment->shares.all <= moment->length + LIVES_BACK(seed));
	}
}

static void parts_are_their_whole(void **unused)
{
	u64 with_waits[KVS_MOMENT_KINDS] = { 0 };

	for (unsigned int seed = 1; seed <= 20; seed++) {
		live(seed);
		for (unsigned int i = 0; i < LIVES_VCPUS; i++) {
			check_ledger(m.vcpus[i]);
			check_thieves(m.vcpus[i]);
			check_counts(m.vcpus[i]);
			check_causes(m.vcpus[i]);
		}
		check_moments(seed, with_waits);
		kvs_worst_free(&worst);
		kvs_model_free(&m);
	}
	assert_true(slept[0] && slept[1] && slept[2]);
	for (unsigned int kind = 0; kind < KVS_MOMENT_EXIT; kind++)
		assert_true(with_waits[kind] > 100);
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
		cmocka_unit_test(parts_are_their_whole),
		cmocka_unit_test(culprits_beyond_the_table),
		cmocka_unit_test(pieces_of_one_culprit_are_one_part),
	};

	return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
