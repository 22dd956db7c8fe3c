/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which BPF scheduler (sched_ext) was loaded when, as a program found by looking now and
 * then.  Between two looks that found the same, nothing else was.
 */
#ifndef KVMSCHED_MODEL_BPF_SCHED_H
#define KVMSCHED_MODEL_BPF_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/schema.h"

/* From the first look that found it to the last, in time stamps */
struct kvs_bpf_stretch {
	u64 first_ts, last_ts;
	u64 loads;		/* how many the kernel had loaded: two of one name differ */
	bool loaded;		/* false: none was */
	bool all_threads;	/* it had all threads but real-time ones; else SCHED_EXT's */
	char name[KVMSCHED_BPF_SCHEDULER_NAME + 1];	/* "" if none was */
};

struct kvs_bpf_scheds {
	struct kvs_bpf_stretch *list;	/* in the order of time */
	unsigned int nr;	/* 0: nobody looked */
};

void kvs_bpf_scheds_free(struct kvs_bpf_scheds *s);
void kvs_bpf_sched_told(struct kvs_bpf_scheds *s, const struct kvs_record *rec);

/*
 * What is to be said of a thread of @policy from @begin to @end, which the caller frees:
 * "scheduled by the BPF scheduler NAME", or that it changed.  NULL: the kernel's own
 * scheduler had the thread, or nobody knows.
 */
char *kvs_bpf_sched_words(const struct kvs_bpf_scheds *s, u16 policy, u64 begin, u64 end);

#endif /* KVMSCHED_MODEL_BPF_SCHED_H */
