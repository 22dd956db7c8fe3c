// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a recording that is small and dear: all vCPUs wait for CPU 0, and it goes from
 * one task to the next, each of which has a part in each of the waits.
 *
 * usage: crowd FORMATS FILE VCPUS TASKS
 */
#include <stdio.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "synth.h"

#define CYCLES	10	/* from one record to the next */

int main(int argc, char **argv)
{
	long vcpus, tasks;
	struct ks_rec_exit first = { .ent.pid = 1000, .vm = 1 };
	struct synth *s;
	u64 now = 1000;

	if (argc != 5 || !kvs_parse_long(argv[3], 1, 65000, &vcpus) ||
	    !kvs_parse_long(argv[4], 1, 1000000, &tasks)) {
		fprintf(stderr, "usage: crowd FORMATS FILE VCPUS TASKS\n");
		return KVS_EXIT_USAGE;
	}
	s = synth_new(argv[2], 1, argv[1]);
	SYNTH_ADD(s, 0, now, exit, &first);
	for (long i = 0; i < vcpus; i++) {
		struct ks_rec_switch_out out = {
			.ent.pid = 1000 + i, .vm = 1, .vcpu = i, .next_pid = 5,
			.next_comm = "x", .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
			.ran_cycles = CYCLES,
		};

		SYNTH_ADD(s, 0, now += CYCLES, switch_out, &out);
	}
	for (long i = 0; i < tasks; i++) {
		struct ks_rec_holder holder = { .pid = 100000 + i, .prio = 120, .comm = "task" };

		SYNTH_ADD(s, 0, now += CYCLES, holder, &holder);
	}
	for (long i = 0; i < vcpus; i++) {
		struct ks_rec_switch_in in = {
			.ent.pid = 1000 + i, .vm = 1, .vcpu = i, .kind = KS_SWITCH_PREEMPTED,
			.off_cycles = (vcpus + tasks + 1) * CYCLES,
		};

		SYNTH_ADD(s, 0, now += CYCLES, switch_in, &in);
	}
	synth_finish(s);
	return KVS_EXIT_OK;
}
