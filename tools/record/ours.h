/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opens folders and files that this user made, and nobody else.
 *
 * Whoever else can write to a folder or file may have made it for us to find: its content
 * would be taken for our own, and a link in it would lead us anywhere.  So nothing here
 * follows a symbolic link, and what isn't ours is refused.
 */
#ifndef KVMSCHED_OURS_H
#define KVMSCHED_OURS_H

#include <sys/types.h>

/*
 * The folder @dir: a descriptor, or -1 with errno set.  There was a message, unless errno
 * is ENOENT.
 */
int kvs_ours_dir(const char *dir);

/*
 * The regular file @name in the folder @dir, of which @dirfd is a descriptor: a descriptor,
 * or -1 with errno set.  There was a message if the file is there and isn't ours.
 * @flags and @mode are those of open().
 */
int kvs_ours_file(int dirfd, const char *dir, const char *name, int flags,
		  mode_t mode);

#endif /* KVMSCHED_OURS_H */
