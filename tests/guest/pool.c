// SPDX-License-Identifier: GPL-2.0-only
#include "pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "options.h"
#include "vm.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct vcpu **queue;	/* those that nobody runs, the next one first */
static unsigned int size;	/* room of the queue, and number of vCPUs */
static unsigned int head, length;
static unsigned int left;	/* vCPUs that have not ended */

static void append(struct vcpu *vcpu)
{
	queue[(head + length++) % size] = vcpu;
}

int pool_fill(struct vm *vms, const struct options *options)
{
	unsigned int v, c;

	size = left = options->vms * options->vcpus;
	queue = calloc(size, sizeof(*queue));
	if (!queue)
		return -1;
	/* The VMs in turn, so that a thread alone goes from one to the other. */
	for (c = 0; c < options->vcpus; c++)
		for (v = 0; v < options->vms; v++)
			append(&vms[v].vcpus[c]);
	return 0;
}

struct vcpu *pool_take(void)
{
	struct vcpu *vcpu = NULL;

	pthread_mutex_lock(&lock);
	while (!length && left)
		pthread_cond_wait(&changed, &lock);
	if (length) {
		vcpu = queue[head];
		head = (head + 1) % size;
		length--;
	}
	pthread_mutex_unlock(&lock);
	return vcpu;
}

void pool_put(struct vcpu *vcpu, bool again)
{
	pthread_mutex_lock(&lock);
	if (again)
		append(vcpu);
	else
		left--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}
