// SPDX-License-Identifier: GPL-2.0-only
/*
 * record --stop-on: conditions, and what is seen in which order.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rec.h"
#include "uapi/kvmsched.h"
#include "base/util.h"
#include "record/watch.h"
#include "trace/formats.h"
#include "watching.h"

static bool parses(const char *text, struct kvs_watch_limits *limits)
{
	char *why;

	memset(limits, 0, sizeof(*limits));
	why = kvs_watch_take(limits, text);
	free(why);
	return !why;
}

static void conditions(void **unused)
{
	static const char *const bad[] = {
		"", "wait", "wait>", "wait>500", "wait>us", "wait>-1us", "wait>0us",
		"wait>nanus", "wait>1e30s", "halt>1us", "wait<1us", "wait>1us,",
		"wait>1us;irq>1us", ">1us", "wait>1 us x",
	};
	struct kvs_watch_limits limits;

	assert_true(parses("wait>500us", &limits));
	assert_int_equal(limits.ns[KVS_MOMENT_WAIT], 500000);
	assert_int_equal(limits.ns[KVS_MOMENT_TIMER], 0);
	assert_true(parses("timer>1.5ms,irq>20ns,exit>2s", &limits));
	assert_int_equal(limits.ns[KVS_MOMENT_TIMER], 1500000);
	assert_int_equal(limits.ns[KVS_MOMENT_IRQ], 20);
	assert_int_equal(limits.ns[KVS_MOMENT_EXIT], 2000000000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(parses(bad[i], &limits));
}

/* A page with one record */
static void see_record(struct kvs_watch *w, unsigned int cpu, uint64_t ts, const void *rec,
		       uint32_t size)
{
	unsigned char page[KVS_PAGE_SIZE] = { 0 };
	uint64_t commit = 4 + size;
	uint32_t word = size / 4;

	memcpy(page, &ts, sizeof(ts));
	memcpy(page + 8, &commit, sizeof(commit));
	memcpy(page + 16, &word, sizeof(word));
	memcpy(page + 20, rec, size);
	kvs_watch_pages(w, cpu, page, sizeof(page));
}

/* A page with one exit each at @ts, and so many cycles of host time */
static void see_exit(struct kvs_watch *w, unsigned int cpu, uint64_t ts, uint64_t host)
{
	struct ks_rec_exit rec = {
		.ent = { .type = kvs_formats_id(&events, "kvmsched_exit"), .pid = 10 },
		.vm = 1, .vcpu = cpu, .reason = 0x72, .host_cycles = host,
	};

	see_record(w, cpu, ts, &rec, KS_RECORD_SIZE(exit));
}

static struct kvs_watch *exits_above(uint64_t ns)
{
	const struct kvs_watch_limits limits = { .ns = { [KVS_MOMENT_EXIT] = ns } };

	return kvs_watch_new(&limits, &events, &info);
}

static void looks_no_further_than_told(void **unused)
{
	struct kvs_watch *w = exits_above(100);
	uint64_t since;
	char *text;

	see_exit(w, 0, 1000, 50);
	see_exit(w, 1, 1500, 101);
	see_exit(w, 0, 2000, 100);
	assert_false(kvs_watch_look(w, 1400));
	assert_null(kvs_watch_sentence(w, &since));
	assert_true(kvs_watch_look(w, 1500));
	text = kvs_watch_sentence(w, &since);
	/* Nothing has told whose vCPU it is. */
	assert_int_equal(strncmp(text, "vm 1? vcpu1: exit cpuid", 23), 0);
	assert_int_equal(since, 1500 - 101);
	free(text);
	kvs_watch_free(w);
}

/* Of two VMs, the sentence names the one that it is about. */
static void names_the_vm(void **unused)
{
	static int32_t others[] = { 11 }, its[] = { 0, 10 };
	static const struct kvs_dat_guest guests[] = {
		{ .name = (char *)"other", .vcpus = 1, .tids = others },
		{ .name = (char *)"web1", .vcpus = 2, .tids = its },
	};
	struct ks_rec_vcpu identity = {
		.ent = { .type = kvs_formats_id(&events, "kvmsched_vcpu"), .pid = 10 },
		.vm = 1, .vcpu = 0, .tgid = 9,
	};
	struct kvs_watch *w = exits_above(100);
	uint64_t since;
	char *text;

	see_record(w, 0, 500, &identity, KS_RECORD_SIZE(vcpu));
	see_exit(w, 0, 1000, 101);
	assert_true(kvs_watch_look(w, UINT64_MAX));
	kvs_watch_name_vms(w, guests, 1);
	text = kvs_watch_sentence(w, &since);
	assert_non_null(strstr(text, "vm 9 vcpu0: exit cpuid"));
	free(text);
	kvs_watch_name_vms(w, guests, ARRAY_SIZE(guests));
	text = kvs_watch_sentence(w, &since);
	assert_non_null(strstr(text, "vm web1/9 vcpu0: exit cpuid"));
	free(text);
	kvs_watch_free(w);
}

static void as_long_is_not_longer(void **unused)
{
	struct kvs_watch *w = exits_above(100);

	see_exit(w, 0, 1000, 100);
	assert_false(kvs_watch_look(w, UINT64_MAX));
	see_exit(w, 0, 2000, 101);
	assert_true(kvs_watch_look(w, UINT64_MAX));
	kvs_watch_free(w);
}

/* One CPU is always a little ahead of what may be looked at. */
static void needs_no_more_for_longer(void **unused)
{
	struct kvs_watch *w = exits_above(1000);
	size_t before = 0;

	for (uint64_t i = 1; i <= 20000; i++) {
		see_exit(w, 0, i * 1000, 10);
		see_exit(w, 1, i * 1000 + 5, 10);
		assert_false(kvs_watch_look(w, i * 1000));
		if (i == 100)
			before = mallinfo2().uordblks + mallinfo2().hblkhd;
	}
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd < before + (64U << 10));
	see_exit(w, 1, 30000000, 1001);
	assert_true(kvs_watch_look(w, UINT64_MAX));
	kvs_watch_free(w);
}

static void classes(void **unused)
{
	struct kvs_watch_limits limits = { .ns = { [KVS_MOMENT_EXIT] = 1 } };
	uint32_t wanted;

	assert_int_equal(kvs_watch_classes(&limits, &wanted), KVMSCHED_CLASS_EXIT);
	assert_int_equal(wanted, KVMSCHED_CLASS_EXIT);
	limits.ns[KVS_MOMENT_TIMER] = 1;
	assert_int_equal(kvs_watch_classes(&limits, &wanted), KVMSCHED_CLASS_EXIT |
			 KVMSCHED_CLASS_TIMER | KVMSCHED_CLASS_IRQ);
	assert_true(wanted & KVMSCHED_CLASS_STEAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions),
		cmocka_unit_test(looks_no_further_than_told),
		cmocka_unit_test(names_the_vm),
		cmocka_unit_test(as_long_is_not_longer),
		cmocka_unit_test(needs_no_more_for_longer),
		cmocka_unit_test(classes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
