// SPDX-License-Identifier: GPL-2.0-only
/*
 * Class steal: quotas (cgroup's cpu.max) that keep vCPUs from their CPUs
 *
 * A cgroup with a quota has its own share of each CPU's time.  Once that is used
 * up on a CPU, no task of the cgroup, or of one below it, may run there, whoever
 * else does: such a wait is nobody's theft.  The scheduler has no tracepoint for it.
 * It walks the tree of groups from the one whose quota it is, and calls
 * tg_throttle_down() or tg_unthrottle_up() for each, with the runqueue lock of the
 * CPU that it concerns, which may be another one.
 *
 * Only the group where the walk begins gets a record: other records have said in which
 * cgroup each vCPU's thread is, and which cgroups are above that.  Quotas of
 * several of them may be used up at the same time.
 */
#include <linux/bitmap.h>
#include <linux/hash.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <trace/events/cgroup.h>

#include "compat/cgroup.h"
#include "probe.h"
#include "record.h"

/*
 * The groups that a vCPU's thread is in, or below, as bits by the hash of their
 * addresses.  They stay set when such a group goes: a record about another
 * group of the same hash does no harm.
 */
#define KS_GROUP_BITS	12
static DECLARE_BITMAP(ks_groups, 1 << KS_GROUP_BITS);

/**
 * struct ks_walks - where walks of this CPU have begun
 *
 * Interrupts are off during those that count.
 *
 * @next: where the last walk began, until it calls one of the two functions; else NULL
 * @ends: where the last walk that ends a throttling began.  Since 6.18 such a walk queues
 *	  the tasks that were kept from the CPU, which may use up another quota: then
 *	  another walk begins and ends within it, and throttles
 */
struct ks_walks {
	const void *next;
	const void *ends;
};
static DEFINE_PER_CPU(struct ks_walks, ks_walks);

static unsigned int ks_group_bit(const void *group)
{
	return hash_ptr(group, KS_GROUP_BITS);
}

static u64 ks_id_of(const struct cgroup_subsys_state *css)
{
	return css ? cgroup_id(css->cgroup) : 0;
}

static void ks_mark_groups(const struct cgroup_subsys_state *css)
{
	for (; css; css = css->parent)
		set_bit(ks_group_bit(css), ks_groups);
}

/* Return: false: it found no room in the ring. */
static bool ks_write_cgroup(struct ks_vcpu *v, s32 tid,
			    const struct cgroup_subsys_state *css)
{
	struct ks_rec_cgroup *r;
	unsigned long flags;
	bool to_ring, told;
	u64 now;

	r = ks_begin(cgroup, (to_ring = ks_vcpu_ring(v) & KVMSCHED_CLASS_STEAL), now,
		     flags);
	r->tid = tid;
	r->id = ks_id_of(css);
	r->parent = css ? ks_id_of(css->parent) : 0;
	told = !to_ring || ks_in_ring(r);
	ks_end(cgroup, r, flags);
	return told;
}

/*
 * Tell in which cgroup the thread of a vCPU is, and what is above that.
 *
 * Return: false: a record found no room in the ring.
 */
static bool ks_write_cgroups(struct ks_thread *t, struct ks_vcpu *v)
{
	const struct cgroup_subsys_state *css;
	bool told;

	rcu_read_lock();
	css = ks_cgroup_of(t->task);
	ks_mark_groups(css);
	told = ks_write_cgroup(v, t->task->pid, css);
	for (css = css ? css->parent : NULL; css; css = css->parent)
		told &= ks_write_cgroup(v, 0, css);
	rcu_read_unlock();
	return told;
}

/**
 * ks_throttle_tell_cgroup - tell in which cgroup a vCPU's thread is, if that is news
 * @t: the thread: current, or one whose runqueue lock is held, or that waits for a CPU
 * @v: its vCPU, of which class steal is wanted
 *
 * Context: preemption off.
 */
void ks_throttle_tell_cgroup(struct ks_thread *t, struct ks_vcpu *v)
{
	const void *group = ks_task_group(t->task);
	u64 generation = ks_listening()->generation;
	bool told;

	if (likely(READ_ONCE(t->group) == group &&
		   READ_ONCE(t->group_told) >= ks_listening()->identity))
		return;
	told = ks_write_cgroups(t, v);
	/*
	 * Whoever moves the thread may tell of it at the same time as the thread itself, which
	 * has read the group before.  Then the records may be in the wrong order, and only the
	 * next move or recording puts that right: a matter of nanoseconds, and of no lock.
	 */
	WRITE_ONCE(t->group, group);
	/* If a record was lost, write all again at the next wait. */
	WRITE_ONCE(t->group_told, told ? generation : 0);
}

/**
 * ks_throttle_identified - the current thread's vCPU is identified: so is its cgroup
 * @v: the vCPU
 *
 * Context: as ks_vcpu_identify().
 */
void ks_throttle_identified(struct ks_vcpu *v)
{
	struct ks_thread *t = ks_thread_of(current);

	if (t && ks_vcpu_wanted(v) & KVMSCHED_CLASS_STEAL)
		ks_throttle_tell_cgroup(t, v);
}

static void ks_tell_again(struct ks_thread *t, void *unused)
{
	struct ks_vcpu *v = READ_ONCE(t->vcpu);

	if (v && ks_vcpu_ring(v) & KVMSCHED_CLASS_STEAL)
		ks_write_cgroups(t, v);
}

/**
 * ks_throttle_tell_again - the session ends: tell the cgroup of each vCPU's thread again
 *
 * For a session whose records of that may be overwritten by now.
 *
 * Context: process, hooks mutex held.
 */
void ks_throttle_tell_again(void)
{
	ks_threads_each(ks_tell_again, NULL);
}

struct ks_moved {
	struct task_struct *task;
	bool process;
};

static void ks_tell_moved(struct ks_thread *t, void *data)
{
	struct ks_vcpu *v = READ_ONCE(t->vcpu);
	const struct ks_moved *moved = data;

	if (t->task != moved->task &&
	    !(moved->process && t->task->tgid == moved->task->tgid))
		return;
	if (v && ks_vcpu_wanted(v) & KVMSCHED_CLASS_STEAL)
		ks_throttle_tell_cgroup(t, v);
}

/*
 * A thread is in another cgroup, or all threads of a process.  Who is on a CPU, or
 * asleep, would tell that at the beginning of its next wait as well; but one that
 * waits may go on with that for long.
 *
 * This does not fire where a controller is switched on or off for a cgroup (+cpu or -cpu in
 * cgroup.subtree_control, as systemctl set-property CPUQuota= does): threads get another
 * group then, and no other hook shows it.  It is told at the beginning of the thread's next
 * wait: if the group's quota is used up before that, no record tells that this began.
 *
 * Context: process, cgroup_mutex held: nobody moves them meanwhile.
 */
static void ks_on_cgroup_attach_task(void *data, struct cgroup *to, const char *path,
				     struct task_struct *task, bool threadgroup)
{
	struct ks_moved moved = { .task = task, .process = threadgroup };

	if (ks_anybody_wants(KVMSCHED_CLASS_STEAL))
		ks_threads_each(ks_tell_moved, &moved);
}

/*
 * The runqueues are data of each CPU (kernel/sched/core.c), among those that other
 * CPUs look at, which the linker places after those that are hot or mostly read,
 * as this_cpu_off is.  So the CPU of a runqueue is the one whose own this_cpu_off
 * comes last before it.
 */
static u16 ks_cpu_of_runqueue(unsigned long rq)
{
	unsigned long start, last = 0;
	u16 found = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		start = (unsigned long)per_cpu_ptr(&this_cpu_off, cpu);
		if (start > rq || start < last)
			continue;
		last = start;
		found = cpu;
	}
	return found;
}

/* int walk_tg_tree_from(struct task_group *from, tg_visitor down, tg_visitor up, void *) */
static int ks_on_walk_tg_tree(struct kprobe *kprobe, struct pt_regs *regs)
{
	this_cpu_write(ks_walks.next, (const void *)ks_arg1(regs));
	return 0;
}

/* Did the walk that calls for @group begin there?  On the way down, @group is its first. */
static bool ks_walk_begins_throttle(const void *group)
{
	if (this_cpu_read(ks_walks.next) != group)
		return false;
	this_cpu_write(ks_walks.next, NULL);
	return true;
}

/* The same on the way up, where the group at which the walk began comes last. */
static bool ks_walk_ends_throttle(const void *group)
{
	const void *next = this_cpu_read(ks_walks.next);

	if (next) {
		this_cpu_write(ks_walks.ends, next);
		this_cpu_write(ks_walks.next, NULL);
	}
	return this_cpu_read(ks_walks.ends) == group;
}

static void ks_note_throttle(const struct pt_regs *regs, bool on)
{
	const struct cgroup_subsys_state *css = (const void *)ks_arg1(regs);
	bool begun_here = on ? ks_walk_begins_throttle(css) : ks_walk_ends_throttle(css);
	struct ks_rec_throttle *r;
	unsigned long flags;
	u64 now;

	if (!begun_here || !test_bit(ks_group_bit(css), ks_groups) ||
	    !ks_anybody_wants(KVMSCHED_CLASS_STEAL))
		return;
	r = ks_begin(throttle, ks_session_wants(KVMSCHED_CLASS_STEAL), now, flags);
	r->cgroup = ks_id_of(css);
	r->cpu = ks_cpu_of_runqueue(ks_arg2(regs));
	r->on = on;
	ks_end(throttle, r, flags);
}

/*
 * static int tg_throttle_down(struct task_group *tg, void *data)
 *
 * @data is the runqueue.  Context of both: its lock is held, interrupts are off.
 */
static int ks_on_tg_throttle_down(struct kprobe *kprobe, struct pt_regs *regs)
{
	ks_note_throttle(regs, true);
	return 0;
}

/* static int tg_unthrottle_up(struct task_group *tg, void *data) */
static int ks_on_tg_unthrottle_up(struct kprobe *kprobe, struct pt_regs *regs)
{
	ks_note_throttle(regs, false);
	return 0;
}

/**
 * ks_throttle_begin - class steal will be attached: forget the groups of before
 *
 * Context: process; nobody listens to the class.
 */
void ks_throttle_begin(void)
{
	bitmap_zero(ks_groups, 1 << KS_GROUP_BITS);
}

static void ks_mark_groups_of(struct ks_thread *t, void *unused)
{
	ks_mark_groups(ks_cgroup_of(t->task));
}

/**
 * ks_throttle_look - somebody will listen to class steal, or does so: whose throttling counts?
 *
 * A vCPU that sleeps would say so when it is woken, maybe into a cgroup that was
 * throttled before that.  What throttles right after the publication needs the look before
 * it; and a thread that another cgroup got in between needs the one after it.
 *
 * Context: process.
 */
void ks_throttle_look(void)
{
	rcu_read_lock();
	ks_threads_each(ks_mark_groups_of, NULL);
	rcu_read_unlock();
}

struct ks_hook ks_throttle_hooks[] = {
	KS_KPROBE_ROW("walk_tg_tree_from", "", KVMSCHED_CLASS_STEAL, KS_ALWAYS,
		      NULL, ks_on_walk_tg_tree),
	KS_KPROBE_ROW("tg_unthrottle_up", "", KVMSCHED_CLASS_STEAL, KS_ALWAYS,
		      NULL, ks_on_tg_unthrottle_up),
	KS_KPROBE_ROW("tg_throttle_down", "", KVMSCHED_CLASS_STEAL, KS_ALWAYS,
		      NULL, ks_on_tg_throttle_down),
	KS_CHECKED_ROW(cgroup_attach_task, "", KVMSCHED_CLASS_STEAL,
		       KS_ALWAYS, ks_on_cgroup_attach_task),
	{}
};
