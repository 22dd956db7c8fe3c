// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header of a version 6 trace.dat (trace-cmd.dat.v6(5)): our events'
 * formats, the options that tell of time, where each CPU's pages are.
 *
 * libtracecmd refuses a file that lacks its last bytes; this one is for the
 * recordings of full disks and killed recorders, too.
 */
#include <stdlib.h>
#include <string.h>

#include "trace/cursor.h"
#include "base/kvmsched.h"
#include "trace/load.h"
#include "trace/merge.h"

#define MAGIC_SIZE	10	/* "\x17\x08\x44tracing", checked already */
#define MAX_CPUS	8192	/* the most that x86 kernels are built for */
#define MAX_FORMAT	(1U << 20)
#define MIN_PAGE	256
#define MAX_PAGE	(1U << 20)

struct v6 {
	size_t page_size;
	unsigned int cpus;
	struct ks_range *ranges;
};

/* "header_page" and "header_event": the pages' layout is known. */
static void skip_headers(struct ks_cursor *c)
{
	ks_expect(c, "header_page");
	ks_skip(c, ks_get64(c));
	ks_expect(c, "header_event");
	ks_skip(c, ks_get64(c));
}

static void skip_ftrace_formats(struct ks_cursor *c)
{
	for (u32 n = ks_get32(c); n && !c->failed; n--)
		ks_skip(c, ks_get64(c));
}

static void get_system(struct ks_cursor *c, struct ks_decoder *d)
{
	struct ks_format format;
	char name[256];
	bool ours = ks_get_string(c, name, sizeof(name)) && !strcmp(name, KS_SYSTEM);

	for (u32 n = ks_get32(c); n && !c->failed; n--) {
		u64 size = ks_get64(c);
		char *text;

		if (!ours) {
			ks_skip(c, size);
			continue;
		}
		text = ks_get_text(c, size, MAX_FORMAT);
		if (text && (!ks_format_parse(&format, text, size) ||
			     !ks_decoder_add(d, &format)))
			ks_warn("the format of one kvmsched event makes no sense: its records are left out");
		free(text);
	}
}

static void get_systems(struct ks_cursor *c, struct ks_decoder *d)
{
	for (u32 n = ks_get32(c); n && !c->failed; n--)
		get_system(c, d);
}

/* Up to "flyrecord"; a file of a latency tracer has text instead. */
static bool get_options(struct ks_cursor *c, struct ks_trace_info *info)
{
	char name[10];

	for (;;) {
		if (!ks_get_string(c, name, sizeof(name)))
			return false;
		if (!strcmp(name, "flyrecord"))
			return true;
		if (strcmp(name, "options  "))
			return false;
		for (u16 option; (option = ks_get16(c)) != KS_OPTION_DONE && !c->failed; )
			ks_option_get(c, info, option, ks_get32(c));
	}
}

/* Cut a range to what the file has of it. */
static void clip(struct ks_range *range, u64 end, u64 *absent)
{
	u64 there = range->offset < end ? end - range->offset : 0;

	if (range->size <= there)
		return;
	*absent += range->size - there;
	range->size = there;
}

static void get_ranges(struct ks_cursor *c, struct v6 *v, struct ks_trace_info *info)
{
	v->ranges = xcalloc(v->cpus, sizeof(*v->ranges));
	for (unsigned int cpu = 0; cpu < v->cpus && !c->failed; cpu++) {
		v->ranges[cpu].offset = ks_get64(c);
		v->ranges[cpu].size = ks_get64(c);
		clip(&v->ranges[cpu], c->end, &info->absent);
	}
}

/* Behind the table, where option TRACECLOCK announced it. */
static void get_clock(struct ks_cursor *c, struct ks_trace_info *info)
{
	u64 size = ks_get64(c);
	char *text = ks_get_text(c, size, KS_OPTION_MAX);

	if (text && strstr(text, "[x86-tsc]"))
		info->clock = KS_CLOCK_TSC;
	free(text);
}

static bool get_header(struct ks_cursor *c, struct ks_trace *t, struct v6 *v)
{
	ks_skip(c, MAGIC_SIZE + sizeof("6") + 2);
	v->page_size = ks_get32(c);
	skip_headers(c);
	skip_ftrace_formats(c);
	get_systems(c, t->decoder);
	ks_skip(c, ks_get32(c));	/* kallsyms */
	ks_skip(c, ks_get32(c));	/* printk formats */
	ks_skip(c, ks_get64(c));	/* cmdlines */
	v->cpus = ks_get32(c);
	if (c->failed || v->cpus > MAX_CPUS || v->page_size < MIN_PAGE ||
	    v->page_size > MAX_PAGE || (v->page_size & (v->page_size - 1)) ||
	    !get_options(c, &t->info))
		return false;
	t->info.cpus = v->cpus;
	t->info.events = ks_decoder_events(t->decoder);
	get_ranges(c, v, &t->info);
	return !c->failed;
}

static bool v6_open(struct ks_trace *t)
{
	struct v6 *v = xcalloc(1, sizeof(*v));
	struct ks_cursor c;

	t->priv = v;
	if (!ks_cursor_init(&c, t->fd, 0)) {
		ks_errno("%s", t->path);
		return false;
	}
	if (!get_header(&c, t, v)) {
		if (c.failed && c.at > c.end / 2)
			ks_err("%s: ends within its header", t->path);
		else
			ks_err("%s: its header makes no sense", t->path);
		ks_hint("the recording was cut short or damaged: record again");
		return false;
	}
	if (!v->cpus) {
		ks_err("%s: holds no CPU's data", t->path);
		ks_hint("the recording was cut short or damaged: record again");
		return false;
	}
	get_clock(&c, &t->info);
	return true;
}

static bool v6_read(struct ks_trace *t, const struct ks_sink *sink)
{
	struct v6 *v = t->priv;

	return ks_merge(t, v->ranges, v->cpus, v->page_size, sink);
}

static void v6_close(struct ks_trace *t)
{
	struct v6 *v = t->priv;

	if (v)
		free(v->ranges);
	free(v);
}

const struct ks_reader ks_reader_v6 = {
	.open = v6_open, .read = v6_read, .close = v6_close,
};
