/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A decoded record: what the loader hands to the model.
 *
 * The members of the union are made of module/uapi/record_list.h's rows, so a field
 * that is added there is decoded here without another line.
 */
#ifndef KVMSCHED_SCHEMA_H
#define KVMSCHED_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/records.h"

/* The types of its fields */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* The common fields of every event, as the formats of today's kernels have them */
struct trace_entry {
	u16 type;
	u8 flags;
	u8 preempt_count;
	s32 pid;
};

#define KVS_SYSTEM	"kvmsched"
#define KVS_EVENT_PREFIX	"kvmsched_"

struct kvs_record {
	u64 ts;			/* in the file's clock */
	u16 event;		/* enum ks_event */
	u16 cpu;
	union {
		struct trace_entry ent;
#define F(type, name)		type name;
#define A(type, name, n)	type name[n];
#define KS_RECORD(record, classes, fields, ...)				\
		struct {						\
			struct trace_entry record##_ent;		\
			fields						\
		} record;
#include "uapi/record_list.h"
	};
};

/* The instruction set that an exit's reason belongs to: KS_ISA_* */
static inline u8 kvs_record_isa(const struct kvs_record *rec)
{
	return rec->exit.flags & KS_EXIT_VMX ? KS_ISA_VMX : KS_ISA_SVM;
}

/* Did a guest of the guest (L2) exit, or the guest itself? */
static inline bool kvs_record_l2(const struct kvs_record *rec)
{
	return rec->exit.flags & KS_EXIT_L2;
}

/* An exit's reason as the hardware reports it, with VMX's bit for a failed entry */
static inline u32 kvs_record_reason(const struct kvs_record *rec)
{
	if (!(rec->exit.flags & KS_EXIT_VMX))
		return (s32)rec->exit.reason;
	return (u16)rec->exit.reason |
	       (rec->exit.flags & KS_EXIT_FAILED_ENTRY ? 1U << 31 : 0);
}

/* What ended an exit: KS_EXIT_BY_* */
static inline u8 kvs_record_end(const struct kvs_record *rec)
{
	return rec->exit.flags & KS_EXIT_END;
}

/* Who gets the records, in the order of time over all CPUs */
struct kvs_sink {
	/* @rec is valid during the call. */
	void (*record)(void *ctx, const struct kvs_record *rec);
	/* Before the next record of @cpu, @count records were lost; -1: unknown how many. */
	void (*missed)(void *ctx, unsigned int cpu, s64 count);
	/*
	 * NULL, or who gets all records of a flight recorder's file before the first call of
	 * the others: its end tells again what holds from its beginning on.
	 */
	void (*foretold)(void *ctx, const struct kvs_record *rec);
	void *ctx;		/* is passed to all of them */
};

#endif /* KVMSCHED_SCHEMA_H */
