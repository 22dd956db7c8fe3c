/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory, small files, numbers and names.
 */
#ifndef KVMSCHED_UTIL_H
#define KVMSCHED_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

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

/*
 * A time: a number with ns, us, ms or s.  More than a billion seconds are
 * refused.
 */
bool kvs_parse_time(const char *s, double *ns);

/* The same in seconds, where a number alone is one of seconds. */
bool kvs_parse_seconds(const char *s, double *seconds);

/* Which VM: the process that runs it, and which of the VMs of that process. */
struct kvs_vm_id {
	long pid, index;	/* -1: any */
};

#define KVS_ANY_VM	{ .pid = -1, .index = -1 }

/* "PID" or "PID.INDEX" */
bool kvs_parse_vm(const char *s, struct kvs_vm_id *vm);

/*
 * The text of a record's fixed array of @size bytes, which a NUL ends only where
 * there is room; @to holds @size + 1.
 */
void kvs_copy_comm(char *to, const char *from, size_t size);

/* "SCHED_RR" and the like; "policy 9" for one we don't know. */
const char *kvs_policy_name(int policy);

#endif /* KVMSCHED_UTIL_H */
