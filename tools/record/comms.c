// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of threads, for the cmdlines of a trace.dat.
 *
 * ftrace's saved_cmdlines know nothing of records that went through our ring,
 * so trace-cmd would print <...> for every thread.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/util.h"
#include "record/comms.h"
#include "record/guests.h"
#include "trace/formats.h"

#define COMM_LEN	16
#define PID_LIMIT	(4U << 20)	/* PID_MAX_LIMIT of 64-bit kernels */
#define NR_IDS		65536U		/* common_type is a u16 */

/*
 * Where a name comes from.  A thread has several names in its life, and the last one counts:
 * exec() renames it.  CPUs are read one after the other, so records of two CPUs are in no
 * order; but a record by the thread itself is later than one that another wrote at its birth.
 */
enum teller { KVS_OTHERS_TOLD, KVS_TOLD_ITSELF };

struct name {
	pid_t pid;
	enum teller teller;
	char comm[COMM_LEN];
};

/* Where a record tells a name. */
static const struct {
	const char *event, *pid, *comm;
	enum teller teller;
} sources[] = {
	{ "kvmsched_vcpu",	  "common_pid",	"comm", KVS_TOLD_ITSELF },
	{ "kvmsched_switch_out",  "next_pid",	"next_comm", KVS_OTHERS_TOLD },
	{ "kvmsched_host_switch", "prev_pid",	"prev_comm", KVS_OTHERS_TOLD },
	{ "kvmsched_host_switch", "next_pid",	"next_comm", KVS_OTHERS_TOLD },
};

struct field {
	unsigned int offset, size;
};

struct source {
	int id;
	enum teller teller;
	struct field pid, comm;
};

struct kvs_comms {
	size_t nr, room;
	struct name **names;
	struct kvs_table by_pid;
	/* for names in records */
	struct source sources[ARRAY_SIZE(sources)];
	size_t nr_sources;
	unsigned char *wanted;	/* by event id */
	struct kvs_guests *guests;	/* NULL: nobody asks for vCPUs */
};

struct kvs_comms *kvs_comms_new(void)
{
	return xcalloc(1, sizeof(struct kvs_comms));
}

void kvs_comms_free(struct kvs_comms *comms)
{
	if (!comms)
		return;
	for (size_t i = 0; i < comms->nr; i++)
		free(comms->names[i]);
	free(comms->names);
	kvs_table_free(&comms->by_pid);
	free(comms->wanted);
	free(comms);
}

static struct name *name_of(const struct kvs_comms *comms, pid_t pid)
{
	return kvs_table_get(&comms->by_pid, (uint32_t)pid);
}

static void name_set(struct name *name, enum teller teller, const char *comm)
{
	name->teller = teller;
	memset(name->comm, 0, COMM_LEN);
	for (int i = 0; i < COMM_LEN - 1 && comm[i]; i++)
		name->comm[i] = iscntrl((unsigned char)comm[i]) ? '?' : comm[i];
}

static void name_add(struct kvs_comms *comms, pid_t pid, enum teller teller,
		     const char *comm)
{
	struct name *name;

	if (pid <= 0 || (unsigned int)pid >= PID_LIMIT || !*comm)
		return;
	if (comms->nr == comms->room) {
		comms->room = comms->room ? 2 * comms->room : 256;
		comms->names = xrealloc(comms->names,
					comms->room * sizeof(*comms->names));
	}
	name = xcalloc(1, sizeof(*name));
	name->pid = pid;
	name_set(name, teller, comm);
	comms->names[comms->nr++] = name;
	kvs_table_put(&comms->by_pid, (uint32_t)pid, name);
}

void kvs_comms_add(struct kvs_comms *comms, pid_t pid, const char *comm)
{
	if (!name_of(comms, pid))
		name_add(comms, pid, KVS_OTHERS_TOLD, comm);
}

bool kvs_comms_has(const struct kvs_comms *comms, pid_t pid)
{
	return name_of(comms, pid);
}

void kvs_comms_merge(struct kvs_comms *comms, const struct kvs_comms *from)
{
	for (size_t i = 0; i < from->nr; i++)
		kvs_comms_add(comms, from->names[i]->pid, from->names[i]->comm);
}

static void add_tasks(struct kvs_comms *comms, const char *tgid)
{
	char *path = xasprintf("/proc/%s/task", tgid), *comm;
	DIR *dir = opendir(path);
	struct dirent *d;
	long tid;

	free(path);
	while (dir && (d = readdir(dir))) {
		if (!kvs_parse_long(d->d_name, 1, PID_LIMIT, &tid))
			continue;
		path = xasprintf("/proc/%s/task/%ld/comm", tgid, tid);
		comm = kvs_read_line(path);
		if (comm)
			kvs_comms_add(comms, tid, comm);
		free(comm);
		free(path);
	}
	if (dir)
		closedir(dir);
}

void kvs_comms_add_proc(struct kvs_comms *comms)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	long tgid;

	while (dir && (d = readdir(dir)))
		if (kvs_parse_long(d->d_name, 1, PID_LIMIT, &tgid))
			add_tasks(comms, d->d_name);
	if (dir)
		closedir(dir);
}

/* "field:char comm[16];	offset:8;	size:16;" */
static bool find_field(const char *format, const char *name, struct field *field)
{
	size_t len = strlen(name);
	const char *p = format;

	while ((p = strstr(p, name))) {
		bool begins = p[-1] == ' ';

		p += len;
		if (!begins || (*p != ';' && *p != '['))
			continue;
		p = strchr(p, ';');
		return p && sscanf(p, "; offset:%u; size:%u;", &field->offset,
				   &field->size) == 2;
	}
	return false;
}

static const char *find_format(const struct kvs_dat_system *sys, int id)
{
	int other;

	for (size_t i = 0; i < sys->nr; i++)
		if (sscanf(sys->texts[i], "name: %*s ID: %d", &other) == 1 &&
		    other == id)
			return sys->texts[i];
	return NULL;
}

void kvs_comms_set_events(struct kvs_comms *comms, const struct kvs_dat_system *sys)
{
	if (!comms->wanted)
		comms->wanted = xmalloc(NR_IDS);
	memset(comms->wanted, 0, NR_IDS);
	comms->nr_sources = 0;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		struct source *found = &comms->sources[comms->nr_sources];
		int id = kvs_formats_id(sys, sources[i].event);
		const char *format = id < 0 ? NULL : find_format(sys, id);

		if (!format || (unsigned int)id >= NR_IDS ||
		    !find_field(format, sources[i].pid, &found->pid) ||
		    !find_field(format, sources[i].comm, &found->comm) ||
		    found->pid.size != 4 || found->comm.size > COMM_LEN)
			continue;
		found->id = id;
		found->teller = sources[i].teller;
		comms->wanted[id] = 1;
		comms->nr_sources++;
	}
}

void kvs_comms_set_guests(struct kvs_comms *comms, struct kvs_guests *guests)
{
	comms->guests = guests;
}

static void add_record(struct kvs_comms *comms, const struct source *source,
		       const char *record, size_t size)
{
	char comm[COMM_LEN + 1] = "";
	struct name *name;
	int32_t pid;

	if (source->pid.offset + source->pid.size > size ||
	    source->comm.offset + source->comm.size > size)
		return;
	memcpy(&pid, record + source->pid.offset, sizeof(pid));
	memcpy(comm, record + source->comm.offset, source->comm.size);
	name = name_of(comms, pid);
	if (!name)
		name_add(comms, pid, source->teller, comm);
	else if (*comm && (source->teller > name->teller ||
			   (source->teller == name->teller &&
			    strncmp(comm, name->comm, COMM_LEN - 1))))
		name_set(name, source->teller, comm);
}

static void look_at_record(struct kvs_comms *comms, const char *record, size_t size)
{
	uint16_t id;

	memcpy(&id, record, sizeof(id));
	for (size_t i = 0; i < comms->nr_sources; i++) {
		if (comms->sources[i].id != id)
			continue;
		add_record(comms, &comms->sources[i], record, size);
		if (comms->sources[i].teller == KVS_TOLD_ITSELF && comms->guests)
			kvs_guests_add_vcpu(comms->guests, record, size);
	}
}

/*
 * An entry that isn't simply a record of 4 to 112 bytes: its size, or 0 where
 * nothing can follow.  Longer records are none of ours.
 */
static size_t odd_entry(uint32_t head, const char *p, size_t left)
{
	uint32_t array;

	if (left < sizeof(head) + sizeof(array))
		return 0;
	memcpy(&array, p + sizeof(head), sizeof(array));
	switch (head & 31) {
	case 0:			/* a longer record: its length stands first */
		return array >= 4 ? sizeof(head) + ((array + 3) & ~3U) : 0;
	case 29:		/* padding; without a time delta up to the end */
		return head >> 5 ? sizeof(head) + array : 0;
	default:		/* time extend, absolute time stamp */
		return sizeof(head) + sizeof(array);
	}
}

static size_t add_page(struct kvs_comms *comms, const char *page)
{
	const unsigned char *wanted = comms->wanted;
	const char *p = page + 16, *end, *next;
	uint32_t commit, head;
	size_t records = 0;
	uint16_t id;

	memcpy(&commit, page + 8, sizeof(commit));
	commit &= (1U << 27) - 1;
	end = p + (commit < KVS_PAGE_SIZE - 16 ? commit : KVS_PAGE_SIZE - 16);
	/* All entries have 8 bytes at least; what follows is the hot path. */
	for (; p + 8 <= end; p = next) {
		memcpy(&head, p, sizeof(head));
		memcpy(&id, p + sizeof(head), sizeof(id));
		if ((head & 31) - 1 >= 28) {
			next = p + odd_entry(head, p, end - p);
			if (next == p)
				break;
			records += !(head & 31);
			continue;
		}
		next = p + sizeof(head) + (head & 31) * 4;
		records++;
		if (wanted[id] && next <= end)
			look_at_record(comms, p + sizeof(head),
				       next - p - sizeof(head));
	}
	return records;
}

size_t kvs_comms_add_pages(struct kvs_comms *comms, const void *data, size_t size)
{
	size_t records = 0;

	for (size_t pos = 0; pos + KVS_PAGE_SIZE <= size; pos += KVS_PAGE_SIZE)
		records += add_page(comms, (const char *)data + pos);
	return records;
}

char *kvs_comms_text(const struct kvs_comms *comms, size_t room)
{
	char *text = xmalloc(room);
	size_t used = 0;

	for (size_t i = 0; i < comms->nr; i++) {
		int n = snprintf(text + used, room - used, "%d %s\n",
				 comms->names[i]->pid, comms->names[i]->comm);

		if (used + n >= room)
			break;
		used += n;
	}
	text[used] = '\0';
	return text;
}
