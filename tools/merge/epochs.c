// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TSCs that a vCPU has one after the other; see hostside.h.
 *
 *	host's TSC	----------------- since ------------------>
 *	guest's TSC	10  11  12  13  |  52  53  54  55
 *
 * As long as a new TSC is ahead of the one before, each time of the guest is of one of them,
 * or of none: 14 to 51, above.  A TSC that is set back would tell times again, and a guest's
 * ring buffer cannot: what is older than that can't be joined.
 */
#include "base/util.h"
#include "merge/hostside.h"

void kvs_epochs_add(struct kvs_host_vcpu *v, u64 since, const struct kvs_guest_tsc *tsc)
{
	const struct kvs_guest_tsc *before = v->nr_epochs ? &kvs_last_tsc(v)->tsc : NULL;

	if (before && kvs_guest_tsc_same(before, tsc))
		return;
	if (before &&
	    (s64)(kvs_guest_of_host(tsc, since) - kvs_guest_of_host(before, since)) < 0)
		v->first_epoch = v->nr_epochs;
	v->epochs = xrealloc(v->epochs, (v->nr_epochs + 1) * sizeof(*v->epochs));
	v->epochs[v->nr_epochs++] = (struct kvs_tsc_epoch){ .since = since, .tsc = *tsc };
}

struct kvs_host_time kvs_host_time(const struct kvs_host_vcpu *v, u64 guest)
{
	struct kvs_host_time time = { .epoch = v->nr_epochs };
	u64 next = 0;

	/* Before the host's TSC was 0, times are negative. */
	while (time.epoch-- > v->first_epoch) {
		const struct kvs_tsc_epoch *epoch = &v->epochs[time.epoch];

		time.at = kvs_host_of_guest(&epoch->tsc, guest);
		if (time.epoch + 1 < v->nr_epochs && (s64)(time.at - next) >= 0) {
			time.told = KVS_TIME_BETWEEN;
			time.at = next;
			return time;
		}
		if (!time.epoch || (s64)(time.at - epoch->since) >= 0)
			return time;
		next = epoch->since;
	}
	time.epoch = v->first_epoch;
	time.told = KVS_TIME_EARLY;
	return time;
}

u64 kvs_guest_time(const struct kvs_host_vcpu *v, u64 host)
{
	size_t epoch = v->nr_epochs - 1;

	while (epoch > v->first_epoch && v->epochs[epoch].since > host)
		epoch--;
	return kvs_guest_of_host(&v->epochs[epoch].tsc, host);
}
