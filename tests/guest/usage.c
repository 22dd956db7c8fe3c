// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "usage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "json.h"

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

int usage_open(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", gettid());
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void read_schedstat(int fd, struct usage *usage)
{
	char text[128];
	ssize_t len;

	if (fd < 0)
		return;
	len = pread(fd, text, sizeof(text) - 1, 0);
	if (len <= 0)
		return;
	text[len] = '\0';
	sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64,
	       &usage->schedstat_run_ns, &usage->schedstat_wait_ns,
	       &usage->schedstat_timeslices);
}

uint64_t usage_waited(int schedstat_fd)
{
	struct usage usage = { 0 };

	read_schedstat(schedstat_fd, &usage);
	return usage.schedstat_wait_ns;
}

static void read_switches(struct usage *usage)
{
	struct rusage ru;

	getrusage(RUSAGE_THREAD, &ru);
	usage->nvcsw = (uint64_t)ru.ru_nvcsw;
	usage->nivcsw = (uint64_t)ru.ru_nivcsw;
}

static void read_clocks(struct usage *usage)
{
	usage->wall_ns = clock_ns(CLOCK_MONOTONIC);
	usage->tsc = __rdtsc();
	usage->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void usage_begin(int schedstat_fd, struct usage *usage)
{
	read_schedstat(schedstat_fd, usage);
	read_clocks(usage);
	read_switches(usage);
}

void usage_end(int schedstat_fd, struct usage *usage)
{
	read_switches(usage);
	read_clocks(usage);
	read_schedstat(schedstat_fd, usage);
}

void usage_print(struct json *json, const struct usage *begin,
		 const struct usage *end)
{
	json_u64(json, "tsc_begin", begin->tsc);
	json_u64(json, "tsc_end", end->tsc);
	json_u64(json, "wall_ns", end->wall_ns - begin->wall_ns);
	json_u64(json, "cpu_ns", end->cpu_ns - begin->cpu_ns);
	json_u64(json, "nvcsw", end->nvcsw - begin->nvcsw);
	json_u64(json, "nivcsw", end->nivcsw - begin->nivcsw);
	json_u64(json, "nvcsw_end", end->nvcsw);
	json_u64(json, "nivcsw_end", end->nivcsw);
	json_open(json, "schedstat", '{');
	json_u64(json, "run_ns",
		 end->schedstat_run_ns - begin->schedstat_run_ns);
	json_u64(json, "wait_ns",
		 end->schedstat_wait_ns - begin->schedstat_wait_ns);
	json_u64(json, "timeslices",
		 end->schedstat_timeslices - begin->schedstat_timeslices);
	json_close(json);
}
