// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merging the pages of several CPUs.
 *
 * A heap holds the CPUs that have records left, the earliest on top.  Pages
 * come by pread(), some at a time, not by mmap(): a file that shrinks while it
 * is read must not end the program, and what was read stays out of our memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "trace/merge.h"
#include "trace/page.h"

#define BUFFERS_TOTAL	(8U << 20)	/* of all CPUs together */
#define BUFFER_MAX	(256U << 10)

struct stream {
	unsigned int cpu;
	u64 offset, left;	/* what is still in the file */
	unsigned char *buffer;
	size_t filled, used;	/* of the buffer, in bytes */
	struct kvs_page page;
	bool cut;		/* the file ends within this page */
	s64 missed;		/* to tell before the coming record */
	const void *data;	/* the coming record */
	size_t size;
	u64 ts;
};

struct merge {
	struct kvs_trace *trace;
	size_t page_size, buffer_size;
	struct stream *streams;
	struct stream **heap;
	unsigned int count;
	bool failed;
};

/* Some more pages; false at the end. */
static bool fill(struct merge *m, struct stream *s)
{
	size_t want = s->left < m->buffer_size ? s->left : m->buffer_size;
	ssize_t n;

	s->filled = s->used = 0;
	while (s->filled < want) {
		n = pread(m->trace->fd, s->buffer + s->filled, want - s->filled,
			  s->offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !m->failed) {
			kvs_errno("%s", m->trace->path);
			m->failed = true;
		}
		if (n <= 0)
			break;
		s->filled += n;
		s->offset += n;
		s->left -= n;
	}
	if (s->filled < want) {
		m->trace->info.absent += s->left;
		s->left = 0;
	}
	return s->filled;
}

static bool next_page(struct merge *m, struct stream *s)
{
	size_t size;

	if (s->used == s->filled && !fill(m, s))
		return false;
	size = s->filled - s->used;
	if (size > m->page_size)
		size = m->page_size;
	kvs_page_start(&s->page, s->buffer + s->used, size, m->page_size);
	s->used += size;
	s->cut = size < m->page_size;
	if (s->page.missed && s->missed >= 0)
		s->missed = s->page.missed < 0 ? -1 : s->missed + s->page.missed;
	return true;
}

/* Make the coming record known; false: there is none. */
static bool advance(struct merge *m, struct stream *s)
{
	for (;;) {
		s->data = kvs_page_next(&s->page, &s->size);
		if (s->data)
			break;
		/* What is cut is told as absent already. */
		m->trace->info.bad_pages += s->page.bad && !s->cut;
		s->page.bad = false;
		if (!next_page(m, s))
			return false;
	}
	s->ts = s->page.ts;
	return true;
}

static bool earlier(const struct stream *a, const struct stream *b)
{
	return a->ts < b->ts || (a->ts == b->ts && a->cpu < b->cpu);
}

static void sift_down(struct merge *m, unsigned int i)
{
	struct stream *s = m->heap[i];

	for (;;) {
		unsigned int child = 2 * i + 1;

		if (child >= m->count)
			break;
		if (child + 1 < m->count &&
		    earlier(m->heap[child + 1], m->heap[child]))
			child++;
		if (!earlier(m->heap[child], s))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = s;
}

static void hand_over(struct merge *m, struct stream *s, struct kvs_record *rec,
		      const struct kvs_sink *sink)
{
	enum kvs_decoded what = kvs_decode(m->trace->decoder, s->data, s->size, rec);

	if (s->missed) {
		sink->missed(sink->ctx, s->cpu, s->missed);
		s->missed = 0;
	}
	if (!kvs_trace_count(m->trace, what))
		return;
	rec->ts = s->ts;
	rec->cpu = s->cpu;
	sink->record(sink->ctx, rec);
}

static void merge_create(struct merge *m, const struct kvs_range *ranges,
			 unsigned int cpus)
{
	size_t pages = BUFFERS_TOTAL / (cpus ? cpus : 1) / m->page_size;

	if (pages > BUFFER_MAX / m->page_size)
		pages = BUFFER_MAX / m->page_size;
	m->buffer_size = (pages ? pages : 1) * m->page_size;
	m->streams = xcalloc(cpus, sizeof(*m->streams));
	m->heap = xcalloc(cpus, sizeof(*m->heap));
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		struct stream *s = &m->streams[cpu];

		s->cpu = cpu;
		s->offset = ranges[cpu].offset;
		s->left = ranges[cpu].size;
		if (!s->left)
			continue;
		s->buffer = xmalloc(s->left < m->buffer_size ? s->left : m->buffer_size);
		if (advance(m, s))
			m->heap[m->count++] = s;
	}
	for (unsigned int i = m->count; i--; )
		sift_down(m, i);
}

static void merge_destroy(struct merge *m, unsigned int cpus)
{
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		free(m->streams[cpu].buffer);
	free(m->heap);
	free(m->streams);
}

bool kvs_merge(struct kvs_trace *trace, const struct kvs_range *ranges,
	       unsigned int cpus, size_t page_size, const struct kvs_sink *sink)
{
	struct merge m = { .trace = trace, .page_size = page_size };
	struct kvs_record rec = { 0 };

	merge_create(&m, ranges, cpus);
	while (m.count) {
		struct stream *s = m.heap[0];

		hand_over(&m, s, &rec, sink);
		if (!advance(&m, s))
			m.heap[0] = m.heap[--m.count];
		if (m.count)
			sift_down(&m, 0);
	}
	/* Pages at the end may tell of losses and hold no record. */
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		if (m.streams[cpu].missed)
			sink->missed(sink->ctx, cpu, m.streams[cpu].missed);
	merge_destroy(&m, cpus);
	return !m.failed;
}
