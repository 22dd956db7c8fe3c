// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host processes that spin, all of the time or part of it, with a policy and
 * an affinity: the partners of vCPUs in round-robin tests.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "sched.h"
#include "usage.h"

#define MAX_PROCS 256

struct options {
	unsigned long long procs, seconds, on_us, off_us;
	struct sched_choice sched;
	const char *start_barrier;
	const char *late;
	const char *name;
	const char *json;
	bool together;
	bool quiet;
};

/* Shared with the children, who fill in one each. */
struct result {
	pid_t pid;
	uint64_t loops;
	struct usage begin, end;
	bool ok;
};

static const char usage_text[] =
"usage: spin [OPTION...]\n"
"Runs host processes that keep the CPU busy, and says what they got of it.\n"
"\n"
"  --seconds S          how long (1)\n"
"  --together           ... for all of them from when the last was ready, and not for each\n"
"                       from its first turn on a CPU\n"
"  --on-us A            spin for A us, then sleep for --off-us (always on)\n"
"  --off-us B           see --on-us\n"
"  --procs K            processes (1)\n"
"  --name NAME          of the processes, as their guest's events have it (spin)\n"
"  --policy POLICY      other[:NICE], batch[:NICE], idle, ext[:NICE], rr:PRIO or fifo:PRIO\n"
"  --cpu LIST           affinity of each process, as in 0,2-3\n"
"  --late FILE          after each sleep, write to FILE how late it ended, as a line of a\n"
"                       guest's trace_marker: \"kvmsched late NS\"\n"
"  --start-barrier FILE wait until FILE exists\n"
"  --json FILE          write the truth as JSON to FILE, - for stdout\n"
"  --quiet              no table\n"
"  --help               this text\n";

enum {
	OPT_SECONDS = 256, OPT_ON, OPT_OFF, OPT_PROCS, OPT_POLICY, OPT_CPU, OPT_LATE,
	OPT_NAME, OPT_TOGETHER, OPT_BARRIER, OPT_JSON, OPT_QUIET, OPT_HELP,
};

static const struct option long_options[] = {
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "on-us", required_argument, NULL, OPT_ON },
	{ "off-us", required_argument, NULL, OPT_OFF },
	{ "procs", required_argument, NULL, OPT_PROCS },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "cpu", required_argument, NULL, OPT_CPU },
	{ "late", required_argument, NULL, OPT_LATE },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "together", no_argument, NULL, OPT_TOGETHER },
	{ "start-barrier", required_argument, NULL, OPT_BARRIER },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static int take_option(struct options *options, int opt)
{
	switch (opt) {
	case OPT_SECONDS:
		return parse_number(optarg, "--seconds", 1, 1000000,
				    &options->seconds);
	case OPT_ON:
		return parse_number(optarg, "--on-us", 1, 1000000000,
				    &options->on_us);
	case OPT_OFF:
		return parse_number(optarg, "--off-us", 1, 1000000000,
				    &options->off_us);
	case OPT_PROCS:
		return parse_number(optarg, "--procs", 1, MAX_PROCS,
				    &options->procs);
	case OPT_POLICY:
		return sched_parse_policy(&options->sched, optarg);
	case OPT_CPU:
		return sched_parse_cpus(&options->sched, optarg);
	case OPT_LATE:
		options->late = optarg;
		return 0;
	case OPT_NAME:
		options->name = optarg;
		return 0;
	case OPT_TOGETHER:
		options->together = true;
		return 0;
	case OPT_BARRIER:
		options->start_barrier = optarg;
		return 0;
	case OPT_JSON:
		options->json = optarg;
		return 0;
	case OPT_QUIET:
		options->quiet = true;
		return 0;
	}
	return -1;	/* getopt has said why */
}

static int parse_options(struct options *options, int argc, char **argv)
{
	int opt;

	options->procs = 1;
	options->seconds = 1;
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage_text, stdout);
			exit(0);
		}
		if (take_option(options, opt))
			return -1;
	}
	if (optind != argc) {
		fprintf(stderr, "unexpected argument \"%s\"; spin --help says more\n",
			argv[optind]);
		return -1;
	}
	if (!options->on_us != !options->off_us) {
		fprintf(stderr, "--on-us and --off-us go together\n");
		return -1;
	}
	if (options->late && !options->off_us) {
		fprintf(stderr, "--late is about sleeps: give --off-us\n");
		return -1;
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* How many ns later it ends than it should */
static uint64_t sleep_us(unsigned long long us)
{
	const uint64_t end = now_ns() + us * 1000;
	const struct timespec ts = {
		.tv_sec = (time_t)(end / 1000000000),
		.tv_nsec = (long)(end % 1000000000),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
	return now_ns() - end;
}

static uint64_t spin_until(uint64_t end_ns)
{
	uint64_t loops = 0;

	do {
		/* An emulator does these at once: see LINGER of payload.inc. */
		__asm__ volatile(".fill 480, 1, 0x90");
		loops++;
	} while (now_ns() < end_ns);
	return loops;
}

static uint64_t work(const struct options *options, uint64_t begin, int late)
{
	uint64_t end = begin + options->seconds * 1000000000ull;
	uint64_t loops = 0, burst, by;

	if (!options->on_us)
		return spin_until(end);
	while (now_ns() < end) {
		burst = now_ns() + options->on_us * 1000;
		loops += spin_until(burst < end ? burst : end);
		by = sleep_us(options->off_us);
		/* A reader who has gone is no reason to stop. */
		if (late >= 0)
			dprintf(late, "kvmsched late %llu\n", (unsigned long long)by);
	}
	return loops;
}

/*
 * Two pipes line the children up: at "ready" the parent reads until all have
 * closed it, at "gate" the children do until the parent has.  None spins
 * before all have their policy, else the first would keep it from the others.
 */
struct starting_line {
	int ready[2];
	int gate[2];
	uint64_t *opened_ns;	/* shared: when the gate was opened */
};

static void wait_for_close(int fd)
{
	ssize_t got;
	char c;

	do {
		got = read(fd, &c, 1);
	} while (got > 0 || (got < 0 && errno == EINTR));
}

static void child(const struct options *options, struct result *result,
		  const struct starting_line *line)
{
	int schedstat = usage_open(), late = -1;

	close(line->gate[1]);
	result->pid = getpid();
	if (options->name)
		prctl(PR_SET_NAME, options->name);
	if (options->late) {
		late = open(options->late, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (late < 0) {
			fprintf(stderr, "cannot open %s: %s\n", options->late, strerror(errno));
			_exit(1);
		}
	}
	if (sched_apply(&options->sched, 0))
		_exit(1);
	close(line->ready[1]);
	wait_for_close(line->gate[0]);
	usage_begin(schedstat, &result->begin);
	result->loops = work(options, options->together ? *line->opened_ns : now_ns(), late);
	usage_end(schedstat, &result->end);
	result->ok = true;
	_exit(0);
}

static int start_children(const struct options *options,
			  struct result *results,
			  const struct starting_line *line)
{
	unsigned long long i;
	pid_t pid;

	for (i = 0; i < options->procs; i++) {
		pid = fork();
		if (pid < 0) {
			fprintf(stderr, "cannot fork: %s\n", strerror(errno));
			return -1;
		}
		if (!pid)
			child(options, &results[i], line);
	}
	return 0;
}

static bool join_children(void)
{
	bool ok = true;
	int status;
	pid_t pid;

	for (;;) {
		pid = wait(&status);
		if (pid > 0)
			ok &= WIFEXITED(status) && !WEXITSTATUS(status);
		else if (errno != EINTR)
			return ok;
	}
}

static void print_table(const struct options *options,
			const struct result *results)
{
	const struct result *r;

	printf("%7s %12s %7s %7s %10s %10s %10s\n", "PID", "loops", "nvcsw",
	       "nivcsw", "wall ms", "cpu ms", "wait ms");
	for (r = results; r < results + options->procs; r++)
		printf("%7d %12llu %7llu %7llu %10.3f %10.3f %10.3f\n", r->pid,
		       (unsigned long long)r->loops,
		       (unsigned long long)(r->end.nvcsw - r->begin.nvcsw),
		       (unsigned long long)(r->end.nivcsw - r->begin.nivcsw),
		       (r->end.wall_ns - r->begin.wall_ns) / 1e6,
		       (r->end.cpu_ns - r->begin.cpu_ns) / 1e6,
		       (r->end.schedstat_wait_ns -
			r->begin.schedstat_wait_ns) / 1e6);
}

static int print_json(const struct options *options,
		      const struct result *results)
{
	FILE *out = json_file(options->json);
	const struct result *r;
	struct json json;

	if (!out)
		return -1;
	json_begin(&json, out);
	json_open(&json, NULL, '{');
	json_string(&json, "policy", options->sched.policy_given ?
		    sched_policy_name(options->sched.policy) : "inherited");
	json_u64(&json, "priority", (uint64_t)options->sched.priority);
	json_open(&json, "processes", '[');
	for (r = results; r < results + options->procs; r++) {
		json_open(&json, NULL, '{');
		json_u64(&json, "pid", (uint64_t)r->pid);
		json_u64(&json, "loops", r->loops);
		usage_print(&json, &r->begin, &r->end);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	return json_file_close(out, options->json);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct starting_line line;
	struct result *results;
	bool ok;

	if (parse_options(&options, argc, argv))
		return 2;
	results = mmap(NULL, options.procs * sizeof(*results) + sizeof(uint64_t),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (results == MAP_FAILED || pipe(line.ready) || pipe(line.gate)) {
		fprintf(stderr, "cannot set up: %s\n", strerror(errno));
		return 1;
	}
	line.opened_ns = (uint64_t *)(results + options.procs);
	ok = !start_children(&options, results, &line);
	close(line.ready[1]);
	wait_for_close(line.ready[0]);
	while (ok && options.start_barrier && access(options.start_barrier, F_OK))
		sleep_us(2000);
	*line.opened_ns = now_ns();
	close(line.gate[1]);
	ok &= join_children();
	if (!options.quiet && !(options.json && !strcmp(options.json, "-")))
		print_table(&options, results);
	if (options.json && print_json(&options, results))
		return 1;
	return ok ? 0 : 1;
}
