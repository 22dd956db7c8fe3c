/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Durations whose two ends may be of two CPUs' TSCs
 *
 * It needs linux/types.h alone: emulated CPUs share one TSC, so it is a unit test
 * (tests/unit/test_ledger_core.c) that lets them differ.
 */
#ifndef _KVMSCHED_SINCE_H
#define _KVMSCHED_SINCE_H

#include <linux/types.h>

/**
 * ks_since - how long ago was that?
 * @now:  TSC of this CPU
 * @then: TSC, perhaps of another CPU
 *
 * Where two TSCs differ, @then may be in this CPU's future: a moment ago.  Where
 * both are of one CPU, a plain difference does.
 */
static __always_inline __u64 ks_since(__u64 now, __u64 then)
{
	return now > then ? now - then : 0;
}

#endif /* _KVMSCHED_SINCE_H */
