// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on standard error.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/util.h"

/* A line: @begin, the message and, unless it is 0, the name of errno @error */
static __printf(3, 0) void message(const char *begin, int error, const char *fmt,
				   va_list ap)
{
	char *text = NULL, *shown;

	fflush(stdout);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	/* Names of files, threads and commands are in it. */
	shown = kvs_bytes_shown(text ? text : fmt);
	fprintf(stderr, "%s: %s", begin, shown);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
	free(shown);
	free(text);
}

void kvs_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("kvmsched", 0, fmt, ap);
	va_end(ap);
}

void kvs_errno(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, fmt);
	message("kvmsched", error, fmt, ap);
	va_end(ap);
	errno = error;
}

void kvs_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("kvmsched: warning", 0, fmt, ap);
	va_end(ap);
}

void kvs_hint(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("kvmsched: hint", 0, fmt, ap);
	va_end(ap);
}

int kvs_usage(const char *command, const char *fmt, ...)
{
	char begin[64];
	va_list ap;

	snprintf(begin, sizeof(begin), "kvmsched%s%s", command ? " " : "",
		 command ? command : "");
	va_start(ap, fmt);
	message(begin, 0, fmt, ap);
	va_end(ap);
	if (command)
		kvs_hint("see `kvmsched %s --help`", command);
	else
		kvs_hint("see `kvmsched help`");
	return KVS_EXIT_USAGE;
}

bool kvs_flush(const char *what)
{
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	kvs_errno("can't write %s", what);
	return false;
}
