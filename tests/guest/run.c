// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "kvmstats.h"
#include "options.h"
#include "pool.h"
#include "vm.h"

#define SIGNAL_KICK SIGUSR1

static atomic_uint go;		/* futex word */
static atomic_bool stopping;
static atomic_uint running;	/* threads that have not ended */
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

/* The guest tells after the next entry what it has seen by then. */
static void keep_steal(struct vcpu *vcpu)
{
	if (vcpu->n_looks)
		vcpu->looks[vcpu->n_looks - 1].steal_ns = vcpu->block->steal;
}

/* The payload's port writes; false when it has ended. */
static bool handle_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->io.port) {
	case PORT_BUSY:
		be_busy(2 * vcpu->block->period);
		return true;
	case PORT_LOOK:
		keep_steal(vcpu);
		vcpu->looks[vcpu->n_looks++].waited_ns = usage_waited(vcpu->schedstat);
		return true;
	case PORT_ASK:
		if (!inject_asked(&vcpu->vm->injector))
			return true;
		vcpu_error(vcpu, "interrupt");
		vcpu->end = END_ERROR;
		return false;
	case PORT_DONE:
		memcpy(&vcpu->told, (char *)run + run->io.data_offset,
		       sizeof(vcpu->told));
		keep_steal(vcpu);
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

/* A socket that is connected to itself; -1 after a message. */
static int open_loop(const struct vcpu *vcpu)
{
	struct sockaddr_in self = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(self);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) ||
	    getsockname(fd, (struct sockaddr *)&self, &len) ||
	    connect(fd, (struct sockaddr *)&self, sizeof(self))) {
		vcpu_error(vcpu, "loopback socket");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static bool send_packet(const struct vcpu *vcpu)
{
	char byte = 0;

	if (vcpu->loop < 0)
		return true;
	if (send(vcpu->loop, &byte, 1, 0) == 1 && recv(vcpu->loop, &byte, 1, 0) == 1)
		return true;
	vcpu_error(vcpu, "packet to itself");
	return false;
}

/* One KVM_RUN; false when the vCPU is not to run again. */
static bool run_once(struct vcpu *vcpu)
{
	if (atomic_load(&stopping)) {
		vcpu->end = END_STOPPED;
		return false;
	}
	vcpu->run_calls++;
	if (!ioctl(vcpu->fd, KVM_RUN, 0)) {
		if (!handle_exit(vcpu))
			return false;
		if (send_packet(vcpu))
			return true;
		vcpu->end = END_ERROR;
		return false;
	}
	if (errno == EINTR || errno == EAGAIN) {
		vcpu->interrupted++;
		return true;
	}
	vcpu_error(vcpu, "KVM_RUN");
	vcpu->end = END_ERROR;
	return false;
}

/* A thread, and the vCPU that it runs; NULL: whichever of the pool is next. */
struct runner {
	struct vcpu *vcpu;
	pthread_t thread;
	pid_t tid;
	bool started;
};
static struct runner *runners;
static unsigned int n_runners;

static void run_own(struct vcpu *vcpu, int schedstat)
{
	vcpu->tid = gettid();
	vcpu->schedstat = schedstat;
	kvmstats_begin(vcpu->stats);
	usage_begin(schedstat, &vcpu->begin);
	while (run_once(vcpu))
		;
	usage_end(schedstat, &vcpu->finish);
	kvmstats_end(vcpu->stats);
}

/* After each KVM_RUN the vCPU goes back, and the thread takes the next. */
static void run_of_pool(void)
{
	struct vcpu *vcpu;
	bool again;

	while ((vcpu = pool_take())) {
		vcpu->tid = gettid();
		if (!vcpu->run_calls)
			kvmstats_begin(vcpu->stats);
		again = run_once(vcpu);
		if (!again)
			kvmstats_end(vcpu->stats);
		pool_put(vcpu, again);
	}
}

static void *runner_thread(void *arg)
{
	struct runner *runner = arg;
	char name[16];
	int schedstat;

	if (runner->vcpu)
		snprintf(name, sizeof(name), "vcpu%u", runner->vcpu->index);
	else
		snprintf(name, sizeof(name), "pool%u", (unsigned int)(runner - runners));
	prctl(PR_SET_NAME, name);
	runner->tid = gettid();
	schedstat = usage_open();
	sem_post(&waiting);
	wait_for_go();
	if (runner->vcpu)
		run_own(runner->vcpu, schedstat);
	else
		run_of_pool();
	if (schedstat >= 0)
		close(schedstat);
	if (atomic_fetch_sub(&running, 1) == 1)
		kill(getpid(), SIGNAL_ALL_ENDED);
	return NULL;
}

static int start_thread(struct runner *runner)
{
	int err;

	atomic_fetch_add(&running, 1);
	err = pthread_create(&runner->thread, NULL, runner_thread, runner);
	if (err) {
		atomic_fetch_sub(&running, 1);
		fprintf(stderr, "cannot start a thread: %s\n", strerror(err));
		return -1;
	}
	runner->started = true;
	while (sem_wait(&waiting))
		;
	return 0;
}

/* A runner for each vCPU, or as many as are to share them all. */
static int make_runners(struct vm *vms, const struct options *options)
{
	unsigned int v, c, nth = 0;

	n_runners = options->threads ?: options->vms * options->vcpus;
	runners = calloc(n_runners, sizeof(*runners));
	if (!runners || (options->threads && pool_fill(vms, options))) {
		fprintf(stderr, "not enough memory\n");
		return -1;
	}
	if (options->threads)
		return 0;
	for (v = 0; v < options->vms; v++)
		for (c = 0; c < options->vcpus; c++)
			runners[nth++].vcpu = &vms[v].vcpus[c];
	return 0;
}

static int open_loops(struct vm *vms, const struct options *options)
{
	unsigned int v, c;
	struct vcpu *vcpu;

	for (v = 0; v < options->vms; v++) {
		for (c = 0; c < options->vcpus; c++) {
			vcpu = &vms[v].vcpus[c];
			vcpu->loop = options->send ? open_loop(vcpu) : -1;
			if (options->send && vcpu->loop < 0)
				return -1;
		}
	}
	return 0;
}

int run_prepare(struct vm *vms, const struct options *options)
{
	unsigned int i;

	sem_init(&waiting, 0, 0);
	if (make_runners(vms, options) || open_loops(vms, options))
		return -1;
	for (i = 0; i < n_runners; i++)
		if (start_thread(&runners[i]))
			return -1;
	for (i = 0; i < n_runners; i++) {
		if (sched_apply(&options->sched, runners[i].tid))
			return -1;
		if (options->spread &&
		    sched_pin(runners[i].tid, sched_nth_cpu(&options->sched, i)))
			return -1;
	}
	for (i = 0; i < options->vms; i++)
		kvmstats_begin(vms[i].stats);
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
	unsigned int v, c, i;

	atomic_store(&stopping, true);
	/* For a thread about to enter; the signal is for one inside. */
	for (v = 0; v < options->vms; v++)
		for (c = 0; c < options->vcpus; c++)
			if (vms[v].vcpus[c].run)
				vms[v].vcpus[c].run->immediate_exit = 1;
	for (i = 0; i < n_runners; i++)
		if (runners[i].started)
			pthread_kill(runners[i].thread, SIGNAL_KICK);
}

void run_join(struct vm *vms, const struct options *options)
{
	unsigned int i;

	for (i = 0; i < n_runners; i++)
		if (runners[i].started)
			pthread_join(runners[i].thread, NULL);
	for (i = 0; i < options->vms; i++)
		kvmstats_end(vms[i].stats);
	free(runners);
}
