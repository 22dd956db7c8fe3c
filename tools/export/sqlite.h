/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes an export as an SQLite database.
 */
#ifndef KVMSCHED_SQLITE_H
#define KVMSCHED_SQLITE_H

#include <stdbool.h>

#include "base/base.h"
#include "export/tables.h"

struct kvs_sqlite;

/*
 * Begin a database with all tables, empty.  It is written beside @path, and replaces what
 * was there only at the end.  NULL after a message.
 */
struct kvs_sqlite *kvs_sqlite_create(const char *path);
/* A row of a table; its @ctx is the database.  kvs_sqlite_finish() tells what failed. */
void kvs_sqlite_row(void *ctx, unsigned int table, const struct kvs_value_of *values);
/* Indices and views.  If not @keep, or after a message, nothing is left of it. */
bool kvs_sqlite_finish(struct kvs_sqlite *db, bool keep);

/* Roughly how many bytes so many rows of each table will need */
uint64_t kvs_sqlite_size(const uint64_t *rows);

/* views.c: the statements that make the views; the caller frees them. */
char *kvs_sqlite_views(void);

#endif /* KVMSCHED_SQLITE_H */
