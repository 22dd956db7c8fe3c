// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opens a trace.dat and chooses the reader for its version.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "trace/load.h"

#define MAGIC	"\x17\x08\x44tracing"

static bool open_file(struct kvs_trace *t)
{
	struct stat st;

	/* Opening a FIFO would wait for a writer, were it not for O_NONBLOCK. */
	t->fd = open(t->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0) {
		kvs_errno("%s", t->path);
		if (errno == ENOENT)
			kvs_hint("`kvmsched record -o FILE` makes a recording");
		return false;
	}
	if (fstat(t->fd, &st)) {
		kvs_errno("%s", t->path);
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		kvs_err("%s: not a regular file", t->path);
		kvs_hint("a recording is read more than once: save it to a file first");
		return false;
	}
	return true;
}

static bool not_a_trace(const struct kvs_trace *t)
{
	kvs_err("%s: not a trace.dat file", t->path);
	kvs_hint("`kvmsched record -o FILE` or `trace-cmd record -e kvmsched -o FILE` makes one");
	return false;
}

static bool choose_reader(struct kvs_trace *t)
{
	const size_t magic = strlen(MAGIC);
	unsigned char head[20];	/* magic, version, byte order, size of a long */
	const unsigned char *order;
	ssize_t n = pread(t->fd, head, sizeof(head), 0);
	const char *version = (char *)head + magic;

	if (n < 0) {
		kvs_errno("%s", t->path);
		return false;
	}
	if (n < (ssize_t)magic || memcmp(head, MAGIC, magic))
		return not_a_trace(t);
	if (n < (ssize_t)sizeof(head) ||
	    !memchr(version, '\0', sizeof(head) - magic - 2)) {
		kvs_err("%s: ends within its first line", t->path);
		kvs_hint("the recording was cut short: record again");
		return false;
	}
	t->info.version = atoi(version);
	order = (const unsigned char *)version + strlen(version) + 1;
	/* trace/page.c walks pages that are little endian with longs of 8 bytes. */
	if (t->info.version == 6 && order[0] == 0 && order[1] == 8)
		t->reader = &kvs_reader_v6;
	else
		t->reader = &kvs_reader_tracecmd;
	return true;
}

static bool has_our_events(const struct kvs_trace *t)
{
	if (t->info.events)
		return true;
	kvs_err("%s: no kvmsched events in it", t->path);
	kvs_hint("record with `kvmsched record`, or `trace-cmd record -e kvmsched` with the module loaded");
	return false;
}

struct kvs_trace *kvs_trace_open(const char *path)
{
	struct kvs_trace *t = xcalloc(1, sizeof(*t));

	t->path = path;
	t->fd = -1;
	t->decoder = kvs_decoder_create();
	if (open_file(t) && choose_reader(t) && t->reader->open(t) &&
	    has_our_events(t))
		return t;
	kvs_trace_close(t);
	return NULL;
}

void kvs_trace_close(struct kvs_trace *t)
{
	if (!t)
		return;
	if (t->reader)
		t->reader->close(t);
	kvs_decoder_destroy(t->decoder);
	kvs_vm_names_free(&t->info.names);
	free(t->info.ties);
	free(t->info.yields);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

static void ignore_loss(void *ctx, unsigned int cpu, s64 count)
{
}

/* What is wrong with the file is counted, and told, when it is read again. */
static void foretell(struct kvs_trace *t, const struct kvs_sink *sink)
{
	const struct kvs_sink all = {
		.record = sink->foretold, .missed = ignore_loss, .ctx = sink->ctx,
	};
	const struct kvs_trace_info info = t->info;

	if (t->reader->overwrites(t))
		t->reader->read(t, &all);
	t->info = info;
}

bool kvs_trace_read(struct kvs_trace *t, const struct kvs_sink *sink)
{
	if (sink->foretold && t->reader->overwrites)
		foretell(t, sink);
	return t->reader->read(t, sink);
}

const struct kvs_trace_info *kvs_trace_info(const struct kvs_trace *t)
{
	return &t->info;
}

const struct kvs_decoder *kvs_trace_decoder(const struct kvs_trace *t)
{
	return t->decoder;
}
