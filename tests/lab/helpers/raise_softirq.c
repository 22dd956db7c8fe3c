// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hard interrupt that leaves a softirq, and has another interrupt come before that begins.
 *
 * irq_exit() switches interrupts on before it serves the first softirq, and there the CPU
 * takes the irq_work, which the timer's handler has queued.
 *
 * Lab use only: on the CPU of insmod, each period.
 */
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/version.h>

static int period_us = 500;
module_param(period_us, int, 0444);

static void do_nothing(struct tasklet_struct *unused)
{
}
static DECLARE_TASKLET(tasklet, do_nothing);

static void do_no_work(struct irq_work *unused)
{
}
static struct irq_work work = IRQ_WORK_INIT_HARD(do_no_work);

static struct hrtimer timer;

static enum hrtimer_restart raise_both(struct hrtimer *expired)
{
	tasklet_schedule(&tasklet);
	irq_work_queue(&work);
	hrtimer_forward_now(expired, ns_to_ktime(period_us * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static int __init raise_softirq_init(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&timer, raise_both, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
#else
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer.function = raise_both;
#endif
	hrtimer_start(&timer, ns_to_ktime(period_us * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}
module_init(raise_softirq_init);

static void __exit raise_softirq_exit(void)
{
	hrtimer_cancel(&timer);
	irq_work_sync(&work);
	tasklet_kill(&tasklet);
}
module_exit(raise_softirq_exit);

MODULE_DESCRIPTION("Raise a softirq from a timer's interrupt, and another interrupt");
MODULE_LICENSE("GPL");
