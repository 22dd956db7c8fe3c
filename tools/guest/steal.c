// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a vCPU's thread waited for a CPU, by how it came to wait; see guest.h.
 *
 * KVM tells the guest the scheduler's own count of it (run_delay), which the guest calls
 * steal: so waits outside of KVM_RUN are in it as well.
 */
#include <stdlib.h>

#include "base/util.h"
#include "guest/guest.h"
#include "model/clock.h"
#include "model/model.h"
#include "uapi/kvmsched.h"

/* A slice ends before the span of the time off the CPU that follows it. */
static void take_slice(struct kvs_guest_line *line, const struct kvs_span *span)
{
	line->slice_end = span->end;
	line->in_run = span->slice.loaded;
}

/* Whoever was woken has waited since then, and all others since they lost the CPU. */
static void take_off(struct kvs_guest_line *line, const struct kvs_span *span,
		     const struct kvs_model *m)
{
	u64 waited = kvs_ts_of_ns(m, span->off.wait_ns), begin = span->begin;
	enum kvs_guest_steal how = KVS_STEAL_UNKNOWN;

	if (span->off.kind == KS_SWITCH_ABORTED)
		how = KVS_STEAL_FALLING_ASLEEP;
	else if (span->off.kind != KS_SWITCH_PREEMPTED)
		how = KVS_STEAL_WOKEN;
	else if (span->begin == line->slice_end)
		how = line->in_run ? KVS_STEAL_IN_RUN : KVS_STEAL_OUTSIDE;
	if (how == KVS_STEAL_WOKEN)
		begin = waited < span->end - begin ? span->end - waited : begin;
	if (!span->off.since || span->gap || begin >= span->end)
		return;
	kvs_stretches_add(&line->stolen[how], begin, span->end);
	kvs_moments_add(&line->waits, span->end);
}

static void take_piece(struct kvs_guest_line *line, const struct kvs_span *span)
{
	if (kvs_thief_is_throttling(span->piece))
		kvs_stretches_add(&line->throttled, span->begin, span->end);
}

void kvs_steal_take(struct kvs_guest_line *line, const struct kvs_span *span,
		    const struct kvs_model *m)
{
	if (span->kind == KVS_SPAN_SLICE)
		take_slice(line, span);
	else if (span->kind == KVS_SPAN_OFF)
		take_off(line, span, m);
	else if (span->kind == KVS_SPAN_PIECE)
		take_piece(line, span);
}

void kvs_steal_settle(struct kvs_guest_line *line)
{
	for (unsigned int how = 0; how < KVS_STEALS; how++)
		kvs_stretches_sort(&line->stolen[how]);
	kvs_stretches_sort(&line->throttled);
	kvs_moments_sort(&line->waits);
}

void kvs_steal_free(struct kvs_guest_line *line)
{
	for (unsigned int how = 0; how < KVS_STEALS; how++)
		kvs_stretches_free(&line->stolen[how]);
	kvs_stretches_free(&line->throttled);
	free(line->waits.at);
}

static u64 time_in(const struct kvs_stretches *s, u64 begin, u64 end)
{
	const struct kvs_excerpt within = { .on = true, .from = begin, .to = end };
	u64 sum = 0;

	for (size_t i = 0; i < s->nr; i++)
		sum += kvs_excerpt_part(&within, s->at[i].begin, s->at[i].end);
	return sum;
}

struct kvs_guest_stolen kvs_guest_stolen(const struct kvs_guest *g, unsigned int cpu)
{
	const struct kvs_guest_line *line = &g->lines[cpu];
	u64 begin = g->cpus[cpu].first, end = g->cpus[cpu].last;
	struct kvs_guest_stolen stolen = {
		.waits = kvs_moments_between(&line->waits, begin, end),
		.throttled = time_in(&line->throttled, begin, end),
	};

	for (unsigned int how = 0; how < KVS_STEALS; how++) {
		stolen.by[how] = time_in(&line->stolen[how], begin, end);
		stolen.sum += stolen.by[how];
	}
	return stolen;
}

const char *kvs_steal_name(enum kvs_guest_steal how)
{
	static const char *const names[KVS_STEALS] = {
		[KVS_STEAL_IN_RUN] = "in_run", [KVS_STEAL_OUTSIDE] = "outside_run",
		[KVS_STEAL_FALLING_ASLEEP] = "falling_asleep", [KVS_STEAL_WOKEN] = "woken",
		[KVS_STEAL_UNKNOWN] = "not_told",
	};

	return names[how];
}
