/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing a record, once for all listeners
 *
 *	struct ks_rec_load *r;
 *	u64 now;
 *
 *	r = ks_begin(load, ks_vcpu_ring(v) & KVMSCHED_CLASS_SWITCH, now, flags);
 *	r->vm = ...;
 *	ks_end(load, r, flags);
 *
 * Between the two, interrupts are off.  The record is filled in the ring.  If
 * no session wants it, or it found no room, it is filled in a scratch buffer
 * of this CPU.  Then ftrace and perf get it, if the event is enabled.
 */
#ifndef _KVMSCHED_RECORD_H
#define _KVMSCHED_RECORD_H

#include <linux/irqflags.h>

#include "events.h"
#include "events_init.h"
#include "ring.h"

/* The common fields; most kernels have 8 bytes of them, written at once. */
union ks_trace_entry {
	struct trace_entry ent;
	u64 whole;
};

static __always_inline void *ks_place(enum ks_event event, u32 size, bool to_ring,
				      u64 now)
{
	void *record = NULL;

	if (to_ring)
		record = ks_ring_reserve(event, size, now);
	if (unlikely(!record))
		record = this_cpu_ptr(ks_scratch);
	return record;
}

static __always_inline void *__ks_begin(enum ks_event event, u32 size,
					bool to_ring, u64 now)
{
	union ks_trace_entry entry = { .ent = {
		.type = ks_event_ids[event],
		.pid = current->pid,
	} };
	void *record = ks_place(event, size, to_ring, now);

	if (sizeof(struct trace_entry) == sizeof(u64))
		*(u64 *)record = entry.whole;
	else
		*(struct trace_entry *)record = entry.ent;
	return record;
}

/**
 * ks_begin - begin a record
 * @record:  its name, as in uapi/record_list.h
 * @to_ring: whether the session wants it; asked with interrupts off, for
 *	     the sake of ks_listen_publish()
 * @now:     u64 variable that gets the record's time, in TSC cycles
 * @flags:   unsigned long variable for the interrupt flag
 *
 * Context: any but NMI (there the record counts as lost).
 * Return: struct ks_rec_<record> *, never NULL; the caller fills every field.
 */
#define ks_begin(record, to_ring, now, flags) ({			\
	local_irq_save(flags);						\
	(now) = rdtsc_ordered();					\
	ks_begin_at(record, to_ring, now);				\
})

/*
 * The same for a caller that has switched interrupts off, and then read the
 * TSC
 */
#define ks_begin_at(record, to_ring, now) ({				\
	BUILD_BUG_ON(KS_RECORD_SIZE(record) > KS_RING_MAX_RECORD);	\
	(struct ks_rec_##record *)__ks_begin(KS_EV_##record,		\
					 KS_RECORD_SIZE(record),	\
					 to_ring, now);			\
})

/* The same for a caller that fills the common fields, too */
#define ks_begin_bare_at(record, to_ring, now) ({			\
	BUILD_BUG_ON(KS_RECORD_SIZE(record) > KS_RING_MAX_RECORD);	\
	(struct ks_rec_##record *)ks_place(KS_EV_##record,		\
					   KS_RECORD_SIZE(record),	\
					   to_ring, now);		\
})

/* Is the record in the ring?  Otherwise no session wants it, or it is lost. */
#define ks_in_ring(r)	((void *)(r) != (void *)this_cpu_ptr(ks_scratch))

/**
 * ks_end - hand a filled record to whoever else listens
 */
#define ks_end(record, r, flags) do {					\
	ks_end_at(record, r);						\
	local_irq_restore(flags);					\
} while (0)

#define ks_end_at(record, r) do {					\
	if (trace_kvmsched_##record##_enabled())			\
		trace_kvmsched_##record(r);				\
} while (0)

#endif /* _KVMSCHED_RECORD_H */
