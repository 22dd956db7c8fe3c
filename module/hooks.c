// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching and detaching as classes are wanted
 *
 * Workers of other CPUs do both, since either may have to wait for grace periods,
 * and must not begin any on the caller's CPU (elsewhere.c).
 */
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "rows.h"

/* Guards what is asked for; attach.c has the order of all locks. */
DEFINE_MUTEX(ks_hooks_mutex);

static void ks_attach_rows(struct work_struct *work);
static void ks_detach_rows(struct work_struct *work);

/**
 * struct ks_change - a change of the rows, done by a worker
 * @offered: its work reads what is wanted when it runs
 * @asked: how often it was asked for; written under ks_hooks_mutex
 * @done:  the last one of these that it has done
 */
struct ks_change {
	struct ks_offered offered;
	unsigned long asked;
	unsigned long done;
};

static struct ks_change ks_attach = {
	.offered = KS_OFFERED(ks_attach.offered, ks_attach_rows),
};
static struct ks_change ks_detach = {
	.offered = KS_OFFERED(ks_detach.offered, ks_detach_rows),
};
static DECLARE_WAIT_QUEUE_HEAD(ks_changed);

/* Whoever offers the work then lets it see this. */
static unsigned long ks_ask_for(struct ks_change *change)
{
	unsigned long ticket = change->asked + 1;

	WRITE_ONCE(change->asked, ticket);
	return ticket;
}

static void ks_change_is_done(struct ks_change *change, unsigned long ticket)
{
	smp_store_release(&change->done, ticket);
	wake_up_all(&ks_changed);
}

static bool ks_is_done(struct ks_change *change, unsigned long ticket)
{
	return (long)(smp_load_acquire(&change->done) - ticket) >= 0;
}

/* Would the kernel let a grace period pass before it attaches this row? */
static bool ks_attaching_waits(const struct ks_hook *hook)
{
	return !hook->attached && hook->how == KVMSCHED_HOW_TRACEPOINT &&
	       hook->tracepoint;
}

/* Let it pass now: the kernel would hold the mutex of all tracepoints. */
static void ks_wait_to_attach(void)
{
	bool waits = false;
	struct ks_hook *hook;
	struct ks_grace grace;
	unsigned int table;

	mutex_lock(&ks_rows.mutex);
	for_each_hook(table, hook)
		if (ks_hook_is_wanted(hook))
			waits |= ks_attaching_waits(hook);
	grace = ks_rows.grace;
	mutex_unlock(&ks_rows.mutex);
	if (waits) {
		ks_grace_wait(&grace);
		/* What others began since then */
		ks_grace_help();
	}
}

static void ks_attach_rows(struct work_struct *work)
{
	unsigned long ticket = READ_ONCE(ks_attach.asked);
	struct ks_worker worker;
	struct ks_hook *hook;
	unsigned int table;

	ks_work_begin(&worker);
	ks_wait_to_attach();
	mutex_lock(&ks_rows.mutex);
	for_each_hook(table, hook)
		ks_rows_attach(hook);
	mutex_unlock(&ks_rows.mutex);
	ks_work_end(&worker);
	ks_change_is_done(&ks_attach, ticket);
}

/*
 * Where no grace period ends, because a vCPU keeps RCU's own threads from a CPU,
 * the rows stay attached until it lets them: nothing could be attached again
 * before that.  Their handlers find that nobody listens.
 */
static void ks_detach_rows(struct work_struct *work)
{
	unsigned long ticket = READ_ONCE(ks_detach.asked);
	struct ks_worker worker;
	struct ks_grace grace;

	ks_work_begin(&worker);
	ks_grace_begin(&grace);
	ks_grace_wait(&grace);
	mutex_lock(&ks_rows.mutex);
	ks_rows_detach();
	grace = ks_rows.grace;
	mutex_unlock(&ks_rows.mutex);
	ks_change_is_done(&ks_detach, ticket);
	/* So that the next to attach need not wait. */
	ks_grace_wait(&grace);
	ks_work_end(&worker);
}

/* Is there a row that is wanted, but not attached (or the reverse)? */
static bool ks_rows_differ(bool attached)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook)
		if (hook->attached == attached &&
		    ks_hook_is_wanted(hook) != attached)
			return true;
	return false;
}

/* The same, and true if a worker is at it: the caller does not wait for that. */
static bool ks_rows_may_differ(bool attached)
{
	bool differ;

	if (!mutex_trylock(&ks_rows.mutex))
		return true;
	differ = ks_rows_differ(attached);
	mutex_unlock(&ks_rows.mutex);
	return differ;
}

/**
 * ks_hooks_attach - attach the rows that a wanted class needs
 * @wanted: KVMSCHED_CLASS_*, and KS_CLASS_LEDGER
 *
 * A worker does it; a signal that kills the caller ends the wait for it.
 *
 * Context: process, hooks mutex held.
 * Return: 0, or -ERESTARTSYS: the caller is killed.
 */
int ks_hooks_attach(u32 wanted)
{
	unsigned long ticket;

	WRITE_ONCE(ks_rows.wanted, ks_rows.wanted | wanted);
	if (!ks_rows_may_differ(false))
		return 0;
	ticket = ks_ask_for(&ks_attach);
	ks_offer_until(&ks_attach.offered, ks_changed,
		       ks_is_done(&ks_attach, ticket), UINT_MAX, TASK_KILLABLE,
		       "attaching");
	return ks_wait_long(ks_changed, ks_is_done(&ks_attach, ticket),
			    TASK_KILLABLE, "attaching");
}

/* A usual grace period is over in less, and one of these CPUs has time. */
#define KS_DETACH_OFFERS 5
#define KS_DETACH_NS	NSEC_PER_SEC

/**
 * ks_hooks_detach - detach the rows that no wanted class needs
 * @wanted: KVMSCHED_CLASS_*, and KS_CLASS_LEDGER
 *
 * A worker does it.  They may still be attached when this returns, if grace
 * periods last long; and handlers may still run.  Nothing is logged then: the caller
 * has waited for less than KS_DELAY.
 *
 * Context: process, hooks mutex held.
 */
void ks_hooks_detach(u32 wanted)
{
	static int slow_cpu;	/* where it was offered last */
	bool slow = !ks_is_done(&ks_detach, ks_detach.asked);
	struct ks_alarm alarm;
	unsigned long ticket;

	WRITE_ONCE(ks_rows.wanted, wanted);
	if (!ks_rows_may_differ(true))
		return;
	ticket = ks_ask_for(&ks_detach);
	if (slow) {
		/* It may wait for a CPU that has no time: each call asks another one. */
		slow_cpu = ks_offer(&ks_detach.offered, slow_cpu);
		return;
	}
	ks_offer_until(&ks_detach.offered, ks_changed,
		       ks_is_done(&ks_detach, ticket), KS_DETACH_OFFERS,
		       TASK_UNINTERRUPTIBLE, "detaching");
	ks_wait_for(&alarm, ks_changed, ks_is_done(&ks_detach, ticket),
		    TASK_UNINTERRUPTIBLE, KS_DETACH_NS);
}

/**
 * ks_hooks_init - find the tracepoints, and follow modules from now on
 *
 * Return: 0 or a negative errno; nothing is attached yet.
 */
int ks_hooks_init(void)
{
	return ks_rows_init() ?: ks_hook_modules_init();
}

static void ks_detach_all(void *unused)
{
	ks_rows_detach();
	ks_rows_unregister(NULL);
}

static void ks_wait_for_changes(void *unused)
{
	ks_offer_withdraw_sync(&ks_attach.offered);
	ks_offer_withdraw_sync(&ks_detach.offered);
}

/* As tracepoint_synchronize_unregister() does, but on no other CPU's worker. */
static void ks_wait_for_handlers(void *unused)
{
	struct ks_grace grace;

	ks_grace_begin(&grace);
	ks_grace_wait(&grace);
}

/**
 * ks_hooks_exit - detach everything, and stop following modules
 *
 * Nothing else in the module waits as long as a vCPU keeps grace periods from
 * ending: afterwards no handler runs.
 */
void ks_hooks_exit(void)
{
	mutex_lock(&ks_rows.mutex);
	WRITE_ONCE(ks_rows.wanted, 0);
	ks_rows.closed = true;
	mutex_unlock(&ks_rows.mutex);
	ks_elsewhere("rmmod", ks_wait_for_changes, NULL);

	mutex_lock(&ks_rows.mutex);
	ks_elsewhere("rmmod", ks_detach_all, NULL);
	mutex_unlock(&ks_rows.mutex);
	ks_hook_modules_exit();
	ks_elsewhere("rmmod", ks_wait_for_handlers, NULL);
}
