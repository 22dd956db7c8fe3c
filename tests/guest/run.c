// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "kvmstats.h"
#include "options.h"
#include "vm.h"

#define SIGNAL_KICK SIGUSR1

static atomic_uint go;		/* futex word */
static atomic_bool stopping;
static atomic_uint running;	/* vCPU threads that have not ended */
static sem_t waiting;		/* posted by each thread once it can be set up */

static void on_kick(int signal)
{
	(void)signal;	/* its only use is to interrupt KVM_RUN */
}

void run_block_signals(sigset_t *set)
{
	struct sigaction kick = { .sa_handler = on_kick };

	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGNAL_ALL_ENDED);
	sigprocmask(SIG_BLOCK, set, NULL);
	sigaction(SIGNAL_KICK, &kick, NULL);
}

static void wait_for_go(void)
{
	while (!atomic_load(&go))
		syscall(SYS_futex, &go, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void be_busy(uint64_t cycles)
{
	uint64_t begin = __rdtsc();

	while (__rdtsc() - begin < cycles)
		;
}

/* The payload's port writes; false when it has ended. */
static bool handle_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->io.port) {
	case PORT_BUSY:
		be_busy(2 * vcpu->block->period);
		return true;
	case PORT_DONE:
		memcpy(&vcpu->told, (char *)run + run->io.data_offset,
		       sizeof(vcpu->told));
		vcpu->end = END_DONE;
		return false;
	case PORT_FAULT:
		fprintf(stderr, "VM %u vCPU %u: unexpected vector %llu in the guest, at or with error code 0x%llx\n",
			vcpu->vm->index, vcpu->index,
			(unsigned long long)vcpu->block->fault,
			(unsigned long long)vcpu->block->fault_rip);
		vcpu->end = END_FAULT;
		return false;
	}
	return true;
}

/* After a userspace exit; false when the vCPU is not to run again. */
static bool handle_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason < MAX_EXIT_REASONS)
		vcpu->user_exits[run->exit_reason]++;
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return handle_io(vcpu);
	case KVM_EXIT_MMIO:
		return true;
	}
	fprintf(stderr, "VM %u vCPU %u: unexpected exit to userspace, reason %u (see KVM_EXIT_* in linux/kvm.h)\n",
		vcpu->vm->index, vcpu->index, run->exit_reason);
	vcpu->end = END_ERROR;
	return false;
}

static void run_loop(struct vcpu *vcpu)
{
	while (!atomic_load(&stopping)) {
		vcpu->run_calls++;
		if (!ioctl(vcpu->fd, KVM_RUN, 0)) {
			if (!handle_exit(vcpu))
				return;
		} else if (errno == EINTR || errno == EAGAIN) {
			vcpu->interrupted++;
		} else {
			vcpu_error(vcpu, "KVM_RUN");
			vcpu->end = END_ERROR;
			return;
		}
	}
	vcpu->end = END_STOPPED;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	char name[16];
	int schedstat;

	snprintf(name, sizeof(name), "vcpu%u", vcpu->index);
	prctl(PR_SET_NAME, name);
	vcpu->tid = gettid();
	schedstat = usage_open();
	sem_post(&waiting);
	wait_for_go();

	kvmstats_begin(vcpu->stats);
	usage_begin(schedstat, &vcpu->begin);
	run_loop(vcpu);
	usage_end(schedstat, &vcpu->finish);
	kvmstats_end(vcpu->stats);

	if (schedstat >= 0)
		close(schedstat);
	if (atomic_fetch_sub(&running, 1) == 1)
		kill(getpid(), SIGNAL_ALL_ENDED);
	return NULL;
}

static int start_thread(struct vcpu *vcpu)
{
	int err;

	atomic_fetch_add(&running, 1);
	err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	if (err) {
		atomic_fetch_sub(&running, 1);
		errno = err;
		return vcpu_error(vcpu, "thread");
	}
	vcpu->thread_started = true;
	while (sem_wait(&waiting))
		;
	return 0;
}

int run_prepare(struct vm *vms, const struct options *options)
{
	unsigned int v, c, nth = 0;
	struct vcpu *vcpu;

	sem_init(&waiting, 0, 0);
	for (v = 0; v < options->vms; v++)
		for (c = 0; c < options->vcpus; c++)
			if (start_thread(&vms[v].vcpus[c]))
				return -1;
	for (v = 0; v < options->vms; v++) {
		for (c = 0; c < options->vcpus; c++, nth++) {
			vcpu = &vms[v].vcpus[c];
			if (sched_apply(&options->sched, vcpu->tid))
				return -1;
			if (options->spread &&
			    sched_pin(vcpu->tid,
				      sched_nth_cpu(&options->sched, nth)))
				return -1;
		}
		kvmstats_begin(vms[v].stats);
	}
	return 0;
}

/* One system call wakes all: the first to run may never let us run again. */
void run_go(void)
{
	atomic_store(&go, 1);
	syscall(SYS_futex, &go, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void run_ask_stop(struct vm *vms, const struct options *options)
{
	unsigned int v, c;

	for (v = 0; v < options->vms; v++)
		for (c = 0; c < options->vcpus; c++)
			vms[v].vcpus[c].block->stop = 1;
}

void run_stop(struct vm *vms, const struct options *options)
{
	unsigned int v, c;
	struct vcpu *vcpu;

	atomic_store(&stopping, true);
	for (v = 0; v < options->vms; v++) {
		for (c = 0; c < options->vcpus; c++) {
			vcpu = &vms[v].vcpus[c];
			if (!vcpu->thread_started)
				continue;
			/* For a thread about to enter; the signal is for one inside. */
			vcpu->run->immediate_exit = 1;
			pthread_kill(vcpu->thread, SIGNAL_KICK);
		}
	}
}

void run_join(struct vm *vms, const struct options *options)
{
	unsigned int v, c;

	for (v = 0; v < options->vms; v++) {
		for (c = 0; c < options->vcpus; c++)
			if (vms[v].vcpus[c].thread_started)
				pthread_join(vms[v].vcpus[c].thread, NULL);
		kvmstats_end(vms[v].stats);
	}
}
