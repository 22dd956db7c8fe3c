/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits by detail: which port, MSR, CPUID leaf, hypercall or page they were for; and the
 * vectors that vCPUs sent.  Counts and sums are exact, in memory that is bounded: what
 * finds no room is in one row, the rest.
 */
#ifndef KVMSCHED_DETAILS_H
#define KVMSCHED_DETAILS_H

#include <stdbool.h>

#include "base/hist.h"
#include "base/table.h"
#include "model/model.h"

#define KVS_DETAILS(X)							\
	X(PORT,		"port")						\
	X(MSR,		"msr")						\
	X(LEAF,		"leaf")						\
	X(HYPERCALL,	"hypercall")					\
	X(ADDRESS,	"address")					\
	X(VECTOR,	"vector")

enum kvs_detail_by {
#define KVS_DETAIL_ENUM(symbol, name) KVS_BY_##symbol,
	KVS_DETAILS(KVS_DETAIL_ENUM)
	KVS_DETAIL_KINDS
};

/* How a page was accessed; present: it was mapped, but not for that. */
#define KVS_ACCESSES(X)							\
	X(READ,		"read")						\
	X(WRITE,	"write")					\
	X(EXECUTE,	"execute")					\
	X(PRESENT,	"present")

enum kvs_access {
#define KVS_ACCESS_ENUM(symbol, name) KVS_ACCESS_##symbol,
	KVS_ACCESSES(KVS_ACCESS_ENUM)
	KVS_NR_ACCESSES
};

/* One port, MSR and so on; @key is what kvs_detail_name() reads. */
struct kvs_detail {
	u64 key;
	u8 by;			/* enum kvs_detail_by */
	bool known;		/* false: the records don't tell which it was */
	bool rest;		/* all those that found no room */
	bool mmio;		/* ADDRESS: at least one access was to no memory */
	u64 accesses[KVS_NR_ACCESSES];	/* ADDRESS: exits that tell of one; may be several */
	u64 count;
	kvs_u128 cycles;	/* host time on the CPU, without polling; not of VECTOR */
	u64 max_cycles;
	unsigned int vcpu;	/* index of the vCPU; in a sum, that of any */
};

struct kvs_details {
	const struct kvs_model *model;
	struct kvs_detail **rows;
	unsigned int nr;
	struct kvs_table table;		/* from a hash to the first row of it */
	struct kvs_table per_vcpu;	/* from a vCPU's index to the number of its rows */
};

void kvs_details_init(struct kvs_details *d);
/* A sink of @m; @d stays where it is as long as @m is fed. */
void kvs_details_listen(struct kvs_details *d, struct kvs_model *m);
void kvs_details_free(struct kvs_details *d);

/* What a span of kind EXIT was for, as a row of its own; false: for nothing of these */
bool kvs_detail_of(const struct kvs_span *span, struct kvs_detail *one);

/* Add the counts and times of a row to another's. */
void kvs_detail_add(struct kvs_detail *into, const struct kvs_detail *from);

/*
 * The rows of @by, over the vCPUs for which @wanted says true: the most frequent first,
 * and what found no room last.  The caller frees the array of @nr rows.
 */
struct kvs_detail *kvs_details_sum(const struct kvs_details *d, enum kvs_detail_by by,
				   bool (*wanted)(const void *ctx, const struct kvs_vcpu *v),
				   const void *ctx, unsigned int *nr);

/* "port", "msr", ...; NULL beyond the last */
const char *kvs_detail_by_name(unsigned int by);

/* "read", "write", ... */
const char *kvs_access_name(enum kvs_access access);

#define KVS_DETAIL_LEN	80
/* "0x5f0 out, 4 bytes", "0x1b IA32_APIC_BASE read", "not told" */
const char *kvs_detail_name(char name[KVS_DETAIL_LEN], const struct kvs_detail *row);

#endif /* KVMSCHED_DETAILS_H */
