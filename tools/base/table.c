// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a hash table is filled; the look-up, which each record needs, is in table.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/util.h"

static void grow(struct kvs_table *t)
{
	struct kvs_table bigger = { .room = t->room ? 2 * t->room : 64 };

	bigger.slots = xcalloc(bigger.room, sizeof(*bigger.slots));
	for (size_t i = 0; i < t->room; i++)
		if (t->slots[i].value)
			*kvs_table_slot(&bigger, t->slots[i].key) = t->slots[i];
	bigger.count = t->count;
	free(t->slots);
	*t = bigger;
}

void kvs_table_put(struct kvs_table *t, uint64_t key, void *value)
{
	struct kvs_slot *slot;

	if (2 * t->count >= t->room)
		grow(t);
	slot = kvs_table_slot(t, key);
	t->count += !slot->value;
	slot->key = key;
	slot->value = value;
}

void kvs_table_free(struct kvs_table *t)
{
	free(t->slots);
	memset(t, 0, sizeof(*t));
}
