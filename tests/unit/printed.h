/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a printer prints to standard output, for tests of its words.
 */
#ifndef PRINTED_H
#define PRINTED_H

#include <stdio.h>
#include <unistd.h>

#include "report/report.h"

static int printed_saved = -1;

/* Standard output goes to a file until end_print(). */
static FILE *begin_print(void)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	fflush(stdout);
	printed_saved = dup(STDOUT_FILENO);
	assert_return_code(dup2(fileno(f), STDOUT_FILENO), 0);
	return f;
}

/* Standard output is what it was, and @f is read from its beginning. */
static void end_print(FILE *f)
{
	fflush(stdout);
	dup2(printed_saved, STDOUT_FILENO);
	close(printed_saved);
	rewind(f);
}

/* What @report prints, to be read and closed; NULL: the whole */
static inline FILE *print_report(const struct kvs_view *shown, const struct kvs_report *report)
{
	FILE *f = begin_print();

	if (report)
		report->text(shown);
	else
		kvs_print_text(shown, false);
	end_print(f);
	return f;
}

#endif /* PRINTED_H */
