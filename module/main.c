// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched: how KVM schedules virtual CPUs
 *
 * Init and exit are mirror images.  Until somebody first listens, no probe is attached.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>

#include "attach.h"
#include "clock.h"
#include "device.h"
#include "events_init.h"
#include "hooks.h"
#include "probe.h"
#include "suspend.h"
#include "vcpu.h"

module_param_named(max_vcpus, ks_vcpus_max, uint, 0444);
MODULE_PARM_DESC(max_vcpus, "vCPUs that can be followed at once");

static bool keep_ledger;
module_param_named(ledger, keep_ledger, bool, 0444);
MODULE_PARM_DESC(ledger, "keep the ledgers up to date from load to unload");

static int __init kvmsched_init(void)
{
	int ret;

	if (!tsc_khz) {
		pr_err("records carry the TSC, and this kernel has none\n");
		return -ENODEV;
	}
	if (!ks_events_init(ks_attach_events)) {
		pr_err("ftrace refused our events; was the module forced?\n");
		return -ENODEV;
	}
	ks_exit_init();
	ks_sched_init();
	ret = ks_tables_create();
	if (ret)
		return ret;
	ret = ks_hooks_init();
	if (ret)
		goto destroy_tables;
	if (keep_ledger) {
		ret = ks_attach_follow(1);
		if (ret)
			goto exit_attach;
	}
	ret = ks_suspend_init();
	if (ret)
		goto exit_attach;
	/*
	 * Last: if a later step failed, an open file would use what was freed.
	 */
	ret = ks_device_create();
	if (ret)
		goto exit_suspend;
	ks_attach_open();
	ks_clock_warn();
	return 0;

exit_suspend:
	ks_suspend_exit();
exit_attach:
	ks_threads_detach();
	ks_attach_exit();
destroy_tables:
	ks_tables_destroy();
	return ret;
}

/*
 * An open device holds a reference on the module, so no session is left here;
 * events may still be enabled.  The preempt notifiers go first: the table is
 * closed, so that no probe links new ones.  Then the probes go, after which no
 * handler runs.  What the handlers used goes last.
 */
static void __exit kvmsched_exit(void)
{
	ks_device_destroy();
	ks_suspend_exit();
	ks_threads_detach();
	ks_attach_exit();
	ks_tables_destroy();
}

module_init(kvmsched_init);
module_exit(kvmsched_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Records how KVM schedules virtual CPUs");
