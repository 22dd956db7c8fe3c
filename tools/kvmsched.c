// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched: the command table
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"

#ifndef KVMSCHED_VERSION
#define KVMSCHED_VERSION "unknown"
#endif

static const struct kvs_command commands[] = {
	{ "record", kvs_cmd_record, "record how KVM schedules vCPUs into a trace.dat file" },
	{ "report", kvs_cmd_report, "summarize a recording: vCPUs, exits, switches, interrupts, timers" },
	{ "export", kvs_cmd_export, "write a recording's spans into a database" },
	{ "top",    kvs_cmd_top,    "show what vCPUs spend their time on, now" },
	{ "compare", kvs_cmd_compare, "tell what differs between recordings, and how sure that is" },
	{ "merge",  kvs_cmd_merge,  "put guests' own traces on the host's time line, and prove it" },
	{ "experiment", kvs_cmd_experiment, "record rounds of a workload under several policies" },
	{ "policy", kvs_cmd_policy, "show, set and put back policies of vCPU threads" },
	{ "info",   kvs_cmd_info,   "show what this host offers and which VMs run on it" },
};

static const struct kvs_command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void print_usage(FILE *out)
{
	fprintf(out, "usage: kvmsched [--version] [--help] COMMAND [ARGS]\n\n"
		"Commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
	fprintf(out, "\n`kvmsched help COMMAND` shows the manual page of a command,\n"
		"`kvmsched COMMAND --help` its options.\n");
}

/*
 * How many letters must be changed, dropped, added or swapped to turn @a into @b
 * (Damerau-Levenshtein).  A typo is 1 or 2.
 */
static size_t edit_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), d[32][32];

	if (la > 30 || lb > 30)
		return 30;
	for (size_t i = 0; i <= la; i++) {
		for (size_t j = 0; j <= lb; j++) {
			size_t best;

			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[la][lb];
}

static int refuse_command(const char *name)
{
	const struct kvs_command *best = NULL;
	size_t least = 3;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		size_t n = edit_distance(name, commands[i].name);

		if (n < least) {
			least = n;
			best = &commands[i];
		}
	}
	kvs_err("'%s' is not a kvmsched command", name);
	if (best)
		kvs_hint("did you mean '%s'?", best->name);
	else
		kvs_hint("see `kvmsched help`");
	return KVS_EXIT_USAGE;
}

static int show_help(int argc, char **argv)
{
	const struct kvs_command *cmd;
	char *page, *self[] = { argv[1], xstrdup("--help"), NULL };

	if (argc < 2) {
		print_usage(stdout);
		return KVS_EXIT_OK;
	}
	cmd = find_command(argv[1]);
	if (!cmd)
		return refuse_command(argv[1]);
	page = xasprintf("kvmsched-%s", cmd->name);
	/* Without man(1) or the page, the options are better than nothing. */
	if (!getenv("KVMSCHED_NO_MAN") && isatty(STDOUT_FILENO))
		execlp("man", "man", page, NULL);
	free(page);
	return cmd->main(2, self);
}

/*
 * Descriptors 0 to 2 may be closed.  The next file that is opened would get such a number,
 * and our messages would be written into a ring or a recording.  What takes their places
 * can't be used in the way that they are: reading and writing fails as it did.
 */
static bool occupy_standard_files(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			return false;
	return true;
}

static int run(int argc, char **argv)
{
	const struct kvs_command *cmd;

	if (argc < 2) {
		print_usage(stderr);
		return KVS_EXIT_USAGE;
	}
	argc--;
	argv++;
	if (!strcmp(argv[0], "--version") || !strcmp(argv[0], "version")) {
		printf("kvmsched version %s\n", KVMSCHED_VERSION);
		return KVS_EXIT_OK;
	}
	if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h") ||
	    !strcmp(argv[0], "help"))
		return show_help(argc, argv);
	if (argv[0][0] == '-')
		return kvs_usage(NULL, "unknown option '%s'", argv[0]);
	cmd = find_command(argv[0]);
	if (!cmd)
		return refuse_command(argv[0]);
	return cmd->main(argc, argv);
}

/* Whatever was printed, also a help text, has arrived, or that is told. */
int main(int argc, char **argv)
{
	int status;

	if (!occupy_standard_files())
		return KVS_EXIT_FAILED;
	status = run(argc, argv);
	return status == KVS_EXIT_OK && !kvs_flush("the output") ? KVS_EXIT_FAILED : status;
}
