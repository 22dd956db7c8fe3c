// SPDX-License-Identifier: GPL-2.0-only
/*
 * Class host: every context switch of the host, so that the time slices of
 * ordinary processes can be compared with those of vCPUs
 */
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <trace/events/sched.h>

#include "compat/sched.h"
#include "probe.h"
#include "record.h"
#include "task.h"

/*
 * prev_state does not tell whether prev is still runnable: up to 6.1 it is that of before a
 * signal ended the sleep at once, and since 6.12 that of before a wakeup during the switch.
 *
 * Context: interrupts off, runqueue lock held.
 */
static void ks_on_host_switch(void *data, bool preempt, struct task_struct *prev,
			      struct task_struct *next, unsigned int prev_state)
{
	struct ks_rec_host_switch *r;
	u64 now;

	if (!ks_anybody_wants(KVMSCHED_CLASS_HOST))
		return;
	now = rdtsc_ordered();
	r = ks_begin_at(host_switch, ks_session_wants(KVMSCHED_CLASS_HOST), now);
	ks_set_task(r, prev_, prev);
	ks_set_task(r, next_, next);
	r->preempted = ks_task_runnable(prev);
	/* KVM's notifier shows those that no other class has let us see, within KVM_RUN. */
	r->vcpus = (hlist_empty(&prev->preempt_notifiers) ? 0 : 1) |
		   (hlist_empty(&next->preempt_notifiers) ? 0 : 2);
	ks_end_at(host_switch, r);
}

struct ks_hook ks_host_hooks[] = {
	KS_CHECKED_ROW(sched_switch, "", KVMSCHED_CLASS_HOST, KS_ALWAYS,
		       ks_on_host_switch),
	{}
};
