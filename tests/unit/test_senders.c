// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sent an interrupt, and how long each leg took.  One cycle is one unit of time here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/model.h"
#include "model/senders.h"
#include "model/summary.h"
#include "feed.h"

#define ME	.vm = 1, .vcpu = 0
#define VECTOR	0x40
#define VCPU_TID	10
#define VMM	9		/* process */
#define IOTHREAD	11

static struct kvs_model m;

#define RECORD(at, name, ...)	FEED(&m, at, 0, VCPU_TID, name, __VA_ARGS__)
/* Of another thread, which sends */
#define BY(tid, at, name, ...)	FEED(&m, at, 0, tid, name, __VA_ARGS__)
#define TASK(tgid_, name_)	.context = KS_CONTEXT_TASK, .from_vcpu = KS_NO_VCPU,	\
				.task_flags = KS_TASK_TOLD, .tgid = tgid_, .name = name_
#define VCPU(id)		.context = KS_CONTEXT_VCPU, .from_vm = 1, .from_vcpu = id, \
				.tgid = VMM, .name = "CPU/KVM"
#define IN_IRQ(name_)		.context = KS_CONTEXT_HARDIRQ, .from_vcpu = KS_NO_VCPU, \
				.name = name_

static int setup(void **unused)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	RECORD(1, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT);
	RECORD(2, vcpu, ME, .tgid = VMM);
	RECORD(5, switch_in, ME);
	return 0;
}

static int teardown(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

static const struct kvs_vector_stats *vector(void)
{
	return m.vcpus[0]->vector[VECTOR];
}

/* The only sender so far */
static const struct kvs_sender_stats *sender(void)
{
	assert_int_equal(vector()->nr_senders, 1);
	return &vector()->senders[0];
}

static void assert_sender(unsigned int kind, const char *words)
{
	char text[KVS_SENDER_LEN];

	assert_int_equal(sender()->who.kind, kind);
	assert_string_equal(kvs_sender_words(text, m.vcpus[0], &sender()->who), words);
}

static void assert_legs(u64 to_lapic, u64 to_guest)
{
	assert_int_equal(sender()->accept_to_inject_ts.count, 1);
	assert_int_equal(sender()->accept_to_inject_ts.max, to_guest);
	assert_int_equal(sender()->sent_to_accept_ts.count, to_lapic ? 1 : 0);
	assert_int_equal(sender()->sent_to_accept_ts.max, to_lapic);
}

static void ipi(void **unused)
{
	BY(20, 100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_ICR, VCPU(1),
	   .sent_cycles = 7);
	RECORD(130, irq_inject, ME, .vector = VECTOR);
	assert_sender(KVS_SENDER_IPI, "vCPU 1, IPI");
	assert_int_equal(sender()->who.vcpu, 1);
	assert_legs(7, 30);
}

static void hypercall_to_itself(void **unused)
{
	RECORD(100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_HYPERCALL, VCPU(0),
	       .sent_cycles = 3);
	assert_sender(KVS_SENDER_IPI, "itself, IPI");
}

static void timer(void **unused)
{
	RECORD(90, timer_expire, ME, .mode = KS_TIMER_DEADLINE, .merged = KS_MERGED_NO);
	/* Another interrupt comes first.  Its vector is not the timer's. */
	BY(20, 92, irq_accept, ME, .vector = VECTOR + 1, .by = KS_BY_ICR, VCPU(1));
	RECORD(100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_TIMER, VCPU(0));
	RECORD(130, irq_inject, ME, .vector = VECTOR);
	assert_sender(KVS_SENDER_TIMER, "its own timer");
	assert_legs(10, 30);
	assert_int_equal(m.vcpus[0]->timer.vector, VECTOR);
	assert_int_equal(m.vcpus[0]->timer.injected, 1);
}

static void host_timer_is_not_the_guests(void **unused)
{
	RECORD(90, timer_expire, ME, .mode = KS_TIMER_DEADLINE, .merged = KS_MERGED_NO);
	BY(0, 95, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD,
	   IN_IRQ("local_timer"), .gsi = 24, .sent_cycles = 2);
	RECORD(130, irq_inject, ME, .vector = VECTOR);
	assert_sender(KVS_SENDER_HOST_IRQ, "host interrupt local_timer, irqfd");
	assert_int_equal(sender()->who.tid, 0);
	assert_legs(2, 35);
	assert_int_equal(m.vcpus[0]->timer.injected, 0);
}

static void thread_of_the_vmm(void **unused)
{
	BY(IOTHREAD, 100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_OTHER,
	   TASK(VMM, "IO iothread1"));
	RECORD(130, irq_inject, ME, .vector = VECTOR);
	assert_sender(KVS_SENDER_VMM, "VMM IO iothread1/11");
	assert_int_equal(sender()->who.tid, IOTHREAD);
	assert_legs(0, 30);
}

static void another_process(void **unused)
{
	BY(50, 100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD,
	   TASK(49, "virtiofsd"), .gsi = 24, .sent_cycles = 1);
	assert_sender(KVS_SENDER_PROCESS, "process virtiofsd/50, irqfd");
}

static void vhost_as_a_thread_of_the_kernel(void **unused)
{
	BY(50, 100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD, .gsi = 24,
	   .context = KS_CONTEXT_TASK, .from_vcpu = KS_NO_VCPU, .tgid = 50,
	   .task_flags = KS_TASK_TOLD | KS_TASK_KTHREAD, .name = "vhost-9");
	assert_sender(KVS_SENDER_VHOST, "vhost-9/50, irqfd");
}

static void vhost_as_a_thread_of_the_vmm(void **unused)
{
	BY(50, 100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD, .gsi = 24,
	   .context = KS_CONTEXT_TASK, .from_vcpu = KS_NO_VCPU, .tgid = VMM,
	   .task_flags = KS_TASK_TOLD | KS_TASK_USER_WORKER, .name = "vhost-9");
	assert_sender(KVS_SENDER_VHOST, "vhost-9/50, irqfd");
}

static void exit_of_a_vcpu(void **unused)
{
	BY(20, 100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_OTHER, VCPU(1));
	assert_sender(KVS_SENDER_VCPU, "vCPU 1, in an exit");
}

static void doorbell_of_a_vcpu(void **unused)
{
	BY(20, 100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD, VCPU(1), .gsi = 24);
	assert_sender(KVS_SENDER_VCPU, "vCPU 1, irqfd");
}

#define WORKER	70
#define KWORKER	.context = KS_CONTEXT_TASK, .from_vcpu = KS_NO_VCPU, .tgid = WORKER, \
		.task_flags = KS_TASK_TOLD | KS_TASK_KTHREAD | KS_TASK_WORKER,	\
		.name = "kworker/0:1"

static void by_work(u64 ts)
{
	BY(WORKER, ts, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD_WORK, KWORKER,
	   .gsi = 5);
}

static void work_item(void **unused)
{
	BY(IOTHREAD, 80, irqfd, .vm = 1, .gsi = 5, TASK(VMM, "IO iothread1"));
	/* Another irqfd is none of its business. */
	BY(50, 90, irqfd, .vm = 1, .gsi = 6, TASK(49, "virtiofsd"));
	by_work(100);
	RECORD(130, irq_inject, ME, .vector = VECTOR);
	assert_sender(KVS_SENDER_VMM, "VMM IO iothread1/11, irqfd by a work item");
	assert_legs(20, 30);
}

static void work_item_of_two(void **unused)
{
	BY(IOTHREAD, 80, irqfd, .vm = 1, .gsi = 5, TASK(VMM, "IO iothread1"));
	BY(50, 90, irqfd, .vm = 1, .gsi = 5, TASK(49, "virtiofsd"));
	by_work(100);
	RECORD(130, irq_inject, ME, .vector = VECTOR);
	assert_sender(KVS_SENDER_WORK, "unknown, irqfd by a work item");
	assert_legs(0, 30);
}

static void work_item_of_two_signals(void **unused)
{
	BY(IOTHREAD, 80, irqfd, .vm = 1, .gsi = 5, TASK(VMM, "IO iothread1"));
	BY(IOTHREAD, 90, irqfd, .vm = 1, .gsi = 5, TASK(VMM, "IO iothread1"));
	by_work(100);
	RECORD(130, irq_inject, ME, .vector = VECTOR);
	assert_sender(KVS_SENDER_VMM, "VMM IO iothread1/11, irqfd by a work item");
	assert_legs(0, 30);
}

static void work_item_without_a_signal(void **unused)
{
	BY(IOTHREAD, 80, irqfd, .vm = 1, .gsi = 5, TASK(VMM, "IO iothread1"));
	by_work(100);
	RECORD(130, irq_inject, ME, .vector = VECTOR);
	/* That signal is over. */
	by_work(150);
	assert_int_equal(vector()->nr_senders, 2);
	assert_int_equal(vector()->senders[1].who.kind, KVS_SENDER_WORK);
}

static void work_item_after_a_loss(void **unused)
{
	BY(IOTHREAD, 80, irqfd, .vm = 1, .gsi = 5, TASK(VMM, "IO iothread1"));
	kvs_model_missed(&m, 0, 3);
	by_work(100);
	assert_sender(KVS_SENDER_WORK, "unknown, irqfd by a work item");
}

static void older_file(void **unused)
{
	BY(IOTHREAD, 100, irq_accept, ME, .vector = VECTOR);
	assert_sender(KVS_SENDER_NOT_TOLD, "not told");
}

static void merged_by_another(void **unused)
{
	BY(20, 100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_ICR, VCPU(1));
	BY(IOTHREAD, 110, irq_accept, ME, .vector = VECTOR, .by = KS_BY_OTHER,
	   TASK(VMM, "IO iothread1"));
	RECORD(130, irq_inject, ME, .vector = VECTOR);
	assert_int_equal(vector()->nr_senders, 2);
	assert_int_equal(vector()->senders[0].merged, 0);
	assert_int_equal(vector()->senders[0].accept_to_inject_ts.max, 30);
	assert_int_equal(vector()->senders[1].accepted, 1);
	assert_int_equal(vector()->senders[1].merged, 1);
	assert_int_equal(vector()->senders[1].accept_to_inject_ts.count, 0);
}

static void more_than_anybody_has(void **unused)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < 1000; i++)
		BY(1000 + i, 100 + i, irq_accept, ME, .vector = VECTOR, .by = KS_BY_OTHER,
		   TASK(VMM, "worker"));
	assert_in_range(vector()->nr_senders, 2, 999);
	for (unsigned int i = 0; i < vector()->nr_senders; i++)
		sum += vector()->senders[i].accepted;
	assert_int_equal(sum, 1000);
	assert_int_equal(vector()->senders[vector()->nr_senders - 1].who.kind,
			 KVS_SENDER_OTHERS);
}

static struct kvs_span accepted;
static unsigned int nr_accepted;

static void keep_accepted(void *ctx, const struct kvs_span *span)
{
	accepted = *span;
	nr_accepted++;
}

/* Each acceptance is a span, from being sent, if that is known. */
static void acceptances(void **unused)
{
	nr_accepted = 0;
	kvs_sinks_add(&m.sinks, KVS_SPAN_BIT(ACCEPT), keep_accepted, NULL);
	BY(20, 100, irq_accept, ME, .vector = VECTOR, .by = KS_BY_ICR, VCPU(1),
	   .sent_cycles = 7);
	assert_int_equal(accepted.begin, 93);
	assert_int_equal(accepted.end, 100);
	assert_int_equal(accepted.length, 7);
	assert_int_equal(accepted.irq.sent_ts, 93);
	assert_int_equal(accepted.irq.vector->vector, VECTOR);
	assert_int_equal(accepted.irq.sender->who.kind, KVS_SENDER_IPI);
	assert_false(accepted.irq.merged);
	assert_int_equal(accepted.irq.on_cpu_ts, 0);
	BY(0, 105, host_switch, .prev_pid = 0, .next_pid = IOTHREAD, .next_comm = "io");
	BY(IOTHREAD, 110, irq_accept, ME, .vector = VECTOR, .by = KS_BY_OTHER, TASK(VMM, "io"));
	assert_true(accepted.irq.merged);
	assert_int_equal(accepted.length, 0);
	assert_int_equal(accepted.irq.sent_ts, 0);
	assert_int_equal(accepted.irq.on_cpu_ts, 105);
	/* What the worker had before it says nothing of who asked for it. */
	BY(IOTHREAD, 120, irqfd, .vm = 1, .gsi = 5, TASK(VMM, "io"));
	BY(0, 125, host_switch, .prev_pid = IOTHREAD, .next_pid = WORKER, .next_comm = "k");
	by_work(130);
	assert_int_equal(accepted.begin, 120);
	assert_int_equal(accepted.irq.on_cpu_ts, 105);
	assert_int_equal(nr_accepted, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(ipi),
		TEST(hypercall_to_itself),
		TEST(timer),
		TEST(host_timer_is_not_the_guests),
		TEST(thread_of_the_vmm),
		TEST(another_process),
		TEST(vhost_as_a_thread_of_the_kernel),
		TEST(vhost_as_a_thread_of_the_vmm),
		TEST(exit_of_a_vcpu),
		TEST(doorbell_of_a_vcpu),
		TEST(work_item),
		TEST(work_item_of_two),
		TEST(work_item_of_two_signals),
		TEST(work_item_without_a_signal),
		TEST(work_item_after_a_loss),
		TEST(older_file),
		TEST(merged_by_another),
		TEST(more_than_anybody_has),
		TEST(acceptances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
