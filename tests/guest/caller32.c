// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit program that calls each ioctl of /dev/kvmsched once.
 *
 * It shows whether the structs of module/uapi/kvmsched.h are the same to it as to
 * a 64-bit kernel.  For each call it writes to standard output what ioctl()
 * returned, how large the struct is, and the struct afterwards.  It needs no
 * 32-bit libc, which few machines have.
 */
#include <linux/fcntl.h>
#include <linux/ioctl.h>
#include <linux/types.h>
#include <stddef.h>

#include "uapi/kvmsched.h"

/* As arch/x86/entry/syscalls/syscall_32.tbl numbers them */
enum { NR_EXIT = 1, NR_WRITE = 4, NR_OPEN = 5, NR_IOCTL = 54 };

static long call(long number, long a, long b, long c)
{
	long result;

	asm volatile("int $0x80" : "=a"(result)
		     : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

static void tell(const void *data, unsigned long size)
{
	if (call(NR_WRITE, 1, (long)data, size) != (long)size)
		call(NR_EXIT, 1, 0, 0);
}

static void ask(int fd, unsigned int number, void *arg, __u32 size)
{
	__s32 result = call(NR_IOCTL, fd, number, (long)arg);

	tell(&result, sizeof(result));
	tell(&size, sizeof(size));
	if (size)
		tell(arg, size);
}

/* Static, since they are zero then without memset(). */
static struct kvmsched_info info;
static struct kvmsched_hook hook;
static struct kvmsched_start start;
static struct kvmsched_stats stats;
static struct kvmsched_ledger ledger;

void _start(void);
void __attribute__((force_align_arg_pointer)) _start(void)
{
	int fd = call(NR_OPEN, (long)KVMSCHED_DEVICE, O_RDWR, 0);

	start.classes = KVMSCHED_CLASS_DEFAULT;
	start.pages = 16;
	ask(fd, KVMSCHED_IOC_START, &start, sizeof(start));
	ask(fd, KVMSCHED_IOC_INFO, &info, sizeof(info));
	ask(fd, KVMSCHED_IOC_HOOK, &hook, sizeof(hook));
	ask(fd, KVMSCHED_IOC_FLUSH, NULL, 0);
	ask(fd, KVMSCHED_IOC_STATS, &stats, sizeof(stats));
	ask(fd, KVMSCHED_IOC_STOP, NULL, 0);
	ask(fd, KVMSCHED_IOC_FOLLOW, NULL, 0);
	ask(fd, KVMSCHED_IOC_LEDGER, &ledger, sizeof(ledger));
	call(NR_EXIT, 0, 0, 0);
}
