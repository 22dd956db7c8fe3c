/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ties the time stamps of a recording to the clocks of its host: an option as in
 * option-rows.h.  Its rows are ties, the first and the last one of each stretch.
 *
 * A stretch is a time in which nobody set the wall clock, though it may have been slewed.
 * When it was set, another stretch began: the recorder looks ten times a second.
 */
#ifndef KVMSCHED_TIES_H
#define KVMSCHED_TIES_H

#include <stdint.h>

/* trace-cmd numbers its options from 0 on; it will not get here for a while. */
#define KVS_OPTION_TIES		0x6b76
#define KVS_TIES_TAG		"kvs-ties"
#define KVS_TIES_STRETCHES	64		/* a file tells at most */
#define KVS_TIES_MAX		(2 * KVS_TIES_STRETCHES)

/* The clocks at one moment */
struct kvs_tie {
	uint64_t tsc;
	uint64_t monotonic_ns, boottime_ns, realtime_ns;
};

#endif /* KVMSCHED_TIES_H */
