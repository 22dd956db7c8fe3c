/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash table from numbers to objects.  It does not own the objects.  It has open
 * addressing and linear probing, and is at most half full.
 */
#ifndef KVMSCHED_TABLE_H
#define KVMSCHED_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* All zeroes is an empty table. */
struct kvs_table {
	struct kvs_slot {
		uint64_t key;
		void *value;	/* NULL: the slot is free */
	} *slots;
	size_t room;		/* slots, a power of two or 0 */
	size_t count;		/* slots in use, at most half of them */
};

/* The slot of @key, or the free one that it would have; there is room. */
static inline struct kvs_slot *kvs_table_slot(const struct kvs_table *t, uint64_t key)
{
	/* Fibonacci hashing spreads keys well that are small consecutive numbers. */
	size_t i = (key * 0x9e3779b97f4a7c15ULL) >> 32;

	for (;; i++) {
		struct kvs_slot *slot = &t->slots[i & (t->room - 1)];

		if (!slot->value || slot->key == key)
			return slot;
	}
}

/* NULL if there is no object for @key */
static inline void *kvs_table_get(const struct kvs_table *t, uint64_t key)
{
	return t->room ? kvs_table_slot(t, key)->value : NULL;
}

/* @value, which is not NULL, replaces the object that @key had. */
void kvs_table_put(struct kvs_table *t, uint64_t key, void *value);
/* Frees the slots, not the objects; @t is empty then. */
void kvs_table_free(struct kvs_table *t);

#endif /* KVMSCHED_TABLE_H */
