// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what the recording, or this program, did not see at all: it is in no count.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/rows.h"
#include "report/report.h"

static void print_refused(u64 refused)
{
	printf("Refused   %s%" PRIu64 "%s times a vCPU or its thread found no room in the module's tables; as long as it\n"
	       "          found none, nothing of it was recorded. More room: load it with max_vcpus=N\n",
	       kvs_alarm(), refused, kvs_plain());
}

void kvs_print_unseen(const struct kvs_model *m)
{
	if (m->refused)
		print_refused(m->refused);
	if (m->beyond)
		printf("Left out  %s%" PRIu64 "%s records: they are of other vCPUs than the first %u, which are shown\n",
		       kvs_alarm(), m->beyond, kvs_plain(), m->nr_vcpus);
}
