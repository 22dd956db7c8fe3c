// SPDX-License-Identifier: GPL-2.0-only
/*
 * Excerpts: random lives are read as a whole, and in three parts that adjoin each other.
 * Each sum of the whole is the sum of the three, exactly.
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
#include "report/view.h"
#include "feed.h"
#include "lives.h"

#define STATES	KVMSCHED_NR_STATES
#define PARTS	3
#define SEEDS	20

static struct kvs_model whole, parts[PARTS];
static u64 cut[PARTS + 1];

static void read_part(struct kvs_model *m, unsigned int seed, u64 from, u64 to)
{
	kvs_model_init(m);
	kvs_model_excerpt(m, from, to);
	kvs_summary_listen(m);
	lives_live(m, seed);
}

/* The cuts are at any time: in the middle of states, waits, exits and records that come late. */
static void read_all(unsigned int seed)
{
	u64 start, length;

	kvs_model_init(&whole);
	kvs_summary_listen(&whole);
	lives_live(&whole, seed);
	start = kvs_model_start_ts(&whole);
	length = kvs_model_duration_ts(&whole);
	cut[0] = 0;
	cut[1] = start + length * (10 + seed % 40) / 100 + seed;
	cut[2] = start + length * (55 + seed % 40) / 100 + seed;
	cut[3] = UINT64_MAX;
	for (unsigned int i = 0; i < PARTS; i++)
		read_part(&parts[i], seed, cut[i], cut[i + 1]);
}

static void free_all(void)
{
	kvs_model_free(&whole);
	for (unsigned int i = 0; i < PARTS; i++)
		kvs_model_free(&parts[i]);
}

#define SUM_OF(field)	({						\
	u64 sum_ = 0;							\
									\
	for (unsigned int part_ = 0; part_ < PARTS; part_++)		\
		sum_ += parts[part_].field;				\
	sum_;								\
})
/* The same field of the same vCPU */
#define SAME_SUM(v, field)						\
	assert_int_equal((u64)whole.vcpus[v]->field, SUM_OF(vcpus[v]->field))

static void check_ledger(unsigned int v)
{
	for (unsigned int i = 0; i < STATES; i++)
		SAME_SUM(v, ledger.states[i]);
	SAME_SUM(v, ledger.paused);
	SAME_SUM(v, ledger.lost);
	assert_int_equal(kvs_ledger_wall(&whole.vcpus[v]->ledger),
			 kvs_ledger_wall(&parts[0].vcpus[v]->ledger) +
			 kvs_ledger_wall(&parts[1].vcpus[v]->ledger) +
			 kvs_ledger_wall(&parts[2].vcpus[v]->ledger));
	for (unsigned int i = 0; i < PARTS; i++) {
		const struct kvs_ledger *l = &parts[i].vcpus[v]->ledger;

		assert_int_equal(kvs_ledger_residual(l), 0);
		for (unsigned int state = 0; state < STATES; state++)
			assert_true(l->states[state] <= kvs_ledger_wall(l));
	}
	/* The middle one is as long as its time, and none of them is empty. */
	assert_int_equal(kvs_ledger_wall(&parts[1].vcpus[v]->ledger), cut[2] - cut[1]);
	assert_true(kvs_ledger_wall(&parts[0].vcpus[v]->ledger));
	assert_true(kvs_ledger_wall(&parts[2].vcpus[v]->ledger));
}

/* Each reading has its own objects for cgroups. */
static bool same_thief(const struct kvs_holder *a, const struct kvs_holder *b)
{
	if (a->kind == KVS_THIEF_QUOTA && b->kind == a->kind)
		return a->cgroup->id == b->cgroup->id;
	return kvs_same_culprit(a, b);
}

static void check_thieves(unsigned int v)
{
	struct kvs_waiter *waiter = &whole.vcpus[v]->waiter;
	u64 rows = 0, waited = 0;

	for (unsigned int i = 0; i < waiter->nr; i++) {
		const struct kvs_thief *t = &waiter->thieves[i];
		u64 time = 0, count = 0;

		if (kvs_is_others(&t->who))
			continue;
		for (unsigned int part = 0; part < PARTS; part++) {
			struct kvs_waiter *w = &parts[part].vcpus[v]->waiter;

			for (unsigned int j = 0; j < w->nr; j++) {
				if (!same_thief(&w->thieves[j].who, &t->who))
					continue;
				time += w->thieves[j].time;
				count += w->thieves[j].count;
			}
		}
		assert_int_equal(time, t->time);
		assert_int_equal(count, t->count);
	}
	/* Within each part, they sum to its waits. */
	for (unsigned int part = 0; part < PARTS; part++) {
		const struct kvs_vcpu *p = parts[part].vcpus[v];

		rows = 0;
		for (unsigned int j = 0; j < p->waiter.nr; j++)
			rows += p->waiter.thieves[j].time;
		waited = p->ledger.states[KVMSCHED_STATE_WAIT_PREEMPTED] +
			 p->ledger.states[KVMSCHED_STATE_WAIT_WOKEN];
		assert_int_equal(rows, waited);
	}
	SAME_SUM(v, waiter.idle.sum.waited);
	SAME_SUM(v, waiter.idle.sum.time);
	SAME_SUM(v, waiter.idle.sum.unknown);
	SAME_SUM(v, waiter.idle.sum.count);
}

static void same_hist(const struct kvs_hist *a, const struct kvs_hist *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal((u64)a->sum, (u64)b->sum);
	assert_int_equal(a->max, b->max);
}

static void check_exits(struct kvs_vcpu *all, struct kvs_vcpu *sum)
{
	assert_int_equal(all->exit_count, sum->exit_count);
	assert_int_equal(all->nr_exits, sum->nr_exits);
	for (unsigned int i = 0; i < all->nr_exits; i++) {
		const struct kvs_exit_stats *a = &all->exits[i], *b =
			kvs_exit_get(sum, a->isa, a->l2, a->reason, a->fastpath);

		assert_int_equal(a->count, b->count);
		assert_memory_equal(a->ended, b->ended, sizeof(a->ended));
		same_hist(&a->uncut_cycles, &b->uncut_cycles);
		same_hist(&a->cut_cycles, &b->cut_cycles);
		same_hist(&a->out_cycles, &b->out_cycles);
		same_hist(&a->poll_cycles, &b->poll_cycles);
		same_hist(&a->blocked_ts, &b->blocked_ts);
		same_hist(&a->guest_cycles, &b->guest_cycles);
	}
	same_hist(&all->blocked_before_ts, &sum->blocked_before_ts);
	same_hist(&all->blocked_unknown_ts, &sum->blocked_unknown_ts);
	same_hist(&all->user_cycles, &sum->user_cycles);
	assert_int_equal(all->nr_users, sum->nr_users);
}

static void check_switches(struct kvs_vcpu *all, struct kvs_vcpu *sum)
{
	assert_int_equal(all->on_cpu_ts, sum->on_cpu_ts);
	assert_int_equal(all->on_cpu_cycles, sum->on_cpu_cycles);
	assert_memory_equal(all->sw.out, sum->sw.out, sizeof(all->sw.out));
	assert_int_equal(all->sw.in, sum->sw.in);
	assert_int_equal(all->sw.migrated, sum->sw.migrated);
	assert_int_equal(all->sw.in_userspace, sum->sw.in_userspace);
	same_hist(&all->sw.slice_cycles, &sum->sw.slice_cycles);
	same_hist(&all->sw.preempted_wait_cycles, &sum->sw.preempted_wait_cycles);
	same_hist(&all->sw.woken_wait_ns, &sum->sw.woken_wait_ns);
	same_hist(&all->sw.off_cycles, &sum->sw.off_cycles);
	assert_int_equal(all->sw.nr_takers, sum->sw.nr_takers);
	for (unsigned int i = 0; i < all->sw.nr_takers; i++) {
		const struct kvs_taker *a = &all->sw.takers[i], *b =
			kvs_taker_get(&sum->sw, a->pid, a->comm, a->prio);

		assert_memory_equal(a->count, b->count, sizeof(a->count));
		same_hist(&a->wait_cycles, &b->wait_cycles);
	}
}

static void check_interrupts(const struct kvs_vcpu *all, const struct kvs_vcpu *sum)
{
	const struct kvs_timer_stats *a = &all->timer, *b = &sum->timer;

	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		const struct kvs_vector_stats *x = all->vector[i], *y = sum->vector[i];

		if (!x)
			continue;
		assert_int_equal(x->accepted, y->accepted);
		assert_int_equal(x->merged, y->merged);
		assert_int_equal(x->injected, y->injected);
		assert_int_equal(x->eoi, y->eoi);
		same_hist(&x->accept_to_inject_ts, &y->accept_to_inject_ts);
		same_hist(&x->inject_to_eoi_ts, &y->inject_to_eoi_ts);
	}
	assert_memory_equal(a->armed, b->armed, sizeof(a->armed));
	assert_int_equal(a->expired, b->expired);
	assert_int_equal(a->merged, b->merged);
	assert_int_equal(a->injected, b->injected);
	assert_int_equal(a->overdue.not_judged, b->overdue.not_judged);
	same_hist(&a->expire_to_inject_ts, &b->expire_to_inject_ts);
	for (unsigned int i = 0; i < KVS_CAUSES; i++) {
		same_hist(&a->cause_ts[i], &b->cause_ts[i]);
		assert_int_equal(a->main_cause[i], b->main_cause[i]);
	}
	assert_int_equal(all->host_irqs.nr, sum->host_irqs.nr);
}

/* What all senders of a vector sent; rows without anything are left out in parts. */
static u64 sent(const struct kvs_model *m, unsigned int v, unsigned int vector)
{
	const struct kvs_vector_stats *s = m->vcpus[v]->vector[vector];
	u64 sum = 0;

	for (unsigned int row = 0; s && row < s->nr_senders; row++) {
		assert_true(m == &whole || s->senders[row].accepted ||
			    s->senders[row].accept_to_inject_ts.count);
		sum += s->senders[row].accepted;
	}
	return sum;
}

static void check_tables(unsigned int v)
{
	struct kvs_vcpu *all = kvs_vcpu_create(1, 0), *sum = kvs_vcpu_create(1, 0);

	kvs_vcpu_merge(all, whole.vcpus[v]);
	for (unsigned int i = 0; i < PARTS; i++)
		kvs_vcpu_merge(sum, parts[i].vcpus[v]);
	check_exits(all, sum);
	check_switches(all, sum);
	check_interrupts(all, sum);
	kvs_vcpu_free(all);
	kvs_vcpu_free(sum);
	SAME_SUM(v, halts.count);
	SAME_SUM(v, halts.poll_ns);
	SAME_SUM(v, policy_changes);
	SAME_SUM(v, other_accepts);
	for (unsigned int i = 0; i < KVS_VECTORS; i++)
		if (whole.vcpus[v]->vector[i])
			assert_int_equal(sent(&whole, v, i), sent(&parts[0], v, i) +
					 sent(&parts[1], v, i) + sent(&parts[2], v, i));
}

static void parts_sum_to_the_whole(void **unused)
{
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		read_all(seed);
		assert_int_equal(kvs_model_records(&whole),
				 kvs_model_records(&parts[0]) + kvs_model_records(&parts[1]) +
				 kvs_model_records(&parts[2]));
		assert_int_equal(kvs_model_all_records(&parts[1]), kvs_model_records(&whole));
		assert_int_equal(kvs_model_duration_ts(&whole),
				 kvs_model_duration_ts(&parts[0]) +
				 kvs_model_duration_ts(&parts[1]) +
				 kvs_model_duration_ts(&parts[2]));
		for (unsigned int v = 0; v < LIVES_VCPUS; v++) {
			check_ledger(v);
			check_thieves(v);
			check_tables(v);
		}
		for (unsigned int i = 0; i < whole.quotas.nr; i++) {
			assert_int_equal(whole.quotas.cgroups[i]->count,
					 SUM_OF(quotas.cgroups[i]->count));
			assert_int_equal((u64)whole.quotas.cgroups[i]->throttled_ts,
					 SUM_OF(quotas.cgroups[i]->throttled_ts));
			assert_int_equal((u64)whole.quotas.cgroups[i]->open_ts,
					 SUM_OF(quotas.cgroups[i]->open_ts));
		}
		free_all();
	}
}

/* A vCPU lives from 5000 to 10000; what an excerpt has of that */
static void expect_life(u64 from, u64 to, bool outside, u64 wall, bool born, bool ended)
{
	const struct kvs_select all = { .vm = KVS_ANY_VM, .vcpu = -1 };
	struct kvs_model m;
	const struct kvs_vcpu *v;

	kvs_model_init(&m);
	kvs_model_excerpt(&m, from, to);
	kvs_summary_listen(&m);
	FEED(&m, 1000, 0, 1, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	     .classes = KVMSCHED_CLASS_DEFAULT);
	FEED(&m, 5000, 0, 7, vcpu, .vm = 1, .tgid = 5, .features = KS_FEATURE_NEW);
	FEED(&m, 5000, 0, 7, load, .vm = 1);
	FEED(&m, 6000, 0, 7, entry, .vm = 1);
	FEED(&m, 9000, 0, 7, exit, .vm = 1, .reason = 0x7b, .flags = KS_EXIT_BY_PUT,
	     .guest_cycles = 2500, .host_cycles = 500);
	FEED(&m, 9000, 0, 7, put, .vm = 1);
	FEED(&m, 10000, 0, 7, switch_out, .vm = 1, .kind = KS_SWITCH_DEAD);
	FEED(&m, 20000, 0, 1, session, .op = KS_SESSION_STOP);
	kvs_model_finish(&m);
	v = m.vcpus[0];
	assert_int_equal(kvs_selected(&all, v), !outside);
	assert_int_equal(kvs_ledger_wall(&v->ledger), wall);
	assert_int_equal(kvs_ledger_residual(&v->ledger), 0);
	assert_int_equal(v->born, born);
	assert_int_equal(v->ended, ended);
	kvs_model_free(&m);
}

static void a_life_and_excerpts(void **unused)
{
	expect_life(0, 4000, true, 0, true, false);
	expect_life(0, 5500, false, 500, true, false);
	expect_life(6500, 9500, false, 3000, false, false);
	expect_life(4000, 12000, false, 5000, true, true);
	expect_life(9500, UINT64_MAX, false, 500, false, true);
	expect_life(12000, UINT64_MAX, true, 0, false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_sum_to_the_whole),
		cmocka_unit_test(a_life_and_excerpts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
