/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUs that idled while a vCPU, which was allowed to use them, waited for another one.
 *
 * The kernel tells at the beginning of a wait which CPUs the vCPU's thread may run on, and
 * which of these idle; and from then on each CPU that begins to idle, or ends that.  What
 * counts is time in which at least one of them idled, and nothing kept the vCPU from
 * running there: not while it was throttled, nor while the CPU that it waited for idled
 * itself.  That CPU is never one of those that count.
 *
 * The end of a wait is known late, by the record of the switch in.  So the last changes are
 * kept apart until it is sure that the wait was not over before them.
 */
#ifndef KVMSCHED_IDLE_H
#define KVMSCHED_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/excerpt.h"

/*
 * A wait of which less than this was beside idle CPUs is not counted, and the sentence of
 * its moment does not mention them: the scheduler looks for idle CPUs in its tick.  This is the longest tick that kernels have
 * (HZ=100); the file does not say which one this kernel has.
 */
#define KVS_IDLE_TICK_NS	10000000

/* What idled during one wait; times in time stamps' units */
struct kvs_idle_wait {
	bool known;		/* else the rest is 0 */
	uint64_t time;		/* while at least one idled */
	uint64_t cpu_time;	/* of @time, the one that idled longest ... */
	uint16_t cpu;		/* ... and which it is, if @time is not 0 */
};

/* The same of all waits of a vCPU that have ended */
struct kvs_idle_sum {
	uint64_t waited;	/* all that is known, whether a CPU idled or not */
	uint64_t unknown;	/* waits of which it is not known */
	uint64_t time;
	uint64_t count;		/* waits with a tick of it, or more */
	uint64_t max;		/* the most in one wait ... */
	uint16_t cpu;		/* ... and the CPU that idled longest then */
};

/* 64 CPUs; a bit for each */
struct kvs_idle_block {
	uint16_t first;		/* the CPU of bit 0 */
	uint64_t allowed, idle;	/* by the last record */
	uint64_t on;		/* it idles and is allowed, by the changes that are settled */
	uint64_t since[64];	/* of those that count now, by the clock below */
	uint64_t time[64];
};

struct kvs_idle_change {
	uint64_t ts;		/* a time stamp */
	uint16_t cpu;
	uint8_t what;		/* enum, in idle.c */
};

#define KVS_IDLE_LATE	16

struct kvs_idle {
	bool told;		/* the allowed CPUs are, for this wait or the next one */
	bool waits;		/* a wait has begun */
	bool unknown;		/* records may be missing since it began */
	bool listed;		/* among those who follow the CPUs */
	struct kvs_idle_block *blocks;
	unsigned int nr_blocks;

	/* The wait, as far as changes are settled */
	uint64_t at;		/* the last of them, a time stamp */
	uint64_t clock;		/* time that counts if a CPU idles */
	bool runs;		/* does the clock? */
	uint16_t home;		/* the CPU that it waits for */
	unsigned int counting;	/* how many CPUs count now */
	uint64_t since, time;	/* at least one does since then, and did, by the clock */

	/* The last ones, which are not: as the kernel told them */
	struct kvs_idle_change late[KVS_IDLE_LATE];
	unsigned int nr_late;
	bool runs_told;		/* by the last of them */
	struct kvs_idle_sum sum;
};

/* All waits that follow the CPUs, and how long a tick is, in time stamps' units */
struct kvs_idles {
	struct kvs_idle **on;
	unsigned int nr;
	bool blind;		/* switches of CPUs could not be hooked: nothing is known */
	uint64_t tick;
	struct kvs_excerpt excerpt;	/* waits that end there are summed */
};

void kvs_idles_free(struct kvs_idles *all);
void kvs_idle_free(struct kvs_idle *w);

/*
 * A record tells which CPUs, from @first on, the waiting vCPU may use, and which of them
 * idle; @begins: it is the first record of its moment.  It may come a little before the
 * wait begins.
 */
void kvs_idle_allowed(struct kvs_idles *all, struct kvs_idle *w, uint64_t ts, bool begins,
		      uint16_t first, uint64_t cpus, uint64_t idle);
/* A CPU begins to idle, or ends that. */
void kvs_idle_cpu(struct kvs_idles *all, uint64_t ts, uint16_t cpu, bool idle);
/* A wait for @home begins; @counts: a CPU that idles could have run it. */
void kvs_idle_begin(struct kvs_idle *w, uint64_t ts, uint16_t home, bool counts);
/* The CPU that it waits for is another one, or what an idle CPU is worth has changed. */
void kvs_idle_move(struct kvs_idle *w, uint64_t ts, uint16_t home, bool counts);
/* Records were lost, and the wait's end will not be known. */
void kvs_idle_loss(struct kvs_idles *all);
/* The wait lasted from @begin to @end; @seen: from its begin on, without a doubt. */
void kvs_idle_end(struct kvs_idles *all, struct kvs_idle *w, uint64_t begin, uint64_t end,
		  bool seen, struct kvs_idle_wait *past);
/* It was none. */
void kvs_idle_drop(struct kvs_idles *all, struct kvs_idle *w);

#endif /* KVMSCHED_IDLE_H */
