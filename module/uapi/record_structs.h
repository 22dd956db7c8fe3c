/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kvmsched: plain structs of the records: struct ks_rec_exit, for example
 *
 * Whoever includes this declares struct trace_entry before, and u8, s32 and so on.
 */
#ifndef _UAPI_KVMSCHED_RECORD_STRUCTS_H
#define _UAPI_KVMSCHED_RECORD_STRUCTS_H

#include "records.h"

#define F(type, name)		type name;
#define A(type, name, n)	type name[n];
#define KS_RECORD(record, classes, fields, ...)				\
	struct ks_rec_##record {					\
		struct trace_entry ent;					\
		fields							\
		char __end[];						\
	};
#include "record_list.h"

/* Its bytes in the ring, where C's padding behind the last field is left out */
#define KS_RECORD_SIZE(record)						\
	((offsetof(struct ks_rec_##record, __end) + 3) / 4 * 4)

#endif /* _UAPI_KVMSCHED_RECORD_STRUCTS_H */
