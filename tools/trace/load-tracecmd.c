// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads any trace.dat that libtracecmd can read: version 7, compressed or not, as
 * `trace-cmd record -e kvmsched` writes it.
 *
 *	child process:	libtracecmd -> decoder -> messages
 *	parent:		messages -> sink
 *
 * The library trusts what it reads, so a damaged file can make it crash or hang.
 * Therefore it runs in a process of its own.  And it unpacks a compressed file into
 * memory, all of it: that process may have so much as a recording needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <trace-cmd/trace-cmd.h>

#include "base/log.h"
#include "base/util.h"
#include "trace/cursor.h"
#include "trace/load.h"

#define SILENCE_MAX	60	/* seconds without a message: the child hangs */
#define NAME_ROOM	128
/*
 * What the child may take, in bytes: so much for any file, and so many for each byte of it.
 * zstd packs full pages of recordings by 5 to 10, and those that are mostly empty by 20.
 */
#define MEMORY_MIN	(24U << 20)
#define MEMORY_FACTOR	40

enum message_kind {
	MSG_NONE,	/* none came */
	MSG_OPEN,	/* the first message: the file can be read */
	MSG_FIELD,	/* a field that the file lacks */
	MSG_RECORD,	/* a decoded record */
	MSG_MISSED,	/* records of a CPU were lost */
	MSG_NO_MEMORY,	/* the last message: it may take no more */
	MSG_END,	/* the last message: counts */
};

struct message {
	enum message_kind kind;
	union {
		struct {
			unsigned int cpus, events;
		} open;
		char field[NAME_ROOM];
		struct kvs_record record;
		struct {
			unsigned int cpu;
			s64 count;
		} missed;
		struct {
			struct kvs_trace_info info;
			bool whole;
		} end;
	};
};

/* State of the child process */
struct source {
	struct kvs_trace *trace;
	FILE *out;
	struct message msg;
	bool no_memory;
};

/* State of the parent */
struct reader {
	pid_t child;
	FILE *in;
	struct message msg;
};

static void send_message(struct source *s, enum message_kind kind)
{
	s->msg.kind = kind;
	if (fwrite(&s->msg, sizeof(s->msg), 1, s->out) != 1)
		_exit(1);
}

/* The library's pages may be in memory, or in a file of its own. */
static bool was_refused_memory(void)
{
	return errno == ENOMEM || errno == EFBIG;
}

/* Called by the library for each record of the file, in the order of time. */
static int send_record(struct tracecmd_input *input, struct tep_record *record, int cpu,
		       void *data)
{
	struct source *s = data;
	struct kvs_trace *t = s->trace;

	/* If it can't have a page, the library takes this for the end of the CPU's records. */
	s->no_memory = was_refused_memory();
	if (s->no_memory)
		return -1;
	if (record->missed_events) {
		s->msg.missed.cpu = cpu;
		s->msg.missed.count = record->missed_events;
		send_message(s, MSG_MISSED);
	}
	if (!kvs_info_count(&t->info, kvs_decode(t->decoder, record->data, record->size,
					   &s->msg.record)))
		return 0;
	s->msg.record.ts = record->ts;
	s->msg.record.cpu = cpu;
	send_message(s, MSG_RECORD);
	return 0;
}

static void add_fields(struct kvs_format *f, struct tep_format_field **fields)
{
	for (unsigned int i = 0; fields && fields[i] && f->nr < KVS_FORMAT_FIELDS; i++) {
		struct kvs_format_field *to = &f->fields[f->nr++];

		snprintf(to->name, sizeof(to->name), "%s", fields[i]->name);
		to->offset = fields[i]->offset;
		to->size = fields[i]->size;
		to->is_signed = fields[i]->flags & TEP_FIELD_IS_SIGNED;
		to->is_dynamic = fields[i]->flags & TEP_FIELD_IS_DYNAMIC;
	}
	free(fields);
}

static void add_events(struct kvs_decoder *d, struct tep_handle *tep)
{
	struct tep_event **all = tep_list_events(tep, TEP_EVENT_SORT_ID);

	for (unsigned int i = 0; all && all[i]; i++) {
		struct kvs_format f = { .id = all[i]->id };

		if (strcmp(all[i]->system, KVS_SYSTEM))
			continue;
		snprintf(f.name, sizeof(f.name), "%s", all[i]->name);
		add_fields(&f, tep_event_common_fields(all[i]));
		add_fields(&f, tep_event_fields(all[i]));
		kvs_decoder_add(d, &f);
	}
}

static void send_open(struct source *s, struct tep_handle *tep)
{
	const char *field;

	add_events(s->trace->decoder, tep);
	s->msg.open.cpus = tep_get_cpus(tep);
	s->msg.open.events = kvs_decoder_events(s->trace->decoder);
	send_message(s, MSG_OPEN);
	for (unsigned int i = 0; (field = kvs_decoder_missing(s->trace->decoder, i)); i++) {
		snprintf(s->msg.field, sizeof(s->msg.field), "%s", field);
		send_message(s, MSG_FIELD);
	}
}

/* In bytes */
static u64 memory_allowed(const struct kvs_trace *t)
{
	struct stat st;

	return fstat(t->fd, &st) ? MEMORY_MIN : MEMORY_MIN + MEMORY_FACTOR * (u64)st.st_size;
}

/* How much of its addresses this process uses, in bytes */
static u64 memory_used(void)
{
	char *pages = kvs_read_line("/proc/self/statm");
	u64 used = pages ? strtoull(pages, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;

	free(pages);
	return used;
}

/* Limits that the user has set stay where they are lower. */
static void set_limit(int resource, u64 bytes)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) || limit.rlim_cur <= bytes)
		return;
	limit.rlim_cur = bytes;
	setrlimit(resource, &limit);
}

static void limit_memory(const struct kvs_trace *t)
{
	u64 allowed = memory_allowed(t), used = memory_used();

	/* Without /proc, there is no telling. */
	if (used)
		set_limit(RLIMIT_AS, used + allowed);
	/* A library that was built so unpacks into a temporary file. */
	set_limit(RLIMIT_FSIZE, allowed);
	signal(SIGXFSZ, SIG_IGN);
}

static void silence_library(void)
{
	int null = open("/dev/null", O_WRONLY);

	/* Its messages don't say which file, nor what to do. */
	dup2(null, STDERR_FILENO);
	dup2(null, STDOUT_FILENO);
	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
}

static void end_child(struct source *s, enum message_kind last)
{
	send_message(s, last);
	_exit(fflush(s->out) ? 1 : 0);
}

static void run_child(struct kvs_trace *t, int fd)
{
	struct source s = { .trace = t, .out = fdopen(fd, "w") };
	struct tracecmd_input *input;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	silence_library();
	limit_memory(t);
	if (!s.out)
		_exit(1);
	errno = 0;
	input = tracecmd_open(t->path, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!input && was_refused_memory())
		end_child(&s, MSG_NO_MEMORY);
	if (!input)
		_exit(1);
	send_open(&s, tracecmd_get_tep(input));
	errno = 0;
	s.msg.end.whole = !tracecmd_iterate_events(input, NULL, 0, send_record, &s);
	if (s.no_memory || was_refused_memory())
		end_child(&s, MSG_NO_MEMORY);
	s.msg.end.info = t->info;
	end_child(&s, MSG_END);
}

/* The next message; false if the child has ended, or is silent for too long. */
static bool receive_message(struct reader *r)
{
	return fread(&r->msg, sizeof(r->msg), 1, r->in) == 1;
}

static struct reader *reader_create(struct kvs_trace *t)
{
	const struct timeval silence = { .tv_sec = SILENCE_MAX };
	struct reader *r = xcalloc(1, sizeof(*r));
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		goto failed;
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
	fflush(stdout);
	r->child = fork();
	if (!r->child)
		run_child(t, fds[1]);
	close(fds[1]);
	r->in = fdopen(fds[0], "r");
	if (r->child > 0 && r->in)
		return r;
failed:
	kvs_errno("%s", t->path);
	free(r);
	return NULL;
}

static bool report_refusal(const struct kvs_trace *t, const char *what)
{
	kvs_err("%s: %s (version %u)", t->path, what, t->info.version);
	kvs_hint("cut short, damaged, or of a newer trace-cmd: see what `trace-cmd report %s` says",
		 t->path);
	return false;
}

/* Too many repetitions for a recording, most likely; or a size in it is damaged. */
static bool report_no_memory(const struct kvs_trace *t)
{
	kvs_err("%s: unpacked, it needs more than the %llu MB that libtracecmd may have (version %u)",
		t->path, (unsigned long long)memory_allowed(t) >> 20, t->info.version);
	kvs_hint("unless it is damaged, `trace-cmd convert -i %s -o NEW --file-version 6` makes a file that needs no unpacking",
		 t->path);
	return false;
}

/*
 * If the clock of the file is the TSC and the file has its rate, the library converts
 * time stamps to ns.  It does not show which clock it found, so look into the header.
 */
static void look_for_clock(struct kvs_trace *t)
{
	struct kvs_cursor c;
	u8 order[2];

	/* Behind magic and version: byte order, size of a long, size of a page */
	if (t->info.version < 7 || !kvs_cursor_init(&c, t->fd, 12) ||
	    !kvs_get(&c, order, sizeof(order)) || order[0])
		return;
	kvs_skip(&c, 4);
	kvs_v7_options(&c, &t->info);
	if (t->info.tsc_mult)
		t->info.clock = KVS_CLOCK_NS;
}

static bool tracecmd_reader_open(struct kvs_trace *t)
{
	struct reader *r = reader_create(t);
	enum message_kind first;

	t->priv = r;
	if (!r)
		return false;
	first = receive_message(r) ? r->msg.kind : MSG_NONE;
	if (first == MSG_NO_MEMORY)
		return report_no_memory(t);
	if (first != MSG_OPEN)
		return report_refusal(t, "libtracecmd can't read it");
	look_for_clock(t);
	t->info.cpus = r->msg.open.cpus;
	t->info.events = r->msg.open.events;
	return true;
}

static void take_counts(struct kvs_trace_info *into, const struct kvs_trace_info *from)
{
	into->other = from->other;
	into->unknown = from->unknown;
	into->bad_records = from->bad_records;
}

static bool tracecmd_reader_read(struct kvs_trace *t, const struct kvs_sink *sink)
{
	struct reader *r = t->priv;

	while (receive_message(r)) {
		switch (r->msg.kind) {
		case MSG_FIELD:
			kvs_decoder_note_missing(t->decoder, r->msg.field);
			break;
		case MSG_RECORD:
			sink->record(sink->ctx, &r->msg.record);
			break;
		case MSG_MISSED:
			sink->missed(sink->ctx, r->msg.missed.cpu, r->msg.missed.count);
			break;
		case MSG_NO_MEMORY:
			return report_no_memory(t);
		case MSG_END:
			take_counts(&t->info, &r->msg.end.info);
			return r->msg.end.whole ||
			       report_refusal(t, "libtracecmd stopped before its end");
		default:
			break;
		}
	}
	return report_refusal(t, "libtracecmd failed within it");
}

static void tracecmd_reader_close(struct kvs_trace *t)
{
	struct reader *r = t->priv;

	if (!r)
		return;
	fclose(r->in);
	/* The child is not reaped yet, so no other process can have its PID. */
	kill(r->child, SIGKILL);
	while (waitpid(r->child, NULL, 0) < 0 && errno == EINTR)
		;
	free(r);
}

const struct kvs_reader kvs_reader_tracecmd = {
	.open = tracecmd_reader_open,
	.read = tracecmd_reader_read,
	.close = tracecmd_reader_close,
};
