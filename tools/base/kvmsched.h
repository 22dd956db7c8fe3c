/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands share: exit statuses, messages, small helpers.
 */
#ifndef KVMSCHED_TOOL_H
#define KVMSCHED_TOOL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KVS_DEFAULT_FILE	"kvmsched.dat"	/* record writes it, report reads it */

/*
 * Exit statuses.  `record` passes its command's own status on, as env(1) and
 * perf do, with 126 and 127 for a command that can't be run or isn't there.
 */
#define KVS_EXIT_OK	0
#define KVS_EXIT_FAILED	1
#define KVS_EXIT_USAGE	2
#define KVS_EXIT_NOT_HELD 3	/* record --stop-on: it did not happen */
#define KVS_EXIT_NOEXEC	126
#define KVS_EXIT_NOENT	127

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(f, a)	__attribute__((format(printf, f, a)))

/*
 * A row of the command table in kvmsched.c.  @main gets argv[0] = @name, may
 * use getopt_long() and returns an exit status.
 */
struct kvs_command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *what;	/* one line for `kvmsched help` */
};

int kvs_cmd_record(int argc, char **argv);
int kvs_cmd_report(int argc, char **argv);
int kvs_cmd_top(int argc, char **argv);
int kvs_cmd_info(int argc, char **argv);
int kvs_cmd_policy(int argc, char **argv);
int kvs_cmd_experiment(int argc, char **argv);
int kvs_cmd_compare(int argc, char **argv);

/* Messages, to stderr, each with "kvmsched: " before and a newline behind. */
void kvs_err(const char *fmt, ...) __printf(1, 2);	/* what failed */
void kvs_errno(const char *fmt, ...) __printf(1, 2);	/* ... and errno's text */
void kvs_warn(const char *fmt, ...) __printf(1, 2);
void kvs_hint(const char *fmt, ...) __printf(1, 2);	/* what to do about it */

/* A bad argument: message, where to read more; returns KVS_EXIT_USAGE. */
int kvs_usage(const char *cmd, const char *fmt, ...) __printf(2, 3);

/* These end the program with KVS_EXIT_FAILED when there is no memory. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __printf(1, 2);

/*
 * The whole of a small file, NUL-terminated; NULL with errno set.  Files of
 * proc, sysfs and tracefs tell no size, so it reads until the end.
 */
char *kvs_read_file(const char *path, size_t *size);

/* The same without the white space at its end, e.g. one value of sysfs. */
char *kvs_read_line(const char *path);

/* All of @size bytes, or -1 with errno set. */
int kvs_write_all(int fd, const void *data, size_t size);

/* A decimal number that fills all of @s, within @min .. @max. */
bool kvs_parse_long(const char *s, long min, long max, long *value);

/* Bytes, with an optional suffix K, M or G (powers of 1024). */
bool kvs_parse_size(const char *s, uint64_t *bytes);

/* "SCHED_RR" and the like; "policy 9" for one we don't know. */
const char *kvs_policy_name(int policy);

#endif /* KVMSCHED_TOOL_H */
