/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of printed tables, read again: words, and the figures in them.
 */
#ifndef PRINTED_ROWS_H
#define PRINTED_ROWS_H

#include <stdio.h>
#include <string.h>

#include "base/base.h"

#define LINE	1024
#define WORDS	64

/* A line that was read: its words, and those of them that are percentages */
struct row {
	char text[LINE];
	char *words[WORDS];
	unsigned int nr;
	unsigned int shares[WORDS], nr_shares;	/* which of @words */
};

static inline void split_row(struct row *row, const char *line)
{
	row->nr = row->nr_shares = 0;
	snprintf(row->text, sizeof(row->text), "%s", line);
	for (char *w = strtok(row->text, " \n"); w && row->nr < WORDS; w = strtok(NULL, " \n")) {
		if (row->nr && w[strlen(w) - 1] == '%')
			row->shares[row->nr_shares++] = row->nr;
		row->words[row->nr++] = w;
	}
	/* A heading has percent signs, too. */
	if (row->nr_shares && !strpbrk(row->words[row->shares[0]], "0123456789"))
		row->nr_shares = 0;
}

/* Hundredths, as "12.34" or "12.34%" */
static inline u64 hundredths(const char *text)
{
	unsigned long long whole, part;

	assert_int_equal(sscanf(text, "%llu.%2llu", &whole, &part), 2);
	return 100 * whole + part;
}

static inline u64 thousandths(const char *text)
{
	unsigned long long whole, part;

	assert_int_equal(sscanf(text, "%llu.%3llu", &whole, &part), 2);
	return 1000 * whole + part;
}

#endif /* PRINTED_ROWS_H */
