// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what the recording, or this program, did not see at all: it is in no count.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/lines.h"
#include "report/report.h"

static void print_number(const char *label, u64 n, const char *what)
{
	struct kvs_lines lines = kvs_lines_begin(10);

	kvs_lines_add(&lines, "%-10s", label);
	kvs_lines_strong(&lines, "%" PRIu64, n);
	kvs_lines_add(&lines, "%s", what);
	kvs_lines_end(&lines);
}

void kvs_print_unseen(const struct kvs_model *m)
{
	char beyond[128];

	if (m->refused)
		print_number("Refused", m->refused, " times a vCPU or its thread found no room in "
			     "the module's tables; as long as it found none, nothing of it was "
			     "recorded. More room: load it with max_vcpus=N");
	snprintf(beyond, sizeof(beyond), " records: they are of other vCPUs than the first %u, "
		 "which are shown", m->nr_vcpus);
	if (m->beyond)
		print_number("Left out", m->beyond, beyond);
}
