// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signal an eventfd in a hard interrupt, again and again, as the driver of a device
 * does that is passed on to a guest.
 *
 *	insmod signal_eventfd.ko fd=N	an eventfd of insmod's own
 */
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/version.h>

static int fd = -1;
module_param(fd, int, 0444);

static int period_us = 2000;
module_param(period_us, int, 0444);

static struct eventfd_ctx *ctx;
static struct hrtimer timer;

static enum hrtimer_restart signal_it(struct hrtimer *expired)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
	hrtimer_forward_now(expired, ns_to_ktime(period_us * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static void set_up(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&timer, signal_it, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	timer.function = signal_it;
#endif
}

static int __init signal_eventfd_init(void)
{
	ctx = eventfd_ctx_fdget(fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	set_up();
	hrtimer_start(&timer, ns_to_ktime(period_us * NSEC_PER_USEC), HRTIMER_MODE_REL_HARD);
	return 0;
}
module_init(signal_eventfd_init);

static void __exit signal_eventfd_exit(void)
{
	hrtimer_cancel(&timer);
	eventfd_ctx_put(ctx);
}
module_exit(signal_eventfd_exit);

MODULE_DESCRIPTION("Signal an eventfd from a timer's interrupt");
MODULE_LICENSE("GPL");
