/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every file may use: exit statuses and some macros.
 */
#ifndef KVMSCHED_BASE_H
#define KVMSCHED_BASE_H

/*
 * Exit statuses of the program.  Where a command runs another program, as
 * `record` does, it ends with that program's status, as env(1) and perf do.
 */
#define KVS_EXIT_OK	0
#define KVS_EXIT_FAILED	1	/* a message has said why */
#define KVS_EXIT_USAGE	2	/* wrong arguments */
#define KVS_EXIT_NOT_HELD 3	/* record --stop-on: no condition was met */
#define KVS_EXIT_NOEXEC	126	/* the other program could not be run */
#define KVS_EXIT_NOENT	127	/* there is no such program */

/* The value of a macro as a literal string */
#define KVS_STRING(macro)	KVS_STRING_OF(macro)
#define KVS_STRING_OF(value)	#value

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
/* For the rare part of what each record goes through: its registers cost the rest nothing. */
#define noinline	__attribute__((noinline))

#endif /* KVMSCHED_BASE_H */
