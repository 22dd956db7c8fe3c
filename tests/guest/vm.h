/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtual machines: memory, virtual APICs and vCPUs, ready to run. */
#ifndef GUEST_VM_H
#define GUEST_VM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "inject.h"
#include "late.h"
#include "layout.h"
#include "usage.h"

struct kvmstats;
struct options;

enum vcpu_end {
	END_NOT_RUN,
	END_DONE,	/* the payload's last port write */
	END_STOPPED,	/* by a signal or a time limit */
	END_FAULT,	/* an exception in the guest */
	END_ERROR,	/* KVM refused */
};

#define MAX_EXIT_REASONS 64

/* How long the thread had waited for a CPU before an entry, and what the guest saw after it */
struct look {
	uint64_t waited_ns;	/* by schedstat */
	uint64_t steal_ns;	/* by KVM's steal time */
};

struct vcpu {
	struct vm *vm;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	struct guest_block *block;
	struct kvmstats *stats;
	int schedstat;		/* its thread's, while that runs it; -1: none */
	struct look *looks;	/* of payload steal: N of them; NULL: none */
	unsigned int n_looks;	/* that were made */
	int loop;		/* socket connected to itself; -1: none */

	pid_t tid;		/* of the thread that ran it last */

	/* The truth, written by the thread that runs it. */
	enum vcpu_end end;
	uint64_t run_calls;
	uint64_t interrupted;	/* KVM_RUN calls ended by a signal */
	uint64_t user_exits[MAX_EXIT_REASONS];
	uint32_t told;		/* by the guest's last port write */
	struct usage begin;	/* of its own thread; 0 where threads share it */
	struct usage finish;
};

struct vm {
	unsigned int index;
	int fd;
	unsigned char *memory;
	size_t memory_size;
	unsigned int n_vcpus;
	struct vcpu *vcpus;
	size_t run_size;	/* of each vCPU's mapping */
	uint64_t tsc_khz;
	struct kvmstats *stats;
	struct late_page late;
	struct injector injector;
};

/* An open /dev/kvm; -1 after a message that says what is wrong. */
int kvm_open(void);

/* 0, or -1 after a message; destroy takes a VM whose create failed too. */
int vm_create(struct vm *vm, int kvm_fd, unsigned int index,
	      const struct options *options);
void vm_destroy(struct vm *vm);

/* vcpu-state.c: paging, descriptor tables and payload of the VM... */
void vm_fill_memory(struct vm *vm, const struct options *options);
/* ...and the registers with which a vCPU starts in it. */
int vcpu_set_state(struct vcpu *vcpu, int kvm_fd,
		   const struct options *options);

/* Says "VM 0 vCPU 1: what: errno's text"; always -1. */
int vcpu_error(const struct vcpu *vcpu, const char *what);

#endif
