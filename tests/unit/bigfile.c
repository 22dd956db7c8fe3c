// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a large recording, for measuring how fast it is read: mostly uncut
 * exits, one HLT with its switches in a hundred, one timer interrupt in fifty.  vCPUs
 * that share a CPU take turns: whoever halts makes room for the next one.
 *
 * usage: bigfile FORMATS FILE EXITS CPUS [VCPUS]
 */
#include <stdio.h>
#include <stdlib.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "synth.h"

#define MAX_CPUS	256
#define MAX_VCPUS	4096

static struct synth *s;
static long cpus, vcpus;
static u64 now[MAX_CPUS];
static unsigned int on[MAX_CPUS];	/* the vCPU that has this CPU */
static u64 out_since[MAX_VCPUS];	/* when it lost its CPU; 0: it never had one */

#define PUT(cpu, name, ...) do {					\
	struct ks_rec_##name rec_ = {					\
		.ent.pid = 4711 + on[cpu], .vm = 1, .vcpu = on[cpu],	\
		__VA_ARGS__						\
	};								\
									\
	SYNTH_ADD(s, cpu, now[cpu], name, &rec_);			\
} while (0)

static void session(unsigned int cpu, u8 op)
{
	struct ks_rec_session rec = {
		.op = op, .cpu = cpu, .classes = KVMSCHED_CLASS_DEFAULT,
		.pages = 512, .tsc_khz = SYNTH_TSC_KHZ,
	};

	SYNTH_ADD(s, cpu, now[cpu], session, &rec);
}

static void identify(unsigned int cpu)
{
	PUT(cpu, vcpu, .tgid = 4700, .policy = 2, .rt_priority = 10, .prio = 89,
	    .apicv_inhibits = 1, .comm = "CPU 0/KVM");
}

/* The next of the vCPUs that share this CPU: those whose number leaves the same remainder */
static void take_turns(unsigned int cpu)
{
	on[cpu] += cpus;
	if (on[cpu] >= vcpus)
		on[cpu] = cpu;
	if (!out_since[on[cpu]])
		identify(cpu);
}

static void halt(unsigned int cpu, u32 guest, u32 host)
{
	PUT(cpu, exit, .reason = 0x78, .guest_cycles = guest, .host_cycles = host,
	    .flags = KS_EXIT_BY_SWITCH);
	PUT(cpu, switch_out, .kind = KS_SWITCH_HALTED, .loaded = 1,
	    .next_comm = "swapper/0", .ran_cycles = 2000000);
	out_since[on[cpu]] = now[cpu];
	now[cpu] += 300000;
	take_turns(cpu);
	PUT(cpu, switch_in, .kind = KS_SWITCH_HALTED, .from_cpu = cpu,
	    .off_cycles = out_since[on[cpu]] ? now[cpu] - out_since[on[cpu]] : 0,
	    .wait_ns = 1234);
	now[cpu] += 1000;
	PUT(cpu, entry, .since_exit_cycles = 301000 + host);
}

static void one_exit(unsigned long i, unsigned int cpu)
{
	static const u16 reasons[] = { 0x72, 0x7c, 0x400, 0x7b, 0x60 };
	u32 guest = rand() % 20000 + 100, host = rand() % 5000 + 1000;

	now[cpu] += guest + host;
	if (i % 50 == 0) {
		PUT(cpu, irq_accept, .vector = 0xec);
		PUT(cpu, irq_inject, .vector = 0xec);
	}
	if (i % 100 == 0)
		halt(cpu, guest, host);
	else
		PUT(cpu, exit, .reason = reasons[rand() % ARRAY_SIZE(reasons)],
		    .guest_cycles = guest, .host_cycles = host);
}

int main(int argc, char **argv)
{
	unsigned long exits;

	if (argc < 5 || argc > 6 || !kvs_parse_long(argv[4], 1, MAX_CPUS, &cpus) ||
	    !kvs_parse_long(argv[argc - 1], cpus, MAX_VCPUS, &vcpus)) {
		fprintf(stderr, "usage: bigfile FORMATS FILE EXITS CPUS [VCPUS]\n");
		return KVS_EXIT_USAGE;
	}
	exits = strtoul(argv[3], NULL, 10);
	s = synth_new(argv[2], cpus, argv[1]);
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		now[cpu] = 1000000 + cpu;
		on[cpu] = cpu;
		session(cpu, KS_SESSION_START);
		identify(cpu);
	}
	srand(1);
	for (unsigned long i = 0; i < exits; i++)
		one_exit(i, rand() % cpus);
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		session(cpu, KS_SESSION_STOP);
	synth_finish(s);
	return KVS_EXIT_OK;
}
