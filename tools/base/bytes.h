/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names are bytes: of threads, files and commands.  Linux lets them hold any byte but
 * NUL, also some that move a terminal's cursor, and such as are no text at all.  They are
 * kept as they are, and escaped once, where they leave the program.
 *
 * A byte is escaped as \xHH, its value as two hexadecimal digits, if it belongs to a
 * control character (U+0000 to U+001F, U+007F to U+009F) or isn't UTF-8.
 */
#ifndef KVMSCHED_BYTES_H
#define KVMSCHED_BYTES_H

#include <jansson.h>

#include "base/base.h"

/*
 * For JSON and other files.  A backslash before an x is escaped, too, so the bytes can be
 * had back: only what was escaped looks like it.  The caller frees it.
 */
char *kvs_bytes_text(const char *bytes);
json_t *kvs_bytes_json(const char *bytes);

/*
 * For a terminal.  Backslashes stay, so what kvs_bytes_text() made stays as it is.
 * The caller frees it.
 */
char *kvs_bytes_shown(const char *bytes);

/* Print on stdout what kvs_bytes_shown() makes of @bytes. */
void kvs_bytes_print(const char *bytes);

#endif /* KVMSCHED_BYTES_H */
