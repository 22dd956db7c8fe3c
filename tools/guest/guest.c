// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of work; see guest.h.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "guest/guest.h"
#include "merge/version6.h"

/* In @folder, a file of another version is converted. */
static bool join(struct kvs_guest_set *g, struct kvs_guest *guest, const char *folder)
{
	const char *path = guest->joined.side.path;
	char *file = kvs_version6(path, folder);
	bool ok = file && kvs_guest_side_read(&guest->joined.side, file, path) &&
		  kvs_join(&guest->joined, &g->host, &g->told);
	unsigned int cpus;

	kvs_version6_drop(file, path);
	if (!ok)
		return false;
	cpus = guest->joined.side.parts->cpus;
	guest->cpus = xcalloc(cpus, sizeof(*guest->cpus));
	guest->lines = xcalloc(cpus, sizeof(*guest->lines));
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		guest->lines[cpu].vcpu = guest->joined.cpus[cpu].vcpu;
	return true;
}

/* A VM runs one guest at a time. */
static bool check_pairs(const struct kvs_guest_set *g, size_t i)
{
	for (size_t other = 0; other < i; other++) {
		const struct kvs_joined *a = &g->guests[i].joined, *b = &g->guests[other].joined;

		if (kvs_joined_vcpu(a)->vm != kvs_joined_vcpu(b)->vm)
			continue;
		kvs_err("%s and %s are of the same VM", b->side.path, a->side.path);
		kvs_hint("report on one of them at a time");
		return false;
	}
	return true;
}

static bool join_all(struct kvs_guest_set *g)
{
	const char *tmp = getenv("TMPDIR");
	char *folder = xasprintf("%s/kvmsched.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	bool made = mkdtemp(folder), ok = made;

	if (!made)
		kvs_errno("can't make a folder like %s", folder);
	for (size_t i = 0; ok && i < g->nr; i++)
		ok = join(g, &g->guests[i], folder) && check_pairs(g, i);
	if (made)
		rmdir(folder);
	free(folder);
	return ok;
}

static void free_guest(struct kvs_guest *g)
{
	for (unsigned int cpu = 0; g->lines && cpu < g->joined.side.parts->cpus; cpu++)
		kvs_line_free(&g->lines[cpu]);
	free(g->lines);
	free(g->cpus);
	free(g->events);
	free(g->tasks);
	kvs_table_free(&g->by_pid);
	kvs_joined_free(&g->joined);
}

/* Leaves out guests that are not selected; false after a message if all are. */
static bool select_guests(struct kvs_guest_set *g)
{
	size_t nr = 0;

	if (kvs_select_is_any(&g->select))
		return true;
	for (size_t i = 0; i < g->nr; i++) {
		if (kvs_joined_selected(&g->guests[i].joined, &g->select))
			g->guests[nr++] = g->guests[i];
		else
			free_guest(&g->guests[i]);
	}
	g->nr = nr;
	if (!nr)
		kvs_joined_none_selected(&g->select);
	return nr;
}

static bool account(struct kvs_guest *g, const struct kvs_guest_set *set)
{
	const struct kvs_excerpt *excerpt = &set->excerpt;
	u64 time = 0;

	g->excerpt = *excerpt;
	g->select = &set->select;
	kvs_guest_account(g);
	for (unsigned int cpu = 0; cpu < g->joined.side.parts->cpus; cpu++)
		if (kvs_guest_has_cpu(g, cpu))
			time += g->cpus[cpu].last - g->cpus[cpu].first;
	if (time || !excerpt->on)
		return true;
	kvs_err("%s: nothing of it is between --from and --to", g->joined.side.path);
	kvs_hint("both are counted from when the host's recording began");
	return false;
}

bool kvs_guest_set_read(struct kvs_guest_set *g)
{
	bool ok = kvs_host_side_read(&g->host, g->host_path, g->host_path) && join_all(g) &&
		  select_guests(g) && kvs_lines_read(g->guests, g->nr, g->host_path);

	for (size_t i = 0; ok && i < g->nr; i++)
		ok = kvs_guest_events(&g->guests[i]) && account(&g->guests[i], g);
	return ok;
}

void kvs_guest_set_free(struct kvs_guest_set *g)
{
	for (size_t i = 0; i < g->nr; i++)
		free_guest(&g->guests[i]);
	free(g->guests);
	for (size_t i = 0; i < g->told.nr; i++)
		free((char *)g->told.cpus[i].vm.name);
	free(g->told.cpus);
	kvs_host_side_free(&g->host);
}
