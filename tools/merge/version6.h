/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any trace.dat as one of version 6.  Others hold compressed pages, which trace-cmd itself
 * takes out best.
 */
#ifndef KVMSCHED_VERSION6_H
#define KVMSCHED_VERSION6_H

/*
 * The path of a file with what @path holds, in version 6: @path itself, or a new file in
 * @folder.  The caller frees it; kvs_version6_drop() does, too.  NULL after a message.
 */
char *kvs_version6(const char *path, const char *folder);
/* Removes the file again, unless it is @path; @file may be NULL. */
void kvs_version6_drop(char *file, const char *path);

#endif /* KVMSCHED_VERSION6_H */
