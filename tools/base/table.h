/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash table from numbers to objects, which it doesn't own.
 */
#ifndef KVMSCHED_TABLE_H
#define KVMSCHED_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct kvs_table {
	struct kvs_slot {
		uint64_t key;
		void *value;	/* NULL: free */
	} *slots;
	size_t room, count;
};

void *kvs_table_get(const struct kvs_table *t, uint64_t key);
/* @value replaces what was there; not NULL. */
void kvs_table_put(struct kvs_table *t, uint64_t key, void *value);
void kvs_table_free(struct kvs_table *t);

#endif /* KVMSCHED_TABLE_H */
