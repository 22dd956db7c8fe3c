/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cells of a table until it is printed, and which columns stand beside each other.
 *
 * A table that is wider than the output is printed as several ones, below each other: each
 * has the key columns of all, and some of the others.  Text is wrapped; numbers never are.
 */
#ifndef KVMSCHED_SHEET_H
#define KVMSCHED_SHEET_H

#include <stdbool.h>
#include <stddef.h>

struct kvs_sheet_column {
	char *heading;
	bool text;	/* aligned to the left; it may be wrapped */
	bool key;	/* it says what a row is about, and is repeated */
	bool begins;	/* of columns that belong together, the first */
};

struct kvs_sheet_cell {
	char *text;	/* NULL: empty */
	bool strong;	/* shown in bold */
};

struct kvs_sheet {
	struct kvs_sheet_column *columns;
	unsigned int nr_columns;
	struct kvs_sheet_cell *cells;	/* row by row, nr_columns of each */
	size_t nr_rows, room;		/* rows */
};

/* Print it in at most @width columns, as far as numbers and headings allow. */
void kvs_sheet_print(const struct kvs_sheet *sheet, size_t width);

#endif /* KVMSCHED_SHEET_H */
