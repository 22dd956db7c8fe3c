/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks the records of one page: an ftrace sub-buffer, 64-bit little endian
 * (Documentation/trace/ring-buffer-design.rst).  libtraceevent's kbuffer does the same,
 * but trusts what it reads.  This walk stops where a page makes no sense, and never
 * reads outside of the page.
 */
#ifndef KVMSCHED_PAGE_H
#define KVMSCHED_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvs_page {
	const unsigned char *next, *end;	/* what is still to be walked */
	uint64_t ts;		/* time stamp of the last record, in the file's clock */
	int64_t missed;		/* records lost before this page; -1: unknown how many */
	bool bad;		/* the rest makes no sense, or is missing */
};

/*
 * Begin to walk a page of @page_size bytes, of which the file has the first @size.  @data
 * must stay valid during the walk.
 */
void kvs_page_start(struct kvs_page *page, const void *data, size_t size,
		    size_t page_size);

/* The next record and its size in bytes; NULL at the end.  @page->ts is its time. */
const void *kvs_page_next(struct kvs_page *page, size_t *size);

#endif /* KVMSCHED_PAGE_H */
