// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who the holder of a CPU is: each policy, and each relation to the vCPU that waits.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/holder.h"
#include "model/model.h"
#include "feed.h"

#define VMM		50	/* the process of the vCPU that waits */
#define OTHER_VMM	60

static struct kvs_model m;

#define RECORD(at, tid, name, ...)	FEED(&m, at, 0, tid, name, __VA_ARGS__)

static void expect_policy(struct kvs_holder who, const char *expected)
{
	char text[KVS_POLICY_LEN];

	assert_string_equal(kvs_holder_policy(text, &who), expected);
}

#define TOLD(prio_, policy_, nice_)					\
	(struct kvs_holder) {						\
		.kind = KVS_THIEF_TASK, .pid = 9, .prio = (prio_),	\
		.policy = (policy_), .nice = (nice_), .flags = KS_TASK_TOLD, \
	}

static void policies_are_told_apart(void **unused)
{
	expect_policy(TOLD(120, SCHED_OTHER, 0), "SCHED_OTHER, nice 0");
	expect_policy(TOLD(110, SCHED_OTHER, -10), "SCHED_OTHER, nice -10");
	expect_policy(TOLD(125, SCHED_BATCH, 5), "SCHED_BATCH, nice 5");
	expect_policy(TOLD(120, SCHED_IDLE, 0), "SCHED_IDLE, nice 0");
	expect_policy(TOLD(49, SCHED_FIFO, 0), "SCHED_FIFO 50");
	expect_policy(TOLD(0, SCHED_RR, 0), "SCHED_RR 99");
	expect_policy(TOLD(-1, SCHED_DEADLINE, 0), "SCHED_DEADLINE");
	/* It has a lock that a task of priority 50 waits for. */
	expect_policy(TOLD(49, SCHED_OTHER, 3), "SCHED_OTHER, nice 3, boosted to 50");
	expect_policy(TOLD(-1, SCHED_OTHER, 3), "SCHED_OTHER, nice 3, boosted to deadline");
}

/* The fair server, or 7.x's for the ext class: no record tells which of them. */
static void servers_are_named(void **unused)
{
	struct kvs_holder who = TOLD(120, SCHED_OTHER, 0);

	who.flags |= KS_TASK_SERVER;
	expect_policy(who, "SCHED_OTHER, nice 0, by the fair or ext server");
	who.policy = SCHED_BATCH;
	who.nice = 19;
	expect_policy(who, "SCHED_BATCH, nice 19, by the fair or ext server");
	/* Without a BPF scheduler, the fair class has it; and 6.12 has no ext server. */
	who.policy = SCHED_EXT;
	expect_policy(who, "SCHED_EXT, nice 19, by the fair or ext server");
	who.flags &= ~KS_TASK_SERVER;
	expect_policy(who, "SCHED_EXT, nice 19");
	/* The longest one */
	who = TOLD(-1, SCHED_OTHER, -20);
	who.flags |= KS_TASK_SERVER;
	expect_policy(who, "SCHED_OTHER, nice -20, boosted to deadline, by the fair or ext server");
	/* These have none: they come before it. */
	who = TOLD(49, SCHED_FIFO, 0);
	who.flags |= KS_TASK_SERVER;
	expect_policy(who, "SCHED_FIFO 50");
	who.policy = SCHED_DEADLINE;
	expect_policy(who, "SCHED_DEADLINE");
}

/* An older file has the kernel's priority alone, which several policies share. */
static void older_files_tell_what_it_can_be(void **unused)
{
	expect_policy((struct kvs_holder){ .prio = 120 }, "SCHED_OTHER, BATCH, IDLE or EXT, nice 0");
	expect_policy((struct kvs_holder){ .prio = 49 }, "SCHED_FIFO or RR 50");
	expect_policy((struct kvs_holder){ .prio = -1 }, "SCHED_DEADLINE");
	/* A policy that the kernel has and this program doesn't know */
	expect_policy(TOLD(120, 42, 0), "SCHED_OTHER, BATCH, IDLE or EXT, nice 0");
	assert_null(kvs_holder_policy_name(&(struct kvs_holder){ .prio = 120 }));
}

static void identify(s32 tid, u16 vm, u16 id, s32 tgid)
{
	RECORD(tid, tid, vcpu, .vm = vm, .vcpu = id, .tgid = tgid);
}

static enum kvs_relation relation(s32 pid, s32 tgid, u8 flags)
{
	const struct kvs_holder who = {
		.kind = KVS_THIEF_TASK, .pid = pid, .tgid = tgid, .flags = flags,
	};

	return kvs_holder_relation(&m, kvs_vcpu_of_thread(&m, 51), &who);
}

static void relations_are_told_apart(void **unused)
{
	kvs_model_init(&m);
	identify(51, 1, 0, VMM);
	identify(52, 1, 1, VMM);
	identify(53, 2, 0, VMM);	/* a second VM of the same process */
	identify(61, 3, 0, OTHER_VMM);
	assert_int_equal(relation(52, VMM, KS_TASK_TOLD), KVS_RELATION_OWN_VCPU);
	assert_int_equal(relation(53, VMM, KS_TASK_TOLD), KVS_RELATION_OTHER_VCPU);
	assert_int_equal(relation(61, OTHER_VMM, KS_TASK_TOLD), KVS_RELATION_OTHER_VCPU);
	assert_int_equal(relation(55, VMM, KS_TASK_TOLD), KVS_RELATION_OWN_THREAD);
	assert_int_equal(relation(65, OTHER_VMM, KS_TASK_TOLD), KVS_RELATION_OTHER_THREAD);
	assert_int_equal(relation(70, 70, KS_TASK_TOLD), KVS_RELATION_OTHER);
	assert_int_equal(relation(12, 12, KS_TASK_TOLD | KS_TASK_KTHREAD),
			 KVS_RELATION_KERNEL);
	/* Not told: a vCPU is known all the same, another thread isn't. */
	assert_int_equal(relation(52, 0, 0), KVS_RELATION_OWN_VCPU);
	assert_int_equal(relation(55, 0, 0), KVS_RELATION_UNKNOWN);
	kvs_model_free(&m);
}

/* Each record that begins or cuts a wait says who got the CPU. */
static void records_tell_the_holder(void **unused)
{
	const struct kvs_waiter *w;

	kvs_model_init(&m);
	identify(51, 1, 0, VMM);
	w = &kvs_vcpu_of_thread(&m, 51)->waiter;
	RECORD(100, 51, switch_out, .vm = 1, .vcpu = 0, .kind = KS_SWITCH_PREEMPTED,
	       .loaded = 1, .next_pid = 7, .next_tgid = 6, .next_policy = SCHED_BATCH,
	       .next_nice = 4, .next_flags = KS_TASK_TOLD);
	assert_int_equal(w->holder.pid, 7);
	assert_int_equal(w->holder.tgid, 6);
	assert_int_equal(w->holder.policy, SCHED_BATCH);
	assert_int_equal(w->holder.nice, 4);
	RECORD(200, 7, holder, .pid = 8, .prio = 120, .policy = SCHED_IDLE, .tgid = 5,
	       .nice = -3, .flags = KS_TASK_TOLD);
	assert_int_equal(w->holder.policy, SCHED_IDLE);
	assert_int_equal(w->holder.tgid, 5);
	assert_int_equal(w->holder.nice, -3);
	RECORD(300, 8, migrate, .vm = 1, .vcpu = 0, .cpu = 1, .holder_pid = 3,
	       .holder_policy = SCHED_RR, .holder_prio = 9, .holder_flags = KS_TASK_TOLD);
	assert_int_equal(w->holder.cpu, 1);
	assert_int_equal(w->holder.policy, SCHED_RR);
	/* The rows have it, too, once the wait has ended. */
	RECORD(400, 51, switch_in, .vm = 1, .vcpu = 0, .kind = KS_SWITCH_PREEMPTED,
	       .off_cycles = 300);
	assert_int_equal(w->nr, 3);
	assert_int_equal(w->thieves[0].who.policy, SCHED_BATCH);
	assert_int_equal(w->thieves[1].who.policy, SCHED_IDLE);
	assert_int_equal(w->thieves[2].who.policy, SCHED_RR);
	kvs_model_free(&m);
}

/*
 * More vCPUs wait for one CPU than its queue has room for: whom the last of them wait for
 * is not told apart, and their waits are as long as they are.
 */
static void a_full_queue_tells_no_holders(void **unused)
{
	enum { VCPUS = KVS_QUEUE_MAX + 8, HOLDERS = 10 };

	kvs_model_init(&m);
	for (unsigned int i = 0; i < VCPUS; i++) {
		RECORD(100, 1000 + i, exit, .vm = 1, .vcpu = i);
		RECORD(100, 1000 + i, switch_out, .vm = 1, .vcpu = i,
		       .kind = KS_SWITCH_PREEMPTED, .loaded = 1, .next_pid = 7);
	}
	for (unsigned int i = 0; i < HOLDERS; i++)
		RECORD(200 + 10 * i, 7, holder, .pid = 20 + i, .prio = 120);
	for (unsigned int i = 0; i < VCPUS; i++) {
		RECORD(400 + i, 1000 + i, switch_in, .vm = 1, .vcpu = i,
		       .kind = KS_SWITCH_PREEMPTED, .off_cycles = 300 + i);
		RECORD(400 + i, 1000 + i, exit, .vm = 1, .vcpu = i);
	}
	kvs_model_finish(&m);
	for (unsigned int i = 0; i < VCPUS; i++) {
		const struct kvs_waiter *w = &m.vcpus[i]->waiter;
		u64 sum = 0;

		for (unsigned int k = 0; k < w->nr; k++)
			sum += w->thieves[k].time;
		assert_int_equal(sum, 300 + i);
		assert_int_equal(w->nr, i < KVS_QUEUE_MAX ? HOLDERS + 1 : 1);
		if (i >= KVS_QUEUE_MAX)
			assert_true(kvs_is_others(&w->thieves[0].who));
	}
	kvs_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_are_told_apart),
		cmocka_unit_test(servers_are_named),
		cmocka_unit_test(older_files_tell_what_it_can_be),
		cmocka_unit_test(relations_are_told_apart),
		cmocka_unit_test(records_tell_the_holder),
		cmocka_unit_test(a_full_queue_tells_no_holders),
	};

	return cmocka_run_group_tests_name("holder", tests, NULL, NULL);
}
