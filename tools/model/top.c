// SPDX-License-Identifier: GPL-2.0-only
/*
 * Differences of ledgers; see top.h.
 */
#include <stdlib.h>
#include <string.h>

#include "model/top.h"

static const char *const sorts[TOP_NR_SORTS] = {
	[KVS_TOP_BY_VM] = "vm", [KVS_TOP_BY_GUEST] = "guest", [KVS_TOP_BY_EXIT] = "exit",
	[KVS_TOP_BY_USER] = "user", [KVS_TOP_BY_HALTED] = "halted", [KVS_TOP_BY_WAIT] = "wait",
	[KVS_TOP_BY_EXITS] = "exits", [KVS_TOP_BY_WAITS] = "waits", [KVS_TOP_BY_WORST] = "worst",
};

bool kvs_top_sort_parse(const char *name, enum kvs_top_sort *by)
{
	for (unsigned int i = 0; i < TOP_NR_SORTS; i++)
		if (!strcmp(name, sorts[i])) {
			*by = i;
			return true;
		}
	return false;
}

void kvs_top_sample_of(struct kvs_top_sample *s, const struct kvmsched_ledger *l)
{
	*s = (struct kvs_top_sample){
		.tgid = l->tgid, .tid = l->tid, .vm = l->vm, .vcpu = l->vcpu,
		.state = l->state, .begin = l->begin, .now = l->now,
		.waits = l->waits, .wait_max = l->wait_max, .exits = l->exits,
		.features = l->features,
	};
	memcpy(s->states, l->states, sizeof(s->states));
}

/* The same ledger, not one that was begun anew for that thread */
static const struct kvs_top_sample *find(const struct kvs_top_sample *samples, size_t nr,
					 const struct kvs_top_sample *like)
{
	for (size_t i = 0; i < nr; i++)
		if (samples[i].vm == like->vm && samples[i].vcpu == like->vcpu &&
		    samples[i].tid == like->tid && samples[i].begin == like->begin)
			return &samples[i];
	return NULL;
}

static struct kvs_top_row *row_of(struct kvs_top_row *rows, size_t *nr,
				  const struct kvs_top_sample *s, bool by_vm)
{
	struct kvs_top_row *row;

	for (size_t i = 0; by_vm && i < *nr; i++)
		if (rows[i].vm == s->vm)
			return &rows[i];
	row = &rows[(*nr)++];
	*row = (struct kvs_top_row){
		.tgid = s->tgid, .tid = s->tid, .vm = s->vm, .vcpu = s->vcpu,
		.state = s->state,
	};
	return row;
}

/* Time stamps of two CPUs may differ a bit: then a state's time may go back. */
static uint64_t since(uint64_t after, uint64_t before)
{
	return after > before ? after - before : 0;
}

size_t kvs_top_rows(struct kvs_top_row *rows, const struct kvs_top_sample *before,
		    size_t nr_before, const struct kvs_top_sample *after, size_t nr_after,
		    bool by_vm)
{
	static const struct kvs_top_sample none;
	size_t nr = 0;

	for (size_t i = 0; i < nr_after; i++) {
		const struct kvs_top_sample *s = &after[i];
		const struct kvs_top_sample *b = find(before, nr_before, s);
		struct kvs_top_row *row = row_of(rows, &nr, s, by_vm);
		uint64_t span = since(s->now, b ? b->now : s->begin);

		if (!b)
			b = &none;
		row->vcpus++;
		row->features |= s->features;
		row->span += span;
		if (span > row->longest)
			row->longest = span;
		for (unsigned int j = 0; j < KVMSCHED_NR_STATES; j++)
			row->states[j] += since(s->states[j], b->states[j]);
		row->waits += since(s->waits, b->waits);
		row->exits += since(s->exits, b->exits);
		if (s->wait_max > row->wait_max)
			row->wait_max = s->wait_max;
	}
	return nr;
}

static double share(const struct kvs_top_row *row, unsigned int state)
{
	return row->span ? (double)row->states[state] / row->span : 0;
}

static double rate(const struct kvs_top_row *row, uint64_t count)
{
	return row->longest ? (double)count / row->longest : 0;
}

static double key(const struct kvs_top_row *row, enum kvs_top_sort by)
{
	switch (by) {
	case KVS_TOP_BY_GUEST:
		return share(row, KVMSCHED_STATE_GUEST);
	case KVS_TOP_BY_EXIT:
		return share(row, KVMSCHED_STATE_EXIT);
	case KVS_TOP_BY_USER:
		return share(row, KVMSCHED_STATE_USER);
	case KVS_TOP_BY_HALTED:
		return share(row, KVMSCHED_STATE_HALTED);
	case KVS_TOP_BY_WAIT:
		return share(row, KVMSCHED_STATE_WAIT_PREEMPTED) +
		       share(row, KVMSCHED_STATE_WAIT_WOKEN);
	case KVS_TOP_BY_EXITS:
		return rate(row, row->exits);
	case KVS_TOP_BY_WAITS:
		return rate(row, row->waits);
	case KVS_TOP_BY_WORST:
		return row->wait_max;
	default:
		return 0;
	}
}

static int order(const void *left, const void *right, void *by)
{
	const struct kvs_top_row *a = left, *b = right;
	double ka = key(a, *(enum kvs_top_sort *)by), kb = key(b, *(enum kvs_top_sort *)by);

	if (ka != kb)
		return ka > kb ? -1 : 1;
	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	if (a->vm != b->vm)
		return a->vm < b->vm ? -1 : 1;
	return (int)a->vcpu - (int)b->vcpu;
}

void kvs_top_sort(struct kvs_top_row *rows, size_t nr, enum kvs_top_sort by)
{
	if (nr)
		qsort_r(rows, nr, sizeof(*rows), order, &by);
}
