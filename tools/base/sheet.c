// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the cells of a table by libsmartcols; see sheet.h.
 */
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "base/base.h"
#include "base/lines.h"
#include "base/log.h"
#include "base/rows.h"
#include "base/sheet.h"
#include "base/util.h"

#define GAP		2	/* columns of the output between those of the table */
#define MAX_TEXT	32	/* of a text in a table that is too wide */
#define MIN_TEXT	16

static const struct kvs_sheet_cell *cell_of(const struct kvs_sheet *sheet, size_t row,
					    unsigned int column)
{
	return &sheet->cells[row * sheet->nr_columns + column];
}

/* How wide each column is, when no text is wrapped.  The caller frees it. */
static size_t *natural_widths(const struct kvs_sheet *sheet)
{
	size_t *widths = xcalloc(sheet->nr_columns, sizeof(*widths));

	for (unsigned int c = 0; c < sheet->nr_columns; c++) {
		widths[c] = kvs_columns(sheet->columns[c].heading);
		for (size_t row = 0; row < sheet->nr_rows; row++) {
			const char *text = cell_of(sheet, row, c)->text;
			size_t width = text ? kvs_columns(text) : 0;

			widths[c] = width > widths[c] ? width : widths[c];
		}
	}
	return widths;
}

/* The width of the columns from @first to before @end, each with its gap */
static size_t sum(const size_t *widths, unsigned int first, unsigned int end)
{
	size_t all = 0;

	for (; first < end; first++)
		all += widths[first] + GAP;
	return all;
}

static void limit_texts(const struct kvs_sheet *sheet, size_t *widths, size_t most)
{
	for (unsigned int c = 0; c < sheet->nr_columns; c++) {
		size_t heading = kvs_columns(sheet->columns[c].heading);
		size_t limit = heading > most ? heading : most;

		if (sheet->columns[c].text && widths[c] > limit)
			widths[c] = limit;
	}
}

static unsigned int count_keys(const struct kvs_sheet *sheet)
{
	unsigned int keys = 1;

	while (keys < sheet->nr_columns && sheet->columns[keys].key)
		keys++;
	return keys;
}

/* Where the columns end that belong together with @column */
static unsigned int end_of_group(const struct kvs_sheet *sheet, unsigned int column)
{
	do
		column++;
	while (column < sheet->nr_columns && !sheet->columns[column].begins);
	return column;
}

/*
 * How many of the columns from @first on have room beside the keys: whole groups, but for
 * one that has no room in any part.  Returns the end.
 */
static unsigned int fill_part(const struct kvs_sheet *sheet, const size_t *widths,
			      unsigned int first, size_t room)
{
	unsigned int end = first, next;

	while (end < sheet->nr_columns) {
		next = end_of_group(sheet, end);
		if (sum(widths, first, next) > room)
			break;
		end = next;
	}
	if (end > first)
		return end;
	for (next = end_of_group(sheet, first); end < next; end++)
		if (end > first && sum(widths, first, end + 1) > room)
			break;
	return end;
}

/* Texts get back what room there is in a part. */
static void widen_texts(const struct kvs_sheet *sheet, size_t *widths,
			const size_t *natural, const bool *shown, size_t room)
{
	size_t used = 0;

	for (unsigned int c = 0; c < sheet->nr_columns; c++)
		used += shown[c] ? widths[c] + GAP : 0;
	for (unsigned int c = 0; c < sheet->nr_columns && used < room; c++) {
		size_t more = natural[c] - widths[c];

		if (!shown[c] || !more)
			continue;
		more = more < room - used ? more : room - used;
		widths[c] += more;
		used += more;
	}
}

/*
 * How many bytes of @text go into a line of @width columns: up to a space, or behind a
 * slash or a comma, if there is one, but for what would be less than half of the line.
 */
static size_t piece_of(const char *text, size_t width)
{
	size_t length = 0, columns = 0, best = 0;

	while (text[length]) {
		size_t next = length + 1;

		while ((text[next] & 0xc0) == 0x80)
			next++;
		if (++columns > width)
			break;
		if (columns > width / 2 && (text[next] == ' ' ||
		    text[length] == ',' ||
		    (text[length] == '/' && length && text[length - 1] != ' ')))
			best = next;
		length = next;
	}
	return text[length] && best ? best : length;
}

static void fail(void)
{
	kvs_err("out of memory");
	exit(KVS_EXIT_FAILED);
}

/* One line of a row: the rest of each of its texts, which is moved on; false: none is left */
static bool add_line(struct libscols_table *table, const struct kvs_sheet *sheet, size_t row,
		     const size_t *widths, const bool *shown, const char **rest)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	unsigned int to = 0;
	bool more = false;

	if (!line)
		fail();
	for (unsigned int c = 0; c < sheet->nr_columns; c++) {
		size_t length;
		char *text;

		if (!shown[c])
			continue;
		length = sheet->columns[c].text ? piece_of(rest[c], widths[c]) : strlen(rest[c]);
		text = xasprintf("%.*s", (int)length, rest[c]);
		if (scols_line_refer_data(line, to, text))
			fail();
		if (cell_of(sheet, row, c)->strong && *kvs_bold())
			scols_cell_set_color(scols_line_get_cell(line, to), kvs_bold());
		to++;
		rest[c] += length;
		rest[c] += strspn(rest[c], " ");
		more |= *rest[c] != '\0';
	}
	return more;
}

static void add_row(struct libscols_table *table, const struct kvs_sheet *sheet, size_t row,
		    const size_t *widths, const bool *shown)
{
	const char **rest = xcalloc(sheet->nr_columns, sizeof(*rest));

	for (unsigned int c = 0; c < sheet->nr_columns; c++)
		rest[c] = cell_of(sheet, row, c)->text ? : "";
	while (add_line(table, sheet, row, widths, shown, rest))
		;
	free(rest);
}

/* Of a row that has nothing but its keys in this part, it has no line. */
static bool is_empty(const struct kvs_sheet *sheet, size_t row, const bool *shown)
{
	unsigned int others = 0;

	for (unsigned int c = 0; c < sheet->nr_columns; c++) {
		const char *text = cell_of(sheet, row, c)->text;

		if (!shown[c] || c < count_keys(sheet))
			continue;
		if (text && text[strspn(text, " ")])
			return false;
		others++;
	}
	return others;
}

static void print_part(const struct kvs_sheet *sheet, const size_t *widths, const bool *shown)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		fail();
	/* The widths are what was planned; the library knows nothing of the terminal. */
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	scols_table_set_column_separator(table, "  ");
	/* kvs_cell() has escaped what is no text, in its own way. */
	scols_table_enable_noencoding(table, 1);
	scols_table_enable_colors(table, *kvs_bold() != '\0');
	for (unsigned int c = 0; c < sheet->nr_columns; c++)
		if (shown[c] && !scols_table_new_column(table, sheet->columns[c].heading, 0,
				sheet->columns[c].text ? 0 : SCOLS_FL_RIGHT))
			fail();
	for (size_t row = 0; row < sheet->nr_rows; row++)
		if (!is_empty(sheet, row, shown))
			add_row(table, sheet, row, widths, shown);
	if (scols_print_table(table))
		fail();
	scols_unref_table(table);
}

/* Print the keys and the columns from @first to before @end. */
static void print_columns(const struct kvs_sheet *sheet, const size_t *widths,
			  const size_t *natural, unsigned int first, unsigned int end,
			  size_t width)
{
	bool *shown = xcalloc(sheet->nr_columns, sizeof(*shown));
	size_t *now = xcalloc(sheet->nr_columns, sizeof(*now));

	memcpy(now, widths, sheet->nr_columns * sizeof(*now));
	for (unsigned int c = 0; c < sheet->nr_columns; c++)
		shown[c] = c < count_keys(sheet) || (c >= first && c < end);
	widen_texts(sheet, now, natural, shown, width + GAP);
	print_part(sheet, now, shown);
	free(now);
	free(shown);
}

/* What remains of @width beside the keys, with the gap behind each column */
static size_t beside_keys(const struct kvs_sheet *sheet, const size_t *widths, size_t width)
{
	size_t keys = sum(widths, 0, count_keys(sheet));

	return keys < width + GAP ? width + GAP - keys : 0;
}

static unsigned int count_parts(const struct kvs_sheet *sheet, const size_t *widths,
				size_t width)
{
	size_t room = beside_keys(sheet, widths, width);
	unsigned int parts = 0;

	for (unsigned int c = count_keys(sheet); c < sheet->nr_columns; parts++)
		c = fill_part(sheet, widths, c, room);
	return parts;
}

/*
 * Limit the texts, if the table is too wide: to as much as the fewest parts leave them.
 * The caller frees the result.
 */
static size_t *plan_widths(const struct kvs_sheet *sheet, const size_t *natural, size_t width)
{
	const size_t size = sheet->nr_columns * sizeof(*natural);
	unsigned int fewest = 0, parts;
	size_t best = MAX_TEXT, *widths = memcpy(xmalloc(size), natural, size);

	if (sum(widths, 0, sheet->nr_columns) <= width + GAP)
		return widths;
	for (size_t most = MAX_TEXT; most >= MIN_TEXT; most -= 4) {
		limit_texts(sheet, widths, most);
		parts = count_parts(sheet, widths, width);
		if (!fewest || parts < fewest) {
			fewest = parts;
			best = most;
		}
	}
	memcpy(widths, natural, size);
	limit_texts(sheet, widths, best);
	return widths;
}

void kvs_sheet_print(const struct kvs_sheet *sheet, size_t width)
{
	size_t *natural = natural_widths(sheet), *widths = plan_widths(sheet, natural, width);
	size_t room = beside_keys(sheet, widths, width);
	unsigned int first = count_keys(sheet), end;

	do {
		end = fill_part(sheet, widths, first, room);
		print_columns(sheet, widths, natural, first, end, width);
		first = end;
	} while (first < sheet->nr_columns);
	free(natural);
	free(widths);
}
