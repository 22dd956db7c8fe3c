// SPDX-License-Identifier: GPL-2.0-only
/*
 * An export as CSV files (RFC 4180), one for each table.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "export/form.h"

struct csv {
	char *folder;
	bool made;		/* the folder was not there before */
	FILE *files[KVS_TABLES];
	unsigned int columns[KVS_TABLES];
	bool failed;		/* a message was printed */
};

static char *path_of(const struct csv *c, unsigned int table)
{
	return xasprintf("%s/%s.csv", c->folder, kvs_export_table(table)->name);
}

static void fail(struct csv *c, unsigned int table)
{
	char *path = path_of(c, table);

	if (!c->failed)
		kvs_errno("can't write %s", path);
	c->failed = true;
	free(path);
}

/* An empty cell means that nothing is known, so a text that is empty is quoted. */
static void put_text(FILE *f, const char *text)
{
	if (*text && !strpbrk(text, ",\"\r\n")) {
		fputs_unlocked(text, f);
		return;
	}
	putc_unlocked('"', f);
	for (; *text; text++) {
		if (*text == '"')
			putc_unlocked('"', f);
		putc_unlocked(*text, f);
	}
	putc_unlocked('"', f);
}

static void put_number(FILE *f, int64_t number)
{
	char digits[24], *first = digits + sizeof(digits);
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do {
		*--first = '0' + rest % 10;
		rest /= 10;
	} while (rest);
	if (number < 0)
		*--first = '-';
	fwrite_unlocked(first, 1, digits + sizeof(digits) - first, f);
}

static void put_header(FILE *f, const struct kvs_table_of *t)
{
	for (const struct kvs_column *col = t->columns; col->type; col++)
		fprintf(f, "%s%s", col == t->columns ? "" : ",", col->name);
	fputs("\r\n", f);
}

static void create_file(struct csv *c, unsigned int table)
{
	const struct kvs_table_of *t = kvs_export_table(table);
	char *path = path_of(c, table);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	free(path);
	if (fd < 0) {
		fail(c, table);
		return;
	}
	c->files[table] = fdopen(fd, "w");
	c->columns[table] = kvs_export_columns(t);
	put_header(c->files[table], t);
}

/* Of what was written: another's file of this name was never opened. */
static void discard(struct csv *c, bool keep)
{
	for (unsigned int i = 0; i < KVS_TABLES; i++) {
		char *path = path_of(c, i);

		if (c->files[i] && !keep)
			unlink(path);
		free(path);
	}
	if (c->made && !keep)
		rmdir(c->folder);
	free(c->folder);
	free(c);
}

static void close_files(struct csv *c)
{
	for (unsigned int i = 0; i < KVS_TABLES; i++) {
		bool bad = c->files[i] && ferror(c->files[i]);

		if (c->files[i] && (fclose(c->files[i]) || bad))
			fail(c, i);
	}
}

/* False after a message if it can't be made, or something is in it. */
static bool make_folder(struct csv *c)
{
	unsigned int entries = 0;
	DIR *folder;

	c->made = !mkdir(c->folder, 0777);
	if (c->made)
		return true;
	folder = errno == EEXIST ? opendir(c->folder) : NULL;
	if (!folder) {
		kvs_errno("can't make the folder %s", c->folder);
		return false;
	}
	/* "." and ".." are in each. */
	while (readdir(folder))
		entries++;
	closedir(folder);
	if (entries <= 2)
		return true;
	kvs_err("%s is not empty", c->folder);
	return false;
}

static void *create(const char *path, const uint64_t *rows)
{
	struct csv *c = xcalloc(1, sizeof(*c));

	c->folder = xstrdup(path);
	if (!make_folder(c)) {
		free(c->folder);
		free(c);
		return NULL;
	}
	for (unsigned int i = 0; i < KVS_TABLES && !c->failed; i++)
		create_file(c, i);
	if (!c->failed)
		return c;
	close_files(c);
	discard(c, false);
	return NULL;
}

static void write_row(void *ctx, unsigned int table, const struct kvs_value_of *values)
{
	const struct kvs_column *columns = kvs_export_table(table)->columns;
	struct csv *c = ctx;
	FILE *f = c->files[table];

	for (unsigned int i = 0; i < c->columns[table]; i++) {
		const struct kvs_value_of *v = &values[i];

		if (i)
			putc_unlocked(',', f);
		if (columns[i].type != KVS_COLUMN_TEXT && !v->null)
			put_number(f, v->number);
		else if (columns[i].type == KVS_COLUMN_TEXT && v->text)
			put_text(f, v->text);
	}
	fputs_unlocked("\r\n", f);
}

static bool finish(void *ctx, bool keep)
{
	struct csv *c = ctx;
	bool ok;

	close_files(c);
	ok = !c->failed;
	discard(c, keep && ok);
	return ok;
}

/* As found in files of many rows: a cell has 5 bytes with its comma. */
static uint64_t size(const uint64_t *rows)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < KVS_TABLES; i++)
		bytes += rows[i] * 5 * kvs_export_columns(kvs_export_table(i));
	return bytes;
}

const struct kvs_form kvs_form_csv = {
	.create = create, .row = write_row, .finish = finish, .size = size,
};
