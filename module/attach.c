// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who listens to what, and the hooks and vCPUs brought in line with it
 *
 * Locks, outermost first:
 *
 *	mmap_lock (perf's munmap)
 *	event_mutex (ftrace: events enabled) | session mutex (ioctls) |
 *	tracepoint_module_list_mutex | module_notify_list (notifiers)
 *	ks_hooks_mutex
 *	the mutex of the rows (rows.c)
 *	tracepoints_mutex, kprobe_mutex, text_mutex, cpu hotplug
 *
 * The notifiers skip ks_hooks_mutex.  Its holders, and those of event_mutex, wait
 * for workers (elsewhere.c), which take the mutex of the rows and what is below
 * it, and wait for grace periods.  Whoever holds the mutex of the rows waits
 * only for workers that take nothing but the kernel's own locks.
 *
 * The mutex of the rings (session.c) nests in mmap_lock and in the session
 * mutex.  Its holders do nothing but allocate memory.
 */
#include <linux/cpu.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/tsc.h>

#include "attach.h"
#include "hooks.h"
#include "listen.h"
#include "probe.h"
#include "vcpu.h"

/*
 * All of it under ks_hooks_mutex.
 *
 * @events:	how many enabled events need each class
 * @session:	classes of the session, for which hooks are attached
 * @recording:	the session records by now
 * @vms:	processes that the session is limited to, @nr_vms of them
 * @followers:	how many files want the ledgers kept
 * @asleep:	the machine goes to sleep: nobody gets what he wants meanwhile
 * @open:	events may be enabled: after init, before exit
 * @hooked:	classes whose hooks are attached, as far as that can be
 * @notifiers_on: preempt_notifier_inc() was done
 */
static struct {
	unsigned int events[KVMSCHED_NR_CLASSES];
	u32 session;
	bool recording;
	struct ks_process vms[KVMSCHED_MAX_VMS];
	u32 nr_vms;
	unsigned int followers;
	bool asleep;
	bool open;
	u32 hooked;
	bool notifiers_on;
} wanted_by;

static u32 ks_event_classes(void)
{
	u32 classes = 0;
	int i;

	for (i = 0; i < KVMSCHED_NR_CLASSES; i++)
		if (wanted_by.events[i])
			classes |= 1U << i;
	return classes;
}

/* The classes whose hooks anybody wants attached */
static u32 ks_hooked_classes(void)
{
	return ks_event_classes() | wanted_by.session |
	       (wanted_by.followers ? KS_CLASS_LEDGER : 0);
}

/*
 * Attach the hooks that are wanted; their handlers wait for ks_publish().
 *
 * Return: 0, or -ERESTARTSYS: the caller is killed, and must take back what it wants.
 */
static int ks_attach_wanted(void)
{
	u32 wanted = ks_hooked_classes();
	u32 before = wanted_by.hooked;
	int ret;

	if (!(wanted & ~before))
		return 0;
	if (!wanted_by.notifiers_on) {
		/*
		 * Kept until the module exits.  KVM gives up its own count with
		 * the last VM, but we need the notifier of a thread's death.
		 */
		preempt_notifier_inc();
		wanted_by.notifiers_on = true;
	}
	if (!(before & KS_CLASS_VCPU) && (wanted & KS_CLASS_VCPU) &&
	    !ks_hooks_watch_vms())
		ks_vcpus_forget_vms();
	if (wanted & ~before & KVMSCHED_CLASS_STEAL)
		ks_steal_begin();
	ret = ks_hooks_attach(before | wanted);
	if (ret) {
		ks_hooks_detach(before);
		return ret;
	}
	WRITE_ONCE(wanted_by.hooked, before | wanted);
	/* An interrupt that an earlier session saw begin may have ended since. */
	ks_irq_attached(before);
	if (wanted & ~before & KVMSCHED_CLASS_STEAL)
		ks_steal_attached();
	ks_hooks_log(wanted);
	return 0;
}

/* Who begins to want something waits for those who do so already, and may be killed. */
static int ks_lock_hooks(bool killable)
{
	if (killable)
		return mutex_lock_killable(&ks_hooks_mutex);
	mutex_lock(&ks_hooks_mutex);
	return 0;
}

/* When did this begin, which has been wanted since the publication @before? */
static u64 ks_begun(bool now, u64 before, const struct ks_listen *next)
{
	if (!now)
		return U64_MAX;
	return before != U64_MAX ? before : next->generation;
}

/*
 * Publish who listens by now, all hooks being attached.
 * @joined: somebody new listens, who needs the identity record of each vCPU
 *
 * Return: TSC; all records of those who listen no more are older.
 */
static u64 ks_publish(bool joined)
{
	const struct ks_listen *now = ks_listening();
	bool follow = wanted_by.followers && !wanted_by.asleep, steal;
	struct ks_listen next = {
		.generation = now->generation + 1,
		.nr_vms = wanted_by.nr_vms,
	};

	if (!wanted_by.asleep) {
		next.events = ks_event_classes();
		next.session = wanted_by.recording ? wanted_by.session : 0;
	}
	next.classes = next.events | next.session | (follow ? KS_CLASS_LEDGER : 0);
	memcpy(next.vms, wanted_by.vms, sizeof(next.vms));
	if (next.session)
		next.recording = now->recording ?: next.generation;
	next.identity = joined ? next.generation : now->identity;
	next.ledger = ks_begun(follow, now->ledger, &next);
	next.vcpus_since = ks_begun(next.classes & KS_CLASS_VCPU, now->vcpus_since, &next);
	next.halts = ks_begun(next.classes & (KVMSCHED_CLASS_SWITCH | KS_CLASS_LEDGER),
			      now->halts, &next);
	next.timers = ks_begun(next.classes & KVMSCHED_CLASS_TIMER, now->timers, &next);
	steal = next.classes & ~now->classes & KVMSCHED_CLASS_STEAL;
	if (steal)
		ks_throttle_look();
	ks_listen_publish(&next);
	ks_vcpus_look_again();
	/* Whoever has looked at the one before writes no more after this. */
	cpus_read_lock();
	kick_all_cpus_sync();
	cpus_read_unlock();
	if (steal)
		ks_throttle_look();
	return rdtsc_ordered();
}

/* Detach the hooks that nobody wants any more. */
static void ks_detach_unwanted(void)
{
	u32 wanted = ks_hooked_classes();

	if (wanted == wanted_by.hooked)
		return;
	WRITE_ONCE(wanted_by.hooked, wanted);
	ks_hooks_detach(wanted);
}

/**
 * ks_attach_session - attach the hooks of a session, which records nothing yet
 * @classes: KVMSCHED_CLASS_*
 * @vms:     processes to record
 * @nr_vms:  number of @vms; 0: record all
 *
 * Context: process, session mutex held.
 * Return: 0, or -EINTR or -ERESTARTSYS: the caller is killed, and there is no session.
 */
int ks_attach_session(u32 classes, const struct ks_process *vms, u32 nr_vms)
{
	int ret = mutex_lock_killable(&ks_hooks_mutex);

	if (ret)
		return ret;
	wanted_by.session = classes;
	wanted_by.nr_vms = nr_vms;
	memcpy(wanted_by.vms, vms, nr_vms * sizeof(*vms));
	ret = ks_attach_wanted();
	if (ret) {
		wanted_by.session = 0;
		wanted_by.nr_vms = 0;
	}
	mutex_unlock(&ks_hooks_mutex);
	return ret;
}

/**
 * ks_attach_record - the session records from now on
 *
 * Context: process, session mutex held, after ks_attach_session().
 */
void ks_attach_record(void)
{
	mutex_lock(&ks_hooks_mutex);
	wanted_by.recording = true;
	ks_publish(true);
	mutex_unlock(&ks_hooks_mutex);
}

/**
 * ks_attach_stop - the session records nothing any more
 * @last: writes what is told of each vCPU at the end.  It is called with the hooks mutex,
 *	  for which the caller may have waited long: a flight recorder would have overwritten
 *	  by then what was told before
 *
 * Context: process, session mutex held.
 * Return: TSC; all records of the session are older.
 */
u64 ks_attach_stop(void (*last)(void))
{
	u64 ended;

	mutex_lock(&ks_hooks_mutex);
	last();
	wanted_by.recording = false;
	ended = ks_publish(false);
	mutex_unlock(&ks_hooks_mutex);
	return ended;
}

/**
 * ks_attach_session_end - detach the hooks that only the session wanted
 *
 * Context: process, session mutex held, after ks_attach_stop().
 */
void ks_attach_session_end(void)
{
	mutex_lock(&ks_hooks_mutex);
	wanted_by.session = 0;
	wanted_by.nr_vms = 0;
	ks_detach_unwanted();
	mutex_unlock(&ks_hooks_mutex);
}

static void ks_count_event(u32 classes, int change)
{
	int i;

	for (i = 0; i < KVMSCHED_NR_CLASSES; i++)
		if (classes & (1U << i))
			wanted_by.events[i] += change;
}

/**
 * ks_attach_events - an event is being enabled or disabled
 * @classes: classes that the event needs
 * @change:  1 or -1
 *
 * Context: process, event_mutex held.
 * Return: 0, -ENODEV before init has ended and after exit has begun, or -EINTR or
 * -ERESTARTSYS: the caller is killed, and the event is not enabled.
 */
int ks_attach_events(u32 classes, int change)
{
	int ret = ks_lock_hooks(change > 0);

	if (ret)
		return ret;
	ret = -ENODEV;
	if (wanted_by.open) {
		ks_count_event(classes, change);
		ret = change > 0 ? ks_attach_wanted() : 0;
		if (ret)
			ks_count_event(classes, -change);
		else
			ks_publish(change > 0);
		ks_detach_unwanted();
	}
	mutex_unlock(&ks_hooks_mutex);
	return ret;
}

/**
 * ks_attach_follow - somebody begins or ends to follow the ledgers
 * @change: 1 or -1
 *
 * Context: process.
 * Return: 0, -ENOMEM, or -EINTR or -ERESTARTSYS: the caller is killed, and does not
 * follow.
 */
int ks_attach_follow(int change)
{
	int ret = ks_lock_hooks(change > 0);

	if (ret)
		return ret;
	if (change > 0)
		ret = ks_vcpus_make_ledgers();
	if (!ret) {
		wanted_by.followers += change;
		ret = change > 0 ? ks_attach_wanted() : 0;
		if (ret)
			wanted_by.followers -= change;
		else
			ks_publish(false);
		ks_detach_unwanted();
	}
	mutex_unlock(&ks_hooks_mutex);
	return ret;
}

/**
 * ks_attach_sleep - the machine goes to sleep, or is awake again
 * @asleep: nobody gets anything from now on; or, false, all get what they want
 *	    again, as if they had just come: ledgers begin anew, each vCPU is
 *	    identified again, and no time stamp from before is known any more
 *
 * Context: process.
 */
void ks_attach_sleep(bool asleep)
{
	mutex_lock(&ks_hooks_mutex);
	wanted_by.asleep = asleep;
	ks_publish(!asleep);
	mutex_unlock(&ks_hooks_mutex);
}

u32 ks_attached_classes(void)
{
	return READ_ONCE(wanted_by.hooked) & KVMSCHED_CLASS_ALL;
}

/**
 * ks_attach_open - init is over: events may be enabled from now on
 */
void ks_attach_open(void)
{
	mutex_lock(&ks_hooks_mutex);
	wanted_by.open = true;
	mutex_unlock(&ks_hooks_mutex);
}

/**
 * ks_attach_exit - detach everything
 *
 * ks_threads_detach() must have been called: this waits for handlers of kprobes
 * and tracepoints on a busy host, and that wait must not depend on our own
 * notifiers.
 */
void ks_attach_exit(void)
{
	mutex_lock(&ks_hooks_mutex);
	wanted_by.open = false;
	memset(wanted_by.events, 0, sizeof(wanted_by.events));
	wanted_by.session = 0;
	wanted_by.recording = false;
	wanted_by.followers = 0;
	ks_publish(false);
	WRITE_ONCE(wanted_by.hooked, 0);
	mutex_unlock(&ks_hooks_mutex);

	/* Without the mutex: this takes tracepoint_module_list_mutex. */
	ks_hooks_exit();
	if (wanted_by.notifiers_on)
		preempt_notifier_dec();
	wanted_by.notifiers_on = false;
}
