// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has trace-cmd convert a file to version 6; see version6.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "merge/version6.h"
#include "trace/parts.h"

#define CONVERTER	"trace-cmd"

extern char **environ;

/* What a program says goes to @said.  Returns errno, or 0 and its raw status. */
static int run(char *const *argv, int said, int *status)
{
	posix_spawn_file_actions_t files;
	pid_t pid;
	int error;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, said, 1);
	posix_spawn_file_actions_adddup2(&files, said, 2);
	error = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	while (!error && waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			error = errno;
	return error;
}

/* The last line of what it said, without white space around it; the caller frees it. */
static char *last_words(int said)
{
	char *text, *line, *words;
	size_t length;

	if (lseek(said, 0, SEEK_SET))
		return xstrdup("");
	text = kvs_read_fd(dup(said), &length);
	while (text && length && strchr(" \t\n", text[length - 1]))
		text[--length] = '\0';
	line = text ? strrchr(text, '\n') : NULL;
	line = line ? line + 1 : text;
	words = xstrdup(line ? line + strspn(line, " \t") : "");
	free(text);
	return words;
}

static bool convert(const char *path, const char *file)
{
	char *const argv[] = {
		xstrdup(CONVERTER), xstrdup("convert"), xstrdup("-i"), xstrdup(path),
		xstrdup("-o"), xstrdup(file), xstrdup("--file-version"), xstrdup("6"), NULL,
	};
	int said = memfd_create("said", MFD_CLOEXEC), status = 0, error;

	error = said < 0 ? errno : run(argv, said, &status);
	for (char *const *arg = argv; *arg; arg++)
		free(*arg);
	if (error) {
		kvs_err("%s: can't run %s, which makes version 6 of it: %s", path, CONVERTER,
			strerror(error));
		kvs_hint("install it, or record with `trace-cmd record --file-version 6`");
	} else if (status) {
		char *words = last_words(said);

		kvs_err("%s: `%s convert --file-version 6` failed: %s", path, CONVERTER, words);
		kvs_hint("record with `trace-cmd record --file-version 6`");
		free(words);
	}
	if (said >= 0)
		close(said);
	return !error && !status;
}

char *kvs_version6(const char *path, const char *folder)
{
	unsigned int version = kvs_parts_version(path, path);
	char *file;
	int fd;

	if (!version)
		return NULL;
	if (version == 6)
		return xstrdup(path);
	file = xasprintf("%s/.version6.XXXXXX", folder);
	fd = mkostemp(file, O_CLOEXEC);
	if (fd < 0) {
		kvs_errno("can't write into %s", folder);
		free(file);
		return NULL;
	}
	close(fd);
	if (convert(path, file))
		return file;
	kvs_version6_drop(file, path);
	return NULL;
}

void kvs_version6_drop(char *file, const char *path)
{
	if (file && strcmp(file, path))
		unlink(file);
	free(file);
}
