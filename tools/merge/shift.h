/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace-cmd's option TIME_SHIFT: what it adds to the time stamps of each CPU of a guest, to
 * have those of the host.  Both are TSCs here.
 */
#ifndef KVMSCHED_SHIFT_H
#define KVMSCHED_SHIFT_H

#include "merge/join.h"

/*
 * Makes the option's data, which the caller frees, for a guest that was joined with the host
 * whose recording has the id @host_id.
 */
char *kvs_shift_make(const struct kvs_joined *g, u64 host_id, u32 *size);

/* A shift that a guest's file carries already, beside that of KVM */
struct kvs_carried {
	bool there, damaged;
	u64 samples;		/* of CPUs that were joined */
	s64 least, most;	/* how much later its times are, in cycles of the host */
};

struct kvs_carried kvs_shift_carried(const struct kvs_joined *g);

#endif /* KVMSCHED_SHIFT_H */
