/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash table from numbers to objects.  It does not own the objects.
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

/* NULL if there is no object for @key */
void *kvs_table_get(const struct kvs_table *t, uint64_t key);
/* @value, which is not NULL, replaces the object that @key had. */
void kvs_table_put(struct kvs_table *t, uint64_t key, void *value);
/* Frees the slots, not the objects; @t is empty then. */
void kvs_table_free(struct kvs_table *t);

#endif /* KVMSCHED_TABLE_H */
