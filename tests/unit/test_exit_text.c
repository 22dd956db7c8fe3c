// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of the exit event, as trace-cmd and perf print it by the event's format: how a
 * guest accessed the page that it could not have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <traceevent/event-parse.h>

#include "base/util.h"
#include "rec.h"

#define SVM_CPUID	0x72
#define SVM_NPF		0x400
#define VMX_IO		30
#define VMX_EPT		48
#define VMX_MISCONFIG	49

#define ACCESS(bits)	((u64)(bits) << KS_EXIT_ACCESS_SHIFT)

static struct tep_handle *tep;
static struct tep_event *event;
static struct trace_seq seq;

static int setup(void **unused)
{
	const char *tests = getenv("KVMSCHED_TESTS");
	char *path = xasprintf("%s/golden/formats/kvmsched/kvmsched_exit/format",
			       tests ? tests : "tests");
	static char text[65536];
	FILE *f = fopen(path, "r");
	size_t size;

	(void)unused;
	free(path);
	if (!f)
		return -1;
	size = fread(text, 1, sizeof(text), f);
	fclose(f);
	tep = tep_alloc();
	trace_seq_init(&seq);
	return tep_parse_format(tep, &event, text, size, "kvmsched");
}

static int teardown(void **unused)
{
	(void)unused;
	trace_seq_destroy(&seq);
	tep_free(tep);
	return 0;
}

/* What stands between the info's number and the vector */
static const char *access_of(s16 reason, u8 flags, u64 info)
{
	struct ks_rec_exit rec = { .reason = reason, .flags = flags, .info = info };
	struct tep_record record = { .data = &rec, .size = KS_RECORD_SIZE(exit) };
	char *at, *end;

	rec.ent.type = event->id;
	trace_seq_reset(&seq);
	tep_print_event(tep, &seq, &record, "%s", TEP_PRINT_INFO);
	trace_seq_terminate(&seq);
	at = strstr(seq.buffer, "info=");
	assert_non_null(at);
	at += strcspn(at, " ");
	end = strstr(at, " vector=");
	assert_non_null(end);
	*end = 0;
	return at;
}

static void npf_is_told(void **unused)
{
	(void)unused;
	/* User: all of a guest's accesses are, to the host's tables. */
	assert_string_equal(access_of(SVM_NPF, 0, 0x1000 | ACCESS(0x04)), " read");
	assert_string_equal(access_of(SVM_NPF, 0, 0x1000 | ACCESS(0x06)), " write");
	assert_string_equal(access_of(SVM_NPF, 0, 0x1000 | ACCESS(0x07)), " write present");
	assert_string_equal(access_of(SVM_NPF, 0, 0x1000 | ACCESS(0x14)), " execute");
	assert_string_equal(access_of(SVM_NPF, 0, 0x1000 | ACCESS(0x0f)), " write present MMIO");
	assert_string_equal(access_of(SVM_NPF, 0, 0x1000 | ACCESS(0x0d)), " read present MMIO");
}

static void ept_is_told(void **unused)
{
	(void)unused;
	assert_string_equal(access_of(VMX_EPT, KS_EXIT_VMX, 0x1000 | ACCESS(0x81)), " read");
	assert_string_equal(access_of(VMX_EPT, KS_EXIT_VMX, 0x1000 | ACCESS(0x82)), " write");
	assert_string_equal(access_of(VMX_EPT, KS_EXIT_VMX, 0x1000 | ACCESS(0x84)), " execute");
	assert_string_equal(access_of(VMX_EPT, KS_EXIT_VMX, 0x1000 | ACCESS(0xaa)),
			    " write present");
	/* The processor reads and writes the guest's own page tables. */
	assert_string_equal(access_of(VMX_EPT, KS_EXIT_VMX, 0x1000 | ACCESS(0x03)), " read write");
	assert_string_equal(access_of(VMX_MISCONFIG, KS_EXIT_VMX, 0xfec00010), " MMIO");
}

/* The same bits mean something else there, and one ISA's numbers are not the other's. */
static void others_have_no_words(void **unused)
{
	const u64 all = ACCESS(0xff);

	(void)unused;
	assert_string_equal(access_of(SVM_CPUID, 0, all), "");
	assert_string_equal(access_of(VMX_EPT, 0, all), "");
	assert_string_equal(access_of(VMX_MISCONFIG, 0, all), "");
	assert_string_equal(access_of(VMX_IO, KS_EXIT_VMX, all), "");
	assert_string_equal(access_of(SVM_NPF, KS_EXIT_VMX, all), "");
	assert_string_equal(access_of(KS_REASON_NONE, KS_EXIT_VMX, all), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(npf_is_told),
		cmocka_unit_test(ept_is_told),
		cmocka_unit_test(others_have_no_words),
	};

	return cmocka_run_group_tests_name("exit_text", tests, setup, teardown);
}
