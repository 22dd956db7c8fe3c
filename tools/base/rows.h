/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables on standard output, by libsmartcols, and colours.
 */
#ifndef KVMSCHED_ROWS_H
#define KVMSCHED_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

/*
 * A table: columns by their headings, text to the left, numbers to the right.
 * Rows are filled cell by cell.
 */
struct libscols_table;

struct kvs_rows {
	struct libscols_table *table;
	struct libscols_line *line;
	unsigned int column;
};

/* Headings end with NULL; one that begins with '<' is a column of text. */
struct kvs_rows kvs_rows_begin(const char *const *headings);
void kvs_row(struct kvs_rows *rows);
#define KVS_HEADINGS(...)	((const char *const[]){ __VA_ARGS__, NULL })
void kvs_cell(struct kvs_rows *rows, const char *fmt, ...) __printf(2, 3);
void kvs_cell_count(struct kvs_rows *rows, uint64_t n);
/* Nanoseconds, shown as µs; @known false: a dash */
void kvs_cell_us(struct kvs_rows *rows, bool known, double ns);
/* @part of @whole in percent */
void kvs_cell_share(struct kvs_rows *rows, double part, double whole);
/* Prints the table and frees it. */
void kvs_rows_end(struct kvs_rows *rows);

/* Colours: empty but on a terminal, and with NO_COLOR (no-color.org). */
const char *kvs_bold(void);
const char *kvs_alarm(void);
const char *kvs_plain(void);

#endif /* KVMSCHED_ROWS_H */
