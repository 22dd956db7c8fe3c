// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who listens to what: see listen.h
 */
#include <linux/limits.h>
#include <asm/barrier.h>

#include "listen.h"

/* One is published, the other is next. */
static struct ks_listen copies[2] = {
	{ .vcpus_since = U64_MAX, .halts = U64_MAX, .timers = U64_MAX, .ledger = U64_MAX },
};
const struct ks_listen *ks_listen = &copies[0];

/**
 * ks_listen_publish - from now on these listen
 * @next: who listens; its generation is that of *ks_listen plus 1
 *
 * Handlers that run now may still write for those who listened before.
 *
 * The one before the present one is overwritten.  No handler that has interrupts off
 * reads it any more; one that has them on may, and asks again with interrupts off before
 * it writes a record.
 *
 * Context: process, hooks mutex held.
 */
void ks_listen_publish(const struct ks_listen *next)
{
	struct ks_listen *copy = &copies[ks_listen == &copies[0]];

	*copy = *next;
	/* Pairs with ks_listening(), whose readers follow the pointer ... */
	smp_store_release(&ks_listen, copy);
	/* ... and with ks_vcpu_set_fast(). */
	smp_mb();
}
