// SPDX-License-Identifier: GPL-2.0-only
#include "payload.h"

#include <string.h>

#include "host.h"
#include "layout.h"

#define BLOB(name) \
	extern const unsigned char payload_##name##_start[], \
		payload_##name##_end[]

#define CODE(name) .start = payload_##name##_start, .end = payload_##name##_end

BLOB(ask);
BLOB(cpuid);
BLOB(cr3);
BLOB(deadline_lost);
BLOB(hlt);
BLOB(ipi);
BLOB(ipi_spin);
BLOB(kick);
BLOB(l2);
BLOB(l2_refused);
BLOB(lock);
BLOB(mmio);
BLOB(pages);
BLOB(pause);
BLOB(periodic_spin);
BLOB(pio);
BLOB(rdmsr);
BLOB(restored);
BLOB(rr);
BLOB(selfipi);
BLOB(spin);
BLOB(steal);
BLOB(stimer);
BLOB(syscalls);
BLOB(timer_cli);
BLOB(timer_user);
BLOB(tmict);
BLOB(tmict_periodic);
BLOB(tscspin);
BLOB(turns);
BLOB(wait);
BLOB(wbinvd);

/* Each payload ends with one port write: the io exit beside its own. */
#define EXIT_IO_LAST	{ "io", "IO_INSTRUCTION", { 0, 1 }, ALWAYS }
#define IO_LAST		.io = { 0, 1 }

#define EXIT_HLT_EACH_LOOP \
	{ "hlt", "HLT", { 1, 0 }, ALWAYS, .is_halt = true }

/* Armed, expired, accepted, injected and ended, once each per loop. */
#define TIMER_EACH_LOOP \
	.irqs = { .arms = { 1, 0 }, .expiries = { 1, 0 }, .accepts = { 1, 0 }, \
		  .injections = { 1, 0 }, .eois = { 1, 0 } }

/* Armed once; it may run on past the last interrupt that the guest takes. */
#define PERIODIC_TIMER \
	.irqs = { .arms = { 0, 1 }, .accepts_vary = true, .expiries_vary = true, \
		  .injections = { 1, 0 }, .eois = { 1, 0 } }

/* Also of those that the VMM sends, and of timers that are not the LAPIC's */
#define IPI_EACH_LOOP \
	.irqs = { .accepts = { 1, 0 }, .injections = { 1, 0 }, .eois = { 1, 0 } }

/*
 * Nested page faults for the guest's own pages: PML4, PDPT, PD, the vCPU's
 * page and the code; GDT and IDT too once an interrupt is delivered.
 */
#define PAGES_PLAIN	5
#define PAGES_IRQ	7
#define EXIT_PAGES(pages) \
	{ "npf", "EPT_VIOLATION", { 0, pages }, NESTED_PAGING | ONE_VCPU }

/*
 * The same with accesses to the memory-mapped APIC.  VMX: KVM has a page for it, and
 * while there is no APICv, it keeps that page out of the page tables.
 */
#define EXIT_PAGES_APIC(each_loop, once) \
	{ "npf", "EPT_VIOLATION", { each_loop, PAGES_IRQ + once }, \
	  NESTED_PAGING | TRAPPED_APIC | APIC_PAGE | ONE_VCPU }

/* A guest of the guest has page tables of its own for these: all but its stack. */
#define PAGES_L2	4

/* Writes of the x2APIC's registers, as far as KVM traps them. */
#define EXIT_WRMSR(each_loop, once) \
	{ "msr", "MSR_WRITE", { each_loop, once }, TRAPPED_APIC }

/* A switch of processes each @ticks, of which each arms the next */
#define PROCESSES(ticks) \
	.exits = { \
		{ "cpuid", "CPUID", { 1, 0 }, ALWAYS }, \
		EXIT_WRMSR(2 * (ticks), 1), \
		{ "hlt", "HLT", { 0, 0 }, ALWAYS }, \
		EXIT_PAGES(PAGES_IRQ), \
		EXIT_IO_LAST, \
	}, \
	.irqs = { .arms = { ticks, 0 }, .expiries = { ticks, 0 }, .accepts = { ticks, 0 }, \
		  .injections = { ticks, 0 }, .eois = { ticks, 0 } }, \
	IO_LAST

static const struct payload payloads[] = {
	{
		.name = "cpuid", CODE(cpuid),
		.what = "CPUID: an exit handled in the kernel",
		.exits = {
			{ "cpuid", "CPUID", { 1, 0 }, ALWAYS },
			EXIT_PAGES(PAGES_PLAIN),
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "wbinvd", CODE(wbinvd),
		.what = "WBINVD: the same, and the exit is for no register",
		.exits = {
			{ "wbinvd", "WBINVD", { 1, 0 }, ALWAYS },
			EXIT_PAGES(PAGES_PLAIN),
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "pio", CODE(pio),
		.what = "OUT to a port that nobody has: a round trip to userspace",
		.exits = {
			{ "io", "IO_INSTRUCTION", { 1, 1 }, ALWAYS },
			EXIT_PAGES(PAGES_PLAIN),
		},
		.io = { 1, 1 },
	},
	{
		.name = "userspace", CODE(pio),
		.what = "the same as pio, by the name of what it measures",
		.exits = {
			{ "io", "IO_INSTRUCTION", { 1, 1 }, ALWAYS },
			EXIT_PAGES(PAGES_PLAIN),
		},
		.io = { 1, 1 },
	},
	{
		.name = "mmio", CODE(mmio),
		.what = "store to an address without memory: emulated, then userspace",
		.exits = {
			{ "npf", NULL, { 1, PAGES_PLAIN },
			  NESTED_PAGING | ONE_VCPU },
			/* From the first one on, KVM knows that there is no memory. */
			{ NULL, "EPT_VIOLATION", { 0, PAGES_PLAIN + 1 },
			  NESTED_PAGING | MMIO_CACHED | ONE_VCPU },
			{ NULL, "EPT_MISCONFIG", { 1, -1 },
			  NESTED_PAGING | MMIO_CACHED | ONE_VCPU },
			EXIT_IO_LAST,
		},
		IO_LAST,
		.mmio = { 1, 0 },
	},
	{
		.name = "pages", CODE(pages), .pages = true,
		.what = "store to a page that nobody has touched: a nested page fault",
		.exits = {
			{ "npf", "EPT_VIOLATION", { 1, PAGES_PLAIN }, NESTED_PAGING | ONE_VCPU },
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "rdmsr", CODE(rdmsr),
		.what = "RDMSR of IA32_APIC_BASE: an exit handled in the kernel",
		.exits = {
			{ "msr", "MSR_READ", { 1, 0 }, ALWAYS },
			EXIT_PAGES(PAGES_PLAIN),
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "hlt", CODE(hlt), .x2apic = true,
		.what = "TSC-deadline timer, then HLT until it comes",
		.exits = {
			EXIT_HLT_EACH_LOOP,
			EXIT_WRMSR(2, 1),
			EXIT_PAGES(PAGES_IRQ),
			EXIT_IO_LAST,
		},
		TIMER_EACH_LOOP, IO_LAST, .halts = { 1, 0 },
	},
	{
		.name = "tscspin", CODE(tscspin), .x2apic = true,
		.what = "TSC-deadline timer, then spin with interrupts on until it comes",
		.exits = {
			EXIT_WRMSR(2, 1),
			{ "hlt", "HLT", { 0, 0 }, ALWAYS },
			EXIT_PAGES(PAGES_IRQ),
			EXIT_IO_LAST,
		},
		TIMER_EACH_LOOP, IO_LAST,
	},
	{
		.name = "stimer", CODE(stimer), .x2apic = true, .hyperv = true,
		.tick_period = true,
		.what = "synthetic timer of Hyper-V's interface, then HLT until it comes",
		.exits = {
			EXIT_HLT_EACH_LOOP,
			{ "msr", NULL, { 3, 1 }, ALWAYS },
			{ NULL, "MSR_READ", { 1, 0 }, ALWAYS },
			{ NULL, "MSR_WRITE", { 2, 1 }, ALWAYS },
			EXIT_PAGES(PAGES_IRQ),
			EXIT_IO_LAST,
		},
		IPI_EACH_LOOP, IO_LAST, .halts = { 1, 0 },
	},
	{
		.name = "tmict", CODE(tmict), .tick_period = true,
		.what = "one-shot timer of the memory-mapped xAPIC, then HLT",
		.exits = {
			EXIT_HLT_EACH_LOOP,
			EXIT_PAGES_APIC(2, 2),
			EXIT_IO_LAST,
		},
		TIMER_EACH_LOOP, IO_LAST, .halts = { 1, 0 },
	},
	{
		.name = "tmict-periodic", CODE(tmict_periodic),
		.tick_period = true,
		.what = "periodic timer of the xAPIC, armed once, HLT for each of N interrupts",
		.exits = {
			EXIT_HLT_EACH_LOOP,
			EXIT_PAGES_APIC(1, 4),
			EXIT_IO_LAST,
		},
		PERIODIC_TIMER, IO_LAST, .halts = { 1, 0 },
	},
	{
		.name = "periodic-spin", CODE(periodic_spin), .tick_period = true,
		.what = "the same, but spins for each of the interrupts",
		.exits = {
			{ "hlt", "HLT", { 0, 0 }, ALWAYS },
			EXIT_PAGES_APIC(1, 4),
			EXIT_IO_LAST,
		},
		PERIODIC_TIMER, IO_LAST,
	},
	{
		.name = "selfipi", CODE(selfipi), .x2apic = true,
		.what = "x2APIC self-IPI, handled at the next entry",
		.exits = {
			EXIT_WRMSR(2, 0),
			EXIT_PAGES(PAGES_IRQ),
			EXIT_IO_LAST,
		},
		IPI_EACH_LOOP, IO_LAST,
	},
	{
		.name = "ipi", CODE(ipi), .x2apic = true, .pairs = true,
		.what = "IPI ping-pong between two halted vCPUs, N each way",
		.exits = {
			EXIT_HLT_EACH_LOOP,
			EXIT_WRMSR(2, 0),
			EXIT_IO_LAST,
		},
		IPI_EACH_LOOP, IO_LAST, .halts = { 1, 0 },
	},
	{
		.name = "ipi-spin", CODE(ipi_spin), .x2apic = true,
		.pairs = true,
		.what = "the same between two that spin, on a CPU each",
		.exits = {
			{ "hlt", "HLT", { 0, 0 }, ALWAYS },
			EXIT_WRMSR(2, 0),
			EXIT_IO_LAST,
		},
		IPI_EACH_LOOP, IO_LAST,
	},
	{
		.name = "lock", CODE(lock), .pairs = true,
		.what = "a lock that two vCPUs take in turns, and one of them holds for a period",
		.exits = {
			{ "hlt", "HLT", { 0, 0 }, ALWAYS },
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "timer-user", CODE(timer_user), .x2apic = true,
		.what = "TSC-deadline timer that comes while the VMM is busy",
		.exits = {
			{ "io", "IO_INSTRUCTION", { 1, 1 }, ALWAYS },
			EXIT_WRMSR(2, 1),
			EXIT_PAGES(PAGES_IRQ),
		},
		TIMER_EACH_LOOP, .io = { 1, 1 },
	},
	{
		.name = "timer-cli", CODE(timer_cli), .x2apic = true,
		.what = "TSC-deadline timer that comes while interrupts are off",
		.exits = {
			EXIT_WRMSR(2, 1),
			{ "hlt", "HLT", { 0, 0 }, ALWAYS },
			EXIT_PAGES(PAGES_IRQ),
			EXIT_IO_LAST,
		},
		TIMER_EACH_LOOP, IO_LAST,
	},
	{
		.name = "restored", CODE(restored), .x2apic = true, .restored = true,
		.what = "HLT for a TSC-deadline timer that the VMM has armed; then as hlt",
		.exits = {
			EXIT_HLT_EACH_LOOP,
			EXIT_WRMSR(2, -1),
			EXIT_PAGES(PAGES_IRQ),
			EXIT_IO_LAST,
		},
		/* The first may expire before the vCPU runs. */
		.irqs = { .arms = { 1, -1 }, .expiries_vary = true, .accepts = { 1, 0 },
			  .injections = { 1, 0 }, .eois = { 1, 0 } },
		IO_LAST, .halts = { 1, 0 },
	},
	{
		.name = "spin", CODE(spin), .endless = true,
		.what = "pure spin: N loops, or with N = 0 until --seconds or a signal",
		.exits = {
			EXIT_PAGES(PAGES_PLAIN),
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "pause", CODE(pause), .endless = true,
		.what = "the same with PAUSE: an emulated CPU hears the others at once",
		.exits = {
			EXIT_PAGES(PAGES_PLAIN),
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "steal", CODE(steal), .looks = true,
		.what = "spins, and tells what KVM says was stolen from it, N times",
		.exits = {
			{ "msr", "MSR_WRITE", { 0, 1 }, ALWAYS },
			{ "io", "IO_INSTRUCTION", { 1, 1 }, ALWAYS },
			EXIT_PAGES(PAGES_PLAIN),
		},
		.io = { 1, 1 },
	},
	{
		.name = "rr", CODE(rr), .x2apic = true,
		.what = "two processes that spin, round robin: N quanta of 25 ticks, a period each",
		PROCESSES(RR_TICKS),
	},
	{
		.name = "turns", CODE(turns), .x2apic = true,
		.what = "the same, but they take turns at each tick",
		PROCESSES(1),
	},
	{
		.name = "deadline-lost", CODE(deadline_lost), .x2apic = true,
		.what = "arms a TSC-deadline timer that is masked: it never comes",
		.exits = {
			EXIT_WRMSR(1, 1),
			EXIT_PAGES(PAGES_PLAIN),
			EXIT_IO_LAST,
		},
		.irqs = { .arms = { 1, 0 }, .expiries_vary = true },
		IO_LAST,
	},
	{
		.name = "wait", CODE(wait), .x2apic = true, .waits = true,
		.what = "HLT for an interrupt that the VMM sends, see --inject",
		.exits = {
			EXIT_HLT_EACH_LOOP,
			EXIT_WRMSR(1, 0),
			EXIT_PAGES(PAGES_IRQ),
			EXIT_IO_LAST,
		},
		IPI_EACH_LOOP, IO_LAST, .halts = { 1, 0 },
	},
	{
		.name = "ask", CODE(ask), .x2apic = true, .asks = true,
		.what = "OUT to a port, then HLT until the VMM answers, see --inject",
		.exits = {
			EXIT_HLT_EACH_LOOP,
			EXIT_WRMSR(1, 0),
			EXIT_PAGES(PAGES_IRQ),
			{ "io", "IO_INSTRUCTION", { 1, 1 }, ALWAYS },
		},
		IPI_EACH_LOOP, .io = { 1, 1 }, .halts = { 1, 0 },
	},
	{
		.name = "ask-fd", CODE(ask), .x2apic = true, .asks = true, .ioeventfd = true,
		.what = "the same, but the port is an ioeventfd: the vCPU stays in the kernel",
		.exits = {
			EXIT_HLT_EACH_LOOP,
			EXIT_WRMSR(1, 0),
			EXIT_PAGES(PAGES_IRQ),
			{ "io", "IO_INSTRUCTION", { 1, 1 }, ALWAYS },
		},
		IPI_EACH_LOOP, IO_LAST, .io_taken = { 1, 0 }, .halts = { 1, 0 },
	},
	{
		.name = "l2", CODE(l2),
		.what = "SVM only: VMRUN of a guest's guest, which does some CPUIDs",
		.exits = {
			{ "vmrun", NULL, { 1, 0 }, ALWAYS },
			{ "cpuid", NULL, { L2_CPUIDS, 0 }, ALWAYS,
			  .l2 = { L2_CPUIDS, 0 } },
			{ "hypercall", NULL, { 1, 0 }, ALWAYS, .l2 = { 1, 0 } },
			{ "msr", NULL, { 0, 3 }, ALWAYS },
			{ "npf", NULL, { 0, PAGES_PLAIN + 1 + PAGES_L2 },
			  NESTED_PAGING | ONE_VCPU, .l2 = { 0, PAGES_L2 } },
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "l2-refused", CODE(l2_refused),
		.what = "SVM only: VMRUN of a guest's guest, refused by the CPU, or by newer KVMs",
		.exits = {
			{ "vmrun", NULL, { 1, 0 }, ALWAYS },
			{ "invalid_guest_state", NULL, { 1, 0 }, ALWAYS, .l2 = { 1, 0 } },
			{ "msr", NULL, { 0, 3 }, ALWAYS },
			{ "npf", NULL, { 0, PAGES_PLAIN + 1 }, NESTED_PAGING | ONE_VCPU },
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "syscalls", CODE(syscalls),
		.what = "SYSCALL from user mode to the guest's kernel and back: no exit",
		.exits = {
			EXIT_PAGES(PAGES_PLAIN),
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "kick", CODE(kick),
		.what = "SVM only: the hypercalls KICK_CPU and SCHED_YIELD, N times each",
		.exits = {
			{ "hypercall", NULL, { 2, 0 }, ALWAYS },
			EXIT_PAGES(PAGES_PLAIN),
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
	{
		.name = "cr3", CODE(cr3),
		.what = "MOV to CR3: no exit with NPT or EPT, one each without",
		.exits = {
			{ "write_cr3", "CR_ACCESS", { 0, 0 }, NESTED_PAGING },
			{ "write_cr3", NULL, { 1, 0 }, SHADOW_PAGING },
			/* VMX: that it is read, too */
			{ NULL, "CR_ACCESS", { 1, 1 }, SHADOW_PAGING },
			EXIT_PAGES(PAGES_PLAIN),
			EXIT_IO_LAST,
		},
		IO_LAST,
	},
};

#define N_PAYLOADS (sizeof(payloads) / sizeof(payloads[0]))

const struct payload *payload_nth(unsigned int nth)
{
	return nth < N_PAYLOADS ? &payloads[nth] : NULL;
}

const struct payload *payload_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < N_PAYLOADS; i++)
		if (!strcmp(payloads[i].name, name))
			return &payloads[i];
	return NULL;
}

bool promise_holds(const struct exit_promise *promise, const struct host *host,
		   unsigned int vcpus)
{
	if (!(host->svm ? promise->svm : promise->vmx))
		return false;
	if ((promise->when & NESTED_PAGING) && !host->nested_paging)
		return false;
	if ((promise->when & SHADOW_PAGING) && host->nested_paging)
		return false;
	if ((promise->when & TRAPPED_APIC) && host->apicv)
		return false;
	if ((promise->when & APIC_PAGE) && !host->apic_page)
		return false;
	if ((promise->when & MMIO_CACHED) && !host->mmio_cached)
		return false;
	return !(promise->when & ONE_VCPU) || vcpus == 1;
}
