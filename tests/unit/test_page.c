// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walking a sub-buffer: the same records as libtraceevent's kbuffer finds, and
 * never a byte beyond the page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <traceevent/kbuffer.h>

#include "trace/page.h"

#define PAGE		4096
#define LOST		(1U << 31)
#define LOST_COUNT	(1U << 30)

struct builder {
	unsigned char page[PAGE];
	size_t used;
};

static void begin(struct builder *b, uint64_t ts)
{
	memset(b, 0, sizeof(*b));
	memcpy(b->page, &ts, 8);
}

static void word(struct builder *b, uint32_t w)
{
	memcpy(b->page + 16 + b->used, &w, 4);
	b->used += 4;
}

static void end(struct builder *b, uint64_t flags)
{
	uint64_t commit = b->used | flags;

	memcpy(b->page + 8, &commit, 8);
}

static void head(struct builder *b, uint32_t type, uint32_t delta)
{
	word(b, type | delta << 5);
}

static void data(struct builder *b, uint32_t delta, uint32_t words, uint32_t fill)
{
	head(b, words, delta);
	while (words--)
		word(b, fill);
}

static void long_data(struct builder *b, uint32_t delta, uint32_t words, uint32_t fill)
{
	head(b, 0, delta);
	word(b, 4 + 4 * words);
	while (words--)
		word(b, fill);
}

static void all_kinds(struct builder *b)
{
	begin(b, 1000000);
	data(b, 0, 3, 0x11);
	data(b, 77, 28, 0x22);
	long_data(b, 5, 40, 0x33);
	head(b, 30, 123);		/* time extend */
	word(b, 9);
	data(b, 0, 1, 0x44);
	head(b, 29, 4);			/* discarded */
	word(b, 12);
	word(b, 0);
	word(b, 0);
	data(b, 6, 2, 0x55);
	head(b, 31, 500);		/* absolute time */
	word(b, 1);
	data(b, 2, 2, 0x66);
	end(b, 0);
}

static void finds_every_record(void **unused)
{
	static const struct {
		uint64_t ts;
		size_t size;
		uint32_t first;
	} want[] = {
		{ 1000000, 12, 0x11 },
		{ 1000077, 112, 0x22 },
		{ 1000082, 160, 0x33 },
		{ 1000082 + (9ULL << 27) + 123, 4, 0x44 },
		{ 1000082 + (9ULL << 27) + 123 + 4 + 6, 8, 0x55 },
		{ (1ULL << 27) + 500 + 2, 8, 0x66 },
	};
	struct builder b;
	struct kvs_page page;
	size_t size;

	all_kinds(&b);
	kvs_page_start(&page, b.page, PAGE, PAGE);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const void *p = kvs_page_next(&page, &size);
		uint32_t first;

		assert_non_null(p);
		memcpy(&first, p, 4);
		assert_int_equal(first, want[i].first);
		assert_int_equal(size, want[i].size);
		assert_true(page.ts == want[i].ts);
	}
	assert_null(kvs_page_next(&page, &size));
	assert_false(page.bad);
	assert_int_equal(page.missed, 0);
}

/* kbuffer is what trace-cmd and KernelShark walk pages with. */
static void agrees_with_kbuffer(void **unused)
{
	struct kbuffer *k = kbuffer_alloc(KBUFFER_LSIZE_8, KBUFFER_ENDIAN_LITTLE);
	struct builder b;

	for (unsigned int seed = 1; seed <= 200; seed++) {
		unsigned long long ts;
		struct kvs_page page;
		size_t size;
		void *theirs;

		srand(seed);
		begin(&b, rand());
		while (b.used < PAGE - 16 - 300) {
			switch (rand() % 8) {
			case 0:
				head(&b, 30, rand() % 100000);
				word(&b, rand() % 1000);
				break;
			case 1:
				long_data(&b, rand() % 1000, 29 + rand() % 30, rand());
				break;
			default:
				data(&b, rand() % 100000, 1 + rand() % 28, rand());
			}
		}
		data(&b, 1, 1, 1);	/* a time extend is never the last */
		end(&b, 0);
		kbuffer_load_subbuffer(k, b.page);
		kvs_page_start(&page, b.page, PAGE, PAGE);
		for (theirs = kbuffer_read_event(k, &ts); theirs;
		     theirs = kbuffer_next_event(k, &ts)) {
			const void *ours = kvs_page_next(&page, &size);

			assert_ptr_equal(ours, theirs);
			assert_int_equal(size, kbuffer_event_size(k));
			assert_true(page.ts == ts);
		}
		assert_null(kvs_page_next(&page, &size));
	}
	kbuffer_free(k);
}

static void tells_what_was_missed(void **unused)
{
	uint64_t count = 4711;
	struct kvs_page page;
	struct builder b;

	begin(&b, 5);
	data(&b, 0, 2, 1);
	end(&b, LOST);
	kvs_page_start(&page, b.page, PAGE, PAGE);
	assert_int_equal(page.missed, -1);

	end(&b, LOST | LOST_COUNT);
	memcpy(b.page + 16 + b.used, &count, 8);
	kvs_page_start(&page, b.page, PAGE, PAGE);
	assert_int_equal(page.missed, 4711);

	/* The count's bytes aren't there: some were lost, nobody knows how many. */
	kvs_page_start(&page, b.page, 16 + b.used + 7, PAGE);
	assert_int_equal(page.missed, -1);
}

static void records_cut_by_the_end_are_left_out(void **unused)
{
	struct kvs_page page;
	struct builder b;
	size_t size;

	begin(&b, 5);
	data(&b, 0, 2, 1);
	data(&b, 0, 20, 2);
	end(&b, 0);
	/* The file ends within the second record. */
	kvs_page_start(&page, b.page, 16 + 12 + 30, PAGE);
	assert_true(page.bad);
	assert_non_null(kvs_page_next(&page, &size));
	assert_null(kvs_page_next(&page, &size));

	/* It ends within the page's header. */
	kvs_page_start(&page, b.page, 11, PAGE);
	assert_true(page.bad);
	assert_null(kvs_page_next(&page, &size));

	/* The commit word claims more than a page. */
	b.used = PAGE;
	end(&b, 0);
	kvs_page_start(&page, b.page, PAGE, PAGE);
	assert_true(page.bad);
	assert_null(kvs_page_next(&page, &size));
}

/* A page of noise before a page that can't be read: one byte too far is SEGV. */
static void noise_stays_within_its_page(void **unused)
{
	unsigned char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + PAGE, PAGE, PROT_NONE), 0);
	for (unsigned int seed = 1; seed <= 3000; seed++) {
		struct kvs_page page;
		uint64_t commit = PAGE - 16;
		unsigned int records = 0;
		const unsigned char *p;
		size_t size;

		srand(seed);
		for (size_t i = 0; i < PAGE; i++)
			map[i] = rand() >> 8;
		if (seed % 4)
			memcpy(map + 8, &commit, 8);
		kvs_page_start(&page, map, PAGE, PAGE);
		while ((p = kvs_page_next(&page, &size))) {
			assert_true(p >= map + 16 && p + size <= map + PAGE);
			assert_true(++records < PAGE);
		}
	}
	munmap(map, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_record),
		cmocka_unit_test(agrees_with_kbuffer),
		cmocka_unit_test(tells_what_was_missed),
		cmocka_unit_test(records_cut_by_the_end_are_left_out),
		cmocka_unit_test(noise_stays_within_its_page),
	};

	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
