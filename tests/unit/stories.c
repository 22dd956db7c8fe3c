// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the synthetic recordings of tests/golden: everything that a record
 * can say at least once, with numbers that a reader can follow by hand.  One
 * µs is 2000 cycles.
 *
 * usage: stories FORMATS DIRECTORY
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "synth.h"

#define US		2000ULL

#define ISA_VMX		KS_EXIT_VMX
#define ISA_SVM		0
#define SVM_CPUID	0x72
#define SVM_HLT		0x78
#define SVM_MSR		0x7c
#define SVM_IOIO	0x7b
#define SVM_NPF		0x400
#define SVM_NOBODY	0x3ff
#define VMX_HLT		12
#define VMX_TIMER	52

static struct synth *s;
static u64 now;			/* cycles */
static unsigned int cpu;
static s32 pid;
static u16 vm, vcpu;

#define PUT(name, ...) do {						\
	struct ks_rec_##name rec_ = { .ent.pid = pid, __VA_ARGS__ };	\
									\
	SYNTH_ADD(s, cpu, now, name, &rec_);				\
} while (0)
#define VPUT(name, ...) PUT(name, .vm = vm, .vcpu = vcpu, ##__VA_ARGS__)

static void session(u8 op, u32 classes, unsigned int cpus)
{
	for (unsigned int c = 0; c < cpus; c++) {
		cpu = c;
		pid = 600;
		PUT(session, .op = op, .cpu = c, .classes = classes, .pages = 64,
		    .tsc_khz = SYNTH_TSC_KHZ);
	}
	cpu = 0;
}

static void hook(const char *name, u32 classes, u32 how, s32 status)
{
	struct ks_rec_attach rec = {
		.ent.pid = 600, .classes = classes, .how = how, .status = status,
	};

	snprintf(rec.hook, sizeof(rec.hook), "%s", name);
	SYNTH_ADD(s, 0, now, attach, &rec);
}

static void on(unsigned int c, s32 tid, u16 v, u16 id)
{
	cpu = c;
	pid = tid;
	vm = v;
	vcpu = id;
}

static void identity(s32 tgid, u32 features, u16 policy, u16 rt)
{
	VPUT(vcpu, .tgid = tgid, .tsc_offset = -1234567ULL, .tsc_ratio = 1ULL << 32,
	     .tsc_frac_bits = 32, .features = features, .apicv_inhibits = 2,
	     .halt_poll_ns = 200000, .policy = policy, .rt_priority = rt,
	     .prio = rt ? 99 - rt : 120, .comm = "CPU 0/KVM");
}

static void lightweight(u32 reason, u8 isa, u64 guest_us, u64 host_us)
{
	now += (guest_us + host_us) * US;
	VPUT(exit, .flags = isa | KS_EXIT_BY_ENTRY, .reason = reason,
	     .guest_cycles = guest_us * US, .host_cycles = host_us * US);
}

static void cut(u32 reason, u8 isa, u64 guest_us, u64 host_us, u8 end)
{
	now += (guest_us + host_us) * US;
	VPUT(exit, .flags = isa | end, .reason = reason,
	     .guest_cycles = guest_us * US, .host_cycles = host_us * US);
}

/* Off the CPU for so long, the last part of it waiting */
static void off(u8 kind, u64 ran_us, u64 off_us, u64 wait_us, s32 next,
		const char *comm, s16 prio)
{
	struct ks_rec_switch_out out = {
		.ent.pid = pid, .vm = vm, .vcpu = vcpu, .kind = kind, .loaded = 1,
		.next_pid = next, .next_prio = prio, .ran_cycles = ran_us * US,
	};

	snprintf(out.next_comm, sizeof(out.next_comm), "%s", comm);
	SYNTH_ADD(s, cpu, now, switch_out, &out);
	now += off_us * US;
	VPUT(switch_in, .kind = kind, .from_cpu = cpu, .off_cycles = off_us * US,
	     .wait_ns = wait_us * 1000);
}

static void timer_round(u64 late_us)
{
	VPUT(timer_arm, .mode = KS_TIMER_DEADLINE, .guest_deadline = 12345,
	     .deadline = now + 50 * US);
	now += 50 * US + late_us * US;
	VPUT(timer_expire, .mode = KS_TIMER_DEADLINE, .deadline = now - late_us * US,
	     .late_cycles = late_us * US);
	VPUT(irq_accept, .vector = 0xec, .by = KS_BY_TIMER, .context = KS_CONTEXT_VCPU,
	     .tgid = 4700, .from_vm = vm, .from_vcpu = vcpu, .name = "CPU 0/KVM");
	now += 2 * US;
	VPUT(irq_inject, .vector = 0xec);
	now += 3 * US;
	VPUT(irq_eoi, .vector = 0xec);
}

static void host_irq(u8 kind, s32 irq, const char *name, u64 us, bool ended)
{
	struct ks_rec_host_irq rec = {
		.ent.pid = pid, .vm = vm, .vcpu = vcpu, .irq = irq, .kind = kind,
		.cycles = us * US, .ended_guest = ended,
	};

	snprintf(rec.name, sizeof(rec.name), "%s", name);
	SYNTH_ADD(s, cpu, now, host_irq, &rec);
}

/* A vCPU of the first VM: all that one can do. */
static void busy_vcpu(void)
{
	on(0, 4711, 1, 0);
	identity(4700, KS_FEATURE_SVM | KS_FEATURE_IRQCHIP, 2, 50);
	VPUT(load, .user_cycles = 0);
	for (unsigned int i = 1; i <= 100; i++)
		lightweight(SVM_CPUID, ISA_SVM, 10, i);
	for (unsigned int i = 0; i < 10; i++)
		lightweight(SVM_MSR, ISA_SVM, 5, 2);
	lightweight(SVM_NOBODY, ISA_SVM, 1, 1);
	for (unsigned int i = 1; i <= 5; i++) {
		timer_round(i);
		VPUT(clockevent, .delta_ns = 4000000, .expires_ns = 4000000);
		host_irq(KS_HOST_IRQ_TIMER, -1, "local_timer", 4, i % 2);
		host_irq(KS_HOST_IRQ_SOFTIRQ, -1, "TIMER", 2, false);
	}
	cut(SVM_HLT, ISA_SVM, 10, 3, KS_EXIT_BY_SWITCH);
	off(KS_SWITCH_HALTED, 9000, 500, 20, 0, "swapper/0", 120);
	now += 7 * US;
	VPUT(entry, .since_exit_cycles = 510 * US);
	for (unsigned int i = 0; i < 3; i++) {
		cut(SVM_NPF, ISA_SVM, 100000, 1, KS_EXIT_BY_SWITCH);
		off(KS_SWITCH_PREEMPTED, 100000, 30000 + 1000 * i, 0, 900 + i / 2,
		    i / 2 ? "ksoftirqd/0" : "stress", 49);
		VPUT(entry, .since_exit_cycles = (30001 + 1000 * i) * US);
	}
	cut(SVM_IOIO, ISA_SVM, 4, 2, KS_EXIT_BY_PUT);
	VPUT(put, .exit_reason = 2, .run_cycles = 450000 * US);
	now += 15 * US;
	host_irq(KS_HOST_IRQ_OWN_SOFTIRQ, -1, "NET_RX", 6, false);
	VPUT(load, .user_cycles = 15 * US);
	now += 1 * US;
	VPUT(entry, .since_exit_cycles = 18 * US);
	VPUT(irq_inject, .vector = 0x31, .reinjected = 1);
	VPUT(policy, .old_policy = 2, .old_prio = 49, .policy = 0, .prio = 125, .nice = 5);
}

/* VMs of one process, and another one on VMX (a merged file may say so) */
static void other_vcpus(void)
{
	on(1, 4712, 2, 0);
	identity(4700, KS_FEATURE_SVM | KS_FEATURE_IRQCHIP, 0, 0);
	lightweight(SVM_CPUID, ISA_SVM, 20, 2);
	/* It runs a guest of its own. */
	lightweight(SVM_CPUID, ISA_SVM | KS_EXIT_L2, 30, 4);
	on(1, 5001, 3, 1);
	identity(5000, KS_FEATURE_VMX, 1, 99);
	lightweight(VMX_HLT, ISA_VMX, 20, 2);
	lightweight(VMX_TIMER, ISA_VMX, 20, 2);
	VPUT(exit, .flags = ISA_VMX | KS_EXIT_FASTPATH);
	VPUT(timer_arm, .mode = KS_TIMER_PERIODIC, .hv = 1, .period_ns = 1000000);
	VPUT(timer_expire, .mode = KS_TIMER_PERIODIC, .hv = 1, .late_cycles = -3 * (s64)US);
}

/* Its timer's interrupts are injected by the hardware (APICv). */
static void posted(void)
{
	on(1, 5101, 4, 0);
	VPUT(vcpu, .tgid = 5100, .tsc_ratio = 1ULL << 48, .tsc_frac_bits = 48,
	     .features = KS_FEATURE_VMX | KS_FEATURE_IRQCHIP, .prio = 120,
	     .comm = "CPU 0/KVM");
	for (unsigned int i = 0; i < 2; i++) {
		lightweight(VMX_TIMER, ISA_VMX, 20, 2);
		VPUT(timer_expire, .mode = KS_TIMER_DEADLINE, .hv = 1, .late_cycles = 1 * US);
		VPUT(irq_accept, .vector = 0xec, .by = KS_BY_TIMER, .tgid = 5100,
		     .context = KS_CONTEXT_VCPU, .from_vm = 4, .from_vcpu = 0,
		     .name = "CPU 0/KVM");
		VPUT(irq_posted, .vector = 0xec);
	}
}

/* The same vCPU uses a synthetic timer: set, due and delivered 5 us late, set anew. */
static void synthetic(void)
{
	on(1, 5101, 4, 0);
	VPUT(stimer, .what = KS_STIMER_ARMED, .periodic = 1, .ahead_cycles = 10 * US);
	now += 15 * US;
	VPUT(stimer, .what = KS_STIMER_DELIVERED, .direct = 1);
	VPUT(stimer, .what = KS_STIMER_ARMED, .periodic = 1, .ahead_cycles = 5 * US);
	VPUT(stimer, .what = KS_STIMER_STOPPED);
}

/* An interrupt to the first vCPU, accepted so long before it is injected */
static void accepted(u64 us, u8 vector)
{
	now += us * US;
	on(0, 4711, 1, 0);
	VPUT(irq_inject, .vector = vector);
}

/* From the vCPU itself, the VMM, vhost, and a device that is passed on */
static void senders(void)
{
	on(0, 4711, 1, 0);
	VPUT(ipi, .icr = 0x4000 | 0xfd, .dest = 0);
	now += 1 * US;
	VPUT(irq_accept, .vector = 0xfd, .by = KS_BY_ICR, .context = KS_CONTEXT_VCPU,
	     .tgid = 4700, .from_vm = 1, .from_vcpu = 0, .name = "CPU 0/KVM",
	     .sent_cycles = 1 * US);
	accepted(4, 0xfd);
	on(1, 4705, 1, 0);
	PUT(irqfd, .vm = 1, .gsi = 10, .context = KS_CONTEXT_TASK, .tgid = 4700,
	    .task_flags = KS_TASK_TOLD, .from_vcpu = KS_NO_VCPU, .name = "IO iothread1");
	now += 30 * US;
	on(1, 77, 1, 0);
	VPUT(irq_accept, .vector = 0x23, .by = KS_BY_IRQFD_WORK, .context = KS_CONTEXT_TASK,
	     .tgid = 77, .task_flags = KS_TASK_TOLD | KS_TASK_KTHREAD | KS_TASK_WORKER,
	     .from_vcpu = KS_NO_VCPU, .gsi = 10, .name = "kworker/1:1");
	accepted(5, 0x23);
	on(1, 4720, 1, 0);
	PUT(irqfd, .vm = 1, .gsi = 24, .context = KS_CONTEXT_TASK, .tgid = 4700,
	    .task_flags = KS_TASK_TOLD | KS_TASK_USER_WORKER, .from_vcpu = KS_NO_VCPU,
	    .name = "vhost-4700");
	VPUT(irq_accept, .vector = 0x24, .by = KS_BY_IRQFD, .context = KS_CONTEXT_TASK,
	     .tgid = 4700, .task_flags = KS_TASK_TOLD | KS_TASK_USER_WORKER,
	     .from_vcpu = KS_NO_VCPU, .gsi = 24, .name = "vhost-4700", .sent_cycles = 1 * US);
	accepted(6, 0x24);
	on(1, 0, 1, 0);
	VPUT(irq_accept, .vector = 0x25, .by = KS_BY_IRQFD, .context = KS_CONTEXT_HARDIRQ,
	     .from_vcpu = KS_NO_VCPU, .gsi = 25, .name = "vfio-msix[0]", .sent_cycles = 2 * US);
	accepted(7, 0x25);
}

static void host_side(void)
{
	on(1, 800, 0, 0xffff);
	for (unsigned int i = 0; i < 4; i++) {
		PUT(host_switch, .prev_pid = 801, .next_pid = 800, .prev_prio = 120,
		    .next_prio = 120, .preempted = 1, .prev_comm = "spin-b",
		    .next_comm = "spin-a");
		now += 4000 * US;
		PUT(host_switch, .prev_pid = 800, .next_pid = 801, .prev_prio = 120,
		    .next_prio = 120, .preempted = 1, .prev_comm = "spin-a",
		    .next_comm = "spin-b");
		now += 4000 * US;
	}
	host_irq(KS_HOST_IRQ_DEVICE, 24, "virtio0", 9, false);
}

/* The quota of the cgroup that the first VM is in, and what it keeps that from */
static void quotas(void)
{
	on(0, 4711, 1, 0);
	PUT(cgroup, .tid = 4711, .id = 72, .parent = 71);
	PUT(cgroup, .id = 71, .parent = 1);
	PUT(quota, .cgroup = 71, .quota_us = 50000, .period_us = 100000, .periods = 10,
	    .throttled = 4, .throttled_us = 200000, .name = "/machine.slice/vm");
	now += 100 * US;
	PUT(throttle, .cgroup = 71, .cpu = 0, .on = 1);
	cut(SVM_CPUID, ISA_SVM, 100, 2, KS_EXIT_BY_SWITCH);
	off(KS_SWITCH_PREEMPTED, 100, 40000, 0, 900, "stress", 120);
	PUT(throttle, .cgroup = 71, .cpu = 0, .on = 0);
	VPUT(entry, .since_exit_cycles = 40002 * US);
	PUT(quota, .cgroup = 71, .quota_us = 50000, .period_us = 100000, .periods = 11,
	    .throttled = 5, .throttled_us = 240102, .name = "/machine.slice/vm");
}

/* It waits for CPU 0, while CPU 1 idles for a part of that, which it may use as well. */
static void elsewhere(void)
{
	struct ks_rec_idle idle = { .ent.pid = 0, .idle = 1, .waiters = 1 };

	on(0, 4711, 1, 0);
	VPUT(allowed, .begins = 1, .cpus = 3, .idle = 0);
	SYNTH_ADD(s, 1, now + 5000 * US, idle, &idle);
	idle.idle = 0;
	SYNTH_ADD(s, 1, now + 25000 * US, idle, &idle);
	cut(SVM_CPUID, ISA_SVM, 100, 2, KS_EXIT_BY_SWITCH);
	off(KS_SWITCH_PREEMPTED, 100, 30000, 0, 900, "stress", 49);
	VPUT(entry, .since_exit_cycles = 30002 * US);
}

/* The recorder looks which BPF scheduler is loaded. */
static void schedulers(bool loaded)
{
	on(0, 600, 0, 0xffff);
	if (loaded)
		PUT(bpf_scheduler, .loads = 4, .loaded = 1, .all_threads = 1, .name = "simple");
	else
		PUT(bpf_scheduler, .loads = 3);
}

/*
 * It halts, is woken on a CPU that another task has, and while it waits is moved to a CPU
 * that a third one has.
 */
static void woken(void)
{
	on(0, 4711, 1, 0);
	cut(SVM_HLT, ISA_SVM, 100, 2, KS_EXIT_BY_SWITCH);
	PUT(switch_out, .vm = 1, .kind = KS_SWITCH_HALTED, .loaded = 1, .next_pid = 910,
	    .next_prio = 120, .next_comm = "stress", .ran_cycles = 102 * US);
	now += 300 * US;
	on(0, 910, 1, 0);
	VPUT(wake, .cpu = 0, .holder_pid = 910, .holder_prio = 120, .holder_comm = "stress");
	now += 40 * US;
	on(0, 910, 0, KS_NO_VCPU);
	VPUT(holder, .pid = 911, .prio = 120, .comm = "spin", .waiters = 1);
	now += 60 * US;
	on(1, 912, 1, 0);
	VPUT(migrate, .cpu = 1, .from_cpu = 0, .holder_pid = 912, .holder_prio = 120,
	     .holder_comm = "make");
	now += 10 * US;
	on(1, 4711, 1, 0);
	VPUT(switch_in, .kind = KS_SWITCH_HALTED, .off_cycles = 410 * US, .wait_ns = 110000);
	VPUT(halt, .waited = 1, .valid = 1, .halt_ns = 412000);
	VPUT(entry, .since_exit_cycles = 412 * US);
}

/* The module's own ledger of a vCPU; its numbers are made up, not those of its records. */
static void closing(void)
{
	on(1, 600, 4, 0);
	VPUT(ledger, .tid = 5101, .states = { [KVMSCHED_STATE_HALTED] = 1000 * US });
}

/*
 * One record of the first vCPU, with nothing but zeros in it, of each event that nothing
 * above has; lossy() has the record of a loss.
 */
static void untold(void)
{
	on(0, 4711, 1, 0);
#define F(type, name)	if (!strcmp(#name, "vm")) rec.name = vm;
#define A(type, name, n)
#define KS_RECORD(record, classes, fields, ...)				\
	if (KS_EV_##record != KS_EV_lost && !synth_has(s, KS_EV_##record)) { \
		struct ks_rec_##record rec = { .ent.pid = pid };	\
									\
		fields							\
		SYNTH_ADD(s, cpu, now, record, &rec);			\
	}
#include "uapi/record_list.h"
}

static void everything(const char *path, const char *formats)
{
	const u32 classes = KVMSCHED_CLASS_ALL;

	s = synth_new(path, 2, formats);
	synth_comm(s, 4711, "CPU 0/KVM");
	now = 1000 * US;
	session(KS_SESSION_START, classes, 2);
	hook("kvm_exit", KVMSCHED_CLASS_EXIT, KVMSCHED_HOW_TRACEPOINT, 0);
	hook("kvm_entry", KVMSCHED_CLASS_EXIT, KVMSCHED_HOW_TRACEPOINT, 0);
	hook("vcpu_load", KVMSCHED_CLASS_SWITCH, KVMSCHED_HOW_KPROBE, 0);
	hook("sched_in/out", KVMSCHED_CLASS_SWITCH, KVMSCHED_HOW_NOTIFIER, 0);
	hook("clockevents_program_event", KVMSCHED_CLASS_TIMER, KVMSCHED_HOW_KPROBE, -2);
	hook("kvm_apicv_accept_irq", KVMSCHED_CLASS_IRQ, KVMSCHED_HOW_TRACEPOINT, 0);
	hook("kvm_hv_stimer_expiration", KVMSCHED_CLASS_TIMER, KVMSCHED_HOW_TRACEPOINT, 0);
	schedulers(false);
	busy_vcpu();
	other_vcpus();
	posted();
	synthetic();
	host_side();
	schedulers(true);
	quotas();
	elsewhere();
	senders();
	woken();
	schedulers(true);
	closing();
	untold();
	now += 100 * US;
	session(KS_SESSION_STOP, classes, 2);
	synth_finish(s);
}

/* A vCPU that is not on a CPU within KVM_RUN: it polls, halts, or waits for a page. */
static void asleep(const char *path, const char *formats)
{
	s = synth_new(path, 1, formats);
	now = 1000 * US;
	session(KS_SESSION_START, KVMSCHED_CLASS_DEFAULT, 1);
	on(0, 4711, 1, 0);
	identity(4700, KS_FEATURE_SVM | KS_FEATURE_IRQCHIP, 0, 0);
	VPUT(load, .user_cycles = 0);
	/* Before it is entered */
	now += 5 * US;
	off(KS_SWITCH_BLOCKED, 5, 42, 2, 0, "swapper/0", 120);
	VPUT(entry, .since_exit_cycles = 0);
	/* Woken while the host polls */
	for (unsigned int i = 0; i < 3; i++) {
		VPUT(halt, .valid = 1, .poll_ns = 140000, .halt_ns = 140000);
		lightweight(SVM_HLT, ISA_SVM, 10, 140 + 4);
	}
	/* Polled in vain */
	cut(SVM_HLT, ISA_SVM, 10, 50 + 4, KS_EXIT_BY_SWITCH);
	off(KS_SWITCH_HALTED, 540, 500, 20, 0, "swapper/0", 120);
	VPUT(halt, .waited = 1, .valid = 1, .poll_ns = 50000, .halt_ns = 550000);
	now += 2 * US;
	VPUT(entry, .since_exit_cycles = 556 * US);
	/* A page that is fetched from somewhere, and one that is there */
	cut(SVM_NPF, ISA_SVM, 10, 6, KS_EXIT_BY_SWITCH);
	off(KS_SWITCH_BLOCKED, 20, 3010, 10, 0, "swapper/0", 120);
	now += 3 * US;
	VPUT(entry, .since_exit_cycles = 3019 * US);
	lightweight(SVM_NPF, ISA_SVM, 10, 6);
	session(KS_SESSION_STOP, KVMSCHED_CLASS_DEFAULT, 1);
	synth_finish(s);
}

/* A ring too small: pages with flags, and the closing records */
static void lossy(const char *path, const char *formats)
{
	s = synth_new(path, 1, formats);
	now = 1000 * US;
	session(KS_SESSION_START, KVMSCHED_CLASS_EXIT, 1);
	on(0, 4711, 1, 0);
	identity(4700, KS_FEATURE_SVM | KS_FEATURE_NO_HALT_POLL, 0, 0);
	for (unsigned int i = 0; i < 200; i++) {
		lightweight(SVM_CPUID, ISA_SVM, 1, 1);
		if (i == 100)
			synth_lost(s, 0, 70);
	}
	pid = 600;
	PUT(lost, .event = synth_id(s, KS_EV_exit), .name = "kvmsched_exit", .count = 90);
	PUT(lost, .event = synth_id(s, KS_EV_entry), .name = "kvmsched_entry", .count = 3);
	session(KS_SESSION_STOP, KVMSCHED_CLASS_EXIT, 1);
	synth_finish(s);
}

/* vCPUs that the module had no room for, hits that the kernel dropped, and no loss */
static void unseen(const char *path, const char *formats)
{
	s = synth_new(path, 1, formats);
	now = 1000 * US;
	session(KS_SESSION_START, KVMSCHED_CLASS_EXIT, 1);
	PUT(attach, .hook = "vmx_handle_exit", .classes = KVMSCHED_CLASS_EXIT, .status = -ENOENT);
	on(0, 4711, 1, 0);
	identity(4700, KS_FEATURE_SVM, 0, 0);
	for (unsigned int i = 0; i < 10; i++)
		lightweight(SVM_CPUID, ISA_SVM, 10, 5);
	pid = 600;
	PUT(lost, .name = "kvm_set_msr_common", .count = 3);
	PUT(lost, .name = "refused", .count = 12);
	session(KS_SESSION_STOP, KVMSCHED_CLASS_EXIT, 1);
	synth_finish(s);
}

/* Enabled events, as trace-cmd records them: no session, no hooks, no end */
static void plain(const char *path, const char *formats)
{
	s = synth_new(path, 1, formats);
	now = 1000 * US;
	on(0, 4711, 1, 0);
	identity(4700, KS_FEATURE_SVM, 0, 0);
	for (unsigned int i = 0; i < 50; i++)
		lightweight(SVM_CPUID, ISA_SVM, 10, 5);
	synth_lost(s, 0, 0);
	lightweight(SVM_CPUID, ISA_SVM, 10, 5);
	synth_finish(s);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(const char *path, const char *formats);
	} stories[] = {
		{ "everything", everything }, { "asleep", asleep }, { "lossy", lossy },
		{ "plain", plain }, { "unseen", unseen },
	};

	if (argc != 3) {
		fprintf(stderr, "usage: stories FORMATS DIRECTORY\n");
		return 2;
	}
	for (size_t i = 0; i < ARRAY_SIZE(stories); i++) {
		char *path = xasprintf("%s/%s.dat", argv[2], stories[i].name);

		stories[i].write(path, argv[1]);
		free(path);
	}
	return 0;
}
