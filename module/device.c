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
#include <linux/uaccess.h>

#include "attach.h"
#include "device.h"
#include "hooks.h"
#include "session.h"
#include "vcpu.h"

/* Copy in a struct that begins with its own size. */
static int ks_copy_sized(void *to, const void __user *from, u32 size)
{
	if (copy_from_user(to, from, size))
		return -EFAULT;
	return *(u32 *)to == size ? 0 : -E2BIG;
}

static int ks_copy_back(void __user *to, const void *from, u32 size)
{
	return copy_to_user(to, from, size) ? -EFAULT : 0;
}

static long ks_ioctl_info(struct file *file, void __user *arg)
{
	struct kvmsched_info info;
	int ret = ks_copy_sized(&info, arg, sizeof(info));

	if (ret)
		return ret;
	memset(&info, 0, sizeof(info));
	info.size = sizeof(info);
	ks_session_info(file, &info);
	return ks_copy_back(arg, &info, sizeof(info));
}

static long ks_ioctl_hook(struct file *file, void __user *arg)
{
	struct kvmsched_hook row;
	int ret = ks_copy_sized(&row, arg, sizeof(row));

	if (!ret && (row.reserved[0] || row.reserved[1]))
		ret = -EINVAL;
	if (!ret)
		ret = ks_hooks_row(&row, true);
	return ret ?: ks_copy_back(arg, &row, sizeof(row));
}

static long ks_ioctl_start(struct file *file, void __user *arg)
{
	struct kvmsched_start start;
	int ret = ks_copy_sized(&start, arg, sizeof(start));

	return ret ?: ks_session_start(file, &start);
}

static long ks_ioctl_stats(struct file *file, void __user *arg)
{
	struct kvmsched_stats stats;
	int ret = ks_copy_sized(&stats, arg, sizeof(stats));
	u64 reserved = 0;
	int i;

	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(stats.reserved); i++)
		reserved |= stats.reserved[i];
	if (reserved)
		return -EINVAL;
	ret = ks_session_stats(file, &stats);
	return ret ?: ks_copy_back(arg, &stats, sizeof(stats));
}

/*
 * A file that follows the ledgers has its private_data set, under this mutex.
 */
static DEFINE_MUTEX(ks_follow_mutex);

static long ks_ioctl_follow(struct file *file)
{
	int ret = 0;

	mutex_lock(&ks_follow_mutex);
	if (!file->private_data)
		ret = ks_attach_follow(1);
	if (!ret)
		file->private_data = &ks_follow_mutex;
	mutex_unlock(&ks_follow_mutex);
	return ret;
}

static long ks_ioctl_ledger(void __user *arg)
{
	struct kvmsched_ledger *ledger;
	u32 head[2];
	int ret;

	if (copy_from_user(head, arg, sizeof(head)))
		return -EFAULT;
	if (head[0] != sizeof(*ledger))
		return -E2BIG;
	ledger = kzalloc(sizeof(*ledger), GFP_KERNEL);
	if (!ledger)
		return -ENOMEM;
	ledger->size = head[0];
	ledger->index = head[1];
	ret = ks_vcpus_ledger(head[1], ledger) ?:
	      ks_copy_back(arg, ledger, sizeof(*ledger));
	kfree(ledger);
	return ret;
}

static long ks_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case KVMSCHED_IOC_INFO:
		return ks_ioctl_info(file, user);
	case KVMSCHED_IOC_HOOK:
		return ks_ioctl_hook(file, user);
	case KVMSCHED_IOC_START:
		return ks_ioctl_start(file, user);
	case KVMSCHED_IOC_STATS:
		return ks_ioctl_stats(file, user);
	case KVMSCHED_IOC_STOP:
		return arg ? -EINVAL : ks_session_stop(file);
	case KVMSCHED_IOC_FLUSH:
		return arg ? -EINVAL : ks_session_flush(file);
	case KVMSCHED_IOC_FOLLOW:
		return arg ? -EINVAL : ks_ioctl_follow(file);
	case KVMSCHED_IOC_LEDGER:
		return ks_ioctl_ledger(user);
	default:
		return -ENOTTY;
	}
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
