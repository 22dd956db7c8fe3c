// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes a version 6 trace.dat apart, and puts it together again; see parts.h.
 *
 * libtracecmd has functions for that, but not in its public API.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "trace/cursor.h"
#include "trace/page.h"
#include "trace/parts.h"

#define MAGIC		"\x17\x08\x44tracing"
#define MAX_CPUS	8192	/* the most that x86 kernels are built for */
#define MAX_OPTIONS	65536
#define MIN_PAGE	256
#define MAX_PAGE	(1U << 20)
#define MAX_FORMAT	(1U << 20)
#define COPY_SIZE	(256U << 10)

static int open_file(const char *path, const char *name)
{
	/* Opening a FIFO would wait for a writer, were it not for O_NONBLOCK. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		kvs_errno("%s", name);
	} else if (!S_ISREG(st.st_mode)) {
		kvs_err("%s: not a regular file", name);
		kvs_hint("a recording is read more than once: save it to a file first");
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

unsigned int kvs_parts_version(const char *path, const char *name)
{
	char head[sizeof(MAGIC) - 1 + 4] = "";
	int fd = open_file(path, name);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = pread(fd, head, sizeof(head) - 1, 0);
	close(fd);
	if (n == sizeof(head) - 1 && !memcmp(head, MAGIC, strlen(MAGIC)) &&
	    atoi(head + strlen(MAGIC)) > 0)
		return atoi(head + strlen(MAGIC));
	kvs_err("%s: not a trace.dat file", name);
	kvs_hint("`kvmsched record` makes one on the host, `trace-cmd record` in a guest");
	return 0;
}

/* Everything before the options: only the page's size is of interest. */
static bool get_head(struct kvs_cursor *c, struct kvs_parts *p)
{
	char machine[2] = { 1 };

	kvs_skip(c, strlen(MAGIC));
	kvs_expect(c, "6");
	kvs_get(c, machine, sizeof(machine));
	p->page_size = kvs_get32(c);
	kvs_expect(c, "header_page");
	kvs_skip(c, kvs_get64(c));
	kvs_expect(c, "header_event");
	kvs_skip(c, kvs_get64(c));
	for (u32 n = kvs_get32(c); n && !c->failed; n--)	/* ftrace's own formats */
		kvs_skip(c, kvs_get64(c));
	for (u32 systems = kvs_get32(c); systems && !c->failed; systems--) {
		char name[256];

		kvs_get_string(c, name, sizeof(name));
		for (u32 n = kvs_get32(c); n && !c->failed; n--)
			kvs_skip(c, kvs_get64(c));
	}
	kvs_skip(c, kvs_get32(c));	/* kallsyms */
	kvs_skip(c, kvs_get32(c));	/* printk formats */
	kvs_skip(c, kvs_get64(c));	/* names of tasks */
	p->cpus = kvs_get32(c);
	p->head = c->at;
	/* Little endian, and longs of 8 bytes, as trace/page.c walks them */
	return !c->failed && !machine[0] && machine[1] == 8 && p->cpus && p->cpus <= MAX_CPUS &&
	       p->page_size >= MIN_PAGE && p->page_size <= MAX_PAGE &&
	       !(p->page_size & (p->page_size - 1));
}

static void take_option(struct kvs_parts *p, u16 number, char *data, u32 size)
{
	p->options = xrealloc(p->options, (p->nr_options + 1) * sizeof(*p->options));
	p->options[p->nr_options++] = (struct kvs_part_option){
		.number = number, .size = size, .data = data,
	};
}

/* Options, and after them the word that says that pages follow */
static bool get_options(struct kvs_cursor *c, struct kvs_parts *p)
{
	char word[10];

	if (!kvs_get_string(c, word, sizeof(word)))
		return false;
	if (!strcmp(word, "options  ")) {
		for (u16 number; (number = kvs_get16(c)) != KVS_OPTION_DONE && !c->failed; ) {
			u32 size = kvs_get32(c);
			char *data = kvs_get_text(c, size, KVS_OPTION_MAX);

			if (!data || p->nr_options == MAX_OPTIONS) {
				free(data);
				return false;
			}
			take_option(p, number, data, size);
		}
		kvs_get_string(c, word, sizeof(word));
	}
	return !c->failed && !strcmp(word, "flyrecord");
}

static bool get_ranges(struct kvs_cursor *c, struct kvs_parts *p)
{
	p->ranges = xcalloc(p->cpus, sizeof(*p->ranges));
	for (unsigned int cpu = 0; cpu < p->cpus; cpu++) {
		p->ranges[cpu].offset = kvs_get64(c);
		p->ranges[cpu].size = kvs_get64(c);
	}
	return !c->failed;
}

/* Each CPU's pages, and all of them together: no byte is two CPUs' data. */
static bool within_file(const struct kvs_parts *p, u64 end)
{
	u64 left = end;

	for (unsigned int cpu = 0; cpu < p->cpus; cpu++) {
		const struct kvs_range *range = &p->ranges[cpu];

		if (range->size && (range->offset > end || range->size > end - range->offset ||
				    range->size > left))
			return false;
		left -= range->size;
	}
	return true;
}

static bool get_parts(struct kvs_parts *p)
{
	struct kvs_cursor c;

	if (!kvs_cursor_init(&c, p->fd, 0)) {
		kvs_errno("%s", p->name);
		return false;
	}
	if (!get_head(&c, p) || !get_options(&c, p) || !get_ranges(&c, p)) {
		kvs_err("%s: its header makes no sense, or is not that of an x86-64 machine",
			p->name);
		kvs_hint("the recording was cut short or damaged: record again");
		return false;
	}
	if (kvs_parts_option(p, KVS_OPTION_TRACECLOCK))
		p->clocks = kvs_get_text(&c, kvs_get64(&c), KVS_OPTION_MAX);
	if (!within_file(p, c.end)) {
		kvs_err("%s: ends before its last page", p->name);
		kvs_hint("the recording was cut short: record again");
		return false;
	}
	if (kvs_parts_option(p, KVS_OPTION_BUFFER)) {
		kvs_err("%s: holds instances of tracefs beside the main buffer", p->name);
		kvs_hint("record without -B, or take them apart with `trace-cmd split`");
		return false;
	}
	return true;
}

struct kvs_parts *kvs_parts_open(const char *path, const char *name)
{
	struct kvs_parts *p = xcalloc(1, sizeof(*p));

	p->path = path;
	p->name = name;
	p->fd = open_file(path, name);
	if (p->fd >= 0 && get_parts(p))
		return p;
	kvs_parts_close(p);
	return NULL;
}

void kvs_parts_close(struct kvs_parts *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nr_options; i++)
		free(p->options[i].data);
	free(p->options);
	free(p->ranges);
	free(p->clocks);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

const struct kvs_part_option *kvs_parts_option(const struct kvs_parts *p, u16 number)
{
	for (size_t i = 0; i < p->nr_options; i++)
		if (p->options[i].number == number)
			return &p->options[i];
	return NULL;
}

void kvs_parts_drop_at(struct kvs_parts *p, size_t index)
{
	free(p->options[index].data);
	p->nr_options--;
	memmove(&p->options[index], &p->options[index + 1],
		(p->nr_options - index) * sizeof(*p->options));
}

void kvs_parts_drop(struct kvs_parts *p, u16 number)
{
	for (size_t i = p->nr_options; i--; )
		if (p->options[i].number == number)
			kvs_parts_drop_at(p, i);
}

void kvs_parts_add(struct kvs_parts *p, u16 number, const void *data, u32 size)
{
	char *copy = xcalloc(1, size + 1);

	memcpy(copy, data, size);
	take_option(p, number, copy, size);
}

char *kvs_parts_clock(const struct kvs_parts *p)
{
	const char *chosen = p->clocks ? strchr(p->clocks, '[') : NULL;
	char *clock, *end;

	/* trace-cmd stores the TSC's rate only where time stamps are those of the TSC. */
	if (!chosen)
		return xstrdup(kvs_parts_option(p, KVS_OPTION_TSC2NSEC) ? "x86-tsc" : "local");
	clock = xstrdup(chosen + 1);
	end = strchr(clock, ']');
	if (end)
		*end = '\0';
	return clock;
}

/* Copies bytes of one file to another, at the place where that is now. */
static bool copy_bytes(int from, u64 at, u64 size, int to)
{
	char *buffer = xmalloc(COPY_SIZE);
	bool ok = true;

	while (ok && size) {
		ssize_t n = pread(from, buffer, size < COPY_SIZE ? size : COPY_SIZE, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (!n)
			errno = EIO;	/* it has become shorter */
		ok = n > 0 && !kvs_write_all(to, buffer, n);
		at += ok ? n : 0;
		size -= ok ? n : 0;
	}
	free(buffer);
	return ok;
}

static void put_bytes(FILE *out, const void *data, size_t size)
{
	fwrite(data, 1, size, out);
}

/* Readers map pages, so they begin at multiples of their size, and of the machine's. */
static u64 page_aligned(const struct kvs_parts *p, u64 at)
{
	u64 align = p->page_size > 4096 ? p->page_size : 4096;

	return (at + align - 1) & ~(align - 1);
}

/* What is between the head and the first page, padded up to it */
static char *make_middle(const struct kvs_parts *p, size_t *size)
{
	u64 clocks = p->clocks ? strlen(p->clocks) : 0;
	u64 table = p->cpus * 2 * sizeof(u64), at;
	char *data = NULL;
	FILE *out = xopen_memstream(&data, size);
	u16 done = KVS_OPTION_DONE;

	put_bytes(out, "options  ", 10);
	for (size_t i = 0; i < p->nr_options; i++) {
		put_bytes(out, &p->options[i].number, sizeof(u16));
		put_bytes(out, &p->options[i].size, sizeof(u32));
		put_bytes(out, p->options[i].data, p->options[i].size);
	}
	put_bytes(out, &done, sizeof(done));
	put_bytes(out, "flyrecord", 10);
	at = p->head + ftell(out) + table + (p->clocks ? sizeof(u64) + clocks : 0);
	at = page_aligned(p, at);
	for (unsigned int cpu = 0; cpu < p->cpus; cpu++) {
		put_bytes(out, &at, sizeof(u64));
		put_bytes(out, &p->ranges[cpu].size, sizeof(u64));
		at += page_aligned(p, p->ranges[cpu].size);
	}
	if (p->clocks) {
		put_bytes(out, &clocks, sizeof(u64));
		put_bytes(out, p->clocks, clocks);
	}
	for (u64 end = p->head + ftell(out); end != page_aligned(p, end); end++)
		fputc(0, out);
	fclose(out);
	return data;
}

static bool write_to(const struct kvs_parts *p, int fd)
{
	size_t size;
	char *middle = make_middle(p, &size);
	bool ok = copy_bytes(p->fd, 0, p->head, fd) && !kvs_write_all(fd, middle, size);
	u64 at = p->head + size;

	free(middle);
	for (unsigned int cpu = 0; ok && cpu < p->cpus; cpu++) {
		ok = lseek(fd, at, SEEK_SET) >= 0 &&
		     copy_bytes(p->fd, p->ranges[cpu].offset, p->ranges[cpu].size, fd);
		at += page_aligned(p, p->ranges[cpu].size);
	}
	return ok && !ftruncate(fd, at);
}

bool kvs_parts_write(const struct kvs_parts *p, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	bool ok = fd >= 0 && write_to(p, fd);

	if (!ok)
		kvs_errno("can't write %s", path);
	if (fd >= 0 && close(fd) && ok) {
		kvs_errno("can't write %s", path);
		return false;
	}
	return ok;
}

/* A page, or what the file has of it; -1 with errno set */
static ssize_t read_page(int fd, void *data, size_t size, u64 at)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)data + done, size - done, at + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		done += n;
	}
	return done;
}

bool kvs_parts_records(const struct kvs_parts *p, unsigned int cpu,
		       void (*record)(void *ctx, const struct kvs_part_record *rec), void *ctx,
		       u64 *bad)
{
	const struct kvs_range *range = &p->ranges[cpu];
	unsigned char *data = xmalloc(p->page_size);
	struct kvs_part_record rec = { 0 };
	bool ok = true;

	for (u64 at = 0; ok && at < range->size; at += p->page_size) {
		u64 left = range->size - at;
		ssize_t n = read_page(p->fd, data, left < p->page_size ? left : p->page_size,
				      range->offset + at);
		struct kvs_page page;

		ok = n >= 0;
		if (!ok) {
			kvs_errno("%s", p->name);
			break;
		}
		kvs_page_start(&page, data, n, p->page_size);
		if (page.missed)
			rec.missed = page.missed;
		while ((rec.data = kvs_page_next(&page, &rec.size))) {
			rec.ts = page.ts;
			record(ctx, &rec);
			rec.missed = 0;
		}
		if (page.bad)
			rec.missed = -1;
		*bad += page.bad;
	}
	free(data);
	return ok;
}

bool kvs_parts_cut(struct kvs_parts *p, unsigned int cpu, u64 from, u64 to)
{
	struct kvs_range *range = &p->ranges[cpu];
	u64 begin = 0, end = 0;
	bool later = false;

	for (u64 at = 0; at < range->size; at += p->page_size) {
		u64 ts = 0;

		if (read_page(p->fd, &ts, sizeof(ts), range->offset + at) < 0) {
			kvs_errno("%s", p->name);
			return false;
		}
		/* The last one that begins before @from may have events of a later time. */
		later |= ts > from;
		if (!later)
			begin = at;
		if (ts < to)
			end = at + p->page_size;
	}
	if (end > range->size)
		end = range->size;
	range->offset += begin;
	range->size = end > begin ? end - begin : 0;
	return true;
}

static void get_format(struct kvs_cursor *c,
		       void (*format)(void *ctx, const struct kvs_format *f), void *ctx)
{
	u64 size = kvs_get64(c);
	char *text = kvs_get_text(c, size, MAX_FORMAT);
	struct kvs_format parsed;

	if (text && kvs_format_parse(&parsed, text, size))
		format(ctx, &parsed);
	free(text);
}

void kvs_parts_formats(const struct kvs_parts *p,
		       void (*format)(void *ctx, const struct kvs_format *f), void *ctx)
{
	struct kvs_cursor c;

	if (!kvs_cursor_init(&c, p->fd, 0))
		return;
	kvs_skip(&c, strlen(MAGIC) + sizeof("6") + 2 + sizeof(u32));
	kvs_expect(&c, "header_page");
	kvs_skip(&c, kvs_get64(&c));
	kvs_expect(&c, "header_event");
	kvs_skip(&c, kvs_get64(&c));
	for (u32 n = kvs_get32(&c); n && !c.failed; n--)
		get_format(&c, format, ctx);
	for (u32 systems = kvs_get32(&c); systems && !c.failed; systems--) {
		char name[256];

		kvs_get_string(&c, name, sizeof(name));
		for (u32 n = kvs_get32(&c); n && !c.failed; n--)
			get_format(&c, format, ctx);
	}
}
