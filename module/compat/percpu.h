/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * raw_cpu_read() and raw_cpu_write() that leave it to the compiler to put the variable into
 * the instruction that needs it
 *
 * The kernel's own do so since 6.8 (ca4256348660, "x86/percpu: Use C for percpu read/write
 * accessors"), where CONFIG_CC_HAS_NAMED_AS says that the compiler knows %gs as an address
 * space.  Before, each read is an instruction of its own.  KASAN and KCSAN take such an
 * address for a plain one (e29aad08b1da, "x86/percpu: Disable named address spaces for
 * KASAN"), and sparse does not know the name. Without SMP a variable is not in %gs.
 */
#ifndef _KVMSCHED_COMPAT_PERCPU_H
#define _KVMSCHED_COMPAT_PERCPU_H

#include <linux/percpu.h>

#if defined(__SEG_GS) && defined(CONFIG_SMP) && !defined(CONFIG_CC_HAS_NAMED_AS) && \
	!defined(CONFIG_KASAN) && !defined(CONFIG_KCSAN) && !defined(__CHECKER__)
#define ks_cpu_of(var)		(*(typeof(var) __seg_gs *)(uintptr_t)&(var))
#define ks_cpu_read(var)	ks_cpu_of(var)
#define ks_cpu_write(var, value) (ks_cpu_of(var) = (value))
#else
#define ks_cpu_read(var)	raw_cpu_read(var)
#define ks_cpu_write(var, value) raw_cpu_write(var, value)
#endif

#endif
