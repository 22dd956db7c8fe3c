// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading each CPU's pages of a file.
 *
 * They come by pread(), some at a time, not by mmap(): a file that shrinks while it is
 * read must not end the program, and what was read stays out of our memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "trace/merge.h"
#include "trace/ranges.h"

#define BUFFERS_TOTAL	(8U << 20)	/* of all CPUs together */
#define BUFFER_MAX	(256U << 10)

struct reading {
	struct kvs_trace *trace;
	size_t page_size, buffer_size;
	bool failed;
};

struct part {
	struct reading *reading;
	u64 offset, left;	/* what is still in the file */
	unsigned char *buffer;
	size_t filled, used;	/* of the buffer, in bytes */
};

/* Some more pages; false at the end. */
static bool fill_buffer(struct part *p)
{
	struct reading *r = p->reading;
	size_t want = p->left < r->buffer_size ? p->left : r->buffer_size;
	ssize_t n;

	p->filled = p->used = 0;
	while (p->filled < want) {
		n = pread(r->trace->fd, p->buffer + p->filled, want - p->filled,
			  p->offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !r->failed) {
			kvs_errno("%s", r->trace->path);
			r->failed = true;
		}
		if (n <= 0)
			break;
		p->filled += n;
		p->offset += n;
		p->left -= n;
	}
	if (p->filled < want) {
		r->trace->info.absent += p->left;
		p->left = 0;
	}
	return p->filled;
}

static const void *next_page(void *ctx, size_t *size)
{
	struct part *p = ctx;
	const void *page;

	if (p->used == p->filled && !fill_buffer(p))
		return NULL;
	*size = p->filled - p->used;
	if (*size > p->reading->page_size)
		*size = p->reading->page_size;
	page = p->buffer + p->used;
	p->used += *size;
	return page;
}

static size_t buffer_size(unsigned int cpus, size_t page_size)
{
	size_t pages = BUFFERS_TOTAL / (cpus ? cpus : 1) / page_size;

	if (pages > BUFFER_MAX / page_size)
		pages = BUFFER_MAX / page_size;
	return (pages ? pages : 1) * page_size;
}

bool kvs_ranges_read(struct kvs_trace *trace, const struct kvs_range *ranges,
		     unsigned int cpus, size_t page_size, const struct kvs_sink *sink)
{
	struct reading r = {
		.trace = trace, .page_size = page_size,
		.buffer_size = buffer_size(cpus, page_size),
	};
	struct kvs_merge *m = kvs_merge_create(trace->decoder, page_size, &trace->info, sink);
	struct part *parts = xcalloc(cpus, sizeof(*parts));

	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		struct part *p = &parts[cpu];

		*p = (struct part){
			.reading = &r, .offset = ranges[cpu].offset,
			.left = ranges[cpu].size,
		};
		if (!p->left)
			continue;
		p->buffer = xmalloc(p->left < r.buffer_size ? p->left : r.buffer_size);
		kvs_merge_add(m, &(struct kvs_source){
			.cpu = cpu, .next_page = next_page, .ctx = p,
		});
	}
	kvs_merge_run(m, UINT64_MAX);
	kvs_merge_finish(m);
	kvs_merge_destroy(m);
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		free(parts[cpu].buffer);
	free(parts);
	return !r.failed;
}
