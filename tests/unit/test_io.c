// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest I/O: who took an exit, and which interrupt came next.  One cycle is one unit of time
 * here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/kvm.h>

#include "uapi/kvmsched.h"
#include "feed.h"
#include "model/clock.h"
#include "model/excerpt.h"
#include "model/io-order.h"

#define ME		.vm = 1, .vcpu = 0
#define TID		10
#define VMM		9	/* process */
#define IOTHREAD	11
#define VECTOR		0x60
#define SVM_IOIO	0x7b
#define SVM_NPF		0x400
#define OUT(port)	((u64)(port) << 16 | 1 << 4)
#define IN(port)	(OUT(port) | 1)
#define DISK		0x1f0
#define SERIAL		0x3f8
#define HOLE		0xd0000000ULL
#define MARK		((u64)(KS_NPF_RESERVED | KS_NPF_WRITE) << KS_EXIT_ACCESS_SHIFT)

static struct kvs_model m;
static struct kvs_io io;

#define RECORD(at, name, ...)	FEED(&m, at, 0, TID, name, __VA_ARGS__)
/* Of another thread, on another CPU */
#define BY(tid, at, name, ...)	FEED(&m, at, 1, tid, name, __VA_ARGS__)
#define TASK(tgid_, name_)	.context = KS_CONTEXT_TASK, .from_vcpu = KS_NO_VCPU,	\
				.task_flags = KS_TASK_TOLD, .tgid = tgid_, .name = name_

/* What was told one by one, in the excerpt: it must sum to the rows. */
static struct {
	u64 takers[3], requests[KVS_IO_REQUESTS], asked, answers;
	u64 kernel_ts, to_user_ts, user_ts, to_accept_ts;
} told;

static void take_told(void *ctx, const struct kvs_io_told *one)
{
	assert_ptr_equal(ctx, &told);
	told.takers[one->taker]++;
	told.asked += one->is_request;
	told.requests[one->request] += one->is_request;
	told.kernel_ts += one->kernel_ts;
	told.to_user_ts += one->to_user_ts;
	told.user_ts += one->user_ts;
}

static void take_answer(void *ctx, const struct kvs_io_told *request,
			const struct kvs_io_event *interrupt)
{
	assert_true(ctx == &told && request->is_request);
	told.answers++;
	told.to_accept_ts += interrupt->ts > request->begin ? interrupt->ts - request->begin : 0;
}

static void assert_told(void)
{
	u64 answers = 0, to_accept = 0, kernel = 0, user = 0, untold = 0;

	for (unsigned int i = 0; i < io.nr; i++) {
		const struct kvs_io_row *row = io.rows[i];

		kernel += row->kernel;
		user += row->user;
		untold += row->untold;
		told.asked -= row->asked;
		told.kernel_ts -= row->kernel_ts.sum;
		told.to_user_ts -= row->to_user_ts.sum;
		told.user_ts -= row->user_ts.sum;
		for (unsigned int k = 0; k < KVS_IO_REQUESTS; k++)
			told.requests[k] -= row->requests[k];
		for (unsigned int k = 0; k < row->nr_answers; k++) {
			answers += row->answers[k].count;
			to_accept += row->answers[k].to_accept_ts.sum;
		}
	}
	assert_int_equal(told.takers[KVS_IO_KERNEL], kernel);
	assert_int_equal(told.takers[KVS_IO_USER], user);
	assert_int_equal(told.takers[KVS_IO_UNTOLD], untold);
	assert_int_equal(told.answers, answers);
	assert_int_equal(told.to_accept_ts, to_accept);
	assert_int_equal(told.asked | told.kernel_ts | told.to_user_ts | told.user_ts, 0);
	for (unsigned int k = 0; k < KVS_IO_REQUESTS; k++)
		assert_int_equal(told.requests[k], 0);
}

static void begin(void)
{
	kvs_model_init(&m);
	kvs_io_init(&io);
	memset(&told, 0, sizeof(told));
	io.teller = (struct kvs_io_teller){
		.exit = take_told, .answer = take_answer, .ctx = &told,
	};
}

static void listen(void)
{
	kvs_io_listen(&io, &m);
	RECORD(1, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_HOST);
	RECORD(2, vcpu, ME, .tgid = VMM, .features = KS_FEATURE_SVM | KS_FEATURE_DETAIL);
}

static int setup(void **unused)
{
	begin();
	listen();
	return 0;
}

static int teardown(void **unused)
{
	kvs_io_free(&io);
	kvs_model_free(&m);
	return 0;
}

static void finish(void)
{
	kvs_model_finish(&m);
	kvs_io_finish(&io);
	assert_told();
}

/* An exit from @from to @to, where its record is written */
static void exits(u64 from, u64 to, s16 reason, u64 info, u8 end)
{
	RECORD(to, exit, ME, .reason = reason, .info = info, .flags = end,
	       .guest_cycles = 1, .host_cycles = to - from);
}

static void in_kernel(u64 from, u64 to, u64 info)
{
	exits(from, to, SVM_IOIO, info, KS_EXIT_BY_ENTRY);
}

/* It goes to the VMM, which has it from @to to @back; the guest goes on right then. */
static void to_user(u64 from, u64 to, u64 back, u64 info)
{
	exits(from, to, SVM_IOIO, info, KS_EXIT_BY_PUT);
	RECORD(to, put, ME, .exit_reason = KVM_EXIT_IO);
	RECORD(back, load, ME, .user_cycles = back - to);
	RECORD(back, entry, ME, .since_exit_cycles = back - from);
}

static void interrupt(u64 at)
{
	BY(IOTHREAD, at, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD, .gsi = 24,
	   TASK(VMM, "io"));
}

static const struct kvs_io_row *row_at(unsigned int i)
{
	assert_true(i < io.nr);
	return io.rows[i];
}

static void assert_taken(const struct kvs_io_row *row, u64 kernel, u64 user, u64 untold)
{
	assert_int_equal(row->kernel, kernel);
	assert_int_equal(row->user, user);
	assert_int_equal(row->untold, untold);
	assert_int_equal(row->what.count, kernel + user + untold);
}

/* Each request is in one of these. */
static void assert_asked(const struct kvs_io_row *row, u64 served, u64 alone, u64 several,
			 u64 none, u64 unclear)
{
	assert_int_equal(row->requests[KVS_IO_SERVED], served);
	assert_int_equal(row->requests[KVS_IO_ALONE], alone);
	assert_int_equal(row->requests[KVS_IO_SEVERAL], several);
	assert_int_equal(row->requests[KVS_IO_NONE], none);
	assert_int_equal(row->requests[KVS_IO_UNCLEAR], unclear);
	assert_int_equal(row->asked, served + alone + several + none + unclear);
}

static void assert_leg(const struct kvs_hist *h, u64 count, u64 longest)
{
	assert_int_equal(h->count, count);
	if (count)
		assert_int_equal(h->max, longest);
}

/* The only kind of interrupt after requests of @row */
static const struct kvs_io_answer *answer(const struct kvs_io_row *row, bool served)
{
	assert_int_equal(row->nr_answers, 1);
	assert_int_equal(row->answers[0].served, served);
	assert_int_equal(row->answers[0].vector, VECTOR);
	return row->answers;
}

static void thread_of_the_vcpu_serves(void **unused)
{
	const struct kvs_io_answer *a;

	exits(100, 105, SVM_IOIO, OUT(DISK), KS_EXIT_BY_PUT);
	RECORD(106, put, ME, .exit_reason = KVM_EXIT_IO);
	RECORD(120, irq_accept, ME, .vector = VECTOR, .by = KS_BY_OTHER, TASK(VMM, "CPU 0/KVM"));
	RECORD(130, load, ME, .user_cycles = 24);
	RECORD(131, irq_inject, ME, .vector = VECTOR);
	RECORD(132, entry, ME, .since_exit_cycles = 32);
	finish();
	assert_int_equal(io.nr, 1);
	assert_taken(row_at(0), 0, 1, 0);
	assert_asked(row_at(0), 1, 0, 0, 0, 0);
	assert_leg(&row_at(0)->to_user_ts, 1, 6);
	assert_leg(&row_at(0)->user_ts, 1, 24);
	assert_leg(&row_at(0)->kernel_ts, 0, 0);
	a = answer(row_at(0), true);
	assert_int_equal(a->who.kind, KVS_SENDER_VMM);
	assert_int_equal(a->who.tid, TID);
	assert_leg(&a->to_accept_ts, 1, 20);
	assert_leg(&a->accept_to_inject_ts, 1, 11);
}

/* What that thread sends is for its own exit, whatever else was asked for. */
static void others_wait_meanwhile(void **unused)
{
	in_kernel(50, 55, OUT(SERIAL));
	exits(100, 105, SVM_IOIO, OUT(DISK), KS_EXIT_BY_PUT);
	RECORD(106, put, ME, .exit_reason = KVM_EXIT_IO);
	RECORD(120, irq_accept, ME, .vector = VECTOR, .by = KS_BY_OTHER, TASK(VMM, "CPU 0/KVM"));
	RECORD(130, load, ME, .user_cycles = 24);
	RECORD(132, entry, ME, .since_exit_cycles = 32);
	interrupt(150);
	finish();
	assert_int_equal(io.nr, 2);
	assert_int_equal(row_at(0)->what.key >> 16, DISK);
	assert_asked(row_at(0), 1, 0, 0, 0, 0);
	assert_asked(row_at(1), 0, 1, 0, 0, 0);
	assert_leg(&answer(row_at(1), false)->to_accept_ts, 1, 100);
}

/* The same thread, but it serves nothing any more */
static void served_before(void **unused)
{
	to_user(100, 105, 110, OUT(DISK));
	RECORD(115, put, ME, .exit_reason = KVM_EXIT_INTR);
	RECORD(120, irq_accept, ME, .vector = VECTOR, .by = KS_BY_OTHER, TASK(VMM, "CPU 0/KVM"));
	finish();
	assert_asked(row_at(0), 0, 1, 0, 0, 0);
}

static void another_thread_answers(void **unused)
{
	const struct kvs_io_answer *a;

	in_kernel(200, 205, OUT(DISK));
	BY(0, 210, host_switch, .prev_pid = 0, .next_pid = IOTHREAD, .next_comm = "io");
	interrupt(220);
	RECORD(232, irq_inject, ME, .vector = VECTOR);
	finish();
	assert_taken(row_at(0), 1, 0, 0);
	assert_asked(row_at(0), 0, 1, 0, 0, 0);
	assert_leg(&row_at(0)->kernel_ts, 1, 5);
	a = answer(row_at(0), false);
	assert_int_equal(a->who.tid, IOTHREAD);
	assert_leg(&a->to_sender_ts, 1, 10);
	assert_leg(&a->to_accept_ts, 1, 20);
	assert_leg(&a->accept_to_inject_ts, 1, 12);
}

/* It polls, and had its CPU before. */
static void sender_had_a_cpu(void **unused)
{
	BY(0, 150, host_switch, .prev_pid = 0, .next_pid = IOTHREAD, .next_comm = "io");
	in_kernel(200, 205, OUT(DISK));
	interrupt(220);
	finish();
	assert_leg(&answer(row_at(0), false)->to_sender_ts, 1, 0);
}

/* An exit is recorded at its end: the interrupt came meanwhile. */
static void answer_before_the_record(void **unused)
{
	interrupt(310);
	RECORD(318, irq_inject, ME, .vector = VECTOR);
	in_kernel(300, 320, OUT(DISK));
	finish();
	assert_asked(row_at(0), 0, 1, 0, 0, 0);
	assert_leg(&answer(row_at(0), false)->to_accept_ts, 1, 10);
	assert_leg(&answer(row_at(0), false)->accept_to_inject_ts, 1, 8);
}

static void nobody_can_tell_which(void **unused)
{
	in_kernel(100, 105, OUT(DISK));
	in_kernel(110, 115, OUT(SERIAL));
	interrupt(120);
	interrupt(130);
	finish();
	assert_asked(row_at(0), 0, 0, 1, 0, 0);
	assert_asked(row_at(1), 0, 0, 1, 0, 0);
	assert_int_equal(row_at(0)->nr_answers + row_at(1)->nr_answers, 0);
}

static void no_interrupt_follows(void **unused)
{
	interrupt(90);
	in_kernel(100, 105, OUT(DISK));
	finish();
	assert_asked(row_at(0), 0, 0, 0, 1, 0);
}

static void interrupts_of_no_device(void **unused)
{
	in_kernel(100, 105, OUT(DISK));
	BY(20, 110, irq_accept, ME, .vector = VECTOR, .by = KS_BY_ICR,
	   .context = KS_CONTEXT_VCPU, .from_vm = 1, .from_vcpu = 1);
	RECORD(115, irq_accept, ME, .vector = VECTOR, .by = KS_BY_TIMER,
	       .context = KS_CONTEXT_VCPU, .from_vm = 1);
	/* Nor is this one to the same VM. */
	BY(IOTHREAD, 116, irq_accept, .vm = 2, .vector = VECTOR, .by = KS_BY_IRQFD, .gsi = 24,
	   TASK(VMM, "io"));
	interrupt(120);
	finish();
	assert_asked(row_at(0), 0, 1, 0, 0, 0);
	assert_leg(&answer(row_at(0), false)->to_accept_ts, 1, 20);
}

static void what_is_lost(void **unused)
{
	in_kernel(100, 105, OUT(DISK));
	kvs_model_missed(&m, 0, 3);
	interrupt(120);
	/* Before this interrupt something may be missing; not before the next. */
	in_kernel(130, 135, OUT(DISK));
	interrupt(140);
	in_kernel(150, 155, OUT(DISK));
	interrupt(160);
	finish();
	assert_asked(row_at(0), 0, 2, 0, 0, 1);
	kvs_io_free(&io);
	kvs_model_free(&m);
	setup(NULL);
	kvs_model_missed(&m, 0, 3);
	in_kernel(130, 135, OUT(DISK));
	interrupt(140);
	finish();
	assert_asked(row_at(0), 0, 0, 0, 0, 1);
}

static void reads_are_no_requests(void **unused)
{
	in_kernel(100, 105, OUT(DISK));
	to_user(110, 115, 118, IN(DISK));
	interrupt(120);
	finish();
	assert_int_equal(io.nr, 2);
	assert_asked(row_at(0), 0, 1, 0, 0, 0);
	assert_taken(row_at(1), 0, 1, 0);
	assert_asked(row_at(1), 0, 0, 0, 0, 0);
}

static void pages(void **unused)
{
	/* At the first access KVM doesn't know yet that there is no memory. */
	exits(100, 105, SVM_NPF, HOLE | (u64)KS_NPF_WRITE << KS_EXIT_ACCESS_SHIFT,
	      KS_EXIT_BY_PUT);
	RECORD(105, put, ME, .exit_reason = KVM_EXIT_MMIO);
	RECORD(110, load, ME, .user_cycles = 5);
	RECORD(110, entry, ME, .since_exit_cycles = 10);
	exits(120, 123, SVM_NPF, (HOLE + 8) | MARK, KS_EXIT_BY_ENTRY);
	/* Memory, and the guest's LAPIC */
	exits(130, 135, SVM_NPF, 0x1000 | (u64)KS_NPF_WRITE << KS_EXIT_ACCESS_SHIFT,
	      KS_EXIT_BY_ENTRY);
	exits(140, 145, SVM_NPF, 0xfee00380 | MARK, KS_EXIT_BY_ENTRY);
	interrupt(150);
	finish();
	assert_int_equal(io.nr, 1);
	assert_int_equal(row_at(0)->what.key, HOLE);
	assert_true(row_at(0)->what.mmio);
	assert_taken(row_at(0), 1, 1, 0);
	assert_asked(row_at(0), 0, 0, 2, 0, 0);
	assert_leg(&row_at(0)->kernel_ts, 1, 3);
	assert_leg(&row_at(0)->user_ts, 1, 5);
}

static void cut_by_a_switch(void **unused)
{
	exits(100, 105, SVM_IOIO, OUT(DISK), KS_EXIT_BY_SWITCH);
	RECORD(105, switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1);
	RECORD(150, switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = 45);
	RECORD(160, entry, ME, .since_exit_cycles = 60);
	exits(200, 205, SVM_IOIO, OUT(DISK), KS_EXIT_BY_SWITCH);
	RECORD(205, switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1);
	RECORD(250, switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = 45);
	RECORD(270, put, ME, .exit_reason = KVM_EXIT_IO);
	RECORD(275, load, ME, .user_cycles = 5);
	RECORD(276, entry, ME, .since_exit_cycles = 76);
	finish();
	assert_int_equal(io.nr, 1);
	assert_taken(row_at(0), 1, 1, 0);
	assert_leg(&row_at(0)->kernel_ts, 1, 60);
	assert_leg(&row_at(0)->to_user_ts, 1, 70);
	assert_leg(&row_at(0)->user_ts, 1, 5);
}

/* KVM_RUN returns for other reasons: the exit was handled before, or nobody can tell. */
static void other_returns(void **unused)
{
	exits(100, 105, SVM_IOIO, OUT(DISK), KS_EXIT_BY_PUT);
	RECORD(105, put, ME, .exit_reason = KVM_EXIT_INTR);
	RECORD(110, load, ME, .user_cycles = 5);
	RECORD(110, entry, ME, .since_exit_cycles = 10);
	exits(200, 205, SVM_IOIO, OUT(DISK), KS_EXIT_BY_PUT);
	RECORD(205, put, ME, .exit_reason = KVM_EXIT_INTERNAL_ERROR);
	finish();
	assert_taken(row_at(0), 1, 0, 1);
	assert_leg(&row_at(0)->user_ts, 0, 0);
}

/* A string of bytes: KVM_RUN returns for each, and the guest is entered after the last. */
static void several_returns(void **unused)
{
	exits(100, 105, SVM_IOIO, OUT(SERIAL), KS_EXIT_BY_PUT);
	for (u64 at = 105; at < 135; at += 10) {
		RECORD(at, put, ME, .exit_reason = KVM_EXIT_IO);
		RECORD(at + 4, load, ME, .user_cycles = 4);
	}
	RECORD(130, entry, ME, .since_exit_cycles = 30);
	finish();
	assert_taken(row_at(0), 0, 1, 0);
	assert_leg(&row_at(0)->to_user_ts, 1, 5);
	assert_leg(&row_at(0)->user_ts, 1, 12);
}

static void older_file(void **unused)
{
	in_kernel(100, 105, OUT(DISK));
	BY(IOTHREAD, 110, irq_accept, ME, .vector = VECTOR);
	finish();
	assert_asked(row_at(0), 0, 0, 0, 0, 1);
	assert_int_equal(io.untold_senders, 1);
}

/* A work item delivers what the vCPU's thread has asked for; and what it asked for before. */
static void work_item(void **unused)
{
	RECORD(80, irqfd, .vm = 1, .gsi = 6, TASK(VMM, "CPU 0/KVM"));
	exits(100, 105, SVM_IOIO, OUT(DISK), KS_EXIT_BY_PUT);
	RECORD(106, put, ME, .exit_reason = KVM_EXIT_IO);
	RECORD(110, irqfd, .vm = 1, .gsi = 5, TASK(VMM, "CPU 0/KVM"));
	BY(70, 115, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD_WORK, .gsi = 5,
	   TASK(70, "kworker"));
	BY(70, 120, irq_accept, ME, .vector = VECTOR + 1, .by = KS_BY_IRQFD_WORK, .gsi = 6,
	   TASK(70, "kworker"));
	RECORD(130, load, ME, .user_cycles = 24);
	finish();
	assert_asked(row_at(0), 1, 0, 0, 0, 0);
	assert_leg(&answer(row_at(0), true)->to_accept_ts, 1, 15);
}

/* It is delivered when the vCPU's thread is back in KVM_RUN. */
static void late_work_item(void **unused)
{
	exits(100, 105, SVM_IOIO, OUT(DISK), KS_EXIT_BY_PUT);
	RECORD(106, put, ME, .exit_reason = KVM_EXIT_IO);
	RECORD(110, irqfd, .vm = 1, .gsi = 5, TASK(VMM, "CPU 0/KVM"));
	RECORD(112, load, ME, .user_cycles = 6);
	BY(70, 115, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD_WORK, .gsi = 5,
	   TASK(70, "kworker"));
	RECORD(130, entry, ME, .since_exit_cycles = 30);
	finish();
	assert_asked(row_at(0), 1, 0, 0, 0, 0);
	assert_leg(&answer(row_at(0), true)->to_accept_ts, 1, 15);
}

/* What the thread sends to another VM of its process serves nobody here. */
static void another_vm(void **unused)
{
	BY(20, 50, vcpu, .vm = 2, .tgid = VMM, .features = KS_FEATURE_SVM | KS_FEATURE_DETAIL);
	BY(20, 65, exit, .vm = 2, .reason = SVM_IOIO, .info = OUT(DISK), .host_cycles = 5,
	   .flags = KS_EXIT_BY_ENTRY);
	exits(100, 105, SVM_IOIO, OUT(DISK), KS_EXIT_BY_PUT);
	RECORD(106, put, ME, .exit_reason = KVM_EXIT_IO);
	RECORD(110, irq_accept, .vm = 2, .vcpu = 0, .vector = VECTOR, .by = KS_BY_OTHER,
	       TASK(VMM, "CPU 0/KVM"));
	RECORD(112, load, ME, .user_cycles = 6);
	finish();
	assert_asked(row_at(0), 0, 0, 0, 1, 0);
	assert_asked(row_at(1), 0, 1, 0, 0, 0);
	assert_leg(&answer(row_at(1), false)->to_accept_ts, 1, 50);
}

/* The vCPU's thread is out of KVM_RUN again, but for a signal's sake. */
static void through_with_it(void **unused)
{
	exits(100, 105, SVM_IOIO, OUT(DISK), KS_EXIT_BY_PUT);
	RECORD(106, put, ME, .exit_reason = KVM_EXIT_IO);
	RECORD(110, load, ME, .user_cycles = 4);
	RECORD(112, put, ME, .exit_reason = KVM_EXIT_INTR);
	RECORD(115, irq_accept, ME, .vector = VECTOR, .by = KS_BY_OTHER, TASK(VMM, "CPU 0/KVM"));
	finish();
	assert_asked(row_at(0), 0, 1, 0, 0, 0);
}

/* Which interrupt comes next does not depend on what is shown. */
static void excerpt(void **unused)
{
	begin();
	kvs_model_excerpt(&m, 100, 200);
	listen();
	in_kernel(90, 95, OUT(DISK));
	in_kernel(110, 115, OUT(DISK));
	interrupt(120);
	in_kernel(190, 195, OUT(DISK));
	interrupt(210);
	finish();
	assert_taken(row_at(0), 2, 0, 0);
	assert_asked(row_at(0), 0, 1, 1, 0, 0);
	assert_leg(&answer(row_at(0), false)->to_accept_ts, 1, 20);
	teardown(NULL);
}

/* More than anybody keeps: all are counted, and none is taken for another. */
static void more_than_are_kept(void **unused)
{
	u64 now = 1000, exits_seen = 0, asked = 0, alone = 0, several = 0;

	for (unsigned int i = 0; i < 1000; i++, now += 20) {
		in_kernel(now, now + 5, OUT(i));
		if (i >= 500)
			interrupt(now + 10);
	}
	for (unsigned int i = 0; i < 100; i++, now += 20) {
		in_kernel(now, now + 5, OUT(1));
		BY(100 + i, now + 10, irq_accept, ME, .vector = VECTOR, .by = KS_BY_IRQFD,
		   TASK(VMM, "worker"));
	}
	finish();
	for (unsigned int i = 0; i < io.nr; i++) {
		exits_seen += row_at(i)->what.count;
		asked += row_at(i)->asked;
		alone += row_at(i)->requests[KVS_IO_ALONE];
		several += row_at(i)->requests[KVS_IO_SEVERAL];
	}
	assert_in_range(io.nr, 100, 999);
	assert_true(row_at(io.nr - 1)->what.rest);
	assert_int_equal(exits_seen, 1100);
	assert_int_equal(asked, 1100);
	assert_int_equal(several, 501);
	assert_int_equal(alone, 599);
	/* Port 1 has the most of those that are told apart. */
	assert_int_equal(row_at(0)->what.key >> 16, 1);
	asked = 0;
	for (unsigned int i = 0; i < row_at(0)->nr_answers; i++)
		asked += row_at(0)->answers[i].count;
	assert_int_equal(asked, 100);
	assert_in_range(row_at(0)->nr_answers, 2, 99);
	assert_true(row_at(0)->answers[row_at(0)->nr_answers - 1].others);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(thread_of_the_vcpu_serves),
		TEST(others_wait_meanwhile),
		TEST(served_before),
		TEST(another_thread_answers),
		TEST(sender_had_a_cpu),
		TEST(answer_before_the_record),
		TEST(nobody_can_tell_which),
		TEST(no_interrupt_follows),
		TEST(interrupts_of_no_device),
		TEST(what_is_lost),
		TEST(reads_are_no_requests),
		TEST(pages),
		TEST(cut_by_a_switch),
		TEST(other_returns),
		TEST(several_returns),
		TEST(older_file),
		TEST(work_item),
		TEST(late_work_item),
		TEST(another_vm),
		TEST(through_with_it),
		cmocka_unit_test(excerpt),
		TEST(more_than_are_kept),
	};

	return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
