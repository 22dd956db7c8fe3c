// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a recording of much guest I/O, at random but always the same: ports, pages, MSRs,
 * CPUID leaves and hypercalls of three VMs, exits that the kernel takes and the VMM, and
 * interrupts by vCPUs' own threads, by other threads, by vCPUs and by timers.  For tests
 * that compare two ways to count it.  One µs is 2000 cycles.
 *
 * usage: ios FORMATS FILE STEPS [exits]	exits: no interrupts are recorded
 */
#include <stdio.h>
#include <stdlib.h>

#include <linux/kvm.h>

#include "uapi/kvmsched.h"
#include "base/base.h"
#include "base/util.h"
#include "synth.h"

#define VMS		3
#define LAST_VM		(VMS - 1)	/* its records don't tell what exits were for */
#define VCPUS		2	/* of each */
#define ALL		(VMS * VCPUS)
#define VMM		4000	/* process of VM 0 */
#define IOTHREAD	8
#define SVM_CPUID	0x72
#define SVM_IOIO	0x7b
#define SVM_MSR		0x7c
#define SVM_VMMCALL	0x81
#define SVM_NPF		0x400
#define VMX_CPUID	10
#define VMX_VMCALL	18
#define VMX_IO		30
#define VMX_WRMSR	32
#define VMX_VIOLATION	48
#define VMX_MISCONFIG	49

static struct synth *s;
static u32 classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_HOST;
static u64 now = 2000000;
static u64 state = 88172645463325252ULL;

/* The VMM has it since @left; 0: the guest runs, since @entered. */
static struct vcpu {
	u64 entered, exited, left;
} vcpus[ALL];

static u64 any(u64 below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

/* vCPU i of all has CPU i, and thread i of its process. */
#define VM(i)		((i) / VCPUS)
#define PROCESS(i)	(VMM + 100 * (s32)VM(i))
#define THREAD(i)	(PROCESS(i) + 1 + (s32)((i) % VCPUS))
#define IS_VMX(i)	(VM(i) == 1)

#define PUT(cpu, tid, i, name, ...) do {					\
	struct ks_rec_##name rec_ = {						\
		.ent.pid = tid, .vm = VM(i) + 1, .vcpu = (i) % VCPUS, __VA_ARGS__	\
	};									\
	SYNTH_ADD(s, cpu, now, name, &rec_);					\
} while (0)
#define OWN(i, name, ...)	PUT(i, THREAD(i), i, name, __VA_ARGS__)

struct reason {
	s16 reason;
	u64 info;
};

static u64 page_of(unsigned int accesses)
{
	return any(5) << 12 | any(4096) | 0xd0000000ULL |
	       (u64)accesses << KS_EXIT_ACCESS_SHIFT;
}

static struct reason svm_reason(bool detail)
{
	switch (any(8)) {
	case 0:
		return (struct reason){ SVM_CPUID, any(8) | any(3) << 32 };
	case 1:
		return (struct reason){ SVM_MSR, 0x1b + any(3) + any(2) * KS_EXIT_MSR_WRITE };
	case 2:
		return (struct reason){ SVM_VMMCALL, any(4) };
	case 3:
		return (struct reason){ SVM_NPF, page_of(detail ? any(32) : 0) };
	default:
		return (struct reason){ SVM_IOIO, (0x1f0 + any(4)) << 16 | 1 << (4 + any(3)) | any(2) };
	}
}

static struct reason vmx_reason(void)
{
	switch (any(8)) {
	case 0:
		return (struct reason){ VMX_CPUID, any(8) | any(3) << 32 };
	case 1:
		return (struct reason){ VMX_WRMSR, (0x1b + any(3)) | KS_EXIT_MSR_WRITE };
	case 2:
		return (struct reason){ VMX_VMCALL, any(4) };
	case 3:
		return (struct reason){ VMX_MISCONFIG, page_of(0) };
	case 4:
		return (struct reason){ VMX_VIOLATION, page_of(any(64)) };
	default:
		return (struct reason){ VMX_IO, (0x1f0 + any(4)) << 16 | any(2) << 3 | (1 << any(2)) };
	}
}

static bool is_io(s16 reason)
{
	return reason == SVM_IOIO || reason == SVM_NPF || reason == VMX_IO ||
	       reason == VMX_VIOLATION || reason == VMX_MISCONFIG;
}

static void exits(unsigned int i)
{
	const struct reason r = IS_VMX(i) ? vmx_reason() : svm_reason(VM(i) < LAST_VM);
	struct vcpu *v = &vcpus[i];
	bool to_user = is_io(r.reason) && any(2);
	u64 guest = (now - v->entered) / 2, host = now - v->entered - guest;

	OWN(i, exit, .reason = r.reason, .info = r.info, .guest_cycles = guest,
	    .host_cycles = host, .flags = (to_user ? KS_EXIT_BY_PUT : KS_EXIT_BY_ENTRY) |
					  (IS_VMX(i) ? KS_EXIT_VMX : 0));
	v->entered = now;
	if (!to_user)
		return;
	v->exited = now - host;
	v->left = now += 1 + any(500);
	OWN(i, put, .exit_reason = r.reason == SVM_IOIO || r.reason == VMX_IO ? KVM_EXIT_IO :
		any(9) ? KVM_EXIT_MMIO : KVM_EXIT_INTR);
}

static void goes_on(unsigned int i)
{
	struct vcpu *v = &vcpus[i];

	OWN(i, load, .user_cycles = now - v->left);
	v->left = 0;
	now += 1 + any(500);
	v->entered = now;
	OWN(i, entry, .since_exit_cycles = now - v->exited);
}

/* By a thread of the process @from, or by that vCPU's thread within KVM_RUN */
static void interrupt(unsigned int cpu, s32 tid, unsigned int from, unsigned int to, u8 by,
		      const char *name)
{
	const bool ipi = by == KS_BY_ICR || by == KS_BY_TIMER;
	struct ks_rec_irq_accept rec = {
		.ent.pid = tid, .vm = VM(to) + 1, .vcpu = to % VCPUS, .vector = 0x60 + any(3),
		.by = by, .gsi = 24, .context = ipi ? KS_CONTEXT_VCPU : KS_CONTEXT_TASK,
		.task_flags = KS_TASK_TOLD, .tgid = PROCESS(from), .from_vm = VM(from) + 1,
		.from_vcpu = ipi ? from % VCPUS : KS_NO_VCPU,
	};

	snprintf(rec.name, sizeof(rec.name), "%s", name);
	SYNTH_ADD(s, cpu, now, irq_accept, &rec);
	if (any(4) || vcpus[to].left)
		return;
	now += 1 + any(300);
	OWN(to, irq_inject, .vector = rec.vector);
}

/* It gets its CPU, which may have been another thread's until now. */
static void worker(unsigned int i)
{
	const s32 tid = PROCESS(i) + IOTHREAD + any(2);
	struct ks_rec_host_switch rec = {
		.next_pid = tid, .prev_comm = "swapper/0", .next_comm = "worker",
	};

	if (any(3))
		SYNTH_ADD(s, ALL, now, host_switch, &rec);
	now += 1 + any(300);
	interrupt(ALL, tid, i, VM(i) * VCPUS + any(VCPUS), KS_BY_IRQFD, "worker");
}

static void others(unsigned int i)
{
	const unsigned int to = VM(i) * VCPUS + any(VCPUS);

	switch (any(100)) {
	case 0:
		synth_lost(s, i, 1 + any(9));
		OWN(i, ipi, .icr = 0x30);
		break;
	case 1 ... 15:
		OWN(i, ipi, .icr = any(4) ? 0x40 + any(3) : 4 << 8);
		break;
	case 16 ... 25:
		interrupt(i, THREAD(i), i, to, any(2) ? KS_BY_ICR : KS_BY_TIMER, "CPU 0/KVM");
		break;
	default:
		worker(i);
	}
}

static void step(void)
{
	const unsigned int i = any(ALL);

	now += 1 + any(20000);
	if (!any(3) && classes & KVMSCHED_CLASS_IRQ)
		others(i);
	else if (!vcpus[i].left)
		exits(i);
	else if (any(3))
		goes_on(i);
	else if (classes & KVMSCHED_CLASS_IRQ)
		interrupt(i, THREAD(i), i, VM(i) * VCPUS + any(VCPUS), KS_BY_OTHER, "CPU 0/KVM");
}

static void begin(void)
{
	for (unsigned int cpu = 0; cpu <= ALL; cpu++) {
		struct ks_rec_session session = {
			.ent.pid = 600, .op = KS_SESSION_START, .cpu = cpu, .classes = classes,
			.pages = 64, .tsc_khz = SYNTH_TSC_KHZ,
		};
		struct ks_rec_attach hook = {
			.ent.pid = 600, .classes = KVMSCHED_CLASS_IRQ, .hook = "kvm_apic_ipi",
		};

		SYNTH_ADD(s, cpu, now, session, &session);
		if (!cpu && classes & KVMSCHED_CLASS_IRQ)
			SYNTH_ADD(s, cpu, now, attach, &hook);
	}
	for (unsigned int i = 0; i < ALL; i++) {
		vcpus[i].entered = now;
		OWN(i, vcpu, .tgid = PROCESS(i), .tsc_ratio = 1ULL << 32, .tsc_frac_bits = 32,
		    .features = (IS_VMX(i) ? KS_FEATURE_VMX : KS_FEATURE_SVM) |
				KS_FEATURE_IRQCHIP | (VM(i) < LAST_VM ? KS_FEATURE_DETAIL : 0),
		    .prio = 120, .comm = "CPU 0/KVM");
	}
}

int main(int argc, char **argv)
{
	long steps;

	if (argc < 4 || argc > 5 || !kvs_parse_long(argv[3], 1, 100000000, &steps)) {
		fprintf(stderr, "usage: ios FORMATS FILE STEPS [exits]\n");
		return KVS_EXIT_USAGE;
	}
	if (argc == 5)
		classes = KVMSCHED_CLASS_EXIT | KVMSCHED_CLASS_SWITCH;
	s = synth_new(argv[2], ALL + 1, argv[1]);
	begin();
	while (steps--)
		step();
	synth_finish(s);
	return KVS_EXIT_OK;
}
