/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables on standard output, and colours.
 *
 *	struct kvs_rows rows = kvs_rows_begin(KVS_HEADINGS("<Name", "Count"));
 *
 *	kvs_row(&rows);
 *	kvs_cell(&rows, "%s", name);
 *	kvs_cell_count(&rows, count);
 *	kvs_rows_end(&rows);
 *
 * If there is no memory, these functions end the program.
 */
#ifndef KVMSCHED_ROWS_H
#define KVMSCHED_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/hist.h"

struct kvs_sheet;

/* A table that is being filled */
struct kvs_rows {
	struct kvs_sheet *sheet;	/* NULL: not begun, or printed */
	size_t next;			/* the cell that comes next */
};

/*
 * @headings ends with NULL.  Columns are aligned to the right, as numbers are.  In a
 * locale without UTF-8 the µ of a heading becomes a u.  A heading may begin with
 *
 *	<	a column of text, aligned to the left and, if it is long, wrapped
 *	=	the column says what a row is about, as the first one always does: all such
 *		columns stand on the left
 *	|	this column and those up to the next | are read together
 *
 * A table that is wider than the output (kvs_width()) is printed as several ones.  Each
 * has the columns that say what a row is about, and what belongs together stands in one.
 * Of a row that is empty there otherwise, it has no line.
 */
struct kvs_rows kvs_rows_begin(const char *const *headings);
#define KVS_HEADINGS(...)	((const char *const[]){ __VA_ARGS__, NULL })
/* Begin a new row.  Its cells follow from left to right; missing ones are empty. */
void kvs_row(struct kvs_rows *rows);
void kvs_cell(struct kvs_rows *rows, const char *fmt, ...) __printf(2, 3);
/* The same, in bold if standard output has that */
void kvs_cell_bold(struct kvs_rows *rows, const char *fmt, ...) __printf(2, 3);
void kvs_cell_count(struct kvs_rows *rows, uint64_t n);
/* A time of @ns nanoseconds, shown in µs; a dash if it is not @known */
void kvs_cell_us(struct kvs_rows *rows, bool known, double ns);

/* A whole that is shown part by part, in the order of rows or columns */
struct kvs_split {
	kvs_u128 whole;		/* 0: a dash is shown for each part */
	kvs_u128 shown;		/* of it so far */
};

/*
 * The next part of a whole, as percent of it.  A cell shows what the rounded sum of all
 * parts up to and with it has more than that of those before, so that the figures shown
 * sum to 100.00.
 */
void kvs_cell_share_part(struct kvs_rows *rows, struct kvs_split *split, kvs_u128 part);
/* The same in two cells: as a time in µs, in the unit that @scale converts; then percent */
void kvs_cells_part(struct kvs_rows *rows, const struct kvs_scale *scale,
		    struct kvs_split *split, kvs_u128 part);
/* Print the table, or "none" if it has no row, and free it. */
void kvs_rows_end(struct kvs_rows *rows);

/*
 * Escape sequences that switch to bold, to bold red, and back.  They are empty
 * strings unless standard output is a terminal, and if NO_COLOR is set
 * (no-color.org).
 */
const char *kvs_bold(void);
const char *kvs_alarm(void);
const char *kvs_plain(void);
/* From now on they are empty: what is printed becomes part of a file. */
void kvs_rows_no_colour(void);

#endif /* KVMSCHED_ROWS_H */
