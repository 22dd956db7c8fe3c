// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched record: options
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/system.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "host/device.h"
#include "record/recorder.h"
#include "record/spool.h"
#include "record/watch.h"

#define DEFAULT_MEMORY	(4U << 20)
#define DEFAULT_AFTER	0.1

static const char about[] =
	"usage: kvmsched record [OPTIONS] [--] [COMMAND [ARG...]]\n"
	"       kvmsched record --recover [FILE]\n\n"
	"Record how KVM schedules vCPUs, until COMMAND ends, the time is over, or\n"
	"SIGINT (Ctrl-C) or SIGTERM comes.\n";

/* What the options ask for, before the recorder's own options are made of it */
struct request {
	struct kvs_record_options record;
	uint64_t memory;
	uint32_t classes;		/* 0: not asked for */
	bool overwrite, recover;
	struct kvs_watch_limits limits;
	bool waits, after;		/* --stop-on, --after */
};

/* A sentence about what is wrong, as kvs_value_take() returns it, or NULL. */
static char *add_pid(struct kvmsched_start *start, const char *text)
{
	long pid, tgid;
	char *why = kvs_value_take(&(struct kvs_value){ .pid = &pid }, text);

	if (why)
		return why;
	if (start->nr_vms == KVMSCHED_MAX_VMS)
		return xasprintf("more than %d processes", KVMSCHED_MAX_VMS);
	tgid = kvs_thread_number(pid, "Tgid");
	if (tgid < 0)
		return xasprintf("there is no process %ld; `kvmsched info` lists the VMs that run",
				 pid);
	if (tgid != pid)
		return xasprintf("%ld is a thread of process %ld; give the VMM process: -p %ld",
				 pid, tgid, tgid);
	start->vms[start->nr_vms++] = pid;
	return NULL;
}

static char *take_pids(void *to, const char *list)
{
	char *copy = xstrdup(list), *next = copy, *item, *why = NULL;

	while (!why && (item = strsep(&next, ",")))
		why = add_pid(to, item);
	free(copy);
	return why;
}

static int recover(const char *file)
{
	struct stat st;

	if (kvs_spool_recover(file))
		return KVS_EXIT_FAILED;
	if (!stat(file, &st))
		kvs_err("%s is complete: %.1f MB", file, st.st_size / 1e6);
	return KVS_EXIT_OK;
}

/*
 * --stop-on is a flight recorder, of all classes that the model needs to see
 * such a moment.
 */
static int set_stop_on(struct request *r)
{
	uint32_t wanted, needed = kvs_watch_classes(&r->limits, &wanted);
	struct kvmsched_start *start = &r->record.start;

	if (!r->waits)
		return r->after ? kvs_usage("record", "--after belongs to --stop-on") : KVS_EXIT_OK;
	if (r->classes && needed & ~r->classes)
		return kvs_usage("record", "--stop-on needs the classes %s, too",
				 kvs_class_names(needed & ~r->classes));
	if (!r->classes)
		start->classes |= wanted;
	start->flags |= KVMSCHED_START_OVERWRITE;
	r->record.stop_on = &r->limits;
	return KVS_EXIT_OK;
}

static bool parse(int argc, char **argv, struct request *r, struct kvs_arguments *args)
{
	struct kvs_record_options *record = &r->record;
	const struct kvs_option rows[] = {
		KVS_OPTION('o', "output", "FILE",
			   "write to FILE; what was there is kept as FILE.old",
			   .value = { .text = &record->file }, .show_default = true),
		KVS_OPTION('p', "pid", "PID[,PID]",
			   "record only the VMs of these VMM processes",
			   .value = { .take = take_pids, .to = &record->start }),
		KVS_OPTION('e', "events", "CLASS,...",
			   "what to record: switch, exit, irq, timer, host, steal; default "
			   "(all but host and steal); all; +CLASS and -CLASS change the "
			   "default",
			   .value = { .take = kvs_class_take, .to = &r->classes }),
		KVS_OPTION('m', "memory", "SIZE", "ring of each CPU, with suffix K, M or G",
			   .value = { .size = &r->memory, .largest = KVS_MAX_RING },
			   .show_default = true),
		KVS_OPTION('d', "duration", "SECONDS", "stop after so long",
			   .value = { .seconds = &record->seconds, .least = KVS_SHORTEST,
				     .most = KVS_RECORD_MAX_SECONDS }),
		KVS_OPTION(0, "overwrite", NULL,
			   "flight recorder: keep the newest records, not the oldest, and "
			   "write them only at the end",
			   .value = { .flag = &r->overwrite }),
		KVS_OPTION(0, "stop-on", "COND,...",
			   "flight recorder until a moment as bad as this comes: 'wait>500us', "
			   "or timer, irq, exit; ns, us, ms, s",
			   .value = { .take = kvs_watch_take, .to = &r->limits },
			   .given = &r->waits),
		KVS_OPTION(0, "after", "SECONDS", "go on for so long after it",
			   .value = { .seconds = &record->after, .least = KVS_SHORTEST,
				     .most = KVS_RECORD_MAX_SECONDS },
			   .given = &r->after, .show_default = true),
		KVS_OPTION(0, "recover", NULL,
			   "put together what an interrupted recording of FILE left",
			   .value = { .flag = &r->recover }),
		KVS_OPTION('q', "quiet", NULL, "no progress line, no summary",
			   .value = { .flag = &record->quiet }),
		{ }
	};
	const struct kvs_options options = {
		.command = "record", .about = about, .rows = rows,
		.operands = KVS_OPERANDS_LAST,
	};

	return kvs_options_parse(&options, argc, argv, args);
}

int kvs_cmd_record(int argc, char **argv)
{
	struct request r = {
		.record = {
			.file = KVS_DEFAULT_FILE,
			.after = DEFAULT_AFTER,
		},
		.memory = DEFAULT_MEMORY,
	};
	struct kvs_arguments args;
	int status;

	if (!parse(argc, argv, &r, &args))
		return args.status;
	if (r.recover && args.nr > 1)
		return kvs_usage("record", "--recover takes one file");
	if (r.recover)
		return recover(args.nr ? args.operands[0] : r.record.file);
	r.record.start.pages = kvs_ring_pages(r.memory);
	r.record.start.classes = r.classes ? r.classes : KVMSCHED_CLASS_DEFAULT;
	if (r.overwrite)
		r.record.start.flags |= KVMSCHED_START_OVERWRITE;
	status = set_stop_on(&r);
	if (status)
		return status;
	if (args.nr)
		r.record.command = args.operands;
	return kvs_recorder_run(&r.record);
}
