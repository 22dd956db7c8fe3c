/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's header of this name, so that programs can include
 * module/uapi/records.h: the records have one declaration, for both sides.
 */
#ifndef KVMSCHED_LINUX_TRACE_EVENTS_H
#define KVMSCHED_LINUX_TRACE_EVENTS_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* The common fields, as every event's format has them. */
struct trace_entry {
	u16 type;
	u8 flags;
	u8 preempt_count;
	s32 pid;
};

#ifndef ALIGN
#define ALIGN(x, a)	(((x) + (a) - 1) & ~((size_t)(a) - 1))
#endif

#endif /* KVMSCHED_LINUX_TRACE_EVENTS_H */
