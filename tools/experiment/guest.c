// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a round does within the guests, by a command of the user: only that knows how
 * to reach them.  It is called twice, as
 *
 *	COMMAND POLICY begin	set the guests' own policy, begin to trace them
 *	COMMAND POLICY end	end that, and leave the traces in files
 *
 * and the files are copied into the folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/system.h"
#include "base/util.h"
#include "experiment/experiment.h"
#include "record/ours.h"

/* Seconds that a call of the command may take */
#define HOOK_S	60

enum when { BEGIN, END };

/* False: it takes too long, or a signal came; the end comes after a signal, too. */
static bool wait_for_hook(struct kvs_exp_run *run, pid_t pid, enum when when, int *status)
{
	const struct timespec step = { .tv_nsec = 10000000 };
	double end = kvs_now() + HOOK_S;

	while (!kvs_exp_reap(pid, status)) {
		if (kvs_now() > end)
			kvs_err("the guest_hook does not end within %d s", HOOK_S);
		if (kvs_now() > end || (when == BEGIN && run->signal)) {
			kill(-pid, SIGKILL);
			while (!kvs_exp_reap(pid, status))
				nanosleep(&step, NULL);
			return false;
		}
		if (when == BEGIN)
			kvs_exp_sleep(run, 0.01);
		else
			nanosleep(&step, NULL);
	}
	return true;
}

/* Two more words; the caller frees the array alone. */
static char **hook_argv(char **hook, char *policy, char *when)
{
	size_t nr = 0;
	char **argv;

	while (hook[nr])
		nr++;
	argv = xcalloc(nr + 3, sizeof(*argv));
	memcpy(argv, hook, nr * sizeof(*argv));
	argv[nr] = policy;
	argv[nr + 1] = when;
	return argv;
}

static bool call_hook(struct kvs_exp_run *run, const struct kvs_exp_arm *arm,
		      const char *stem, enum when when)
{
	char words[][6] = { [BEGIN] = "begin", [END] = "end" };
	char **argv = hook_argv(run->e->guest_hook, arm->guest, words[when]);
	pid_t pid = kvs_exp_spawn_command(run, argv, stem);
	int status = 0;
	bool ok = pid && wait_for_hook(run, pid, when, &status);

	if (ok && status) {
		kvs_err("the guest_hook ended with status %d at \"%s %s\"; see %s/%s.log",
			status, arm->guest, words[when], run->e->folder, stem);
		ok = false;
	}
	free(argv);
	return ok;
}

bool kvs_exp_guest_begin(struct kvs_exp_run *run, const struct kvs_exp_arm *arm, const char *stem)
{
	/* What lies there would be taken for this round's, if the command left nothing. */
	for (char **file = run->e->guests; file && *file; file++)
		if (unlink(*file) && errno != ENOENT) {
			kvs_errno("can't remove %s, which the guest_hook shall write", *file);
			return false;
		}
	return call_hook(run, arm, stem, BEGIN);
}

/* False with errno set */
static bool copy_all(int from, int to)
{
	ssize_t got;

	do
		got = sendfile(to, from, NULL, 1 << 20);
	while (got > 0 || (got < 0 && errno == EINTR));
	return !got;
}

static bool bring_out(struct kvs_exp_run *run, const char *file, const char *name)
{
	int from = open(file, O_RDONLY | O_CLOEXEC), to;
	bool ok;

	if (from < 0) {
		kvs_errno("%s, which the guest_hook should have left", file);
		return false;
	}
	to = kvs_ours_file(run->folder, run->e->folder, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	ok = to >= 0 && copy_all(from, to);
	if (to >= 0 && close(to))
		ok = false;
	if (!ok)
		kvs_errno("can't write %s/%s", run->e->folder, name);
	close(from);
	return ok;
}

bool kvs_exp_guest_end(struct kvs_exp_run *run, const struct kvs_exp_arm *arm, const char *stem,
		       json_t *files)
{
	bool ok = call_hook(run, arm, stem, END);

	for (char **file = run->e->guests; ok && file && *file; file++) {
		const char *base = strrchr(*file, '/');
		char *name = xasprintf("%s-%s", stem, base ? base + 1 : *file);

		ok = bring_out(run, *file, name);
		if (ok)
			json_array_append_new(files, kvs_bytes_json(name));
		free(name);
	}
	return ok;
}
