/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Causality: an event of a guest happened in guest mode of the vCPU that wrote it.  Pure.
 *
 *	guest mode     ######################          ##########
 *	out of it                            ==========
 *	events            e   e    e      e              e   e
 *	                  |               |<>|         |<>|
 *	                                  later        earlier
 *
 * If all events of a guest were moved by the same time, some would leave guest mode sooner
 * or later.  How far they can be moved before that is how well the joining is proved.
 */
#ifndef KVMSCHED_CAUSAL_H
#define KVMSCHED_CAUSAL_H

#include "merge/hostside.h"

/* The events of one guest CPU, as time stamps of the guest's TSC, and a vCPU for it */
struct kvs_placing {
	const u64 *events;
	size_t nr;
	const struct kvs_host_vcpu *vcpu;
};

struct kvs_placed {
	u64 inside;	/* in guest mode */
	u64 outside;	/* certainly out of it */
	u64 unknown;	/* where the host's recording doesn't tell */
	u64 early;	/* of all these: from before the TSC was set back */
	u64 between;	/* of no time, by the TSCs before and after a change; none of these */
};

/* Where the events are by KVM's own offset, and @shift cycles of the host later */
struct kvs_placed kvs_causal_place(const struct kvs_placing *p, s64 shift);
/*
 * True if causality allows the vCPU, and some event is in guest mode.  @placed is complete
 * only then: the first event that does not fit is enough.
 */
bool kvs_causal_fits(const struct kvs_placing *p, struct kvs_placed *placed);

/* No time shift is longer; about 27 years of a TSC of 2.6 GHz */
#define KVS_SHIFT_MAX	((s64)1 << 61)

/* Times that may be added to the events' own in cycles of the host, none of which is outside */
struct kvs_shifts {
	s64 from, to;		/* +-KVS_SHIFT_MAX: no limit is known */
};

/*
 * The shifts around @shift; false if @shift itself puts an event of @p[0 .. @nr - 1]
 * outside.
 */
bool kvs_causal_shifts(const struct kvs_placing *p, size_t nr, s64 shift,
		       struct kvs_shifts *shifts);

/*
 * The shifts that are nearest to 0, from either side, and at most @limit away.  False if
 * there are none, or if it took too long to find them.
 */
bool kvs_causal_nearest(const struct kvs_placing *p, size_t nr, s64 limit,
			struct kvs_shifts *shifts);

#endif /* KVMSCHED_CAUSAL_H */
