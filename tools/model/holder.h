/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who the holder of a CPU is, in words: its policy, and what it is to the vCPU that
 * waits.  What the records don't tell is "unknown", or all that it can be.
 */
#ifndef KVMSCHED_HOLDER_H
#define KVMSCHED_HOLDER_H

#include "model/model.h"
#include "model/thieves.h"

enum kvs_relation {
	KVS_RELATION_UNKNOWN,	/* not told */
	KVS_RELATION_OWN_VCPU,	/* a vCPU of the same VM */
	KVS_RELATION_OWN_THREAD,	/* another thread of the VMM's process */
	KVS_RELATION_OTHER_VCPU,	/* a vCPU of another VM */
	KVS_RELATION_OTHER_THREAD,	/* another thread of another VM's VMM */
	KVS_RELATION_KERNEL,	/* a thread of the kernel */
	KVS_RELATION_OTHER,	/* none of these */
	KVS_RELATIONS
};

/* What @who, a task, is to @v, which waits */
enum kvs_relation kvs_holder_relation(const struct kvs_model *m, const struct kvs_vcpu *v,
				      const struct kvs_holder *who);
const char *kvs_relation_name(enum kvs_relation relation);

/*
 * "SCHED_FIFO 50", "SCHED_BATCH, nice 5"; "SCHED_FIFO or RR 50" where it isn't told; and
 * which deadline server lets it run, if one does
 */
#define KVS_POLICY_LEN	96
const char *kvs_holder_policy(char text[KVS_POLICY_LEN], const struct kvs_holder *who);
/* Without priority or nice; NULL: not told */
const char *kvs_holder_policy_name(const struct kvs_holder *who);

#endif /* KVMSCHED_HOLDER_H */
