// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups of moments that are alike; see alike.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/alike.h"
#include "model/model.h"

/* Of one vCPU: a damaged file may have any number of culprits. */
#define MAX_GROUPS	64

void kvs_alike_init(struct kvs_alike *a, uint32_t kinds)
{
	*a = (struct kvs_alike){ .kinds = kinds };
}

void kvs_alike_free(struct kvs_alike *a)
{
	for (unsigned int i = 0; i < a->nr; i++)
		free(a->groups[i]);
	free(a->groups);
	kvs_table_free(&a->table);
	kvs_table_free(&a->per_vcpu);
}

/* Whether a wait belongs to the moment, or is it */
static bool has_culprit(const struct kvs_group *g)
{
	return g->worst.kind == KVS_MOMENT_WAIT ||
	       (g->worst.kind != KVS_MOMENT_EXIT && g->cause == KVS_CAUSE_WAIT);
}

/* As kvs_same_culprit() has it: names count for interrupts alone, numbers for quotas. */
static int culprit_order(const struct kvs_holder *a, const struct kvs_holder *b)
{
	if (kvs_same_culprit(a, b))
		return 0;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == KVS_THIEF_INTERRUPT)
		return strcmp(a->comm, b->comm);
	if (a->kind == KVS_THIEF_QUOTA)
		return a->cgroup->id < b->cgroup->id ? -1 : 1;
	return a->pid < b->pid ? -1 : 1;
}

/* What they share, but for the vCPU */
static int group_order(const void *left, const void *right)
{
	const struct kvs_group *a = left, *b = right;

	if (a->worst.kind != b->worst.kind)
		return a->worst.kind < b->worst.kind ? -1 : 1;
	if (a->others != b->others)
		return a->others ? 1 : -1;
	if (a->others)
		return 0;
	if (a->cause != b->cause)
		return a->cause < b->cause ? -1 : 1;
	if (has_culprit(a))
		return culprit_order(&a->worst.thief, &b->worst.thief);
	if (a->worst.kind != KVS_MOMENT_EXIT)
		return 0;
	if (a->worst.isa != b->worst.isa)
		return a->worst.isa < b->worst.isa ? -1 : 1;
	if (a->worst.l2 != b->worst.l2)
		return a->worst.l2 ? 1 : -1;
	if (a->worst.reason != b->worst.reason)
		return a->worst.reason < b->worst.reason ? -1 : 1;
	return 0;
}

/* The same for groups that are alike, and different for most others */
static uint64_t hash_of(const struct kvs_group *g)
{
	uint64_t h = g->worst.vcpu->index;

	h = h * 31 + g->worst.kind;
	h = h * 31 + g->others;
	if (g->others)
		return h;
	h = h * 31 + g->cause;
	if (has_culprit(g)) {
		h = h * 31 + g->worst.thief.kind;
		if (g->worst.thief.kind == KVS_THIEF_TASK)
			h = h * 65599 + (uint32_t)g->worst.thief.pid;
		if (g->worst.thief.kind == KVS_THIEF_QUOTA)
			h = h * 65599 + g->worst.thief.cgroup->id;
	} else if (g->worst.kind == KVS_MOMENT_EXIT) {
		h = (h * 31 + g->worst.isa) * 2 + g->worst.l2;
		h = h * 65599 + g->worst.reason;
	}
	return h;
}

/* Moments that began from @first to @last, and lasted @sum together */
static void add_moments(struct kvs_group *into, u64 first, u64 last, u64 count, u64 sum)
{
	if (!into->count || first < into->first)
		into->first = first;
	if (last > into->last)
		into->last = last;
	into->count += count;
	into->sum += sum;
}

static void add_to(struct kvs_group *into, const struct kvs_group *from)
{
	add_moments(into, from->first, from->last, from->count, from->sum);
	if (from->worst.length > into->worst.length ||
	    (from->worst.length == into->worst.length &&
	     from->worst.begin < into->worst.begin))
		into->worst = from->worst;
}

/* The group of what is alike @like, or NULL; groups of one hash follow one another. */
static struct kvs_group *find(const struct kvs_alike *a, const struct kvs_group *like,
			      uint64_t *hash)
{
	struct kvs_group *g;

	for (*hash = hash_of(like); (g = kvs_table_get(&a->table, *hash)); ++*hash)
		if (g->worst.vcpu == like->worst.vcpu && !group_order(g, like))
			return g;
	return NULL;
}

static struct kvs_group *get_group(struct kvs_alike *a, struct kvs_group *like)
{
	const unsigned int vcpu = like->worst.vcpu->index;
	uintptr_t nr;
	struct kvs_group *g;
	uint64_t hash;

	g = find(a, like, &hash);
	if (g)
		return g;
	nr = (uintptr_t)kvs_table_get(&a->per_vcpu, vcpu);
	if (nr >= MAX_GROUPS && !like->others) {
		like->others = true;
		like->cause = KVS_CAUSE_UNKNOWN;
		return get_group(a, like);
	}
	kvs_table_put(&a->per_vcpu, vcpu, (void *)(nr + 1));
	g = xmalloc(sizeof(*g));
	*g = *like;
	g->count = g->sum = 0;
	kvs_table_put(&a->table, hash, g);
	a->groups = xrealloc(a->groups, (a->nr + 1) * sizeof(*a->groups));
	a->groups[a->nr++] = g;
	return g;
}

void kvs_alike_add(struct kvs_alike *a, const struct kvs_moment *moment)
{
	struct kvs_group one = {
		.worst = *moment, .cause = KVS_CAUSE_UNKNOWN, .count = 1,
		.sum = moment->length, .first = moment->begin, .last = moment->begin,
	};

	if (moment->kind == KVS_MOMENT_TIMER || moment->kind == KVS_MOMENT_IRQ)
		one.cause = kvs_cause_main(moment->spent);
	add_to(get_group(a, &one), &one);
}

/*
 * An exit to the group that it belongs to, if that is there already.  Most moments are
 * exits: the whole of one, which is large, is made only if it is the worst of its group.
 */
static bool add_exit(const struct kvs_alike *a, const struct kvs_span *span)
{
	struct kvs_group like, *g;
	u64 length = kvs_moment_length(span);
	uint64_t hash;

	/* All that hash_of() and group_order() read of an exit */
	like.worst.vcpu = span->vcpu;
	like.worst.kind = KVS_MOMENT_EXIT;
	like.worst.isa = span->exit.isa;
	like.worst.l2 = span->exit.l2;
	like.worst.reason = span->exit.reason;
	like.cause = KVS_CAUSE_UNKNOWN;
	like.others = false;
	g = find(a, &like, &hash);
	if (!g || length >= g->worst.length)
		return false;
	add_moments(g, span->begin, span->begin, 1, length);
	return true;
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_moment moment;

	if (kvs_moment_kind_of(span) < 0 || !kvs_moment_length(span) ||
	    (span->kind == KVS_SPAN_EXIT && add_exit(ctx, span)))
		return;
	kvs_moment_of(&moment, span);
	kvs_alike_add(ctx, &moment);
}

void kvs_alike_listen(struct kvs_alike *a, struct kvs_model *m)
{
	kvs_sinks_add(&m->sinks, kvs_moment_spans(a->kinds), take_span, a);
}

static int longest_first(const void *left, const void *right)
{
	const struct kvs_group *a = left, *b = right;

	if (a->worst.length != b->worst.length)
		return a->worst.length > b->worst.length ? -1 : 1;
	if (a->worst.begin != b->worst.begin)
		return a->worst.begin < b->worst.begin ? -1 : 1;
	return group_order(a, b);
}

struct kvs_group *kvs_alike_sum(const struct kvs_alike *a,
				bool (*wanted)(const void *ctx, const struct kvs_vcpu *v),
				const void *ctx, unsigned int *nr)
{
	struct kvs_group *sums = a->nr ? xcalloc(a->nr, sizeof(*sums)) : NULL;
	unsigned int kept = 0;

	for (unsigned int i = 0; i < a->nr; i++)
		if (wanted(ctx, a->groups[i]->worst.vcpu))
			sums[kept++] = *a->groups[i];
	*nr = 0;
	if (!kept) {
		free(sums);
		return NULL;
	}
	qsort(sums, kept, sizeof(*sums), group_order);
	for (unsigned int i = 1; i < kept; i++) {
		if (group_order(&sums[*nr], &sums[i]))
			sums[++*nr] = sums[i];
		else
			add_to(&sums[*nr], &sums[i]);
	}
	++*nr;
	qsort(sums, *nr, sizeof(*sums), longest_first);
	return sums;
}
