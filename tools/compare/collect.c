// SPDX-License-Identifier: GPL-2.0-only
/*
 * One recording's spans, to the values of its units.
 *
 * What a record means is the model's business.  Here is only in which unit a span
 * ends, and how a vCPU's time is split over units.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_rng.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "compare/compare.h"
#include "model/clock.h"
#include "model/model.h"

/* One vCPU's time in one unit, in ns */
struct share {
	double on, waiting, guest;
};

struct counts {
	u64 switches, preempted;	/* each switch out ends a slice */
};

struct kvs_collector {
	struct kvs_model model;
	const struct kvs_survey *survey;
	const struct kvs_cut *cut;
	double length;			/* of a unit, ns */
	double stratum;			/* each stretch of this length has one of them ... */
	double *begin;			/* ... that begins there */
	double end;			/* of the last one */
	bool closing, closed;		/* that is being cut off, or over */
	struct kvs_units units;
	struct counts *counts;		/* by unit */
	struct share **shares;		/* by vCPU, then by unit */
	unsigned int nr;		/* vCPUs that have one */
};

/* ns from the beginning; negative before it */
static double time_of(const struct kvs_collector *c, u64 ts)
{
	const struct kvs_scale *scale = &c->survey->times.ts;

	if (ts < c->survey->begin)
		return -(double)kvs_scale(scale, c->survey->begin - ts);
	return kvs_scale(scale, ts - c->survey->begin);
}

static double ns_of(const struct kvs_collector *c, u64 cycles)
{
	return kvs_scale(&c->survey->times.cycles, cycles);
}

static bool is_wanted(const struct kvs_collector *c, unsigned int vcpu)
{
	return !c->survey->wanted || c->survey->wanted[vcpu];
}

static bool is_within(const struct kvs_collector *c, double ns)
{
	return ns >= 0 && ns <= c->end;
}

/* The index of the unit that has @ns; units.nr: none */
static size_t unit_at(const struct kvs_collector *c, double ns)
{
	size_t i = ns / c->stratum;

	/* What ends with the recording belongs to its last unit. */
	if (i >= c->units.nr)
		i = c->units.nr - 1;
	if (c->units.nr == c->units.fit)
		return i;
	return ns >= c->begin[i] && ns - c->begin[i] <= c->length ? i : c->units.nr;
}

static void add_value(struct kvs_collector *c, double at, enum kvs_metric metric,
		      double x, bool censored)
{
	struct kvs_unit *unit = &c->units.rest;
	size_t i;

	if (!is_within(c, at))
		return;
	i = unit_at(c, at);
	if (i < c->units.nr)
		unit = &c->units.units[i];
	kvs_values_add(&unit->values[metric], x, censored);
}

/* The shares of vCPU @index, made where they are new */
static struct share *shares_of(struct kvs_collector *c, unsigned int index)
{
	c->shares = xgrow(c->shares, &c->nr, index, sizeof(*c->shares));
	if (!c->shares[index])
		c->shares[index] = xcalloc(c->units.nr, sizeof(**c->shares));
	return c->shares[index];
}

/* Adds the stretch to the member at @offset of each unit's share. */
static void spread(struct kvs_collector *c, unsigned int index, double from,
		   double to, size_t offset)
{
	struct share *share;

	from = fmax(from, 0);
	to = fmin(to, c->end);
	if (from >= to)
		return;
	share = shares_of(c, index);
	for (size_t i = from / c->stratum; i < c->units.nr && c->begin[i] < to; i++) {
		double begin = fmax(from, c->begin[i]), end = fmin(to, c->begin[i] + c->length);
		double *sum = (double *)((char *)&share[i] + offset);

		if (end > begin)
			*sum += end - begin;
	}
}

#define SPREAD(c, span, from, to, member) \
	spread(c, (span)->vcpu->index, from, to, offsetof(struct share, member))

/* Where the window ends, what goes on lasted longer: its value is censored. */
static void add_open(struct kvs_collector *c, const struct kvs_span *span,
		     enum kvs_metric metric)
{
	double lasted = c->end - fmax(time_of(c, span->begin), 0);

	if (c->closing && !span->gap && lasted > 0)
		add_value(c, c->end, metric, lasted, true);
}

static void add_slice(struct kvs_collector *c, const struct kvs_span *span)
{
	double from = time_of(c, span->begin), to = time_of(c, span->end);
	double ran = ns_of(c, span->length);
	size_t i;

	/* Where records were lost, only what the module measured is known. */
	if (span->gap)
		from = to - ran;
	SPREAD(c, span, from, to, on);
	if (span->open) {
		add_open(c, span, KVS_M_SLICE);
		return;
	}
	if (span->length && !span->slice.shared)
		add_value(c, to, KVS_M_SLICE, ran, false);
	else if (!span->length && to > from)
		add_value(c, to, KVS_M_SLICE, to - fmax(from, 0), true);
	i = is_within(c, to) ? unit_at(c, to) : c->units.nr;
	if (i == c->units.nr)
		return;
	c->counts[i].switches++;
	c->counts[i].preempted += span->slice.kind == KS_SWITCH_PREEMPTED;
}

/* A preempted vCPU waits all the time, a woken one since its wakeup. */
static void add_off(struct kvs_collector *c, const struct kvs_span *span)
{
	bool preempted = span->off.kind == KS_SWITCH_PREEMPTED ||
			 span->off.kind == KS_SWITCH_ABORTED;
	double from = time_of(c, span->begin), to = time_of(c, span->end);
	double waited = preempted ? ns_of(c, span->length) : span->off.wait_ns;

	if (span->open) {
		SPREAD(c, span, from, to, waiting);
		add_open(c, span, KVS_M_WAIT_PREEMPTED);
		return;
	}
	if (!preempted || !span->off.since)
		from = to - waited;
	SPREAD(c, span, from, to, waiting);
	add_value(c, to, preempted ? KVS_M_WAIT_PREEMPTED : KVS_M_WAIT_WOKEN, waited,
		  false);
}

static void add_exit(struct kvs_collector *c, const struct kvs_span *span)
{
	double now = time_of(c, span->end), host = ns_of(c, span->length);

	SPREAD(c, span, now - host - ns_of(c, span->exit.guest_cycles), now - host, guest);
	/* While the host polls in a halt, the vCPU idles: that is no cost of the exit. */
	if (!span->exit.fastpath && !span->exit.halts)
		add_value(c, now, KVS_M_EXIT_COST, ns_of(c, kvs_span_cost(span)), false);
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_collector *c = ctx;
	double ns;

	if (!is_wanted(c, span->vcpu->index))
		return;
	switch (span->kind) {
	case KVS_SPAN_SLICE:
		add_slice(c, span);
		break;
	case KVS_SPAN_OFF:
		add_off(c, span);
		break;
	case KVS_SPAN_EXIT:
		add_exit(c, span);
		break;
	case KVS_SPAN_IRQ:
		add_value(c, time_of(c, span->end), KVS_M_IRQ_DELIVERY,
			  kvs_scale(&c->survey->times.ts, span->length), false);
		break;
	case KVS_SPAN_TIMER_LATE:
		ns = ns_of(c, span->length);
		add_value(c, time_of(c, span->end), KVS_M_TIMER_LATENESS,
			  span->timer.early ? -ns : ns, false);
		break;
	}
}

/*
 * If there is time for more blocks than are taken, the time is divided into as many strata,
 * and in each one a block is drawn (Cochran, Sampling Techniques, 1977, chapter 5): they
 * cover the whole recording, and no rhythm of it can fall in step with them.
 */
static void place_units(struct kvs_collector *c, double all)
{
	size_t fit = c->cut->block_ns > 0 ? (size_t)(all / c->cut->block_ns) : 1;
	bool draw = c->cut->most_blocks && fit > c->cut->most_blocks;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

	c->length = c->cut->block_ns > 0 ? c->cut->block_ns : all;
	c->units.fit = fit;
	c->units.nr = draw ? c->cut->most_blocks : fit;
	c->stratum = draw ? all / c->units.nr : c->length;
	c->end = c->stratum * c->units.nr;
	c->begin = xcalloc(c->units.nr, sizeof(*c->begin));
	gsl_rng_set(rng, c->cut->seed);
	for (size_t i = 0; i < c->units.nr; i++)
		c->begin[i] = c->stratum * i +
			      (draw ? gsl_rng_uniform(rng) * (c->stratum - c->length) : 0);
	gsl_rng_free(rng);
	c->units.units = xcalloc(c->units.nr, sizeof(*c->units.units));
	c->counts = xcalloc(c->units.nr, sizeof(*c->counts));
}

struct kvs_collector *kvs_collector_create(const struct kvs_survey *survey,
					   const struct kvs_cut *cut)
{
	struct kvs_collector *c = xcalloc(1, sizeof(*c));

	c->survey = survey;
	c->cut = cut;
	place_units(c, kvs_scale(&survey->times.ts, survey->end - survey->begin));
	kvs_model_init(&c->model);
	c->model.queues.unwanted = true;
	/* One cycle is one unit of the time stamps, unless these are ns. */
	if (survey->tsc)
		c->model.ns_to_ts = kvs_scale_inverse(&survey->times.cycles);
	else
		c->model.cycles_to_ts = survey->times.cycles;
	kvs_sinks_add(&c->model.sinks, KVS_SPAN_BIT(SLICE) | KVS_SPAN_BIT(OFF) |
				       KVS_SPAN_BIT(EXIT) | KVS_SPAN_BIT(IRQ) |
				       KVS_SPAN_BIT(TIMER_LATE), take_span, c);
	return c;
}

/* The end of the last unit, as a time stamp */
static u64 end_of_window(const struct kvs_collector *c)
{
	u64 whole = c->survey->end - c->survey->begin;
	double share = c->end / (double)kvs_scale(&c->survey->times.ts, whole);

	return share < 1 ? c->survey->begin + (u64)(whole * share) : c->survey->end;
}

/* What goes on lasted at least until the end. */
static void close_window(struct kvs_collector *c)
{
	c->closing = true;
	kvs_model_cut(&c->model, end_of_window(c));
	kvs_sinks_clear(&c->model.sinks);
	/* A vCPU that slept all the time was there, too. */
	for (unsigned int i = 0; i < c->model.nr_vcpus; i++)
		if (c->model.vcpus[i]->tid && is_wanted(c, i))
			shares_of(c, i);
	c->closed = true;
}

void kvs_collector_record(void *collector, const struct kvs_record *rec)
{
	struct kvs_collector *c = collector;

	if (!c->closed && time_of(c, rec->ts) > c->end)
		close_window(c);
	kvs_model_record(&c->model, rec);
}

void kvs_collector_foretold(void *collector, const struct kvs_record *rec)
{
	struct kvs_collector *c = collector;

	kvs_model_foretold(&c->model, rec);
}

void kvs_collector_missed(void *collector, unsigned int cpu, s64 count)
{
	struct kvs_collector *c = collector;

	kvs_model_missed(&c->model, cpu, count);
}

/*
 * A vCPU that waited all the time left no record within the window, perhaps one after
 * it, as soon as policies were back: a witness speaks for it.
 */
static void hear_witnesses(struct kvs_collector *c)
{
	for (size_t i = 0; i < c->cut->nr_witnesses; i++) {
		const struct kvs_witness *w = &c->cut->witnesses[i];
		unsigned int index = c->nr;
		bool known = false;

		for (unsigned int j = 0; j < c->nr && j < c->model.nr_vcpus; j++)
			known |= c->shares[j] && c->model.vcpus[j]->tid == w->tid;
		if (known || !w->starved)
			continue;
		if (index < c->model.nr_vcpus)
			index = c->model.nr_vcpus;
		spread(c, index, 0, c->end, offsetof(struct share, waiting));
		add_value(c, c->end, KVS_M_WAIT_PREEMPTED, c->end, true);
	}
}

static void set_single(struct kvs_unit *unit, enum kvs_metric metric, double x)
{
	unit->single[metric] = (struct kvs_obs){ x, false };
	unit->known[metric] = true;
}

static void finish_unit(struct kvs_collector *c, size_t i)
{
	struct kvs_unit *unit = &c->units.units[i];
	const struct counts *n = &c->counts[i];
	double *got = xcalloc(c->nr, sizeof(*got)), seconds = c->length / 1e9;
	bool exits = kvs_model_has_class(&c->model, KVMSCHED_CLASS_EXIT);
	struct share sum = { 0 };
	size_t wanted = 0, vcpus = 0;

	for (unsigned int j = 0; j < c->nr; j++) {
		const struct share *s = c->shares[j] ? &c->shares[j][i] : NULL;

		if (!s)
			continue;
		vcpus++;
		sum.on += s->on;
		sum.waiting += s->waiting;
		sum.guest += s->guest;
		/* Fairness is about those who asked: what each got of that. */
		if (s->on + s->waiting > 0)
			got[wanted++] = s->on / (s->on + s->waiting);
	}
	if (wanted && exits)
		set_single(unit, KVS_M_GUEST_SHARE, sum.guest / (c->length * vcpus));
	if (wanted && kvs_model_has_class(&c->model, KVMSCHED_CLASS_SWITCH)) {
		set_single(unit, KVS_M_FAIRNESS, kvs_jain(got, wanted));
		set_single(unit, KVS_M_STEAL, sum.waiting / (c->length * vcpus));
		set_single(unit, KVS_M_SLICES, n->switches / (seconds * vcpus));
		set_single(unit, KVS_M_PREEMPTIONS, n->preempted / (seconds * vcpus));
		if (sum.on > 0)
			set_single(unit, KVS_M_SWITCHES, n->switches / (sum.on / 1e9));
	}
	free(got);
}

void kvs_collector_finish(struct kvs_collector *c, struct kvs_units *units)
{
	if (!c->closed)
		close_window(c);
	hear_witnesses(c);
	for (size_t i = 0; i < c->units.nr; i++)
		finish_unit(c, i);
	c->units.idle = !c->nr;
	*units = c->units;
	for (unsigned int i = 0; i < c->nr; i++)
		free(c->shares[i]);
	free(c->shares);
	free(c->begin);
	free(c->counts);
	kvs_model_free(&c->model);
	free(c);
}

void kvs_units_free(struct kvs_units *units)
{
	for (size_t i = 0; i < units->nr; i++)
		for (unsigned int m = 0; m < KVS_M_PER_UNIT; m++)
			kvs_values_free(&units->units[i].values[m]);
	for (unsigned int m = 0; m < KVS_M_PER_UNIT; m++)
		kvs_values_free(&units->rest.values[m]);
	free(units->units);
	memset(units, 0, sizeof(*units));
}
