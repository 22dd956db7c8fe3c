// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cells of tables, and colours.
 */
#include <inttypes.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/hist.h"
#include "base/lines.h"
#include "base/output.h"
#include "base/rows.h"
#include "base/sheet.h"
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

/* In a locale whose encoding may lack the µ, the heading gets a u instead. */
static char *shown_heading(const char *heading)
{
	char *name = xstrdup(heading), *micro = strstr(name, "µ");

	if (micro && strcmp(nl_langinfo(CODESET), "UTF-8")) {
		*micro = 'u';
		memmove(micro + 1, micro + strlen("µ"), strlen(micro + strlen("µ")) + 1);
	}
	return name;
}

static struct kvs_sheet_column column_of(const char *heading)
{
	struct kvs_sheet_column column = { 0 };

	for (;; heading++) {
		if (*heading == '=')
			column.key = true;
		else if (*heading == '|')
			column.begins = true;
		else if (*heading == '<')
			column.text = true;
		else
			break;
	}
	column.heading = shown_heading(heading);
	return column;
}

struct kvs_rows kvs_rows_begin(const char *const *headings)
{
	struct kvs_rows rows = { .sheet = xcalloc(1, sizeof(*rows.sheet)) };
	struct kvs_sheet *sheet = rows.sheet;

	while (headings[sheet->nr_columns])
		sheet->nr_columns++;
	sheet->columns = xcalloc(sheet->nr_columns, sizeof(*sheet->columns));
	for (unsigned int c = 0; c < sheet->nr_columns; c++)
		sheet->columns[c] = column_of(headings[c]);
	return rows;
}

void kvs_row(struct kvs_rows *rows)
{
	struct kvs_sheet *sheet = rows->sheet;
	size_t size = sheet->nr_columns * sizeof(*sheet->cells);

	if (sheet->nr_rows == sheet->room) {
		sheet->room = sheet->room ? 2 * sheet->room : 16;
		sheet->cells = xrealloc(sheet->cells, sheet->room * size);
	}
	memset(sheet->cells + sheet->nr_rows * sheet->nr_columns, 0, size);
	rows->next = sheet->nr_rows++ * sheet->nr_columns;
}

static __printf(3, 0) void add_cell(struct kvs_rows *rows, bool strong, const char *fmt,
				    va_list ap)
{
	struct kvs_sheet_cell *cell = &rows->sheet->cells[rows->next++];
	char *text = xvasprintf(fmt, ap);

	*cell = (struct kvs_sheet_cell){ .text = kvs_bytes_shown(text), .strong = strong };
	free(text);
}

void kvs_cell(struct kvs_rows *rows, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_cell(rows, false, fmt, ap);
	va_end(ap);
}

void kvs_cell_bold(struct kvs_rows *rows, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_cell(rows, true, fmt, ap);
	va_end(ap);
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
	struct kvs_sheet *sheet = rows->sheet;

	if (!sheet->nr_rows)
		kvs_say(0, "none");
	else if (kvs_keeper())
		kvs_keeper()->table(kvs_keeper()->ctx, sheet);
	else
		kvs_sheet_print(sheet, kvs_width());
	for (unsigned int c = 0; c < sheet->nr_columns; c++)
		free(sheet->columns[c].heading);
	for (size_t i = 0; i < sheet->nr_rows * sheet->nr_columns; i++)
		free(sheet->cells[i].text);
	free(sheet->columns);
	free(sheet->cells);
	free(sheet);
	rows->sheet = NULL;
}
