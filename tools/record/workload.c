// SPDX-License-Identifier: GPL-2.0-only
/*
 * COMMAND of `kvmsched record -- COMMAND`.
 *
 * Two pipes: on one it waits until the rings record, so that not even its first
 * instruction is missed; through the other, closed by a successful exec, it
 * tells why it couldn't run.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "record/workload.h"

static int read_int(int fd, int *value)
{
	ssize_t n;

	do
		n = read(fd, value, sizeof(*value));
	while (n < 0 && errno == EINTR);
	return n == sizeof(*value) ? 0 : -1;
}

static void run_child(int go, int failed, char **argv, const sigset_t *mask)
{
	int word;

	/* What we ignore it would ignore, too. */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (read_int(go, &word))
		_exit(KVS_EXIT_FAILED);
	execvp(argv[0], argv);
	word = errno;
	if (write(failed, &word, sizeof(word)) != sizeof(word))
		_exit(KVS_EXIT_FAILED);
	_exit(word == ENOENT ? KVS_EXIT_NOENT : KVS_EXIT_NOEXEC);
}

int kvs_workload_fork(struct kvs_workload *w, char **argv, const sigset_t *mask)
{
	int go[2], failed[2];

	if (pipe2(go, O_CLOEXEC) || pipe2(failed, O_CLOEXEC))
		goto fail;
	w->pid = fork();
	if (w->pid < 0)
		goto fail;
	if (!w->pid) {
		close(go[1]);
		run_child(go[0], failed[1], argv, mask);
	}
	close(go[0]);
	close(failed[1]);
	w->go = go[1];
	w->failed = failed[0];
	w->pidfd = pidfd_open(w->pid, 0);
	if (w->pidfd >= 0)
		return 0;
	kvs_workload_drop(w);
fail:
	kvs_errno("can't start %s", argv[0]);
	w->pid = 0;
	return -1;
}

int kvs_workload_go(struct kvs_workload *w, const char *name)
{
	int word = 0;

	if (write(w->go, &word, sizeof(word)) != sizeof(word)) {
		kvs_err("%s ended before it began", name);
		return KVS_EXIT_FAILED;
	}
	close(w->go);
	w->go = -1;
	if (read_int(w->failed, &word))
		return 0;
	kvs_err("can't run '%s': %s", name, strerror(word));
	kvs_workload_ended(w, 1);
	return w->status;
}

void kvs_workload_signal(struct kvs_workload *w, int sig)
{
	if (w->pid > 0)
		kill(w->pid, sig);
}

int kvs_workload_ended(struct kvs_workload *w, int block)
{
	int status;
	pid_t pid;

	if (!w->pid)
		return 1;
	pid = waitpid(w->pid, &status, block ? 0 : WNOHANG);
	if (pid != w->pid)
		return 0;
	w->pid = 0;
	w->status = WIFEXITED(status) ? WEXITSTATUS(status) :
		    128 + WTERMSIG(status);
	return 1;
}

void kvs_workload_drop(struct kvs_workload *w)
{
	if (w->go >= 0)
		close(w->go);
	if (w->failed >= 0)
		close(w->failed);
	if (w->pidfd >= 0)
		close(w->pidfd);
	w->go = w->failed = w->pidfd = -1;
}
