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

static int send(const struct injector *injector)
{
	struct kvm_msi msi = { .address_lo = MSI_ADDRESS, .data = EXTERNAL_VECTOR };
	int vm = injector->vcpu->vm->fd;

	switch (injector->way) {
	case INJECT_MSI_LOWEST:
		msi.data |= MSI_LOWEST;
		/* fall through */
	case INJECT_MSI:
		return ioctl(vm, KVM_SIGNAL_MSI, &msi) > 0 ? 0 : -1;
	case INJECT_LINE:
		return pulse(vm);
	default:
		return eventfd_write(injector->fd, 1);
	}
}

static bool is_over(const struct injector *injector)
{
	return atomic_load(&injector->stop);
}

/* One at a time: the next is sent after the guest has handled the one before. */
static void *inject(void *arg)
{
	const struct timespec poll = { .tv_nsec = POLL_NS };
	struct injector *injector = arg;
	const struct guest_block *block = injector->vcpu->block;
	uint64_t sent = 0;

	prctl(PR_SET_NAME, "injector");
	injector->tid = gettid();
	while (!is_over(injector) && sent < block->n) {
		if (!block->ready || block->count < sent) {
			nanosleep(&poll, NULL);
			continue;
		}
		if (send(injector)) {
			perror("interrupt");
			break;
		}
		sent++;
	}
	return NULL;
}

int inject_begin(struct injector *injector, struct vcpu *vcpu, enum inject_way way)
{
	injector->way = way;
	injector->vcpu = vcpu;
	injector->fd = -1;
	if (set_up(injector))
		return -1;
	if (way == INJECT_EVENTFD)
		return 0;
	errno = pthread_create(&injector->thread, NULL, inject, injector);
	injector->begun = !errno;
	return errno ? -1 : 0;
}

void inject_end(struct injector *injector)
{
	if (!injector->begun)
		return;
	atomic_store(&injector->stop, true);
	pthread_join(injector->thread, NULL);
	injector->begun = false;
}
