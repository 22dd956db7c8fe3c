/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading the headers of trace.dat files (trace-cmd.dat.v6(5), v7(5)), little
 * endian.  Once something is missing all reads fail, and give 0.
 */
#ifndef KVMSCHED_CURSOR_H
#define KVMSCHED_CURSOR_H

#include "trace/load.h"

struct ks_cursor {
	int fd;
	u64 at, end;
	bool failed;
};

/* Options that we know */
#define KS_OPTION_DONE		0
#define KS_OPTION_BUFFER	3
#define KS_OPTION_TRACECLOCK	4
#define KS_OPTION_TSC2NSEC	14
#define KS_OPTION_MAX		(1U << 20)	/* bytes; longer ones are none */

/* False with errno set */
bool ks_cursor_init(struct ks_cursor *c, int fd, u64 at);

bool ks_get(struct ks_cursor *c, void *data, u64 size);
u16 ks_get16(struct ks_cursor *c);
u32 ks_get32(struct ks_cursor *c);
u64 ks_get64(struct ks_cursor *c);
void ks_skip(struct ks_cursor *c, u64 size);
/* On the heap, with a NUL behind; NULL when there are not so many bytes. */
char *ks_get_text(struct ks_cursor *c, u64 size, u64 max);
/* A string with its NUL, of at most @room bytes. */
bool ks_get_string(struct ks_cursor *c, char *s, size_t room);
/* That string, and no other */
bool ks_expect(struct ks_cursor *c, const char *name);

/* An option's data: what it tells of time goes to @info. */
void ks_option_get(struct ks_cursor *c, struct ks_trace_info *info, u16 option,
		   u32 size);
/* All options of a version 7; @c is behind the size of a page. */
void ks_v7_options(struct ks_cursor *c, struct ks_trace_info *info);

#endif /* KVMSCHED_CURSOR_H */
