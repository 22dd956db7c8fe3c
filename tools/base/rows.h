/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables on standard output, by libsmartcols, and colours.
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
#include <stdint.h>

#include "base/base.h"
#include "base/hist.h"

struct libscols_table;

/* A table that is being filled */
struct kvs_rows {
	struct libscols_table *table;
	struct libscols_line *line;	/* the row that cells are added to */
	unsigned int column;		/* of the next cell */
};

/*
 * @headings ends with NULL.  Columns are aligned to the right, as numbers are; a
 * heading that begins with '<' makes a column of text, aligned to the left.  In a
 * locale without UTF-8 the µ of a heading becomes a u.
 */
struct kvs_rows kvs_rows_begin(const char *const *headings);
#define KVS_HEADINGS(...)	((const char *const[]){ __VA_ARGS__, NULL })
/* Begin a new row.  Its cells follow from left to right; missing ones are empty. */
void kvs_row(struct kvs_rows *rows);
void kvs_cell(struct kvs_rows *rows, const char *fmt, ...) __printf(2, 3);
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
