/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory, small files, numbers and names.
 */
#ifndef KVMSCHED_UTIL_H
#define KVMSCHED_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/base.h"

/*
 * As the functions without the x, but they never return NULL: if there is no memory,
 * they end the program with KVS_EXIT_FAILED.  The caller frees the result.
 */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
/*
 * Make room for the element @index in an array of @nr elements of @size bytes.  Returns the
 * array, which may have moved; new elements are zeroes, and @nr is the new number.
 */
void *xgrow_to(void *array, unsigned int *nr, unsigned int index, size_t size);
static inline void *xgrow(void *array, unsigned int *nr, unsigned int index, size_t size)
{
	return index < *nr ? array : xgrow_to(array, nr, index, size);
}
FILE *xopen_memstream(char **text, size_t *size);
char *xasprintf(const char *fmt, ...) __printf(1, 2);
char *xvasprintf(const char *fmt, va_list ap) __printf(1, 0);

/*
 * The contents of a small file with a NUL at the end, which the caller frees, and
 * in @size (may be NULL) their length without the NUL.  NULL with errno set if the
 * file can't be read.  Files of proc, sysfs and tracefs report no size, so this
 * reads until the end.
 */
char *kvs_read_file(const char *path, size_t *size);

/* The same of an open file, which this closes; @fd -1 fails with errno as it is. */
char *kvs_read_fd(int fd, size_t *size);

/* The same without white space at the end, for files of one value as in sysfs */
char *kvs_read_line(const char *path);

/* Whether both are there, and are one file */
bool kvs_same_file(const char *one, const char *other);

/*
 * True, after a message, if a file to write is the recording that is read: a slip of the
 * hand must not cost it.
 */
bool kvs_is_the_recording(const char *recording, const char *to);

/* Write all of @size bytes.  Returns 0, or -1 with errno set. */
int kvs_write_all(int fd, const void *data, size_t size);

/* True if all of @s is one decimal number, which is within @min .. @max. */
bool kvs_parse_long(const char *s, long min, long max, long *value);

/* True if all of @s is one decimal number without a sign, as "0.99" or "1e-3". */
bool kvs_parse_decimal(const char *s, double *value);

/* True if @s is a number of bytes, with or without a suffix K, M or G (powers of 1024). */
bool kvs_parse_size(const char *s, uint64_t *bytes);

/*
 * True if @s is a time: a number with ns, us, ms or s, up to a billion seconds.
 */
bool kvs_parse_time(const char *s, double *ns);

/* The same in seconds; here a number without a unit is one of seconds. */
bool kvs_parse_seconds(const char *s, double *seconds);

/*
 * Make a string of a name of up to @size bytes in a record, which has a NUL at its
 * end only if it is shorter.  @to has room for @size + 1 bytes.
 */
void kvs_copy_comm(char *to, const char *from, size_t size);

#ifndef SCHED_EXT
#define SCHED_EXT	7	/* newer than the headers of the oldest distribution */
#endif
/* "SCHED_RR" and the like; NULL: no known policy has this number */
const char *kvs_policy_known(int policy);

/*
 * The same.  For a policy without a known name "policy 9", valid
 * until the next call.
 */
const char *kvs_policy_name(int policy);

#endif /* KVMSCHED_UTIL_H */
