// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that KVM leaves to the hardware (APICv's posted interrupts, AVIC): nobody
 * waits for their injection, and no injection is taken for theirs.  Neither QEMU nor Bochs
 * has such hardware, so these records are made up.  One cycle is one ns and one unit of
 * time here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "model/model.h"
#include "model/summary.h"
#include "feed.h"

#define ME	.vm = 1, .vcpu = 0
#define VECTOR	0x40
#define MS	1000000ULL
#define INHIBITED 1

static struct kvs_model m;

#define RECORD(at, name, ...)	FEED(&m, at, 0, 10, name, __VA_ARGS__)

/* The vCPU is within KVM_RUN from 1 ms on. */
static void begin(u32 features, u32 inhibits)
{
	RECORD(MS, vcpu, ME, .tgid = 10, .features = features, .apicv_inhibits = inhibits,
	       .tsc_ratio = 1ULL << 48, .tsc_frac_bits = 48);
	RECORD(MS, load, ME);
	RECORD(MS, exit, ME, .reason = 0x72, .guest_cycles = 1, .host_cycles = 2);
}

static int setup(void **unused)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	RECORD(1, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT);
	return 0;
}

static int teardown(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

static void hook(s32 status)
{
	RECORD(2, attach, .hook = "kvm_apicv_accept_irq", .status = status);
}

/* A vCPU whose interrupts the hardware may deliver, with the hook that tells of each */
static void begin_with_apicv(void)
{
	hook(0);
	begin(KS_FEATURE_VMX | KS_FEATURE_IRQCHIP, 0);
}

static void accept(u64 ts)
{
	RECORD(ts, irq_accept, ME, .vector = VECTOR, .by = KS_BY_TIMER);
}

static void post(u64 ts)
{
	RECORD(ts, irq_posted, ME, .vector = VECTOR);
}

static void inject(u64 ts)
{
	RECORD(ts, irq_inject, ME, .vector = VECTOR);
}

static void expire(u64 ts)
{
	RECORD(ts, timer_expire, ME, .mode = KS_TIMER_DEADLINE, .merged = KS_MERGED_NO);
}

static void post_three_timers(void)
{
	for (u64 ts = 10 * MS; ts < 40 * MS; ts += 10 * MS) {
		expire(ts);
		accept(ts + 1000);
		post(ts + 1100);
	}
}

/* The vCPU stays within KVM_RUN for long. */
static void end(void)
{
	RECORD(900 * MS, exit, ME, .reason = 0x72, .guest_cycles = 1, .host_cycles = 2);
	RECORD(901 * MS, session, .op = KS_SESSION_STOP, .classes = KVMSCHED_CLASS_DEFAULT);
	kvs_model_finish(&m);
}

static const struct kvs_vector_stats *vector(void)
{
	return m.vcpus[0]->vector[VECTOR];
}

static const struct kvs_timer_stats *timer(void)
{
	return &m.vcpus[0]->timer;
}

static void assert_counts(u64 accepted, u64 posted, u64 injected, u64 lost)
{
	assert_int_equal(vector()->accepted, accepted);
	assert_int_equal(vector()->posted, posted);
	assert_int_equal(vector()->injected, injected);
	assert_int_equal(vector()->merged, 0);
	assert_int_equal(timer()->overdue.not_injected, lost);
	assert_int_equal(timer()->overdue.not_judged, 0);
}

/* Without APICv the same is an alarm. */
static void never_injected(void **unused)
{
	hook(0);
	begin(KS_FEATURE_VMX | KS_FEATURE_IRQCHIP, INHIBITED);
	expire(10 * MS);
	accept(11 * MS);
	end();
	assert_counts(1, 0, 0, 1);
	assert_int_equal(timer()->posted, 0);
	assert_false(m.vcpus[0]->apicv);
}

static void posted_timers(void **unused)
{
	begin_with_apicv();
	post_three_timers();
	end();
	assert_counts(3, 3, 0, 0);
	assert_int_equal(timer()->posted, 3);
	assert_int_equal(timer()->injected, 0);
	assert_int_equal(timer()->expire_to_accept_ts.count, 3);
	assert_int_equal(timer()->deadline_to_inject_ts.above.count, 0);
	assert_int_equal(vector()->accept_to_inject_ts.count, 0);
	assert_true(m.vcpus[0]->apicv);
}

/* KVM injects what was posted, since APICv is inhibited meanwhile: since when it waited? */
static void injected_after_all(void **unused)
{
	begin_with_apicv();
	expire(10 * MS);
	accept(11 * MS);
	post(11 * MS + 100);
	inject(50 * MS);
	RECORD(51 * MS, irq_eoi, ME, .vector = VECTOR);
	end();
	assert_counts(1, 1, 1, 0);
	assert_int_equal(timer()->injected, 0);
	assert_int_equal(vector()->accept_to_inject_ts.count, 0);
	assert_int_equal(vector()->inject_to_eoi_ts.count, 1);
}

/* From then on injections are KVM's again, each with its own acceptance. */
static void inhibited_later(void **unused)
{
	begin_with_apicv();
	accept(10 * MS);
	post(10 * MS + 100);
	accept(20 * MS);
	inject(20 * MS + 700);
	end();
	assert_counts(2, 1, 1, 0);
	assert_int_equal(vector()->accept_to_inject_ts.count, 1);
	assert_int_equal(vector()->accept_to_inject_ts.max, 700);
}

/* The EOI of a posted one, level-triggered, does not end an injection of long ago. */
static void eoi_of_posted(void **unused)
{
	begin_with_apicv();
	accept(10 * MS);
	inject(10 * MS + 700);
	accept(20 * MS);
	post(20 * MS + 100);
	RECORD(30 * MS, irq_eoi, ME, .vector = VECTOR);
	end();
	assert_counts(2, 1, 1, 0);
	assert_int_equal(vector()->eoi, 1);
	assert_int_equal(vector()->inject_to_eoi_ts.count, 0);
}

/* The VM may have APICv: what KVM does not post waits for its injection all the same. */
static void not_posted(void **unused)
{
	begin_with_apicv();
	expire(10 * MS);
	accept(11 * MS);
	end();
	assert_counts(1, 0, 0, 1);
}

/* Without that hook, or with a module that has none, the vCPU's own word counts. */
static void told_by_identity(s32 status, bool hooked)
{
	if (hooked)
		hook(status);
	begin(KS_FEATURE_SVM | KS_FEATURE_IRQCHIP, 0);
	expire(10 * MS);
	accept(11 * MS);
	expire(20 * MS);
	accept(21 * MS);
	end();
	assert_counts(2, 2, 0, 0);
	assert_int_equal(timer()->posted, 2);
}

static void older_module(void **unused)
{
	told_by_identity(0, false);
}

static void hook_not_attached(void **unused)
{
	told_by_identity(-2, true);
}

/* Events that were enabled have no record of hooks: the first one is not counted twice. */
static void events_alone(void **unused)
{
	begin(KS_FEATURE_SVM | KS_FEATURE_IRQCHIP, 0);
	post_three_timers();
	end();
	assert_counts(3, 3, 0, 0);
	assert_int_equal(timer()->posted, 3);
}

/* A LAPIC in userspace has no APICv, whatever the bitmap of its VM says. */
static void userspace_lapic(void **unused)
{
	begin(KS_FEATURE_VMX, 0);
	accept(10 * MS);
	inject(10 * MS + 700);
	end();
	assert_counts(1, 0, 1, 0);
	assert_int_equal(vector()->accept_to_inject_ts.count, 1);
	assert_false(m.vcpus[0]->apicv);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(never_injected),
		TEST(posted_timers),
		TEST(injected_after_all),
		TEST(inhibited_later),
		TEST(eoi_of_posted),
		TEST(not_posted),
		TEST(older_module),
		TEST(hook_not_attached),
		TEST(events_alone),
		TEST(userspace_lapic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
