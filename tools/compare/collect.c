// SPDX-License-Identifier: GPL-2.0-only
/*
 * One recording's records, to the values of its units.
 *
 * What a record means is the model's business: every record goes to a model
 * first, and what that one has learned from it (a slice, an interrupt's way) is
 * the difference of its exact sums.  Here is only what the model keeps no time
 * of: in which unit something ended, and how a vCPU's time is split over units.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "compare/compare.h"
#include "base/kvmsched.h"
#include "trace/load.h"

enum where { NOWHERE, ON_CPU, WAITING, ASLEEP };

/* One vCPU's time in one unit, in ns */
struct share {
	double on, waiting, guest;
};

struct track {
	const struct ks_vcpu *vcpu;	/* NULL: known by a witness only */
	long tid;
	enum where where;
	double since;			/* ns from the beginning */
	u64 slices;			/* of the model, as last seen */
	struct share *share;		/* by unit */
};

struct counts {
	u64 slices, preempted, switches;
};

struct ks_collector {
	struct ks_model model;
	const struct ks_survey *survey;
	const struct ks_cut *cut;
	double length;			/* of a unit, ns */
	double end;			/* of the last one */
	bool closed;			/* that is over */
	struct ks_units units;
	struct counts *counts;		/* by unit */
	struct track **tracks;
	unsigned int nr;
	struct ks_table table;		/* by vm and vcpu */
};

struct ks_collector *ks_collector_create(const struct ks_survey *survey,
					 const struct ks_cut *cut)
{
	struct ks_collector *c = xcalloc(1, sizeof(*c));
	double all = ks_scale(&survey->times.ts, survey->end - survey->begin);

	ks_model_init(&c->model);
	c->survey = survey;
	c->cut = cut;
	c->length = cut->block_ns > 0 ? cut->block_ns : all;
	c->units.nr = cut->block_ns > 0 ? (size_t)(all / cut->block_ns) : 1;
	c->end = c->length * c->units.nr;
	c->units.units = xcalloc(c->units.nr, sizeof(*c->units.units));
	c->counts = xcalloc(c->units.nr, sizeof(*c->counts));
	return c;
}

/* ns from the beginning; negative before it */
static double time_of(const struct ks_collector *c, u64 ts)
{
	const struct ks_scale *scale = &c->survey->times.ts;

	if (ts < c->survey->begin)
		return -(double)ks_scale(scale, c->survey->begin - ts);
	return ks_scale(scale, ts - c->survey->begin);
}

static double ns_of(const struct ks_collector *c, u64 cycles)
{
	return ks_scale(&c->survey->times.cycles, cycles);
}

/* The unit that has @ns, or NULL outside of all of them */
static struct ks_unit *unit_at(struct ks_collector *c, double ns, struct counts **counts)
{
	size_t i;

	if (ns < 0 || ns > c->end)
		return NULL;
	i = ns / c->length;
	/* What ends with the recording belongs to its last unit. */
	if (i >= c->units.nr)
		i = c->units.nr - 1;
	if (counts)
		*counts = &c->counts[i];
	return &c->units.units[i];
}

static void value(struct ks_collector *c, double at, enum ks_metric metric,
		  double x, bool censored)
{
	struct ks_unit *unit = unit_at(c, at, NULL);

	if (unit)
		ks_values_add(&unit->values[metric], x, censored);
}

/* Adds the stretch to the member at @offset of each unit's share. */
static void spread(struct ks_collector *c, struct track *t, double from,
		   double to, size_t offset)
{
	from = fmax(from, 0);
	to = fmin(to, c->end);
	for (size_t i = from / c->length; from < to && i < c->units.nr; i++) {
		double until = fmin(to, (i + 1) * c->length);
		double *sum = (double *)((char *)&t->share[i] + offset);

		if (until > from)
			*sum += until - from;
		from = fmax(from, until);
	}
}

#define SPREAD(c, t, from, to, member) \
	spread(c, t, from, to, offsetof(struct share, member))

static struct track *track_add(struct ks_collector *c)
{
	struct track *t = xcalloc(1, sizeof(*t));

	t->share = xcalloc(c->units.nr, sizeof(*t->share));
	c->tracks = xrealloc(c->tracks, (c->nr + 1) * sizeof(*c->tracks));
	c->tracks[c->nr++] = t;
	return t;
}

static struct track *track_of(struct ks_collector *c, u16 vm, u16 id)
{
	u64 key = (u64)vm << 16 | id;
	struct track *t = ks_table_get(&c->table, key);
	const struct ks_vcpu *v;

	if (t)
		return t;
	v = ks_table_get(&c->model.vcpu_table, key);
	if (!v)
		return NULL;
	t = track_add(c);
	t->vcpu = v;
	ks_table_put(&c->table, key, t);
	return t;
}

/* What it did since the last change ends now. */
static void leave(struct ks_collector *c, struct track *t, double now)
{
	if (t->where == ON_CPU)
		SPREAD(c, t, t->since, now, on);
	else if (t->where == WAITING)
		SPREAD(c, t, t->since, now, waiting);
}

static void go(struct ks_collector *c, struct track *t, enum where where,
	       double now)
{
	leave(c, t, now);
	t->where = where;
	t->since = now;
}

/* It runs, as it tells so itself; for at least @ns already. */
static void runs(struct ks_collector *c, struct track *t, double now, double ns)
{
	if (t->where != ON_CPU) {
		t->where = ON_CPU;
		t->since = now - ns;
	}
}

static void switch_out(struct ks_collector *c, struct track *t,
		       const struct ks_record *rec, double now)
{
	bool preempted = rec->switch_out.kind == KS_SWITCH_PREEMPTED;
	double ran = ns_of(c, rec->switch_out.ran_cycles);
	struct counts *counts;

	if (t->where != ON_CPU)
		runs(c, t, now, ran);
	if (t->vcpu->sw.slice_cycles.count != t->slices)
		value(c, now, KS_M_SLICE, ran, false);
	else if (!rec->switch_out.ran_cycles && now > t->since)
		value(c, now, KS_M_SLICE, now - fmax(t->since, 0), true);
	if (unit_at(c, now, &counts)) {
		counts->switches++;
		counts->slices++;
		counts->preempted += preempted;
	}
	go(c, t, preempted || rec->switch_out.kind == KS_SWITCH_ABORTED ?
		 WAITING : ASLEEP, now);
}

static void switch_in(struct ks_collector *c, struct track *t,
		      const struct ks_record *rec, double now)
{
	bool preempted = rec->switch_in.kind == KS_SWITCH_PREEMPTED ||
			 rec->switch_in.kind == KS_SWITCH_ABORTED;
	double off = ns_of(c, rec->switch_in.off_cycles);

	if (off > 0 && preempted) {
		value(c, now, KS_M_WAIT_PREEMPTED, off, false);
		if (t->where != WAITING) {
			t->where = WAITING;
			t->since = now - off;
		}
	} else if (off > 0) {
		value(c, now, KS_M_WAIT_WOKEN, rec->switch_in.wait_ns, false);
		t->where = WAITING;
		t->since = now - rec->switch_in.wait_ns;
	}
	go(c, t, ON_CPU, now);
}

static void exit_record(struct ks_collector *c, struct track *t,
			const struct ks_record *rec, double now)
{
	double host = ns_of(c, rec->exit.host_cycles);
	double guest = ns_of(c, rec->exit.guest_cycles);

	runs(c, t, now, host + guest);
	SPREAD(c, t, now - host - guest, now - host, guest);
	if (!(rec->exit.flags & KS_EXIT_FASTPATH))
		value(c, now, KS_M_EXIT_COST, host, false);
}

/* What an interrupt's way to the guest took, if the model saw both ends. */
static void delivery(struct ks_collector *c, const struct ks_record *rec,
		     const struct ks_hist *before, double now)
{
	const struct ks_vcpu *v;
	const struct ks_hist *after;

	v = ks_table_get(&c->model.vcpu_table, (u64)rec->irq_inject.vm << 16 |
					       rec->irq_inject.vcpu);
	if (!v || rec->irq_inject.vector >= KS_VECTORS || !v->vector[rec->irq_inject.vector])
		return;
	after = &v->vector[rec->irq_inject.vector]->accept_to_inject_ts;
	if (after->count != before->count)
		value(c, now, KS_M_IRQ_DELIVERY,
		      ks_scale(&c->survey->times.ts, after->sum - before->sum), false);
}

static struct ks_hist delivered_before(const struct ks_collector *c,
				       const struct ks_record *rec)
{
	const struct ks_vcpu *v = NULL;

	if (rec->event == KS_EV_irq_inject && rec->irq_inject.vector < KS_VECTORS)
		v = ks_table_get(&c->model.vcpu_table,
				 (u64)rec->irq_inject.vm << 16 | rec->irq_inject.vcpu);
	if (!v || !v->vector[rec->irq_inject.vector])
		return (struct ks_hist){ 0 };
	return v->vector[rec->irq_inject.vector]->accept_to_inject_ts;
}

static void lateness(struct ks_collector *c, const struct ks_record *rec, double now)
{
	s64 late = rec->timer_expire.late_cycles;
	double ns = ns_of(c, late < 0 ? -(u64)late : (u64)late);

	value(c, now, KS_M_TIMER_LATENESS, late < 0 ? -ns : ns, false);
}

static void vcpu_record(struct ks_collector *c, struct track *t,
			const struct ks_record *rec, double now)
{
	switch (rec->event) {
	case KS_EV_switch_out:
		switch_out(c, t, rec, now);
		break;
	case KS_EV_switch_in:
		switch_in(c, t, rec, now);
		break;
	case KS_EV_exit:
		exit_record(c, t, rec, now);
		break;
	default:
		runs(c, t, now, 0);
	}
	t->slices = t->vcpu->sw.slice_cycles.count;
}

/* Open stories lasted at least until the end. */
static void censor(struct ks_collector *c, struct track *t)
{
	double lasted = c->end - fmax(t->since, 0);

	leave(c, t, c->end);
	if (lasted <= 0)
		return;
	if (t->where == ON_CPU)
		value(c, c->end, KS_M_SLICE, lasted, true);
	else if (t->where == WAITING)
		value(c, c->end, KS_M_WAIT_PREEMPTED, lasted, true);
}

static void close_window(struct ks_collector *c)
{
	for (unsigned int i = 0; i < c->nr; i++)
		censor(c, c->tracks[i]);
	c->closed = true;
}

void ks_collector_record(void *collector, const struct ks_record *rec)
{
	struct ks_collector *c = collector;
	const struct ks_hist before = delivered_before(c, rec);
	double now = time_of(c, rec->ts);
	struct track *t;

	if (now > c->end && !c->closed)
		close_window(c);
	ks_model_record(&c->model, rec);
	if (c->closed)
		return;
	switch (rec->event) {
#define OF_VCPU(record)							\
	case KS_EV_##record:						\
		t = track_of(c, rec->record.vm, rec->record.vcpu);	\
		if (t)							\
			vcpu_record(c, t, rec, now);			\
		break;
	OF_VCPU(vcpu)
	OF_VCPU(load)
	OF_VCPU(put)
	OF_VCPU(switch_out)
	OF_VCPU(switch_in)
	OF_VCPU(exit)
	OF_VCPU(entry)
	case KS_EV_irq_inject:
		delivery(c, rec, &before, now);
		break;
	case KS_EV_timer_expire:
		lateness(c, rec, now);
		break;
	}
}

/* What happened meanwhile is anybody's guess. */
void ks_collector_missed(void *collector, unsigned int cpu, s64 count)
{
	struct ks_collector *c = collector;

	ks_model_missed(&c->model, cpu, count);
	for (unsigned int i = 0; i < c->nr; i++)
		c->tracks[i]->where = NOWHERE;
}

/* A vCPU that waited all the time left no record: a witness speaks for it. */
static void hear_witnesses(struct ks_collector *c)
{
	for (size_t i = 0; i < c->cut->nr_witnesses; i++) {
		const struct ks_witness *w = &c->cut->witnesses[i];
		struct track *t;
		bool known = false;

		for (unsigned int j = 0; j < c->nr; j++)
			known |= c->tracks[j]->vcpu && c->tracks[j]->vcpu->tid == w->tid;
		if (known || !w->starved)
			continue;
		t = track_add(c);
		t->where = WAITING;
		t->since = 0;
		censor(c, t);
	}
}

static void single(struct ks_unit *unit, enum ks_metric metric, double x)
{
	unit->single[metric] = (struct ks_obs){ x, false };
	unit->known[metric] = true;
}

static void finish_unit(struct ks_collector *c, size_t i)
{
	struct ks_unit *unit = &c->units.units[i];
	const struct counts *n = &c->counts[i];
	double *got = xcalloc(c->nr, sizeof(*got)), seconds = c->length / 1e9;
	bool exits = ks_model_has_class(&c->model, KVMSCHED_CLASS_EXIT);
	struct share sum = { 0 };
	size_t wanted = 0;

	for (unsigned int j = 0; j < c->nr; j++) {
		const struct share *s = &c->tracks[j]->share[i];

		sum.on += s->on;
		sum.waiting += s->waiting;
		sum.guest += s->guest;
		/* Fairness is about those who asked: what each got of that. */
		if (s->on + s->waiting > 0)
			got[wanted++] = s->on / (s->on + s->waiting);
	}
	if (wanted && exits)
		single(unit, KS_M_GUEST_SHARE, sum.guest / (c->length * c->nr));
	if (wanted && ks_model_has_class(&c->model, KVMSCHED_CLASS_SWITCH)) {
		single(unit, KS_M_FAIRNESS, ks_jain(got, wanted));
		single(unit, KS_M_STEAL, sum.waiting / (c->length * c->nr));
		single(unit, KS_M_SLICES, n->slices / (seconds * c->nr));
		single(unit, KS_M_PREEMPTIONS, n->preempted / (seconds * c->nr));
		if (sum.on > 0)
			single(unit, KS_M_SWITCHES, n->switches / (sum.on / 1e9));
	}
	free(got);
}

void ks_collector_finish(struct ks_collector *c, struct ks_units *units)
{
	if (!c->closed)
		close_window(c);
	hear_witnesses(c);
	for (size_t i = 0; i < c->units.nr; i++)
		finish_unit(c, i);
	c->units.idle = !c->nr;
	*units = c->units;
	for (unsigned int i = 0; i < c->nr; i++) {
		free(c->tracks[i]->share);
		free(c->tracks[i]);
	}
	free(c->tracks);
	free(c->counts);
	ks_table_free(&c->table);
	ks_model_free(&c->model);
	free(c);
}

void ks_units_free(struct ks_units *units)
{
	for (size_t i = 0; i < units->nr; i++)
		for (unsigned int m = 0; m < KS_M_PER_UNIT; m++)
			ks_values_free(&units->units[i].values[m]);
	free(units->units);
	memset(units, 0, sizeof(*units));
}
