/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A life in a cgroup with a quota, whose truth is written down while it is made up.  One cycle
 * is one ns here.
 */
#ifndef THROTTLING_H
#define THROTTLING_H

#include "uapi/kvmsched.h"
#include "model/model.h"
#include "model/summary.h"
#include "feed.h"

#define ME		.vm = 1, .vcpu = vcpu
#define MS		1000000ULL
#define CPUID		0x72
#define OUTER		70ULL
#define INNER		((5ULL << 32) + 71)	/* the kernel's numbers have 64 bits */
#define BYSTANDER	7

static struct kvs_model m;
static u64 now;
static u16 vcpu, cpu;

#define RECORD(name, ...)	FEED(&m, now, cpu, 100 + vcpu, name, __VA_ARGS__)

static inline void session(u8 op)
{
	RECORD(session, .op = op, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL);
}

static inline void arrive(u16 id, u16 policy)
{
	vcpu = id;
	RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW, .policy = policy);
	RECORD(cgroup, .tid = 100 + vcpu, .id = INNER, .parent = OUTER);
	RECORD(cgroup, .id = OUTER, .parent = 1);
	RECORD(load, ME);
	RECORD(entry, ME);
}

static inline void begin(u16 policy)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	now = MS;
	cpu = 0;
	session(KS_SESSION_START);
	arrive(0, policy);
	RECORD(quota, .cgroup = OUTER, .quota_us = 50000, .period_us = 100000,
	       .name = "/outer");
}

static inline void end(void)
{
	session(KS_SESSION_STOP);
	kvs_model_finish(&m);
}

static inline int finish(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

static inline void throttle(u64 cgroup, u16 on_cpu, bool on)
{
	RECORD(throttle, .cgroup = cgroup, .cpu = on_cpu, .on = on);
}

static inline void lose(s32 next, u16 policy, u8 flags, u8 throttled)
{
	RECORD(exit, ME, .reason = CPUID, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1, .next_pid = next,
	       .next_policy = policy, .next_prio = 120, .next_comm = "bystander",
	       .next_flags = KS_TASK_TOLD | flags, .throttled = throttled);
}

static inline void regain(u64 off)
{
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = off);
	RECORD(entry, ME);
}

static inline u64 part_of(u16 id, unsigned int kind, u64 cgroup)
{
	const struct kvs_waiter *w = &m.vcpus[id]->waiter;
	u64 sum = 0;

	for (unsigned int i = 0; i < w->nr; i++)
		if (w->thieves[i].who.kind == kind &&
		    (!cgroup || w->thieves[i].who.cgroup->id == cgroup))
			sum += w->thieves[i].time;
	return sum;
}

/* The longest piece that is a quota's */
static inline u64 longest_of(u16 id)
{
	const struct kvs_waiter *w = &m.vcpus[id]->waiter;
	u64 max = 0;

	for (unsigned int i = 0; i < w->nr; i++)
		if (w->thieves[i].who.kind == KVS_THIEF_QUOTA && w->thieves[i].max > max)
			max = w->thieves[i].max;
	return max;
}

static inline const struct kvs_cgroup *cgroup_of(u64 id)
{
	return kvs_table_get(&m.quotas.by_id, id);
}

static inline void migrate_to_0(void)
{
	RECORD(migrate, ME, .cpu = 0, .from_cpu = 1, .holder_pid = BYSTANDER,
	       .holder_comm = "bystander");
}

#endif /* THROTTLING_H */
