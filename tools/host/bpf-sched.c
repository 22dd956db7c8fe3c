// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF scheduler that is loaded; see bpf-sched.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "host/bpf-sched.h"

#define ATTEMPTS	3	/* of a look during which nothing changes */

static char *read_word(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name), *word = kvs_read_line(path);

	free(path);
	return word;
}

static long read_number(const char *folder, const char *name)
{
	char *word = read_word(folder, name);
	long n = 0;

	if (word && !kvs_parse_long(word, 0, INT64_MAX, &n))
		n = 0;
	free(word);
	return n;
}

/* False: another one has been loaded meanwhile. */
static bool read_once(const char *folder, struct kvs_bpf_sched *s)
{
	char *state, *name;

	*s = (struct kvs_bpf_sched){ .loads = read_number(folder, "enable_seq") };
	name = read_word(folder, "root/ops");
	state = read_word(folder, "state");
	s->loaded = name && state && !strcmp(state, "enabled");
	if (s->loaded) {
		s->all = read_number(folder, "switch_all");
		snprintf(s->name, sizeof(s->name), "%s", name);
	}
	free(name);
	free(state);
	return (uint64_t)read_number(folder, "enable_seq") == s->loads;
}

bool kvs_bpf_sched_read(const char *folder, struct kvs_bpf_sched *s)
{
	char *state = read_word(folder, "state");
	bool there = state;

	free(state);
	for (int i = 0; there && i < ATTEMPTS && !read_once(folder, s); i++)
		;
	return there;
}
