/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU rings of ftrace sub-buffers: they know bytes and pages, not KVM
 *
 *	  tail          head                 index = position % pages
 *	   v             v
 *	+------+------+------+------+
 *	| full | full | open | free |        positions only count up
 *	+------+------+------+------+
 *
 * Each ring has one writer: its own CPU with interrupts off.  So a record needs
 * neither an atomic operation nor a commit step: whoever looks at the open page
 * (the next record, or the interrupt that flushes) runs after the record is
 * complete.  Only an NMI could come in between; it gets no room, and its record
 * counts as lost.
 *
 * A page becomes readable by the release of producer->head in
 * ks_publish_page(), which pairs with the reader's acquire.  The reader's
 * release of consumer->tail pairs with the acquire in ks_open_page(): we use
 * the page again only after the reader's last look.
 */
#ifndef _KVMSCHED_RING_H
#define _KVMSCHED_RING_H

#include <linux/irq_work.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <asm/tsc.h>

#include "compat/percpu.h"
#include "record_layout.h"
#include "uapi/kvmsched.h"

/* ftrace's event header: 5 bits of type_len, 27 of delta (ring_buffer.h) */
#define KS_RING_TIME_EXTEND	30
#define KS_RING_DELTA_BITS	27
#define KS_RING_HEADER		sizeof(u32)
/* type_len counts up to 28 words; longer records need another form of header */
#define KS_RING_MAX_RECORD	(28 * sizeof(u32))
/* The count of lost records follows the data of a page. */
#define KS_RING_PAGE_ROOM	(PAGE_SIZE - KVMSCHED_PAGE_HEADER - sizeof(u64))

/**
 * struct ks_ring - one CPU's ring
 * @at:		where the next record goes; with @limit 0 while no page is open
 *		(no session, or the ring is full)
 * @limit:	end of the room for records in the open page
 * @last:	TSC of the last record in the open page
 * @records:	number of records in the open page
 * @page_lost:	records lost since the last page was opened
 * @pages:	the data pages, @nr_pages of them
 * @counts:	records in each page, for counting what is overwritten
 * @producer:	the shared page with our position
 * @consumer:	the shared page with the reader's; never trusted
 * @nr_pages:	a power of two
 * @reserve:	pages kept back for the closing records
 * @overwrite:	flight recorder
 * @written:	records stored since start
 * @overwritten: records reused unread
 * @lost:	records that found no room, by event
 * @wake:	interrupt that wakes the reader, outside of the probe
 *
 * While a session runs, only the ring's own CPU uses this, with interrupts off;
 * before and after, only the session does, under its mutex.  Statistics may be
 * read at any time (x86-64 reads a u64 at once).
 */
struct ks_ring {
	unsigned long at;
	unsigned long limit;
	u64 last;
	u32 records;
	u64 page_lost;
	struct page **pages;
	u16 *counts;
	struct kvmsched_producer *producer;
	struct kvmsched_consumer *consumer;
	u32 nr_pages;
	u32 reserve;
	bool overwrite;
	u64 written;
	u64 overwritten;
	u64 lost[KS_NR_EVENTS];
	struct irq_work wake;
};

/* Each CPU's ring, and where a record is filled that no ring takes, with interrupts off */
DECLARE_PER_CPU(struct ks_ring, ks_rings);
DECLARE_PER_CPU(u64 [KS_RING_MAX_RECORD / sizeof(u64)], ks_scratch);

int ks_ring_alloc(int cpu, u32 nr_pages, bool overwrite,
		  void (*wake)(struct irq_work *work));
void ks_ring_free(int cpu);
void ks_ring_flush(struct ks_ring *ring);
void ks_ring_begin_rest(struct ks_ring *ring);
void ks_ring_begin_last(struct ks_ring *ring, u64 now);
u64 ks_ring_lost(const struct ks_ring *ring);
struct page *ks_ring_page(int cpu, unsigned long index);

void *ks_ring_reserve_slow(enum ks_event event, u32 size, u64 now);

/**
 * ks_ring_try - find room for one record in the open page
 * @size: bytes of the record, a multiple of 4, at most KS_RING_MAX_RECORD
 * @now:  its time: the TSC, read by the caller after interrupts went off
 *
 * By ks_cpu_read(), since the compiler may put that into the instruction which needs
 * the value, and needs no more than that interrupts are off.
 *
 * Context: interrupts off, not in an NMI.
 * Return: where to put the record, or NULL: ks_ring_reserve_slow() may find
 * room.
 */
static __always_inline void *ks_ring_try(u32 size, u64 now)
{
	char *at = (char *)ks_cpu_read(ks_rings.at);
	char *record = at + KS_RING_HEADER;
	char *next = record + size;
	u64 delta = now - ks_cpu_read(ks_rings.last);

	if (unlikely((unsigned long)next > ks_cpu_read(ks_rings.limit) ||
		     delta >= 1U << KS_RING_DELTA_BITS))
		return NULL;

	*(u32 *)at = size / sizeof(u32) | (u32)delta << 5;
	ks_cpu_write(ks_rings.last, now);
	ks_cpu_write(ks_rings.at, (unsigned long)next);
	raw_cpu_add(ks_rings.records, 1);
	/* There was room, so it is not NULL: saves the callers a test. */
	if (!record)
		__builtin_unreachable();
	return record;
}

/**
 * ks_ring_has_room - would ks_ring_reserve() find room in the open page?
 * @size: as there
 *
 * A long pause since the last record takes two words more.
 *
 * Context: interrupts off.
 */
static inline bool ks_ring_has_room(u32 size)
{
	return this_cpu_read(ks_rings.at) + 2 * sizeof(u32) + KS_RING_HEADER +
	       size <= this_cpu_read(ks_rings.limit);
}

/**
 * ks_ring_reserve - find room for one record in this CPU's ring
 * @event: the kind of record
 * @size:  as in ks_ring_try()
 * @now:   as in ks_ring_try()
 *
 * Context: interrupts off; in an NMI the record is lost.
 * Return: where to put the record, or NULL: it is lost, and has been counted.
 */
static __always_inline void *ks_ring_reserve(enum ks_event event, u32 size,
					     u64 now)
{
	void *record = NULL;

	if (likely(!in_nmi()))
		record = ks_ring_try(size, now);
	return likely(record) ? record : ks_ring_reserve_slow(event, size, now);
}

#endif /* _KVMSCHED_RING_H */
