/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading the headers of trace.dat files (trace-cmd.dat.v6(5), v7(5)), little
 * endian.  Once something is missing all reads fail, and give 0.
 */
#ifndef KVMSCHED_CURSOR_H
#define KVMSCHED_CURSOR_H

#include "trace/info.h"

struct kvs_cursor {
	int fd;
	u64 at, end;
	bool failed;
};

/* Options that we know */
#define KVS_OPTION_DONE		0
#define KVS_OPTION_DATE		1
#define KVS_OPTION_BUFFER	3
#define KVS_OPTION_TRACECLOCK	4
#define KVS_OPTION_OFFSET	7
#define KVS_OPTION_TRACEID	11
#define KVS_OPTION_TIME_SHIFT	12
#define KVS_OPTION_GUEST	13
#define KVS_OPTION_TSC2NSEC	14
#define KVS_OPTION_MAX		(1U << 20)	/* bytes; longer ones are none */

/* False with errno set */
bool kvs_cursor_init(struct kvs_cursor *c, int fd, u64 at);

bool kvs_get(struct kvs_cursor *c, void *data, u64 size);
u16 kvs_get16(struct kvs_cursor *c);
u32 kvs_get32(struct kvs_cursor *c);
u64 kvs_get64(struct kvs_cursor *c);
void kvs_skip(struct kvs_cursor *c, u64 size);
/* A string of @size bytes on the heap, with a NUL added; NULL if fewer bytes are left. */
char *kvs_get_text(struct kvs_cursor *c, u64 size, u64 max);
/* A string with its NUL, of at most @room bytes. */
bool kvs_get_string(struct kvs_cursor *c, char *s, size_t room);
/* That string, and no other */
bool kvs_expect(struct kvs_cursor *c, const char *name);

/* Reads an option's data; if it is about clocks, guests or yields, @info gets it. */
void kvs_option_get(struct kvs_cursor *c, struct kvs_trace_info *info, u16 option,
		    u32 size);
/* All options of a version 7; @c is right after the size of a page. */
void kvs_v7_options(struct kvs_cursor *c, struct kvs_trace_info *info);

#endif /* KVMSCHED_CURSOR_H */
