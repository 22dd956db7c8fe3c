/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's TSC and the host's, as KVM makes one of the other:
 *
 *	guest = (host * ratio >> frac_bits) + offset, modulo 2^64
 *
 * The ratio is 1, written as 1 << frac_bits, unless the guest was promised another rate
 * than that of the host.  Pure.
 */
#ifndef KVMSCHED_TSC_H
#define KVMSCHED_TSC_H

#include "trace/schema.h"

struct kvs_guest_tsc {
	u64 offset, ratio;
	u32 frac_bits;
};

/* Can times be converted with it?  A damaged file may have any ratio. */
static inline bool kvs_guest_tsc_valid(const struct kvs_guest_tsc *tsc)
{
	return tsc->ratio && tsc->frac_bits < 64;
}

/* Do both TSCs run at the same rate? */
static inline bool kvs_guest_tsc_unscaled(const struct kvs_guest_tsc *tsc)
{
	return tsc->ratio == 1ULL << tsc->frac_bits;
}

static inline bool kvs_guest_tsc_same(const struct kvs_guest_tsc *a,
				      const struct kvs_guest_tsc *b)
{
	return a->offset == b->offset && a->ratio == b->ratio && a->frac_bits == b->frac_bits;
}

u64 kvs_guest_of_host(const struct kvs_guest_tsc *tsc, u64 host);
/*
 * The first time of the host at which the guest's TSC is @guest or later; UINT64_MAX: it
 * never is.
 */
u64 kvs_host_of_guest(const struct kvs_guest_tsc *tsc, u64 guest);
/* A length of time of the host's, in cycles of the guest's TSC */
s64 kvs_guest_length(const struct kvs_guest_tsc *tsc, s64 host);

#endif /* KVMSCHED_TSC_H */
