/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers that begin anew after the last one, and pass over those in use
 *
 * It needs linux/types.h alone: a unit test (tests/unit/test_next_number.c) has more VMs
 * than a machine of the lab could.
 */
#ifndef _KVMSCHED_NEXT_NUMBER_H
#define _KVMSCHED_NEXT_NUMBER_H

#include <linux/types.h>

/**
 * ks_next_number - the number of what is new
 * @last:    that of the last new one; 0: there was none
 * @is_used: whether somebody has a number; fewer than 65,535 are in use
 *
 * Return: 1 to 65,535, the first that is free after @last; 0 says "unknown" in records.
 */
static inline __u16 ks_next_number(__u16 last, bool (*is_used)(__u16 number))
{
	do {
		last++;
	} while (!last || is_used(last));
	return last;
}

#endif /* _KVMSCHED_NEXT_NUMBER_H */
