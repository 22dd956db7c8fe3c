/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where headings, lines and tables go: to standard output, or to one who keeps them, as a
 * page for a browser does.
 */
#ifndef KVMSCHED_OUTPUT_H
#define KVMSCHED_OUTPUT_H

struct kvs_sheet;

/* One who keeps what would have been printed.  All text is shown as kvs_bytes_shown() does. */
struct kvs_keeper {
	/* What follows stands under this heading. */
	void (*heading)(void *ctx, const char *text);
	/* A line, however long; it is not empty. */
	void (*line)(void *ctx, const char *text);
	/* A table with at least one row; it is gone afterwards. */
	void (*table)(void *ctx, const struct kvs_sheet *sheet);
	void *ctx;
};

/* From now on all goes to @keeper; NULL: to standard output again. */
void kvs_keep(const struct kvs_keeper *keeper);
/* Who keeps it now; NULL: nobody, it is printed. */
const struct kvs_keeper *kvs_keeper(void);

#endif /* KVMSCHED_OUTPUT_H */
