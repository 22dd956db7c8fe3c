/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread of the VMM that sends interrupts to a guest, as a device model does. */
#ifndef GUEST_INJECT_H
#define GUEST_INJECT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "vhost.h"

struct options;
struct vcpu;

enum inject_way {
	INJECT_NONE,
	INJECT_MSI,		/* KVM_SIGNAL_MSI */
	INJECT_MSI_LOWEST,	/* the same, to the vCPU of the lowest priority */
	INJECT_LINE,		/* KVM_IRQ_LINE, a pin of the I/O APIC */
	INJECT_IRQFD,		/* an eventfd that is an MSI: KVM delivers it at once */
	INJECT_IRQFD_LINE,	/* one that is a pin: KVM leaves that to a work item */
	INJECT_EVENTFD,		/* as IRQFD, but somebody else signals it */
	INJECT_VHOST,		/* as IRQFD, but a thread of vhost's signals it, when it is asked */
	INJECT_ITSELF,		/* KVM_SIGNAL_MSI by the vCPU's thread, as it serves the port */
};

struct injector {
	enum inject_way way;
	struct vcpu *vcpu;
	int fd;			/* eventfd that is an interrupt, -1: none */
	int asked;		/* eventfd that the guest's port write signals, -1: none */
	struct vhost vhost;
	pthread_t thread;	/* called "injector" */
	pid_t tid;
	bool begun;
	atomic_bool stop;
};

/* INJECT_NONE: there is no such way */
enum inject_way inject_way(const char *name);

/*
 * Sends an interrupt whenever @vcpu waits for one, or with payloads that ask for it, when
 * they do. 0, or -1 with errno set; what is begun begins before the vCPU runs.
 */
int inject_begin(struct injector *injector, struct vcpu *vcpu, const struct options *options);
/* The vCPU's thread serves the port. 0, or -1 with errno set */
int inject_asked(struct injector *injector);
/* After the guest's end; does nothing if it was not begun. */
void inject_end(struct injector *injector);

#endif
