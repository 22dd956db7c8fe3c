// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model that is fed while the records come.
 */
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"

#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/moment.h"
#include "record/watch.h"
#include "trace/decode.h"
#include "trace/merge.h"

#define MOMENTS		16	/* the worst of those that count */

/* Pages that came of a CPU, in the order of coming, and are not used up */
struct batch {
	struct batch *next;
	size_t size, used;	/* bytes */
	unsigned char pages[];
};

struct cpu_pages {
	struct batch *first, **last;
};

struct kvs_watch {
	struct kvs_decoder *decoder;
	struct kvs_model model;
	struct kvs_worst worst;
	struct kvs_trace_info info;
	struct kvs_sink sink;
	struct kvs_merge *merge;
	struct cpu_pages *pages;	/* by CPU */
	unsigned int cpus;
};

static bool parse_condition(struct kvs_watch_limits *limits, char *text)
{
	char *value = strchr(text, '>');
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
	if (!kvs_parse_time(value, &ns) || !(ns >= 1 && ns < 1e18))
		return false;
	limits->ns[kind] = ns;
	return true;
}

char *kvs_watch_take(void *limits, const char *text)
{
	char *copy = xstrdup(text), *next = copy, *item, *why = NULL;

	while (!why && (item = strsep(&next, ","))) {
		char *whole = xstrdup(item);

		if (!parse_condition(limits, item))
			why = xasprintf("'%s' is no condition such as 'wait>500us', with timer, irq, wait or exit, and ns, us, ms or s",
					whole);
		free(whole);
	}
	free(copy);
	return why;
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

static void drop_batch(struct cpu_pages *p)
{
	struct batch *batch = p->first;

	p->first = batch->next;
	if (!p->first)
		p->last = &p->first;
	free(batch);
}

/*
 * The page before is used up, and with it maybe its batch.  The last page of a batch is as
 * long as what is there of it.
 */
static const void *next_page(void *ctx, size_t *size)
{
	struct cpu_pages *p = ctx;
	size_t left;

	while (p->first && p->first->used == p->first->size)
		drop_batch(p);
	if (!p->first)
		return NULL;
	left = p->first->size - p->first->used;
	*size = left < KVS_PAGE_SIZE ? left : KVS_PAGE_SIZE;
	p->first->used += *size;
	return p->first->pages + p->first->used - *size;
}

static void take_events(struct kvs_watch *w, const struct kvs_dat_system *events)
{
	struct kvs_format format;

	w->decoder = kvs_decoder_create();
	for (size_t i = 0; i < events->nr; i++)
		if (kvs_format_parse(&format, events->texts[i], strlen(events->texts[i])))
			kvs_decoder_add(w->decoder, &format);
}

/* Moments are as long in the model as the user says in ns. */
static void take_limits(struct kvs_watch *w, const struct kvs_watch_limits *limits,
			uint32_t tsc_khz)
{
	uint32_t kinds = 0;

	for (unsigned int kind = 0; kind < KVS_MOMENT_KINDS; kind++)
		kinds |= (limits->ns[kind] ? 1U : 0) << kind;
	kvs_worst_init(&w->worst, MOMENTS, kinds);
	for (unsigned int kind = 0; kind < KVS_MOMENT_KINDS; kind++)
		w->worst.least[kind] = (kvs_u128)limits->ns[kind] * tsc_khz / 1000000;
}

static void add_cpus(struct kvs_watch *w, unsigned int cpus)
{
	w->cpus = cpus;
	w->pages = xcalloc(cpus, sizeof(*w->pages));
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		w->pages[cpu].last = &w->pages[cpu].first;
		kvs_merge_add(w->merge, &(struct kvs_source){
			.cpu = cpu, .next_page = next_page, .ctx = &w->pages[cpu],
		});
	}
}

struct kvs_watch *kvs_watch_new(const struct kvs_watch_limits *limits,
				const struct kvs_dat_system *events,
				const struct kvmsched_info *info)
{
	struct kvs_watch *w = xcalloc(1, sizeof(*w));

	take_events(w, events);
	w->info = (struct kvs_trace_info) {
		.clock = KVS_CLOCK_TSC,
		.tsc_mult = info->tsc_mult, .tsc_shift = info->tsc_shift,
	};
	kvs_model_init(&w->model);
	kvs_model_clock(&w->model, false, info->tsc_mult, info->tsc_shift);
	take_limits(w, limits, info->tsc_khz);
	kvs_worst_listen(&w->worst, &w->model);
	w->sink = (struct kvs_sink){
		.record = kvs_model_record, .missed = kvs_model_missed, .ctx = &w->model,
	};
	w->merge = kvs_merge_create(w->decoder, KVS_PAGE_SIZE, &w->info, &w->sink);
	add_cpus(w, info->nr_cpus);
	return w;
}

void kvs_watch_free(struct kvs_watch *w)
{
	if (!w)
		return;
	kvs_merge_destroy(w->merge);
	for (unsigned int cpu = 0; cpu < w->cpus; cpu++)
		while (w->pages[cpu].first)
			drop_batch(&w->pages[cpu]);
	free(w->pages);
	kvs_model_free(&w->model);
	kvs_worst_free(&w->worst);
	kvs_decoder_destroy(w->decoder);
	free(w);
}

void kvs_watch_pages(struct kvs_watch *w, unsigned int cpu, const void *pages, size_t size)
{
	struct batch *batch;

	/* Of no pages there may be no address, either, and memcpy() takes no NULL. */
	if (!size)
		return;
	batch = xmalloc(sizeof(*batch) + size);
	*batch = (struct batch){ .size = size };
	memcpy(batch->pages, pages, size);
	*w->pages[cpu].last = batch;
	w->pages[cpu].last = &batch->next;
}

bool kvs_watch_look(struct kvs_watch *w, uint64_t until)
{
	kvs_merge_run(w->merge, until);
	return w->worst.count;
}

static const char *name_of(int32_t tid, const struct kvs_dat_guest *guests, size_t nr)
{
	for (size_t i = 0; tid && i < nr; i++)
		for (unsigned int vcpu = 0; vcpu < guests[i].vcpus; vcpu++)
			if (guests[i].tids[vcpu] == tid)
				return guests[i].name;
	return NULL;
}

void kvs_watch_name_vms(struct kvs_watch *w, const struct kvs_dat_guest *guests, size_t nr)
{
	for (unsigned int i = 0; i < w->model.nr_vcpus; i++) {
		struct kvs_vcpu *v = w->model.vcpus[i];

		if (v->identified)
			v->vm_name = name_of(v->tid, guests, nr);
	}
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
