// SPDX-License-Identifier: GPL-2.0-only
/*
 * A matching of rows and columns by augmenting paths, and whether there is another one:
 * it would lack at least one of the pairs that this one has.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "merge/match.h"

#define NOBODY	((size_t)-1)

struct matching {
	const bool *fits;
	size_t rows, columns;
	size_t *row_of;		/* of each column, or NOBODY */
	bool *tried;		/* columns, in this search */
	size_t without_row, without_column;	/* a pair that is not allowed, or NOBODY */
};

static bool may_have(const struct matching *m, size_t row, size_t column)
{
	return m->fits[row * m->columns + column] &&
	       !(row == m->without_row && column == m->without_column);
}

/* Finds @row a column.  Rows that have one already may have to take another. */
static bool place_row(struct matching *m, size_t row)
{
	for (size_t column = 0; column < m->columns; column++) {
		if (m->tried[column] || !may_have(m, row, column))
			continue;
		m->tried[column] = true;
		if (m->row_of[column] == NOBODY || place_row(m, m->row_of[column])) {
			m->row_of[column] = row;
			return true;
		}
	}
	return false;
}

static bool place_all(struct matching *m)
{
	for (size_t column = 0; column < m->columns; column++)
		m->row_of[column] = NOBODY;
	for (size_t row = 0; row < m->rows; row++) {
		memset(m->tried, 0, m->columns * sizeof(*m->tried));
		if (!place_row(m, row))
			return false;
	}
	return true;
}

enum kvs_matches kvs_match(const bool *fits, size_t rows, size_t columns, size_t *column_of)
{
	struct matching m = {
		.fits = fits, .rows = rows, .columns = columns,
		.row_of = xcalloc(columns + 1, sizeof(*m.row_of)),
		.tried = xcalloc(columns + 1, sizeof(*m.tried)),
		.without_row = NOBODY,
	};
	enum kvs_matches result = KVS_MATCH_NONE;

	if (place_all(&m)) {
		result = KVS_MATCH_ONE;
		for (size_t column = 0; column < columns; column++)
			if (m.row_of[column] != NOBODY)
				column_of[m.row_of[column]] = column;
	}
	for (size_t row = 0; row < rows && result == KVS_MATCH_ONE; row++) {
		m.without_row = row;
		m.without_column = column_of[row];
		if (place_all(&m))
			result = KVS_MATCH_SEVERAL;
	}
	free(m.row_of);
	free(m.tried);
	return result;
}
