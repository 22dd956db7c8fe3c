/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages on standard error.  Each call prints one line, which begins with
 * "kvmsched: "; @fmt has no newline at its end.  Standard output is flushed first,
 * so that both stay in order.
 */
#ifndef KVMSCHED_LOG_H
#define KVMSCHED_LOG_H

#include <stdbool.h>

#include "base/base.h"

void kvs_err(const char *fmt, ...) __printf(1, 2);	/* what failed */
void kvs_errno(const char *fmt, ...) __printf(1, 2);	/* ... and the text of errno */
void kvs_warn(const char *fmt, ...) __printf(1, 2);	/* "warning: ..." */
void kvs_hint(const char *fmt, ...) __printf(1, 2);	/* "hint: ": what to do about it */

/*
 * What is wrong with the arguments of @command, in a line that begins with
 * "kvmsched COMMAND: ", and a hint at the command's help.  If @command is NULL, the
 * arguments are those of kvmsched itself.  Returns KVS_EXIT_USAGE.
 */
int kvs_usage(const char *command, const char *fmt, ...) __printf(2, 3);

/* Writes out standard output.  False, after a message: can't write @what. */
bool kvs_flush(const char *what);

#endif /* KVMSCHED_LOG_H */
