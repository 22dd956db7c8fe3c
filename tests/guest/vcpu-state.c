// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state in which a guest begins: 64-bit mode, paging and descriptor
 * tables ready, the APIC enabled.  Setting this up from outside keeps the
 * guest's own exits down to those the payload promises.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "options.h"
#include "payload.h"
#include "vm.h"

#define PTE_TABLE	0x3	/* present, writable */
#define PTE_USER	0x4
#define PTE_2M		0x83
#define PTE_2M_UNCACHED	0x9b

#define CR0_PE		(1ull << 0)
#define CR0_MP		(1ull << 1)
#define CR0_ET		(1ull << 4)
#define CR0_NE		(1ull << 5)
#define CR0_WP		(1ull << 16)
#define CR0_PG		(1ull << 31)
#define CR4_PAE		(1ull << 5)
#define EFER_SCE	(1ull << 0)
#define EFER_LME	(1ull << 8)
#define EFER_LMA	(1ull << 10)

#define APIC_BASE_X2APIC	(1ull << 10)
/* How old a restored guest says that it is, in seconds */
#define RESTORED_S		1000
#define APIC_LVTT		0x320
#define LVTT_TSC_DEADLINE	0x40000
#define MSR_TSC			0x10
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define APIC_SPIV		0xf0
#define APIC_SPIV_ENABLED	0x1ff	/* with the spurious vector 0xff */

#define CPUID_1_ECX_X2APIC	(1u << 21)
#define CPUID_1_ECX_DEADLINE	(1u << 24)

#define MAX_CPUID_ENTRIES	256

/* Hyper-V's leaves, where KVM's own are otherwise */
#define CPUID_HYPERVISOR	0x40000000
#define CPUID_HYPERVISOR_END	0x40000100
#define HYPERV_LEAVES		3
#define HYPERV_SIGNATURE	0x31237648	/* "Hv#1" */
#define HYPERV_3_EAX_TIME_REF	(1u << 1)
#define HYPERV_3_EAX_SYNIC	(1u << 2)
#define HYPERV_3_EAX_STIMER	(1u << 3)
#define HYPERV_3_EDX_DIRECT	(1u << 19)

#define CHECK_BLOCK(member, offset) \
	_Static_assert(offsetof(struct guest_block, member) == (offset), \
		       "layout.h: " #member)
CHECK_BLOCK(n, BLK_N);
CHECK_BLOCK(period, BLK_PERIOD);
CHECK_BLOCK(limit, BLK_LIMIT);
CHECK_BLOCK(peer, BLK_PEER);
CHECK_BLOCK(index, BLK_INDEX);
CHECK_BLOCK(stop, BLK_STOP);
CHECK_BLOCK(count, BLK_COUNT);
CHECK_BLOCK(early, BLK_EARLY);
CHECK_BLOCK(repeated, BLK_REPEATED);
CHECK_BLOCK(fault, BLK_FAULT);
CHECK_BLOCK(fault_rip, BLK_FAULT_RIP);
CHECK_BLOCK(ready, BLK_READY);
CHECK_BLOCK(for_nothing, BLK_NOTHING);
CHECK_BLOCK(steal, BLK_STEAL);

/* @user: PTE_USER, or 0 where there is no user mode */
static void fill_page_tables(unsigned char *memory, uint64_t user)
{
	uint64_t *pml4 = (void *)(memory + GUEST_PML4);
	uint64_t *pdpt = (void *)(memory + GUEST_PDPT);
	uint64_t *pd = (void *)(memory + GUEST_PD);

	pml4[0] = GUEST_PDPT | PTE_TABLE | user;
	pdpt[0] = GUEST_PD | PTE_TABLE | user;
	pd[0] = PTE_2M | user;
	pd[GUEST_APIC_VA >> 21] = GUEST_APIC_PA | PTE_2M_UNCACHED;
	pd[GUEST_HOLE_VA >> 21] = GUEST_HOLE_PA | PTE_2M_UNCACHED;
	pd[GUEST_PAGES_VA >> 21] = GUEST_PAGES_PA | PTE_2M;
}

/* The same segments that vcpu_set_state() loads: an interrupt reads CS here. */
static void fill_gdt(unsigned char *memory)
{
	uint64_t *gdt = (void *)(memory + GUEST_GDT);

	gdt[GUEST_CS / 8] = 0x00af9b000000ffff;	/* 64-bit code, accessed */
	gdt[GUEST_DS / 8] = 0x00cf93000000ffff;	/* data, accessed */
}

static void set_gate(unsigned char *memory, unsigned int vector,
		     uint64_t target)
{
	uint64_t *gate = (void *)(memory + GUEST_IDT + vector * 16);

	gate[0] = (target & 0xffff) | (uint64_t)GUEST_CS << 16 |
		  0x8eull << 40 |		/* present interrupt gate */
		  (target & 0xffff0000) << 32;
	gate[1] = target >> 32;
}

static void fill_idt(unsigned char *memory, const struct payload_header *head)
{
	unsigned int i;

	for (i = 0; i < FIRST_IRQ_VECTOR; i++)
		set_gate(memory, i, GUEST_PAYLOAD + head->fault_stubs +
			 i * FAULT_STUB_SIZE);
	for (; i < 256; i++)
		set_gate(memory, i, GUEST_PAYLOAD + head->handler);
}

static uint64_t period_in_units(const struct vm *vm,
				const struct options *options)
{
	/* KVM's APIC timer counts ns when it divides by one. */
	if (options->payload->tick_period)
		return options->period_us * 1000;
	return options->period_us * vm->tsc_khz / 1000;
}

static void fill_block(struct vcpu *vcpu, const struct options *options)
{
	struct guest_block *block = vcpu->block;

	block->n = options->n;
	block->period = period_in_units(vcpu->vm, options);
	/* Half of the range: the guest adds it to its own TSC. */
	block->limit = options->seconds ?
		options->seconds * vcpu->vm->tsc_khz * 1000 : INT64_MAX;
	block->peer = vcpu->index ^ 1;
	block->index = vcpu->index;
}

void vm_fill_memory(struct vm *vm, const struct options *options)
{
	const struct payload_header *head = (const void *)(vm->memory + GUEST_PAYLOAD);
	const struct payload *payload = options->payload;
	unsigned int i;

	memcpy(vm->memory + GUEST_PAYLOAD, payload->start,
	       (size_t)(payload->end - payload->start));
	fill_page_tables(vm->memory, head->system_call ? PTE_USER : 0);
	fill_gdt(vm->memory);
	fill_idt(vm->memory, head);
	for (i = 0; i < vm->n_vcpus; i++)
		fill_block(&vm->vcpus[i], options);
}

/* KVM handles these MSRs for a guest that is told of that interface. */
static int give_hyperv(struct vcpu *vcpu, struct kvm_cpuid2 *cpuid)
{
	static const struct kvm_cpuid_entry2 leaves[HYPERV_LEAVES] = {
		{ .function = CPUID_HYPERVISOR, .eax = CPUID_HYPERVISOR + 5,
		  .ebx = 0x7263694d, .ecx = 0x666f736f, .edx = 0x76482074 }, /* Microsoft Hv */
		{ .function = CPUID_HYPERVISOR + 1, .eax = HYPERV_SIGNATURE },
		{ .function = CPUID_HYPERVISOR + 3,
		  .eax = HYPERV_3_EAX_TIME_REF | HYPERV_3_EAX_SYNIC | HYPERV_3_EAX_STIMER,
		  .edx = HYPERV_3_EDX_DIRECT },
	};
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HYPERV_SYNIC2 };
	unsigned int nent = 0, i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function < CPUID_HYPERVISOR ||
		    cpuid->entries[i].function >= CPUID_HYPERVISOR_END)
			cpuid->entries[nent++] = cpuid->entries[i];
	memcpy(&cpuid->entries[nent], leaves, sizeof(leaves));
	cpuid->nent = nent + HYPERV_LEAVES;
	if (ioctl(vcpu->fd, KVM_ENABLE_CAP, &cap))
		return vcpu_error(vcpu, "KVM_CAP_HYPERV_SYNIC2");
	return 0;
}

/* What KVM can do, and the two APIC bits that only userspace may grant. */
static int set_cpuid(struct vcpu *vcpu, int kvm_fd, bool hyperv)
{
	struct kvm_cpuid2 *cpuid;
	unsigned int i;
	int ret = -1;

	cpuid = calloc(1, sizeof(*cpuid) +
		       (MAX_CPUID_ENTRIES + HYPERV_LEAVES) * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return vcpu_error(vcpu, "CPUID table");
	cpuid->nent = MAX_CPUID_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		vcpu_error(vcpu, "KVM_GET_SUPPORTED_CPUID");
		goto out;
	}
	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ecx |= CPUID_1_ECX_X2APIC |
						 CPUID_1_ECX_DEADLINE;
	if (hyperv && give_hyperv(vcpu, cpuid))
		goto out;
	ret = ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid);
	if (ret)
		vcpu_error(vcpu, "KVM_SET_CPUID2");
out:
	free(cpuid);
	return ret;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment) {
		.selector = selector, .type = type, .limit = 0xffffffff,
		.present = 1, .s = 1, .g = 1, .db = 1,
	};
}

static int set_sregs(struct vcpu *vcpu, bool x2apic, bool system_calls)
{
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return vcpu_error(vcpu, "KVM_GET_SREGS");
	sregs.cs = segment(GUEST_CS, 0xb);
	sregs.cs.l = 1;
	sregs.cs.db = 0;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss =
		segment(GUEST_DS, 0x3);
	sregs.tr = segment(GUEST_TR, 0xb);	/* busy TSS, as VMX demands */
	sregs.tr.s = sregs.tr.g = sregs.tr.db = 0;
	sregs.tr.limit = 0x67;
	sregs.gdt = (struct kvm_dtable) { .base = GUEST_GDT, .limit = 0x1f };
	sregs.idt = (struct kvm_dtable) { .base = GUEST_IDT, .limit = 0xfff };
	sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	sregs.cr3 = GUEST_PML4;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (system_calls)
		sregs.efer |= EFER_SCE;
	if (x2apic)
		sregs.apic_base |= APIC_BASE_X2APIC;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return vcpu_error(vcpu, "KVM_SET_SREGS");
	return 0;
}

static int enable_apic(struct vcpu *vcpu, const struct options *options)
{
	struct kvm_lapic_state lapic;
	uint32_t spiv = APIC_SPIV_ENABLED, lvtt = LVTT_TSC_DEADLINE | TIMER_VECTOR;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		return vcpu_error(vcpu, "KVM_GET_LAPIC");
	memcpy(lapic.regs + APIC_SPIV, &spiv, sizeof(spiv));
	if (options->payload->restored)
		memcpy(lapic.regs + APIC_LVTT, &lvtt, sizeof(lvtt));
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic))
		return vcpu_error(vcpu, "KVM_SET_LAPIC");
	return 0;
}

static int set_msr(struct vcpu *vcpu, uint32_t index, uint64_t data)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {
		.head.nmsrs = 1, .entry = { .index = index, .data = data },
	};

	if (ioctl(vcpu->fd, KVM_SET_MSRS, &msrs) != 1)
		return vcpu_error(vcpu, "KVM_SET_MSRS");
	return 0;
}

/*
 * As a VMM restores a guest: its TSC, and the deadline one period ahead.  In the
 * wrong order KVM takes the deadline for one that is as far ahead as the TSC says.
 */
static int restore_timer(struct vcpu *vcpu, const struct options *options)
{
	uint64_t tsc = RESTORED_S * vcpu->vm->tsc_khz * 1000;
	uint64_t deadline = tsc + vcpu->block->period;

	if (options->tsc_last)
		return set_msr(vcpu, MSR_TSC_DEADLINE, deadline) ||
		       set_msr(vcpu, MSR_TSC, tsc);
	return set_msr(vcpu, MSR_TSC, tsc) ||
	       set_msr(vcpu, MSR_TSC_DEADLINE, deadline);
}

/* What a kernel does once.  From within, each of these could be an exit. */
static int set_system_call(struct vcpu *vcpu, uint64_t address)
{
	return set_msr(vcpu, MSR_STAR, (uint64_t)GUEST_USER << 48 |
				       (uint64_t)GUEST_CS << 32) ||
	       set_msr(vcpu, MSR_LSTAR, address);
}

int vcpu_set_state(struct vcpu *vcpu, int kvm_fd,
		   const struct options *options)
{
	const struct payload_header *head =
		(const void *)(vcpu->vm->memory + GUEST_PAYLOAD);
	uint64_t block = GUEST_VCPU_PAGES + vcpu->index * 0x1000;
	struct kvm_regs regs = {
		.rip = GUEST_PAYLOAD + head->entry,
		.rsp = block + 0x1000,
		.rdi = block,
		.rflags = options->async_page ? 0x202 : 0x2,
	};
	/* All but vCPU 0 would otherwise wait for INIT and SIPI. */
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };

	if (set_cpuid(vcpu, kvm_fd, options->payload->hyperv) ||
	    set_sregs(vcpu, options->payload->x2apic, head->system_call) ||
	    enable_apic(vcpu, options))
		return -1;
	if (head->system_call &&
	    set_system_call(vcpu, GUEST_PAYLOAD + head->system_call))
		return -1;
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return vcpu_error(vcpu, "KVM_SET_REGS");
	if (options->unstarted && vcpu->index)
		return 0;
	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &state))
		return vcpu_error(vcpu, "KVM_SET_MP_STATE");
	return options->payload->restored ? restore_timer(vcpu, options) : 0;
}
