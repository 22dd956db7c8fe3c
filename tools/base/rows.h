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
/* @part as percent of @whole; a dash if @whole is 0 */
void kvs_cell_share(struct kvs_rows *rows, double part, double whole);
/*
 * The same for parts of a sum: a row shows what the sum of all rows up to and with it
 * (@upto) has more than that of the rows before (@before).  Each of both is rounded, so
 * that the figures shown sum to the figure shown for the sum, with @before 0.
 */
void kvs_cell_us_part(struct kvs_rows *rows, bool known, uint64_t before, uint64_t upto);
void kvs_cell_share_part(struct kvs_rows *rows, uint64_t before, uint64_t upto,
			 uint64_t whole);
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

#endif /* KVMSCHED_ROWS_H */
