/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages to stderr, each a line that begins with "kvmsched: ".
 */
#ifndef KVMSCHED_LOG_H
#define KVMSCHED_LOG_H

#include <stdbool.h>

#include "base/base.h"

void kvs_err(const char *fmt, ...) __printf(1, 2);	/* what failed */
void kvs_errno(const char *fmt, ...) __printf(1, 2);	/* ... and errno's text */
void kvs_warn(const char *fmt, ...) __printf(1, 2);
void kvs_hint(const char *fmt, ...) __printf(1, 2);	/* what to do about it */

/*
 * What is wrong with the arguments of @command: a line that begins with
 * "kvmsched COMMAND: ", and a hint where to read more.  NULL: wrong arguments
 * of kvmsched itself.  Returns KVS_EXIT_USAGE.
 */
int kvs_usage(const char *command, const char *fmt, ...) __printf(2, 3);

/* Writes out standard output.  False, after a message: can't write @what. */
bool kvs_flush(const char *what);

#endif /* KVMSCHED_LOG_H */
