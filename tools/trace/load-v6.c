// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the header of a version 6 trace.dat (trace-cmd.dat.v6(5)): the formats of
 * kvmsched's events, the options about time, and where the pages of each CPU are.
 *
 * libtracecmd refuses a file that lacks its last bytes.  This reader takes it, because
 * full disks and killed recorders leave such files.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "trace/cursor.h"
#include "trace/load.h"
#include "trace/ranges.h"

#define MAGIC_SIZE	10	/* "\x17\x08\x44tracing", checked already */
#define MAX_CPUS	8192	/* the most that x86 kernels are built for */
#define MAX_FORMAT	(1U << 20)
#define MAX_TASKS	(4U << 20)	/* bytes of names */
#define MIN_PAGE	256
#define MAX_PAGE	(1U << 20)

struct v6 {
	size_t page_size;
	unsigned int cpus;
	struct kvs_range *ranges;
};

/* "header_page" and "header_event" aren't needed: trace/page.c knows the layout. */
static void skip_headers(struct kvs_cursor *c)
{
	kvs_expect(c, "header_page");
	kvs_skip(c, kvs_get64(c));
	kvs_expect(c, "header_event");
	kvs_skip(c, kvs_get64(c));
}

static void skip_ftrace_formats(struct kvs_cursor *c)
{
	for (u32 n = kvs_get32(c); n && !c->failed; n--)
		kvs_skip(c, kvs_get64(c));
}

static void get_system(struct kvs_cursor *c, struct kvs_decoder *d)
{
	struct kvs_format format;
	char name[256];
	bool ours = kvs_get_string(c, name, sizeof(name)) && !strcmp(name, KVS_SYSTEM);

	for (u32 n = kvs_get32(c); n && !c->failed; n--) {
		u64 size = kvs_get64(c);
		char *text;

		if (!ours) {
			kvs_skip(c, size);
			continue;
		}
		text = kvs_get_text(c, size, MAX_FORMAT);
		if (text && (!kvs_format_parse(&format, text, size) ||
			     !kvs_decoder_add(d, &format)))
			kvs_warn("the format of one kvmsched event makes no sense: its records are left out");
		free(text);
	}
}

static void get_systems(struct kvs_cursor *c, struct kvs_decoder *d)
{
	for (u32 n = kvs_get32(c); n && !c->failed; n--)
		get_system(c, d);
}

/*
 * Options, and the word "flyrecord" behind them.  A file by a latency tracer has another
 * word there, and text instead of pages.
 */
static bool get_options(struct kvs_cursor *c, struct kvs_trace_info *info)
{
	char name[10];

	for (;;) {
		if (!kvs_get_string(c, name, sizeof(name)))
			return false;
		if (!strcmp(name, "flyrecord"))
			return true;
		if (strcmp(name, "options  "))
			return false;
		for (u16 option; (option = kvs_get16(c)) != KVS_OPTION_DONE && !c->failed; )
			kvs_option_get(c, info, option, kvs_get32(c));
	}
}

/* Shorten a range to what is within the file; count the bytes that are missing. */
static void clip_range(struct kvs_range *range, u64 end, u64 *absent)
{
	u64 there = range->offset < end ? end - range->offset : 0;

	if (range->size <= there)
		return;
	*absent += range->size - there;
	range->size = there;
}

static void get_ranges(struct kvs_cursor *c, struct v6 *v, struct kvs_trace_info *info)
{
	v->ranges = xcalloc(v->cpus, sizeof(*v->ranges));
	for (unsigned int cpu = 0; cpu < v->cpus && !c->failed; cpu++) {
		v->ranges[cpu].offset = kvs_get64(c);
		v->ranges[cpu].size = kvs_get64(c);
		clip_range(&v->ranges[cpu], c->end, &info->absent);
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct kvs_range *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/*
 * No byte is two CPUs' data.  A damaged table that says so would have a small file read
 * as often as there are CPUs.
 */
static bool ranges_overlap(const struct v6 *v)
{
	struct kvs_range *sorted = xcalloc(v->cpus, sizeof(*sorted));
	bool overlap = false;
	size_t nr = 0;

	for (unsigned int cpu = 0; cpu < v->cpus; cpu++)
		if (v->ranges[cpu].size)
			sorted[nr++] = v->ranges[cpu];
	qsort(sorted, nr, sizeof(*sorted), by_offset);
	for (size_t i = 1; i < nr && !overlap; i++)
		overlap = sorted[i].offset < sorted[i - 1].offset + sorted[i - 1].size;
	free(sorted);
	return overlap;
}

/* The names of clocks, which follow the table if option TRACECLOCK is there */
static void get_clock(struct kvs_cursor *c, struct kvs_trace_info *info)
{
	u64 size = kvs_get64(c);
	char *text = kvs_get_text(c, size, KVS_OPTION_MAX);

	if (text && strstr(text, "[x86-tsc]"))
		info->clock = KVS_CLOCK_TSC;
	free(text);
}

/* The names of tasks.  Of very many, all are left out: they only help to name VMs. */
static void get_tasks(struct kvs_cursor *c, struct kvs_trace_info *info)
{
	u64 size = kvs_get64(c);
	char *text;

	if (size > MAX_TASKS) {
		kvs_skip(c, size);
		return;
	}
	text = kvs_get_text(c, size, MAX_TASKS);
	if (text)
		kvs_vm_names_add_tasks(&info->names, text);
}

static bool get_header(struct kvs_cursor *c, struct kvs_trace *t, struct v6 *v)
{
	kvs_skip(c, MAGIC_SIZE + sizeof("6") + 2);
	v->page_size = kvs_get32(c);
	skip_headers(c);
	skip_ftrace_formats(c);
	get_systems(c, t->decoder);
	kvs_skip(c, kvs_get32(c));	/* kallsyms */
	kvs_skip(c, kvs_get32(c));	/* printk formats */
	get_tasks(c, &t->info);
	v->cpus = kvs_get32(c);
	if (c->failed || v->cpus > MAX_CPUS || v->page_size < MIN_PAGE ||
	    v->page_size > MAX_PAGE || (v->page_size & (v->page_size - 1)) ||
	    !get_options(c, &t->info))
		return false;
	t->info.cpus = v->cpus;
	t->info.events = kvs_decoder_events(t->decoder);
	get_ranges(c, v, &t->info);
	return !c->failed;
}

static bool v6_open(struct kvs_trace *t)
{
	struct v6 *v = xcalloc(1, sizeof(*v));
	struct kvs_cursor c;

	t->priv = v;
	if (!kvs_cursor_init(&c, t->fd, 0)) {
		kvs_errno("%s", t->path);
		return false;
	}
	if (!get_header(&c, t, v)) {
		if (c.failed && c.at > c.end / 2)
			kvs_err("%s: ends within its header", t->path);
		else
			kvs_err("%s: its header makes no sense", t->path);
		kvs_hint("the recording was cut short or damaged: record again");
		return false;
	}
	if (!v->cpus) {
		kvs_err("%s: holds no CPU's data", t->path);
		kvs_hint("the recording was cut short or damaged: record again");
		return false;
	}
	if (ranges_overlap(v)) {
		kvs_err("%s: the data of two CPUs overlap", t->path);
		kvs_hint("the recording was damaged: record again");
		return false;
	}
	get_clock(&c, &t->info);
	return true;
}

static bool v6_read(struct kvs_trace *t, const struct kvs_sink *sink)
{
	struct v6 *v = t->priv;

	return kvs_ranges_read(t, v->ranges, v->cpus, v->page_size, sink);
}

static void look_at_session(void *ctx, const struct kvs_record *rec)
{
	bool *overwrites = ctx;

	*overwrites |= rec->event == KS_EV_session && rec->session.overwrite;
}

static void ignore_loss(void *ctx, unsigned int cpu, s64 count)
{
}

/* The last page of each CPU has the end of the session, which says so. */
static bool v6_overwrites(struct kvs_trace *t)
{
	bool overwrites = false;
	const struct kvs_sink sink = {
		.record = look_at_session, .missed = ignore_loss, .ctx = &overwrites,
	};
	struct v6 *v = t->priv;
	struct kvs_range *last = xcalloc(v->cpus, sizeof(*last));

	for (unsigned int cpu = 0; cpu < v->cpus; cpu++) {
		const struct kvs_range *all = &v->ranges[cpu];
		u64 before = all->size ? (all->size - 1) / v->page_size * v->page_size : 0;

		last[cpu].offset = all->offset + before;
		last[cpu].size = all->size - before;
	}
	kvs_ranges_read(t, last, v->cpus, v->page_size, &sink);
	free(last);
	return overwrites;
}

static void v6_close(struct kvs_trace *t)
{
	struct v6 *v = t->priv;

	if (v)
		free(v->ranges);
	free(v);
}

const struct kvs_reader kvs_reader_v6 = {
	.open = v6_open, .read = v6_read, .overwrites = v6_overwrites, .close = v6_close,
};
