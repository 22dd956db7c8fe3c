// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merging the pages of several CPUs.
 *
 * A heap holds the CPUs that have a record, the earliest on top.  A source that ran dry
 * leaves the heap, and is asked again by the next run.
 */
#include <stdlib.h>

#include "base/util.h"
#include "trace/merge.h"
#include "trace/page.h"

struct stream {
	struct kvs_source source;
	struct kvs_page page;
	bool cut;		/* not all of this page is there */
	bool waits;		/* it is in the heap: it has a record */
	s64 missed;		/* records lost before the coming one; -1: unknown how many */
	const void *data;	/* the coming record */
	size_t size;
	u64 ts;
};

struct kvs_merge {
	const struct kvs_decoder *decoder;
	size_t page_size;
	struct kvs_trace_info *info;
	const struct kvs_sink *sink;
	struct stream **streams;
	struct stream **heap;
	unsigned int nr, count;	/* of both */
	struct kvs_record rec;
};

/* Pages without a record add up.  Only damaged ones count more than there can be. */
static void add_missed(struct stream *s, s64 missed)
{
	if (s->missed < 0 || missed < 0)
		s->missed = -1;
	else if (missed > INT64_MAX - s->missed)
		s->missed = INT64_MAX;
	else
		s->missed += missed;
}

static bool next_page(struct kvs_merge *m, struct stream *s)
{
	size_t size;
	const void *data = s->source.next_page(s->source.ctx, &size);

	if (!data)
		return false;
	kvs_page_start(&s->page, data, size, m->page_size);
	s->cut = size < m->page_size;
	add_missed(s, s->page.missed);
	return true;
}

/* Make the coming record known; false: there is none. */
static bool advance(struct kvs_merge *m, struct stream *s)
{
	for (;;) {
		s->data = kvs_page_next(&s->page, &s->size);
		if (s->data)
			break;
		/* The reader of the file counted what a cut page lacks as absent. */
		m->info->bad_pages += s->page.bad && !s->cut;
		s->page.bad = false;
		if (!next_page(m, s))
			return false;
	}
	s->ts = s->page.ts;
	return true;
}

static bool is_earlier(const struct stream *a, const struct stream *b)
{
	return a->ts < b->ts || (a->ts == b->ts && a->source.cpu < b->source.cpu);
}

static void sift_down(struct kvs_merge *m, unsigned int i)
{
	struct stream *s = m->heap[i];

	for (;;) {
		unsigned int child = 2 * i + 1;

		if (child >= m->count)
			break;
		if (child + 1 < m->count &&
		    is_earlier(m->heap[child + 1], m->heap[child]))
			child++;
		if (!is_earlier(m->heap[child], s))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = s;
}

static void sift_up(struct kvs_merge *m, unsigned int i)
{
	struct stream *s = m->heap[i];

	for (; i && is_earlier(s, m->heap[(i - 1) / 2]); i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = s;
}

static void hand_over(struct kvs_merge *m, struct stream *s)
{
	enum kvs_decoded what = kvs_decode(m->decoder, s->data, s->size, &m->rec);

	if (s->missed) {
		m->sink->missed(m->sink->ctx, s->source.cpu, s->missed);
		s->missed = 0;
	}
	if (!kvs_info_count(m->info, what))
		return;
	m->rec.ts = s->ts;
	m->rec.cpu = s->source.cpu;
	m->sink->record(m->sink->ctx, &m->rec);
}

struct kvs_merge *kvs_merge_create(const struct kvs_decoder *decoder, size_t page_size,
				   struct kvs_trace_info *info,
				   const struct kvs_sink *sink)
{
	struct kvs_merge *m = xcalloc(1, sizeof(*m));

	m->decoder = decoder;
	m->page_size = page_size;
	m->info = info;
	m->sink = sink;
	return m;
}

void kvs_merge_destroy(struct kvs_merge *m)
{
	if (!m)
		return;
	for (unsigned int i = 0; i < m->nr; i++)
		free(m->streams[i]);
	free(m->streams);
	free(m->heap);
	free(m);
}

void kvs_merge_add(struct kvs_merge *m, const struct kvs_source *source)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->source = *source;
	m->streams = xrealloc(m->streams, (m->nr + 1) * sizeof(*m->streams));
	m->heap = xrealloc(m->heap, (m->nr + 1) * sizeof(*m->heap));
	m->streams[m->nr++] = s;
}

/* Sources that were dry may have pages again. */
static void ask_dry_ones(struct kvs_merge *m)
{
	for (unsigned int i = 0; i < m->nr; i++) {
		struct stream *s = m->streams[i];

		if (s->waits || !advance(m, s))
			continue;
		s->waits = true;
		m->heap[m->count++] = s;
		sift_up(m, m->count - 1);
	}
}

void kvs_merge_run(struct kvs_merge *m, u64 until)
{
	ask_dry_ones(m);
	while (m->count && m->heap[0]->ts <= until) {
		struct stream *s = m->heap[0];

		hand_over(m, s);
		s->waits = advance(m, s);
		if (!s->waits)
			m->heap[0] = m->heap[--m->count];
		if (m->count)
			sift_down(m, 0);
	}
}

void kvs_merge_finish(struct kvs_merge *m)
{
	for (unsigned int i = 0; i < m->nr; i++) {
		struct stream *s = m->streams[i];

		if (s->missed)
			m->sink->missed(m->sink->ctx, s->source.cpu, s->missed);
		s->missed = 0;
	}
}
