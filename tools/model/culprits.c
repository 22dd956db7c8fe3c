// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sums by culprit; see culprits.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/culprits.h"

bool kvs_same_culprit(const struct kvs_holder *a, const struct kvs_holder *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == KVS_THIEF_INTERRUPT)
		return !strcmp(a->comm, b->comm);
	if (a->kind == KVS_THIEF_QUOTA)
		return a->cgroup == b->cgroup;
	return a->kind != KVS_THIEF_TASK || a->pid == b->pid;
}

static uint32_t key_of(const struct kvs_holder *who)
{
	uint32_t key = who->kind;

	if (who->kind == KVS_THIEF_TASK)
		return (uint32_t)who->pid << 3 | key;
	if (who->kind == KVS_THIEF_INTERRUPT)
		for (const char *c = who->comm; *c; c++)
			key = key * 31 + (unsigned char)*c;
	return key;
}

struct kvs_holder kvs_others(void)
{
	return (struct kvs_holder){ .pid = -1, .kind = KVS_THIEF_TASK, .comm = "(others)" };
}

bool kvs_is_others(const struct kvs_holder *who)
{
	return who->kind == KVS_THIEF_TASK && who->pid < 0;
}

/* Adds the sums of a row to another one. */
static void add_row(struct kvs_culprit *into, const struct kvs_culprit *row)
{
	uint16_t cpu = row->max > into->max ? row->who.cpu : into->who.cpu;

	into->time += row->time;
	into->count += row->count;
	if (row->max > into->max)
		into->max = row->max;
	/* Name and policy may change: the latest are the best known. */
	if (into->who.kind == KVS_THIEF_TASK && into->who.pid == row->who.pid)
		into->who = row->who;
	into->who.cpu = cpu;
}

static struct kvs_culprit *append_row(struct kvs_culprits *c, const struct kvs_holder *who)
{
	if (c->nr == c->room) {
		c->room = c->room ? 2 * c->room : 4;
		c->rows = xrealloc(c->rows, c->room * sizeof(*c->rows));
		c->keys = xrealloc(c->keys, c->room * sizeof(*c->keys));
	}
	c->keys[c->nr] = key_of(who);
	c->rows[c->nr] = (struct kvs_culprit){ .who = *who };
	return &c->rows[c->nr++];
}

/* The table is full: makes room for a piece of @time by what has less than that. */
static struct kvs_culprit *replace_smallest(struct kvs_culprits *c,
					    const struct kvs_holder *who, uint64_t time)
{
	struct kvs_culprit *others = &c->rows[KVS_CULPRITS - 1], *smallest = c->rows;

	if (c->least >= time)
		return others;
	for (struct kvs_culprit *row = c->rows; row < others; row++)
		if (row->time < smallest->time)
			smallest = row;
	c->least = smallest->time;
	if (c->least >= time)
		return others;
	add_row(others, smallest);
	*smallest = (struct kvs_culprit){ .who = *who };
	c->keys[smallest - c->rows] = key_of(who);
	return smallest;
}

void kvs_culprits_add_part(struct kvs_culprits *c, const struct kvs_holder *who, uint64_t time,
			   bool counts)
{
	const struct kvs_culprit piece = {
		.who = *who, .time = time, .count = counts, .max = time,
	};
	const struct kvs_holder others = kvs_others();
	const uint32_t key = key_of(who);
	struct kvs_culprit *row = NULL;

	for (unsigned int i = 0; i < c->nr && !row; i++)
		if (c->keys[i] == key && kvs_same_culprit(&c->rows[i].who, who))
			row = &c->rows[i];
	if (!row && c->nr == KVS_CULPRITS - 1)
		append_row(c, &others);
	if (!row)
		row = c->nr < KVS_CULPRITS ? append_row(c, who) : replace_smallest(c, who, time);
	add_row(row, &piece);
}

void kvs_culprits_add(struct kvs_culprits *c, const struct kvs_holder *who, uint64_t time)
{
	kvs_culprits_add_part(c, who, time, true);
}

void kvs_culprits_clear(struct kvs_culprits *c)
{
	c->nr = 0;
	c->least = 0;
}

void kvs_culprits_free(struct kvs_culprits *c)
{
	free(c->rows);
	free(c->keys);
	*c = (struct kvs_culprits){ 0 };
}

static bool is_larger(const struct kvs_culprit *row, const struct kvs_share *share)
{
	if (kvs_is_others(&row->who) != kvs_is_others(&share->who))
		return kvs_is_others(&share->who);
	return row->time > share->time;
}

void kvs_culprits_shares(const struct kvs_culprits *c, struct kvs_shares *shares)
{
	*shares = (struct kvs_shares){ .top[0].who.pid = -1 };
	for (unsigned int i = 0; i < c->nr; i++) {
		const struct kvs_culprit *row = &c->rows[i];
		unsigned int at = shares->nr;

		shares->all += row->time;
		while (at && is_larger(row, &shares->top[at - 1]))
			at--;
		if (at == KVS_SHARES)
			continue;
		if (shares->nr < KVS_SHARES)
			shares->nr++;
		memmove(&shares->top[at + 1], &shares->top[at],
			(shares->nr - at - 1) * sizeof(shares->top[0]));
		shares->top[at] = (struct kvs_share){ .who = row->who, .time = row->time };
	}
}
