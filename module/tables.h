/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of threads, vCPUs and VMs, for the files that change them: tables.c,
 * thread.c, vm.c, vcpu.c, vcpu_find.c, vcpus.c and identity.c
 *
 * They are allocated at init, since a probe may neither allocate nor sleep.  A
 * thread that is switched out takes the raw spinlock of the tables while it holds
 * its runqueue lock, so hold it briefly, and take no other lock inside but that of
 * identity.c.
 */
#ifndef _KVMSCHED_TABLES_H
#define _KVMSCHED_TABLES_H

#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "thread.h"
#include "vcpu.h"
#include "vm.h"

#define KS_VCPU_HASH_BITS	8

/**
 * struct ks_tables - all of it under @lock
 * @lock:	see above
 * @threads:	ks_vcpus_max entries each, and so do @vcpus and @vms
 * @used_threads: entries below this index were used before; likewise @used_vcpus,
 *		@used_vms
 * @hash:	vCPUs by key
 * @last_vm:	number of the last new VM
 * @refused:	lookups that found no entry
 * @threads_full: there was none, and none has become free since; likewise
 *		@vcpus_full
 * @detaching:	no new entries; set before the notifiers are unlinked
 * @ledgers:	one for each of @vcpus, from the first follower until exit
 */
struct ks_tables {
	raw_spinlock_t lock;
	struct ks_thread *threads;
	struct ks_vcpu *vcpus;
	struct ks_vm *vms;
	unsigned int used_threads;
	unsigned int used_vcpus;
	unsigned int used_vms;
	struct hlist_head hash[1 << KS_VCPU_HASH_BITS];
	u16 last_vm;
	u64 refused;
	bool threads_full;
	bool vcpus_full;
	bool detaching;
	struct ks_ledger *ledgers;
};
extern struct ks_tables ks_tables;

static inline struct hlist_head *ks_vcpu_bucket(struct kvm_vcpu *key)
{
	return &ks_tables.hash[hash_ptr(key, KS_VCPU_HASH_BITS)];
}

/* May an entry be used again that was given up then?  0: it never was used. */
static inline bool ks_grace_period_over(unsigned long dead_gp)
{
	return !dead_gp || poll_state_synchronize_rcu(dead_gp);
}

/**
 * ks_find_free - an entry that nobody has, and that nobody reads any more
 * @entries: the table, of ks_vcpus_max entries
 * @used:    how many of them were ever used; gets one more if need be
 * @owner:   the field that is NULL while an entry is free
 * @soon:    bool that says, if there is none, whether a grace period frees one:
 *	     whoever wants it calls ks_tables_want_room()
 *
 * Context: the lock of the tables is held.
 * Return: the entry or NULL.
 */
#define ks_find_free(entries, used, owner, soon) ({			\
	typeof(entries) entry_, found_ = NULL;				\
									\
	(soon) = false;							\
	for (entry_ = (entries); entry_ < (entries) + ks_vcpus_max; entry_++) { \
		if (entry_->owner)					\
			continue;					\
		if (ks_grace_period_over(entry_->dead_gp)) {		\
			found_ = entry_;				\
			WRITE_ONCE(used, max_t(unsigned int, used,	\
					       entry_ - (entries) + 1)); \
			break;						\
		}							\
		(soon) = true;						\
	}								\
	found_;								\
})

void ks_tables_want_room(void);
void ks_vcpu_free(struct ks_vcpu *v);

/**
 * ks_vcpu_ledger - the ledger of a vCPU, if it is kept
 * @v: any entry
 *
 * It is not if the vCPU's thread has ended, and no other has come since.
 *
 * Context: the lock of the tables is held.  Within KVM_RUN the owner does not take it,
 * and may set @v->ledger to NULL at any time: use the one that is returned.
 * Return: the ledger, which stays until exit, or NULL.
 */
static inline struct ks_ledger *ks_vcpu_ledger(const struct ks_vcpu *v)
{
	struct ks_ledger *ledger = READ_ONCE(v->ledger);

	return v->key && READ_ONCE(v->seen) &&
	       READ_ONCE(v->ledger_seen) >= ks_listening()->ledger ? ledger : NULL;
}

#endif /* _KVMSCHED_TABLES_H */
