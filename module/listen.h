/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who listens to what: one pointer, which all handlers read
 *
 * It is published after the last hook has been attached, and another one before
 * the first is detached.  In between, and while nobody listens, handlers return
 * at once.  So a recording begins and ends at one moment, whatever the order in
 * which hooks come and go.
 *
 * Whoever publishes sends an interrupt to each CPU then, and waits for it.  So a
 * handler that has read the old one with interrupts off, and writes in the same
 * section, has finished by then.
 */
#ifndef _KVMSCHED_LISTEN_H
#define _KVMSCHED_LISTEN_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "process.h"
#include "uapi/kvmsched.h"

/* Beside KVMSCHED_CLASS_*: somebody follows the ledgers. */
#define KS_CLASS_LEDGER		(1U << 16)

/* The classes whose records name a vCPU */
#define KS_CLASS_VCPU	\
	((KVMSCHED_CLASS_ALL & ~KVMSCHED_CLASS_HOST) | KS_CLASS_LEDGER)

/**
 * struct ks_listen - who listens to what
 * @generation:	number of this publication, from 1 on
 * @classes:	all that anybody wants: KVMSCHED_CLASS_* and KS_CLASS_LEDGER
 * @session:	classes that the session records, 0: there is none
 * @events:	classes that enabled events need
 * @recording:	generation in which the session began, 0: there is none
 * @vcpus_since: the generation since which the hooks of vCPUs have been attached
 *		without a pause.  State of a vCPU or thread that was last updated
 *		in an older one is out of date.  U64_MAX: they are not attached
 * @halts:	the same for the hooks that see halts, and @timers for those that see
 *		the guest's timers
 * @ledger:	since this generation somebody follows the ledgers; U64_MAX: nobody
 * @identity:	somebody new listens since this generation, and needs the identity
 *		record of each vCPU
 * @vms:	processes that the session is limited to, @nr_vms of them; 0: no
 *		limit
 */
struct ks_listen {
	u64 generation;
	u32 classes;
	u32 session;
	u32 events;
	u64 recording;
	u64 vcpus_since;
	u64 halts;
	u64 timers;
	u64 ledger;
	u64 identity;
	struct ks_process vms[KVMSCHED_MAX_VMS];
	u32 nr_vms;
};

/* Never NULL.  Written by ks_listen_publish(), read in any context. */
extern const struct ks_listen *ks_listen;

void ks_listen_publish(const struct ks_listen *next);

static __always_inline const struct ks_listen *ks_listening(void)
{
	return READ_ONCE(ks_listen);
}

static inline bool ks_anybody_wants(u32 classes)
{
	return ks_listening()->classes & classes;
}

/* Interrupts must be off until the record is written. */
static inline bool ks_session_wants(u32 classes)
{
	return ks_listening()->session & classes;
}

#endif /* _KVMSCHED_LISTEN_H */
