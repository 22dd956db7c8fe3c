// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model that is fed while the records come.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"

#include "trace/decode.h"
#include "base/kvmsched.h"
#include "model/model.h"
#include "trace/page.h"
#include "report/print.h"
#include "record/watch.h"

#define MOMENTS		16	/* the worst of those that count */

/* What came of a CPU and was not looked at yet */
struct stream {
	unsigned char *pages;
	size_t size, room, used;
	struct ks_page page;
	const void *record;	/* the coming one, NULL: none */
	size_t length;
	bool told;		/* what this page misses */
};

struct watch {
	struct ks_decoder *decoder;
	struct ks_model model;
	struct ks_trace_info info;
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

static bool parse_condition(struct watch_limits *limits, char *text)
{
	char *value = strchr(text, '>'), *unit;
	unsigned int kind = 0;
	double ns;

	if (!value)
		return false;
	*value++ = '\0';
	for (const char *name; (name = ks_moment_kind_name(kind)); kind++)
		if (!strcmp(name, text))
			break;
	if (kind == KS_MOMENT_KINDS)
		return false;
	errno = 0;
	ns = strtod(value, &unit);
	if (unit == value || errno || !parse_unit(unit, &ns) || !(ns >= 1 && ns < 1e18))
		return false;
	limits->ns[kind] = ns;
	return true;
}

bool watch_parse(struct watch_limits *limits, const char *text)
{
	char *copy = xstrdup(text), *next = copy, *item;
	bool ok = true;

	while (ok && (item = strsep(&next, ","))) {
		char *whole = xstrdup(item);

		ok = parse_condition(limits, item);
		if (!ok)
			ks_usage("record", "'%s' is no condition; say e.g. 'wait>500us', with timer, irq, wait or exit, and ns, us, ms or s",
				 whole);
		free(whole);
	}
	free(copy);
	return ok;
}

uint32_t watch_classes(const struct watch_limits *limits, uint32_t *wanted)
{
	static const uint32_t needs[KS_MOMENT_KINDS] = {
		[KS_MOMENT_TIMER] = KVMSCHED_CLASS_TIMER | KVMSCHED_CLASS_IRQ,
		[KS_MOMENT_IRQ] = KVMSCHED_CLASS_IRQ,
		[KS_MOMENT_WAIT] = KVMSCHED_CLASS_SWITCH | KVMSCHED_CLASS_EXIT,
		[KS_MOMENT_EXIT] = KVMSCHED_CLASS_EXIT,
	};
	uint32_t classes = 0;

	*wanted = 0;
	for (unsigned int kind = 0; kind < KS_MOMENT_KINDS; kind++) {
		if (!limits->ns[kind])
			continue;
		classes |= needs[kind];
		if (kind != KS_MOMENT_EXIT)
			*wanted |= KVMSCHED_CLASS_STEAL;
	}
	*wanted |= classes;
	return classes;
}

struct watch *watch_new(const struct watch_limits *limits,
			const struct dat_system *events,
			const struct kvmsched_info *info)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	struct ks_format format;
	uint32_t kinds = 0;

	w->decoder = ks_decoder_create();
	for (size_t i = 0; i < events->nr; i++)
		if (ks_format_parse(&format, events->texts[i], strlen(events->texts[i])))
			ks_decoder_add(w->decoder, &format);
	w->info = (struct ks_trace_info) {
		.clock = KS_CLOCK_TSC,
		.tsc_mult = info->tsc_mult, .tsc_shift = info->tsc_shift,
	};
	w->cpus = info->nr_cpus;
	w->streams = xcalloc(w->cpus, sizeof(*w->streams));
	ks_model_init(&w->model);
	ks_model_clock(&w->model, false, info->tsc_mult, info->tsc_shift);
	for (unsigned int kind = 0; kind < KS_MOMENT_KINDS; kind++)
		kinds |= (limits->ns[kind] ? 1U : 0) << kind;
	ks_worst_init(&w->model.worst, MOMENTS, kinds);
	/* ns to cycles */
	for (unsigned int kind = 0; kind < KS_MOMENT_KINDS; kind++)
		w->model.worst.least[kind] = (ks_u128)limits->ns[kind] *
					     info->tsc_khz / 1000000;
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	for (unsigned int cpu = 0; cpu < w->cpus; cpu++)
		free(w->streams[cpu].pages);
	free(w->streams);
	ks_model_free(&w->model);
	ks_decoder_destroy(w->decoder);
	free(w);
}

/* Move what is left to the beginning of a buffer that has so much room. */
static void make_room(struct stream *s, size_t room)
{
	/* The page that has the coming record was not used up. */
	size_t from = s->record ? s->used - DAT_PAGE_SIZE : s->used;
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

void watch_pages(struct watch *w, unsigned int cpu, const void *pages, size_t size)
{
	struct stream *s = &w->streams[cpu];

	if (s->size + size > s->room)
		make_room(s, 2 * (s->size - s->used + DAT_PAGE_SIZE + size));
	memcpy(s->pages + s->size, pages, size);
	s->size += size;
}

/* The coming record of a CPU, if there is one. */
static bool come(struct watch *w, unsigned int cpu)
{
	struct stream *s = &w->streams[cpu];

	while (!s->record) {
		if (s->used)
			s->record = ks_page_next(&s->page, &s->length);
		if (s->record)
			return true;
		if (s->used == s->size)
			return false;
		ks_page_start(&s->page, s->pages + s->used, DAT_PAGE_SIZE, DAT_PAGE_SIZE);
		s->used += DAT_PAGE_SIZE;
		s->told = false;
	}
	return true;
}

static void take(struct watch *w, unsigned int cpu)
{
	struct stream *s = &w->streams[cpu];
	struct ks_record rec = { .ts = s->page.ts, .cpu = cpu };

	if (s->page.missed && !s->told)
		ks_model_missed(&w->model, cpu, s->page.missed);
	s->told = true;
	if (ks_decode(w->decoder, s->record, s->length, &rec) == KS_DECODED)
		ks_model_record(&w->model, &rec);
	s->record = NULL;
}

bool watch_look(struct watch *w, uint64_t until)
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
	return w->model.worst.count;
}

char *watch_sentence(struct watch *w, uint64_t *since)
{
	struct ks_view view = { .info = &w->info, .model = &w->model };

	if (!w->model.worst.count)
		return NULL;
	ks_worst_sort(&w->model.worst);
	ks_times_init(&view.times, &w->info, &w->model);
	*since = w->model.worst.heap[0].begin;
	return ks_moment_sentence(&view, &w->model.worst.heap[0]);
}
