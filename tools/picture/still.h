/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A still of the time line: what each vCPU did between two moments, who ran on each CPU,
 * and what tasks of guests did.  A sink of the model fills it, but for these tasks; svg.c
 * draws it.
 */
#ifndef KVMSCHED_STILL_H
#define KVMSCHED_STILL_H

#include "picture/lanes.h"
#include "picture/strip.h"

/* A vCPU's lane */
struct kvs_still_vcpu {
	const struct kvs_vcpu *vcpu;	/* NULL: nothing of it came */
	struct kvs_strip states;	/* kinds: enum kvmsched_state */
	struct kvs_strip armed;		/* one kind: its timer was armed */
	struct kvs_strip timer;		/* one kind: it was due, and not injected */
	bool *injected;			/* [column]: an interrupt was */
};

struct kvs_still_cpu {
	unsigned int cpu;
	struct kvs_strip runs;		/* kinds: enum kvs_runs */
};

struct kvs_still {
	struct kvs_frame frame;
	struct kvs_lanes lanes;
	struct kvs_still_vcpu *vcpus;	/* by lane */
	struct kvs_strip *guests;	/* likewise; kinds: enum kvs_guest_task_does */
	struct kvs_still_cpu *cpus;	/* in the order of their numbers, when finished */
};

void kvs_still_init(struct kvs_still *still, const struct kvs_frame *frame);
void kvs_still_free(struct kvs_still *still);

/* A vCPU is to be drawn; false if there are as many as can be. */
bool kvs_still_want(struct kvs_still *still, const struct kvs_vcpu *v);

/* After the last kvs_still_want(), before the first record.  @still must stay. */
void kvs_still_listen(struct kvs_still *still, struct kvs_model *m);
/* After the last record: a kvs_guest_lane_fn; @ctx: struct kvs_still */
void kvs_still_guest(void *ctx, unsigned int lane, enum kvs_guest_task_does does, u64 begin,
		     u64 end);
/* After the last record: put the CPUs in order. */
void kvs_still_finish(struct kvs_still *still);

#endif /* KVMSCHED_STILL_H */
