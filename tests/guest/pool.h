/* SPDX-License-Identifier: GPL-2.0-only */
/* vCPUs that threads share: each runs the next that nobody runs. */
#ifndef GUEST_POOL_H
#define GUEST_POOL_H

#include <stdbool.h>

struct options;
struct vcpu;
struct vm;

/* All vCPUs of all VMs; -1: no memory. */
int pool_fill(struct vm *vms, const struct options *options);

/* The next vCPU in turn, once there is one; NULL: all have ended. */
struct vcpu *pool_take(void);

/* Gives it back; @again: it is to run once more. */
void pool_put(struct vcpu *vcpu, bool again);

#endif
