/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands out in a recording, in a few sentences: "In short".
 *
 * All figures are those of the tables.  A sentence is said only where one of them is
 * beyond a threshold, and says no more than the records tell.
 */
#ifndef KVMSCHED_SHORT_H
#define KVMSCHED_SHORT_H

#include "report/view.h"

#define KVS_SHORT	6	/* the most sentences */

/*
 * A share of a vCPU's life (of the ledger's wall time) that stands out.  Below it, an
 * hour's work takes less than three minutes longer.
 */
#define KVS_SHORT_SHARE	0.05
/*
 * A single wait, or a timer's lateness, that stands out, and what a share has to be in
 * sum: a guest whose tick has 100 Hz misses one.  The watchdog of timers has the same.
 */
#define KVS_SHORT_NS	10000000
/*
 * Throttling is inferred where a CPU idles although a vCPU could run there, and waking up
 * is idle as well, but much shorter: this share of its life is enough, with the sum above.
 */
#define KVS_SHORT_THROTTLED	0.01
/* Its own exits: a guest that does much I/O spends a tenth of its life on them. */
#define KVS_SHORT_EXITS	0.2
/*
 * Exits that suggest that the guest spins: the least number of them in all, and in a second
 * of its life on average, which is as often as a guest's tick comes at most.  Locks that are
 * rarely contended make few.
 */
#define KVS_SHORT_SPINS		100
#define KVS_SHORT_SPINS_HZ	1000
/* A thread of a VMM that ends, or waits for a lock of the VMM, is soon back. */
#define KVS_SHORT_OUT_NS	100000000
/* Of a timer's ticks, and of the records: as the watchdog has it */
#define KVS_SHORT_PART	0.01
/* A guest that idles sets its timer for seconds. */
#define KVS_SHORT_FAR_NS	60000000000
/* No interrupt for so long, and for this share of its life, in HLT */
#define KVS_SHORT_ASLEEP_NS	500000000
#define KVS_SHORT_ASLEEP	0.5

/*
 * In the order in which the report has them: what never came; what was taken from a vCPU;
 * what came late; what its own exits cost; and what the recording can't show, or lacks.
 */
enum kvs_finding_kind {
	KVS_FINDING_LOST_TIMER,	/* it passed its deadline and never reached the guest */
	KVS_FINDING_FAR_TIMER,	/* the guest sleeps for one that is very far ahead */
	KVS_FINDING_ASLEEP,	/* a VM sleeps in HLT, and no interrupt comes */
	KVS_FINDING_WAIT,		/* for a CPU */
	KVS_FINDING_THROTTLED,	/* the same, while the CPU idled */
	KVS_FINDING_OUT,		/* asleep outside of KVM_RUN */
	KVS_FINDING_BLOCKED,	/* asleep while an exit was handled, not in HLT */
	KVS_FINDING_LATE_TIMER,
	KVS_FINDING_TICKS,	/* of a timer without interrupts of their own */
	KVS_FINDING_SPIN,		/* suspected, by what it exits for */
	KVS_FINDING_EXITS,
	KVS_FINDING_IDLE,		/* it does not exit: Guest includes it */
	KVS_FINDING_ONE_VM,		/* seems to be what the file has as several */
	KVS_FINDING_LOSS,		/* of records */
	KVS_FINDING_HITS,		/* of kprobes, dropped by the kernel */
	KVS_FINDING_MISSING,		/* vCPUs that the module, or the model, had no room for */
	KVS_FINDING_HOOK,		/* that could not be attached */
	KVS_FINDING_KINDS
};

struct kvs_finding {
	u8 kind;		/* enum kvs_finding_kind */
	const struct kvs_vcpu *vcpu;	/* the one it is worst for; NULL: the recording's */
	unsigned int others;	/* vCPUs for which the same stands out */
	u64 harm;		/* ns, or a count: the worst is the largest */
	double share;		/* of the vCPU's life; 0: not told */
};

/* Fill @findings in their order; returns how many there are. */
unsigned int kvs_short_find(const struct kvs_view *view,
			    struct kvs_finding findings[KVS_SHORT]);
/* Whether @harm is in ns */
bool kvs_finding_is_time(enum kvs_finding_kind kind);
const char *kvs_finding_kind_name(enum kvs_finding_kind kind);
/* The command that shows more */
const char *kvs_finding_more(const struct kvs_view *view, const struct kvs_finding *f);
/* The caller frees it.  Names in it are bytes, as in the records. */
char *kvs_finding_sentence(const struct kvs_view *view, const struct kvs_finding *f);

/* Print all of it. */
void kvs_print_short(const struct kvs_view *view);

#endif /* KVMSCHED_SHORT_H */
