/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which VM a guest's trace is of, which of its CPUs is which vCPU, and the proof of it.
 *
 *	join.c		tries all vCPUs; the one mapping that causality allows is it
 *	refuse.c	what to say where there is none, or more than one
 */
#ifndef KVMSCHED_JOIN_H
#define KVMSCHED_JOIN_H

#include "base/vm.h"
#include "merge/causal.h"
#include "merge/guestside.h"

/* Which vCPU a guest CPU is, as the user says */
struct kvs_told_cpu {
	struct kvs_vm_id vm;	/* of this VM; any: of the only guest; its name is ours */
	long cpu, vcpu;
};

/* What the user says about all guests */
struct kvs_told {
	struct kvs_told_cpu *cpus;
	size_t nr;
};

/* A guest's CPU, joined */
struct kvs_joined_cpu {
	const struct kvs_host_vcpu *vcpu;	/* NULL: it has no event, and nobody told */
	struct kvs_placed placed;
};

struct kvs_joined {
	struct kvs_vm_id vm;		/* whose it is, if the user says so */
	struct kvs_guest_side side;
	struct kvs_joined_cpu *cpus;	/* @side.parts->cpus of them */
	struct kvs_shifts shifts;	/* of all its events together; they hold 0 */
};

/* Events outside of guest mode of a vCPU that the user says it isn't: worse than any other */
#define KVS_NOT_TOLD	UINT64_MAX

/* A VM that a guest's trace may be of */
struct kvs_candidate {
	struct kvs_host_vcpu *const *vcpus;	/* within those of the host */
	size_t nr;
	/* By CPU with events, then by vCPU; complete where it fits */
	struct kvs_placed *placed;
	bool *fits;
	enum { KVS_CANDIDATE_NO, KVS_CANDIDATE_ONE, KVS_CANDIDATE_SEVERAL } ways;
	size_t *vcpu_of;		/* by CPU with events; valid unless there's no way */
};

struct kvs_candidates {
	struct kvs_candidate *vms;
	size_t nr;
	unsigned int *cpus;		/* those that have events */
	size_t nr_cpus;
};

/* Fills in @g->cpus and @g->shifts; false after a message that says why it can't be. */
bool kvs_join(struct kvs_joined *g, const struct kvs_host_side *h, const struct kvs_told *told);
void kvs_joined_free(struct kvs_joined *g);
/* Any vCPU of the VM that it was joined with */
const struct kvs_host_vcpu *kvs_joined_vcpu(const struct kvs_joined *g);

/* Is it of the VM that is selected, and has a CPU, with events, that is the vCPU? */
bool kvs_joined_selected(const struct kvs_joined *g, const struct kvs_select *select);
/* Is this CPU of it the vCPU that is selected?  One without events is none. */
bool kvs_joined_cpu_selected(const struct kvs_joined *g, unsigned int cpu,
			     const struct kvs_select *select);
/* The message for guests of which none is selected */
void kvs_joined_none_selected(const struct kvs_select *select);

/* "web1/4711", as the user may name it */
const char *kvs_host_vm_label(char label[KVS_VM_LEN], const struct kvs_host_vcpu *v);

/* The message for a guest that @c has no way for, or more than one */
void kvs_join_refuse(const struct kvs_joined *g, const struct kvs_host_side *h,
		     const struct kvs_candidates *c);

#endif /* KVMSCHED_JOIN_H */
