// SPDX-License-Identifier: GPL-2.0-only
/*
 * From spans to bars and bins.
 *
 * Times are turned to ns first, and then cut into bins.  So both are equal, to the ns, to
 * what an export of the same recording holds.
 */
#include <stdlib.h>

#include "model/names.h"
#include "model/summary.h"
#include "picture/collect.h"

#define LATE_EXIT	8	/* by how many states the span of an exit comes late, at most */
#define MAX_BINS_SIZE	34000000	/* memory of the bins of all lanes */

struct times {
	s64 begin, end;
};

static struct times times_of(const struct kvs_collect *c, const struct kvs_span *span)
{
	return (struct times){
		.begin = kvs_ns_from(c->times, c->start, span->begin),
		.end = kvs_ns_from(c->times, c->start, span->end),
	};
}

/* Spans come one after another, so the next one is likely to be in the same gap. */
static bool is_in_window(struct kvs_collect *c, struct times t)
{
	s64 from = INT64_MIN, to = INT64_MAX;

	if (t.begin >= c->gap_from && t.end <= c->gap_to)
		return false;
	for (unsigned int i = 0; i < c->windows.nr; i++) {
		const struct kvs_window *w = &c->windows.windows[i];

		if ((s64)w->to <= t.begin)
			from = w->to;
		else if ((s64)w->from >= t.end)
			to = (s64)w->from < to ? (s64)w->from : to;
		else
			return true;
	}
	c->gap_from = from;
	c->gap_to = to;
	return false;
}

/* Is it one of those that the page shows each?  Asked once for each. */
static bool is_kept(struct kvs_collect *c, struct times t)
{
	if (t.end <= c->frame.from || t.begin >= c->frame.to)
		return false;
	c->all_spans++;
	return c->whole || is_in_window(c, t);
}

static void add_bar(struct kvs_collect *c, struct kvs_bars *bars, struct times t,
		    unsigned int kind, unsigned int who)
{
	kvs_bars_add(bars, t.begin, t.end, kind, who);
	c->spans++;
}

/* Of the lane whose bins use most memory */
static void halve_bins(struct kvs_collect *c)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);
	struct kvs_bins *most = &lanes[0]->bins;

	for (unsigned int i = 1; i < nr; i++)
		if (lanes[i]->bins.used > most->used)
			most = &lanes[i]->bins;
	c->bins_size -= most->used;
	kvs_bins_halve(most);
	c->bins_size += most->used;
}

/* Where a page has all bars, it makes the bins of them. */
static void add_bin(struct kvs_collect *c, struct kvs_lane *lane, struct times t,
		    unsigned int kind, int sign)
{
	struct kvs_bins *bins = &lane->bins;

	if (c->whole)
		return;
	if (!bins->frame.nr)
		bins->frame = c->frame;
	c->bins_size -= bins->used;
	kvs_bins_add(bins, kind, t.begin, t.end, sign);
	c->bins_size += bins->used;
	while (c->bins_size > MAX_BINS_SIZE)
		halve_bins(c);
}

static void take_state(struct kvs_collect *c, const struct kvs_span *span)
{
	int index = kvs_lanes_vcpu(&c->lanes, span->vcpu);
	struct times t = times_of(c, span);
	struct kvs_vcpu_lane *lane;
	unsigned int who = 0;

	if (index < 0)
		return;
	lane = &c->vcpus[index];
	add_bin(c, &lane->states, t, span->state.state, 1);
	if (span->state.state == KVMSCHED_STATE_POLL) {
		/* It was told as part of state exit, too. */
		add_bin(c, &lane->states, t, KVMSCHED_STATE_EXIT, -1);
		if (is_kept(c, t))
			add_bar(c, &lane->polls, t, KVMSCHED_STATE_POLL, 0);
		return;
	}
	if (!is_kept(c, t))
		return;
	if (span->state.state == KVMSCHED_STATE_EXIT && lane->exit.begin < t.end &&
	    lane->exit.end > t.begin)
		who = lane->exit.who;
	add_bar(c, &lane->states.bars, t, span->state.state, who);
}

/* Tells the reason to the state that is the same exit, which comes before it or after. */
static void take_exit(struct kvs_collect *c, const struct kvs_span *span)
{
	int index = kvs_lanes_vcpu(&c->lanes, span->vcpu);
	struct kvs_vcpu_lane *lane;
	struct kvs_bars *bars;
	struct times t;

	if (index < 0 || span->exit.fastpath)
		return;
	t = times_of(c, span);
	lane = &c->vcpus[index];
	bars = &lane->states.bars;
	lane->exit.begin = t.begin;
	lane->exit.end = t.end;
	lane->exit.who = kvs_reason_of(&c->reasons, span->exit.isa, span->exit.reason);
	for (size_t i = bars->nr; i && i + LATE_EXIT > bars->nr; i--) {
		struct kvs_bar *bar = &bars->bars[i - 1];

		if (kvs_bar_end(bar) <= t.begin)	/* and so did those before it */
			break;
		if (bar->kind == KVMSCHED_STATE_EXIT && !bar->who && bar->begin < t.end)
			bar->who = lane->exit.who;
	}
}

static void take_piece(struct kvs_collect *c, const struct kvs_span *span)
{
	int index = kvs_lanes_vcpu(&c->lanes, span->vcpu);
	struct times t = times_of(c, span);

	if (index >= 0 && is_kept(c, t))
		add_bar(c, &c->vcpus[index].pieces, t, 0, kvs_who_holder(&c->whos, span->piece));
}

static void take_run(struct kvs_collect *c, const struct kvs_span *span)
{
	int kind = kvs_lanes_runs(&c->lanes, span), index;
	struct times t = times_of(c, span);

	if (kind < 0 || t.end <= c->frame.from || t.begin >= c->frame.to)
		return;
	index = kvs_lanes_cpu(&c->lanes, span->cpu);
	if (index < 0)
		return;
	add_bin(c, &c->cpus[index], t, kind, 1);
	if (is_kept(c, t))
		add_bar(c, &c->cpus[index].bars, t, kind,
			span->kind == KVS_SPAN_TASK ? kvs_who_task(&c->whos, span->task) :
						      kvs_who_vcpu(&c->whos, span->vcpu));
}

static void take_timer(struct kvs_collect *c, const struct kvs_span *span)
{
	int index = kvs_lanes_vcpu(&c->lanes, span->vcpu);
	bool due = span->kind == KVS_SPAN_TIMER;
	struct times t = times_of(c, span);
	unsigned int kind = due ? KVS_TIMER_DUE : span->gap ? KVS_TIMER_UNKNOWN : KVS_TIMER_ARMED;

	if (index < 0 || !c->lanes.vcpus[index].timer)
		return;
	add_bin(c, &c->timers[index], t, kind, 1);
	if (is_kept(c, t))
		add_bar(c, &c->timers[index].bars, t, kind,
			due ? 0 : KVS_TIMER_WHO(span->armed.end));
}

static void take_irq(struct kvs_collect *c, const struct kvs_span *span)
{
	unsigned int kind = span->kind == KVS_SPAN_IRQ ? KVS_IRQ_PENDING : KVS_IRQ_IN_SERVICE;
	int index = kvs_lanes_vcpu(&c->lanes, span->vcpu);
	struct times t = times_of(c, span);

	if (index < 0 || !c->lanes.vcpus[index].irqs)
		return;
	add_bin(c, &c->irqs[index], t, kind, 1);
	if (is_kept(c, t))
		add_bar(c, &c->irqs[index].bars, t, kind, span->irq.vector->vector + 1U);
}

static unsigned int who_of_host(struct kvs_collect *c, const struct kvs_span *span)
{
	const struct kvs_host_irq_stats *irq =
		kvs_host_irq_get(&c->host_irqs, span->host_irq.kind, span->host_irq.irq,
				 span->host_irq.vector, span->host_irq.name);

	return irq - c->host_irqs.irqs + 1;
}

static void take_host_irq(struct kvs_collect *c, const struct kvs_span *span)
{
	unsigned int kind = kvs_is_softirq(span->host_irq.kind) ? KVS_HOST_SERVES_SOFTIRQ :
								  KVS_HOST_SERVES_IRQ;
	struct times t = times_of(c, span);
	int index;

	if (t.end <= c->frame.from || t.begin >= c->frame.to)
		return;
	index = kvs_lanes_cpu(&c->lanes, span->cpu);
	if (index < 0)
		return;
	add_bin(c, &c->hosts[index], t, kind, 1);
	if (is_kept(c, t))
		add_bar(c, &c->hosts[index].bars, t, kind, who_of_host(c, span));
}

static void take_task(struct kvs_collect *c, const struct kvs_span *span)
{
	unsigned int kind = span->kind == KVS_SPAN_TASK ? KVS_TASK_RUNS : KVS_TASK_WAITS;
	int index = kvs_lanes_task(&c->lanes, span->task);
	struct times t = times_of(c, span);

	if (index < 0)
		return;
	add_bin(c, &c->tasks[index], t, kind, 1);
	if (is_kept(c, t))
		add_bar(c, &c->tasks[index].bars, t, kind, span->cpu + 1U);
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_collect *c = ctx;

	switch (span->kind) {
	case KVS_SPAN_STATE:
		return take_state(c, span);
	case KVS_SPAN_EXIT:
		return take_exit(c, span);
	case KVS_SPAN_PIECE:
		return take_piece(c, span);
	case KVS_SPAN_SLICE:
		return take_run(c, span);
	case KVS_SPAN_TASK:
		take_run(c, span);
		return take_task(c, span);
	case KVS_SPAN_TASK_WAIT:
		return take_task(c, span);
	case KVS_SPAN_TIMER_ARMED:
	case KVS_SPAN_TIMER:
		return take_timer(c, span);
	case KVS_SPAN_IRQ:
	case KVS_SPAN_SERVICE:
		return take_irq(c, span);
	case KVS_SPAN_HOST_IRQ:
		return take_host_irq(c, span);
	}
}

u32 kvs_collect_kinds(void)
{
	return KVS_SPAN_BIT(STATE) | KVS_SPAN_BIT(PIECE) | KVS_SPAN_BIT(SLICE) |
	       KVS_SPAN_BIT(TASK) | KVS_SPAN_BIT(TASK_WAIT) | KVS_SPAN_BIT(TIMER_ARMED) |
	       KVS_SPAN_BIT(TIMER) | KVS_SPAN_BIT(IRQ) | KVS_SPAN_BIT(SERVICE) |
	       KVS_SPAN_BIT(HOST_IRQ);
}

void kvs_collect_listen(struct kvs_collect *c, struct kvs_model *m)
{
	kvs_sinks_add(&m->sinks, kvs_collect_kinds() | KVS_SPAN_BIT(EXIT), take_span, c);
}

void kvs_collect_guest(void *ctx, unsigned int lane, enum kvs_guest_task_does does, u64 begin,
		       u64 end)
{
	struct kvs_collect *c = ctx;
	const struct times t = {
		.begin = kvs_ns_from(c->times, c->start, begin),
		.end = kvs_ns_from(c->times, c->start, end),
	};

	add_bin(c, &c->guests[lane], t, does, 1);
	if (is_kept(c, t))
		add_bar(c, &c->guests[lane].bars, t, does, 0);
}

bool kvs_collect_has_host(const struct kvs_collect *c, unsigned int lane)
{
	return c->hosts[lane].bars.nr || c->hosts[lane].bins.frame.nr;
}

unsigned int kvs_collect_lanes(struct kvs_collect *c, struct kvs_lane *lanes[KVS_ALL_LANES])
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++)
		lanes[nr++] = &c->vcpus[i].states;
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++)
		if (c->lanes.vcpus[i].timer)
			lanes[nr++] = &c->timers[i];
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++)
		if (c->lanes.vcpus[i].irqs)
			lanes[nr++] = &c->irqs[i];
	for (unsigned int i = 0; i < c->lanes.nr_cpus; i++)
		lanes[nr++] = &c->cpus[i];
	for (unsigned int i = 0; i < c->lanes.nr_cpus; i++)
		if (kvs_collect_has_host(c, i))
			lanes[nr++] = &c->hosts[i];
	for (unsigned int i = 0; i < c->lanes.nr_tasks; i++)
		lanes[nr++] = &c->tasks[i];
	for (unsigned int i = 0; i < c->lanes.nr_guests; i++)
		lanes[nr++] = &c->guests[i];
	return nr;
}

void kvs_collect_sort(struct kvs_collect *c)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);

	for (unsigned int i = 0; i < nr; i++)
		kvs_bars_sort(&lanes[i]->bars);
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++) {
		kvs_bars_sort(&c->vcpus[i].polls);
		kvs_bars_sort(&c->vcpus[i].pieces);
	}
}

/* Those of a list that touch a window; @lane: the bins get all of them. */
static void thin_bars(struct kvs_collect *c, struct kvs_bars *bars, struct kvs_lane *lane)
{
	size_t kept = 0;

	for (size_t i = 0; i < bars->nr; i++) {
		const struct kvs_bar *bar = &bars->bars[i];
		struct times t = { .begin = bar->begin, .end = kvs_bar_end(bar) };

		if (lane)
			add_bin(c, lane, t, bar->kind, 1);
		if (lane && bars != &lane->bars)
			add_bin(c, lane, t, KVMSCHED_STATE_EXIT, -1);
		if (is_in_window(c, t))
			bars->bars[kept++] = *bar;
	}
	c->spans -= bars->nr - kept;
	bars->nr = kept;
}

void kvs_collect_thin(struct kvs_collect *c)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);
	bool bins = c->whole;

	c->whole = false;
	for (unsigned int i = 0; i < nr; i++)
		thin_bars(c, &lanes[i]->bars, bins ? lanes[i] : NULL);
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++) {
		thin_bars(c, &c->vcpus[i].polls, bins ? &c->vcpus[i].states : NULL);
		thin_bars(c, &c->vcpus[i].pieces, NULL);
	}
}

static void free_lane(struct kvs_lane *lane)
{
	kvs_bars_free(&lane->bars);
	kvs_bins_free(&lane->bins);
}

void kvs_collect_free(struct kvs_collect *c)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);

	for (unsigned int i = 0; i < nr; i++)
		free_lane(lanes[i]);
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++) {
		kvs_bars_free(&c->vcpus[i].polls);
		kvs_bars_free(&c->vcpus[i].pieces);
	}
	kvs_whos_free(&c->whos);
	free(c->reasons.list);
	free(c->host_irqs.irqs);
	kvs_lanes_free(&c->lanes);
}
