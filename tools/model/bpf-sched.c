// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which BPF scheduler was loaded when; see bpf-sched.h.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/bpf-sched.h"

#define MAX_NAMED	4	/* in one sentence */
#define MAX_STRETCHES	65536	/* a damaged file may tell of any number */

void kvs_bpf_scheds_free(struct kvs_bpf_scheds *s)
{
	free(s->list);
}

static bool is_same(const struct kvs_bpf_stretch *a, const struct kvs_bpf_stretch *b)
{
	return a->loads == b->loads && a->loaded == b->loaded &&
	       a->all_threads == b->all_threads && !strcmp(a->name, b->name);
}

void kvs_bpf_sched_told(struct kvs_bpf_scheds *s, const struct kvs_record *rec)
{
	struct kvs_bpf_stretch now = {
		.first_ts = rec->ts, .last_ts = rec->ts,
		.loads = rec->bpf_scheduler.loads, .loaded = rec->bpf_scheduler.loaded,
		.all_threads = rec->bpf_scheduler.all_threads,
	};

	kvs_copy_comm(now.name, rec->bpf_scheduler.name, sizeof(rec->bpf_scheduler.name));
	if (s->nr && is_same(&s->list[s->nr - 1], &now)) {
		s->list[s->nr - 1].last_ts = rec->ts;
		return;
	}
	if (s->nr == MAX_STRETCHES)
		return;
	s->list = xrealloc(s->list, (s->nr + 1) * sizeof(*s->list));
	s->list[s->nr++] = now;
}

/* Only tasks of these classes come before those of sched_ext. */
static bool is_real_time(u16 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE;
}

static bool has_thread(const struct kvs_bpf_stretch *s, u16 policy)
{
	return s->loaded && (policy == SCHED_EXT || (s->all_threads && !is_real_time(policy)));
}

/* "the BPF scheduler changed about then: none, simple" */
static char *tell_change(const struct kvs_bpf_stretch *from, const struct kvs_bpf_stretch *to)
{
	char *text = NULL;
	size_t size;
	FILE *f = xopen_memstream(&text, &size);

	fprintf(f, "the BPF scheduler changed about then");
	for (const struct kvs_bpf_stretch *s = from; s <= to && s < from + MAX_NAMED; s++)
		fprintf(f, "%s%s", s == from ? ": " : ", ", s->loaded ? s->name : "none");
	if (to >= from + MAX_NAMED)
		fprintf(f, ", and more");
	fclose(f);
	return text;
}

char *kvs_bpf_sched_words(const struct kvs_bpf_scheds *s, u16 policy, u64 begin, u64 end)
{
	const struct kvs_bpf_stretch *from = s->list, *to;
	bool concerned = false;

	if (!s->nr || begin < from->first_ts || end > s->list[s->nr - 1].last_ts)
		return NULL;
	while (from + 1 < s->list + s->nr && from[1].first_ts <= begin)
		from++;
	for (to = from; to->last_ts < end; to++)
		concerned |= has_thread(to, policy);
	concerned |= has_thread(to, policy);
	if (!concerned)
		return NULL;
	if (from == to)
		return xasprintf("scheduled by the BPF scheduler %s", from->name);
	return tell_change(from, to);
}
