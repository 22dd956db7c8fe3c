/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_RECORDER_H
#define KVMSCHED_RECORDER_H

#include <stdbool.h>

#include "uapi/kvmsched.h"

struct kvs_record_options {
	const char *file;
	struct kvmsched_start start;
	double seconds;		/* 0: no limit */
	bool quiet;
	char **command;		/* NULL: none */
	const struct kvs_watch_limits *stop_on; /* NULL: nothing is waited for */
	double after;		/* seconds from then to the end */
};

/* Record as asked; returns the program's exit status. */
int kvs_recorder_run(const struct kvs_record_options *opts);

#endif /* KVMSCHED_RECORDER_H */
