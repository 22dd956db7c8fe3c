// SPDX-License-Identifier: GPL-2.0-only
/*
 * While it is loaded, no grace period of the tracepoints' SRCU ends: as if one of
 * their readers were starved by a task of real-time priority.
 */
#include <linux/module.h>
#include <linux/srcu.h>
#include <linux/tracepoint.h>

static int section;

static int __init slow_reader_init(void)
{
	section = srcu_read_lock(&tracepoint_srcu);
	return 0;
}
module_init(slow_reader_init);

static void __exit slow_reader_exit(void)
{
	srcu_read_unlock(&tracepoint_srcu, section);
}
module_exit(slow_reader_exit);

MODULE_DESCRIPTION("Let the grace periods of tracepoints wait");
MODULE_LICENSE("GPL");
