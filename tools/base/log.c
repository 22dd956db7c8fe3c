// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static __printf(3, 0) void message(const char *kind, int error, const char *fmt,
				   va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "kvmsched: %s", kind);
	vfprintf(stderr, fmt, ap);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
}

void kvs_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("", 0, fmt, ap);
	va_end(ap);
}

void kvs_errno(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, fmt);
	message("", error, fmt, ap);
	va_end(ap);
	errno = error;
}

void kvs_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("warning: ", 0, fmt, ap);
	va_end(ap);
}

void kvs_hint(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("hint: ", 0, fmt, ap);
	va_end(ap);
}

int kvs_usage(const char *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("", 0, fmt, ap);
	va_end(ap);
	if (cmd)
		kvs_hint("see `kvmsched %s --help`", cmd);
	else
		kvs_hint("see `kvmsched help`");
	return KVS_EXIT_USAGE;
}
