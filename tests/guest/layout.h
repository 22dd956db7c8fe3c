/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the VMM and its payloads: where things lie in guest
 * memory, and the block through which they talk.  Read by C and by the
 * assembler, so it holds plain defines and, for C, the one struct.
 *
 *   guest physical   what                          guest virtual
 *   0x00001000       PML4, PDPT, PD (a page each)  the same
 *   0x00004000       GDT                           the same
 *   0x00005000       IDT                           the same
 *   0x00010000       one page per vCPU: struct     the same
 *                    guest_block at its foot,
 *                    the stack from its top; between
 *                    them the steal time of KVM,
 *                    and what payloads rr and
 *                    lock keep
 *   0x00080000       the payload                   the same
 *   0x00090000       one page per vCPU: payload    the same
 *                    the VMCB of l2 and l2-refused
 *   0x000e0000       where VMRUN may save L1's     the same
 *                    state
 *   0x00200000       payload pages: up to 512      0x00600000
 *                    pages of RAM
 *   0xfee00000       xAPIC registers               0x00200000
 *   0xd0000000       nothing                       0x00400000
 *
 * A page of the guest costs one nested page fault when it is first touched,
 * so a payload that stays within these pages has a known number of them.
 */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define GUEST_MEM_SIZE		0x100000
#define GUEST_PML4		0x1000
#define GUEST_PDPT		0x2000
#define GUEST_PD		0x3000
#define GUEST_GDT		0x4000
#define GUEST_IDT		0x5000
#define GUEST_VCPU_PAGES	0x10000
#define GUEST_MAX_VCPUS		64
#define GUEST_STEAL		0x400	/* in the vCPU's page: 64 bytes, aligned so */
/* Payload rr, in the vCPU's page: its other process' RSP, ticks left, next tick, a stack */
#define GUEST_RR_OTHER		0x480
#define GUEST_RR_LEFT		0x488
#define GUEST_RR_TICK		0x490
#define GUEST_RR_STACK		0xc00
#define GUEST_LOCK		0x4a0	/* payload lock, in the page of the even vCPU */
#define GUEST_PAYLOAD		0x80000
#define GUEST_VMCBS		0x90000
#define GUEST_HSAVE		0xe0000

#define GUEST_APIC_VA		0x200000
#define GUEST_APIC_PA		0xfee00000
#define GUEST_HOLE_VA		0x400000
#define GUEST_HOLE_PA		0xd0000000

/* Memory of payload pages alone */
#define GUEST_PAGES_VA		0x600000
#define GUEST_PAGES_PA		0x200000
#define GUEST_MAX_PAGES		512

#define GUEST_CS		0x08
#define GUEST_DS		0x10
#define GUEST_TR		0x18
/* SYSRET makes SS of the next selector and CS of the one after, and reads no GDT. */
#define GUEST_USER		0x18

/*
 * Ports: one that nobody has, one that keeps the VMM busy for two periods, two on
 * which a payload ends, one at which the VMM looks at how long its thread waited, and one
 * that asks for an interrupt.
 */
#define PORT_NOBODY		0x5f0
#define PORT_BUSY		0x5f2
#define PORT_DONE		0x5f4
#define PORT_FAULT		0x5f8
#define PORT_LOOK		0x5fa
#define PORT_ASK		0x600

/* Vectors from here up all run the payload's handler. */
#define FIRST_IRQ_VECTOR	0x20
#define TIMER_VECTOR		0x40
#define IPI_VECTOR		0x50
#define EXTERNAL_VECTOR		0x60	/* sent by the VMM */

/* What the guest of payload l2 does in each of its runs */
#define L2_CPUIDS		5

/* A quantum of payload rr */
#define RR_TICKS		25

/* Fault stubs have this many bytes each, one per exception vector. */
#define FAULT_STUB_SIZE		16

/* Offsets in struct guest_block, checked against it in vm.c. */
#define BLK_N			0
#define BLK_PERIOD		8
#define BLK_LIMIT		16
#define BLK_PEER		24
#define BLK_INDEX		32
#define BLK_STOP		40
#define BLK_COUNT		48
#define BLK_EARLY		56
#define BLK_REPEATED		64
#define BLK_FAULT		72
#define BLK_FAULT_RIP		80
#define BLK_READY		88
#define BLK_STEAL		96
#define BLK_NOTHING		104

#ifndef __ASSEMBLER__
#include <stdint.h>

/*
 * VMM to guest above the line, guest to VMM below it.  The guest finds its
 * own block in RDI and never changes that register.
 */
struct guest_block {
	uint64_t n;		/* loops to do */
	uint64_t period;	/* TSC cycles, or APIC timer ticks for tmict */
	uint64_t limit;		/* TSC cycles after which spin ends */
	uint64_t peer;		/* x2APIC id of the vCPU to talk to */
	uint64_t index;		/* of this vCPU in its VM */
	volatile uint64_t stop;	/* asks spin to end */
	/* ---- */
	volatile uint64_t count;	/* loops done, or interrupts handled */
	volatile uint64_t early;	/* interrupts that came before their HLT */
	volatile uint64_t repeated;	/* deliveries that came with interrupts off */
	volatile uint64_t fault;	/* vector of an unexpected exception */
	volatile uint64_t fault_rip;
	volatile uint64_t ready;	/* wait: it runs, and waits from now on */
	volatile uint64_t steal;	/* steal: KVM's, in ns, after the last look */
	volatile uint64_t for_nothing;	/* HLTs that ended before their interrupt came */
};

/* Stands at the head of each payload; offsets count from GUEST_PAYLOAD. */
struct payload_header {
	uint64_t entry;
	uint64_t handler;
	uint64_t fault_stubs;
	uint64_t system_call;	/* where SYSCALL leads; 0: there is no user mode */
};
#endif
#endif
