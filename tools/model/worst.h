/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The worst moments of a recording: the longest waits, exits, and ways of an
 * interrupt or a timer to the guest, with what is needed to tell how they came
 * about.  A heap of fixed room holds them, the shortest on top.
 */
#ifndef KVMSCHED_WORST_H
#define KVMSCHED_WORST_H

#include <stdbool.h>
#include <stdint.h>

#include "model/thieves.h"

enum ks_moment_kind {
	KS_MOMENT_TIMER,	/* deadline to injection */
	KS_MOMENT_IRQ,		/* accept to injection */
	KS_MOMENT_WAIT,		/* runnable to switch in */
	KS_MOMENT_EXIT,		/* host time of one exit, on the CPU */
	KS_MOMENT_KINDS
};

/* Why an interrupt came late: where the time until its injection went. */
enum ks_cause {
	KS_CAUSE_TIMER,		/* the timer that backs the guest's was late */
	KS_CAUSE_WAIT,		/* the vCPU waited for a CPU */
	KS_CAUSE_USER,		/* it was in userspace */
	KS_CAUSE_HOST,		/* the kernel was at work, on its CPU */
	KS_CAUSE_GUEST,		/* in guest mode: it had to exit first */
	KS_CAUSE_SLEEP,		/* asleep, or polling: to be woken */
	KS_CAUSE_UNKNOWN,
	KS_CAUSES
};

struct ks_vcpu;

struct ks_moment {
	uint8_t kind;
	const struct ks_vcpu *vcpu;
	uint64_t length;
	/* In time stamps; what doesn't belong to the kind, or isn't known, is 0. */
	uint64_t begin;		/* deadline, accept, runnable, exit */
	uint64_t expired, accepted;
	uint64_t end;		/* injected, switched in, host time over */
	uint64_t spent[KS_CAUSES];
	struct ks_holder thief;	/* of the largest part of a wait in it */
	uint64_t thief_time;
	bool preempted;		/* of a wait */
	uint16_t cpu;
	uint8_t vector, isa, exit_end;
	uint32_t reason;
};

struct ks_worst {
	uint32_t kinds;		/* bits of those wanted; 0: none */
	uint64_t least[KS_MOMENT_KINDS]; /* and longer than this */
	unsigned int room, count;
	struct ks_moment *heap;
};

void ks_worst_init(struct ks_worst *w, unsigned int room, uint32_t kinds);
void ks_worst_free(struct ks_worst *w);
void ks_worst_add(struct ks_worst *w, const struct ks_moment *moment);
/* The longest first; nothing can be added any more. */
void ks_worst_sort(struct ks_worst *w);

/* Is it worth to be told at length? */
static inline bool ks_worst_wants(const struct ks_worst *w, unsigned int kind,
				  uint64_t length)
{
	return w->kinds >> kind & 1 && length > w->least[kind] &&
	       (w->count < w->room || length > w->heap[0].length);
}

const char *ks_moment_kind_name(unsigned int kind);	/* NULL behind the last */
const char *ks_cause_name(unsigned int cause);
unsigned int ks_cause_main(const uint64_t spent[KS_CAUSES]);

#endif /* KVMSCHED_WORST_H */
