/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of vCPU threads, for vcpu.c, vcpu_find.c and vcpus.c only
 *
 * The table is allocated at init, since a probe may neither allocate nor
 * sleep.  A dying thread takes the table's raw spinlock while it holds its
 * runqueue lock, so hold it briefly, and take no other lock inside.
 */
#ifndef _KVMSCHED_VCPU_TABLE_H
#define _KVMSCHED_VCPU_TABLE_H

#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>

#include "vcpu.h"

#define KS_VCPU_HASH_BITS	8

/**
 * struct ks_vcpu_table - all of it under @lock
 * @lock:	see above
 * @vcpus:	ks_vcpus_max entries
 * @used:	entries below this index were used before
 * @hash:	bound entries by key
 * @next_vm:	number for the next VM
 * @refused:	lookups that found no entry
 * @full:	there was none, and no thread has died since
 * @detaching:	no new entries; set before the notifiers are unlinked
 * @events:	classes that enabled events need
 * @session:	classes that the session records
 * @vms:	processes that it is limited to, @nr_vms of them; 0: no limit.
 *		Compared, never followed; the session holds a reference
 * @ledgers:	one for each of @vcpus, from the first follower until exit
 * @follow:	somebody follows them
 */
struct ks_vcpu_table {
	raw_spinlock_t lock;
	struct ks_vcpu *vcpus;
	unsigned int used;
	struct hlist_head hash[1 << KS_VCPU_HASH_BITS];
	u16 next_vm;
	u64 refused;
	bool full;
	bool detaching;
	u32 events;
	u32 session;
	struct pid *vms[KVMSCHED_MAX_VMS];
	u32 nr_vms;
	struct ks_ledger *ledgers;
	bool follow;
};
extern struct ks_vcpu_table ks_vcpus;

static inline struct hlist_head *ks_vcpu_bucket(struct kvm_vcpu *key)
{
	return &ks_vcpus.hash[hash_ptr(key, KS_VCPU_HASH_BITS)];
}

static inline void ks_vcpu_unhash(struct ks_vcpu *v)
{
	if (v->key)
		hlist_del_rcu(&v->node);
	v->key = NULL;
}

/* Nobody listened for a while: forget what the thread did before. */
static inline void ks_vcpu_forget_past(struct ks_vcpu *v)
{
	v->entry_tsc = 0;
	v->irq_tsc = 0;
	v->open = KS_OPEN_NONE;
	v->entry_due = false;
	v->arm_due = false;
	v->wake_tsc = 0;
	v->got_tsc = 0;
	v->in_tsc = 0;
	v->out_tsc = 0;
	v->load_tsc = 0;
	v->put_tsc = 0;
	v->polled = KS_POLLED_UNKNOWN;
}

void ks_vcpu_set_mask(struct ks_vcpu *v, bool joined);

#endif /* _KVMSCHED_VCPU_TABLE_H */
