// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks the records of one ftrace sub-buffer.
 */
#include <string.h>

#include "uapi/kvmsched.h"

#include "trace/page.h"

/*
 * type_len, the low 5 bits of a record's first word.  From 1 to 28 it is the length of
 * the data in words of 4 bytes; the other values are kinds of records.
 */
#define TYPE_LEN_BITS		5
#define TYPE_LONG_DATA		0
#define TYPE_DATA_MAX		28
#define TYPE_PADDING		29
#define TYPE_TIME_EXTEND	30
#define TYPE_TIME_STAMP		31

#define DELTA_BITS		27
#define ABSOLUTE_TS_BITS	59

static uint32_t get32(const unsigned char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint64_t get64(const unsigned char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

void kvs_page_start(struct kvs_page *page, const void *data, size_t size,
		    size_t page_size)
{
	const unsigned char *p = data;
	uint64_t commit, used;

	memset(page, 0, sizeof(*page));
	page->next = page->end = p;
	if (size < KVMSCHED_PAGE_HEADER) {
		page->bad = true;
		return;
	}
	page->ts = get64(p);
	commit = get64(p + 8);
	used = commit & KVMSCHED_PAGE_COMMIT;
	page->next = p + KVMSCHED_PAGE_HEADER;
	page->bad = used > page_size - KVMSCHED_PAGE_HEADER;
	if (page->bad)
		used = 0;
	if (used > size - KVMSCHED_PAGE_HEADER) {
		page->bad = true;
		used = size - KVMSCHED_PAGE_HEADER;
	}
	page->end = page->next + used;
	if (!(commit & KVMSCHED_PAGE_LOST))
		return;
	page->missed = -1;
	if ((commit & KVMSCHED_PAGE_LOST_COUNT) &&
	    page->end + sizeof(uint64_t) <= p + size)
		page->missed = get64(page->end) & INT64_MAX;
}

/* Whether @bytes from @p on are within the page; if they aren't, the page is bad. */
static bool check_fits(struct kvs_page *page, const unsigned char *p, size_t bytes)
{
	if (bytes <= (size_t)(page->end - p))
		return true;
	page->bad = true;
	page->next = page->end;
	return false;
}

const void *kvs_page_next(struct kvs_page *page, size_t *size)
{
	while (page->end - page->next >= 4) {
		const unsigned char *p = page->next;
		uint32_t word = get32(p);
		uint32_t type = word & ((1U << TYPE_LEN_BITS) - 1);
		uint64_t delta = word >> TYPE_LEN_BITS;
		size_t length;

		p += 4;
		if (type >= 1 && type <= TYPE_DATA_MAX) {
			length = type * 4;
			if (!check_fits(page, p, length))
				return NULL;
			page->ts += delta;
			page->next = p + length;
			*size = length;
			return p;
		}
		/* All other kinds have a second word, but for the padding at the end. */
		if (type == TYPE_PADDING && !delta)
			break;
		if (!check_fits(page, p, 4))
			return NULL;
		word = get32(p);
		switch (type) {
		case TYPE_LONG_DATA:
			/* The second word is the length, itself included. */
			length = ((size_t)word + 3) & ~(size_t)3;
			if (length < 4)
				length = page->end - p + 1;
			if (!check_fits(page, p, length))
				return NULL;
			page->ts += delta;
			page->next = p + length;
			*size = length - 4;
			return p + 4;
		case TYPE_PADDING:	/* a discarded record */
			length = ((size_t)word + 3) & ~(size_t)3;
			if (length < 4)
				length = 4;
			if (!check_fits(page, p, length))
				return NULL;
			page->ts += delta;
			page->next = p + length;
			break;
		case TYPE_TIME_EXTEND:
			page->ts += ((uint64_t)word << DELTA_BITS) + delta;
			page->next = p + 4;
			break;
		case TYPE_TIME_STAMP:
			/* The record lacks the highest bits: they are those of the last one. */
			page->ts &= ~((1ULL << ABSOLUTE_TS_BITS) - 1);
			page->ts |= ((uint64_t)word << DELTA_BITS) + delta;
			page->next = p + 4;
			break;
		}
	}
	page->next = page->end;
	return NULL;
}
