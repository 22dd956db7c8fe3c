/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why an interrupt came late: the time on its way, by what the vCPU did meanwhile.
 */
#ifndef KVMSCHED_CAUSES_H
#define KVMSCHED_CAUSES_H

#include "model/ledger.h"

/* Why an interrupt came late: where the time until its injection went. */
enum kvs_cause {
	KVS_CAUSE_TIMER,		/* the timer that backs the guest's was late */
	KVS_CAUSE_WAIT,		/* the vCPU waited for a CPU */
	KVS_CAUSE_USER,		/* out of KVM_RUN, on a CPU or asleep: the VMM's doing */
	KVS_CAUSE_HOST,		/* the kernel was at work, on its CPU */
	KVS_CAUSE_GUEST,		/* in guest mode: it had to exit first */
	KVS_CAUSE_SLEEP,		/* asleep in HLT, or polling: to be woken */
	KVS_CAUSE_BLOCKED,	/* asleep in KVM_RUN, not in HLT: a page, a lock, a SIPI */
	KVS_CAUSE_UNKNOWN,
	KVS_CAUSES
};

const char *kvs_cause_name(unsigned int cause);	/* NULL beyond the last */

/* The cause of the largest part */
unsigned int kvs_cause_main(const uint64_t spent[KVS_CAUSES]);

/*
 * Adds to @spent where the vCPU's time went from @mark to @ts, by cause: all of it, and
 * no more than that.
 */
void kvs_spent_since(const struct kvs_ledger *l, const struct kvs_ledger_mark *mark,
		     uint64_t ts, uint64_t spent[KVS_CAUSES]);

#endif /* KVMSCHED_CAUSES_H */
