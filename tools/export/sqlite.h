/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of an SQLite database that stand in files of their own
 */
#ifndef KVMSCHED_SQLITE_H
#define KVMSCHED_SQLITE_H

/* views.c: the statements that make the views; the caller frees them. */
char *kvs_sqlite_views(void);

#endif /* KVMSCHED_SQLITE_H */
