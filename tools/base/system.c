// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel tells about threads, modules and the time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/system.h"
#include "base/util.h"

double kvs_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

bool kvs_module_loaded(const char *name)
{
	char *path = xasprintf("/sys/module/%s", name);
	bool loaded = !access(path, F_OK);

	free(path);
	return loaded;
}

long kvs_thread_number(pid_t tid, const char *field)
{
	char *path = xasprintf("/proc/%d/status", tid), *text = kvs_read_file(path, NULL);
	char *begin = xasprintf("\n%s:", field), *line = text ? strstr(text, begin) : NULL;
	long number = line ? strtol(line + strlen(begin), NULL, 10) : -1;

	free(begin);
	free(text);
	free(path);
	return number;
}

int kvs_attr_get(pid_t tid, struct kvs_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	return syscall(SYS_sched_getattr, tid, attr, sizeof(*attr), 0);
}

void kvs_block_signals(sigset_t *blocked, sigset_t *old)
{
	sigemptyset(blocked);
	sigaddset(blocked, SIGINT);
	sigaddset(blocked, SIGTERM);
	sigaddset(blocked, SIGHUP);
	sigaddset(blocked, SIGQUIT);
	sigprocmask(SIG_BLOCK, blocked, old);
}
