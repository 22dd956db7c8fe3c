// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header of a version 6 trace.dat (trace-cmd.dat.v6(5)): our events'
 * formats, the options that tell of time, where each CPU's pages are.
 *
 * libtracecmd refuses a file that lacks its last bytes; this one is for the
 * recordings of full disks and killed recorders, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvmsched.h"
#include "load.h"
#include "merge.h"

#define MAGIC_SIZE	10	/* "\x17\x08\x44tracing", checked already */
#define MAX_CPUS	8192	/* the most that x86 kernels are built for */
#define MAX_FORMAT	(1U << 20)
#define MAX_OPTION	(1U << 20)
#define MIN_PAGE	256
#define MAX_PAGE	(1U << 20)

enum {
	OPTION_DONE		= 0,
	OPTION_TRACECLOCK	= 4,
	OPTION_TSC2NSEC		= 14,
};

struct v6 {
	size_t page_size;
	unsigned int cpus;
	struct ks_range *ranges;
};

/* Position in the header; once something is missing all reads fail. */
struct cursor {
	int fd;
	u64 at, end;
	bool failed;
};

static bool get(struct cursor *c, void *data, u64 size)
{
	char *p = data;

	if (c->failed || size > c->end - c->at) {
		c->failed = true;
		return false;
	}
	while (size) {
		ssize_t n = pread(c->fd, p, size, c->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			c->failed = true;
			return false;
		}
		p += n;
		size -= n;
		c->at += n;
	}
	return true;
}

static u16 get16(struct cursor *c)
{
	u16 n = 0;

	get(c, &n, sizeof(n));
	return n;
}

static u32 get32(struct cursor *c)
{
	u32 n = 0;

	get(c, &n, sizeof(n));
	return n;
}

static u64 get64(struct cursor *c)
{
	u64 n = 0;

	get(c, &n, sizeof(n));
	return n;
}

static void skip(struct cursor *c, u64 size)
{
	if (c->failed || size > c->end - c->at)
		c->failed = true;
	else
		c->at += size;
}

/* On the heap, with a NUL behind; NULL when there are not so many bytes. */
static char *get_text(struct cursor *c, u64 size, u64 max)
{
	char *text;

	if (c->failed || size > max || size > c->end - c->at) {
		c->failed = true;
		return NULL;
	}
	text = xmalloc(size + 1);
	get(c, text, size);
	text[size] = '\0';
	return text;
}

/* A string with its NUL, of at most @room bytes. */
static bool get_string(struct cursor *c, char *s, size_t room)
{
	for (size_t i = 0; i < room; i++) {
		if (!get(c, &s[i], 1))
			return false;
		if (!s[i])
			return true;
	}
	c->failed = true;
	return false;
}

static bool expect(struct cursor *c, const char *name)
{
	char s[32];

	if (!get_string(c, s, sizeof(s)) || strcmp(s, name))
		c->failed = true;
	return !c->failed;
}

/* "header_page" and "header_event": the pages' layout is known. */
static void skip_headers(struct cursor *c)
{
	expect(c, "header_page");
	skip(c, get64(c));
	expect(c, "header_event");
	skip(c, get64(c));
}

static void skip_ftrace_formats(struct cursor *c)
{
	for (u32 n = get32(c); n && !c->failed; n--)
		skip(c, get64(c));
}

static void get_system(struct cursor *c, struct ks_decoder *d)
{
	char name[256];
	bool ours = get_string(c, name, sizeof(name)) && !strcmp(name, KS_SYSTEM);

	for (u32 n = get32(c); n && !c->failed; n--) {
		u64 size = get64(c);
		char *text;

		if (!ours) {
			skip(c, size);
			continue;
		}
		text = get_text(c, size, MAX_FORMAT);
		if (text && !ks_decoder_add(d, text, size))
			ks_warn("the format of one kvmsched event makes no sense: its records are left out");
		free(text);
	}
}

static void get_systems(struct cursor *c, struct ks_decoder *d)
{
	for (u32 n = get32(c); n && !c->failed; n--)
		get_system(c, d);
}

static void get_option(struct cursor *c, struct ks_trace_info *info, u16 option,
		       u32 size)
{
	char *data = get_text(c, size, MAX_OPTION);

	if (!data)
		return;
	switch (option) {
	case OPTION_TRACECLOCK:
		if (strstr(data, "[x86-tsc]"))
			info->clock = KS_CLOCK_TSC;
		break;
	case OPTION_TSC2NSEC:
		if (size < 16)
			break;
		memcpy(&info->tsc_mult, data, sizeof(u32));
		memcpy(&info->tsc_shift, data + 4, sizeof(u32));
		memcpy(&info->tsc_offset, data + 8, sizeof(u64));
		if (info->tsc_shift > 63)
			info->tsc_mult = 0;
		/* It is there only where time stamps are to be converted. */
		if (info->tsc_mult)
			info->clock = KS_CLOCK_TSC;
		break;
	}
	free(data);
}

/* Up to "flyrecord"; a file of a latency tracer has text instead. */
static bool get_options(struct cursor *c, struct ks_trace_info *info)
{
	char name[10];

	for (;;) {
		if (!get_string(c, name, sizeof(name)))
			return false;
		if (!strcmp(name, "flyrecord"))
			return true;
		if (strcmp(name, "options  "))
			return false;
		for (u16 option; (option = get16(c)) != OPTION_DONE && !c->failed; )
			get_option(c, info, option, get32(c));
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

static void get_ranges(struct cursor *c, struct v6 *v, struct ks_trace_info *info)
{
	v->ranges = xcalloc(v->cpus, sizeof(*v->ranges));
	for (unsigned int cpu = 0; cpu < v->cpus && !c->failed; cpu++) {
		v->ranges[cpu].offset = get64(c);
		v->ranges[cpu].size = get64(c);
		clip(&v->ranges[cpu], c->end, &info->absent);
	}
}

/* Behind the table, where option TRACECLOCK announced it. */
static void get_clock(struct cursor *c, struct ks_trace_info *info)
{
	u64 size = get64(c);
	char *text = get_text(c, size, MAX_OPTION);

	if (text && strstr(text, "[x86-tsc]"))
		info->clock = KS_CLOCK_TSC;
	free(text);
}

static bool get_header(struct cursor *c, struct ks_trace *t, struct v6 *v)
{
	skip(c, MAGIC_SIZE + sizeof("6") + 2);
	v->page_size = get32(c);
	skip_headers(c);
	skip_ftrace_formats(c);
	get_systems(c, t->decoder);
	skip(c, get32(c));	/* kallsyms */
	skip(c, get32(c));	/* printk formats */
	skip(c, get64(c));	/* cmdlines */
	v->cpus = get32(c);
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
	struct cursor c = { .fd = t->fd };
	struct stat st;

	t->priv = v;
	if (fstat(t->fd, &st)) {
		ks_errno("%s", t->path);
		return false;
	}
	c.end = st.st_size;
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
