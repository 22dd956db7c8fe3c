// SPDX-License-Identifier: GPL-2.0-only
/*
 * No time may span a sleep of the machine: on many machines the TSC starts anew
 * at wakeup.  So a recording ends before, since its file has one clock.  Enabled
 * events and ledgers go on after, and know nothing of the time before.
 */
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "attach.h"
#include "session.h"
#include "suspend.h"

/*
 * Userspace runs at each of these events: it is frozen after the first, and
 * goes on before the second, which comes as well where the first was in vain.
 * A recording that began in between has seen nothing, and ends, too.
 *
 * Context: process.
 */
static int ks_on_pm_event(struct notifier_block *block, unsigned long event,
			  void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
		/* Twice: the first writes the last ledgers, and one may begin meanwhile. */
		ks_session_cut();
		ks_attach_sleep(true);
		ks_session_cut();
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
		ks_session_cut();
		ks_attach_sleep(false);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block ks_pm_notifier = {
	.notifier_call = ks_on_pm_event,
};

/**
 * ks_suspend_init - know from now on when the machine goes to sleep
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
