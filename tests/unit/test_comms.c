// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names for the cmdlines, out of pages as the ring has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rec.h"
#include "base/log.h"
#include "base/util.h"
#include "record/comms.h"
#include "trace/formats.h"

static struct kvs_dat_system events;
static char page[KVS_PAGE_SIZE];
static size_t used;

static void append(const void *data, size_t size)
{
	memcpy(page + 16 + used, data, size);
	used += size;
	memcpy(page + 8, &used, sizeof(used));
}

static void append_word(uint32_t word)
{
	append(&word, sizeof(word));
}

static void append_record(const char *event, void *record, size_t size)
{
	((struct trace_entry *)record)->type = kvs_formats_id(&events, event);
	append_word(size / 4);
	append(record, size);
}

static void append_vcpu(int pid, const char *comm)
{
	struct ks_rec_vcpu vcpu = { .ent.pid = pid };

	strcpy(vcpu.comm, comm);
	append_record("kvmsched_vcpu", &vcpu, KS_RECORD_SIZE(vcpu));
}

static void append_exit(void)
{
	struct ks_rec_exit exit = { .ent.pid = 1 };

	append_record("kvmsched_exit", &exit, KS_RECORD_SIZE(exit));
}

static int empty_page(void **state)
{
	memset(page, 0, sizeof(page));
	used = 0;
	return 0;
}

static void expect(struct kvs_comms *comms, size_t records, const char *names)
{
	char *text;

	kvs_comms_set_events(comms, &events);
	assert_int_equal(kvs_comms_add_pages(comms, page, sizeof(page)), records);
	text = kvs_comms_text(comms, 4096);
	assert_string_equal(text, names);
	free(text);
	kvs_comms_free(comms);
}

static void test_names(void **state)
{
	struct ks_rec_switch_out out = { .ent.pid = 7, .next_pid = 8 };
	struct ks_rec_host_switch sw = { .prev_pid = 9, .next_pid = 10 };

	append_vcpu(7, "CPU 0/KVM");
	append_exit();
	strcpy(out.next_comm, "thief");
	append_record("kvmsched_switch_out", &out, KS_RECORD_SIZE(switch_out));
	strcpy(sw.prev_comm, "a");
	strcpy(sw.next_comm, "b");
	append_record("kvmsched_host_switch", &sw, KS_RECORD_SIZE(host_switch));
	expect(kvs_comms_new(), 4, "7 CPU 0/KVM\n8 thief\n9 a\n10 b\n");
}

/* exec() renames a thread; and a vCPU's own word stands above all others. */
static void test_last_name_counts(void **state)
{
	struct ks_rec_switch_out out = { .ent.pid = 7, .next_pid = 9 };
	struct kvs_comms *comms = kvs_comms_new();

	kvs_comms_add(comms, 7, "before");
	kvs_comms_add(comms, 9, "sh");
	append_vcpu(7, "after");
	strcpy(out.next_comm, "command");
	append_record("kvmsched_switch_out", &out, KS_RECORD_SIZE(switch_out));
	out.next_pid = 7;
	append_record("kvmsched_switch_out", &out, KS_RECORD_SIZE(switch_out));
	append_vcpu(0, "idle");
	append_vcpu(-1, "nobody");
	append_vcpu(8, "line\nfeed");
	expect(comms, 6, "7 after\n9 command\n8 line?feed\n");
}

static void test_odd_entries(void **state)
{
	append_word(30 | 5 << 5);	/* time extend */
	append_word(1);
	append_exit();
	append_word(31);		/* absolute time */
	append_word(99);
	append_word(29 | 1 << 5);	/* padding, 12 bytes: a discarded record */
	append_word(12);
	append_word(0);
	append_word(0);
	append_vcpu(7, "behind them");
	append_word(29);		/* the rest is padding */
	append_word(0);
	append_vcpu(8, "not there");
	expect(kvs_comms_new(), 2, "7 behind them\n");
}

static void test_damage(void **state)
{
	uint64_t commit;

	/* a record that ends behind its page */
	append_exit();
	append_vcpu(7, "cut");
	commit = used - 8;
	memcpy(page + 8, &commit, sizeof(commit));
	expect(kvs_comms_new(), 2, "");

	/* a commit beyond the page; entries of no length */
	empty_page(NULL);
	append_vcpu(7, "x");
	commit = (1 << 27) - 1;
	memcpy(page + 8, &commit, sizeof(commit));
	expect(kvs_comms_new(), 1, "7 x\n");
}

static void test_room(void **state)
{
	struct kvs_comms *comms = kvs_comms_new();
	char *text;

	kvs_comms_add(comms, 1, "one");
	kvs_comms_add(comms, 22, "two");
	text = kvs_comms_text(comms, sizeof("1 one\n22 two\n"));
	assert_string_equal(text, "1 one\n22 two\n");
	free(text);
	text = kvs_comms_text(comms, sizeof("1 one\n22 two\n") - 1);
	assert_string_equal(text, "1 one\n");
	free(text);
	text = kvs_comms_text(comms, 1);
	assert_string_equal(text, "");
	free(text);
	kvs_comms_free(comms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_names, empty_page),
		cmocka_unit_test_setup(test_last_name_counts, empty_page),
		cmocka_unit_test_setup(test_odd_entries, empty_page),
		cmocka_unit_test_setup(test_damage, empty_page),
		cmocka_unit_test_setup(test_room, empty_page),
	};
	const char *tests_dir = getenv("KVMSCHED_TESTS");
	char *formats = xasprintf("%s/golden/formats", tests_dir ? : "tests");

	if (kvs_formats_read(formats, "kvmsched", &events)) {
		kvs_errno("can't read %s", formats);
		return 125;
	}
	free(formats);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
