// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model that is fed while the records come.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"

#include "base/log.h"
#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/moment.h"
#include "record/watch.h"
#include "trace/decode.h"
#include "trace/page.h"

#define MOMENTS		16	/* the worst of those that count */

/* What came of a CPU and was not looked at yet */
struct stream {
	unsigned char *pages;
	size_t size, room, used;
	struct kvs_page page;
	const void *record;	/* the coming one, NULL: none */
	size_t length;
	bool told;		/* what this page misses */
};

struct kvs_watch {
	struct kvs_decoder *decoder;
	struct kvs_model model;
	struct kvs_worst worst;
	struct kvs_trace_info info;
	struct stream *streams;
	unsigned int cpus;
};

static bool parse_unit(const char *text, double *ns)
{
	static const struct { const char *name; double ns; } units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "µs", 1e3 }, { "ms", 1e6 }, { "s", 1e9 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(text, units[i].name)) {
			*ns *= units[i].ns;
			return true;
		}
	return false;
}

static bool parse_condition(struct kvs_watch_limits *limits, char *text)
{
	char *value = strchr(text, '>'), *unit;
	unsigned int kind = 0;
	double ns;

	if (!value)
		return false;
	*value++ = '\0';
	for (const char *name; (name = kvs_moment_kind_name(kind)); kind++)
		if (!strcmp(name, text))
			break;
	if (kind == KVS_MOMENT_KINDS)
		return false;
	errno = 0;
	ns = strtod(value, &unit);
	if (unit == value || errno || !parse_unit(unit, &ns) || !(ns >= 1 && ns < 1e18))
		return false;
	limits->ns[kind] = ns;
	return true;
}

bool kvs_watch_parse(struct kvs_watch_limits *limits, const char *text)
{
	char *copy = xstrdup(text), *next = copy, *item;
	bool ok = true;

	while (ok && (item = strsep(&next, ","))) {
		char *whole = xstrdup(item);

		ok = parse_condition(limits, item);
		if (!ok)
			kvs_usage("record", "'%s' is no condition; say e.g. 'wait>500us', with timer, irq, wait or exit, and ns, us, ms or s",
				  whole);
		free(whole);
	}
	free(copy);
	return ok;
}

uint32_t kvs_watch_classes(const struct kvs_watch_limits *limits, uint32_t *wanted)
{
	static const uint32_t needs[KVS_MOMENT_KINDS] = {
		[KVS_MOMENT_TIMER] = KVMSCHED_CLASS_TIMER | KVMSCHED_CLASS_IRQ,
		[KVS_MOMENT_IRQ] = KVMSCHED_CLASS_IRQ,
		[KVS_MOMENT_WAIT] = KVMSCHED_CLASS_SWITCH | KVMSCHED_CLASS_EXIT,
		[KVS_MOMENT_EXIT] = KVMSCHED_CLASS_EXIT,
	};
	uint32_t classes = 0;

	*wanted = 0;
	for (unsigned int kind = 0; kind < KVS_MOMENT_KINDS; kind++) {
		if (!limits->ns[kind])
			continue;
		classes |= needs[kind];
		if (kind != KVS_MOMENT_EXIT)
			*wanted |= KVMSCHED_CLASS_STEAL;
	}
	*wanted |= classes;
	return classes;
}

struct kvs_watch *kvs_watch_new(const struct kvs_watch_limits *limits,
				const struct kvs_dat_system *events,
				const struct kvmsched_info *info)
{
	struct kvs_watch *w = xcalloc(1, sizeof(*w));
	struct kvs_format format;
	uint32_t kinds = 0;

	w->decoder = kvs_decoder_create();
	for (size_t i = 0; i < events->nr; i++)
		if (kvs_format_parse(&format, events->texts[i], strlen(events->texts[i])))
			kvs_decoder_add(w->decoder, &format);
	w->info = (struct kvs_trace_info) {
		.clock = KVS_CLOCK_TSC,
		.tsc_mult = info->tsc_mult, .tsc_shift = info->tsc_shift,
	};
	w->cpus = info->nr_cpus;
	w->streams = xcalloc(w->cpus, sizeof(*w->streams));
	kvs_model_init(&w->model);
	kvs_model_clock(&w->model, false, info->tsc_mult, info->tsc_shift);
	for (unsigned int kind = 0; kind < KVS_MOMENT_KINDS; kind++)
		kinds |= (limits->ns[kind] ? 1U : 0) << kind;
	kvs_worst_init(&w->worst, MOMENTS, kinds);
	kvs_worst_listen(&w->worst, &w->model);
	/* ns to cycles */
	for (unsigned int kind = 0; kind < KVS_MOMENT_KINDS; kind++)
		w->worst.least[kind] = (kvs_u128)limits->ns[kind] *
					     info->tsc_khz / 1000000;
	return w;
}

void kvs_watch_free(struct kvs_watch *w)
{
	if (!w)
		return;
	for (unsigned int cpu = 0; cpu < w->cpus; cpu++)
		free(w->streams[cpu].pages);
	free(w->streams);
	kvs_model_free(&w->model);
	kvs_worst_free(&w->worst);
	kvs_decoder_destroy(w->decoder);
	free(w);
}

/* Move what is left to the beginning of a buffer that has so much room. */
static void make_room(struct stream *s, size_t room)
{
	/* The page that has the coming record was not used up. */
	size_t from = s->record ? s->used - KVS_PAGE_SIZE : s->used;
	unsigned char *pages = xmalloc(room);

	memcpy(pages, s->pages + from, s->size - from);
	if (s->record) {
		s->record = pages + ((const unsigned char *)s->record - s->pages - from);
		s->page.next = pages + (s->page.next - s->pages - from);
		s->page.end = pages + (s->page.end - s->pages - from);
	}
	free(s->pages);
	s->pages = pages;
	s->room = room;
	s->size -= from;
	s->used -= from;
}

void kvs_watch_pages(struct kvs_watch *w, unsigned int cpu, const void *pages, size_t size)
{
	struct stream *s = &w->streams[cpu];

	if (s->size + size > s->room)
		make_room(s, 2 * (s->size - s->used + KVS_PAGE_SIZE + size));
	memcpy(s->pages + s->size, pages, size);
	s->size += size;
}

/* The coming record of a CPU, if there is one. */
static bool come(struct kvs_watch *w, unsigned int cpu)
{
	struct stream *s = &w->streams[cpu];

	while (!s->record) {
		if (s->used)
			s->record = kvs_page_next(&s->page, &s->length);
		if (s->record)
			return true;
		if (s->used == s->size)
			return false;
		kvs_page_start(&s->page, s->pages + s->used, KVS_PAGE_SIZE, KVS_PAGE_SIZE);
		s->used += KVS_PAGE_SIZE;
		s->told = false;
	}
	return true;
}

static void take(struct kvs_watch *w, unsigned int cpu)
{
	struct stream *s = &w->streams[cpu];
	struct kvs_record rec = { .ts = s->page.ts, .cpu = cpu };

	if (s->page.missed && !s->told)
		kvs_model_missed(&w->model, cpu, s->page.missed);
	s->told = true;
	if (kvs_decode(w->decoder, s->record, s->length, &rec) == KVS_DECODED)
		kvs_model_record(&w->model, &rec);
	s->record = NULL;
}

bool kvs_watch_look(struct kvs_watch *w, uint64_t until)
{
	for (;;) {
		unsigned int first = w->cpus;

		for (unsigned int cpu = 0; cpu < w->cpus; cpu++)
			if (come(w, cpu) && w->streams[cpu].page.ts <= until &&
			    (first == w->cpus ||
			     w->streams[cpu].page.ts < w->streams[first].page.ts))
				first = cpu;
		if (first == w->cpus)
			break;
		take(w, first);
	}
	return w->worst.count;
}

char *kvs_watch_sentence(struct kvs_watch *w, uint64_t *since)
{
	struct kvs_times times;

	if (!w->worst.count)
		return NULL;
	kvs_worst_sort(&w->worst);
	kvs_times_init(&times, &w->info, &w->model);
	*since = w->worst.heap[0].begin;
	return kvs_moment_sentence(&w->model, &times, &w->worst.heap[0]);
}
