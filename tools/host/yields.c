// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's counts of directed yields; see yields.h.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/system.h"
#include "base/util.h"
#include "host/vmname.h"
#include "host/yields.h"

#define MAX_PID		(4 << 20)

/* "PID-FD"; KVM has other files beside such folders. */
static bool parse_name(const char *name, struct kvs_vm_yields *vm)
{
	const char *dash = strchr(name, '-');
	char *first = dash ? xasprintf("%.*s", (int)(dash - name), name) : NULL;
	long pid, fd;
	bool ok = first && kvs_parse_long(first, 1, MAX_PID, &pid) &&
		  kvs_parse_long(dash + 1, 0, INT_MAX, &fd);

	free(first);
	if (ok)
		*vm = (struct kvs_vm_yields){ .pid = pid, .fd = fd };
	return ok;
}

static bool read_count(const char *folder, const char *name, uint64_t *count)
{
	char *path = xasprintf("%s/%s", folder, name);
	char *text = kvs_read_line(path), *end;

	free(path);
	if (!text)
		return false;
	errno = 0;
	*count = strtoull(text, &end, 10);
	if (!*text || *end)
		errno = EINVAL;
	free(text);
	return !errno;
}

static bool read_vm(const char *folder, struct kvs_vm_yields *vm)
{
	struct stat st;

	if (stat(folder, &st) || !read_count(folder, "directed_yield_attempted", &vm->attempted) ||
	    !read_count(folder, "directed_yield_successful", &vm->successful))
		return false;
	vm->ino = st.st_ino;
	return true;
}

/* Threads can create VMs, too.  In another PID namespace /proc is about other threads. */
static pid_t process_of(pid_t pid, bool can_ask)
{
	long tgid = can_ask ? kvs_thread_number(pid, "Tgid") : pid;

	return tgid > 0 ? tgid : 0;
}

/* A VM that is about to end is left out; whatever else can't be read leaves nothing. */
static bool read_all(DIR *dir, const char *folder, struct kvs_vm_yields **vms, size_t *nr)
{
	bool can_ask = kvs_pids_are_the_kernels(), ok = true;
	struct kvs_vm_yields vm;
	struct dirent *d;

	while (ok && (d = readdir(dir))) {
		char *path;

		if (!parse_name(d->d_name, &vm))
			continue;
		path = xasprintf("%s/%s", folder, d->d_name);
		if (read_vm(path, &vm)) {
			vm.process = process_of(vm.pid, can_ask);
			*vms = xrealloc(*vms, (*nr + 1) * sizeof(**vms));
			(*vms)[(*nr)++] = vm;
		} else {
			ok = errno == ENOENT || errno == ENODEV;
		}
		free(path);
	}
	return ok;
}

struct kvs_vm_yields *kvs_vm_yields_read(const char *folder, size_t *nr)
{
	struct kvs_vm_yields *vms;
	DIR *dir = opendir(folder);
	int err;

	*nr = 0;
	if (!dir)
		return NULL;
	vms = xmalloc(sizeof(*vms));	/* not NULL, though there may be no VM */
	if (!read_all(dir, folder, &vms, nr)) {
		err = errno;
		free(vms);
		vms = NULL;
		*nr = 0;
		errno = err;
	}
	err = errno;
	closedir(dir);
	errno = err;
	return vms;
}
