/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is there memory for what a user may ask for, gigabytes at most?
 */
#ifndef _KVMSCHED_MEMORY_H
#define _KVMSCHED_MEMORY_H

#include <linux/mm.h>

/**
 * ks_memory_suffices - would so much memory fit at all?
 * @pages: how much
 *
 * To find that out by allocating would take seconds, and all memory from everybody
 * else meanwhile.  What is available may be less a moment later, so the allocation
 * that follows can fail all the same.
 *
 * Context: process.
 */
static inline bool ks_memory_suffices(u64 pages)
{
	long available = si_mem_available();

	return available > 0 && pages <= available;
}

#endif /* _KVMSCHED_MEMORY_H */
