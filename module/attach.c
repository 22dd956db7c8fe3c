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
 *	tracepoints_mutex, kprobe_mutex, text_mutex, cpu hotplug
 *
 * The mutex of the rings (session.c) nests in mmap_lock and in the session
 * mutex.  Its holders do nothing but allocate memory.
 */
#include <linux/preempt.h>
#include <linux/string.h>

#include "attach.h"
#include "hooks.h"
#include "probe.h"
#include "vcpu.h"

/*
 * All of it under ks_hooks_mutex.
 *
 * @events:	how many enabled events need each class
 * @session:	classes of the session
 * @vms:	processes that the session is limited to, @nr_vms of them; the
 *		session holds them
 * @followers:	how many files want the ledgers kept
 * @open:	events may be enabled: after init, before exit
 * @notifiers_on: preempt_notifier_inc() was done
 */
static struct {
	unsigned int events[KVMSCHED_NR_CLASSES];
	u32 session;
	struct pid *vms[KVMSCHED_MAX_VMS];
	u32 nr_vms;
	unsigned int followers;
	bool open;
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

/*
 * Attach what is wanted and detach the rest.  The order matters.  Handlers
 * must see the new masks before they are attached.  And a vCPU's mask may be
 * set only while vcpu_put is hooked: without that hook, struct ks_vcpu.vcpu
 * would point to a vCPU that has been freed.
 * @joined: somebody new listens, who needs the identity record of each vCPU.
 *
 * Return: TSC at which handlers see the new masks; attaching takes longer.
 */
static u64 ks_attach_reconcile(bool joined)
{
	u32 events = ks_event_classes();
	u32 wanted = events | wanted_by.session |
		     (wanted_by.followers ? KS_CLASS_LEDGER : 0);
	u32 before = ks_wanted_classes;
	u64 since;

	if (wanted && !wanted_by.notifiers_on) {
		/*
		 * Kept until the module exits.  KVM gives up its own count with
		 * the last VM, but we need the notifier of a thread's death.
		 */
		preempt_notifier_inc();
		wanted_by.notifiers_on = true;
	}
	if (!(before & KS_CLASS_VCPU) && (wanted & KS_CLASS_VCPU))
		ks_vcpus_forget_past();
	if (wanted & ~before & KVMSCHED_CLASS_STEAL)
		ks_steal_begin();

	WRITE_ONCE(ks_session_classes, wanted_by.session);
	WRITE_ONCE(ks_wanted_classes, wanted);
	ks_vcpus_listen(events, wanted_by.session, wanted_by.vms,
			wanted_by.nr_vms, joined);
	since = rdtsc_ordered();

	ks_hooks_attach(wanted);
	ks_hooks_detach(wanted);
	ks_vcpus_set_fast();
	if (wanted & ~before)
		ks_irq_attached();
	if (wanted & ~before & KVMSCHED_CLASS_STEAL)
		ks_steal_attached();
	/*
	 * vcpu_put is not hooked any more, so no vCPU may be known as loaded.
	 */
	if ((before & KS_CLASS_VCPU) && !(wanted & KS_CLASS_VCPU))
		ks_vcpus_forget_past();
	if (wanted & ~before)
		ks_hooks_log(wanted);
	return since;
}

/**
 * ks_attach_session - set the classes that the session records
 * @classes: KVMSCHED_CLASS_*.  0: the session ends; when this returns, no
 *	     handler writes into the rings any more
 * @vms:     processes to record; the caller holds them until the session ends
 * @nr_vms:  number of @vms; 0: record all
 *
 * Context: process, session mutex held.
 * Return: TSC from which on vCPUs record exactly these classes.
 */
u64 ks_attach_session(u32 classes, struct pid *const *vms, u32 nr_vms)
{
	u64 since;

	mutex_lock(&ks_hooks_mutex);
	wanted_by.session = classes;
	wanted_by.nr_vms = nr_vms;
	memcpy(wanted_by.vms, vms, nr_vms * sizeof(*vms));
	since = ks_attach_reconcile(classes);
	mutex_unlock(&ks_hooks_mutex);
	return since;
}

/**
 * ks_attach_events - an event is being enabled or disabled
 * @classes: classes that the event needs
 * @change:  1 or -1
 *
 * Context: process, event_mutex held.
 * Return: 0, or -ENODEV before init has ended and after exit has begun.
 */
int ks_attach_events(u32 classes, int change)
{
	int ret = -ENODEV;
	int i;

	mutex_lock(&ks_hooks_mutex);
	if (wanted_by.open) {
		for (i = 0; i < KVMSCHED_NR_CLASSES; i++)
			if (classes & (1U << i))
				wanted_by.events[i] += change;
		ks_attach_reconcile(change > 0);
		ret = 0;
	}
	mutex_unlock(&ks_hooks_mutex);
	return ret;
}

/**
 * ks_attach_follow - somebody begins or ends to follow the ledgers
 * @change: 1 or -1
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int ks_attach_follow(int change)
{
	int ret;

	mutex_lock(&ks_hooks_mutex);
	ret = ks_vcpus_follow(wanted_by.followers + change);
	if (!ret) {
		wanted_by.followers += change;
		ks_attach_reconcile(false);
	}
	mutex_unlock(&ks_hooks_mutex);
	return ret;
}

u32 ks_attached_classes(void)
{
	return READ_ONCE(ks_wanted_classes) & KVMSCHED_CLASS_ALL;
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
 * ks_vcpus_detach() must have been called: this waits for handlers of kprobes
 * and tracepoints on a busy host, and that wait must not depend on our own
 * notifiers.
 */
void ks_attach_exit(void)
{
	ks_hooks_exit();

	mutex_lock(&ks_hooks_mutex);
	wanted_by.open = false;
	memset(wanted_by.events, 0, sizeof(wanted_by.events));
	wanted_by.session = 0;
	wanted_by.followers = 0;
	WRITE_ONCE(ks_session_classes, 0);
	WRITE_ONCE(ks_wanted_classes, 0);
	ks_vcpus_listen(0, 0, NULL, 0, false);
	ks_hooks_detach(0);
	if (wanted_by.notifiers_on)
		preempt_notifier_dec();
	wanted_by.notifiers_on = false;
	mutex_unlock(&ks_hooks_mutex);
}
