// SPDX-License-Identifier: GPL-2.0-only
/* Complain when loaded: what the lab must notice. */
#include <linux/bug.h>
#include <linux/module.h>

static int __init warn_init(void)
{
	WARN(1, "the lab's own test\n");
	return 0;
}
module_init(warn_init);

static void __exit warn_exit(void)
{
}
module_exit(warn_exit);

MODULE_DESCRIPTION("Make a lab kernel complain");
MODULE_LICENSE("GPL");
