// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "inject.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "payload.h"
#include "vm.h"

#define PIN		5	/* of the I/O APIC; its GSI has the same number */
#define GSI_MSI		24	/* behind all pins */
#define MSI_ADDRESS	0xfee00000
#define MSI_LOWEST	0x100	/* delivery mode, in its data */
#define POLL_NS		200000

enum inject_way inject_way(const char *name)
{
	static const char *const names[] = {
		[INJECT_MSI] = "msi", [INJECT_MSI_LOWEST] = "msi-lowest",
		[INJECT_LINE] = "line", [INJECT_IRQFD] = "irqfd",
		[INJECT_IRQFD_LINE] = "irqfd-line", [INJECT_EVENTFD] = "eventfd",
		[INJECT_VHOST] = "vhost", [INJECT_ITSELF] = "itself",
	};

	for (unsigned int i = INJECT_NONE + 1; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return i;
	return INJECT_NONE;
}

/* All interrupts of the VM: this one */
static int route(int vm, struct kvm_irq_routing_entry entry)
{
	struct {
		struct kvm_irq_routing table;
		struct kvm_irq_routing_entry entry;
	} routing = { .table.nr = 1, .entry = entry };

	return ioctl(vm, KVM_SET_GSI_ROUTING, &routing);
}

/*
 * Edge triggered, fixed, to the first vCPU: the other bits are 0.  By default the pin is
 * one of the PIC, too.
 */
static int program_pin(int vm)
{
	const struct kvm_irq_routing_entry entry = {
		.gsi = PIN, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC, .pin = PIN },
	};
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	if (route(vm, entry) || ioctl(vm, KVM_GET_IRQCHIP, &chip))
		return -1;
	chip.chip.ioapic.redirtbl[PIN].bits = EXTERNAL_VECTOR;
	return ioctl(vm, KVM_SET_IRQCHIP, &chip);
}

static int route_msi(int vm)
{
	const struct kvm_irq_routing_entry entry = {
		.gsi = GSI_MSI, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = MSI_ADDRESS, .data = EXTERNAL_VECTOR },
	};

	return route(vm, entry);
}

static int open_irqfd(struct injector *injector, __u32 gsi)
{
	struct kvm_irqfd irqfd = { .gsi = gsi };

	injector->fd = eventfd(0, EFD_CLOEXEC);
	if (injector->fd < 0)
		return -1;
	irqfd.fd = (__u32)injector->fd;
	return ioctl(injector->vcpu->vm->fd, KVM_IRQFD, &irqfd);
}

static int set_up(struct injector *injector)
{
	int vm = injector->vcpu->vm->fd;

	switch (injector->way) {
	case INJECT_LINE:
		return program_pin(vm);
	case INJECT_IRQFD_LINE:
		return program_pin(vm) || open_irqfd(injector, PIN) ? -1 : 0;
	case INJECT_IRQFD:
	case INJECT_EVENTFD:
		return route_msi(vm) || open_irqfd(injector, GSI_MSI) ? -1 : 0;
	case INJECT_VHOST:
		return route_msi(vm) || open_irqfd(injector, GSI_MSI) ||
		       vhost_begin(&injector->vhost, injector->fd) ? -1 : 0;
	default:
		return 0;
	}
}

static int pulse(int vm)
{
	struct kvm_irq_level line = { .irq = PIN, .level = 1 };

	if (ioctl(vm, KVM_IRQ_LINE, &line))
		return -1;
	line.level = 0;
	return ioctl(vm, KVM_IRQ_LINE, &line);
}

static int send(struct injector *injector)
{
	struct kvm_msi msi = { .address_lo = MSI_ADDRESS, .data = EXTERNAL_VECTOR };
	int vm = injector->vcpu->vm->fd;

	switch (injector->way) {
	case INJECT_MSI_LOWEST:
		msi.data |= MSI_LOWEST;
		/* fall through */
	case INJECT_MSI:
	case INJECT_ITSELF:
		return ioctl(vm, KVM_SIGNAL_MSI, &msi) > 0 ? 0 : -1;
	case INJECT_LINE:
		return pulse(vm);
	case INJECT_VHOST:
		return vhost_ask(&injector->vhost);
	default:
		return eventfd_write(injector->fd, 1);
	}
}

static bool is_over(const struct injector *injector)
{
	return atomic_load(&injector->stop);
}

/* Until it wants the next; false: it won't any more. */
static bool wait_for_guest(const struct injector *injector, uint64_t sent)
{
	const struct timespec poll = { .tv_nsec = POLL_NS };
	const struct guest_block *block = injector->vcpu->block;
	eventfd_t times;

	if (injector->asked >= 0)
		return !eventfd_read(injector->asked, &times) && !is_over(injector);
	while (!is_over(injector) && (!block->ready || block->count < sent))
		nanosleep(&poll, NULL);
	return !is_over(injector);
}

/* One at a time: the next is sent after the guest has handled the one before. */
static void *inject(void *arg)
{
	struct injector *injector = arg;
	const struct guest_block *block = injector->vcpu->block;

	prctl(PR_SET_NAME, "injector");
	injector->tid = gettid();
	for (uint64_t sent = 0; sent < block->n && wait_for_guest(injector, sent); sent++) {
		if (send(injector)) {
			perror("interrupt");
			break;
		}
	}
	return NULL;
}

/* How the guest asks: KVM signals the eventfd at its port write, or the vCPU's thread does. */
static int set_up_asking(struct injector *injector, bool ioeventfd)
{
	struct kvm_ioeventfd port = {
		.addr = PORT_ASK, .len = 4, .flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	injector->asked = eventfd(0, EFD_CLOEXEC);
	if (injector->asked < 0)
		return -1;
	port.fd = injector->asked;
	return ioeventfd ? ioctl(injector->vcpu->vm->fd, KVM_IOEVENTFD, &port) : 0;
}

int inject_asked(struct injector *injector)
{
	return injector->way == INJECT_ITSELF ? send(injector) :
						eventfd_write(injector->asked, 1);
}

int inject_begin(struct injector *injector, struct vcpu *vcpu, const struct options *options)
{
	injector->way = options->inject;
	injector->vcpu = vcpu;
	injector->fd = injector->asked = -1;
	if (set_up(injector))
		return -1;
	if (injector->way == INJECT_EVENTFD || injector->way == INJECT_ITSELF)
		return 0;
	if (options->payload->asks && set_up_asking(injector, options->payload->ioeventfd))
		return -1;
	errno = pthread_create(&injector->thread, NULL, inject, injector);
	injector->begun = !errno;
	return errno ? -1 : 0;
}

static void end_thread(struct injector *injector)
{
	if (!injector->begun)
		return;
	atomic_store(&injector->stop, true);
	if (injector->asked >= 0)
		eventfd_write(injector->asked, 1);
	pthread_join(injector->thread, NULL);
	injector->begun = false;
}

void inject_end(struct injector *injector)
{
	end_thread(injector);
	vhost_end(&injector->vhost);
}
