/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash table from numbers to objects, which it doesn't own.
 */
#ifndef KVMSCHED_TABLE_H
#define KVMSCHED_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct ks_table {
	struct ks_slot {
		uint64_t key;
		void *value;	/* NULL: free */
	} *slots;
	size_t room, count;
};

void *ks_table_get(const struct ks_table *t, uint64_t key);
/* @value replaces what was there; not NULL. */
void ks_table_put(struct ks_table *t, uint64_t key, void *value);
void ks_table_free(struct ks_table *t);

#endif /* KVMSCHED_TABLE_H */
