/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A decoded record: what the loader hands to the model.
 *
 * The members of the union are made of module/records.h's own lists, so a field
 * that is added there is decoded here without another line.
 */
#ifndef KVMSCHED_SCHEMA_H
#define KVMSCHED_SCHEMA_H

#include "records.h"

#define KS_SYSTEM	"kvmsched"
#define KS_EVENT_PREFIX	"kvmsched_"

#define KS_MEMBER_FIELD(type, name)	type name;
#define KS_MEMBER_ARRAY(type, name, n)	type name[n];
#define KS_RECORD_MEMBER(record, FIELDS, ...)				\
	struct {							\
		struct trace_entry record##_ent;			\
		FIELDS(KS_MEMBER_FIELD, KS_MEMBER_ARRAY)		\
	} record;

struct ks_record {
	u64 ts;			/* in the file's clock */
	u16 event;		/* enum ks_event */
	u16 cpu;
	union {
		struct trace_entry ent;
		KS_RECORDS(KS_RECORD_MEMBER)
	};
};

/* Whose reason it is: KS_ISA_* */
static inline u8 ks_record_isa(const struct ks_record *rec)
{
	return rec->exit.flags & KS_EXIT_VMX ? KS_ISA_VMX : KS_ISA_SVM;
}

/* The reason as the hardware has it: with VMX's bit for a failed entry */
static inline u32 ks_record_reason(const struct ks_record *rec)
{
	if (!(rec->exit.flags & KS_EXIT_VMX))
		return (s32)rec->exit.reason;
	return (u16)rec->exit.reason |
	       (rec->exit.flags & KS_EXIT_FAILED_ENTRY ? 1U << 31 : 0);
}

/* How its story ended: KS_EXIT_BY_* */
static inline u8 ks_record_end(const struct ks_record *rec)
{
	return rec->exit.flags & KS_EXIT_END;
}

/* Where records go, in the order of time over all CPUs. */
struct ks_sink {
	void (*record)(void *ctx, const struct ks_record *rec);
	/* Before the coming record of @cpu, @count were lost; -1: no one knows. */
	void (*missed)(void *ctx, unsigned int cpu, s64 count);
	void *ctx;
};

#endif /* KVMSCHED_SCHEMA_H */
