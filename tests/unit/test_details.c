// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits by detail, against records that the test makes itself.
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
#include "feed.h"
#include "model/clock.h"
#include "model/details.h"
#include "printed.h"
#include "report/report.h"
#include "report/view.h"

#define TID		500
#define SVM_CPUID	0x72
#define SVM_IOIO	0x7b
#define SVM_MSR		0x7c
#define SVM_VMMCALL	0x81
#define SVM_NPF		0x400
#define VMX_IO		30
#define VMX_WRMSR	32
#define VMX_EPT		48
#define VMX_MISCONFIG	49

static struct kvs_model m;
static struct kvs_details d;
static u64 now;

static bool any(const void *ctx, const struct kvs_vcpu *v)
{
	(void)ctx;
	(void)v;
	return true;
}

static void begin(u32 features)
{
	now = 1000;
	kvs_model_init(&m);
	kvs_model_clock(&m, true, 0, 0);
	kvs_details_init(&d);
	kvs_details_listen(&d, &m);
	FEED(&m, now, 0, TID, vcpu, .vm = 1, .tgid = 400, .features = features, .comm = "v");
}

static void end(void)
{
	kvs_details_free(&d);
	kvs_model_free(&m);
}

static void exits(s16 reason, u8 flags, u64 info, u64 host_cycles)
{
	FEED(&m, now += 1000, 0, TID, exit, .vm = 1, .reason = reason, .flags = flags,
	     .info = info, .guest_cycles = 10, .host_cycles = host_cycles);
}

/* The names of a kind's rows with their counts, in their order: "0x1b read=2 ..." */
static const char *told(enum kvs_detail_by by)
{
	static char text[4096];
	char name[KVS_DETAIL_LEN];
	unsigned int nr;
	struct kvs_detail *rows = kvs_details_sum(&d, by, any, NULL, &nr);
	size_t at = 0;

	text[0] = 0;
	for (unsigned int i = 0; i < nr; i++)
		at += snprintf(text + at, sizeof(text) - at, "%s%s=%llu", at ? "; " : "",
			       kvs_detail_name(name, &rows[i]),
			       (unsigned long long)rows[i].count);
	free(rows);
	return text;
}

/* @wanted: exits that read, wrote, executed, and found the page present */
static void assert_access(u64 page, const u64 wanted[KVS_NR_ACCESSES])
{
	unsigned int nr, found = 0;
	struct kvs_detail *rows = kvs_details_sum(&d, KVS_BY_ADDRESS, any, NULL, &nr);

	for (unsigned int i = 0; i < nr; i++) {
		if (rows[i].key != page)
			continue;
		assert_memory_equal(rows[i].accesses, wanted, sizeof(rows[i].accesses));
		found++;
	}
	free(rows);
	assert_int_equal(found, 1);
}

static void svm_is_told(void **unused)
{
	begin(KS_FEATURE_SVM | KS_FEATURE_DETAIL);
	exits(SVM_IOIO, 0, 0x5f0ULL << 16 | 1 << 6, 100);
	exits(SVM_IOIO, 0, 0x5f0ULL << 16 | 1 << 6, 300);
	exits(SVM_IOIO, 0, 0x60ULL << 16 | 1 << 4 | 1, 100);
	exits(SVM_MSR, 0, 0x1b, 100);
	exits(SVM_MSR, 0, 0x6e0 | KS_EXIT_MSR_WRITE, 100);
	exits(SVM_MSR, 0, 0x6e0 | KS_EXIT_MSR_WRITE, 100);
	/* ECX is nothing but an old value here, and a subleaf there. */
	exits(SVM_CPUID, 0, 77ULL << 32 | 1, 100);
	exits(SVM_CPUID, 0, 78ULL << 32 | 1, 100);
	exits(SVM_CPUID, 0, 1ULL << 32 | 0xd, 100);
	exits(SVM_VMMCALL, 0, 5, 100);
	exits(SVM_NPF, 0, 0xfee00300 | 0xfULL << KS_EXIT_ACCESS_SHIFT, 100);
	exits(SVM_NPF, 0, 0xfee00020 | 0x6ULL << KS_EXIT_ACCESS_SHIFT, 100);
	exits(SVM_NPF, 0, 0x1234, 100);
	/* The guest's writes take a page from another; then it runs what it has written. */
	exits(SVM_NPF, 0, 0x8010 | 0x7ULL << KS_EXIT_ACCESS_SHIFT, 100);
	exits(SVM_NPF, 0, 0x8020 | 0x7ULL << KS_EXIT_ACCESS_SHIFT, 100);
	exits(SVM_NPF, 0, 0x8020 | 0x14ULL << KS_EXIT_ACCESS_SHIFT, 100);
	/* The fast path: the registers are not those of the exit. */
	exits(SVM_MSR, KS_EXIT_FASTPATH, 0x10, 0);
	assert_string_equal(told(KVS_BY_PORT), "0x5f0 out, 4 bytes=2; 0x60 in, 1 byte=1");
	assert_string_equal(told(KVS_BY_MSR),
			    "0x6e0 IA32_TSC_DEADLINE, write=2; 0x1b IA32_APIC_BASE, read=1");
	assert_string_equal(told(KVS_BY_LEAF), "0x1=2; 0xd, subleaf 0x1=1");
	assert_string_equal(told(KVS_BY_HYPERCALL), "5 KICK_CPU=1");
	assert_string_equal(told(KVS_BY_ADDRESS), "0x8000, write, execute, present=3; "
			    "0xfee00000, MMIO, write=2; 0x1000, read=1");
	assert_access(0x8000, (const u64[]){ 0, 2, 1, 2 });
	/* Present: one access before KVM's mark, none by it */
	assert_access(0xfee00000, (const u64[]){ 0, 2, 0, 0 });
	assert_access(0x1000, (const u64[]){ 1, 0, 0, 0 });
	end();
}

static void vmx_is_told(void **unused)
{
	begin(KS_FEATURE_VMX | KS_FEATURE_DETAIL);
	exits(VMX_IO, KS_EXIT_VMX, 0x3f8ULL << 16, 100);
	exits(VMX_IO, KS_EXIT_VMX, 0x3fdULL << 16 | 1 << 3 | 3, 100);
	exits(VMX_WRMSR, KS_EXIT_VMX, 0x830 | KS_EXIT_MSR_WRITE, 100);
	exits(VMX_EPT, KS_EXIT_VMX, 0x7000 | 1ULL << KS_EXIT_ACCESS_SHIFT, 100);
	exits(VMX_EPT, KS_EXIT_VMX, 0x7008 | 0x9aULL << KS_EXIT_ACCESS_SHIFT, 100);
	exits(VMX_EPT, KS_EXIT_VMX, 0x9008 | 0x84ULL << KS_EXIT_ACCESS_SHIFT, 100);
	exits(VMX_MISCONFIG, KS_EXIT_VMX, 0xfec00010, 100);
	assert_string_equal(told(KVS_BY_PORT), "0x3f8 out, 1 byte=1; 0x3fd in, 4 bytes=1");
	assert_string_equal(told(KVS_BY_MSR), "0x830 x2APIC ICR, write=1");
	assert_string_equal(told(KVS_BY_ADDRESS), "0x7000, read, write, present=2; "
			    "0x9000, execute=1; 0xfec00000, MMIO=1");
	assert_access(0x7000, (const u64[]){ 1, 1, 0, 1 });
	assert_access(0x9000, (const u64[]){ 0, 0, 1, 0 });
	assert_access(0xfec00000, (const u64[]){ 0, 0, 0, 0 });
	end();
}

/* An older module's file has ports and SVM's addresses, and nothing else. */
static void what_is_not_told_is_not_guessed(void **unused)
{
	begin(KS_FEATURE_SVM);
	exits(SVM_MSR, 0, 1, 100);
	exits(SVM_CPUID, 0, 0, 100);
	exits(SVM_IOIO, 0, 0x70ULL << 16 | 1 << 4, 100);
	exits(SVM_NPF, 0, 0x3010, 100);
	exits(VMX_EPT, KS_EXIT_VMX, 0x3010, 100);
	assert_string_equal(told(KVS_BY_MSR), "not told=1");
	assert_string_equal(told(KVS_BY_LEAF), "not told=1");
	assert_string_equal(told(KVS_BY_PORT), "0x70 out, 1 byte=1");
	assert_string_equal(told(KVS_BY_ADDRESS), "0x3000=1; not told=1");
	end();
	begin(KS_FEATURE_SVM | KS_FEATURE_DETAIL | KS_FEATURE_NO_REGS);
	exits(SVM_MSR, 0, 0x1b, 100);
	exits(SVM_NPF, 0, 0x3010, 100);
	assert_string_equal(told(KVS_BY_MSR), "not told=1");
	assert_string_equal(told(KVS_BY_ADDRESS), "0x3000, read=1");
	end();
}

static void ipis_are_counted(void **unused)
{
	begin(KS_FEATURE_SVM | KS_FEATURE_DETAIL);
	FEED(&m, now += 10, 0, TID, ipi, .vm = 1, .icr = 0x4050, .dest = 1);
	FEED(&m, now += 10, 0, TID, ipi, .vm = 1, .icr = 0x4150, .dest = 1);
	FEED(&m, now += 10, 0, TID, ipi, .vm = 1, .icr = 0x4402, .dest = 1);
	assert_string_equal(told(KVS_BY_VECTOR), "0x50=2; NMI=1");
	end();
}

/* More pages than there is room for: the sums are those of the records. */
static void the_rest_keeps_the_sums(void **unused)
{
	const unsigned int pages = 10000;
	u64 cycles = 0, count = 0, sum = 0, most = 0;
	struct kvs_detail *rows;
	unsigned int nr, rest = 0;

	begin(KS_FEATURE_SVM | KS_FEATURE_DETAIL);
	for (u64 i = 0; i < pages; i++) {
		exits(SVM_NPF, 0, i << 12, 100 + i);
		sum += 100 + i;
	}
	exits(SVM_NPF, 0, 3 << 12, 7);
	sum += 7;
	rows = kvs_details_sum(&d, KVS_BY_ADDRESS, any, NULL, &nr);
	for (unsigned int i = 0; i < nr; i++) {
		count += rows[i].count;
		cycles += rows[i].cycles;
		rest += rows[i].rest;
		most = rows[i].max_cycles > most ? rows[i].max_cycles : most;
	}
	assert_true(nr < pages);
	assert_int_equal(rows[0].key, 3 << 12);
	assert_int_equal(rows[0].count, 2);
	assert_true(rows[nr - 1].rest);
	assert_int_equal(rest, 1);
	assert_int_equal(count, pages + 1);
	assert_int_equal(cycles, sum);
	assert_int_equal(most, 100 + pages - 1);
	free(rows);
	end();
}

#define LINE		1024
#define TSC_MULT	1594000000U	/* 0.3711 ns for a cycle: every time is rounded */
#define TSC_SHIFT	32

/* Hundredths of the number that is @back words before the end of @line */
static u64 hundredths(const char *line, unsigned int back)
{
	const char *words[64];
	unsigned int nr = 0;
	unsigned long long whole, part;

	for (const char *at = line; *at && nr < 64;) {
		at += strspn(at, " \n");
		if (*at)
			words[nr++] = at;
		at += strcspn(at, " \n");
	}
	assert_true(nr > back);
	assert_int_equal(sscanf(words[nr - back], "%llu.%2llu", &whole, &part), 2);
	return 100 * whole + part;
}

/* The times that are printed sum to that of row "=", to the last digit. */
static void assert_text(const struct kvs_view *view)
{
	unsigned int rows = 0;
	bool in = false;
	char line[LINE];
	u64 sum = 0;
	FILE *f = begin_print();

	kvs_report_exits.text(view);
	end_print(f);
	while (fgets(line, sizeof(line), f)) {
		if (in && !strncmp(line, "= all", 5)) {
			assert_int_equal(hundredths(line, 4), sum);
			in = false;
		} else if (in) {
			sum += hundredths(line, 4);
			rows++;
		}
		in |= !strncmp(line, "Port", 4);
	}
	fclose(f);
	assert_int_equal(rows, 21);
}

static u64 host_ns(const json_t *o)
{
	return json_integer_value(json_object_get(o, "host_ns"));
}

static void assert_json(const struct kvs_view *view)
{
	json_t *o, *part, *row;
	FILE *f = begin_print();
	bool done = kvs_report_exits.json(view);
	u64 sum;
	size_t i;

	end_print(f);
	o = json_loadf(f, 0, NULL);
	assert_true(done && o);
	fclose(f);
	part = json_array_get(json_object_get(o, "details"), 0);
	sum = host_ns(json_object_get(part, "others"));
	json_array_foreach(json_object_get(part, "rows"), i, row)
		sum += host_ns(row);
	assert_int_equal(i, 20);
	assert_int_equal(sum, host_ns(json_object_get(part, "all")));
	json_decref(o);
}

/* Twenty ports are shown, and the others together. */
static void what_is_shown_sums_to_all(void **unused)
{
	static const struct kvs_trace_info info = {
		.clock = KVS_CLOCK_TSC, .tsc_mult = TSC_MULT, .tsc_shift = TSC_SHIFT,
	};
	struct kvs_view view = {
		.model = &m, .info = &info, .details = &d, .by = 1U << KVS_BY_PORT, .top = 20,
		.select = { .vm = KVS_ANY_VM, .vcpu = -1 },
	};

	begin(KS_FEATURE_SVM | KS_FEATURE_DETAIL);
	kvs_model_clock(&m, false, TSC_MULT, TSC_SHIFT);
	for (unsigned int i = 0; i < 1000; i++)
		exits(SVM_IOIO, 0, (u64)(i % 37) << 16, 100 + i * 7919 % 1009);
	kvs_model_finish(&m);
	kvs_view_init(&view);
	assert_text(&view);
	assert_json(&view);
	kvs_view_free(&view);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(svm_is_told),
		cmocka_unit_test(vmx_is_told),
		cmocka_unit_test(what_is_not_told_is_not_guessed),
		cmocka_unit_test(ipis_are_counted),
		cmocka_unit_test(the_rest_keeps_the_sums),
		cmocka_unit_test(what_is_shown_sums_to_all),
	};

	/* Each table in one piece */
	setenv("COLUMNS", "1000", 1);
	return cmocka_run_group_tests_name("details", tests, NULL, NULL);
}
