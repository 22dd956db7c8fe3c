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
#include "base/util.h"
#include "compare/compare.h"
#include "trace/load.h"

enum where { NOWHERE, ON_CPU, WAITING, ASLEEP };

/* One vCPU's time in one unit, in ns */
struct share {
	double on, waiting, guest;
};

struct track {
	const struct kvs_vcpu *vcpu;	/* NULL: known by a witness only */
	long tid;
	enum where where;
	double since;			/* ns from the beginning */
	u64 slices;			/* of the model, as last seen */
	struct share *share;		/* by unit */
};

struct counts {
	u64 slices, preempted, switches;
};

struct kvs_collector {
	struct kvs_model model;
	const struct kvs_survey *survey;
	const struct kvs_cut *cut;
	double length;			/* of a unit, ns */
	double end;			/* of the last one */
	bool closed;			/* that is over */
	struct kvs_units units;
	struct counts *counts;		/* by unit */
	struct track **tracks;
	unsigned int nr;
	struct kvs_table table;		/* by vm and vcpu */
};

struct kvs_collector *kvs_collector_create(const struct kvs_survey *survey,
					   const struct kvs_cut *cut)
{
	struct kvs_collector *c = xcalloc(1, sizeof(*c));
	double all = kvs_scale(&survey->times.ts, survey->end - survey->begin);

	kvs_model_init(&c->model);
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

/* The unit that has @ns, or NULL outside of all of them */
static struct kvs_unit *unit_at(struct kvs_collector *c, double ns, struct counts **counts)
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

static void value(struct kvs_collector *c, double at, enum kvs_metric metric,
		  double x, bool censored)
{
	struct kvs_unit *unit = unit_at(c, at, NULL);

	if (unit)
		kvs_values_add(&unit->values[metric], x, censored);
}

/* Adds the stretch to the member at @offset of each unit's share. */
static void spread(struct kvs_collector *c, struct track *t, double from,
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

static struct track *track_add(struct kvs_collector *c)
{
	struct track *t = xcalloc(1, sizeof(*t));

	t->share = xcalloc(c->units.nr, sizeof(*t->share));
	c->tracks = xrealloc(c->tracks, (c->nr + 1) * sizeof(*c->tracks));
	c->tracks[c->nr++] = t;
	return t;
}

static struct track *track_of(struct kvs_collector *c, u16 vm, u16 id)
{
	u64 key = (u64)vm << 16 | id;
	struct track *t = kvs_table_get(&c->table, key);
	const struct kvs_vcpu *v;

	if (t)
		return t;
	v = kvs_table_get(&c->model.vcpu_table, key);
	if (!v)
		return NULL;
	t = track_add(c);
	t->vcpu = v;
	kvs_table_put(&c->table, key, t);
	return t;
}

/* What it did since the last change ends now. */
static void leave(struct kvs_collector *c, struct track *t, double now)
{
	if (t->where == ON_CPU)
		SPREAD(c, t, t->since, now, on);
	else if (t->where == WAITING)
		SPREAD(c, t, t->since, now, waiting);
}

static void go(struct kvs_collector *c, struct track *t, enum where where,
	       double now)
{
	leave(c, t, now);
	t->where = where;
	t->since = now;
}

/* It runs, as it tells so itself; for at least @ns already. */
static void runs(struct kvs_collector *c, struct track *t, double now, double ns)
{
	if (t->where != ON_CPU) {
		t->where = ON_CPU;
		t->since = now - ns;
	}
}

static void switch_out(struct kvs_collector *c, struct track *t,
		       const struct kvs_record *rec, double now)
{
	bool preempted = rec->switch_out.kind == KS_SWITCH_PREEMPTED;
	double ran = ns_of(c, rec->switch_out.ran_cycles);
	struct counts *counts;

	if (t->where != ON_CPU)
		runs(c, t, now, ran);
	if (t->vcpu->sw.slice_cycles.count != t->slices)
		value(c, now, KVS_M_SLICE, ran, false);
	else if (!rec->switch_out.ran_cycles && now > t->since)
		value(c, now, KVS_M_SLICE, now - fmax(t->since, 0), true);
	if (unit_at(c, now, &counts)) {
		counts->switches++;
		counts->slices++;
		counts->preempted += preempted;
	}
	go(c, t, preempted || rec->switch_out.kind == KS_SWITCH_ABORTED ?
		 WAITING : ASLEEP, now);
}

static void switch_in(struct kvs_collector *c, struct track *t,
		      const struct kvs_record *rec, double now)
{
	bool preempted = rec->switch_in.kind == KS_SWITCH_PREEMPTED ||
			 rec->switch_in.kind == KS_SWITCH_ABORTED;
	double off = ns_of(c, rec->switch_in.off_cycles);

	if (off > 0 && preempted) {
		value(c, now, KVS_M_WAIT_PREEMPTED, off, false);
		if (t->where != WAITING) {
			t->where = WAITING;
			t->since = now - off;
		}
	} else if (off > 0) {
		value(c, now, KVS_M_WAIT_WOKEN, rec->switch_in.wait_ns, false);
		t->where = WAITING;
		t->since = now - rec->switch_in.wait_ns;
	}
	go(c, t, ON_CPU, now);
}

static void exit_record(struct kvs_collector *c, struct track *t,
			const struct kvs_record *rec, double now)
{
	double host = ns_of(c, rec->exit.host_cycles);
	double guest = ns_of(c, rec->exit.guest_cycles);

	runs(c, t, now, host + guest);
	SPREAD(c, t, now - host - guest, now - host, guest);
	if (!(rec->exit.flags & KS_EXIT_FASTPATH))
		value(c, now, KVS_M_EXIT_COST, host, false);
}

/* What an interrupt's way to the guest took, if the model saw both ends. */
static void delivery(struct kvs_collector *c, const struct kvs_record *rec,
		     const struct kvs_hist *before, double now)
{
	const struct kvs_vcpu *v;
	const struct kvs_hist *after;

	v = kvs_table_get(&c->model.vcpu_table, (u64)rec->irq_inject.vm << 16 |
					       rec->irq_inject.vcpu);
	if (!v || rec->irq_inject.vector >= KVS_VECTORS || !v->vector[rec->irq_inject.vector])
		return;
	after = &v->vector[rec->irq_inject.vector]->accept_to_inject_ts;
	if (after->count != before->count)
		value(c, now, KVS_M_IRQ_DELIVERY,
		      kvs_scale(&c->survey->times.ts, after->sum - before->sum), false);
}

static struct kvs_hist delivered_before(const struct kvs_collector *c,
					const struct kvs_record *rec)
{
	const struct kvs_vcpu *v = NULL;

	if (rec->event == KS_EV_irq_inject && rec->irq_inject.vector < KVS_VECTORS)
		v = kvs_table_get(&c->model.vcpu_table,
				  (u64)rec->irq_inject.vm << 16 | rec->irq_inject.vcpu);
	if (!v || !v->vector[rec->irq_inject.vector])
		return (struct kvs_hist){ 0 };
	return v->vector[rec->irq_inject.vector]->accept_to_inject_ts;
}

static void lateness(struct kvs_collector *c, const struct kvs_record *rec, double now)
{
	s64 late = rec->timer_expire.late_cycles;
	double ns = ns_of(c, late < 0 ? -(u64)late : (u64)late);

	value(c, now, KVS_M_TIMER_LATENESS, late < 0 ? -ns : ns, false);
}

static void vcpu_record(struct kvs_collector *c, struct track *t,
			const struct kvs_record *rec, double now)
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
static void censor(struct kvs_collector *c, struct track *t)
{
	double lasted = c->end - fmax(t->since, 0);

	leave(c, t, c->end);
	if (lasted <= 0)
		return;
	if (t->where == ON_CPU)
		value(c, c->end, KVS_M_SLICE, lasted, true);
	else if (t->where == WAITING)
		value(c, c->end, KVS_M_WAIT_PREEMPTED, lasted, true);
}

static void close_window(struct kvs_collector *c)
{
	for (unsigned int i = 0; i < c->nr; i++)
		censor(c, c->tracks[i]);
	c->closed = true;
}

void kvs_collector_record(void *collector, const struct kvs_record *rec)
{
	struct kvs_collector *c = collector;
	const struct kvs_hist before = delivered_before(c, rec);
	double now = time_of(c, rec->ts);
	struct track *t;

	if (now > c->end && !c->closed)
		close_window(c);
	kvs_model_record(&c->model, rec);
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
void kvs_collector_missed(void *collector, unsigned int cpu, s64 count)
{
	struct kvs_collector *c = collector;

	kvs_model_missed(&c->model, cpu, count);
	for (unsigned int i = 0; i < c->nr; i++)
		c->tracks[i]->where = NOWHERE;
}

/* A vCPU that waited all the time left no record: a witness speaks for it. */
static void hear_witnesses(struct kvs_collector *c)
{
	for (size_t i = 0; i < c->cut->nr_witnesses; i++) {
		const struct kvs_witness *w = &c->cut->witnesses[i];
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

static void single(struct kvs_unit *unit, enum kvs_metric metric, double x)
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
		single(unit, KVS_M_GUEST_SHARE, sum.guest / (c->length * c->nr));
	if (wanted && kvs_model_has_class(&c->model, KVMSCHED_CLASS_SWITCH)) {
		single(unit, KVS_M_FAIRNESS, kvs_jain(got, wanted));
		single(unit, KVS_M_STEAL, sum.waiting / (c->length * c->nr));
		single(unit, KVS_M_SLICES, n->slices / (seconds * c->nr));
		single(unit, KVS_M_PREEMPTIONS, n->preempted / (seconds * c->nr));
		if (sum.on > 0)
			single(unit, KVS_M_SWITCHES, n->switches / (sum.on / 1e9));
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
	for (unsigned int i = 0; i < c->nr; i++) {
		free(c->tracks[i]->share);
		free(c->tracks[i]);
	}
	free(c->tracks);
	free(c->counts);
	kvs_table_free(&c->table);
	kvs_model_free(&c->model);
	free(c);
}

void kvs_units_free(struct kvs_units *units)
{
	for (size_t i = 0; i < units->nr; i++)
		for (unsigned int m = 0; m < KVS_M_PER_UNIT; m++)
			kvs_values_free(&units->units[i].values[m]);
	free(units->units);
	memset(units, 0, sizeof(*units));
}
