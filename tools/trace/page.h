/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks the records of one ftrace sub-buffer, 64-bit little endian
 * (Documentation/trace/ring-buffer-design.rst).  libtraceevent's kbuffer does
 * the same and trusts what it reads; this one stops where a page makes no
 * sense, and never leaves it.
 */
#ifndef KVMSCHED_PAGE_H
#define KVMSCHED_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvs_page {
	const unsigned char *next, *end;
	uint64_t ts;
	int64_t missed;		/* records lost before this page; -1: some */
	bool bad;		/* the rest makes no sense, or isn't there */
};

/* The first @size bytes of a page of @page_size. */
void kvs_page_start(struct kvs_page *page, const void *data, size_t size,
		    size_t page_size);

/* The next record; NULL at the end.  @page->ts is its time. */
const void *kvs_page_next(struct kvs_page *page, size_t *size);

#endif /* KVMSCHED_PAGE_H */
