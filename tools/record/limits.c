// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU quotas of VMs; see limits.h.
 */
#include <inttypes.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "host/device.h"
#include "host/vmname.h"
#include "host/vms.h"
#include "record/limits.h"

struct kvs_limits {
	char *mount;
	uint32_t vcpus;		/* that the module knew when VMs were looked for */
	bool gone;		/* one of these threads has ended since then */
	pid_t *tids;		/* of vCPUs */
	size_t nr_tids;
	char **paths;		/* of cgroups: below the mount point, from a "/" on */
	size_t nr;
};

static char *find_mount(void)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;
	char *found = NULL;

	while (f && !found && (entry = getmntent(f)))
		if (!strcmp(entry->mnt_type, "cgroup2"))
			found = xstrdup(entry->mnt_dir);
	if (f)
		endmntent(f);
	return found;
}

struct kvs_limits *kvs_limits_new(void)
{
	char *mount = kvs_pids_are_the_kernels() ? find_mount() : NULL;
	struct kvs_limits *l;

	if (!mount)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->mount = mount;
	l->gone = true;
	return l;
}

static void forget_groups(struct kvs_limits *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->paths[i]);
	l->nr = 0;
}

void kvs_limits_free(struct kvs_limits *l)
{
	if (!l)
		return;
	forget_groups(l);
	free(l->paths);
	free(l->tids);
	free(l->mount);
	free(l);
}

static void find_threads(struct kvs_limits *l)
{
	struct kvs_vms *vms = kvs_vms_scan();

	l->nr_tids = 0;
	for (size_t i = 0; i < vms->nr; i++) {
		const struct kvs_vms_vm *vm = &vms->vms[i];

		l->tids = xrealloc(l->tids, (l->nr_tids + vm->nr + 1) * sizeof(*l->tids));
		for (size_t j = 0; j < vm->nr; j++)
			if (vm->vcpus[j].tid)
				l->tids[l->nr_tids++] = vm->vcpus[j].tid;
	}
	kvs_vms_free(vms);
}

/* "0::/machine.slice/vm.scope"; NULL: the thread has ended. */
static char *path_of(pid_t tid)
{
	char *file = xasprintf("/proc/%d/cgroup", tid), *line = NULL, *path = NULL;
	FILE *f = fopen(file, "r");
	size_t room = 0;

	while (f && !path && getline(&line, &room, f) > 0)
		if (!strncmp(line, "0::/", 4)) {
			line[strcspn(line, "\n")] = '\0';
			path = xstrdup(line + 3);
		}
	if (f)
		fclose(f);
	free(line);
	free(file);
	return path;
}

static bool is_known(const struct kvs_limits *l, const char *path)
{
	for (size_t i = 0; i < l->nr; i++)
		if (!strcmp(l->paths[i], path))
			return true;
	return false;
}

/* The cgroup of @path and those above, but the root, which has no quota; frees @path. */
static void add_groups(struct kvs_limits *l, char *path)
{
	char *slash;

	while (path[1] && !is_known(l, path)) {
		l->paths = xrealloc(l->paths, (l->nr + 1) * sizeof(*l->paths));
		l->paths[l->nr++] = xstrdup(path);
		slash = strrchr(path, '/');
		slash[slash == path] = '\0';
	}
	free(path);
}

static char *read_group(const struct kvs_limits *l, const char *path, const char *name)
{
	char *file = xasprintf("%s%s/%s", l->mount, path, name), *text;

	text = kvs_read_file(file, NULL);
	free(file);
	return text;
}

/* "max 100000", "50000 100000"; false: its parent has not the cpu controller for it. */
static bool read_limit(const struct kvs_limits *l, const char *path,
		       struct kvmsched_quota *quota)
{
	char *text = read_group(l, path, "cpu.max");
	bool found = false;

	quota->quota_us = -1;
	if (text)
		found = sscanf(text, "max %llu", &quota->period_us) == 1 ||
			sscanf(text, "%lld %llu", &quota->quota_us, &quota->period_us) == 2;
	free(text);
	return found;
}

static bool has_limit(const struct kvs_limits *l, const char *path)
{
	struct kvmsched_quota quota;
	char *above = xstrdup(path), *slash;
	bool found = false;

	while (above[1] && !found) {
		found = read_limit(l, above, &quota) && quota.quota_us >= 0;
		slash = strrchr(above, '/');
		slash[slash == above] = '\0';
	}
	free(above);
	return found;
}

static void read_stat(const struct kvs_limits *l, const char *path,
		      struct kvmsched_quota *quota)
{
	char *text = read_group(l, path, "cpu.stat"), *rest = text, *line;

	while (text && (line = strsep(&rest, "\n"))) {
		sscanf(line, "nr_periods %llu", &quota->periods);
		sscanf(line, "nr_throttled %llu", &quota->throttled);
		sscanf(line, "throttled_usec %llu", &quota->throttled_us);
	}
	free(text);
}

/* The end of a long path says more than its beginning. */
static void set_name(struct kvmsched_quota *quota, const char *path)
{
	size_t length = strlen(path), room = sizeof(quota->name);

	if (length <= room)
		memcpy(quota->name, path, length);
	else
		memcpy(quota->name, path + length - room, room);
}

static void tell_quota(const struct kvs_limits *l, const char *path, int dev)
{
	struct kvmsched_quota quota = { .cgroup = 0 };
	char *dir = xasprintf("%s%s", l->mount, path);
	struct stat st;

	if (!stat(dir, &st) && read_limit(l, path, &quota)) {
		quota.cgroup = st.st_ino;
		read_stat(l, path, &quota);
		set_name(&quota, path);
		kvs_device_quota(dev, &quota);
	}
	free(dir);
}

void kvs_limits_tell(struct kvs_limits *l, int dev, uint32_t vcpus)
{
	if (l->gone || vcpus != l->vcpus)
		find_threads(l);
	l->vcpus = vcpus;
	l->gone = false;
	forget_groups(l);
	for (size_t i = 0; i < l->nr_tids; i++) {
		char *path = path_of(l->tids[i]);

		if (path)
			add_groups(l, path);
		else
			l->gone = true;
	}
	for (size_t i = 0; i < l->nr; i++)
		if (has_limit(l, l->paths[i]))
			tell_quota(l, l->paths[i], dev);
}
