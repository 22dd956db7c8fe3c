// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a folder as `trace-cmd record -A` leaves it; see merge.h.
 *
 * In it the host's file names the trace of each guest by its id (option GUEST, with the
 * thread of each vCPU), and a guest's file that of the host (TIME_SHIFT).  All of them have
 * the rate of the host's TSC.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "merge/merge.h"
#include "trace/cursor.h"
#include "trace/dat.h"

static bool is_empty(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool empty = dir;

	while (empty && (entry = readdir(dir)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	if (dir)
		closedir(dir);
	return empty;
}

bool kvs_folder_make(struct kvs_merged *m)
{
	struct stat st;

	m->made = !mkdir(m->folder, 0777);
	if (m->made)
		return true;
	if (errno != EEXIST || stat(m->folder, &st)) {
		kvs_errno("can't make the folder %s", m->folder);
	} else if (!S_ISDIR(st.st_mode)) {
		kvs_err("%s is a file", m->folder);
		kvs_hint(KVS_FOLDER_HINT);
	} else if (!is_empty(m->folder)) {
		kvs_err("%s is not empty", m->folder);
		kvs_hint("name a new folder, or remove what is in this one");
	} else {
		return true;
	}
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool kvs_folder_name(struct kvs_merged *m)
{
	for (size_t i = 0; i < m->nr_guests; i++) {
		const char *name = base_name(m->guests[i].joined.side.path);

		m->guests[i].file = xstrdup(name);
		for (size_t other = 0; other <= i; other++) {
			const char *taken = other < i ? m->guests[other].file : KVS_MERGED_HOST;

			if (strcmp(name, taken))
				continue;
			kvs_err("two files of the folder would have the name %s", name);
			kvs_hint("give the guest's file another name");
			return false;
		}
	}
	return true;
}

static char *path_in(const char *folder, const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

void kvs_folder_remove(const struct kvs_merged *m)
{
	for (size_t i = 0; i <= m->nr_guests; i++) {
		const char *name = i < m->nr_guests ? m->guests[i].file : KVS_MERGED_HOST;
		char *path = name ? path_in(m->folder, name) : NULL;

		if (path)
			unlink(path);
		free(path);
	}
	if (m->made)
		rmdir(m->folder);
}

/* The id that a trace has, or a new one, which is written into it.  0 is none. */
static u64 settle_id(struct kvs_parts *parts)
{
	const struct kvs_part_option *option = kvs_parts_option(parts, KVS_OPTION_TRACEID);
	u64 id = 0;

	if (option && option->size >= sizeof(id))
		memcpy(&id, option->data, sizeof(id));
	while (!id)
		if (getrandom(&id, sizeof(id), 0) < 0)
			id = (u64)getpid() << 32 | (u32)(uintptr_t)parts;
	kvs_parts_drop(parts, KVS_OPTION_TRACEID);
	kvs_parts_add(parts, KVS_OPTION_TRACEID, &id, sizeof(id));
	return id;
}

/* Times that somebody wished to be shown elsewhere would tear host and guest apart. */
static void drop_shifts(struct kvs_parts *parts)
{
	kvs_parts_drop(parts, KVS_OPTION_DATE);
	kvs_parts_drop(parts, KVS_OPTION_OFFSET);
	kvs_parts_drop(parts, KVS_OPTION_TIME_SHIFT);
}

static bool has_thread(const struct kvs_part_option *option, const struct kvs_joined *g)
{
	struct kvs_vm_names names = { 0 };
	char *data = xcalloc(1, option->size + 1);
	bool has = false;

	memcpy(data, option->data, option->size);
	kvs_vm_names_add_guest(&names, data, option->size);
	for (unsigned int cpu = 0; cpu < g->side.parts->cpus; cpu++)
		has |= g->cpus[cpu].vcpu &&
		       kvs_vm_names_of_thread(&names, g->cpus[cpu].vcpu->tid);
	kvs_vm_names_free(&names);
	return has;
}

/* The option GUEST of the host's own file lacks the guest's CPUs: replace it. */
static void put_guest(struct kvs_parts *host, const struct kvs_merged_guest *guest)
{
	const struct kvs_joined *g = &guest->joined;
	const struct kvs_host_vcpu *vcpu = kvs_joined_vcpu(g);
	struct kvs_dat_guest dat = {
		.name = xstrdup(vcpu->vm_name ? vcpu->vm_name : ""),
		.trace_id = guest->trace_id, .vcpus = g->side.parts->cpus,
		.tids = xcalloc(g->side.parts->cpus, sizeof(*dat.tids)),
	};
	size_t size;
	char *data;

	for (size_t i = host->nr_options; i--; )
		if (host->options[i].number == KVS_OPTION_GUEST &&
		    has_thread(&host->options[i], g))
			kvs_parts_drop_at(host, i);
	for (unsigned int cpu = 0; cpu < dat.vcpus; cpu++)
		dat.tids[cpu] = g->cpus[cpu].vcpu ? g->cpus[cpu].vcpu->tid : 0;
	data = kvs_dat_guest_data(&dat, &size);
	kvs_parts_add(host, KVS_OPTION_GUEST, data, size);
	free(data);
	free(dat.name);
	free(dat.tids);
}

static void shift_guest(struct kvs_parts *parts, const struct kvs_joined *g, u64 host_id,
			const struct kvs_part_option *rate)
{
	u32 size;
	char *data = kvs_shift_make(g, host_id, &size);

	drop_shifts(parts);
	kvs_parts_add(parts, KVS_OPTION_TIME_SHIFT, data, size);
	free(data);
	kvs_parts_drop(parts, KVS_OPTION_TSC2NSEC);
	if (rate)
		kvs_parts_add(parts, KVS_OPTION_TSC2NSEC, rate->data, rate->size);
}

static bool write_file(const struct kvs_merged *m, const struct kvs_parts *parts,
		       const char *name)
{
	char *path = path_in(m->folder, name);
	bool ok = kvs_parts_write(parts, path);

	free(path);
	return ok;
}

bool kvs_folder_write(struct kvs_merged *m, struct kvs_parts *host)
{
	drop_shifts(host);
	if (m->excerpt.on)	/* KVM counted in all of the recording */
		kvs_parts_drop(host, KVS_OPTION_YIELDS);
	m->trace_id = settle_id(host);
	for (size_t i = 0; i < m->nr_guests; i++) {
		struct kvs_merged_guest *guest = &m->guests[i];
		struct kvs_parts *parts = guest->joined.side.parts;

		guest->trace_id = settle_id(parts);
		put_guest(host, guest);
		shift_guest(parts, &guest->joined, m->trace_id,
			    kvs_parts_option(host, KVS_OPTION_TSC2NSEC));
		if (!write_file(m, parts, guest->file))
			return false;
	}
	return write_file(m, host, KVS_MERGED_HOST);
}
