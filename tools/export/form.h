/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A form that an export can have.  All forms get the same rows, of tables.h.
 */
#ifndef KVMSCHED_FORM_H
#define KVMSCHED_FORM_H

#include <stdbool.h>

#include "export/tables.h"

struct kvs_form {
	/*
	 * Begin with all tables, empty; @rows has, for each table, how many rows will be
	 * added.  NULL after a message.
	 */
	void *(*create)(const char *path, const uint64_t *rows);
	/*
	 * A row of a table; @ctx is what create() returned.  Rows of the tables that hold no
	 * spans come first, VMs before vCPUs; those of guests' tasks come last.  finish() tells
	 * what failed.
	 */
	void (*row)(void *ctx, unsigned int table, const struct kvs_value_of *values);
	/* If not @keep, or after a message, nothing is left of it. */
	bool (*finish)(void *ctx, bool keep);
	/* Roughly how many bytes are needed, if table i has @rows[i] rows */
	uint64_t (*size)(const uint64_t *rows);
};

/* A database, written beside @path; it replaces what was there only at the end. */
extern const struct kvs_form kvs_form_sqlite;
/* A folder, which may be there if it is empty, with a file for each table */
extern const struct kvs_form kvs_form_csv;
/* A trace, written beside @path; it replaces what was there only at the end. */
extern const struct kvs_form kvs_form_perfetto;

#endif /* KVMSCHED_FORM_H */
