/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reading of a recording, from its file through the model.
 *
 * Who must know which vCPUs there are, or how long the recording is, before the first span
 * comes reads it twice: that is known only at its end.
 */
#ifndef KVMSCHED_READING_H
#define KVMSCHED_READING_H

#include <stdbool.h>

#include "model/clock.h"
#include "model/model.h"
#include "trace/load.h"

struct kvs_reading {
	struct kvs_trace *trace;
	struct kvs_model model;
	struct kvs_times times;		/* from kvs_reading_all() on */
	const struct kvs_sink *also;	/* gets all records, before the model; NULL: nobody */
};

/* False after a message.  Sinks of @model are added after it, and @also is set. */
bool kvs_reading_begin(struct kvs_reading *r, const char *path);
/* False after a message; what could be read is in the model, which is finished. */
bool kvs_reading_all(struct kvs_reading *r);
/* After kvs_reading_all(): the time stamp so many seconds after the recording began */
u64 kvs_reading_ts(const struct kvs_reading *r, double seconds);
/*
 * Reads @path once, to find the time stamps of what --from and --to say, in seconds; 0: not
 * given.  False after a message, also if the recording has nothing between them.
 */
bool kvs_reading_excerpt(const char *path, double from_s, double to_s, u64 *from, u64 *to);
void kvs_reading_end(struct kvs_reading *r);

#endif /* KVMSCHED_READING_H */
