// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched record: what was asked for
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "host/device.h"
#include "record/recorder.h"
#include "record/spool.h"
#include "record/watch.h"
#include "trace/dat.h"

#define DEFAULT_SIZE	"4M"
#define DEFAULT_AFTER	0.1
#define MAX_SECONDS	(366 * 24 * 3600.0)

static void usage(void)
{
	printf("usage: kvmsched record [options] [--] [COMMAND [ARG...]]\n\n"
	       "Record how KVM schedules vCPUs, until COMMAND ends, the time is over, or\n"
	       "SIGINT (Ctrl-C) or SIGTERM comes.\n\n"
	       "  -o, --output=FILE      write to FILE (default %s); what was there\n"
	       "                         is kept as FILE.old\n"
	       "  -p, --pid=PID[,PID]    record only the VMs of these VMM processes\n"
	       "  -e, --events=CLASS,... what to record: switch, exit, irq, timer, host, steal;\n"
	       "                         default (all but host and steal); all; +CLASS and\n"
	       "                         -CLASS change the default\n"
	       "  -m, --memory=SIZE      ring of each CPU, with suffix K, M or G (default %s)\n"
	       "  -d, --duration=SECONDS stop after so long\n"
	       "      --overwrite        flight recorder: keep the newest records, not the\n"
	       "                         oldest, and write them only at the end\n"
	       "      --stop-on=COND,... flight recorder until a moment as bad as this comes:\n"
	       "                         'wait>500us', or timer, irq, exit; ns, us, ms, s\n"
	       "      --after=SECONDS    go on for so long then (default %.1f)\n"
	       "      --recover [FILE]   put together what an interrupted recording left\n"
	       "  -q, --quiet            no progress line, no summary\n"
	       "  -h, --help             this text\n",
	       KVS_DEFAULT_FILE, DEFAULT_SIZE, DEFAULT_AFTER);
}

/* The process that a thread belongs to; 0 if there is no such thread. */
static long tgid_of(long pid)
{
	char *path = xasprintf("/proc/%ld/status", pid);
	char *text = kvs_read_file(path, NULL), *line;
	long tgid = 0;

	line = text ? strstr(text, "\nTgid:") : NULL;
	if (line)
		tgid = strtol(line + 6, NULL, 10);
	free(text);
	free(path);
	return tgid;
}

static int add_pid(struct kvmsched_start *start, const char *s)
{
	long pid, tgid;

	if (!kvs_parse_long(s, 1, INT32_MAX, &pid))
		return kvs_usage("record", "'%s' is not a process id", s);
	if (start->nr_vms == KVMSCHED_MAX_VMS)
		return kvs_usage("record", "more than %d processes",
				 KVMSCHED_MAX_VMS);
	tgid = tgid_of(pid);
	if (!tgid) {
		kvs_err("there is no process %ld", pid);
		kvs_hint("`kvmsched info` lists the VMs that run");
		return KVS_EXIT_USAGE;
	}
	if (tgid != pid) {
		kvs_err("%ld is a thread of process %ld", pid, tgid);
		kvs_hint("give the VMM process: -p %ld", tgid);
		return KVS_EXIT_USAGE;
	}
	start->vms[start->nr_vms++] = pid;
	return 0;
}

static int add_pids(struct kvmsched_start *start, const char *list)
{
	char *copy = xstrdup(list), *next = copy, *item;
	int ret = 0;

	while (!ret && (item = strsep(&next, ",")))
		ret = add_pid(start, item);
	free(copy);
	return ret;
}

static int set_memory(struct kvmsched_start *start, const char *s)
{
	uint64_t bytes, pages = KVMSCHED_MIN_PAGES;

	if (!kvs_parse_size(s, &bytes) || !bytes)
		return kvs_usage("record", "'%s' is not a size; say e.g. 512K or 4M",
				 s);
	if (bytes > (uint64_t)KVMSCHED_MAX_PAGES * KVS_PAGE_SIZE)
		return kvs_usage("record", "a ring of %s is more than the %u MiB of a CPU",
				 s, KVMSCHED_MAX_PAGES / 1024 * KVS_PAGE_SIZE / 1024);
	while (pages * KVS_PAGE_SIZE < bytes)
		pages *= 2;
	start->pages = pages;
	return 0;
}

static int set_seconds(double *seconds, const char *s)
{
	char *end;

	errno = 0;
	*seconds = strtod(s, &end);
	if (errno || end == s || *end || !(*seconds > 0) ||
	    *seconds > MAX_SECONDS)
		return kvs_usage("record", "'%s' is not a number of seconds", s);
	return 0;
}

static int recover(const char *file)
{
	struct stat st;

	if (kvs_spool_recover(file))
		return KVS_EXIT_FAILED;
	if (!stat(file, &st))
		fprintf(stderr, "kvmsched: %s is complete: %.1f MB\n", file,
			st.st_size / 1e6);
	return KVS_EXIT_OK;
}

enum { OPT_OVERWRITE = 256, OPT_RECOVER, OPT_STOP_ON, OPT_AFTER };

static const struct option options[] = {
	{ "output",	required_argument, NULL, 'o' },
	{ "pid",	required_argument, NULL, 'p' },
	{ "events",	required_argument, NULL, 'e' },
	{ "memory",	required_argument, NULL, 'm' },
	{ "duration",	required_argument, NULL, 'd' },
	{ "overwrite",	no_argument,	   NULL, OPT_OVERWRITE },
	{ "stop-on",	required_argument, NULL, OPT_STOP_ON },
	{ "after",	required_argument, NULL, OPT_AFTER },
	{ "recover",	no_argument,	   NULL, OPT_RECOVER },
	{ "quiet",	no_argument,	   NULL, 'q' },
	{ "help",	no_argument,	   NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

/* Beside what is recorded: what is waited for */
struct waiting {
	struct kvs_watch_limits limits;
	bool on, after, classes;
};

/* A flight recorder, of all that is needed to see it come. */
static int wait_for(struct kvs_record_options *opts, const struct waiting *w)
{
	uint32_t wanted, needed = kvs_watch_classes(&w->limits, &wanted);

	if (!w->on)
		return w->after ? kvs_usage("record", "--after belongs to --stop-on") : 0;
	if (w->classes && needed & ~opts->start.classes)
		return kvs_usage("record", "--stop-on needs the classes %s, too",
				 kvs_class_names(needed & ~opts->start.classes));
	if (!w->classes)
		opts->start.classes |= wanted;
	opts->start.flags |= KVMSCHED_START_OVERWRITE;
	opts->stop_on = &w->limits;
	return 0;
}

/* One option; a status to end with, or 0 to go on. */
static int take_option(struct kvs_record_options *opts, struct waiting *w, int opt,
		       bool *recovering)
{
	switch (opt) {
	case 'o':
		opts->file = optarg;
		return *optarg ? 0 : kvs_usage("record", "-o wants a file's name");
	case 'p':
		return add_pids(&opts->start, optarg);
	case OPT_STOP_ON:
		w->on = true;
		return kvs_watch_parse(&w->limits, optarg) ? 0 : KVS_EXIT_USAGE;
	case OPT_AFTER:
		w->after = true;
		return set_seconds(&opts->after, optarg);
	case 'e':
		w->classes = true;
		return kvs_class_parse(optarg, &opts->start.classes) ? 0 :
			KVS_EXIT_USAGE;
	case 'm':
		return set_memory(&opts->start, optarg);
	case 'd':
		return set_seconds(&opts->seconds, optarg);
	case OPT_OVERWRITE:
		opts->start.flags |= KVMSCHED_START_OVERWRITE;
		return 0;
	case OPT_RECOVER:
		*recovering = true;
		return 0;
	case 'q':
		opts->quiet = true;
		return 0;
	}
	kvs_hint("see `kvmsched record --help`");
	return KVS_EXIT_USAGE;
}

int kvs_cmd_record(int argc, char **argv)
{
	struct kvs_record_options opts = {
		.file = KVS_DEFAULT_FILE,
		.after = DEFAULT_AFTER,
		.start = {
			.size = sizeof(struct kvmsched_start),
			.classes = KVMSCHED_CLASS_DEFAULT,
		},
	};
	struct waiting waiting = { .on = false };
	bool recovering = false;
	int opt, ret;

	set_memory(&opts.start, DEFAULT_SIZE);
	/* What follows COMMAND is COMMAND's: "+". */
	while ((opt = getopt_long(argc, argv, "+o:p:e:m:d:qh", options,
				  NULL)) != -1) {
		if (opt == 'h') {
			usage();
			return KVS_EXIT_OK;
		}
		ret = take_option(&opts, &waiting, opt, &recovering);
		if (ret)
			return ret;
	}
	if (recovering && optind + 1 < argc)
		return kvs_usage("record", "--recover takes one file");
	if (recovering)
		return recover(optind < argc ? argv[optind] : opts.file);
	ret = wait_for(&opts, &waiting);
	if (ret)
		return ret;
	if (optind < argc)
		opts.command = argv + optind;
	return kvs_recorder_run(&opts);
}
