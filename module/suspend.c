// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recording ends when the machine goes to sleep.  On many machines the TSC
 * starts anew at wakeup, so later records would have wrong times.
 */
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "session.h"
#include "suspend.h"

/* Context: process; userspace still runs. */
static int ks_on_pm_event(struct notifier_block *block, unsigned long event,
			  void *data)
{
	if (event == PM_SUSPEND_PREPARE || event == PM_HIBERNATION_PREPARE)
		ks_session_cut();
	return NOTIFY_DONE;
}

static struct notifier_block ks_pm_notifier = {
	.notifier_call = ks_on_pm_event,
};

/**
 * ks_suspend_init - end recordings from now on when the machine goes to sleep
 *
 * Return: 0 or a negative errno.
 */
int ks_suspend_init(void)
{
	return register_pm_notifier(&ks_pm_notifier);
}

/**
 * ks_suspend_exit - undo ks_suspend_init()
 */
void ks_suspend_exit(void)
{
	unregister_pm_notifier(&ks_pm_notifier);
}
