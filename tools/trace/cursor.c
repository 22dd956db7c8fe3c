// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the headers of trace.dat files, whatever is in them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "trace/cursor.h"
#include "trace/option-rows.h"

bool kvs_cursor_init(struct kvs_cursor *c, int fd, u64 at)
{
	struct stat st;

	*c = (struct kvs_cursor){ .fd = fd };
	if (fstat(fd, &st))
		return false;
	c->end = st.st_size;
	kvs_skip(c, at);
	return true;
}

bool kvs_get(struct kvs_cursor *c, void *data, u64 size)
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

u16 kvs_get16(struct kvs_cursor *c)
{
	u16 n = 0;

	kvs_get(c, &n, sizeof(n));
	return n;
}

u32 kvs_get32(struct kvs_cursor *c)
{
	u32 n = 0;

	kvs_get(c, &n, sizeof(n));
	return n;
}

u64 kvs_get64(struct kvs_cursor *c)
{
	u64 n = 0;

	kvs_get(c, &n, sizeof(n));
	return n;
}

void kvs_skip(struct kvs_cursor *c, u64 size)
{
	if (c->failed || size > c->end - c->at)
		c->failed = true;
	else
		c->at += size;
}

char *kvs_get_text(struct kvs_cursor *c, u64 size, u64 max)
{
	char *text;

	if (c->failed || size > max || size > c->end - c->at) {
		c->failed = true;
		return NULL;
	}
	text = xmalloc(size + 1);
	kvs_get(c, text, size);
	text[size] = '\0';
	return text;
}

bool kvs_get_string(struct kvs_cursor *c, char *s, size_t room)
{
	for (size_t i = 0; i < room; i++) {
		if (!kvs_get(c, &s[i], 1))
			return false;
		if (!s[i])
			return true;
	}
	c->failed = true;
	return false;
}

bool kvs_expect(struct kvs_cursor *c, const char *name)
{
	char s[32];

	if (!kvs_get_string(c, s, sizeof(s)) || strcmp(s, name))
		c->failed = true;
	return !c->failed;
}

/* Offset of the data, name of the instance, clock; we read the nameless one. */
static void buffer_option(struct kvs_trace_info *info, const char *data, u32 size)
{
	if (size > 9 && !data[8] && !strcmp(data + 9, "x86-tsc"))
		info->clock = KVS_CLOCK_TSC;
}

/* Time goes on from tie to tie, and the wall clock's within a stretch; else it is garbage. */
static bool ties_make_sense(const struct kvs_tie *ties, unsigned int nr)
{
	const u64 most = UINT64_MAX / 4;

	for (unsigned int i = 0; i < nr; i++)
		if (ties[i].tsc > most || ties[i].realtime_ns > most || ties[i].boottime_ns > most ||
		    (i && ties[i].tsc < ties[i - 1].tsc) ||
		    (i % 2 && ties[i].realtime_ns < ties[i - 1].realtime_ns))
			return false;
	return true;
}

/*
 * The rows of an option of ours, as option-rows.h has them, @most at most; the caller frees
 * them.  NULL: there are none, or it is another's option.
 */
static void *rows_of(const char *data, u32 size, const char *tag, size_t row_size,
		     unsigned int most, unsigned int *nr)
{
	struct kvs_option_head head;
	void *rows;

	if (size < sizeof(head))
		return NULL;
	memcpy(&head, data, sizeof(head));
	if (memcmp(head.tag, tag, sizeof(head.tag)) || head.size != row_size || !head.nr ||
	    head.nr > most || size != sizeof(head) + head.nr * row_size)
		return NULL;
	rows = xcalloc(head.nr, row_size);
	memcpy(rows, data + sizeof(head), head.nr * row_size);
	*nr = head.nr;
	return rows;
}

static void ties_option(struct kvs_trace_info *info, const char *data, u32 size)
{
	unsigned int nr;
	struct kvs_tie *ties = info->ties ? NULL :
		rows_of(data, size, KVS_TIES_TAG, sizeof(*ties), KVS_TIES_MAX, &nr);

	if (!ties)
		return;
	if (nr % 2 || !ties_make_sense(ties, nr)) {
		free(ties);
		return;
	}
	info->ties = ties;
	info->nr_ties = nr;
}

static bool yields_make_sense(const struct kvs_yields_row *rows, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (rows[i].pid <= 0 || !rows[i].vms)
			return false;
	return true;
}

static void yields_option(struct kvs_trace_info *info, const char *data, u32 size)
{
	unsigned int nr;
	struct kvs_yields_row *rows = info->yields ? NULL :
		rows_of(data, size, KVS_YIELDS_TAG, sizeof(*rows), KVS_YIELDS_MAX, &nr);

	if (!rows)
		return;
	if (!yields_make_sense(rows, nr)) {
		free(rows);
		return;
	}
	info->yields = rows;
	info->nr_yields = nr;
}

void kvs_option_get(struct kvs_cursor *c, struct kvs_trace_info *info, u16 option,
		    u32 size)
{
	char *data = kvs_get_text(c, size, KVS_OPTION_MAX);

	if (!data)
		return;
	switch (option) {
	case KVS_OPTION_BUFFER:
		if (info->version >= 7)
			buffer_option(info, data, size);
		break;
	case KVS_OPTION_TRACECLOCK:
		if (strstr(data, "[x86-tsc]"))
			info->clock = KVS_CLOCK_TSC;
		break;
	case KVS_OPTION_GUEST:
		kvs_vm_names_add_guest(&info->names, data, size);
		return;
	case KVS_OPTION_TIES:
		ties_option(info, data, size);
		break;
	case KVS_OPTION_YIELDS:
		yields_option(info, data, size);
		break;
	case KVS_OPTION_TSC2NSEC:
		if (size < 16)
			break;
		memcpy(&info->tsc_mult, data, sizeof(u32));
		memcpy(&info->tsc_shift, data + 4, sizeof(u32));
		memcpy(&info->tsc_offset, data + 8, sizeof(u64));
		if (info->tsc_shift > 63)
			info->tsc_mult = 0;
		/* It is there only where time stamps are to be converted. */
		if (info->tsc_mult)
			info->clock = KVS_CLOCK_TSC;
		break;
	}
	free(data);
}

/*
 * Sections of options, each at any place of the file; their last option says
 * where the next one is, and garbage may make a ring of that.
 */
void kvs_v7_options(struct kvs_cursor *c, struct kvs_trace_info *info)
{
	char name[64];
	u64 next;

	kvs_get_string(c, name, sizeof(name));	/* of the compression */
	kvs_get_string(c, name, sizeof(name));	/* its version */
	next = kvs_get64(c);
	for (unsigned int sections = 0; next && sections < 64; sections++) {
		struct kvs_cursor section = { .fd = c->fd, .end = c->end };
		u16 option;

		kvs_skip(&section, next);
		if (kvs_get16(&section) != 0)	/* the id of such sections */
			return;
		kvs_skip(&section, 2 + 4 + 8);	/* flags, description, size */
		next = 0;
		while ((option = kvs_get16(&section)) != KVS_OPTION_DONE && !section.failed)
			kvs_option_get(&section, info, option, kvs_get32(&section));
		if (kvs_get32(&section) == sizeof(next))
			next = kvs_get64(&section);
		if (section.failed)
			return;
	}
}
