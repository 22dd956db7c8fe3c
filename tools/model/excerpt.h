/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A part of the time of a recording, which is all that is counted.
 *
 * The model reads every record, whatever the excerpt: what went on when it begins is known
 * only from what came before, and records often say what it was only after its end.  What has
 * a length in time, as a state, a slice or a piece of a wait, is cut at both ends of the
 * excerpt.  What happens at a moment, or is measured as one, as an exit or the lateness of a
 * timer, belongs to the excerpt in which it ends.  So adjacent excerpts sum to the whole.
 */
#ifndef KVMSCHED_EXCERPT_H
#define KVMSCHED_EXCERPT_H

#include <stdbool.h>
#include <stdint.h>

struct kvs_model;

/* All zeroes is the whole recording.  Time stamps. */
struct kvs_excerpt {
	bool on;
	uint64_t from, to;	/* from @from on, before @to */
};

/* How much of the time from @begin to @end lies in it */
static inline uint64_t kvs_excerpt_part(const struct kvs_excerpt *w, uint64_t begin, uint64_t end)
{
	if (w->on && begin < w->from)
		begin = w->from;
	if (w->on && end > w->to)
		end = w->to;
	return end > begin ? end - begin : 0;
}

static inline bool kvs_excerpt_has(const struct kvs_excerpt *w, uint64_t ts)
{
	return !w->on || (ts >= w->from && ts < w->to);
}

/* Before the first record, and before other sinks are added */
void kvs_model_excerpt(struct kvs_model *m, uint64_t from, uint64_t to);

/* For model.c alone: before a record, and after all of them */
void kvs_excerpt_pass(struct kvs_model *m, uint64_t ts);
void kvs_excerpt_finish(struct kvs_model *m);
void kvs_excerpt_free(struct kvs_model *m);

#endif /* KVMSCHED_EXCERPT_H */
