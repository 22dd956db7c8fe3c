/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Quotas of cgroups (cpu.max), and when they keep vCPUs from a CPU.
 *
 * A cgroup with a quota is throttled on one CPU at a time, with all that are below it.  So
 * a vCPU is as long as a cgroup that its thread is in, or below, is so on the CPU that the
 * vCPU waits for.
 *
 * Throttling that was on before it could be seen is known afterwards alone, by its end.
 * Until then, or until something of the cgroup runs on that CPU, it is in doubt.
 */
#ifndef KVMSCHED_QUOTA_H
#define KVMSCHED_QUOTA_H

#include <stdbool.h>

#include "base/hist.h"
#include "base/table.h"
#include "model/culprits.h"
#include "model/excerpt.h"
#include "trace/schema.h"

/* What the kernel had counted when a program asked */
struct kvs_cpu_stat {
	u64 periods, throttled, throttled_us;	/* since the cgroup was made */
	kvs_u128 told_ts;	/* by the records until then, as @throttled_ts below */
	u64 open;		/* as @open below */
};

struct kvs_cgroup {
	u64 id;			/* its directory's inode number */
	const struct kvs_cgroup *parent;	/* NULL: none, or not told */
	char name[KVMSCHED_QUOTA_NAME + 1];	/* of its path, the end; "": not told */
	bool limit_told;	/* what follows is known, and the latest if it has changed */
	s64 quota_us;		/* of each period; -1: no limit */
	u64 period_us;
	char *label;		/* "throttled by cgroup NAME (cpu.max 50000 100000)" */

	/* Throttling on a CPU that has ended: how often, and for how long, over all CPUs */
	u64 count;
	kvs_u128 throttled_ts;
	bool strange;		/* a vCPU was moved to it: its limit may not be recorded yet */
	u64 open;		/* how often the end alone was seen: it is not in the sum */
	kvs_u128 open_ts;	/* what of that is known to be within the recording */
	kvs_u128 part_ts, open_part_ts;	/* the same two, of the excerpt */
	struct {
		bool on;	/* each begin of its throttling is recorded ... */
		u64 ts;		/* ... since this time stamp, or earlier, ... */
		u32 epoch;	/* ... unless records were lost since then */
	} watched;
	unsigned int stats;	/* how many records had the kernel's counts */
	struct kvs_cpu_stat first, last;
};

struct kvs_quotas {
	struct kvs_cgroup **cgroups;	/* in the order of first sight */
	unsigned int nr;
	struct kvs_table by_id;
	struct kvs_table threads;	/* tid to the cgroup that it is in */
	struct kvs_table barred;	/* by cgroup and CPU */
	u32 epoch;		/* a rising number: before, records may have been lost */
	struct kvs_excerpt excerpt;	/* in which the kernel's counts are compared */
};

void kvs_quotas_free(struct kvs_quotas *q);

void kvs_quota_cgroup(struct kvs_quotas *q, const struct kvs_record *rec);
/* The same record, before all others: what it says holds until another one comes. */
void kvs_quota_foretold(struct kvs_quotas *q, const struct kvs_record *rec);
/*
 * The recording began at @start.  Returns the cgroup whose throttling ends by this record,
 * if its begin was not seen; else NULL.
 */
const struct kvs_cgroup *kvs_quota_throttle(struct kvs_quotas *q, const struct kvs_record *rec,
					    u64 start);
/* Returns whether it is news that the cgroup has a quota. */
bool kvs_quota_told(struct kvs_quotas *q, const struct kvs_record *rec);
/* Records were lost: nobody knows what is throttled, until it is told again. */
void kvs_quota_lost(struct kvs_quotas *q);

/*
 * The cgroup whose quota keeps the thread from @cpu now: the first of several.  NULL: none,
 * as far as is known.
 */
const struct kvs_cgroup *kvs_quota_of(const struct kvs_quotas *q, s32 tid, u16 cpu);

/* May another one do so, since before it could be seen? */
enum kvs_quota_doubt {
	KVS_QUOTA_NO_DOUBT,	/* all that is on is known */
	KVS_QUOTA_UNLIKELY,	/* as far as is known, there is no quota that could */
	KVS_QUOTA_IN_DOUBT,
};
enum kvs_quota_doubt kvs_quota_doubt(const struct kvs_quotas *q, s32 tid, u16 cpu);
/* The thread runs on @cpu, where a quota would have kept it from that. */
void kvs_quota_ran(struct kvs_quotas *q, s32 tid, u16 cpu);
/* Is the thread in that cgroup, or in one below? */
bool kvs_quota_has(const struct kvs_quotas *q, s32 tid, const struct kvs_cgroup *cgroup);
/* The cgroup that it is in, for comparison; NULL: not told, or none */
const struct kvs_cgroup *kvs_quota_cgroup_of(const struct kvs_quotas *q, s32 tid);
/* Is it told in which cgroup the thread is, or that it is in none? */
bool kvs_quota_knows(const struct kvs_quotas *q, s32 tid);

/* Has the file its quota, or is it known by its number alone? */
static inline bool kvs_cgroup_limited(const struct kvs_cgroup *c)
{
	return c->limit_told && c->quota_us >= 0;
}

#endif /* KVMSCHED_QUOTA_H */
