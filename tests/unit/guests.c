// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes recordings of a host and of a guest's scheduler for guest.t, whose figures can be
 * worked out by hand.  Times are µs since the host's recording began; one µs is 2000 cycles.
 *
 *	the vCPU	out of guest mode
 *	900		exit, until 1000
 *	4000		exit: CR3 is written, until 4100
 *	7000		exit: an interrupt of the host; preempted at 7050, back at 9050,
 *			in guest mode at 9100
 *	15000		exit: CPUID, until 15200
 *	20000		exit: CPUID, until 20100
 *
 *	the guest
 *	1200, 1300	trace_marker: SCHED_RR asks for 5 ms; alpha has run 1 ms
 *	1400		beta is woken
 *	1500		gamma sleeps, alpha runs
 *	3990		alpha's turn is over, beta runs
 *	10000		beta's turn is over, alpha runs
 *	12000		trace_marker: a sleep ended 300 µs late
 *	15500		alpha's turn is over, beta runs
 *	16000		gamma is woken
 *	19000		beta sleeps, gamma runs
 *	19500		trace_marker: alpha has run 8.99 ms
 *	19600		gamma sleeps, alpha runs
 *
 * A second host has two vCPUs with shadow paging.  Each exit lasts 100 µs, and is a write of
 * CR3 unless something else is said.  The guest tells what it was for, or does not.
 *
 *	vCPU 0		the guest's CPU 0
 *	900		1050: its first event, a switch
 *			1200: gamma sleeps, alpha runs
 *	1500		1650: a switch
 *	2000		2120: 5 pages are flushed; 2150: a switch
 *	3000		3150: a flush, of the process
 *	4000: CPUID	4980: beta is woken
 *	5000		5150: a flush, for several processes
 *	6000, 6500	6650: a switch
 *			7000: another one
 *	8000		8150: a flush for another CPU
 *	9000		9120: other CPUs shall flush; 9150: a switch, maybe after a loss
 *	10000		10150: a switch
 *	11000, 11300, 11600
 *			12000: its last event, alpha sleeps, beta runs
 *	13000
 *
 *	vCPU 1		the guest's CPU 1
 *			1560: its first event, nothing is to be flushed any more
 *	4940		5060: a switch
 *	9500		9650: a flush, of the process
 *	9700		9990: its last event, other CPUs shall flush
 *
 * usage: guests FORMATS DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "synth.h"

#define US		2000ULL
#define BEGIN		(100000000 * US)
#define OFFSET		(-1000000000ULL)	/* of the guest's TSC */
#define CLASSES		(KVMSCHED_CLASS_EXIT | KVMSCHED_CLASS_SWITCH)
#define TGID		4700
#define TID		4711	/* of the first VM's vCPU; that of the second is the next */
#define SVM_WRITE_CR3	0x13
#define SVM_INTR	0x60
#define SVM_CPUID	0x72
#define RT_PRIO		89	/* the kernel's number for priority 10 */
#define NICE_PRIO	120
#define ASLEEP		1
#define EXIT_US		100	/* how long the exits of the second host last */

static const char *formats, *folder;

enum task { ALPHA, BETA, GAMMA };
static const struct {
	const char *comm;
	s32 pid, prio;
} tasks[] = {
	[ALPHA] = { "alpha", 10, RT_PRIO }, [BETA] = { "beta", 11, RT_PRIO },
	[GAMMA] = { "gamma", 12, NICE_PRIO },
};

#define PUT(s, cpu, us, name, ...) do {						\
	struct ks_rec_##name rec_ = { .ent.pid = TID + (cpu), __VA_ARGS__ };	\
	SYNTH_ADD(s, cpu, BEGIN + (us) * US, name, &rec_);			\
} while (0)

/* The VM whose vCPU has a CPU */
#define VM(cpu)		((cpu) + 1)

static void left(struct synth *s, unsigned int cpu, u64 from, u64 at, u64 until, u16 reason, u8 end)
{
	PUT(s, cpu, until, exit, .vm = VM(cpu), .reason = reason, .flags = end,
	    .guest_cycles = (at - from) * US, .host_cycles = (until - at) * US);
}

static void vcpu(struct synth *s, unsigned int cpu)
{
	PUT(s, cpu, 1, vcpu, .vm = VM(cpu), .tgid = TGID, .features = KS_FEATURE_SVM,
	    .prio = NICE_PRIO, .tsc_offset = OFFSET, .tsc_ratio = 1ULL << 32,
	    .tsc_frac_bits = 32, .comm = "CPU/KVM");
	left(s, cpu, 400, 900, 1000, SVM_CPUID, KS_EXIT_BY_ENTRY);
	left(s, cpu, 1000, 4000, 4100, SVM_WRITE_CR3, KS_EXIT_BY_ENTRY);
	left(s, cpu, 4100, 7000, 7050, SVM_INTR, KS_EXIT_BY_SWITCH);
	PUT(s, cpu, 7050, switch_out, .vm = VM(cpu), .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	    .next_prio = NICE_PRIO, .next_pid = 99, .next_comm = "hog");
	PUT(s, cpu, 9050, switch_in, .vm = VM(cpu), .kind = KS_SWITCH_PREEMPTED,
	    .off_cycles = 2000 * US, .wait_ns = 2000000);
	PUT(s, cpu, 9100, entry, .vm = VM(cpu), .since_exit_cycles = 2100 * US);
	left(s, cpu, 9100, 15000, 15200, SVM_CPUID, KS_EXIT_BY_ENTRY);
	left(s, cpu, 15200, 20000, 20100, SVM_CPUID, KS_EXIT_BY_ENTRY);
}

static struct synth *new_file(const char *name, unsigned int cpus,
			      struct synth *(*make)(const char *, unsigned int, const char *))
{
	char *path = xasprintf("%s/%s", folder, name);
	struct synth *s = make(path, cpus, formats);

	free(path);
	return s;
}

/* With @vms 2: a second VM of the same process does the same at the same times. */
static void host(const char *name, unsigned int vms)
{
	static int32_t tids[] = { TID };
	static char vm_name[] = "web1";
	struct synth *s = new_file(name, vms, synth_new);

	synth_guest(s, vm_name, ARRAY_SIZE(tids), tids);
	PUT(s, 0, 0, session, .op = KS_SESSION_START, .classes = CLASSES, .pages = 64,
	    .tsc_khz = SYNTH_TSC_KHZ);
	for (unsigned int cpu = 0; cpu < vms; cpu++)
		vcpu(s, cpu);
	PUT(s, 0, 20200, session, .op = KS_SESSION_STOP, .classes = CLASSES);
	synth_finish(s);
}

static u64 guest_time(u64 us)
{
	return BEGIN + us * US + OFFSET;
}

static void change(struct synth *s, u64 us, enum task prev, long state, enum task next)
{
	struct {
		struct trace_entry ent;
		char prev_comm[16];
		s32 prev_pid, prev_prio;
		s64 prev_state;
		char next_comm[16];
		s32 next_pid, next_prio;
	} rec = {
		.ent.pid = tasks[prev].pid, .prev_pid = tasks[prev].pid,
		.prev_prio = tasks[prev].prio, .prev_state = state,
		.next_pid = tasks[next].pid, .next_prio = tasks[next].prio,
	};

	strcpy(rec.prev_comm, tasks[prev].comm);
	strcpy(rec.next_comm, tasks[next].comm);
	synth_sched(s, 0, guest_time(us), "sched_switch", &rec, sizeof(rec));
}

static void waking(struct synth *s, u64 us, enum task who)
{
	struct {
		struct trace_entry ent;
		char comm[16];
		s32 pid, prio, target_cpu;
	} rec = { .pid = tasks[who].pid, .prio = tasks[who].prio };

	strcpy(rec.comm, tasks[who].comm);
	synth_sched(s, 0, guest_time(us), "sched_waking", &rec, sizeof(rec));
}

/* As docs/guest-marker.md has it; the name has a space and a parenthesis, as names may. */
static void mark(struct synth *s, u64 us, u64 ran_ns)
{
	char text[180];

	snprintf(text, sizeof(text), "kvmsched task %llu 5 2 10 (al) pha) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 -11 0 1 0 5"
		 " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 10 2 0\n",
		 (unsigned long long)ran_ns);
	synth_print(s, 0, guest_time(us), 13, text);
}

struct wishes {
	bool marks, wakings, lossy, steal;
};

static void guest(const char *name, struct wishes w)
{
	struct synth *s = new_file(name, 1, synth_new_guest);

	if (w.marks) {
		synth_print(s, 0, guest_time(1200), 13, "kvmsched rr_ms 5\n");
		synth_print(s, 0, guest_time(1250), 13, w.steal ?
			    "kvmsched config CONFIG_HZ=1000 CONFIG_PARAVIRT_TIME_ACCOUNTING=y\n" :
			    "kvmsched config CONFIG_HZ=250\n");
		mark(s, 1300, 1000000);
	}
	if (w.wakings)
		waking(s, 1400, BETA);
	change(s, 1500, GAMMA, ASLEEP, ALPHA);
	change(s, 3990, ALPHA, 0, BETA);
	if (w.lossy)
		synth_lost(s, 0, 3);
	change(s, 10000, BETA, 0x100, ALPHA);
	if (w.marks)
		synth_print(s, 0, guest_time(12000), 10, "kvmsched late 300000\n");
	change(s, 15500, ALPHA, 0, BETA);
	if (w.wakings)
		waking(s, 16000, GAMMA);
	change(s, 19000, BETA, ASLEEP, GAMMA);
	if (w.marks)
		mark(s, 19500, 8990000);
	change(s, 19600, GAMMA, ASLEEP, ALPHA);
	synth_finish(s);
}

static void leave(struct synth *s, unsigned int vcpu, u64 from, u64 at, u16 reason)
{
	struct ks_rec_exit rec = {
		.ent.pid = TID + vcpu, .vm = 1, .vcpu = vcpu, .reason = reason,
		.flags = KS_EXIT_BY_ENTRY, .guest_cycles = (at - from) * US,
		.host_cycles = EXIT_US * US,
	};

	SYNTH_ADD(s, vcpu, BEGIN + (at + EXIT_US) * US, exit, &rec);
}

static void shadow_vcpu(struct synth *s, unsigned int vcpu, const u64 *exits, u64 lost)
{
	struct ks_rec_vcpu rec = {
		.ent.pid = TID + vcpu, .vm = 1, .vcpu = vcpu, .tgid = 4700,
		.features = KS_FEATURE_SVM, .prio = NICE_PRIO, .tsc_offset = OFFSET,
		.tsc_ratio = 1ULL << 32, .tsc_frac_bits = 32, .comm = "CPU/KVM",
	};
	u64 from = 400;

	SYNTH_ADD(s, vcpu, BEGIN + US, vcpu, &rec);
	for (; *exits; from = *exits++ + EXIT_US) {
		if (*exits == lost)
			synth_lost(s, vcpu, 1);
		else
			leave(s, vcpu, from, *exits, *exits == 4000 ? SVM_CPUID : SVM_WRITE_CR3);
	}
}

/* @lost: the exit that has no record */
static void shadow(const char *name, u64 lost)
{
	static const u64 exits[][20] = {
		{ 900, 1500, 2000, 3000, 4000, 5000, 6000, 6500, 8000, 9000, 10000, 11000, 11300,
		  11600, 13000 },
		{ 4940, 9500, 9700, 13000 },
	};
	static int32_t tids[] = { TID, TID + 1 };
	static char vm_name[] = "web1";
	struct synth *s = new_file(name, ARRAY_SIZE(exits), synth_new);

	synth_guest(s, vm_name, ARRAY_SIZE(tids), tids);
	PUT(s, 0, 0, session, .op = KS_SESSION_START, .classes = CLASSES, .pages = 64,
	    .tsc_khz = SYNTH_TSC_KHZ);
	for (unsigned int vcpu = 0; vcpu < ARRAY_SIZE(exits); vcpu++)
		shadow_vcpu(s, vcpu, exits[vcpu], lost);
	PUT(s, 0, 13200, session, .op = KS_SESSION_STOP, .classes = CLASSES);
	synth_finish(s);
}

/* Reasons of tlb_flush, and how many pages are all */
enum { SWITCH, REMOTE, LOCAL, LOCAL_MM, SEND_IPI };
#define ALL	-1

static void flush(struct synth *s, unsigned int cpu, u64 us, s32 reason, s64 pages)
{
	struct {
		struct trace_entry ent;
		s32 reason;
		s64 pages;
	} rec = { .reason = reason, .pages = pages };

	synth_sched(s, cpu, guest_time(us), "tlb_flush", &rec, sizeof(rec));
}

/* Both CPUs of a guest without nested paging */
static void shadowed(const char *name, bool lossy)
{
	struct synth *s = new_file(name, 2, synth_new_guest);

	flush(s, 0, 1050, SWITCH, 0);
	change(s, 1200, GAMMA, ASLEEP, ALPHA);
	flush(s, 0, 1650, SWITCH, 0);
	flush(s, 0, 2120, LOCAL_MM, 5);
	flush(s, 0, 2150, SWITCH, ALL);
	flush(s, 0, 3150, LOCAL_MM, ALL);
	waking(s, 4980, BETA);
	flush(s, 0, 5150, LOCAL, ALL);
	flush(s, 0, 6650, SWITCH, 0);
	flush(s, 0, 7000, SWITCH, 0);
	flush(s, 0, 8150, REMOTE, ALL);
	flush(s, 0, 9120, SEND_IPI, ALL);
	if (lossy)
		synth_lost(s, 0, 3);
	flush(s, 0, 9150, SWITCH, ALL);
	flush(s, 0, 10150, SWITCH, 0);
	change(s, 12000, ALPHA, ASLEEP, BETA);
	flush(s, 1, 1560, LOCAL_MM, 0);
	flush(s, 1, 5060, SWITCH, 0);
	flush(s, 1, 9650, LOCAL_MM, ALL);
	flush(s, 1, 9990, SEND_IPI, ALL);
	synth_finish(s);
}

/* The same without tlb_flush */
static void untold(void)
{
	struct synth *s = new_file("untold.dat", 2, synth_new_guest);

	change(s, 1200, GAMMA, ASLEEP, ALPHA);
	waking(s, 4980, BETA);
	change(s, 12000, ALPHA, ASLEEP, BETA);
	synth_finish(s);
}

/* A trace without the scheduler's events */
static void silent(void)
{
	struct synth *s = new_file("silent.dat", 1, synth_new);

	synth_print(s, 0, guest_time(1500), 13, "hello\n");
	synth_finish(s);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: guests FORMATS DIRECTORY\n");
		return 2;
	}
	formats = argv[1];
	folder = argv[2];
	host("host.dat", 1);
	host("hosts.dat", 2);
	guest("guest.dat", (struct wishes){ .marks = true, .wakings = true });
	guest("plain.dat", (struct wishes){ 0 });
	guest("steal.dat", (struct wishes){ .marks = true, .steal = true });
	guest("lossy.dat", (struct wishes){ .marks = true, .wakings = true, .lossy = true });
	silent();
	shadow("shadow.dat", 0);
	shadow("shadow-lossy.dat", 6000);
	shadowed("flushes.dat", false);
	shadowed("flushes-lossy.dat", true);
	untold();
	return 0;
}
