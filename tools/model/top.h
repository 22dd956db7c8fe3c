/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changed between two readings of the kernel's ledgers.  Pure.
 */
#ifndef KVMSCHED_TOP_H
#define KVMSCHED_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/kvmsched.h"

/* A vCPU's ledger, without its exit reasons */
struct kvs_top_sample {
	int32_t tgid, tid;
	uint16_t vm, vcpu, state;
	uint64_t begin, now;
	uint64_t states[KVMSCHED_NR_STATES];
	uint64_t waits, wait_max, exits;
	uint32_t features;		/* KS_FEATURE_* */
};

/* A line: a vCPU, or all vCPUs of a VM; cycles, but for counts */
struct kvs_top_row {
	int32_t tgid, tid;
	uint16_t vm, vcpu, state;
	unsigned int vcpus;
	uint64_t span;			/* of all its vCPUs together */
	uint64_t longest;		/* of one of them: for rates */
	uint64_t states[KVMSCHED_NR_STATES];
	uint64_t waits, exits;
	uint64_t wait_max;		/* since its ledger was begun */
	uint32_t features;		/* KS_FEATURE_*, of any of them */
};

enum kvs_top_sort {
	KVS_TOP_BY_VM, KVS_TOP_BY_GUEST, KVS_TOP_BY_EXIT, KVS_TOP_BY_USER, KVS_TOP_BY_HALTED,
	KVS_TOP_BY_WAIT, KVS_TOP_BY_EXITS, KVS_TOP_BY_WAITS, KVS_TOP_BY_WORST,
	TOP_NR_SORTS
};

void kvs_top_sample_of(struct kvs_top_sample *s, const struct kvmsched_ledger *ledger);

/*
 * Rows of what happened between @before and @after, one for each of @after, or
 * for each VM; returns how many.  @rows has room for @nr_after.
 */
size_t kvs_top_rows(struct kvs_top_row *rows, const struct kvs_top_sample *before,
		    size_t nr_before, const struct kvs_top_sample *after, size_t nr_after,
		    bool by_vm);
void kvs_top_sort(struct kvs_top_row *rows, size_t nr, enum kvs_top_sort by);
bool kvs_top_sort_parse(const char *name, enum kvs_top_sort *by);

#endif /* KVMSCHED_TOP_H */
