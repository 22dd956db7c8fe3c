// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a recording's file says before its records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <tracefs.h>

#include "base/log.h"
#include "base/util.h"
#include "host/device.h"
#include "record/header.h"
#include "trace/formats.h"

#define MAX_NAMES	(16U << 20)	/* bytes: more names than a host has threads */
/* Threads that appear while it records have names, too. */
#define ROOM_FOR_NAMES	(64U << 10)
/* VMs and their vCPUs appear likewise: 8 bytes for a vCPU, and a name for each VM */
#define ROOM_FOR_GUESTS	(64U << 10)
#define ROOM_FOR_STATS	256	/* of a CPU, in the last header only */
#define ROOM_FOR_TIES	(64 + sizeof(struct kvs_tie) * KVS_TIES_MAX)
#define ROOM_FOR_YIELDS	(64 + sizeof(struct kvs_yields_row) * KVS_YIELDS_MAX)

int kvs_header_read_formats(struct kvs_header *h)
{
	const char *tracing = tracefs_tracing_dir();
	char *events;
	int ret;

	if (!tracing) {
		kvs_err("tracefs is not there, which tells the format of the records");
		kvs_hint("`mount -t tracefs nodev /sys/kernel/tracing`; it wants CONFIG_FTRACE, and no lockdown for confidentiality");
		return -1;
	}
	events = xasprintf("%s/events", tracing);
	ret = kvs_formats_read(events, "ftrace", &h->desc.ftrace);
	if (!ret)
		ret = kvs_formats_read(events, "kvmsched", &h->desc.events);
	if (ret) {
		kvs_errno("can't read the records' formats in %s", events);
		kvs_hint("is it tracefs that is mounted there, and is the module's own log clean (dmesg)?");
	}
	free(events);
	return ret;
}

void kvs_header_describe_host(struct kvs_header *h, const struct kvmsched_info *info)
{
	struct utsname u;

	uname(&u);
	h->uname = xasprintf("%s %s %s %s", u.sysname, u.nodename, u.release, u.machine);
	h->desc.uname = h->uname;
	h->desc.nr_cpus = info->nr_cpus;
	h->before = kvs_comms_new();
	h->named = kvs_comms_new();
	kvs_comms_set_events(h->named, &h->desc.events);
	h->guests = kvs_guests_new(&h->desc.events);
	kvs_comms_set_guests(h->named, h->guests);
	kvs_comms_add_proc(h->before);
}

void kvs_header_describe_clock(struct kvs_header *h, const struct kvmsched_info *info)
{
	h->desc.tsc_mult = info->tsc_mult;
	h->desc.tsc_shift = info->tsc_shift;
	h->desc.tsc_offset = info->tsc_offset;
}

/* What is known of the host's clocks by now */
static void describe_ties(struct kvs_header *h)
{
	h->desc.ties = h->ties.ties;
	h->desc.nr_ties = h->ties.nr;
}

/* The header with the names of the start; the caller frees it. */
static void *first_header(struct kvs_header *h, size_t *size)
{
	char *cmdlines = kvs_comms_text(h->before, MAX_NAMES);
	void *header;

	describe_ties(h);
	h->desc.cmdlines = cmdlines;
	header = kvs_dat_header(&h->desc, size);
	h->desc.cmdlines = NULL;
	free(cmdlines);
	return header;
}

size_t kvs_header_estimate(struct kvs_header *h)
{
	size_t size;

	free(first_header(h, &size));
	return size + ROOM_FOR_NAMES + ROOM_FOR_GUESTS + ROOM_FOR_TIES +
	       ROOM_FOR_YIELDS + h->desc.nr_cpus * ROOM_FOR_STATS;
}

int kvs_header_save(struct kvs_header *h, struct kvs_spool *spool)
{
	size_t size;
	void *header = first_header(h, &size);
	int ret = kvs_spool_save_header(spool, header, size);

	free(header);
	return ret;
}

/* As ftrace's per_cpu/cpuN/stats, for `trace-cmd report --stat`. */
static char **read_cpustats(const struct kvs_header *h, int dev)
{
	char **texts = xcalloc(h->desc.nr_cpus, sizeof(*texts));
	struct kvmsched_stats stats;

	for (unsigned int cpu = 0; cpu < h->desc.nr_cpus; cpu++) {
		if (kvs_device_stats(dev, cpu, &stats))
			memset(&stats, 0, sizeof(stats));
		/* entries: what is still in the ring and in no file */
		texts[cpu] = xasprintf("CPU: %u\nentries: 0\noverrun: %llu\n"
				       "dropped events: %llu\nread events: %llu\n",
				       cpu,
				       (unsigned long long)stats.overwritten,
				       (unsigned long long)stats.lost,
				       (unsigned long long)(stats.written -
							    stats.overwritten));
	}
	return texts;
}

/* As many names as fit into @room: of living threads first, of dead ones last */
static char *list_names(const struct kvs_header *h, size_t room)
{
	struct kvs_comms *comms = kvs_comms_new();
	char *text;

	kvs_comms_add_proc(comms);
	kvs_comms_merge(comms, h->named);
	text = kvs_comms_text(comms, room);
	kvs_comms_free(comms);
	return text;
}

int kvs_header_finish(struct kvs_header *h, struct kvs_spool *spool, int dev)
{
	char **stats = read_cpustats(h, dev), *cmdlines;
	size_t size, room = kvs_spool_room(spool);
	struct kvs_dat_guest *guests;
	void *header;
	int ret;

	kvs_comms_merge(h->named, h->before);
	kvs_guests_name_rest(h->guests, h->named);
	guests = kvs_guests_named(h->guests, ROOM_FOR_GUESTS, &h->desc.nr_guests);
	h->desc.cpustats = stats;
	h->desc.guests = guests;
	h->desc.yields = h->yields.rows;
	h->desc.nr_yields = h->yields.nr;
	describe_ties(h);
	free(kvs_dat_header(&h->desc, &size));
	cmdlines = list_names(h, size < room ? room - size : 1);
	h->desc.cmdlines = cmdlines;
	header = kvs_dat_header(&h->desc, &size);
	ret = kvs_spool_finish(spool, header, size);
	free(header);
	free(cmdlines);
	for (unsigned int cpu = 0; cpu < h->desc.nr_cpus; cpu++)
		free(stats[cpu]);
	free(stats);
	free(guests);
	h->desc.guests = NULL;
	h->desc.nr_guests = 0;
	h->desc.cpustats = NULL;
	h->desc.cmdlines = NULL;
	return ret;
}

void kvs_header_free(struct kvs_header *h)
{
	kvs_comms_free(h->before);
	kvs_comms_free(h->named);
	kvs_guests_free(h->guests);
	kvs_yields_free(&h->yields);
	kvs_formats_free(&h->desc.ftrace);
	kvs_formats_free(&h->desc.events);
	free(h->uname);
}
