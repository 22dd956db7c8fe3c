// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synthetic recordings; see synth.h.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "record/comms.h"
#include "record/spool.h"
#include "synth.h"
#include "trace/dat.h"
#include "trace/formats.h"

#define PAGE_HEADER	16
#define TIME_EXTEND	30
#define DELTA_BITS	27
#define DATA_MAX	(28 * 4)	/* longer records have their length in a word */
#define LOST		(1U << 31)
#define LOST_COUNT	(1U << 30)
#define CMDLINES_ROOM	(16U << 10)
#define GUEST_ROOM	1024
#define TIES_ROOM	(64 + sizeof(struct kvs_tie) * KVS_TIES_MAX)
#define YIELDS_ROOM	(64 + sizeof(struct kvs_yields_row) * (KVS_YIELDS_MAX + 1))

struct page {
	uint64_t tsc;		/* of its first record, then in data too */
	uint64_t last;		/* of its latest record */
	uint64_t lost;		/* before it */
	bool flagged;
	size_t used;
	char data[KVS_PAGE_SIZE];
};

struct synth {
	struct kvs_spool *spool;
	struct kvs_dat_desc desc;
	struct kvs_dat_guest guest;
	struct kvs_comms *comms;
	struct page *pages;
	int ids[KS_NR_EVENTS];
	bool has[KS_NR_EVENTS];
};

static const char *const names[] = {
#define KS_RECORD(record, ...) "kvmsched_" #record,
#include "uapi/record_list.h"
};

static void die(const char *what)
{
	kvs_errno("synth: %s", what);
	exit(KVS_EXIT_FAILED);
}

static struct synth *new_of(const char *file, unsigned int nr_cpus, const char *formats,
			    const char *system)
{
	struct synth *s = xcalloc(1, sizeof(*s));
	size_t room;

	if (kvs_formats_read(formats, "ftrace", &s->desc.ftrace) ||
	    kvs_formats_read(formats, system, &s->desc.events))
		die(formats);
	s->desc.nr_cpus = nr_cpus;
	s->desc.version = "synthetic";
	s->desc.uname = "Linux synthetic 0 x86_64";
	free(kvs_dat_header(&s->desc, &room));
	room += CMDLINES_ROOM + GUEST_ROOM + TIES_ROOM + YIELDS_ROOM;
	s->spool = kvs_spool_create(file, nr_cpus, room);
	if (!s->spool)
		exit(KVS_EXIT_FAILED);
	s->comms = kvs_comms_new();
	s->pages = xcalloc(nr_cpus, sizeof(*s->pages));
	for (int i = 0; i < KS_NR_EVENTS; i++)
		s->ids[i] = kvs_formats_id(&s->desc.events, names[i]);
	/* 1e6 / khz ns a cycle; exact for 2 GHz */
	synth_clock(s, (1000000ULL << 20) / SYNTH_TSC_KHZ, 20, 0);
	return s;
}

struct synth *synth_new(const char *file, unsigned int nr_cpus,
			const char *formats)
{
	return new_of(file, nr_cpus, formats, "kvmsched");
}

struct synth *synth_new_guest(const char *file, unsigned int nr_cpus, const char *formats)
{
	return new_of(file, nr_cpus, formats, "sched");
}

void synth_clock(struct synth *s, uint32_t mult, uint32_t shift, uint64_t offset)
{
	s->desc.tsc_mult = mult;
	s->desc.tsc_shift = shift;
	s->desc.tsc_offset = offset;
}

void synth_flush(struct synth *s, unsigned int cpu)
{
	struct page *p = &s->pages[cpu];
	uint64_t commit = p->used;

	if (!p->used)
		return;
	if (p->flagged)
		commit |= LOST;
	if (p->lost) {
		commit |= LOST_COUNT;
		memcpy(p->data + PAGE_HEADER + p->used, &p->lost, sizeof(p->lost));
	}
	memcpy(p->data, &p->tsc, sizeof(p->tsc));
	memcpy(p->data + 8, &commit, sizeof(commit));
	if (kvs_spool_append(s->spool, cpu, p->data, KVS_PAGE_SIZE))
		exit(KVS_EXIT_FAILED);
	memset(p, 0, sizeof(*p));
}

void synth_lost(struct synth *s, unsigned int cpu, uint64_t count)
{
	synth_flush(s, cpu);
	s->pages[cpu].flagged = true;
	s->pages[cpu].lost += count;
}

static void append(struct page *p, const void *data, size_t size)
{
	memcpy(p->data + PAGE_HEADER + p->used, data, size);
	p->used += size;
}

static void append_head(struct page *p, uint32_t type_len, uint64_t delta)
{
	uint32_t head = type_len | (uint32_t)delta << 5;

	append(p, &head, sizeof(head));
}

static void add_record(struct synth *s, unsigned int cpu, uint64_t tsc, const void *record,
		       size_t size)
{
	struct page *p = &s->pages[cpu];
	/* a time extend, the record and its length, the count of lost records */
	size_t need = 8 + 8 + size + 8;
	uint64_t delta;

	if (p->used + need > KVS_PAGE_SIZE - PAGE_HEADER)
		synth_flush(s, cpu);
	if (!p->used)
		p->tsc = p->last = tsc;
	if (tsc < p->last) {
		errno = 0;
		die("records must come in the order of time");
	}
	delta = tsc - p->last;
	if (delta >> DELTA_BITS) {
		uint32_t high = delta >> DELTA_BITS;

		append_head(p, TIME_EXTEND, delta & ((1U << DELTA_BITS) - 1));
		append(p, &high, sizeof(high));
		delta = 0;
	}
	if (size > DATA_MAX) {
		uint32_t length = size + sizeof(length);

		append_head(p, 0, delta);
		append(p, &length, sizeof(length));
	} else {
		append_head(p, size / 4, delta);
	}
	append(p, record, size);
	p->last = tsc;
}

void synth_add(struct synth *s, unsigned int cpu, uint64_t tsc,
	       enum ks_event event, void *record, size_t size)
{
	struct trace_entry *ent = record;

	if (s->ids[event] < 0) {
		kvs_err("synth: %s has no format", names[event]);
		exit(KVS_EXIT_FAILED);
	}
	if (size > DATA_MAX || size % 4)
		die(names[event]);
	ent->type = s->ids[event];
	s->has[event] = true;
	add_record(s, cpu, tsc, record, size);
}

void synth_sched(struct synth *s, unsigned int cpu, uint64_t tsc, const char *event,
		 void *record, size_t size)
{
	struct trace_entry *ent = record;
	int id = kvs_formats_id(&s->desc.events, event);

	if (id < 0 || size > DATA_MAX || size % 4)
		die(event);
	ent->type = id;
	add_record(s, cpu, tsc, record, size);
}

void synth_print(struct synth *s, unsigned int cpu, uint64_t tsc, pid_t pid, const char *text)
{
	struct {
		struct trace_entry ent;
		uint64_t ip;
		char text[192];
	} print = { .ent = { .type = kvs_formats_id(&s->desc.ftrace, "print"), .pid = pid } };
	size_t size = offsetof(typeof(print), text) + strlen(text) + 1;

	snprintf(print.text, sizeof(print.text), "%s", text);
	add_record(s, cpu, tsc, &print, (size + 3) & ~3UL);
}

uint16_t synth_id(const struct synth *s, enum ks_event event)
{
	return s->ids[event];
}

bool synth_has(const struct synth *s, enum ks_event event)
{
	return s->has[event];
}

const char *synth_name(enum ks_event event)
{
	return names[event];
}

void synth_comm(struct synth *s, pid_t pid, const char *comm)
{
	kvs_comms_add(s->comms, pid, comm);
}

void synth_guest(struct synth *s, char *name, unsigned int vcpus, int32_t *tids)
{
	s->guest = (struct kvs_dat_guest){ .name = name, .vcpus = vcpus, .tids = tids };
	s->desc.guests = &s->guest;
	s->desc.nr_guests = 1;
}

void synth_ties(struct synth *s, const struct kvs_tie *ties, size_t nr)
{
	s->desc.ties = ties;
	s->desc.nr_ties = nr;
}

void synth_yields(struct synth *s, const struct kvs_yields_row *rows, size_t nr)
{
	s->desc.yields = rows;
	s->desc.nr_yields = nr;
}

void synth_finish(struct synth *s)
{
	char *cmdlines;
	void *header;
	size_t size;

	for (unsigned int cpu = 0; cpu < s->desc.nr_cpus; cpu++)
		synth_flush(s, cpu);
	cmdlines = kvs_comms_text(s->comms, CMDLINES_ROOM);
	s->desc.cmdlines = cmdlines;
	header = kvs_dat_header(&s->desc, &size);
	if (kvs_spool_finish(s->spool, header, size))
		exit(KVS_EXIT_FAILED);
	free(header);
	free(cmdlines);
	kvs_spool_free(s->spool);
	kvs_comms_free(s->comms);
	kvs_formats_free(&s->desc.ftrace);
	kvs_formats_free(&s->desc.events);
	free(s->pages);
	free(s);
}
