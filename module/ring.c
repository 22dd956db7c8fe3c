// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of the per-CPU rings: allocate, open, publish.  See ring.h.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "ring.h"

DEFINE_PER_CPU(struct ks_ring, ks_rings);
DEFINE_PER_CPU(u64 [KS_RING_MAX_RECORD / sizeof(u64)], ks_scratch);

/* The header of an ftrace sub-buffer. */
struct ks_page {
	u64 time_stamp;
	u64 commit;
	char data[];
};
static_assert(offsetof(struct ks_page, data) == KVMSCHED_PAGE_HEADER);

static void *ks_shared_page_alloc(int cpu)
{
	struct page *page = alloc_pages_node(cpu_to_node(cpu),
					     GFP_KERNEL | __GFP_ZERO, 0);

	return page ? page_address(page) : NULL;
}

static void ks_shared_page_free(void *address)
{
	/* A mapping may still hold its own reference. */
	if (address)
		put_page(virt_to_page(address));
}

/**
 * ks_ring_alloc - memory for one CPU's ring
 * @cpu: whose ring
 * @nr_pages: data pages, a power of two
 * @overwrite: flight recorder
 * @wake: called in hard interrupt context when the ring is half full
 *
 * Context: process, session mutex held, no session runs.
 * Return: 0, -ENOMEM, or -EINTR if the process is being killed; ks_ring_free()
 * undoes it, also after a failure.
 */
int ks_ring_alloc(int cpu, u32 nr_pages, bool overwrite,
		  void (*wake)(struct irq_work *work))
{
	struct ks_ring *ring = per_cpu_ptr(&ks_rings, cpu);
	u32 i;

	memset(ring, 0, sizeof(*ring));
	/*
	 * A hard irq_work.  On PREEMPT_RT all others run in a thread of
	 * priority 1, which a real-time vCPU can keep off the CPU for ever;
	 * ks_ring_free() would wait for that thread.
	 */
	ring->wake = IRQ_WORK_INIT_HARD(wake);
	ring->nr_pages = nr_pages;
	ring->overwrite = overwrite;
	/*
	 * The last page holds a lost record for each event, "overwritten", "refused"
	 * and the session's end; the one before it, what one ring says for all.
	 */
	BUILD_BUG_ON((KS_NR_EVENTS + 2) * (KS_RING_HEADER +
		     KS_RECORD_SIZE(lost)) + KS_RING_HEADER +
		     KS_RECORD_SIZE(session) > KS_RING_PAGE_ROOM);
	ring->reserve = 2;

	ring->consumer = ks_shared_page_alloc(cpu);
	ring->producer = ks_shared_page_alloc(cpu);
	ring->counts = kvcalloc(nr_pages, sizeof(*ring->counts), GFP_KERNEL);
	ring->pages = kvcalloc(nr_pages, sizeof(*ring->pages), GFP_KERNEL);
	if (!ring->consumer || !ring->producer || !ring->counts || !ring->pages)
		return -ENOMEM;

	for (i = 0; i < nr_pages; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ring->pages[i] = alloc_pages_node(cpu_to_node(cpu),
						  GFP_KERNEL | __GFP_ZERO |
						  __GFP_NORETRY | __GFP_NOWARN, 0);
		if (!ring->pages[i])
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

/**
 * ks_ring_free - free the memory of a ring, which may have none
 * @cpu: whose ring
 *
 * Context: process, session mutex held, no writer left.
 */
void ks_ring_free(int cpu)
{
	struct ks_ring *ring = per_cpu_ptr(&ks_rings, cpu);
	u32 i;

	if (!ring->nr_pages)
		return;
	irq_work_sync(&ring->wake);
	for (i = 0; ring->pages && i < ring->nr_pages && ring->pages[i]; i++) {
		put_page(ring->pages[i]);
		cond_resched();
	}
	kvfree(ring->pages);
	kvfree(ring->counts);
	ks_shared_page_free(ring->producer);
	ks_shared_page_free(ring->consumer);
	memset(ring, 0, sizeof(*ring));
}

/**
 * ks_ring_page - a page of a ring's mapping
 * @cpu: whose ring
 * @index: KVMSCHED_RING_CONSUMER, _PRODUCER, or _DATA and beyond
 *
 * Return: the page, or NULL beyond the end.
 */
struct page *ks_ring_page(int cpu, unsigned long index)
{
	struct ks_ring *ring = per_cpu_ptr(&ks_rings, cpu);

	if (!ring->nr_pages)
		return NULL;
	if (index == KVMSCHED_RING_CONSUMER)
		return virt_to_page(ring->consumer);
	if (index == KVMSCHED_RING_PRODUCER)
		return virt_to_page(ring->producer);
	index -= KVMSCHED_RING_DATA;
	return index < ring->nr_pages ? ring->pages[index] : NULL;
}

static struct ks_page *ks_page_at(struct ks_ring *ring, u64 position)
{
	return page_address(ring->pages[position & (ring->nr_pages - 1)]);
}

/* Close the open page and give it to the reader. */
static void ks_publish_page(struct ks_ring *ring)
{
	u64 head = ring->producer->head;
	struct ks_page *page = ks_page_at(ring, head);
	u64 commit = ring->at - (unsigned long)page->data;

	if (ring->page_lost) {
		memcpy(page->data + commit, &ring->page_lost, sizeof(u64));
		commit |= KVMSCHED_PAGE_LOST | KVMSCHED_PAGE_LOST_COUNT;
		ring->page_lost = 0;
	}
	page->commit = commit;
	ring->counts[head & (ring->nr_pages - 1)] = ring->records;
	ring->written += ring->records;
	ring->at = 0;
	ring->limit = 0;
	/* Pairs with the reader's acquire of head. */
	smp_store_release(&ring->producer->head, head + 1);

	if (!ring->overwrite &&
	    head + 1 - READ_ONCE(ring->consumer->tail) >= ring->nr_pages / 2)
		irq_work_queue(&ring->wake);
}

/* Open the page at head for a first record at time @now, if there is room. */
static bool ks_open_page(struct ks_ring *ring, u64 now)
{
	u64 head = ring->producer->head;
	/*
	 * Pairs with the reader's release: it has looked at the page for the
	 * last time.
	 */
	u64 unread = head - smp_load_acquire(&ring->consumer->tail);
	struct ks_page *page = ks_page_at(ring, head);

	if (unread > ring->nr_pages)
		unread = ring->nr_pages; /* impossible, so never trust it */

	if (ring->overwrite) {
		if (unread == ring->nr_pages)
			ring->overwritten +=
				ring->counts[head & (ring->nr_pages - 1)];
		/*
		 * A reader that copies this page reads head again afterwards.
		 * We stored head before what we write to the page from now on,
		 * so the reader can tell that its copy is torn.
		 */
		smp_wmb();
	} else if (unread + 1 + ring->reserve > ring->nr_pages) {
		return false;
	}

	page->time_stamp = now;
	page->commit = 0;
	ring->at = (unsigned long)page->data;
	ring->limit = ring->at + KS_RING_PAGE_ROOM;
	ring->records = 0;
	ring->last = now;
	return true;
}

static void ks_put_time_extend(struct ks_ring *ring, u64 now)
{
	u64 delta = now - ring->last;
	u32 *at = (u32 *)ring->at;

	at[0] = KS_RING_TIME_EXTEND |
		(u32)(delta & ((1U << KS_RING_DELTA_BITS) - 1)) << 5;
	at[1] = delta >> KS_RING_DELTA_BITS;
	ring->at += 2 * sizeof(u32);
	ring->last = now;
}

/*
 * The cases that ks_ring_try() can't handle: a full page, a long pause since
 * the last record, no room, an NMI.
 */
void *ks_ring_reserve_slow(enum ks_event event, u32 size, u64 now)
{
	struct ks_ring *ring = this_cpu_ptr(&ks_rings);
	u32 need = KS_RING_HEADER + size;

	if (unlikely(in_nmi() || !ring->nr_pages))
		goto lost;

	/*
	 * A TSC that went back (read out of order, or unstable) must not wrap.
	 */
	if (ring->at && (s64)(now - ring->last) < 0)
		now = ring->last;
	if (ring->at && (now - ring->last) >> KS_RING_DELTA_BITS)
		need += 2 * sizeof(u32);

	if (ring->at && ring->at + need > ring->limit)
		ks_publish_page(ring);
	if (!ring->at && !ks_open_page(ring, now))
		goto lost;

	if ((now - ring->last) >> KS_RING_DELTA_BITS)
		ks_put_time_extend(ring, now);
	return ks_ring_try(size, now);
lost:
	ring->lost[event]++;
	ring->page_lost++;
	return NULL;
}

/**
 * ks_ring_flush - publish the open page
 * @ring: the ring
 *
 * Context: the ring's own CPU with interrupts off, or its CPU is offline.
 */
void ks_ring_flush(struct ks_ring *ring)
{
	if (ring->at)
		ks_publish_page(ring);
}

/**
 * ks_ring_begin_rest - let the session tell what belongs to no ring in particular
 * @ring: the ring
 *
 * A page was kept in reserve for that.
 *
 * Context: the session has stopped, and nobody writes into any ring.
 */
void ks_ring_begin_rest(struct ks_ring *ring)
{
	ring->reserve = 1;
}

/**
 * ks_ring_begin_last - begin the page of the closing records
 * @ring: the ring
 * @now:  the time of these records
 *
 * Another page was kept in reserve for these.  So they always have room, and the
 * losses that they report don't change while they are written.
 *
 * Context: as ks_ring_flush().
 */
void ks_ring_begin_last(struct ks_ring *ring, u64 now)
{
	ks_ring_flush(ring);
	ring->reserve = 0;
	ks_open_page(ring, max(now, ring->last));
}

/**
 * ks_ring_lost - how many records of all kinds found no room
 * @ring: the ring
 */
u64 ks_ring_lost(const struct ks_ring *ring)
{
	u64 lost = 0;
	int i;

	for (i = 0; i < KS_NR_EVENTS; i++)
		lost += READ_ONCE(ring->lost[i]);
	return lost;
}
