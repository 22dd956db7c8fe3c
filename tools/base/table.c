// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash table with open addressing and linear probing, at most half full.
 */
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/util.h"

static struct kvs_slot *slot_of(const struct kvs_table *t, uint64_t key)
{
	/* Fibonacci hashing spreads keys well that are small consecutive numbers. */
	size_t i = (key * 0x9e3779b97f4a7c15ULL) >> 32;

	for (;; i++) {
		struct kvs_slot *slot = &t->slots[i & (t->room - 1)];

		if (!slot->value || slot->key == key)
			return slot;
	}
}

void *kvs_table_get(const struct kvs_table *t, uint64_t key)
{
	return t->room ? slot_of(t, key)->value : NULL;
}

static void grow(struct kvs_table *t)
{
	struct kvs_table bigger = { .room = t->room ? 2 * t->room : 64 };

	bigger.slots = xcalloc(bigger.room, sizeof(*bigger.slots));
	for (size_t i = 0; i < t->room; i++)
		if (t->slots[i].value)
			*slot_of(&bigger, t->slots[i].key) = t->slots[i];
	bigger.count = t->count;
	free(t->slots);
	*t = bigger;
}

void kvs_table_put(struct kvs_table *t, uint64_t key, void *value)
{
	struct kvs_slot *slot;

	if (2 * t->count >= t->room)
		grow(t);
	slot = slot_of(t, key);
	t->count += !slot->value;
	slot->key = key;
	slot->value = value;
}

void kvs_table_free(struct kvs_table *t)
{
	free(t->slots);
	memset(t, 0, sizeof(*t));
}
