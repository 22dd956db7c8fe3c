// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merges recordings of a host and of its guests; see merge.h.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "merge/merge.h"
#include "merge/version6.h"

static bool join_guest(struct kvs_merged *m, struct kvs_merged_guest *guest)
{
	struct kvs_joined *g = &guest->joined;
	const char *path = g->side.path;
	char *file = kvs_version6(path, m->folder);
	bool ok = file && kvs_guest_side_read(&g->side, file, path) &&
		  kvs_join(g, &m->host, &m->told);

	/* Its pages are read from the open file. */
	kvs_version6_drop(file, path);
	if (ok)
		guest->carried = kvs_shift_carried(g);
	return ok;
}

/* A VM runs one guest at a time. */
static bool check_pairs(const struct kvs_merged *m)
{
	for (size_t i = 0; i < m->nr_guests; i++) {
		for (size_t other = 0; other < i; other++) {
			const struct kvs_joined *a = &m->guests[i].joined;
			const struct kvs_joined *b = &m->guests[other].joined;

			if (kvs_joined_vcpu(a)->vm != kvs_joined_vcpu(b)->vm)
				continue;
			kvs_err("%s and %s are of the same VM", b->side.path, a->side.path);
			kvs_hint("merge one of them at a time, each into a folder of its own");
			return false;
		}
	}
	return true;
}

static bool merge_with(struct kvs_merged *m, const char *host_file)
{
	struct kvs_parts *host = kvs_parts_open(host_file, m->host_path);
	bool ok = host && kvs_host_side_read(&m->host, host_file, m->host_path);

	for (size_t i = 0; ok && i < m->nr_guests; i++)
		ok = join_guest(m, &m->guests[i]);
	ok = ok && check_pairs(m) && kvs_cut_guests(m) && kvs_cut_pages(m, host) &&
	     kvs_folder_write(m, host);
	kvs_parts_close(host);
	return ok;
}

bool kvs_merge_files(struct kvs_merged *m)
{
	char *host_file = NULL;
	bool ok;

	if (!kvs_folder_name(m) || !kvs_folder_make(m))
		return false;
	host_file = kvs_version6(m->host_path, m->folder);
	ok = host_file && merge_with(m, host_file);
	kvs_version6_drop(host_file, m->host_path);
	if (!ok)
		kvs_folder_remove(m);
	return ok;
}

void kvs_merged_free(struct kvs_merged *m)
{
	for (size_t i = 0; i < m->nr_guests; i++) {
		kvs_joined_free(&m->guests[i].joined);
		free(m->guests[i].file);
	}
	free(m->guests);
	for (size_t i = 0; i < m->told.nr; i++)
		free((char *)m->told.cpus[i].vm.name);
	free(m->told.cpus);
	free((char *)m->select.vm.name);
	kvs_host_side_free(&m->host);
}
