/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a printer prints to standard output, for tests of its words.
 */
#ifndef PRINTED_H
#define PRINTED_H

#include <stdio.h>
#include <unistd.h>

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

#endif /* PRINTED_H */
