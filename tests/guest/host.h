/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts about the host's KVM on which the promised counts depend. */
#ifndef GUEST_HOST_H
#define GUEST_HOST_H

#include <stdbool.h>

struct host {
	bool svm;		/* else VMX */
	bool nested_paging;	/* NPT or EPT; else shadow paging */
	bool apicv;		/* AVIC or APICv takes interrupt exits away */
	bool apic_page;		/* KVM has a page for the memory-mapped APIC, or SVM */
	bool mmio_cached;	/* it notes in page tables where no memory is */
};

/* Reads the parameters of the loaded vendor module; -1 after a message. */
int host_probe(struct host *host);

#endif
