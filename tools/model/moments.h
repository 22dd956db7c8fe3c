/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clocks of a recording's host, and which time stamp a user means by a time of one of them.
 */
#ifndef KVMSCHED_MOMENTS_H
#define KVMSCHED_MOMENTS_H

#include "base/when.h"
#include "model/clock.h"

/* What is needed of a recording; it outlives the file that it came from. */
struct kvs_clocks {
	enum kvs_file_clock clock;
	u32 tsc_mult, tsc_shift;
	u64 tsc_offset;
	struct kvs_tie *ties;		/* two for each stretch; see trace/ties.h */
	unsigned int nr_ties;		/* 0: only what tsc_* says is known */
	struct kvs_times times;
};

void kvs_clocks_init(struct kvs_clocks *c, const struct kvs_trace_info *info,
		     const struct kvs_times *times);
void kvs_clocks_free(struct kvs_clocks *c);

/*
 * The clocks at time stamp @ts, in ns.  False: the file does not tell it.
 * trace: as trace-cmd prints it, which leaves out the offset of TSC2NSEC
 * monotonic: CLOCK_MONOTONIC, which counts from the boot
 * boottime: CLOCK_BOOTTIME, which goes on while the machine is suspended
 * wall: since 1970, UTC
 */
bool kvs_clocks_trace(const struct kvs_clocks *c, u64 ts, u64 *ns);
bool kvs_clocks_monotonic(const struct kvs_clocks *c, u64 ts, u64 *ns);
bool kvs_clocks_boottime(const struct kvs_clocks *c, u64 ts, u64 *ns);
bool kvs_clocks_wall(const struct kvs_clocks *c, u64 ts, s64 *ns);

/* The time stamps that a recording, or a part of it, has */
struct kvs_frame_of_time {
	const struct kvs_clocks *clocks;
	u64 start;		/* what seconds count from */
	u64 begin, end;		/* it is in between; neither of both excludes a moment */
};

/*
 * The time stamps that @from and @to mean: @from_ts 0 if that is no later than where the frame
 * begins, @to_ts UINT64_MAX if @to is left open.  False with a sentence in @why, which the
 * caller frees: there is no such moment, or more than one, or the one is not before the other.
 *
 * A time without a date is of the day on which it lies within the frame, or else of the day
 * on which it is nearest.  A time that the wall clock left out, since somebody put it forward
 * or for summer time, is the moment at which the clock went on.
 */
bool kvs_when_part(const struct kvs_when *from, const struct kvs_when *to,
		   const struct kvs_frame_of_time *frame, u64 *from_ts, u64 *to_ts, char **why);

#endif /* KVMSCHED_MOMENTS_H */
