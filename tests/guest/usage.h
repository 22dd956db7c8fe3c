/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel says about the calling thread: switches, CPU time, waits. */
#ifndef GUEST_USAGE_H
#define GUEST_USAGE_H

#include <stdint.h>
#include <stdio.h>

struct usage {
	uint64_t wall_ns;	/* CLOCK_MONOTONIC */
	uint64_t tsc;		/* of the host */
	uint64_t cpu_ns;	/* exact, unlike schedstat's, which lags a tick */
	uint64_t nvcsw;
	uint64_t nivcsw;
	uint64_t schedstat_run_ns;
	uint64_t schedstat_wait_ns;
	uint64_t schedstat_timeslices;
};

struct json;

/* The calling thread's schedstat file; -1 where the kernel has none. */
int usage_open(void);

/* How long the calling thread has waited for a CPU since it was made, in ns; 0: unknown */
uint64_t usage_waited(int schedstat_fd);

/*
 * Snapshots of the calling thread around a stretch of work: _begin() takes
 * the switch counts as its very last step and _end() as its very first, so
 * that nothing but the work lies between them.
 */
void usage_begin(int schedstat_fd, struct usage *usage);
void usage_end(int schedstat_fd, struct usage *usage);

/* The members of a JSON object: the differences. */
void usage_print(struct json *json, const struct usage *begin,
		 const struct usage *end);

#endif
