/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spins, interrupts on, where payload tmict-periodic halts.  So on VMX the preemption
 * timer stays what backs the timer, and KVM sets it anew at each of its expiries.
 */
#define SPINS
#include "payload-tmict-periodic.S"
