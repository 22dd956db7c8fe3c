// SPDX-License-Identifier: GPL-2.0-only
/*
 * While it is loaded, no grace period of the tracepoints' SRCU ends: as if one of
 * their readers were starved by a task of real-time priority.
 */
#include <linux/module.h>
#include <linux/srcu.h>
#include <linux/tracepoint.h>

#ifdef SRCU_READ_FLAVOR_FAST
/* All readers of one SRCU have to use the same kind of lock: tracepoints use this one. */
#define lock	srcu_read_lock_fast
#define unlock	srcu_read_unlock_fast
static struct srcu_ctr __percpu *section;
#else
#define lock	srcu_read_lock
#define unlock	srcu_read_unlock
static int section;
#endif

static int __init slow_reader_init(void)
{
	section = lock(&tracepoint_srcu);
	return 0;
}
module_init(slow_reader_init);

static void __exit slow_reader_exit(void)
{
	unlock(&tracepoint_srcu, section);
}
module_exit(slow_reader_exit);

MODULE_DESCRIPTION("Let the grace periods of tracepoints wait");
MODULE_LICENSE("GPL");
