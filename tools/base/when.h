/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A moment of a recording, as people write it: since the recording began, since the boot,
 * as trace-cmd prints it, or by the wall clock.  model/moments.h finds the time stamp that
 * is meant.
 */
#ifndef KVMSCHED_WHEN_H
#define KVMSCHED_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kvs_when_kind {
	KVS_WHEN_OPEN,		/* not said: the beginning, or the end */
	KVS_WHEN_SINCE_BEGIN,	/* @seconds */
	KVS_WHEN_SINCE_BOOT,	/* @ns of CLOCK_MONOTONIC */
	KVS_WHEN_TRACE,		/* @ns, as trace-cmd prints the time stamps of the recording */
	KVS_WHEN_WALL,		/* a time of day, and perhaps a date and a zone */
};

struct kvs_when {
	enum kvs_when_kind kind;
	const char *text;	/* as it was written; the caller's */
	double seconds;
	uint64_t ns;		/* also of the wall clock: within the second */
	/* Of the wall clock: */
	int64_t day;		/* 1970-01-01 is 0 */
	int second;		/* of the day, from 0 on */
	bool has_day;
	bool has_zone;		/* else it is the zone of this program, TZ */
	int zone;		/* seconds east of Greenwich */
};

/* The ways to write one, for --help and for messages; a row without a name ends them. */
struct kvs_when_form {
	const char *name, *what;
};
extern const struct kvs_when_form kvs_when_forms[];

/*
 * Takes @text unless it counts from the recording's begin.  True: it is meant to be another
 * form, and @why is NULL, or says what is wrong with it; the caller frees it.
 */
bool kvs_when_parse(const char *text, struct kvs_when *when, char **why);

/* What the user wrote: "12.5 s", "boot:12.5", "17:15:49"; the caller frees it. */
char *kvs_when_text(const struct kvs_when *when);

/*
 * All moments that a time of the wall clock may mean: without a date, one of each day from
 * the one before @begin_ns to the one after @end_ns; in the hour that a zone's change of
 * summer time repeats, both; and for a time that it leaves out, when the clock went on.  In
 * ns since 1970, UTC, in any order.  The caller frees them; @nr may be 0.
 */
int64_t *kvs_when_moments(const struct kvs_when *when, int64_t begin_ns, int64_t end_ns,
			  size_t *nr);

/* "2026-11-29T17:15:49.123456+00:00", which can be written as a time; rounded down */
#define KVS_WALL_LEN	48
const char *kvs_wall_text(char text[KVS_WALL_LEN], int64_t ns);

#endif /* KVMSCHED_WHEN_H */
