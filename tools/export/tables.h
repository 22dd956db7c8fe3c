/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of an export: what their columns are called and what they hold.  Every
 * format is written from this one list.
 */
#ifndef KVMSCHED_TABLES_H
#define KVMSCHED_TABLES_H

#include <stdint.h>

#include "model/spans.h"

/* Grows with each change that a query could notice. */
#define KVS_EXPORT_SCHEMA	7

/*
 * Tables of the recording as a whole, one for each kind of span, those of guest I/O, and one
 * of what guests recorded of themselves
 */
enum kvs_export_table {
	KVS_TABLE_RECORDING,
	KVS_TABLE_VMS,
	KVS_TABLE_VCPUS,
	KVS_TABLE_LOSSES,
	KVS_TABLE_IPIS,
	KVS_TABLE_SPANS,	/* the first of those, in the order of enum kvs_span_kind */
	KVS_TABLE_IO = KVS_TABLE_SPANS + KVS_SPAN_KINDS,
	KVS_TABLE_IO_ANSWERS,
	KVS_TABLE_GUEST_TASKS,
	KVS_TABLES
};

/* A bit for each table that --kinds may name, KVS_SPAN_BIT() for those of spans */
#define KVS_KIND_IO	(1U << (KVS_TABLE_IO - KVS_TABLE_SPANS))
#define KVS_KIND_ANSWERS (1U << (KVS_TABLE_IO_ANSWERS - KVS_TABLE_SPANS))
#define KVS_KIND_GUEST_TASKS (1U << (KVS_TABLE_GUEST_TASKS - KVS_TABLE_SPANS))
#define KVS_KIND_ALL	(KVS_SPAN_ALL | KVS_KIND_IO | KVS_KIND_ANSWERS | KVS_KIND_GUEST_TASKS)

#define KVS_EXPORT_COLUMNS	24	/* a table has at most so many */

/* '\0' ends the columns of a table. */
enum kvs_column_type {
	KVS_COLUMN_END,
	KVS_COLUMN_KEY,		/* an integer, the row's own */
	KVS_COLUMN_INT,
	KVS_COLUMN_TEXT,
};

struct kvs_column {
	const char *name;	/* with its unit */
	enum kvs_column_type type;
};

struct kvs_table_of {
	const char *name;
	struct kvs_column columns[KVS_EXPORT_COLUMNS + 1];
};

/* NULL beyond the last */
const struct kvs_table_of *kvs_export_table(unsigned int table);
unsigned int kvs_export_columns(const struct kvs_table_of *table);

/* A cell; the table says which of the two it is. */
struct kvs_value_of {
	int64_t number;
	const char *text;	/* of a text column; NULL: not known */
	unsigned int null;	/* of an integer column: not known */
};

#endif /* KVMSCHED_TABLES_H */
