// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the formats of events from tracefs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "trace/formats.h"

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int kvs_formats_read(const char *dir, const char *system, struct kvs_dat_system *sys)
{
	char *path = xasprintf("%s/%s", dir, system);
	struct dirent **names;
	int n = scandir(path, &names, is_visible, alphasort);

	sys->name = system;
	sys->nr = 0;
	sys->texts = NULL;
	free(path);
	if (n < 0)
		return -1;
	sys->texts = xcalloc(n, sizeof(*sys->texts));
	for (int i = 0; i < n; i++) {
		/* The files `enable` and `filter`, beside the directories, have none. */
		path = xasprintf("%s/%s/%s/format", dir, system, names[i]->d_name);
		sys->texts[sys->nr] = kvs_read_file(path, NULL);
		if (sys->texts[sys->nr])
			sys->nr++;
		free(path);
		free(names[i]);
	}
	free(names);
	if (sys->nr)
		return 0;
	free(sys->texts);
	sys->texts = NULL;
	errno = ENOENT;
	return -1;
}

void kvs_formats_free(struct kvs_dat_system *sys)
{
	for (size_t i = 0; i < sys->nr; i++)
		free(sys->texts[i]);
	free(sys->texts);
	sys->texts = NULL;
	sys->nr = 0;
}

int kvs_formats_id(const struct kvs_dat_system *sys, const char *event)
{
	size_t len = strlen(event);

	for (size_t i = 0; i < sys->nr; i++) {
		const char *name = sys->texts[i];
		int id;

		if (strncmp(name, "name: ", 6))
			continue;
		name += 6;
		if (!strncmp(name, event, len) && name[len] == '\n' &&
		    sscanf(name + len, "\nID: %d", &id) == 1)
			return id;
	}
	return -1;
}
