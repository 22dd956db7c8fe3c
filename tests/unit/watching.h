/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of record --stop-on need: formats of events, and a device of two CPUs.
 */
#ifndef WATCHING_H
#define WATCHING_H

#include <stdlib.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "trace/formats.h"

#define CPUS	2

static struct kvs_dat_system events;
static const struct kvmsched_info info = {
	.nr_cpus = CPUS, .tsc_khz = 1000000, .tsc_mult = 1, .tsc_shift = 0,
};

static int setup(void **unused)
{
	const char *tests = getenv("KVMSCHED_TESTS");
	char *formats = xasprintf("%s/golden/formats", tests ? tests : "tests");
	int ret = kvs_formats_read(formats, "kvmsched", &events);

	free(formats);
	return ret;
}

static int teardown(void **unused)
{
	kvs_formats_free(&events);
	return 0;
}

#endif /* WATCHING_H */
