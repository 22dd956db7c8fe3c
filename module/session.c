// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring session: START, STOP, and all ioctls in between
 *
 *	          START                 STOP               last close
 *	idle ────────────► recording ────────► stopped ────────────► idle
 *	                       ▲                   │    (or START again)
 *	                       └───────────────────┘
 *
 * While recording or stopped, the rings belong to the file that started it.
 */

#include <linux/clocksource.h>
#include <linux/cpu.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

#include "attach.h"
#include "clock.h"
#include "compat/mm.h"
#include "compat/workqueue.h"
#include "elsewhere.h"
#include "hooks.h"
#include "memory.h"
#include "probe.h"
#include "ring.h"
#include "session.h"
#include "session_records.h"
#include "vcpu.h"

static void ks_wake_readers(struct work_struct *work);

/*
 * @mutex:	guards everything here and, while nobody records, the rings.
 *		START holds it while it allocates, which may take seconds
 * @rings_mutex: guards @owner, @facts, @cut, the conversion of time stamps and
 *		the memory of rings that have an owner as well: one of the
 *		mutexes is needed to look, both to change.  It is held for
 *		moments only, so whoever just looks takes @rings_mutex alone:
 *		INFO, STATS, poll() and mmap().  The last must: it is called
 *		with mmap_lock held, and a holder of @mutex may wait for CPU
 *		hotplug, within which cpusets take mmap_lock.
 * @owner:	whose rings these are; NULL when idle
 * @facts:	what is recorded; its @classes are 0 when idle or stopped
 * @recording:	hooks are attached, and the session's end has not begun
 * @cut:	the kernel ended it, not its owner
 * @tsc_mult:	conversion of the session's time stamps, likewise @tsc_shift
 *		and @tsc_offset; see struct kvmsched_info
 * @wait:	readers in poll()
 * @wake:	wakes them
 */
static struct {
	struct mutex mutex;
	struct mutex rings_mutex;
	struct file *owner;
	struct ks_session_facts facts;
	bool recording;
	bool cut;
	u32 tsc_mult;
	u32 tsc_shift;
	u64 tsc_offset;
	wait_queue_head_t wait;
	struct work_struct wake;
} session = {
	.mutex = __MUTEX_INITIALIZER(session.mutex),
	.rings_mutex = __MUTEX_INITIALIZER(session.rings_mutex),
	.wait = __WAIT_QUEUE_HEAD_INITIALIZER(session.wait),
	.wake = __WORK_INITIALIZER(session.wake, ks_wake_readers),
};

static void ks_wake_readers(struct work_struct *work)
{
	wake_up_interruptible(&session.wait);
}

/*
 * A ring is half full.  The lock of a wait queue sleeps on PREEMPT_RT, so a
 * worker takes it.  The worker is bound to no CPU, since a real-time vCPU may
 * keep this CPU from all others.
 */
static void ks_queue_wakeup(struct irq_work *work)
{
	queue_work(system_dfl_wq, &session.wake);
}

/* Take the rings away from their owner, then free them. */
static void ks_free_rings(void)
{
	int cpu;

	mutex_lock(&session.rings_mutex);
	session.facts.pages = 0;
	session.owner = NULL;
	mutex_unlock(&session.rings_mutex);

	for_each_possible_cpu(cpu)
		ks_ring_free(cpu);
}

/* Replace the rings of the session before; nobody owns the new ones yet. */
static int ks_alloc_rings(u32 pages, bool overwrite)
{
	int cpu, ret;

	ks_free_rings();
	if (!ks_memory_suffices((u64)num_possible_cpus() * (KVMSCHED_RING_DATA + pages)))
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		ret = ks_ring_alloc(cpu, pages, overwrite, ks_queue_wakeup);
		if (ret) {
			ks_free_rings();
			return ret;
		}
	}
	return 0;
}

/* Context: rings_mutex held. */
static void ks_calibrate_clock(void)
{
	unsigned long flags;
	u64 tsc, ns;

	clocks_calc_mult_shift(&session.tsc_mult, &session.tsc_shift, tsc_khz,
			       NSEC_PER_MSEC, 0);
	/* trace-cmd and perf read the multiplier as a signed int. */
	if (session.tsc_mult >> 31) {
		session.tsc_mult >>= 1;
		session.tsc_shift--;
	}
	local_irq_save(flags);
	tsc = rdtsc_ordered();
	ns = ktime_get_ns();
	local_irq_restore(flags);
	session.tsc_offset = ns - mul_u64_u32_shr(tsc, session.tsc_mult,
						  session.tsc_shift);
}

static void ks_flush_ring(void *unused)
{
	ks_ring_flush(this_cpu_ptr(&ks_rings));
}

static void ks_flush_rings(void)
{
	int cpu;

	cpus_read_lock();
	for_each_possible_cpu(cpu)
		if (!cpu_online(cpu))
			ks_ring_flush(per_cpu_ptr(&ks_rings, cpu));
	on_each_cpu(ks_flush_ring, NULL, 1);
	cpus_read_unlock();
}

/* Context: process, session mutex and hooks mutex held; the session still records. */
static void ks_write_last_of_vcpus(void)
{
	/* Of a flight recorder, what was told only once may be overwritten by now. */
	if (session.facts.overwrite)
		ks_throttle_tell_again();
	ks_vcpus_record_last(session.facts.overwrite);
}

static void ks_stop_recording(void)
{
	if (!session.facts.classes)
		return;
	WRITE_ONCE(session.recording, false);
	session.facts.ended = ks_attach_stop(ks_write_last_of_vcpus);
	if (session.facts.overwrite)
		ks_session_write_hooks(&session.facts, session.facts.ended);
	ks_session_write_last(&session.facts);
	mutex_lock(&session.rings_mutex);
	session.facts.classes = 0;
	mutex_unlock(&session.rings_mutex);
	ks_attach_session_end();
	wake_up_interruptible(&session.wait);
}

/* The session has rings: it is its owner's from now on. */
static void ks_begin_recording(struct file *owner,
			       const struct kvmsched_start *start)
{
	mutex_lock(&session.rings_mutex);
	session.owner = owner;
	session.facts.pages = start->pages;
	session.facts.overwrite = start->flags & KVMSCHED_START_OVERWRITE;
	session.facts.classes = start->classes;
	session.cut = false;
	ks_calibrate_clock();
	mutex_unlock(&session.rings_mutex);
}

/* Find processes by their PIDs in the reader's namespace. */
static int ks_find_vms(const struct kvmsched_start *start, struct ks_process *vms)
{
	struct task_struct *task;
	int ret = 0;
	u32 i;

	rcu_read_lock();
	for (i = 0; i < start->nr_vms && !ret; i++) {
		task = pid_task(find_vpid(start->vms[i]), PIDTYPE_TGID);
		if (task)
			vms[i] = ks_process_of(task);
		else
			ret = -ESRCH;
	}
	rcu_read_unlock();
	return ret;
}

static int ks_check_start(const struct kvmsched_start *start)
{
	u32 i, beyond = 0;

	for (i = start->nr_vms; i < KVMSCHED_MAX_VMS; i++)
		beyond |= start->vms[i];
	if (beyond || start->flags & ~KVMSCHED_START_OVERWRITE ||
	    !start->classes || start->classes & ~KVMSCHED_CLASS_ALL ||
	    start->nr_vms > KVMSCHED_MAX_VMS ||
	    start->pages < KVMSCHED_MIN_PAGES ||
	    start->pages > KVMSCHED_MAX_PAGES || !is_power_of_2(start->pages))
		return -EINVAL;
	return 0;
}

/**
 * ks_session_start - begin to record
 * @owner: the open file that asks
 * @start: what to record; checked here
 *
 * Context: process.
 * Return: 0 or a negative errno, see uapi/kvmsched.h.
 */
int ks_session_start(struct file *owner, const struct kvmsched_start *start)
{
	struct ks_process vms[KVMSCHED_MAX_VMS];
	int ret;

	ret = ks_check_start(start) ?: ks_find_vms(start, vms) ?:
	      mutex_lock_killable(&session.mutex);
	if (ret)
		return ret;
	if (session.owner && session.owner != owner) {
		ret = -EBUSY;
		goto unlock;
	}
	ks_stop_recording();
	ret = ks_alloc_rings(start->pages,
			     start->flags & KVMSCHED_START_OVERWRITE);
	if (ret)
		goto unlock;

	ret = ks_attach_session(start->classes, vms, start->nr_vms);
	if (ret) {
		ks_free_rings();
		goto unlock;
	}
	ks_begin_recording(owner, start);
	ks_clock_warn();
	ks_session_write_first(&session.facts);
	ks_session_write_hooks(&session.facts, rdtsc_ordered());
	ks_attach_record();
	WRITE_ONCE(session.recording, true);
unlock:
	mutex_unlock(&session.mutex);
	return ret;
}

/**
 * ks_session_stop - end recording; the rings stay
 * @owner: the open file that asks
 *
 * Return: 0, also if it was stopped already; -ENOENT without a session; -EINTR
 * if the caller is being killed.
 */
int ks_session_stop(struct file *owner)
{
	int ret = mutex_lock_killable(&session.mutex);

	if (ret)
		return ret;
	if (session.owner == owner)
		ks_stop_recording();
	else
		ret = -ENOENT;
	mutex_unlock(&session.mutex);
	return ret;
}

/**
 * ks_session_cut - end recording although its owner did not ask; poll() says so
 *
 * Context: process.
 */
void ks_session_cut(void)
{
	mutex_lock(&session.mutex);
	if (session.facts.classes) {
		mutex_lock(&session.rings_mutex);
		session.cut = true;
		mutex_unlock(&session.rings_mutex);
		ks_stop_recording();
	}
	mutex_unlock(&session.mutex);
}

/**
 * ks_session_release - the file is closed: end what it began
 * @owner: the open file that asks
 */
void ks_session_release(struct file *owner)
{
	bool owned;

	/* No ioctl of this file runs any more, so this does not change. */
	mutex_lock(&session.rings_mutex);
	owned = session.owner == owner;
	mutex_unlock(&session.rings_mutex);
	if (!owned)
		return;

	mutex_lock(&session.mutex);
	ks_stop_recording();
	ks_free_rings();
	mutex_unlock(&session.mutex);
}

/**
 * ks_session_flush - publish the pages being written
 * @owner: the open file that asks
 *
 * Return: 0; -ENOENT without a session; -EINTR if the caller is being killed.
 */
int ks_session_flush(struct file *owner)
{
	int ret = mutex_lock_killable(&session.mutex);

	if (ret)
		return ret;
	if (session.owner != owner)
		ret = -ENOENT;
	else if (session.facts.classes)
		ks_flush_rings();
	mutex_unlock(&session.mutex);
	return ret;
}

/*
 * Lock the session of @owner, if it records @class; its ring takes a record until the
 * caller unlocks it.  Return: as ks_session_quota(); locked if 0.
 */
static int ks_session_lock_recording(struct file *owner, u32 class)
{
	int ret = mutex_lock_killable(&session.mutex);

	if (ret)
		return ret;
	if (session.owner == owner && session.facts.classes & class)
		return 0;
	mutex_unlock(&session.mutex);
	return -ENOENT;
}

/**
 * ks_session_quota - record what a program has read of a cgroup's quota
 * @owner: the open file that asks
 * @quota: as in uapi/kvmsched.h
 *
 * Return: 0; -ENOENT: it records nothing, or not class steal; -EINTR if the caller is
 * being killed.
 */
int ks_session_quota(struct file *owner, const struct kvmsched_quota *quota)
{
	int ret = ks_session_lock_recording(owner, KVMSCHED_CLASS_STEAL);

	if (ret)
		return ret;
	ks_session_write_quota(quota);
	mutex_unlock(&session.mutex);
	return 0;
}

/**
 * ks_session_bpf_scheduler - record which BPF scheduler a program has found
 * @owner: the open file that asks
 * @scheduler: as in uapi/kvmsched.h
 *
 * Return: as ks_session_quota(), but for class switch.
 */
int ks_session_bpf_scheduler(struct file *owner, const struct kvmsched_bpf_scheduler *scheduler)
{
	int ret = ks_session_lock_recording(owner, KVMSCHED_CLASS_SWITCH);

	if (ret)
		return ret;
	ks_session_write_bpf_scheduler(scheduler);
	mutex_unlock(&session.mutex);
	return 0;
}

/**
 * ks_session_stats - what one ring wrote and lost
 * @owner: the open file that asks
 * @stats: in: the CPU; out: the rest
 *
 * Return: 0, -ENOENT without a session, -EINVAL for a CPU that can't be.
 */
int ks_session_stats(struct file *owner, struct kvmsched_stats *stats)
{
	struct ks_ring *ring;
	int ret = -ENOENT;

	if (stats->cpu >= nr_cpu_ids || !cpu_possible(stats->cpu))
		return -EINVAL;

	mutex_lock(&session.rings_mutex);
	if (session.owner == owner) {
		ring = per_cpu_ptr(&ks_rings, stats->cpu);
		stats->written = READ_ONCE(ring->written);
		stats->lost = ks_ring_lost(ring);
		stats->overwritten = READ_ONCE(ring->overwritten);
		ret = 0;
	}
	mutex_unlock(&session.rings_mutex);
	return ret;
}

/**
 * ks_session_info - what this module is and does
 * @owner: the open file that asks
 * @info: out: everything but the size
 *
 * Return: 0, or -EINTR if the caller is being killed.
 */
int ks_session_info(struct file *owner, struct kvmsched_info *info)
{
	mutex_lock(&session.rings_mutex);
	if (!session.owner)
		ks_calibrate_clock();
	info->abi = KVMSCHED_ABI;
	info->page_size = PAGE_SIZE;
	info->nr_cpus = nr_cpu_ids;
	info->pages = session.owner == owner ? session.facts.pages : 0;
	info->session = READ_ONCE(session.recording) ? session.facts.classes : 0;
	info->tsc_khz = tsc_khz;
	info->tsc_mult = session.tsc_mult;
	info->tsc_shift = session.tsc_shift;
	info->tsc_offset = session.tsc_offset;
	mutex_unlock(&session.rings_mutex);

	info->attached = ks_attached_classes();
	info->vcpus = ks_vcpus_count();
	info->vcpus_max = ks_vcpus_max;
	info->refused = ks_vcpus_refused();
	info->flags = check_tsc_unstable() ? KVMSCHED_INFO_TSC_UNSTABLE : 0;
	return ks_hooks_missed(&info->missed);
}

static bool ks_any_half_full(void)
{
	struct ks_ring *ring;
	int cpu;

	for_each_possible_cpu(cpu) {
		ring = per_cpu_ptr(&ks_rings, cpu);
		if (ring->producer->head - READ_ONCE(ring->consumer->tail) >=
		    ring->nr_pages / 2)
			return true;
	}
	return false;
}

/**
 * ks_session_poll - is a ring half full, or the session over?
 * @owner: the open file that asks
 * @wait: of poll()
 */
__poll_t ks_session_poll(struct file *owner, struct poll_table_struct *wait)
{
	__poll_t ready = 0;

	poll_wait(owner, &session.wait, wait);
	mutex_lock(&session.rings_mutex);
	if (session.owner == owner) {
		if (!session.facts.classes ||
		    (!session.facts.overwrite && ks_any_half_full()))
			ready |= EPOLLIN | EPOLLRDNORM;
		if (session.cut)
			ready |= EPOLLHUP;
	}
	mutex_unlock(&session.rings_mutex);
	return ready;
}

/* Elsewhere, since that says whom it waits for. */
static void ks_wait_for_wake(void *unused)
{
	cancel_work_sync(&session.wake);
}

/**
 * ks_session_exit - after the last session
 */
void ks_session_exit(void)
{
	/* Nobody queues it any more: so the answer can't be out of date. */
	if (work_busy(&session.wake))
		ks_elsewhere("rmmod", ks_wait_for_wake, NULL);
}

static int ks_map_pages(struct vm_area_struct *vma)
{
	unsigned long stride = KVMSCHED_RING_DATA + session.facts.pages;
	unsigned long cpu = vma->vm_pgoff / stride;
	unsigned long first = vma->vm_pgoff % stride;
	unsigned long nr = vma_pages(vma);
	unsigned long i;
	int ret;

	if (cpu >= nr_cpu_ids || !cpu_possible(cpu) || first + nr > stride)
		return -EINVAL;
	/* The reader may write only the page with its own position. */
	if (vma->vm_flags & VM_WRITE && (first != KVMSCHED_RING_CONSUMER || nr != 1))
		return -EACCES;

	ks_vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP,
			vma->vm_flags & VM_WRITE ? VM_MAYEXEC :
						   VM_MAYEXEC | VM_MAYWRITE);
	for (i = 0; i < nr; i++) {
		ret = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE,
				     ks_ring_page(cpu, first + i));
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * ks_session_mmap - map a part of one CPU's ring
 * @owner: the open file that asks
 * @vma: what to map, and where
 *
 * Context: process, mmap_lock held.
 * Return: 0 or a negative errno.
 */
int ks_session_mmap(struct file *owner, struct vm_area_struct *vma)
{
	int ret = -ENOENT;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC)
		return -EACCES;
	mutex_lock(&session.rings_mutex);
	if (session.owner == owner)
		ret = ks_map_pages(vma);
	mutex_unlock(&session.rings_mutex);
	return ret;
}
