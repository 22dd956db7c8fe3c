// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables, by libsmartcols, and colours.
 */
#include <inttypes.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "base/bytes.h"
#include "base/hist.h"
#include "base/log.h"
#include "base/rows.h"
#include "base/util.h"

static int has_colours = -1;	/* -1: nobody asked yet */

void kvs_rows_no_colour(void)
{
	has_colours = 0;
}

static bool coloured(void)
{
	if (has_colours < 0) {
		const char *no = getenv("NO_COLOR");

		has_colours = isatty(STDOUT_FILENO) && !(no && *no);
	}
	return has_colours;
}

const char *kvs_bold(void)
{
	return coloured() ? "\033[1m" : "";
}

const char *kvs_alarm(void)
{
	return coloured() ? "\033[1;31m" : "";
}

const char *kvs_plain(void)
{
	return coloured() ? "\033[0m" : "";
}

static void nomem(void)
{
	kvs_err("out of memory");
	exit(KVS_EXIT_FAILED);
}

/* In a locale whose encoding may lack the µ, the heading gets a u instead. */
static void add_column(struct libscols_table *table, const char *heading)
{
	bool text = *heading == '<';
	char *name = xstrdup(heading + text);
	char *micro = strstr(name, "µ");

	if (micro && strcmp(nl_langinfo(CODESET), "UTF-8")) {
		*micro = 'u';
		memmove(micro + 1, micro + strlen("µ"), strlen(micro + strlen("µ")) + 1);
	}
	if (!scols_table_new_column(table, name, 0, text ? 0 : SCOLS_FL_RIGHT))
		nomem();
	free(name);
}

struct kvs_rows kvs_rows_begin(const char *const *headings)
{
	struct kvs_rows rows = { .table = scols_new_table() };

	if (!rows.table)
		nomem();
	/* The contents alone determine the widths, not the terminal. */
	scols_table_set_termforce(rows.table, SCOLS_TERMFORCE_NEVER);
	scols_table_set_column_separator(rows.table, "  ");
	/* kvs_cell() has escaped what is no text, in its own way. */
	scols_table_enable_noencoding(rows.table, 1);
	for (; *headings; headings++)
		add_column(rows.table, *headings);
	return rows;
}

void kvs_row(struct kvs_rows *rows)
{
	rows->line = scols_table_new_line(rows->table, NULL);
	if (!rows->line)
		nomem();
	rows->column = 0;
}

void kvs_cell(struct kvs_rows *rows, const char *fmt, ...)
{
	char *text = NULL, *shown;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		nomem();
	shown = kvs_bytes_shown(text);
	free(text);
	if (scols_line_refer_data(rows->line, rows->column++, shown))
		nomem();
}

void kvs_cell_count(struct kvs_rows *rows, uint64_t n)
{
	kvs_cell(rows, "%" PRIu64, n);
}

void kvs_cell_us(struct kvs_rows *rows, bool known, double ns)
{
	if (!known)
		kvs_cell(rows, "-");
	else
		kvs_cell(rows, "%.2f", ns / 1000);
}

static void cell_hundredths(struct kvs_rows *rows, uint64_t n, const char *unit)
{
	kvs_cell(rows, "%" PRIu64 ".%02" PRIu64 "%s", n / 100, n % 100, unit);
}

/* Hundredths of a percent; a whole of more than 96 bits is in a damaged file only. */
static uint64_t share_of(kvs_u128 part, kvs_u128 whole)
{
	for (; whole >> 96; whole >>= 1)
		part >>= 1;
	return (part * 10000 + whole / 2) / whole;
}

void kvs_cell_share_part(struct kvs_rows *rows, struct kvs_split *split, kvs_u128 part)
{
	kvs_u128 before = split->shown, upto = before + part;

	split->shown = upto;
	if (split->whole)
		cell_hundredths(rows, share_of(upto, split->whole) -
				share_of(before, split->whole), "%");
	else
		kvs_cell(rows, "-");
}

/* Hundredths of a µs */
static uint64_t us_of(const struct kvs_scale *scale, kvs_u128 time)
{
	return (kvs_scale_sum(scale, time) + 5) / 10;
}

void kvs_cells_part(struct kvs_rows *rows, const struct kvs_scale *scale,
		    struct kvs_split *split, kvs_u128 part)
{
	if (scale->known)
		cell_hundredths(rows, us_of(scale, split->shown + part) -
				us_of(scale, split->shown), "");
	else
		kvs_cell(rows, "-");
	kvs_cell_share_part(rows, split, part);
}

void kvs_rows_end(struct kvs_rows *rows)
{
	if (!scols_table_get_nlines(rows->table))
		printf("none\n");
	else if (scols_print_table(rows->table))
		nomem();
	scols_unref_table(rows->table);
}
