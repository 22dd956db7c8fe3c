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
 *
 * A change is told at the next entry.  If that record was lost, a later one tells it: then the
 * TSC has changed at an unknown time between @unsure and @since, and what it tells for these
 * times may be by either.
 */
#include "base/util.h"
#include "merge/hostside.h"

void kvs_epochs_add(struct kvs_host_vcpu *v, u64 unsure, u64 since,
		    const struct kvs_guest_tsc *tsc)
{
	const struct kvs_guest_tsc *before = v->nr_epochs ? &kvs_last_tsc(v)->tsc : NULL;
	const u64 guest = kvs_guest_of_host(tsc, since), known = v->known;

	v->known = since;
	if (before && kvs_guest_tsc_same(before, tsc))
		return;
	if (before && (s64)(guest - kvs_guest_of_host(before, since)) < 0)
		v->first_epoch = v->nr_epochs;
	v->epochs = xrealloc(v->epochs, (v->nr_epochs + 1) * sizeof(*v->epochs));
	v->epochs[v->nr_epochs++] = (struct kvs_tsc_epoch){
		.known = known, .unsure = unsure, .since = since, .guest = guest, .tsc = *tsc,
	};
}

/* The last one, from the first that counts on, that has begun when the TSC was @guest */
static size_t epoch_of(const struct kvs_host_vcpu *v, u64 guest)
{
	size_t low = v->first_epoch, high = v->nr_epochs;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		/* Before the TSC was 0, times are negative. */
		if ((s64)(guest - v->epochs[middle].guest) >= 0)
			low = middle;
		else
			high = middle;
	}
	return low;
}

struct kvs_host_time kvs_host_time(const struct kvs_host_vcpu *v, u64 guest)
{
	const size_t index = epoch_of(v, guest);
	const struct kvs_tsc_epoch *epoch = &v->epochs[index], *next = epoch + 1;
	struct kvs_host_time time = { .epoch = index, .at = kvs_host_of_guest(&epoch->tsc, guest) };

	if (index && index == v->first_epoch && (s64)(guest - epoch->guest) < 0) {
		time.told = KVS_TIME_EARLY;
	} else if (index + 1 < v->nr_epochs && (s64)(time.at - next->unsure) >= 0) {
		time.told = next->unsure < next->since ? KVS_TIME_BETWEEN : KVS_TIME_NEVER;
		time.at = next->since;
	}
	return time;
}

u64 kvs_guest_time(const struct kvs_host_vcpu *v, u64 host)
{
	size_t epoch = v->nr_epochs - 1;
	u64 guest;

	while (epoch > v->first_epoch && v->epochs[epoch].since > host)
		epoch--;
	guest = kvs_guest_of_host(&v->epochs[epoch].tsc, host);
	/* The TSC of a VM that was made later would have been negative. */
	return (s64)guest < 0 ? 0 : guest;
}
