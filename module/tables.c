// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of threads, vCPUs and VMs: made at init, freed at exit
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/irq_work.h>
#include <linux/sched/task.h>
#include <linux/vmalloc.h>

#include "compat/rcu.h"
#include "compat/workqueue.h"
#include "elsewhere.h"
#include "tables.h"

/* Records have numbers of VMs from 1 to this, and one must always be free. */
#define KS_VCPUS_LIMIT	65535U

unsigned int ks_vcpus_max = 1024;

/* Records name a vCPU by 16 bits. */
static_assert(KVM_MAX_VCPU_IDS <= KS_NO_VCPU);

struct ks_vcpu ks_nobody;
DEFINE_PER_CPU(struct ks_vcpu *, ks_current);

struct ks_tables ks_tables = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(ks_tables.lock),
};

/*
 * Nobody asks for another grace period before so many ticks: one takes about as long, and
 * there may be many who find no room.
 */
#define KS_ROOM_AGAIN	(HZ / 100 + 1)

/* When somebody asked last, in jiffies.  With the lock of the tables. */
static unsigned long ks_room_asked;

/*
 * It waits for nothing, so rmmod waits only for a worker to get a CPU.
 *
 * Context: a worker.
 */
static void ks_make_room(struct work_struct *work)
{
	start_poll_synchronize_rcu();
}
static DECLARE_WORK(ks_room_work, ks_make_room);

/* Context: hard interrupt.  A probe must not queue work, since that wakes a worker. */
static void ks_queue_room_work(struct irq_work *unused)
{
	queue_work(system_dfl_wq, &ks_room_work);
}
static struct irq_work ks_room_irq = IRQ_WORK_INIT_HARD(ks_queue_room_work);

/**
 * ks_tables_want_room - somebody needs an entry that a grace period frees
 *
 * RCU begins none by itself, and on a quiet machine nobody else asks for one.
 *
 * Context: any but NMI, the lock of the tables is held.
 */
void ks_tables_want_room(void)
{
	if (time_before(jiffies, ks_room_asked + KS_ROOM_AGAIN))
		return;
	ks_room_asked = jiffies;
	irq_work_queue(&ks_room_irq);
}

static void ks_tables_free(void)
{
	vfree(ks_tables.ledgers);
	vfree(ks_tables.vms);
	vfree(ks_tables.vcpus);
	vfree(ks_tables.threads);
}

int ks_tables_create(void)
{
	int cpu;

	if (!ks_vcpus_max || ks_vcpus_max > KS_VCPUS_LIMIT) {
		pr_err("max_vcpus=%u: expected 1 to %u\n", ks_vcpus_max,
		       KS_VCPUS_LIMIT);
		return -EINVAL;
	}
	ks_room_asked = jiffies - KS_ROOM_AGAIN;
	/*
	 * Not by an initializer: per-CPU sections of modules get no
	 * relocations.
	 */
	for_each_possible_cpu(cpu)
		per_cpu(ks_current, cpu) = &ks_nobody;
	ks_tables.threads = vzalloc(array_size(ks_vcpus_max, sizeof(*ks_tables.threads)));
	ks_tables.vcpus = vzalloc(array_size(ks_vcpus_max, sizeof(*ks_tables.vcpus)));
	ks_tables.vms = vzalloc(array_size(ks_vcpus_max, sizeof(*ks_tables.vms)));
	if (ks_tables.threads && ks_tables.vcpus && ks_tables.vms)
		return 0;
	ks_tables_free();
	return -ENOMEM;
}

/* Elsewhere, since that says whom it waits for. */
static void ks_wait_for_room_work(void *unused)
{
	cancel_work_sync(&ks_room_work);
}

/**
 * ks_tables_destroy - free the tables, after ks_threads_detach()
 *
 * Context: process; no probe runs any more.
 */
void ks_tables_destroy(void)
{
	unsigned int i;

	irq_work_sync(&ks_room_irq);
	/* Nobody queues it any more: so the answer can't be out of date. */
	if (work_busy(&ks_room_work))
		ks_elsewhere("rmmod", ks_wait_for_room_work, NULL);
	for (i = 0; i < ks_tables.used_threads; i++)
		if (ks_tables.threads[i].task)
			put_task_struct(ks_tables.threads[i].task);
	if (ks_tables.detaching)
		rcu_unexpedite_gp();
	ks_tables_free();
}
