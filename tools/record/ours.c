// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is ours; see ours.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "record/ours.h"

static int check_ours(int fd, const char *dir, const char *name)
{
	const char *slash = *name ? "/" : "", *why = NULL;
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	if (*name && !S_ISREG(st.st_mode))
		why = "is no regular file";
	else if (st.st_uid != geteuid())
		why = "belongs to another user";
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		why = "can be written to by other users";
	else if (*name && st.st_nlink != 1)
		why = "has another name elsewhere";
	if (!why)
		return 0;
	kvs_err("%s%s%s %s", dir, slash, name, why);
	errno = EPERM;
	return -1;
}

int kvs_ours_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return -1;
	if (fd < 0) {
		if (errno == ENOTDIR || errno == ELOOP)
			kvs_err("%s is a symbolic link, or no directory", dir);
		else
			kvs_errno("can't open %s", dir);
		errno = EPERM;
	} else if (check_ours(fd, dir, "")) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		kvs_hint("use another name (-o), or remove it; its owner can still `kvmsched record --recover`");
	return fd;
}

int kvs_ours_file(int dirfd, const char *dir, const char *name, int flags,
		  mode_t mode)
{
	/* Opening a FIFO would wait, were it not for O_NONBLOCK. */
	int fd = openat(dirfd, name, (flags & ~O_TRUNC) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			mode);

	/* Nothing is cut off that may not be ours. */
	if (fd >= 0 && (check_ours(fd, dir, name) ||
			((flags & O_TRUNC) && ftruncate(fd, 0)))) {
		close(fd);
		return -1;
	}
	if (fd < 0 && errno == ELOOP)
		kvs_err("%s/%s is a symbolic link", dir, name);
	return fd;
}
