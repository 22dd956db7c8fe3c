// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's TSC and the host's; see tsc.h.  KVM's ratios have up to 48 bits behind the
 * point, so a product has more than 64.
 */
#include "base/hist.h"
#include "merge/tsc.h"

u64 kvs_guest_of_host(const struct kvs_guest_tsc *tsc, u64 host)
{
	return (u64)((kvs_u128)host * tsc->ratio >> tsc->frac_bits) + tsc->offset;
}

u64 kvs_host_of_guest(const struct kvs_guest_tsc *tsc, u64 guest)
{
	u64 scaled = guest - tsc->offset;
	kvs_u128 host;

	if (kvs_guest_tsc_unscaled(tsc))
		return scaled;
	host = (((kvs_u128)scaled << tsc->frac_bits) + tsc->ratio - 1) / tsc->ratio;
	return host > UINT64_MAX ? UINT64_MAX : host;
}

s64 kvs_guest_length(const struct kvs_guest_tsc *tsc, s64 host)
{
	u64 length = (kvs_u128)(host < 0 ? -(u64)host : (u64)host) * tsc->ratio >> tsc->frac_bits;

	return host < 0 ? -length : length;
}
