/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parses the `format` text of an event, as tracefs shows it:
 *
 *	name: kvmsched_entry
 *	ID: 1476
 *	format:
 *		field:unsigned short common_type;	offset:0;	size:2;	signed:0;
 *		...
 *
 *	print fmt: ...
 *
 * libtraceevent parses it as well, with the C expressions of the last line, and crashes
 * if they are damaged.  Here only the names and places of the fields are needed.
 */
#ifndef KVMSCHED_FORMAT_H
#define KVMSCHED_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#define KVS_FORMAT_NAME		64
#define KVS_FORMAT_FIELDS	64

struct kvs_format_field {
	char name[KVS_FORMAT_NAME];
	unsigned int offset, size;	/* in the record, in bytes */
	bool is_signed;
	bool is_dynamic;	/* __data_loc and the like: its data are elsewhere */
};

struct kvs_format {
	char name[KVS_FORMAT_NAME];	/* of the event */
	unsigned int id;		/* as in common_type of its records; never 0 */
	unsigned int nr;		/* of @fields, common ones included */
	struct kvs_format_field fields[KVS_FORMAT_FIELDS];
};

/*
 * Parse @size bytes of @text.  False if it isn't a format.  If an event has more than
 * KVS_FORMAT_FIELDS fields, the others are left out.
 */
bool kvs_format_parse(struct kvs_format *f, const char *text, size_t size);

/* NULL if the event has no such field */
const struct kvs_format_field *kvs_format_find(const struct kvs_format *f,
					       const char *name);

#endif /* KVMSCHED_FORMAT_H */
