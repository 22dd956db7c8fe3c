// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a recording for moments.t: an exit of a vCPU in each of 1000 equal parts of it.
 * Its TSC has 2 GHz, and is 0 OFFSET ns after the boot.
 *
 * usage: moments FORMATS FILE OFFSET BEGIN END [AT BOOT WALL]...
 *	BEGIN, END: of the recording, in ns since the boot
 *	AT BOOT WALL: at ns since the boot, what CLOCK_BOOTTIME and CLOCK_REALTIME show; two
 *	of them for each time in which the wall clock was not set; none: it is not told
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "synth.h"

#define PARTS	1000

static u64 offset;

static u64 number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static u64 tsc_at(u64 ns)
{
	return 2 * (ns - offset);
}

static void add_records(struct synth *s, u64 begin, u64 end)
{
	struct ks_rec_vcpu identity = { .ent.pid = 501, .vm = 1, .tgid = 500 };

	SYNTH_ADD(s, 0, tsc_at(begin), vcpu, &identity);
	for (unsigned int i = 1; i <= PARTS; i++) {
		struct ks_rec_exit exit = {
			.ent.pid = 501, .vm = 1, .reason = 0x72, .host_cycles = 2000,
			.guest_cycles = 4000,
		};

		SYNTH_ADD(s, 0, tsc_at(begin + (end - begin) / PARTS * i), exit, &exit);
	}
}

int main(int argc, char **argv)
{
	struct kvs_tie *ties = xcalloc(argc, sizeof(*ties));
	struct synth *s;
	size_t nr = 0;

	if (argc < 6 || argc % 3) {
		fprintf(stderr, "usage: moments FORMATS FILE OFFSET BEGIN END [AT BOOT WALL]...\n");
		return 2;
	}
	offset = number(argv[3]);
	s = synth_new(argv[2], 1, argv[1]);
	synth_clock(s, 1U << 19, 20, offset);
	for (int i = 6; i < argc; i += 3)
		ties[nr++] = (struct kvs_tie){
			.tsc = tsc_at(number(argv[i])), .monotonic_ns = number(argv[i]),
			.boottime_ns = number(argv[i + 1]), .realtime_ns = number(argv[i + 2]),
		};
	synth_ties(s, ties, nr);
	add_records(s, number(argv[4]), number(argv[5]));
	synth_finish(s);
	free(ties);
	return 0;
}
