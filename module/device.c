// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kvmsched: its ioctls and their arguments; see uapi/kvmsched.h
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "attach.h"
#include "device.h"
#include "hooks.h"
#include "session.h"
#include "vcpu.h"

/* Is what callers have to leave zero not so? */
#define ks_any_set(array)	memchr_inv(array, 0, sizeof(array))

static int ks_ioctl_info(struct file *file, void *arg)
{
	struct kvmsched_info *info = arg;

	if (info->reserved0 || ks_any_set(info->reserved))
		return -EINVAL;
	info->size = sizeof(*info);
	return ks_session_info(file, info);
}

static int ks_ioctl_hook(struct file *file, void *arg)
{
	struct kvmsched_hook *row = arg;

	if (row->reserved0 || ks_any_set(row->reserved))
		return -EINVAL;
	return ks_hooks_row(row, true);
}

static int ks_ioctl_start(struct file *file, void *arg)
{
	const struct kvmsched_start *start = arg;

	if (ks_any_set(start->reserved))
		return -EINVAL;
	return ks_session_start(file, start);
}

static int ks_ioctl_stop(struct file *file, void *arg)
{
	return ks_session_stop(file);
}

static int ks_ioctl_flush(struct file *file, void *arg)
{
	return ks_session_flush(file);
}

static int ks_ioctl_stats(struct file *file, void *arg)
{
	struct kvmsched_stats *stats = arg;

	if (stats->reserved0 || ks_any_set(stats->reserved))
		return -EINVAL;
	return ks_session_stats(file, stats);
}

/*
 * A file that follows the ledgers has its private_data set, under this mutex.
 */
static DEFINE_MUTEX(ks_follow_mutex);

static int ks_ioctl_follow(struct file *file, void *arg)
{
	int ret = mutex_lock_killable(&ks_follow_mutex);

	if (ret)
		return ret;
	if (!file->private_data)
		ret = ks_attach_follow(1);
	if (!ret)
		file->private_data = &ks_follow_mutex;
	mutex_unlock(&ks_follow_mutex);
	return ret;
}

static int ks_ioctl_ledger(struct file *file, void *arg)
{
	struct kvmsched_ledger *ledger = arg;

	if (ledger->reserved0 || ledger->reserved1 || ks_any_set(ledger->reserved))
		return -EINVAL;
	memset(ledger->states, 0, sizeof(ledger->states));
	return ks_vcpus_ledger(ledger->index, ledger);
}

static int ks_ioctl_quota(struct file *file, void *arg)
{
	const struct kvmsched_quota *quota = arg;

	if (ks_any_set(quota->reserved))
		return -EINVAL;
	return ks_session_quota(file, quota);
}

static int ks_ioctl_bpf_scheduler(struct file *file, void *arg)
{
	const struct kvmsched_bpf_scheduler *scheduler = arg;

	if (ks_any_set(scheduler->reserved0) || ks_any_set(scheduler->reserved))
		return -EINVAL;
	return ks_session_bpf_scheduler(file, scheduler);
}

/*
 * @number: as callers of this ABI have it; it says how large our struct is
 * @run:    gets a copy of the struct, NULL where there is none
 */
static const struct ks_ioctl {
	unsigned int number;
	int (*run)(struct file *file, void *arg);
} ks_ioctls[] = {
	{ KVMSCHED_IOC_INFO, ks_ioctl_info },
	{ KVMSCHED_IOC_HOOK, ks_ioctl_hook },
	{ KVMSCHED_IOC_START, ks_ioctl_start },
	{ KVMSCHED_IOC_STOP, ks_ioctl_stop },
	{ KVMSCHED_IOC_FLUSH, ks_ioctl_flush },
	{ KVMSCHED_IOC_STATS, ks_ioctl_stats },
	{ KVMSCHED_IOC_FOLLOW, ks_ioctl_follow },
	{ KVMSCHED_IOC_LEDGER, ks_ioctl_ledger },
	{ KVMSCHED_IOC_QUOTA, ks_ioctl_quota },
	{ KVMSCHED_IOC_BPF_SCHEDULER, ks_ioctl_bpf_scheduler },
};

/* Find an ioctl by all of its number but the size. */
static const struct ks_ioctl *ks_find_ioctl(unsigned int cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ks_ioctls); i++)
		if (!((ks_ioctls[i].number ^ cmd) & ~IOCSIZE_MASK))
			return &ks_ioctls[i];
	return NULL;
}

/* Run an ioctl on a copy of the caller's struct, whose size @cmd says. */
static int ks_run_on_copy(struct file *file, const struct ks_ioctl *ioctl,
			  unsigned int cmd, void __user *user)
{
	size_t size = _IOC_SIZE(ioctl->number);
	size_t callers = _IOC_SIZE(cmd);
	void *arg = kzalloc(size, GFP_KERNEL);
	int ret;

	if (!arg)
		return -ENOMEM;
	ret = copy_struct_from_user(arg, size, user, callers) ?:
	      ioctl->run(file, arg);
	if (!ret && _IOC_DIR(cmd) & _IOC_READ &&
	    copy_to_user(user, arg, min(size, callers)))
		ret = -EFAULT;
	kfree(arg);
	return ret;
}

static long ks_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct ks_ioctl *ioctl = ks_find_ioctl(cmd);

	if (!ioctl)
		return -ENOTTY;
	if (_IOC_DIR(cmd) != _IOC_NONE)
		return ks_run_on_copy(file, ioctl, cmd, (void __user *)arg);
	/* Kept for a struct that a later version may have there. */
	if (arg || _IOC_SIZE(cmd))
		return -EINVAL;
	return ioctl->run(file, NULL);
}

/*
 * Records show the same as tracefs and perf: what all threads of the host do, and
 * addresses in the kernel.  So whoever opens the device needs what perf asks for,
 * and a lockdown that closes tracefs closes this as well.  Only open() asks: a
 * program with the right may pass the file on to one that has none.
 */
static int ks_device_open(struct inode *inode, struct file *file)
{
	if (!perfmon_capable())
		return -EPERM;
	/* misc_open() has stored a pointer there. */
	file->private_data = NULL;
	return security_locked_down(LOCKDOWN_TRACEFS);
}

static int ks_device_release(struct inode *inode, struct file *file)
{
	ks_session_release(file);
	if (file->private_data)
		ks_attach_follow(-1);
	return 0;
}

/*
 * .owner: the module can't be unloaded while a file is open, or in a session.
 */
static const struct file_operations ks_device_fops = {
	.owner = THIS_MODULE,
	.open = ks_device_open,
	.unlocked_ioctl = ks_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = ks_session_poll,
	.mmap = ks_session_mmap,
	.release = ks_device_release,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvmsched",
	.fops = &ks_device_fops,
	.mode = 0600,
};

int ks_device_create(void)
{
	return misc_register(&device);
}

void ks_device_destroy(void)
{
	misc_deregister(&device);
	ks_session_exit();
}
