// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines that are no wider than standard output; see lines.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "base/bytes.h"
#include "base/lines.h"
#include "base/output.h"
#include "base/rows.h"
#include "base/util.h"

unsigned int kvs_width(void)
{
	static unsigned int width;
	struct libscols_table *table;

	if (width)
		return width;
	/* A new table has the width that it would be printed with. */
	table = scols_new_table();
	width = table ? scols_table_get_termwidth(table) : 0;
	scols_unref_table(table);
	width = width ? width : KVS_LINE;
	return width;
}

static size_t columns_of(const char *text, size_t length)
{
	size_t columns = 0;

	/* All bytes of a character in UTF-8 but the first begin with the bits 10. */
	for (size_t i = 0; i < length; i++)
		columns += (text[i] & 0xc0) != 0x80;
	return columns;
}

size_t kvs_columns(const char *text)
{
	return columns_of(text, strlen(text));
}

struct kvs_lines kvs_lines_begin(unsigned int indent)
{
	return (struct kvs_lines){ .indent = indent };
}

void kvs_blank(const char *heading)
{
	if (!kvs_keeper())
		putchar('\n');
	else if (heading)
		kvs_keeper()->heading(kvs_keeper()->ctx, heading);
}

struct kvs_lines kvs_heading_begin(bool first)
{
	if (!first)
		kvs_blank(NULL);
	return (struct kvs_lines){ .indent = 2, .heading = true };
}

/* Up to the next space; a command in backquotes is not broken. */
static size_t word_length(const char *word)
{
	size_t quoted = *word == '`' ? 1 + strcspn(word + 1, "`") : 0;

	return quoted + strcspn(word + quoted, " ");
}

/* The word goes on with @length bytes of @text, which is @columns wide. */
static void add_word(struct kvs_lines *lines, const char *text, size_t length, size_t columns)
{
	char *longer = xasprintf("%s%.*s", lines->word ? : "", (int)length, text);

	free(lines->word);
	lines->word = longer;
	lines->word_columns += columns;
}

static void end_word(struct kvs_lines *lines)
{
	unsigned int width = kvs_width() < KVS_LINE ? kvs_width() : KVS_LINE;

	if (!lines->word)
		return;
	if (!lines->word_columns) {
		/* Nothing but what ends the bold type; the spaces are still to come. */
	} else if (lines->column > lines->indent &&
	    lines->column + lines->spaces + lines->word_columns > width) {
		printf("\n%*s", (int)lines->indent, "");
		lines->column = lines->indent;
		lines->spaces = 0;
	} else {
		lines->column += printf("%*s", (int)lines->spaces, "");
		lines->spaces = 0;
	}
	fputs(lines->word, stdout);
	lines->column += lines->word_columns;
	free(lines->word);
	lines->word = NULL;
	lines->word_columns = 0;
}

static void add_words(struct kvs_lines *lines, const char *before, const char *text)
{
	size_t length;

	for (const char *word = text; *word; word += length) {
		if (*word == ' ') {
			length = 1;
			end_word(lines);
			lines->spaces++;
			continue;
		}
		length = word_length(word);
		add_word(lines, before, strlen(before), 0);
		add_word(lines, word, length, columns_of(word, length));
		before = "";
	}
}

/* @before and @after take no column. */
static __printf(4, 0) void add(struct kvs_lines *lines, const char *before,
			       const char *after, const char *fmt, va_list ap)
{
	char *text = xvasprintf(fmt, ap), *shown = kvs_bytes_shown(text);

	if (kvs_keeper()) {
		add_word(lines, shown, strlen(shown), 0);
	} else {
		add_words(lines, before, shown);
		add_word(lines, after, strlen(after), 0);
	}
	free(shown);
	free(text);
}

void kvs_lines_add(struct kvs_lines *lines, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(lines, "", "", fmt, ap);
	va_end(ap);
}

void kvs_lines_strong(struct kvs_lines *lines, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(lines, kvs_alarm(), kvs_plain(), fmt, ap);
	va_end(ap);
}

void kvs_lines_bold(struct kvs_lines *lines, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(lines, kvs_bold(), kvs_plain(), fmt, ap);
	va_end(ap);
}

/* All of the text is the word that goes on. */
static void keep_word(const struct kvs_keeper *keeper, struct kvs_lines *lines)
{
	const char *text = lines->word ? : "";

	text += strspn(text, " ");
	if (*text && lines->heading)
		keeper->heading(keeper->ctx, text);
	else if (*text)
		keeper->line(keeper->ctx, text);
	free(lines->word);
}

void kvs_lines_end(struct kvs_lines *lines)
{
	if (kvs_keeper()) {
		keep_word(kvs_keeper(), lines);
	} else {
		end_word(lines);
		putchar('\n');
	}
	*lines = (struct kvs_lines){ .indent = lines->indent };
}

void kvs_say(unsigned int indent, const char *fmt, ...)
{
	struct kvs_lines lines = kvs_lines_begin(indent);
	va_list ap;

	va_start(ap, fmt);
	add(&lines, "", "", fmt, ap);
	va_end(ap);
	kvs_lines_end(&lines);
}
