// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's parameters that decide how vCPUs are scheduled, by the names
 * that `kvmsched info` gives them.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "base/value.h"
#include "policy/policy.h"

#define SYSCTL		"/proc/sys/kernel/"
#define SCHED_DEBUG	"/sys/kernel/debug/sched/"
#define KVM_PARAMETERS	"/sys/module/kvm/parameters/"

/* Kernels differ in which of these files they have: a missing file is no error. */
const struct kvs_knob kvs_knobs[] = {
	{ "rr_timeslice_ms", SYSCTL "sched_rr_timeslice_ms",
	  "quantum of SCHED_RR, rounded to ticks" },
	{ "rt_runtime_us", SYSCTL "sched_rt_runtime_us",
	  "what RT threads get of each period; -1: no throttling" },
	{ "rt_period_us", SYSCTL "sched_rt_period_us", "that period" },
	{ "fair_server_runtime_ns", SCHED_DEBUG "fair_server/cpu*/runtime",
	  "what SCHED_OTHER gets beside RT threads (6.12 and later); 0: nothing" },
	{ "fair_server_period_ns", SCHED_DEBUG "fair_server/cpu*/period",
	  "the period of that" },
	{ "base_slice_ns", SCHED_DEBUG "base_slice_ns", "EEVDF's slice (6.6 and later)" },
	{ "latency_ns", SCHED_DEBUG "latency_ns", "CFS' period (before 6.6)" },
	{ "min_granularity_ns", SCHED_DEBUG "min_granularity_ns",
	  "CFS' shortest slice (before 6.6)" },
	{ "wakeup_granularity_ns", SCHED_DEBUG "wakeup_granularity_ns",
	  "how far a woken thread must be behind to preempt (before 6.6)" },
	{ "halt_poll_ns", KVM_PARAMETERS "halt_poll_ns",
	  "how long KVM spins at most before it sleeps; 0: not at all" },
	{ NULL, NULL, NULL }
};

const struct kvs_knob *kvs_knob_find(const char *name)
{
	for (const struct kvs_knob *k = kvs_knobs; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

char **kvs_knob_files(const struct kvs_knob *knob)
{
	char **files = xcalloc(1, sizeof(*files));
	size_t nr = 0;
	glob_t found;

	if (glob(knob->path, 0, NULL, &found))
		return files;
	for (; nr < found.gl_pathc; nr++) {
		files = xrealloc(files, (nr + 2) * sizeof(*files));
		files[nr] = xstrdup(found.gl_pathv[nr]);
	}
	files[nr] = NULL;
	globfree(&found);
	return files;
}

void kvs_knob_files_free(char **files)
{
	for (char **file = files; *file; file++)
		free(*file);
	free(files);
}

char *kvs_knob_get(const struct kvs_knob *knob)
{
	char **files = kvs_knob_files(knob);
	char *value = files[0] ? kvs_read_line(files[0]) : NULL;

	kvs_knob_files_free(files);
	return value;
}

bool kvs_knob_owns(const char *file)
{
	for (const struct kvs_knob *k = kvs_knobs; k->name; k++)
		if (!fnmatch(k->path, file, FNM_PATHNAME))
			return true;
	return false;
}

bool kvs_knob_write(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC), error;
	bool ok = fd >= 0 && !kvs_write_all(fd, value, strlen(value));
	char *now;

	error = errno;
	if (fd >= 0)
		close(fd);
	if (!ok) {
		errno = error;
		kvs_errno("can't write %s to %s", value, file);
		return false;
	}
	now = kvs_read_line(file);
	if (now && strcmp(now, value))
		kvs_warn("%s: the kernel made %s of %s", file, now, value);
	free(now);
	return true;
}

json_t *kvs_knobs_json(void)
{
	json_t *o = json_object();

	for (const struct kvs_knob *k = kvs_knobs; k->name; k++) {
		char *value = kvs_knob_get(k);
		long n;

		if (value)
			json_object_set_new(o, k->name,
				kvs_parse_long(value, INT64_MIN, INT64_MAX, &n) ?
				json_integer(n) : json_string(value));
		free(value);
	}
	return o;
}

/* --- settings as a user writes them ----------------------------------- */

char *kvs_knob_list_add(struct kvs_knob_list *list, const char *name, const char *value)
{
	const struct kvs_knob *knob = kvs_knob_find(name);
	const struct kvs_value number = { .number = &(long){ 0 }, .min = -1 };
	char *why;

	if (!knob)
		return xasprintf("there is no setting '%s'; `kvmsched policy show` lists them", name);
	why = kvs_value_take(&number, value);
	if (why)
		return why;
	list->knobs = xrealloc(list->knobs, (list->nr + 1) * sizeof(*list->knobs));
	list->knobs[list->nr++] = (struct kvs_knob_setting){ knob, xstrdup(value) };
	return NULL;
}

char *kvs_knob_take(void *list, const char *text)
{
	char *name = xstrdup(text), *value = strchr(name, '='), *why;

	if (value) {
		*value++ = '\0';
		why = kvs_knob_list_add(list, name, value);
	} else {
		why = xasprintf("'%s' is not NAME=VALUE", text);
	}
	free(name);
	return why;
}

void kvs_knob_list_free(struct kvs_knob_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		free(list->knobs[i].value);
	free(list->knobs);
}
