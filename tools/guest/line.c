// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads what the host did with the vCPUs of guests; see guest.h.
 */
#include <stdlib.h>

#include "base/util.h"
#include "guest/guest.h"
#include "model/clock.h"
#include "model/model.h"
#include "trace/load.h"
#include "uapi/kvmsched.h"

/* AMD's exit codes, and Intel's basic exit reasons, as their manuals number them */
#define SVM_WRITE_CR3		0x13
#define SVM_INTR		0x60
#define SVM_VINTR		0x64
#define VMX_EXTERNAL_INTERRUPT	1
#define VMX_INTERRUPT_WINDOW	7
#define VMX_CR_ACCESS		28
#define VMX_PREEMPTION_TIMER	52
#define VMX_CR_ACCESS_MASK	0x3f
#define VMX_MOV_TO_CR3		3

struct lines {
	struct kvs_guest *guests;
	size_t nr;
	const struct kvs_model *model;
};

void kvs_moments_add(struct kvs_moments *m, u64 at)
{
	if (m->nr == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		m->at = xrealloc(m->at, m->room * sizeof(*m->at));
	}
	m->at[m->nr++] = at;
}

/* How many are before @at */
static size_t moments_before(const struct kvs_moments *m, u64 at)
{
	size_t low = 0, high = m->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->at[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

u64 kvs_moments_between(const struct kvs_moments *m, u64 begin, u64 end)
{
	return begin < end ? moments_before(m, end) - moments_before(m, begin) : 0;
}

static struct kvs_guest_line *line_of(struct lines *l, const struct kvs_vcpu *v)
{
	for (size_t i = 0; i < l->nr; i++) {
		struct kvs_guest *g = &l->guests[i];

		for (unsigned int cpu = 0; cpu < g->joined.side.parts->cpus; cpu++) {
			const struct kvs_host_vcpu *of = g->lines[cpu].vcpu;

			if (of && of->vm == v->vm && of->id == v->id)
				return &g->lines[cpu];
		}
	}
	return NULL;
}

/* States that are exclusive, but for poll, which lies within exit: both are the host's work. */
static void take_state(struct kvs_guest_line *line, const struct kvs_span *span)
{
	static const enum kvs_guest_part parts[KVMSCHED_NR_STATES] = {
		[KVMSCHED_STATE_UNKNOWN] = KVS_PART_UNKNOWN,
		[KVMSCHED_STATE_GUEST] = KVS_PART_GUEST,
		[KVMSCHED_STATE_EXIT] = KVS_PART_HOST, [KVMSCHED_STATE_USER] = KVS_PART_HOST,
		[KVMSCHED_STATE_POLL] = KVS_PART_HOST,
		[KVMSCHED_STATE_HALTED] = KVS_PART_ASLEEP,
		[KVMSCHED_STATE_BLOCKED] = KVS_PART_ASLEEP,
		[KVMSCHED_STATE_WAIT_PREEMPTED] = KVS_PART_WAIT,
		[KVMSCHED_STATE_WAIT_WOKEN] = KVS_PART_WAIT,
	};
	enum kvs_guest_part part = parts[span->state.state];

	if (part != KVS_PART_UNKNOWN && !span->gap && span->begin < span->end)
		kvs_stretches_add(&line->part[part], span->begin, span->end);
}

/* Exits that come for a reason of the host's say nothing of what the guest did. */
static void take_exit(struct kvs_guest_line *line, const struct kvs_span *span)
{
	u32 reason = span->exit.reason;
	bool host, cr3;

	if (span->exit.l2)
		return;
	if (span->exit.isa == KS_ISA_VMX) {
		host = reason == VMX_EXTERNAL_INTERRUPT || reason == VMX_INTERRUPT_WINDOW ||
		       reason == VMX_PREEMPTION_TIMER;
		cr3 = reason == VMX_CR_ACCESS &&
		      (span->exit.info & VMX_CR_ACCESS_MASK) == VMX_MOV_TO_CR3;
	} else {
		host = reason >= SVM_INTR && reason <= SVM_VINTR;
		cr3 = reason == SVM_WRITE_CR3;
	}
	if (!host)
		kvs_moments_add(&line->exits, span->begin);
	if (cr3)
		kvs_moments_add(&line->cr3, span->begin);
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct lines *lines = ctx;
	struct kvs_guest_line *line = span->vcpu ? line_of(lines, span->vcpu) : NULL;

	if (!line)
		return;
	if (span->kind == KVS_SPAN_STATE)
		take_state(line, span);
	else if (span->kind == KVS_SPAN_EXIT)
		take_exit(line, span);
	else if (span->kind == KVS_SPAN_OFF && span->off.kind == KS_SWITCH_PREEMPTED &&
		 span->off.since)
		kvs_moments_add(&line->cuts, span->begin);
	kvs_steal_take(line, span, lines->model);
}

static int by_time(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

void kvs_moments_sort(struct kvs_moments *m)
{
	if (m->nr)
		qsort(m->at, m->nr, sizeof(*m->at), by_time);
}

void kvs_line_settle(struct kvs_guest_line *line)
{
	for (unsigned int part = 0; part < KVS_PART_UNKNOWN; part++) {
		struct kvs_stretches *s = &line->part[part];
		u64 sum = 0;

		kvs_stretches_sort(s);
		line->before[part] = xcalloc(s->nr + 1, sizeof(u64));
		for (size_t i = 0; i < s->nr; i++) {
			line->before[part][i] = sum;
			sum += s->at[i].end - s->at[i].begin;
		}
	}
	kvs_moments_sort(&line->cuts);
	kvs_moments_sort(&line->exits);
	kvs_moments_sort(&line->cr3);
	kvs_steal_settle(line);
}

bool kvs_lines_read(struct kvs_guest *guests, size_t nr, const char *path)
{
	struct kvs_trace *trace = kvs_trace_open(path);
	const struct kvs_trace_info *info;
	struct kvs_model model;
	struct lines lines = { guests, nr, &model };
	struct kvs_sink sink = {
		.record = kvs_model_record, .missed = kvs_model_missed,
		.foretold = kvs_model_foretold, .ctx = &model,
	};
	bool ok;

	if (!trace)
		return false;
	info = kvs_trace_info(trace);
	kvs_model_init(&model);
	kvs_model_clock(&model, info->clock == KVS_CLOCK_NS, info->tsc_mult, info->tsc_shift);
	kvs_sinks_add(&model.sinks,
		      KVS_SPAN_BIT(STATE) | KVS_SPAN_BIT(EXIT) | KVS_SPAN_BIT(SLICE) |
		      KVS_SPAN_BIT(OFF) | KVS_SPAN_BIT(PIECE), take_span, &lines);
	ok = kvs_trace_read(trace, &sink);
	kvs_model_finish(&model);
	for (size_t i = 0; i < nr; i++)
		guests[i].throttling = kvs_model_has_class(&model, KVMSCHED_CLASS_STEAL);
	kvs_model_free(&model);
	kvs_trace_close(trace);
	for (size_t i = 0; i < nr; i++)
		for (unsigned int cpu = 0; cpu < guests[i].joined.side.parts->cpus; cpu++)
			kvs_line_settle(&guests[i].lines[cpu]);
	return ok;
}

void kvs_line_free(struct kvs_guest_line *line)
{
	for (unsigned int part = 0; part < KVS_PART_UNKNOWN; part++) {
		kvs_stretches_free(&line->part[part]);
		free(line->before[part]);
	}
	kvs_steal_free(line);
	free(line->cuts.at);
	free(line->exits.at);
	free(line->cr3.at);
}

/* The time of a part before @at */
static u64 part_before(const struct kvs_guest_line *line, unsigned int part, u64 at)
{
	const struct kvs_stretches *s = &line->part[part];
	size_t nr = kvs_stretches_before(s, at);
	const struct kvs_stretch *last;

	if (!nr)
		return 0;
	last = &s->at[nr - 1];
	return line->before[part][nr - 1] + (last->end < at ? last->end : at) - last->begin;
}

void kvs_line_add(const struct kvs_guest_line *line, u64 begin, u64 end,
		  struct kvs_guest_span *span)
{
	u64 length = end - begin, left = length;

	for (unsigned int part = 0; part < KVS_PART_UNKNOWN; part++) {
		u64 time = part_before(line, part, end) - part_before(line, part, begin);

		/* Only in a damaged file do parts overlap. */
		if (time > left)
			time = left;
		span->part[part] += time;
		left -= time;
	}
	span->part[KVS_PART_UNKNOWN] += left;
	span->sum += length;
	span->counted += length;
	span->count++;
	if (length > span->longest)
		span->longest = length;
}
