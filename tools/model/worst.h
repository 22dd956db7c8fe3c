/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The worst moments of a recording: the longest waits, exits, and ways of an
 * interrupt or a timer to the guest, with what is needed to explain
 * them.  A heap of fixed room holds them, the shortest on top.
 */
#ifndef KVMSCHED_WORST_H
#define KVMSCHED_WORST_H

#include <stdbool.h>
#include <stdint.h>

#include "model/causes.h"
#include "model/spans.h"
#include "model/state.h"
#include "model/thieves.h"

enum kvs_moment_kind {
	KVS_MOMENT_TIMER,	/* deadline to injection */
	KVS_MOMENT_IRQ,		/* accept to injection */
	KVS_MOMENT_WAIT,		/* runnable to switch in */
	KVS_MOMENT_EXIT,		/* host time of one exit, on the CPU */
	KVS_MOMENT_KINDS
};

struct kvs_moment {
	uint8_t kind;
	const struct kvs_vcpu *vcpu;
	uint64_t length;	/* of an exit without polling */
	uint64_t polled;	/* in a halt, beside that */
	/* In time stamps; what doesn't belong to the kind, or isn't known, is 0. */
	uint64_t begin;		/* deadline, accept, runnable, exit */
	uint64_t expired, accepted;
	uint64_t end;		/* injected, switched in, host time over */
	uint64_t spent[KVS_CAUSES];
	struct kvs_holder thief;	/* of the largest part of its waits */
	uint64_t thief_time;
	struct kvs_shares shares;	/* the largest parts, @thief's first */
	struct kvs_idle_wait idle;	/* of a wait */
	bool preempted;		/* likewise */
	bool policy_known;
	uint16_t policy;	/* of the vCPU's thread at its end */
	uint16_t cpu;
	uint8_t vector, exit_end;
	/* What most of spent[BLOCKED] was slept for, enum kvs_slept_for */
	uint8_t slept_for;
	/* The exit that it is, or in which it slept */
	uint8_t isa;
	bool l2;
	uint32_t reason;
};

struct kvs_worst {
	uint32_t kinds;		/* bits of those wanted; 0: none */
	uint64_t least[KVS_MOMENT_KINDS]; /* and longer than this */
	unsigned int room, count;
	struct kvs_moment *heap;
};

void kvs_worst_init(struct kvs_worst *w, unsigned int room, uint32_t kinds);
/* A sink of @m; @w stays where it is as long as @m is fed. */
void kvs_worst_listen(struct kvs_worst *w, struct kvs_model *m);
void kvs_worst_free(struct kvs_worst *w);
void kvs_worst_add(struct kvs_worst *w, const struct kvs_moment *moment);
/* The longest first; nothing can be added any more. */
void kvs_worst_sort(struct kvs_worst *w);

/* Whether a moment of that length would be kept */
static inline bool kvs_worst_wants(const struct kvs_worst *w, unsigned int kind,
				   uint64_t length)
{
	return w->kinds >> kind & 1 && length > w->least[kind] &&
	       (w->count < w->room || length > w->heap[0].length);
}

/* Which kind of moment a span is, enum kvs_moment_kind; -1: none */
int kvs_moment_kind_of(const struct kvs_span *span);
/* How long that moment is, in time stamps' units */
uint64_t kvs_moment_length(const struct kvs_span *span);
/* The moment that @span is, within the call of the sink that got it */
void kvs_moment_of(struct kvs_moment *moment, const struct kvs_span *span);
/* The spans, by KVS_SPAN_BIT(), that moments are made of whose kinds @mask has */
uint32_t kvs_moment_spans(uint32_t mask);
const char *kvs_moment_kind_name(unsigned int kind);	/* NULL beyond the last */

#endif /* KVMSCHED_WORST_H */
