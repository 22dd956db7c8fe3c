// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the TSC is fit to be a clock
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>

#include "clock.h"

/**
 * ks_clock_warn - say in the kernel log, once, that the TSC can't be trusted
 *
 * Context: process.
 */
void ks_clock_warn(void)
{
	if (check_tsc_unstable())
		pr_warn_once("the kernel found the TSC of this host unstable: times between CPUs are not to be trusted\n");
}
