/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines on standard output that are no wider than it is.
 *
 *	struct kvs_lines lines = kvs_lines_begin(10);
 *
 *	kvs_lines_add(&lines, "Lost      ");
 *	kvs_lines_strong(&lines, "%u", lost);
 *	kvs_lines_add(&lines, " records; what is counted below is less than the truth");
 *	kvs_lines_end(&lines);
 *
 * Lines are broken at spaces, but not within backquotes: a command stays whole.  What has
 * no space is never broken, however long it is, so that a path can be copied.
 *
 * Where somebody keeps what is printed (output.h), he gets each line whole.
 */
#ifndef KVMSCHED_LINES_H
#define KVMSCHED_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

/* Text is easier to read where its lines have no more columns than this. */
#define KVS_LINE	80

/*
 * The columns of standard output: the terminal's; if it is none, what the environment has
 * as COLUMNS, or else 80.
 */
unsigned int kvs_width(void);

/* How many columns @text takes, which has no control characters */
size_t kvs_columns(const char *text);

/* A text that is being printed */
struct kvs_lines {
	unsigned int indent;	/* of all lines but the first */
	size_t column;		/* behind what is printed of the last line */
	size_t spaces;		/* to be printed before the word, unless the line ends there */
	char *word;		/* it is not printed yet, as it may go on; NULL: none */
	size_t word_columns;	/* that it takes */
	bool heading;		/* of what follows */
};

/* Begin a text.  Its first line begins as the text does, with spaces or without. */
struct kvs_lines kvs_lines_begin(unsigned int indent);
/* An empty line; who keeps what is printed gets @heading instead, unless it is NULL. */
void kvs_blank(const char *heading);
/*
 * Begin a heading, with an empty line before it unless it is the @first of all.  It goes on
 * like other texts.
 */
struct kvs_lines kvs_heading_begin(bool first);
/* Go on with it.  A text that begins with no space belongs to the word before it. */
void kvs_lines_add(struct kvs_lines *lines, const char *fmt, ...) __printf(2, 3);
/* The same in bold red; see kvs_alarm() */
void kvs_lines_strong(struct kvs_lines *lines, const char *fmt, ...) __printf(2, 3);
/* The same in bold; see kvs_bold() */
void kvs_lines_bold(struct kvs_lines *lines, const char *fmt, ...) __printf(2, 3);
/* End the last line. */
void kvs_lines_end(struct kvs_lines *lines);

/* All of it at once */
void kvs_say(unsigned int indent, const char *fmt, ...) __printf(2, 3);

#endif /* KVMSCHED_LINES_H */
