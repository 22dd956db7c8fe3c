// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening a trace.dat: what it is, and who reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/kvmsched.h"
#include "trace/load.h"

#define MAGIC	"\x17\x08\x44tracing"

static bool open_file(struct ks_trace *t)
{
	struct stat st;

	t->fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0) {
		ks_errno("%s", t->path);
		if (errno == ENOENT)
			ks_hint("`kvmsched record -o FILE` makes a recording");
		return false;
	}
	if (fstat(t->fd, &st)) {
		ks_errno("%s", t->path);
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		ks_err("%s: not a regular file", t->path);
		ks_hint("a recording is read more than once: save it to a file first");
		return false;
	}
	return true;
}

static bool not_a_trace(const struct ks_trace *t)
{
	ks_err("%s: not a trace.dat file", t->path);
	ks_hint("`kvmsched record -o FILE` or `trace-cmd record -e kvmsched -o FILE` makes one");
	return false;
}

static bool choose_reader(struct ks_trace *t)
{
	const size_t magic = strlen(MAGIC);
	unsigned char head[20];	/* magic, version, byte order, size of a long */
	const unsigned char *order;
	ssize_t n = pread(t->fd, head, sizeof(head), 0);
	const char *version = (char *)head + magic;

	if (n < 0) {
		ks_errno("%s", t->path);
		return false;
	}
	if (n < (ssize_t)magic || memcmp(head, MAGIC, magic))
		return not_a_trace(t);
	if (n < (ssize_t)sizeof(head) ||
	    !memchr(version, '\0', sizeof(head) - magic - 2)) {
		ks_err("%s: ends within its first line", t->path);
		ks_hint("the recording was cut short: record again");
		return false;
	}
	t->info.version = atoi(version);
	order = (const unsigned char *)version + strlen(version) + 1;
	/* Little endian, longs of 8 bytes: the pages that we walk ourselves. */
	if (t->info.version == 6 && order[0] == 0 && order[1] == 8)
		t->reader = &ks_reader_v6;
	else
		t->reader = &ks_reader_tracecmd;
	return true;
}

static bool has_our_events(const struct ks_trace *t)
{
	if (t->info.events)
		return true;
	ks_err("%s: no kvmsched events in it", t->path);
	ks_hint("record with `kvmsched record`, or `trace-cmd record -e kvmsched` with the module loaded");
	return false;
}

struct ks_trace *ks_trace_open(const char *path)
{
	struct ks_trace *t = xcalloc(1, sizeof(*t));

	t->path = path;
	t->fd = -1;
	t->decoder = ks_decoder_create();
	if (open_file(t) && choose_reader(t) && t->reader->open(t) &&
	    has_our_events(t))
		return t;
	ks_trace_close(t);
	return NULL;
}

void ks_trace_close(struct ks_trace *t)
{
	if (!t)
		return;
	if (t->reader)
		t->reader->close(t);
	ks_decoder_destroy(t->decoder);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

bool ks_trace_read(struct ks_trace *t, const struct ks_sink *sink)
{
	return t->reader->read(t, sink);
}

const struct ks_trace_info *ks_trace_info(const struct ks_trace *t)
{
	return &t->info;
}

const struct ks_decoder *ks_trace_decoder(const struct ks_trace *t)
{
	return t->decoder;
}

bool ks_trace_count(struct ks_trace *t, enum ks_decoded what)
{
	switch (what) {
	case KS_DECODED:
		return true;
	case KS_DECODED_UNKNOWN:
		t->info.unknown++;
		break;
	case KS_DECODED_OTHER:
		t->info.other++;
		break;
	case KS_DECODED_SHORT:
		t->info.bad_records++;
		break;
	}
	return false;
}
