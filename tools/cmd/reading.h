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
#include "model/moments.h"
#include "trace/load.h"

struct kvs_reading {
	struct kvs_trace *trace;
	struct kvs_model model;
	/* From kvs_reading_all() on: */
	struct kvs_times times;
	struct kvs_clocks clocks;
	const struct kvs_sink *also;	/* gets all records, before the model; NULL: nobody */
};

/* False after a message.  Sinks of @model are added after it, and @also is set. */
bool kvs_reading_begin(struct kvs_reading *r, const char *path);
/* False after a message; what could be read is in the model, which is finished. */
bool kvs_reading_all(struct kvs_reading *r);
/*
 * After kvs_reading_all(): the time stamps that --from and --to mean, as kvs_when_part() has
 * them.  False after a message.
 */
bool kvs_reading_part(const struct kvs_reading *r, const char *path, const struct kvs_when *from,
		      const struct kvs_when *to, u64 *from_ts, u64 *to_ts);
/* "nothing to WHAT: it lasts so long, and --from is behind its end" */
void kvs_reading_refuse(const struct kvs_reading *r, const char *path, const char *what,
			const struct kvs_when *from);
/*
 * Reads @path once, to find these; @from_s, if not NULL, gets --from in s since the recording
 * began, and @to_s --to, 0: its end.  False after a message, also if the recording has nothing
 * between them.
 */
bool kvs_reading_excerpt(const char *path, const struct kvs_when *from,
			 const struct kvs_when *to, u64 *from_ts, u64 *to_ts,
			 double *from_s, double *to_s);
void kvs_reading_end(struct kvs_reading *r);

#endif /* KVMSCHED_READING_H */
