/* SPDX-License-Identifier: GPL-2.0-only */
/* vCPU threads: held until told to go, run to their end, stopped on demand. */
#ifndef GUEST_RUN_H
#define GUEST_RUN_H

#include <signal.h>

struct options;
struct vm;

/* Sent to the process when the last vCPU has ended. */
#define SIGNAL_ALL_ENDED SIGUSR2

/*
 * Blocks, for this thread and all it creates, the signals that the main
 * thread takes with sigtimedwait(), and fills @set with them.
 */
void run_block_signals(sigset_t *set);

/* One thread per vCPU, waiting, with affinity and policy set; -1: message. */
int run_prepare(struct vm *vms, const struct options *options);

/* Lets all of them go at once. */
void run_go(void);

/* Asks payloads that listen (spin) to end by themselves. */
void run_ask_stop(struct vm *vms, const struct options *options);

/* Makes every KVM_RUN return; the guests do not go on. */
void run_stop(struct vm *vms, const struct options *options);

/* Waits for the threads; each vCPU's truth is complete afterwards. */
void run_join(struct vm *vms, const struct options *options);

#endif
