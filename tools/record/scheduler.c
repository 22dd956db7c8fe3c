// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells the module which BPF scheduler is loaded; see scheduler.h.
 */
#include <string.h>

#include "host/bpf-sched.h"
#include "host/device.h"
#include "record/scheduler.h"

void kvs_scheduler_tell(int dev)
{
	struct kvmsched_bpf_scheduler told = { .loads = 0 };
	struct kvs_bpf_sched found;

	if (!kvs_bpf_sched_read(KVS_SCHED_EXT, &found))
		return;
	told.loads = found.loads;
	told.loaded = found.loaded;
	told.all_threads = found.all;
	memcpy(told.name, found.name, strnlen(found.name, sizeof(told.name)));
	kvs_device_bpf_scheduler(dev, &told);
}
