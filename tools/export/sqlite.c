// SPDX-License-Identifier: GPL-2.0-only
/*
 * An export as an SQLite database.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/log.h"
#include "base/util.h"
#include "export/form.h"
#include "export/sqlite.h"

struct sqlite {
	char *path, *part;	/* of the result, and of the file until then */
	sqlite3 *db;
	sqlite3_stmt *insert[KVS_TABLES];
	unsigned int columns[KVS_TABLES];
	bool failed;		/* a message was printed */
};

static void fail(struct sqlite *s)
{
	if (!s->failed)
		kvs_err("can't write %s: %s", s->path, sqlite3_errmsg(s->db));
	s->failed = true;
}

static void execute(struct sqlite *s, const char *sql)
{
	if (!s->failed && sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(s);
}

static void create_table(struct sqlite *s, const struct kvs_table_of *t)
{
	size_t size;
	char *sql;
	FILE *f = xopen_memstream(&sql, &size);

	fprintf(f, "CREATE TABLE %s (", t->name);
	for (const struct kvs_column *c = t->columns; c->type; c++)
		fprintf(f, "%s\"%s\" %s", c == t->columns ? "" : ", ", c->name,
			c->type == KVS_COLUMN_KEY ? "INTEGER PRIMARY KEY" :
			c->type == KVS_COLUMN_INT ? "INTEGER" : "TEXT");
	fputs(") STRICT", f);
	fclose(f);
	execute(s, sql);
	free(sql);
}

static void prepare_insert(struct sqlite *s, unsigned int table)
{
	const struct kvs_table_of *t = kvs_export_table(table);
	size_t size;
	char *sql;
	FILE *f = xopen_memstream(&sql, &size);

	s->columns[table] = kvs_export_columns(t);
	fprintf(f, "INSERT INTO %s VALUES (", t->name);
	for (unsigned int i = 0; i < s->columns[table]; i++)
		fputs(i ? ",?" : "?", f);
	fputc(')', f);
	fclose(f);
	if (!s->failed &&
	    sqlite3_prepare_v2(s->db, sql, -1, &s->insert[table], NULL) != SQLITE_OK)
		fail(s);
	free(sql);
}

static void discard(struct sqlite *s)
{
	for (unsigned int i = 0; i < KVS_TABLES; i++)
		sqlite3_finalize(s->insert[i]);
	sqlite3_close(s->db);
	unlink(s->part);
	free(s->path);
	free(s->part);
	free(s);
}

static void *create(const char *path, const uint64_t *rows)
{
	struct sqlite *s = xcalloc(1, sizeof(*s));

	s->path = xstrdup(path);
	s->part = xasprintf("%s.part", path);
	unlink(s->part);
	if (sqlite3_open_v2(s->part, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		fail(s);
	/* Nobody reads the file before it is whole, so it needs no journal. */
	execute(s, "PRAGMA journal_mode = OFF");
	execute(s, "PRAGMA synchronous = OFF");
	execute(s, "PRAGMA user_version = " KVS_STRING(KVS_EXPORT_SCHEMA));
	execute(s, "BEGIN");
	for (unsigned int i = 0; i < KVS_TABLES; i++) {
		create_table(s, kvs_export_table(i));
		prepare_insert(s, i);
	}
	if (!s->failed)
		return s;
	discard(s);
	return NULL;
}

static void write_row(void *ctx, unsigned int table, const struct kvs_value_of *values)
{
	const struct kvs_column *columns = kvs_export_table(table)->columns;
	struct sqlite *s = ctx;
	sqlite3_stmt *insert = s->insert[table];

	if (s->failed)
		return;
	for (unsigned int i = 0; i < s->columns[table]; i++) {
		const struct kvs_value_of *v = &values[i];

		/* The row is stored before the text changes: SQLite needs no copy. */
		if (columns[i].type != KVS_COLUMN_TEXT && !v->null)
			sqlite3_bind_int64(insert, i + 1, v->number);
		else if (columns[i].type == KVS_COLUMN_TEXT && v->text)
			sqlite3_bind_text(insert, i + 1, v->text, -1, SQLITE_STATIC);
		else
			sqlite3_bind_null(insert, i + 1);
	}
	if (sqlite3_step(insert) != SQLITE_DONE)
		fail(s);
	sqlite3_reset(insert);
}

/* Made after the rows: that is quicker than to keep them up to date with each. */
static void create_indices(struct sqlite *s)
{
	for (unsigned int i = KVS_TABLE_SPANS; i < KVS_TABLES; i++) {
		const char *name = kvs_export_table(i)->name;
		const char *whose = kvs_export_table(i)->columns[0].name;
		char *sql = xasprintf("CREATE INDEX %s_by_%s ON %s (%s, begin_ns)",
				      name, whose, name, whose);

		execute(s, sql);
		free(sql);
	}
}

static bool finish(void *ctx, bool keep)
{
	struct sqlite *s = ctx;
	char *views = kvs_sqlite_views();
	bool ok;

	if (keep) {
		create_indices(s);
		execute(s, views);
		execute(s, "COMMIT");
	}
	free(views);
	ok = !s->failed;
	if (keep && ok && rename(s->part, s->path)) {
		kvs_errno("can't write %s", s->path);
		ok = false;
	}
	discard(s);
	return ok;
}

/*
 * As found in databases of many rows: a number has 3 bytes and a name 9, both with what
 * SQLite keeps of their types; a row has 8 bytes beside them, and 14 in its index.
 */
static uint64_t size(const uint64_t *rows)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < KVS_TABLES; i++) {
		const struct kvs_column *c = kvs_export_table(i)->columns;
		uint64_t row = 8 + 14;

		for (; c->type; c++)
			row += c->type == KVS_COLUMN_TEXT ? 9 : 3;
		bytes += rows[i] * row;
	}
	return bytes;
}

const struct kvs_form kvs_form_sqlite = {
	.create = create, .row = write_row, .finish = finish, .size = size,
};
