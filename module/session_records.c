// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a session writes about itself: who recorded what, which hooks were
 * attached and, at the end, what was lost
 *
 * Context of all: process, session mutex held.  No handler writes into the rings
 * then, since the session does not record yet, or not any more; but for what a program
 * tells, ks_session_write_quota() and ks_session_write_bpf_scheduler().
 */
#include <linux/cpu.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "record.h"
#include "ring.h"
#include "session_records.h"
#include "vcpu.h"

/* The first and the last record of this CPU; interrupts are off. */
static void ks_write_session(const struct ks_session_facts *facts, u8 op, u64 now)
{
	struct ks_rec_session *r = ks_begin_at(session, true, now);

	r->op = op;
	r->overwrite = facts->overwrite;
	r->cpu = smp_processor_id();
	r->classes = facts->classes;
	r->pages = facts->pages;
	r->tsc_khz = tsc_khz;
	ks_end_at(session, r);
}

static void ks_write_start(void *facts)
{
	unsigned long flags;

	local_irq_save(flags);
	ks_write_session(facts, KS_SESSION_START, rdtsc_ordered());
	local_irq_restore(flags);
}

static void ks_remember_missed(struct ks_session_facts *facts)
{
	struct kvmsched_hook row = { .index = 0 };

	facts->refused = ks_vcpus_refused();
	for (; !ks_hooks_row(&row, false); row.index++)
		if (row.index < ARRAY_SIZE(facts->missed))
			facts->missed[row.index] = row.hits_missed;
}

/**
 * ks_session_write_first - begin every ring with a record of the session
 * @facts: what it tells; gets the hits that the hooks have missed so far
 */
void ks_session_write_first(struct ks_session_facts *facts)
{
	ks_remember_missed(facts);
	on_each_cpu(ks_write_start, facts, 1);
}

static void ks_fill_attach(struct ks_rec_attach *r, const struct kvmsched_hook *row)
{
	strscpy_pad(r->hook, row->name, sizeof(r->hook));
	r->classes = row->classes;
	r->status = row->status;
	r->how = row->attached ? row->how : KVMSCHED_HOW_NONE;
}

/**
 * ks_session_write_hooks - write the table of hooks, as they are attached
 * @facts: rows of its classes
 * @at:    time of the records, TSC; of any CPU, since no handler writes yet, or any more
 *
 * At the beginning, and of a flight recorder once more, since such a ring overwrites what
 * was told first.  Not before it has ended: who attaches hooks of a module that has just
 * come may be waited for, and the ring would overwrite meanwhile what was to be kept.
 * The records go into the ring of whatever CPU this runs on.
 */
void ks_session_write_hooks(const struct ks_session_facts *facts, u64 at)
{
	struct kvmsched_hook row = { .index = 0 };
	struct ks_rec_attach *r;
	unsigned long flags;

	for (; !ks_hooks_row(&row, false); row.index++) {
		if (!(row.classes & facts->classes))
			continue;
		local_irq_save(flags);
		r = ks_begin_at(attach, true, at);
		ks_fill_attach(r, &row);
		ks_end(attach, r, flags);
	}
}

/**
 * ks_session_write_quota - write what a program knows of a cgroup's quota
 * @quota: from the program
 *
 * The session records, so the ring is that of the CPU this runs on, as for a handler.
 */
void ks_session_write_quota(const struct kvmsched_quota *quota)
{
	struct ks_rec_quota *r;
	unsigned long flags;
	u64 now;

	r = ks_begin(quota, true, now, flags);
	r->cgroup = quota->cgroup;
	r->quota_us = quota->quota_us;
	r->period_us = quota->period_us;
	r->periods = quota->periods;
	r->throttled = quota->throttled;
	r->throttled_us = quota->throttled_us;
	memcpy(r->name, quota->name, sizeof(r->name));
	ks_end(quota, r, flags);
}

/**
 * ks_session_write_bpf_scheduler - write which BPF scheduler a program has found
 * @scheduler: from the program
 *
 * As ks_session_write_quota().
 */
void ks_session_write_bpf_scheduler(const struct kvmsched_bpf_scheduler *scheduler)
{
	struct ks_rec_bpf_scheduler *r;
	unsigned long flags;
	u64 now;

	r = ks_begin(bpf_scheduler, true, now, flags);
	r->loads = scheduler->loads;
	r->loaded = scheduler->loaded;
	r->all_threads = scheduler->all_threads;
	memcpy(r->name, scheduler->name, sizeof(r->name));
	ks_end(bpf_scheduler, r, flags);
}

static void ks_write_lost(const struct ks_session_facts *facts, u16 event, int cpu,
			  const char *name, u64 count)
{
	struct ks_rec_lost *r;
	unsigned long flags;

	if (!count)
		return;
	local_irq_save(flags);
	r = ks_begin_at(lost, true, facts->ended);
	r->event = event;
	r->cpu = cpu;
	strscpy_pad(r->name, name, sizeof(r->name));
	r->count = count;
	ks_end(lost, r, flags);
}

/* What the ring of @cpu lost; written into the ring of the CPU we run on. */
static void ks_write_losses(const struct ks_session_facts *facts, int cpu)
{
	struct ks_ring *ring = per_cpu_ptr(&ks_rings, cpu);
	u64 lost;
	int i;

	for (i = 0; i < KS_NR_EVENTS; i++) {
		/*
		 * This record may be lost itself: report the count from before
		 * it.
		 */
		lost = ring->lost[i];
		ks_write_lost(facts, ks_event_ids[i], cpu, ks_event_names[i], lost);
	}
	/* No event has number 0: this counts something else. */
	ks_write_lost(facts, 0, cpu, "overwritten", ring->overwritten);
}

/* Kprobe hits that the kernel dropped during the session, by hook */
static void ks_write_missed(const struct ks_session_facts *facts)
{
	struct kvmsched_hook row = { .index = 0 };

	for (; !ks_hooks_row(&row, false); row.index++)
		if (row.index < ARRAY_SIZE(facts->missed) &&
		    row.classes & facts->classes)
			ks_write_lost(facts, 0, raw_smp_processor_id(), row.name,
				      row.hits_missed - facts->missed[row.index]);
}

static void ks_close_ring(void *data)
{
	struct ks_ring *ring = this_cpu_ptr(&ks_rings);
	const struct ks_session_facts *facts = data;

	ks_ring_begin_last(ring, facts->ended);
	ks_write_losses(facts, smp_processor_id());
	/* It is no CPU's own: one ring has it. */
	if (smp_processor_id() == cpumask_first(cpu_online_mask))
		ks_write_lost(facts, 0, smp_processor_id(), "refused",
			      ks_vcpus_refused() - facts->refused);
	ks_write_session(facts, KS_SESSION_STOP, facts->ended);
	ks_ring_flush(ring);
}

/*
 * Nobody writes into the ring of a CPU that is offline, so its losses go into
 * another ring.  What its last page lost is said by a page without records.
 */
static void ks_close_offline(struct ks_ring *ring,
			     const struct ks_session_facts *facts)
{
	ks_ring_flush(ring);
	if (!ring->page_lost)
		return;
	ks_ring_begin_last(ring, facts->ended);
	ks_ring_flush(ring);
}

/**
 * ks_session_write_last - write what was lost, and close every ring
 * @facts: of the session, which has stopped; its hooks may still be attached
 */
void ks_session_write_last(const struct ks_session_facts *facts)
{
	int cpu;

	for_each_possible_cpu(cpu)
		ks_ring_begin_rest(per_cpu_ptr(&ks_rings, cpu));
	ks_write_missed(facts);
	cpus_read_lock();
	for_each_possible_cpu(cpu)
		if (!cpu_online(cpu)) {
			ks_close_offline(per_cpu_ptr(&ks_rings, cpu), facts);
			ks_write_losses(facts, cpu);
		}
	on_each_cpu(ks_close_ring, (void *)facts, 1);
	cpus_read_unlock();
}
