/* SPDX-License-Identifier: GPL-2.0-only */
/* The payloads: their code, and the counts that each one promises. */
#ifndef GUEST_PAYLOAD_H
#define GUEST_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;

/* A promised count is per_n * N + plus. */
struct promise {
	unsigned int per_n;
	int plus;
};

/* When a promise about an exit reason holds. */
enum promise_when {
	ALWAYS		= 0,
	NESTED_PAGING	= 1 << 0,	/* only with NPT or EPT */
	SHADOW_PAGING	= 1 << 1,	/* only without */
	TRAPPED_APIC	= 1 << 2,	/* only without AVIC and APICv */
	ONE_VCPU	= 1 << 3,	/* only if the VM has one vCPU */
	APIC_PAGE	= 1 << 4,	/* only with a page of KVM's for the APIC */
	MMIO_CACHED	= 1 << 5,	/* only if KVM notes where no memory is */
};

struct exit_promise {
	const char *svm;	/* name in kvm_exit's trace; NULL: no promise */
	const char *vmx;
	struct promise count;
	unsigned int when;
	bool is_halt;		/* an early interrupt makes one fewer */
	struct promise l2;	/* of them, those that a guest of the guest made */
};

struct irq_promise {
	struct promise arms;	/* timer programmed by the guest */
	struct promise expiries;
	struct promise accepts;
	struct promise injections;	/* reinjections apart */
	struct promise eois;
	bool accepts_vary;	/* a periodic timer may run on past the last */
	bool expiries_vary;	/* and one nobody waits for may be armed anew */
};

#define MAX_EXIT_PROMISES 6

struct payload {
	const char *name;
	const char *what;	/* one line for --list */
	const unsigned char *start;
	const unsigned char *end;
	bool x2apic;
	bool hyperv;		/* is given Hyper-V's interface, and not KVM's */
	bool pairs;		/* needs an even number of vCPUs */
	bool tick_period;	/* period in APIC timer ticks, not TSC cycles */
	bool endless;		/* N may be 0 */
	bool waits;		/* for interrupts that the VMM sends */
	bool asks;		/* the same, but it asks for each at a port */
	bool ioeventfd;		/* which KVM has, not the VMM */
	bool looks;		/* asks the VMM how long its thread has waited */
	bool pages;		/* has memory for GUEST_MAX_PAGES, one a loop */
	bool restored;		/* begins with its timer armed, by the VMM */
	struct exit_promise exits[MAX_EXIT_PROMISES];
	struct irq_promise irqs;
	struct promise io;	/* userspace exits */
	struct promise io_taken;	/* io exits that an ioeventfd takes */
	struct promise mmio;
	struct promise halts;	/* an early interrupt makes one fewer */
};

/* NULL if there is no such payload. */
const struct payload *payload_find(const char *name);

/* All of them, in order; NULL ends. */
const struct payload *payload_nth(unsigned int nth);

static inline uint64_t promised(struct promise promise, uint64_t n)
{
	return promise.per_n * n + promise.plus;
}

/* Whether @promise holds on this host for a VM with so many vCPUs. */
bool promise_holds(const struct exit_promise *promise, const struct host *host,
		   unsigned int vcpus);

#endif
