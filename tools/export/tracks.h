/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the tables are shown as tracks: docs/perfetto.md has them all.
 */
#ifndef KVMSCHED_TRACKS_H
#define KVMSCHED_TRACKS_H

#include "export/tables.h"

#define KVS_SLICE_NAME_LEN	64

/* What a table's rows are drawn as */
struct kvs_track {
	/* Behind "vCPU 0 " or "CPU 0 "; NULL: rows are no slices of a track. */
	const char *name;
	/* The column that tells a slice's name; NULL: all have the track's. */
	const char *named_by;
	/* If that column is a flag: what 1 and 0 are called */
	const char *yes, *no;
};

/* Of a table of spans */
const struct kvs_track *kvs_track_of(unsigned int table);
/* The index of a column; -1: the table has none of this name. */
int kvs_export_column(unsigned int table, const char *name);
/* A cell by the name of its column, which is there; and its number, 0 if that is unknown */
const struct kvs_value_of *kvs_cell_of(unsigned int table, const struct kvs_value_of *values,
				       const char *column);
int64_t kvs_number_of(unsigned int table, const struct kvs_value_of *values, const char *column);
/* The name of the slice that a row becomes; @text may be where it stands. */
const char *kvs_slice_name(char text[KVS_SLICE_NAME_LEN], unsigned int table, int column,
			   const struct kvs_value_of *values);

#endif /* KVMSCHED_TRACKS_H */
