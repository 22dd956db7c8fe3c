// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvmstats.h"
#include "options.h"
#include "payload.h"

/* Below 4 GiB and away from guest memory; VMX needs it for real mode. */
#define TSS_ADDRESS 0xfffbd000

int kvm_open(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0) {
		fprintf(stderr, "cannot open /dev/kvm: %s (%s)\n",
			strerror(errno), errno == EACCES ?
			"run as root or as a member of group kvm" :
			"load kvm_amd or kvm_intel");
		return -1;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version == KVM_API_VERSION &&
	    ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0 &&
	    ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_IMMEDIATE_EXIT) > 0)
		return fd;
	fprintf(stderr, "/dev/kvm is not a KVM with an in-kernel APIC, TSC-deadline timer and immediate exit\n");
	close(fd);
	return -1;
}

int vcpu_error(const struct vcpu *vcpu, const char *what)
{
	fprintf(stderr, "VM %u vCPU %u: %s: %s\n", vcpu->vm->index,
		vcpu->index, what, strerror(errno));
	return -1;
}

static int vm_error(const struct vm *vm, const char *what)
{
	fprintf(stderr, "VM %u: %s: %s\n", vm->index, what, strerror(errno));
	return -1;
}

/*
 * Small pages, present before the guest runs and not swapped: each then
 * costs exactly one nested page fault.
 */
static int add_memory(struct vm *vm, bool pages)
{
	struct kvm_userspace_memory_region region = { 0 };

	vm->memory_size = pages ? GUEST_PAGES_PA + GUEST_MAX_PAGES * 0x1000 : GUEST_MEM_SIZE;
	vm->memory = mmap(NULL, vm->memory_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm->memory == MAP_FAILED) {
		vm->memory = NULL;
		return vm_error(vm, "guest memory");
	}
	madvise(vm->memory, vm->memory_size, MADV_NOHUGEPAGE);
	/* May fail under a small RLIMIT_MEMLOCK; only exactness suffers. */
	mlock(vm->memory, vm->memory_size);
	memset(vm->memory, 0, vm->memory_size);
	region.memory_size = vm->memory_size;
	region.userspace_addr = (uintptr_t)vm->memory;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return vm_error(vm, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

static int set_halt_poll(const struct vm *vm, uint64_t ns)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HALT_POLL, .args = { ns } };

	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		return vm_error(vm, "KVM_CAP_HALT_POLL");
	return 0;
}

/* Older kernels leave out silently what this machine can't do, newer ones refuse it. */
static int set_exits_off(const struct vm *vm, uint64_t exits)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_DISABLE_EXITS, .args = { exits } };
	int able = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_DISABLE_EXITS);

	if (able < 0 || exits & ~(uint64_t)able) {
		fprintf(stderr, "VM %u: KVM can't do without these exits here\n", vm->index);
		return -1;
	}
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		return vm_error(vm, "KVM_CAP_X86_DISABLE_EXITS");
	return 0;
}

static int open_vm(struct vm *vm, int kvm_fd, bool pages)
{
	vm->fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return vm_error(vm, "KVM_CREATE_VM");
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS))
		return vm_error(vm, "KVM_SET_TSS_ADDR");
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return vm_error(vm, "KVM_CREATE_IRQCHIP");
	return add_memory(vm, pages);
}

static int create_vcpu(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	void *run;
	int khz;

	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, vcpu->index);
	if (vcpu->fd < 0)
		return vcpu_error(vcpu, "KVM_CREATE_VCPU");
	run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   vcpu->fd, 0);
	if (run == MAP_FAILED)
		return vcpu_error(vcpu, "mapping of struct kvm_run");
	vcpu->run = run;
	khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	if (khz <= 0)
		return vcpu_error(vcpu, "KVM_GET_TSC_KHZ");
	vm->tsc_khz = (uint64_t)khz;
	vcpu->block = (void *)(vm->memory + GUEST_VCPU_PAGES +
			       vcpu->index * 0x1000);
	vcpu->stats = kvmstats_open(vcpu->fd);
	return 0;
}

int vm_create(struct vm *vm, int kvm_fd, unsigned int index,
	      const struct options *options)
{
	unsigned int i;
	int size;

	memset(vm, 0, sizeof(*vm));
	vm->index = index;
	if (open_vm(vm, kvm_fd, options->payload->pages) ||
	    (options->halt_poll_given && set_halt_poll(vm, options->halt_poll_ns)) ||
	    (options->exits_off && set_exits_off(vm, options->exits_off)))
		return -1;
	size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return vm_error(vm, "KVM_GET_VCPU_MMAP_SIZE");
	vm->run_size = (size_t)size;
	vm->vcpus = calloc(options->vcpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return vm_error(vm, "vCPUs");
	for (i = 0; i < options->vcpus; i++) {
		vm->vcpus[i].vm = vm;
		vm->vcpus[i].index = i;
		vm->vcpus[i].fd = vm->vcpus[i].schedstat = -1;
		vm->n_vcpus++;
		if (options->payload->looks)
			vm->vcpus[i].looks = calloc(options->n, sizeof(struct look));
		if (options->payload->looks && !vm->vcpus[i].looks)
			return vm_error(vm, "looks");
		if (create_vcpu(&vm->vcpus[i]))
			return -1;
	}
	vm->stats = kvmstats_open(vm->fd);
	vm_fill_memory(vm, options);
	for (i = 0; i < options->vcpus; i++)
		if (vcpu_set_state(&vm->vcpus[i], kvm_fd, options))
			return -1;
	if (options->late_page_us &&
	    late_page_begin(&vm->late, vm->memory + GUEST_PAYLOAD, options->late_page_us))
		return vm_error(vm, "userfaultfd");
	if (options->inject && inject_begin(&vm->injector, &vm->vcpus[0], options))
		return vm_error(vm, "--inject");
	return 0;
}

void vm_destroy(struct vm *vm)
{
	unsigned int i;

	inject_end(&vm->injector);
	late_page_end(&vm->late);
	for (i = 0; i < vm->n_vcpus; i++) {
		free(vm->vcpus[i].looks);
		kvmstats_close(vm->vcpus[i].stats);
		if (vm->vcpus[i].run)
			munmap(vm->vcpus[i].run, vm->run_size);
		if (vm->vcpus[i].fd >= 0)
			close(vm->vcpus[i].fd);
	}
	free(vm->vcpus);
	kvmstats_close(vm->stats);
	if (vm->memory)
		munmap(vm->memory, vm->memory_size);
	if (vm->fd >= 0)
		close(vm->fd);
}
