/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The `format` text of an event, as tracefs shows it.
 *
 *	name: kvmsched_entry
 *	ID: 1476
 *	format:
 *		field:unsigned short common_type;	offset:0;	size:2;	signed:0;
 *		...
 *
 *	print fmt: ...
 *
 * libtraceevent parses it too, C expressions and all, and crashes on damaged
 * ones; names and places are all that is wanted here.
 */
#ifndef KVMSCHED_FORMAT_H
#define KVMSCHED_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#define KVS_FORMAT_NAME		64
#define KVS_FORMAT_FIELDS	64

struct kvs_format_field {
	char name[KVS_FORMAT_NAME];
	unsigned int offset, size;
	bool is_signed;
	bool is_dynamic;	/* __data_loc and the like: elsewhere */
};

struct kvs_format {
	char name[KVS_FORMAT_NAME];
	unsigned int id;
	unsigned int nr;
	struct kvs_format_field fields[KVS_FORMAT_FIELDS];
};

/* False where it is none; fields beyond the last one we have room for are left out. */
bool kvs_format_parse(struct kvs_format *f, const char *text, size_t size);

/* NULL: no such field */
const struct kvs_format_field *kvs_format_find(const struct kvs_format *f,
					       const char *name);

#endif /* KVMSCHED_FORMAT_H */
