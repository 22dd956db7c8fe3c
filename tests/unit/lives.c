// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random lives; see lives.h.
 */
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "feed.h"
#include "lives.h"

#define STEPS	20000
#define CPUS	2
#define HLT	0x78
#define TIMER	0xec		/* its vector */

enum life { IN_GUEST, WAITS, SLEEPS, IN_USERSPACE };

/* What is true of a vCPU while its records are made up */
struct vcpu {
	enum life life;
	s32 tid;
	u16 cpu;
	u64 since;		/* when that began */
	u8 kind;		/* of the last switch out */
	bool loaded;
};

static struct kvs_model *model;
static struct vcpu vcpus[LIVES_VCPUS];
static u64 now;
static unsigned int tasks;	/* of how many tasks the host's others are */
static bool by_task;		/* each task is throttled by itself */
static unsigned int back;	/* the most that the clock goes back, at once */

#define RECORD_OF(tid, on, name, ...)	FEED(model, now, on, tid, name, __VA_ARGS__)
#define RECORD(v, name, ...)						\
	RECORD_OF((v)->tid, (v)->cpu, name, .vm = 1, .vcpu = (v) - vcpus, ##__VA_ARGS__)
/* The same, written by whoever has the CPU */
#define RECORD_TO(v, name, ...)						\
	RECORD_OF(7, rand() % CPUS, name, .vm = 1, .vcpu = (v) - vcpus, ##__VA_ARGS__)

static u64 upto(u64 most)
{
	return 1 + rand() % most;
}

static void begin(void)
{
	now = 1000;
	RECORD_OF(1, 0, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
		  .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL);
	for (unsigned int i = 0; i < LIVES_VCPUS; i++) {
		struct vcpu *v = &vcpus[i];

		*v = (struct vcpu){ .tid = 100 + i, .cpu = i % CPUS, .life = IN_GUEST };
		now += upto(50);
		RECORD(v, vcpu, .tgid = 90, .prio = 120,
		       .features = KS_FEATURE_SVM | KS_FEATURE_DETAIL);
		RECORD_OF(v->tid, v->cpu, cgroup, .tid = v->tid, .id = 500 + i % 3, .parent = 503);
		RECORD(v, load);
	}
}

static void exits(struct vcpu *v, u32 reason, u8 how)
{
	u64 host = upto(30);

	now += host;
	/* Whatever it was for: one of nine ports, MSRs, leaves, hypercalls or pages */
	RECORD(v, exit, .reason = reason, .guest_cycles = upto(40), .host_cycles = host,
	       .flags = how, .info = (u64)(rand() % 9) << 16 | 0x10);
}

static u32 any_reason(void)
{
	/* CPUID, IOIO, MSR, VMMCALL and NPF of SVM */
	static const u16 detailed[] = { 0x72, 0x7b, 0x7c, 0x81, 0x400 };

	return rand() % 2 ? 0x60 + rand() % 8 : detailed[rand() % 5];
}

static void leaves_cpu(struct vcpu *v)
{
	static const u8 kinds[] = {
		KS_SWITCH_PREEMPTED, KS_SWITCH_PREEMPTED, KS_SWITCH_ABORTED,
		KS_SWITCH_HALTED, KS_SWITCH_BLOCKED,
	};

	v->kind = kinds[rand() % 5];
	v->loaded = v->life == IN_GUEST;
	if (v->loaded && rand() % 4)
		exits(v, v->kind == KS_SWITCH_HALTED ? HLT : any_reason(), KS_EXIT_BY_SWITCH);
	RECORD(v, switch_out, .kind = v->kind, .loaded = v->loaded,
	       .next_pid = rand() % tasks, .next_comm = "next",
	       .throttled = by_task ? 1 + rand() % 2 : KS_THROTTLED_AS_GROUP);
	v->since = now;
	v->life = v->kind == KS_SWITCH_HALTED || v->kind == KS_SWITCH_BLOCKED ? SLEEPS : WAITS;
	if (rand() % 2)
		RECORD(v, allowed, .cpus = 3, .idle = rand() % 4, .begins = 1);
}

/* An interrupt or softirq on a CPU, on @v's time or anybody's; it may begin before what goes on. */
static void interrupts(u16 cpu, s32 tid, const struct vcpu *v)
{
	static const char *const names[] = { "eth0", "local_timer", "TIMER" };
	unsigned int which = rand() % 3;
	struct kvs_record rec = {
		.ts = now, .event = KS_EV_host_irq, .cpu = cpu,
		.host_irq = { .cycles = upto(40),
			      .kind = which == 2 ? KS_HOST_IRQ_SOFTIRQ : KS_HOST_IRQ_DEVICE },
	};

	if (v) {
		rec.host_irq.vm = 1;
		rec.host_irq.vcpu = v - vcpus;
		rec.host_irq.ended_guest = which < 2 && rand() % 2;
	}
	rec.ent.pid = tid;
	strcpy(rec.host_irq.name, names[which]);
	kvs_model_record(model, &rec);
}

/* It gets its CPU some time before its switch in is told. */
static void gets_cpu(struct vcpu *v)
{
	u64 got = now;

	if (rand() % 2)
		RECORD_OF(7, v->cpu, holder, .pid = v->tid, .comm = "vcpu");
	for (unsigned int i = rand() % 12; i; i--) {
		now += upto(9);
		interrupts(v->cpu, rand() % 2 ? v->tid : 7, NULL);
		if (rand() % 4 == 0)
			RECORD_OF(7, v->cpu, holder, .pid = rand() % tasks, .comm = "a");
	}
	RECORD(v, switch_in, .kind = v->kind, .from_cpu = v->cpu,
	       .off_cycles = rand() % 20 ? got - v->since : upto(50),
	       .wait_ns = upto(30));
	v->life = v->loaded ? IN_GUEST : IN_USERSPACE;
	if (!v->loaded)
		return;
	if (v->kind == KS_SWITCH_HALTED)
		RECORD(v, halt, .waited = 1, .valid = 1, .poll_ns = upto(20) - 1);
	if (rand() % 8 == 0) {
		leaves_cpu(v);
		return;
	}
	RECORD(v, entry, .since_exit_cycles = now - v->since);
}

static void runs_in_guest(struct vcpu *v)
{
	switch (rand() % 6) {
	case 0:
		exits(v, any_reason(), KS_EXIT_BY_PUT);
		RECORD(v, put, .exit_reason = rand() % 5, .run_cycles = upto(100));
		v->life = IN_USERSPACE;
		break;
	case 1:
		RECORD(v, irq_inject, .vector = rand() % 2 ? TIMER : 0x30 + rand() % 3);
		exits(v, any_reason(), KS_EXIT_BY_ENTRY);
		break;
	case 2:
		leaves_cpu(v);
		break;
	case 3:
		RECORD(v, halt, .valid = 1, .poll_ns = upto(20));
		exits(v, HLT, KS_EXIT_BY_ENTRY);
		break;
	case 4:
		RECORD(v, timer_arm, .mode = KS_TIMER_DEADLINE, .guest_deadline = now + 100,
		       .deadline = now + 100);
		RECORD(v, irq_eoi, .vector = TIMER);
		exits(v, any_reason(), KS_EXIT_BY_ENTRY);
		break;
	default:
		exits(v, any_reason(), KS_EXIT_BY_ENTRY);
	}
}

static void is_off_cpu(struct vcpu *v)
{
	u16 to = rand() % CPUS;

	if (v->life == WAITS && rand() % 8 == 0 && to != v->cpu) {
		RECORD_OF(7, v->cpu, migrate, .vm = 1, .vcpu = v - vcpus, .cpu = to,
			  .from_cpu = v->cpu, .holder_pid = rand() % tasks, .holder_comm = "b");
		v->cpu = to;
	} else if (v->life == SLEEPS && rand() % 2) {
		RECORD_OF(7, v->cpu, wake, .vm = 1, .vcpu = v - vcpus, .cpu = v->cpu,
			  .holder_pid = rand() % tasks, .holder_comm = "c");
		v->life = WAITS;
	} else if (rand() % 3 == 0) {
		gets_cpu(v);
	}
}

static void goes_on(struct vcpu *v)
{
	if (v->life == IN_GUEST) {
		runs_in_guest(v);
	} else if (v->life == IN_USERSPACE) {
		if (rand() % 4 == 0) {
			leaves_cpu(v);
			return;
		}
		RECORD(v, load, .user_cycles = upto(60));
		v->life = IN_GUEST;
		if (rand() % 4 == 0)
			leaves_cpu(v);
		else
			RECORD(v, entry);
	} else {
		is_off_cpu(v);
	}
}

/* Its timer expires, a little early or late, and its LAPIC takes that. */
static void timer_expires(struct vcpu *v)
{
	RECORD_TO(v, timer_expire, .mode = KS_TIMER_DEADLINE, .deadline = now,
		  .late_cycles = rand() % 120 - 30);
	if (rand() % 8 == 0)
		return;
	now += upto(5);
	RECORD_TO(v, irq_accept, .vector = TIMER);
}

/*
 * Quotas are used up, or there is some again, whether the other end was told or not; a
 * thread is moved to another cgroup, and one of them gets a quota, or none.
 */
static void quotas(void)
{
	unsigned int which = rand() % LIVES_VCPUS, cgroup = 500 + rand() % 3;

	switch (rand() % 12) {
	case 0:
		RECORD_OF(9, 0, cgroup, .tid = vcpus[which].tid, .id = rand() % 4 ? cgroup : 0,
			  .parent = 503);
		break;
	case 1:
		RECORD_OF(9, 1, quota, .cgroup = 500 + rand() % 4,
			  .quota_us = rand() % 2 ? 1000 : -1, .period_us = 10000, .name = "/g");
		break;
	default:
		RECORD_OF(9, rand() % CPUS, throttle, .cgroup = 500 + rand() % 4,
			  .cpu = rand() % CPUS, .on = rand() % 2);
	}
}

/* Anybody's, by any way: a LAPIC accepts it. */
static void interrupt_comes(struct vcpu *v)
{
	RECORD_TO(v, irq_accept, .vector = 0x30 + rand() % 3, .by = rand() % KS_NR_BYS,
		  .context = rand() % KS_NR_CONTEXTS, .from_vm = 1,
		  .from_vcpu = rand() % LIVES_VCPUS, .name = "sender", .tgid = 90);
}

static void step(void)
{
	struct vcpu *v = &vcpus[rand() % LIVES_VCPUS];

	now += upto(60);
	/* In some lives the clock goes back once in a while, as in a damaged file. */
	if (rand() % 500 == 0 && back)
		now -= upto(back);
	switch (rand() % 16) {
	case 0:
		RECORD_OF(7, rand() % CPUS, holder, .pid = rand() % tasks, .comm = "d");
		break;
	case 1:
		if (v->life == IN_GUEST)
			interrupts(v->cpu, v->tid, v);
		else
			interrupts(rand() % CPUS, 7, NULL);
		break;
	case 2:
		interrupt_comes(v);
		break;
	case 3:
		if (rand() % 40 == 0)
			kvs_model_missed(model, rand() % CPUS, 3);
		break;
	case 4:
		timer_expires(v);
		break;
	case 5:
		quotas();
		break;
	case 6:
		RECORD(v, ipi, .icr = 0x4050 + rand() % 9, .dest = 1);
		break;
	case 7:
		RECORD_OF(7, rand() % CPUS, idle, .idle = rand() % 2);
		break;
	default:
		goes_on(v);
	}
}

void lives_live(struct kvs_model *m, unsigned int seed)
{
	srand(seed);
	model = m;
	/* More than a wait's table has rows, or few */
	tasks = seed % 2 ? 200 : 8;
	by_task = seed % 4 > 1;
	back = LIVES_BACK(seed);
	begin();
	for (unsigned int i = 0; i < STEPS; i++)
		step();
	RECORD_OF(1, 0, session, .op = KS_SESSION_STOP);
	kvs_model_finish(m);
}
