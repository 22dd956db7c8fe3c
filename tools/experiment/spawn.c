// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands and the recorder: processes that end when this one ends, even if it is
 * killed by SIGKILL.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "experiment/experiment.h"
#include "host/device.h"
#include "record/ours.h"
#include "record/recorder.h"

#define DEFAULT_MEMORY	(4U << 20)

/* In the child.  The parent may have ended before prctl() asked for the signal. */
static void end_with_parent(pid_t parent, int sig)
{
	prctl(PR_SET_PDEATHSIG, sig);
	if (getppid() != parent)
		_exit(KVS_EXIT_FAILED);
}

static void run_command(char **argv, int log, const sigset_t *mask)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	if (in < 0 || dup2(in, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(KVS_EXIT_FAILED);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	dprintf(2, "can't run %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? KVS_EXIT_NOENT : KVS_EXIT_NOEXEC);
}

static pid_t spawn_command(char **argv, int log, const sigset_t *mask)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		kvs_errno("can't start %s", argv[0]);
	if (!pid) {
		end_with_parent(parent, SIGKILL);
		run_command(argv, log, mask);
	}
	/* Parent and child both call it: it is done when either of them goes on. */
	if (pid > 0)
		setpgid(pid, pid);
	return pid > 0 ? pid : 0;
}

pid_t kvs_exp_spawn_command(const struct kvs_exp_run *run, char **argv, const char *stem)
{
	char *name = xasprintf("%s.log", stem);
	int log = kvs_ours_file(run->folder, run->e->folder, name, O_WRONLY | O_CREAT | O_APPEND,
				0644);
	pid_t pid = 0;

	if (log < 0) {
		kvs_errno("can't write %s/%s", run->e->folder, name);
	} else {
		pid = spawn_command(argv, log, &run->old);
		close(log);
	}
	free(name);
	return pid;
}

pid_t kvs_exp_spawn_recorder(const struct kvs_experiment *e, const char *file)
{
	struct kvs_record_options o = {
		.file = file, .quiet = true,
		.start = {
			.classes = KVMSCHED_CLASS_DEFAULT,
			.pages = kvs_ring_pages(e->memory ? e->memory : DEFAULT_MEMORY),
		},
	};
	pid_t parent = getpid(), pid;

	/* kvs_exp_events_take() has found nothing wrong with them. */
	if (e->events)
		free(kvs_class_take(&o.start.classes, e->events));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		kvs_errno("can't start the recorder");
	if (!pid) {
		end_with_parent(parent, SIGTERM);
		/* The terminal's signals go to the parent alone, which passes them on. */
		setpgid(0, 0);
		_exit(kvs_recorder_run(&o));
	}
	return pid > 0 ? pid : 0;
}

bool kvs_exp_reap(pid_t pid, int *status)
{
	int raw;

	if (waitpid(pid, &raw, WNOHANG) != pid)
		return false;
	*status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
	return true;
}
