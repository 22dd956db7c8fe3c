// SPDX-License-Identifier: GPL-2.0-only
/*
 * record --stop-on on pages that no ring hands over: none at all, cut ones, such as begin at an
 * odd address, and nonsense.  This is built with ASan and UBSan (see the Makefile): what they
 * find ends the program.
 */
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

#define HEADER		KVMSCHED_PAGE_HEADER
#define RECORD		(4 + KS_RECORD_SIZE(exit))	/* with the word in front */
#define RECORDS		((KVS_PAGE_SIZE - HEADER) / RECORD)	/* of a full page */
#define LIMIT		100	/* cycles, and ns */

static struct kvs_watch *watch(void)
{
	const struct kvs_watch_limits limits = { .ns = { [KVS_MOMENT_EXIT] = LIMIT } };

	return kvs_watch_new(&limits, &events, &info);
}

/* So many exits at @ts, of which the last one alone is longer than the limit */
static void fill_page(unsigned char *page, uint64_t ts, unsigned int exits)
{
	struct ks_rec_exit rec = {
		.ent = { .type = kvs_formats_id(&events, "kvmsched_exit"), .pid = 10 },
		.vm = 1, .reason = 0x72,
	};
	const uint32_t word = KS_RECORD_SIZE(exit) / 4;
	uint64_t commit = exits * RECORD;

	memset(page, 0, KVS_PAGE_SIZE);
	memcpy(page, &ts, sizeof(ts));
	memcpy(page + 8, &commit, sizeof(commit));
	for (unsigned int i = 0; i < exits; i++) {
		rec.host_cycles = i + 1 < exits ? 1 : LIMIT + 1;
		memcpy(page + HEADER + i * RECORD, &word, sizeof(word));
		memcpy(page + HEADER + i * RECORD + 4, &rec, KS_RECORD_SIZE(exit));
	}
}

/* From memory that has not one byte more, @shift bytes behind where malloc() puts it */
static void see(struct kvs_watch *w, const void *pages, size_t size, size_t shift)
{
	unsigned char *copy = xmalloc(shift + size);

	memcpy(copy + shift, pages, size);
	kvs_watch_pages(w, 0, copy + shift, size);
	free(copy);
}

/* A ring that has nothing new may have no address for it. */
static void no_pages(void **unused)
{
	unsigned char page[KVS_PAGE_SIZE];
	struct kvs_watch *w = watch();

	kvs_watch_pages(w, 0, NULL, 0);
	assert_false(kvs_watch_look(w, UINT64_MAX));
	kvs_watch_pages(w, 0, page, 0);
	kvs_watch_pages(w, 1, NULL, 0);
	assert_false(kvs_watch_look(w, UINT64_MAX));
	fill_page(page, 1000, 1);
	see(w, page, sizeof(page), 0);
	kvs_watch_pages(w, 0, NULL, 0);
	assert_true(kvs_watch_look(w, UINT64_MAX));
	kvs_watch_free(w);
}

/* Those that are never looked at are freed as well. */
static void pages_left(void **unused)
{
	unsigned char pages[3 * KVS_PAGE_SIZE];
	struct kvs_watch *w = watch();

	for (unsigned int i = 0; i < 3; i++)
		fill_page(pages + i * KVS_PAGE_SIZE, 1000 * (i + 1), 1);
	see(w, pages, sizeof(pages), 0);
	see(w, pages, sizeof(pages), 0);
	assert_true(kvs_watch_look(w, 1500));
	kvs_watch_free(w);
}

/* The last exit is seen if all of it is there, and a page that follows is seen anyway. */
static void cut_pages(void **unused)
{
	unsigned char page[KVS_PAGE_SIZE], next[KVS_PAGE_SIZE];

	fill_page(page, 1000, 3);
	fill_page(next, 2000, 1);
	for (size_t size = 0; size <= KVS_PAGE_SIZE; size += size < 200 ? 1 : 397) {
		struct kvs_watch *w = watch();

		see(w, page, size, 0);
		assert_int_equal(kvs_watch_look(w, UINT64_MAX), size >= HEADER + 3 * RECORD);
		see(w, next, sizeof(next), 0);
		assert_true(kvs_watch_look(w, UINT64_MAX));
		kvs_watch_free(w);
	}
}

/* The second of two pages is cut. */
static void cut_batches(void **unused)
{
	unsigned char pages[2 * KVS_PAGE_SIZE];

	fill_page(pages, 1000, 0);
	fill_page(pages + KVS_PAGE_SIZE, 2000, RECORDS);
	for (size_t size = 1; size <= KVS_PAGE_SIZE; size += 117) {
		struct kvs_watch *w = watch();

		see(w, pages, KVS_PAGE_SIZE + size, 0);
		assert_int_equal(kvs_watch_look(w, UINT64_MAX), size >= HEADER + RECORDS * RECORD);
		kvs_watch_free(w);
	}
}

static void odd_addresses(void **unused)
{
	unsigned char page[KVS_PAGE_SIZE];

	fill_page(page, 1000, RECORDS);
	for (size_t shift = 1; shift < 16; shift++) {
		struct kvs_watch *w = watch();

		/* The page behind an odd one is at an odd address, too. */
		see(w, page, HEADER + shift, shift);
		see(w, page, sizeof(page), shift);
		assert_true(kvs_watch_look(w, UINT64_MAX));
		kvs_watch_free(w);
	}
}

/* Anything in header and records: there is an answer, whichever. */
static void nonsense(void **unused)
{
	unsigned char page[KVS_PAGE_SIZE];

	srand(1);
	for (unsigned int run = 0; run < 80; run++) {
		struct kvs_watch *w = watch();

		for (unsigned int n = 0; n < 4; n++) {
			fill_page(page, 1000 * n, RECORDS);
			for (unsigned int i = 0; i < 8; i++)
				page[rand() % (run % 2 ? 64 : sizeof(page))] = rand();
			see(w, page, run % 3 ? sizeof(page) : rand() % sizeof(page), rand() % 2);
			kvs_watch_look(w, run % 5 ? UINT64_MAX : 2000);
		}
		kvs_watch_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_pages),
		cmocka_unit_test(pages_left),
		cmocka_unit_test(cut_pages),
		cmocka_unit_test(cut_batches),
		cmocka_unit_test(odd_addresses),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
