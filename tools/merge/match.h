/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is who: rows, each of which has to get a column of its own that fits it.  Pure.
 */
#ifndef KVMSCHED_MATCH_H
#define KVMSCHED_MATCH_H

#include <stdbool.h>
#include <stddef.h>

enum kvs_matches { KVS_MATCH_NONE, KVS_MATCH_ONE, KVS_MATCH_SEVERAL };

/*
 * @fits[row * columns + column]: whether a row may get a column.  Unless there is none,
 * @column_of has the column of each row, by one of the possible ways.
 */
enum kvs_matches kvs_match(const bool *fits, size_t rows, size_t columns, size_t *column_of);

#endif /* KVMSCHED_MATCH_H */
