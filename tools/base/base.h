/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every file may use: exit statuses and two macros.
 */
#ifndef KVMSCHED_BASE_H
#define KVMSCHED_BASE_H

/*
 * Exit statuses.  `record` passes its command's own status on, as env(1) and
 * perf do, with 126 and 127 for a command that can't be run or isn't there.
 */
#define KVS_EXIT_OK	0
#define KVS_EXIT_FAILED	1
#define KVS_EXIT_USAGE	2
#define KVS_EXIT_NOT_HELD 3	/* record --stop-on: it did not happen */
#define KVS_EXIT_NOEXEC	126
#define KVS_EXIT_NOENT	127

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(f, a)	__attribute__((format(printf, f, a)))

#endif /* KVMSCHED_BASE_H */
