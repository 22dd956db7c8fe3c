/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who had the CPU in some stretch of time, summed by culprit.
 *
 * The table has KVS_CULPRITS rows.  Where there are more culprits, the last row sums the
 * smallest of them as "(others)", so that all rows sum to the whole in any case.
 */
#ifndef KVMSCHED_CULPRITS_H
#define KVMSCHED_CULPRITS_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/schema.h"

#define KVS_COMM_LEN	17	/* with a NUL */

enum kvs_thief_kind {
	KVS_THIEF_UNKNOWN,	/* not recorded, or the record was lost */
	KVS_THIEF_TASK,		/* a vCPU's thread as well, see the tid */
	KVS_THIEF_IDLE,		/* nobody: the CPU had to wake up, or as below */
	KVS_THIEF_MIGRATION,	/* the kernel's thread that moves tasks */
	KVS_THIEF_INTERRUPT,	/* its handler, whoever's time it took */
	KVS_THIEF_THROTTLED,	/* inferred: runnable here, and yet the CPU idles */
	KVS_THIEF_QUOTA,		/* told: a cgroup's quota kept it from the CPU */
	KVS_THIEF_RT_THROTTLED,	/* inferred: real-time, and the CPU is given to less */
	KVS_THIEF_KINDS
};

struct kvs_cgroup;

#define KVS_MAX_RT_PRIO	100	/* the kernel's: below are the real-time ones */

struct kvs_holder {
	int32_t pid;		/* of the task; 0: idle; -1: unknown, or an interrupt */
	int16_t prio;		/* the kernel's, 0 .. 139; -1: SCHED_DEADLINE */
	uint16_t cpu;		/* that it held */
	uint8_t kind;		/* enum kvs_thief_kind */
	u8 flags;		/* KS_TASK_*; without KS_TASK_TOLD, the next ones mean nothing */
	u8 policy;		/* SCHED_* */
	s8 nice;
	s32 tgid;		/* its process */
	char comm[KVS_COMM_LEN];	/* the task's name, or the interrupt's */
	const struct kvs_cgroup *cgroup;	/* whose quota it is */
};

#define KVS_CULPRITS	64

struct kvs_culprit {
	struct kvs_holder who;	/* its CPU: of the longest piece */
	uint64_t time;		/* of all its pieces, in time stamps' units */
	uint64_t count, max;	/* how many pieces, and the longest */
};

/* All zeroes is an empty table. */
struct kvs_culprits {
	struct kvs_culprit *rows;
	uint32_t *keys;		/* of each row: those of one culprit are equal */
	unsigned int nr, room;	/* of @rows, and of @keys */
	uint64_t least;		/* no row of a full table has less time than that */
};

#define KVS_SHARES	3

/* The largest parts of a table, the largest first */
struct kvs_shares {
	uint64_t all;		/* what the whole table sums to, in time stamps' units */
	unsigned int nr;	/* of @top */
	struct kvs_share {
		struct kvs_holder who;
		uint64_t time;
	} top[KVS_SHARES];
};

/*
 * Threads are distinguished by pid, interrupts by name, quotas by cgroup.  All idle threads are one culprit,
 * and so are all migration threads.
 */
bool kvs_same_culprit(const struct kvs_holder *a, const struct kvs_holder *b);
/* The culprit of the row that sums all who have no row of their own; and is @who that one? */
struct kvs_holder kvs_others(void);
bool kvs_is_others(const struct kvs_holder *who);

/* One piece of @time, which is not 0 */
void kvs_culprits_add(struct kvs_culprits *c, const struct kvs_holder *who, uint64_t time);
/* The same for a part of it, which may be 0, and which counts as one only where @counts */
void kvs_culprits_add_part(struct kvs_culprits *c, const struct kvs_holder *who, uint64_t time,
			   bool counts);
/* Empty again; the memory stays. */
void kvs_culprits_clear(struct kvs_culprits *c);
void kvs_culprits_free(struct kvs_culprits *c);
/*
 * "(others)" is none of the largest parts, unless there is nothing else.  The first one is
 * unknown, with no time, if the table is empty.
 */
void kvs_culprits_shares(const struct kvs_culprits *c, struct kvs_shares *shares);

#endif /* KVMSCHED_CULPRITS_H */
