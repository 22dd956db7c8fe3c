/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cycles of the TSC: durations, and conversion to and from nanoseconds
 *
 * x86's mul_u64_u32_div() traps if the quotient does not fit in 64 bits.
 * Values that we don't control (a counter of KVM's that root may reset, the
 * guest's deadline) are limited first.
 */
#ifndef _KVMSCHED_CLOCK_H
#define _KVMSCHED_CLOCK_H

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>
#include <asm/tsc.h>

#include "since.h"

/* The limit in either unit: two years at 1 GHz. */
#define KS_NEVER	(1ULL << 56)

static inline u64 ks_ns_of(u64 cycles)
{
	return mul_u64_u32_div(min(cycles, KS_NEVER), NSEC_PER_MSEC, tsc_khz);
}

static inline u64 ks_cycles_of(u64 ns)
{
	return mul_u64_u32_div(min(ns, KS_NEVER), tsc_khz, NSEC_PER_MSEC);
}

void ks_clock_warn(void);

#endif /* _KVMSCHED_CLOCK_H */
