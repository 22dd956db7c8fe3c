/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model, and records for it, one by one.  Time stamps are in cycles, one cycle is one unit.
 */
#ifndef STORY_H
#define STORY_H

#include "model/model.h"
#include "model/summary.h"
#include "feed.h"

#define VCPU0	1, 0
#define VCPU1	1, 1

/* The model under test, and what the coming records have in common */
static struct kvs_model m;
static u16 cpu;
static s32 pid;

static inline int setup(void **unused)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	cpu = 0;
	pid = 100;
	return 0;
}

static inline int teardown(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

/* A record of that event; fields as in record_list.h, by name */
#define RECORD(at, name, ...)	FEED(&m, at, cpu, pid, name, __VA_ARGS__)

#define AT(vm_, vcpu_)	.vm = (vm_), .vcpu = (vcpu_)
#define ON(...)		AT(__VA_ARGS__)

static inline void identify(u64 ts, u16 vm, u16 id, s32 tgid)
{
	RECORD(ts, vcpu, .vm = vm, .vcpu = id, .tgid = tgid, .policy = 2,
	       .rt_priority = 7, .comm = "CPU/KVM");
}

static inline struct kvs_vcpu *vcpu(u16 vm, u16 id)
{
	for (unsigned int i = 0; i < m.nr_vcpus; i++)
		if (m.vcpus[i]->vm == vm && m.vcpus[i]->id == id)
			return m.vcpus[i];
	fail_msg("no vCPU %u:%u", vm, id);
	return NULL;
}

static inline void accept(u64 ts, u8 vector)
{
	RECORD(ts, irq_accept, ON(VCPU0), .vector = vector);
}

#endif /* STORY_H */
