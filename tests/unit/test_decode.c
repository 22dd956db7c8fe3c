// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoding by the formats in the file: fields are found by name, wherever and
 * however wide another version of the module has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <traceevent/event-parse.h>

#include "model/names.h"
#include "trace/decode.h"

#define COMMON								\
	"format:\n"							\
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"	\
	"\n"

/* As record_list.h has it today */
static const char eoi[] =
	"name: kvmsched_irq_eoi\nID: 77\n" COMMON
	"\tfield:u16 vm;\toffset:8;\tsize:2;\tsigned:0;\n"
	"\tfield:u16 vcpu;\toffset:10;\tsize:2;\tsigned:0;\n"
	"\tfield:s32 vector;\toffset:12;\tsize:4;\tsigned:1;\n"
	"\nprint fmt: \"vector=%d\", REC->vector\n";

/* Another version: other order, other widths, one field more, one less */
static const char other_eoi[] =
	"name: kvmsched_irq_eoi\nID: 77\n" COMMON
	"\tfield:s16 vector;\toffset:8;\tsize:2;\tsigned:1;\n"
	"\tfield:u8 color;\toffset:10;\tsize:1;\tsigned:0;\n"
	"\tfield:u64 vm;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\nprint fmt: \"\"\n";

/* All fields of ours, two of them swapped */
static const char swapped_eoi[] =
	"name: kvmsched_irq_eoi\nID: 77\n" COMMON
	"\tfield:u16 vcpu;\toffset:8;\tsize:2;\tsigned:0;\n"
	"\tfield:u16 vm;\toffset:10;\tsize:2;\tsigned:0;\n"
	"\tfield:s32 vector;\toffset:12;\tsize:4;\tsigned:1;\n"
	"\nprint fmt: \"\"\n";

/* As record_list.h has it, and as files of older versions do */
#define HOLDER(later)							\
	"name: kvmsched_holder\nID: 78\n" COMMON			\
	"\tfield:s32 pid;\toffset:8;\tsize:4;\tsigned:1;\n"		\
	"\tfield:s16 prio;\toffset:12;\tsize:2;\tsigned:1;\n"		\
	"\tfield:u16 vm;\toffset:14;\tsize:2;\tsigned:0;\n"		\
	"\tfield:u16 vcpu;\toffset:16;\tsize:2;\tsigned:0;\n"		\
	"\tfield:u16 waiters;\toffset:18;\tsize:2;\tsigned:0;\n"	\
	"\tfield:char comm[16];\toffset:20;\tsize:16;\tsigned:0;\n"	\
	later "\nprint fmt: \"\"\n"
static const char holder[] = HOLDER(
	"\tfield:s32 tgid;\toffset:36;\tsize:4;\tsigned:1;\n"
	"\tfield:u8 policy;\toffset:40;\tsize:1;\tsigned:0;\n"
	"\tfield:s8 nice;\toffset:41;\tsize:1;\tsigned:1;\n"
	"\tfield:u8 flags;\toffset:42;\tsize:1;\tsigned:0;\n");
static const char older_holder[] = HOLDER("");

static const char newer[] =
	"name: kvmsched_teleport\nID: 99\n" COMMON
	"\tfield:u64 where;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\nprint fmt: \"\"\n";

struct raw {
	u16 type;
	u8 flags, preempt_count;
	s32 pid;
	u8 data[36];
};

static struct kvs_decoder *d;
static struct kvs_record rec;

static bool add(const char *text, size_t size)
{
	struct kvs_format f;

	return kvs_format_parse(&f, text, size) && kvs_decoder_add(d, &f);
}

static int setup(void **unused)
{
	d = kvs_decoder_create();
	memset(&rec, 0xff, sizeof(rec));
	return 0;
}

static int teardown(void **unused)
{
	kvs_decoder_destroy(d);
	return 0;
}

static void decodes_its_own_layout(void **unused)
{
	struct raw raw = { .type = 77, .pid = 4711, .data = { 2, 1, 3, 0, 0xec, 0, 0, 0 } };

	assert_true(add(eoi, strlen(eoi)));
	assert_int_equal(kvs_decode(d, &raw, 16, &rec), KVS_DECODED);
	assert_int_equal(rec.event, KS_EV_irq_eoi);
	assert_int_equal(rec.ent.pid, 4711);
	assert_int_equal(rec.irq_eoi.vm, 0x102);
	assert_int_equal(rec.irq_eoi.vcpu, 3);
	assert_int_equal(rec.irq_eoi.vector, 0xec);
	assert_null(kvs_decoder_missing(d, 0));
}

static void decodes_another_layout(void **unused)
{
	struct raw raw = { .type = 77, .pid = 5, .data = { 0xfe, 0xff, 9, 0, 0, 0, 0, 0, 7 } };

	assert_true(add(other_eoi, strlen(other_eoi)));
	assert_int_equal(kvs_decode(d, &raw, 24, &rec), KVS_DECODED);
	assert_int_equal(rec.ent.pid, 5);
	assert_int_equal(rec.irq_eoi.vm, 7);
	assert_int_equal(rec.irq_eoi.vector, -2);	/* signed, and widened */
	/* What isn't there is 0, and told. */
	assert_int_equal(rec.irq_eoi.vcpu, 0);
	assert_string_equal(kvs_decoder_missing(d, 0), "kvmsched_irq_eoi.vcpu");
	assert_null(kvs_decoder_missing(d, 1));
}

static void decodes_another_order(void **unused)
{
	struct raw raw = { .type = 77, .data = { 1, 0, 2, 0, 3, 0, 0, 0 } };

	assert_true(add(swapped_eoi, strlen(swapped_eoi)));
	assert_int_equal(kvs_decode(d, &raw, 16, &rec), KVS_DECODED);
	assert_int_equal(rec.irq_eoi.vcpu, 1);
	assert_int_equal(rec.irq_eoi.vm, 2);
	assert_int_equal(rec.irq_eoi.vector, 3);
	assert_null(kvs_decoder_missing(d, 0));
}

static void tells_who_the_holder_is(void **unused)
{
	struct raw raw = {
		.type = 78, .data = { 9, 0, 0, 0, [28] = 8, [32] = 3, [33] = 0xed,
				      [34] = KS_TASK_TOLD | KS_TASK_SERVER },
	};

	assert_true(add(holder, strlen(holder)));
	assert_int_equal(kvs_decode(d, &raw, 44, &rec), KVS_DECODED);
	assert_int_equal(rec.holder.pid, 9);
	assert_int_equal(rec.holder.tgid, 8);
	assert_int_equal(rec.holder.policy, 3);
	assert_int_equal(rec.holder.nice, -19);
	assert_int_equal(rec.holder.flags, KS_TASK_TOLD | KS_TASK_SERVER);
	assert_null(kvs_decoder_missing(d, 0));
}

/* A file of an older version does not tell, and nobody is warned of that. */
static void an_older_holder_is_not_told(void **unused)
{
	struct raw raw = { .type = 78, .data = { 9, 0, 0, 0, [12] = 'a', [28] = 8, [34] = 1 } };

	assert_true(add(older_holder, strlen(older_holder)));
	assert_int_equal(kvs_decode(d, &raw, 36, &rec), KVS_DECODED);
	assert_int_equal(rec.holder.pid, 9);
	assert_int_equal(rec.holder.comm[0], 'a');
	assert_int_equal(rec.holder.tgid, 0);
	assert_int_equal(rec.holder.flags, 0);
	assert_null(kvs_decoder_missing(d, 0));
}

static void short_records_are_refused(void **unused)
{
	struct raw raw = { .type = 77 };

	assert_true(add(eoi, strlen(eoi)));
	assert_int_equal(kvs_decode(d, &raw, 15, &rec), KVS_DECODED_SHORT);
	assert_int_equal(kvs_decode(d, &raw, 8, &rec), KVS_DECODED_SHORT);
	assert_int_equal(kvs_decode(d, &raw, 1, &rec), KVS_DECODED_SHORT);
}

static void others_are_told_apart(void **unused)
{
	struct raw raw = { .type = 99 };

	assert_true(add(newer, strlen(newer)));
	assert_int_equal(kvs_decode(d, &raw, 16, &rec), KVS_DECODED_UNKNOWN);
	raw.type = 98;
	assert_int_equal(kvs_decode(d, &raw, 16, &rec), KVS_DECODED_OTHER);
	assert_int_equal(kvs_decoder_events(d), 1);
}

static void names_of_fields(void **unused)
{
	static const char text[] =
		"name: x\nID: 7\nformat:\n"
		"\tfield:unsigned long long plain;\toffset:8;\tsize:8;\tsigned:0;\n"
		"\tfield:char comm[16];\toffset:16;\tsize:16;\tsigned:0;\n"
		"\tfield:__data_loc char[] far;\toffset:32;\tsize:4;\tsigned:1;\n"
		"\tfield:struct foo * old;\toffset:36;\tsize:8;\n";
	struct kvs_format f;

	assert_true(kvs_format_parse(&f, text, strlen(text)));
	assert_int_equal(f.nr, 4);
	assert_int_equal(f.id, 7);
	assert_int_equal(kvs_format_find(&f, "plain")->offset, 8);
	assert_int_equal(kvs_format_find(&f, "comm")->size, 16);
	assert_false(kvs_format_find(&f, "comm")->is_dynamic);
	assert_true(kvs_format_find(&f, "far")->is_dynamic);
	assert_true(kvs_format_find(&f, "far")->is_signed);
	assert_int_equal(kvs_format_find(&f, "old")->size, 8);
	assert_null(kvs_format_find(&f, "foo"));
}

/* Both parsers, on every format that the schema makes */
static void agrees_with_libtraceevent(const char *text, size_t size)
{
	struct tep_handle *tep = tep_alloc();
	struct tep_event *event = NULL;
	struct kvs_format f;

	assert_true(kvs_format_parse(&f, text, size));
	assert_int_equal(tep_parse_format(tep, &event, text, size, KVS_SYSTEM), 0);
	assert_string_equal(f.name, event->name);
	assert_int_equal(f.id, event->id);
	assert_int_equal(f.nr, event->format.nr_common + event->format.nr_fields);
	for (unsigned int i = 0; i < f.nr; i++) {
		const struct tep_format_field *theirs =
			tep_find_any_field(event, f.fields[i].name);

		assert_non_null(theirs);
		assert_int_equal(f.fields[i].offset, theirs->offset);
		assert_int_equal(f.fields[i].size, theirs->size);
		assert_int_equal(f.fields[i].is_signed,
				 !!(theirs->flags & TEP_FIELD_IS_SIGNED));
	}
	tep_free(tep);
}

static void nonsense_is_no_format(void **unused)
{
	static const char nul[] = "name: kvmsched_irq_eoi\nID: 77\nfor\0mat:\n";

	assert_false(add("", 0));
	assert_false(add("name:", 5));
	assert_false(add(nul, sizeof(nul) - 1));
	assert_false(add("\xff\xfe;;;{{{", 9));
	/* The same event twice: the first one stays. */
	assert_true(add(eoi, strlen(eoi)));
	assert_false(add(other_eoi, strlen(other_eoi)));
	assert_int_equal(kvs_decoder_events(d), 1);
}

/*
 * Formats that disagree on where the PID is: each record is read where its own has it, and
 * not a byte further.  A wrong one gets a PID from behind the record, or crashes.
 */
static void pid_is_where_the_event_has_it(void **unused)
{
	static const char far[] =
		"name: kvmsched_far\nID: 98\n"
		"\tfield:u16 common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\tfield:int common_pid;\toffset:252;\tsize:4;\tsigned:1;\n";
	static const char typeless[] =
		"name: kvmsched_typeless\nID: 97\n"
		"\tfield:u32 common_type;\toffset:4;\tsize:4;\tsigned:0;\n"
		"\tfield:int common_pid;\toffset:8;\tsize:4;\tsigned:1;\n";
	struct raw around[20] = { { .type = 77, .pid = 7 } };

	memset(&around[1], 0x55, sizeof(around) - sizeof(around[0]));
	assert_true(add(other_eoi, strlen(other_eoi)));
	assert_true(add(far, strlen(far)));
	assert_int_equal(kvs_decode(d, around, 24, &rec), KVS_DECODED);
	assert_int_equal(rec.ent.pid, 7);
	/* Which event it is must be known before anything else is. */
	assert_false(add(typeless, strlen(typeless)));
	assert_int_equal(kvs_decode(d, around, 24, &rec), KVS_DECODED);
	assert_int_equal(rec.ent.pid, 7);
}

/* Every event and field of record_list.h is in the formats, and at its place. */
static void formats_are_the_schema(void **unused)
{
	const char *tests = getenv("KVMSCHED_TESTS");

	for (size_t i = 0; i < KS_NR_EVENTS; i++) {
		char path[512], text[65536];
		size_t size;
		FILE *f;

		snprintf(path, sizeof(path), "%s/golden/formats/kvmsched/kvmsched_%s/format",
			 tests ? tests : "tests", kvs_event_name(i));
		f = fopen(path, "r");
		if (!f)
			fail_msg("no %s: tests/golden/mkformats makes it", path);
		size = fread(text, 1, sizeof(text), f);
		fclose(f);
		agrees_with_libtraceevent(text, size);
		assert_true(add(text, size));
		assert_null(kvs_decoder_missing(d, 0));
	}
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(decodes_its_own_layout),
		TEST(decodes_another_layout),
		TEST(decodes_another_order),
		TEST(tells_who_the_holder_is),
		TEST(an_older_holder_is_not_told),
		TEST(short_records_are_refused),
		TEST(others_are_told_apart),
		TEST(names_of_fields),
		TEST(nonsense_is_no_format),
		TEST(pid_is_where_the_event_has_it),
		TEST(formats_are_the_schema),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
