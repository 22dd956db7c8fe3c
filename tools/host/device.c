// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kvmsched, with errors that say what to do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "base/value.h"
#include "host/device.h"

#define CLASS(symbol, number, name)	{ name, 1U << (number) }
static const struct {
	const char *name;
	uint32_t classes;
} classes[] = {
	KVMSCHED_CLASSES(CLASS),
	/* Names of several classes come last: kvs_class_names() skips them. */
	{ "default",	KVMSCHED_CLASS_DEFAULT },
	{ "all",	KVMSCHED_CLASS_ALL },
};

const char *kvs_class_names(uint32_t set)
{
	static char text[64];

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		uint32_t bit = classes[i].classes;

		if ((bit & (bit - 1)) || !(set & bit))
			continue;
		if (text[0])
			strcat(text, ",");
		strcat(text, classes[i].name);
	}
	return text;
}

static uint32_t class_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].name, name))
			return classes[i].classes;
	return 0;
}

/* "switch, exit, irq", of all that a list may name; on the heap */
static char *list_names(void)
{
	const char *names[ARRAY_SIZE(classes) + 1] = { NULL };

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		names[i] = classes[i].name;
	return kvs_names_text(names, "and");
}

char *kvs_class_take(void *to, const char *list)
{
	char *copy = xstrdup(list), *next = copy, *item, *all, *why = NULL;
	uint32_t set = strchr("+-", list[0]) ? KVMSCHED_CLASS_DEFAULT : 0;

	while (!why && (item = strsep(&next, ","))) {
		char sign = strchr("+-", item[0]) ? item[0] : '\0';
		uint32_t found = class_find(item + (sign != '\0'));

		if (!found) {
			all = list_names();
			why = xasprintf("there is no event class '%s'; there are %s", item, all);
			free(all);
		}
		set = sign == '-' ? set & ~found : set | found;
	}
	if (!why && !set)
		why = xasprintf("no event class is left of '%s'", list);
	free(copy);
	*(uint32_t *)to = set;
	return why;
}

uint32_t kvs_ring_pages(uint64_t bytes)
{
	uint32_t pages = KVMSCHED_MIN_PAGES;

	while ((uint64_t)pages * KVS_PAGE_SIZE < bytes && pages < KVMSCHED_MAX_PAGES)
		pages *= 2;
	return pages;
}

const char *kvs_lockdown_state(void)
{
	static char state[32];
	char *text = kvs_read_line("/sys/kernel/security/lockdown");
	bool found = text && sscanf(text, "%*[^[][%31[^]]]", state) != 1 ?
		     sscanf(text, "[%31[^]]]", state) == 1 : text != NULL;

	free(text);
	return found ? state : NULL;
}

static void explain_missing(void)
{
	const char *lockdown = kvs_lockdown_state();
	struct stat st;

	if (!stat("/sys/module/kvmsched", &st)) {
		kvs_err("the module is loaded, but %s is missing", KVMSCHED_DEVICE);
		kvs_hint("is a devtmpfs mounted on /dev? In a container, pass the device in");
		return;
	}
	kvs_err("the kernel module kvmsched is not loaded");
	kvs_hint("`modprobe kvmsched`, or insmod the kvmsched.ko built for this kernel");
	if (lockdown && strcmp(lockdown, "none"))
		kvs_hint("this kernel is locked down (%s): it loads signed modules only; sign kvmsched.ko with a key that it trusts, or switch Secure Boot off",
			 lockdown);
}

/* The file's mode let us in, and the module refused. */
static void explain_refused(void)
{
	const char *lockdown = kvs_lockdown_state();

	kvs_errno("can't open %s", KVMSCHED_DEVICE);
	if (lockdown && !strcmp(lockdown, "confidentiality"))
		kvs_hint("this kernel is locked down (%s), which forbids all tracing: boot it without lockdown=confidentiality",
			 lockdown);
	else
		kvs_hint("recording shows every thread of the host, so it takes the capability CAP_PERFMON or CAP_SYS_ADMIN, which root of a container lacks: run this on the host, or give the container one of them");
}

int kvs_device_open(bool quiet)
{
	int fd = open(KVMSCHED_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0 || quiet)
		return fd;
	switch (errno) {
	case ENOENT:
		explain_missing();
		break;
	case ENODEV:
	case ENXIO:
		kvs_err("the kernel module kvmsched is being unloaded");
		kvs_hint("load it again with `modprobe kvmsched`");
		break;
	case EPERM:
		explain_refused();
		break;
	case EACCES:
		kvs_errno("can't open %s", KVMSCHED_DEVICE);
		kvs_hint("recording shows every VM of the host: run this as root");
		break;
	default:
		kvs_errno("can't open %s", KVMSCHED_DEVICE);
	}
	return -1;
}

/* Modules of all ABIs answer INFO; one of ABI 1 does so only if @size is right. */
static bool knows_abi(int fd, struct kvmsched_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	if (ioctl(fd, KVMSCHED_IOC_INFO, info)) {
		bool other = errno == E2BIG || errno == EINVAL || errno == ENOTTY;

		kvs_errno("%s doesn't tell about itself", KVMSCHED_DEVICE);
		if (other)
			kvs_hint("module and tool are of different versions");
		return false;
	}
	if (info->abi == KVMSCHED_ABI)
		return true;
	kvs_err("the module that is loaded speaks version %u of the interface, this tool version %u",
		info->abi, KVMSCHED_ABI);
	if (info->abi < KVMSCHED_ABI)
		kvs_hint("the module is the older one: install the one that came with this tool, then `modprobe -r kvmsched` and `modprobe kvmsched`");
	else
		kvs_hint("the tool is the older one: install the one that came with the module");
	return false;
}

int kvs_device_info(int fd, struct kvmsched_info *info)
{
	if (!knows_abi(fd, info))
		return -1;
	if (info->page_size != KVS_PAGE_SIZE) {
		kvs_err("the module's rings have pages of %u bytes, not %u",
			info->page_size, KVS_PAGE_SIZE);
		return -1;
	}
	return 0;
}

int kvs_device_hook(int fd, uint32_t index, struct kvmsched_hook *hook)
{
	memset(hook, 0, sizeof(*hook));
	hook->index = index;
	return ioctl(fd, KVMSCHED_IOC_HOOK, hook);
}

int kvs_device_stats(int fd, uint32_t cpu, struct kvmsched_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->cpu = cpu;
	return ioctl(fd, KVMSCHED_IOC_STATS, stats);
}

int kvs_device_quota(int fd, const struct kvmsched_quota *quota)
{
	return ioctl(fd, KVMSCHED_IOC_QUOTA, quota);
}

int kvs_device_bpf_scheduler(int fd, const struct kvmsched_bpf_scheduler *scheduler)
{
	return ioctl(fd, KVMSCHED_IOC_BPF_SCHEDULER, scheduler);
}

/* Does another process, @pid, hold the device open? */
static bool holds_device(long pid)
{
	char *path = xasprintf("/proc/%ld/fd", pid);
	DIR *dir = pid == getpid() ? NULL : opendir(path);
	struct dirent *d;
	bool found = false;

	while (dir && !found && (d = readdir(dir))) {
		char link[64];
		ssize_t n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link));

		found = n == (ssize_t)strlen(KVMSCHED_DEVICE) &&
			!memcmp(link, KVMSCHED_DEVICE, n);
	}
	if (dir)
		closedir(dir);
	free(path);
	return found;
}

static void explain_busy(void)
{
	DIR *dir = opendir("/proc");
	bool found = false;
	struct dirent *d;
	long pid;

	kvs_err("another program is recording");
	while (dir && (d = readdir(dir))) {
		char *path, *comm;

		if (!kvs_parse_long(d->d_name, 1, INT32_MAX, &pid) ||
		    !holds_device(pid))
			continue;
		path = xasprintf("/proc/%ld/comm", pid);
		comm = kvs_read_line(path);
		kvs_hint("%s is open in process %ld (%s): let it finish, or end it with `kill %ld`",
			 KVMSCHED_DEVICE, pid, comm ? comm : "?", pid);
		found = true;
		free(comm);
		free(path);
	}
	if (!found)
		kvs_hint("it runs in another PID namespace, perhaps a container");
	if (dir)
		closedir(dir);
}

int kvs_device_start(int fd, const struct kvmsched_start *start)
{
	if (!ioctl(fd, KVMSCHED_IOC_START, start))
		return 0;
	switch (errno) {
	case EBUSY:
		explain_busy();
		break;
	case ENOMEM:
		kvs_err("no memory for rings of %llu KiB on each of %ld CPUs",
			(unsigned long long)start->pages * getpagesize() / 1024,
			sysconf(_SC_NPROCESSORS_CONF));
		kvs_hint("ask for less with -m SIZE: MemAvailable in /proc/meminfo says what there is");
		break;
	case EINVAL:
		kvs_errno("the module refuses to record this");
		kvs_hint("classes %s, %u pages, %u VMs; module and tool may be of different versions",
			 kvs_class_names(start->classes), start->pages, start->nr_vms);
		break;
	case ENODEV:
		kvs_err("the kernel module kvmsched is being unloaded");
		break;
	default:
		kvs_errno("can't start recording");
	}
	return -1;
}

int kvs_device_flush(int fd)
{
	return ioctl(fd, KVMSCHED_IOC_FLUSH, 0);
}

int kvs_device_stop(int fd)
{
	/* The module refuses any argument but 0, which is kept for later versions. */
	return ioctl(fd, KVMSCHED_IOC_STOP, 0);
}
