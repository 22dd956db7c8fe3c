// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts of a part of a recording; see excerpt.h.
 *
 * Sinks get the spans that end in the excerpt.  What the model counts itself, it counts all
 * the time, since it needs some of that: so all counters are looked at when the excerpt
 * begins and when it ends, and at last each of them becomes the difference.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/model.h"
#include "model/summary.h"
#include "model/excerpt.h"

/* What is done with each counter; @key is the same each time. */
struct visitor {
	void (*visit)(const struct visitor *v, u64 key, void *counter, size_t size);
	struct kvs_model *m;
	struct kvs_table *table;
};

#define VISIT(v, counter)	(v)->visit(v, (uintptr_t)&(counter), &(counter), sizeof(counter))

/* The rows of senders move when there are more of them; no object is where such keys are. */
static u64 sender_key(const struct kvs_vector_stats *s, unsigned int row, bool merged)
{
	return 1ULL << 63 | (uintptr_t)s >> 4 << 16 | (row & 0x7fff) << 1 | merged;
}

static void visit_vector(const struct visitor *v, struct kvs_vector_stats *s)
{
	VISIT(v, s->accepted);
	VISIT(v, s->merged);
	VISIT(v, s->injected);
	VISIT(v, s->posted);
	VISIT(v, s->soft);
	VISIT(v, s->reinjected);
	VISIT(v, s->eoi);
	for (unsigned int i = 0; i < s->nr_senders; i++) {
		u64 *accepted = &s->senders[i].accepted, *merged = &s->senders[i].merged;

		v->visit(v, sender_key(s, i, false), accepted, sizeof(*accepted));
		v->visit(v, sender_key(s, i, true), merged, sizeof(*merged));
	}
}

static void visit_timer(const struct visitor *v, struct kvs_timer_stats *t)
{
	for (unsigned int mode = 0; mode < KVS_TIMER_MODES; mode++)
		VISIT(v, t->armed[mode]);
	VISIT(v, t->rearmed);
	VISIT(v, t->found);
	VISIT(v, t->by_vmm);
	VISIT(v, t->hv_armed);
	VISIT(v, t->expired);
	VISIT(v, t->hv_expired);
	VISIT(v, t->merged);
	VISIT(v, t->skipped);
	VISIT(v, t->left_out);
	VISIT(v, t->injected);
	VISIT(v, t->posted);
	VISIT(v, t->overdue.not_expired);
	VISIT(v, t->overdue.not_accepted);
	VISIT(v, t->overdue.not_injected);
	VISIT(v, t->overdue.unanswered);
	VISIT(v, t->overdue.not_judged);
}

static void visit_stimer(const struct visitor *v, struct kvs_stimer *t)
{
	VISIT(v, t->armed);
	VISIT(v, t->delivered);
	VISIT(v, t->refused);
}

static void visit_vcpu(const struct visitor *v, struct kvs_vcpu *vcpu)
{
	VISIT(v, vcpu->policy_changes);
	VISIT(v, vcpu->sw.in);
	VISIT(v, vcpu->other_accepts);
	VISIT(v, vcpu->halts.count);
	VISIT(v, vcpu->halts.slept);
	VISIT(v, vcpu->halts.poll_ns);
	VISIT(v, vcpu->halts.halt_ns);
	visit_timer(v, &vcpu->timer);
	for (unsigned int i = 0; vcpu->stimers && i < KS_STIMERS; i++)
		visit_stimer(v, &vcpu->stimers[i]);
	for (unsigned int i = 0; i < KVS_VECTORS; i++)
		if (vcpu->vector[i])
			visit_vector(v, vcpu->vector[i]);
	for (unsigned int i = 0; vcpu->ipis && i < KVS_IPIS; i++)
		VISIT(v, vcpu->ipis[i]);
}

static void visit_all(const struct visitor *v)
{
	struct kvs_model *m = v->m;

	for (unsigned int i = 0; i < KS_NR_EVENTS; i++)
		VISIT(v, m->records[i]);
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		visit_vcpu(v, m->vcpus[i]);
	for (unsigned int i = 0; i < m->nr_tasks; i++) {
		VISIT(v, m->tasks[i]->preempted);
		VISIT(v, m->tasks[i]->blocked);
	}
	for (unsigned int i = 0; i < m->quotas.nr; i++) {
		VISIT(v, m->quotas.cgroups[i]->count);
		VISIT(v, m->quotas.cgroups[i]->open);
	}
}

/* Sums of 128 bits are far from being that long. */
static u64 value_of(const void *counter, size_t size)
{
	return size == sizeof(kvs_u128) ? (u64)*(const kvs_u128 *)counter : *(const u64 *)counter;
}

static void note_value(const struct visitor *v, u64 key, void *counter, size_t size)
{
	u64 value = value_of(counter, size);

	if (value)
		kvs_table_put(v->table, key, (void *)(uintptr_t)value);
}

static u64 noted(const struct kvs_table *table, u64 key)
{
	return (uintptr_t)kvs_table_get(table, key);
}

static void take_difference(const struct visitor *v, u64 key, void *counter, size_t size)
{
	const struct kvs_counting *c = &v->m->counting;
	u64 value = c->ended ? noted(&c->at_end, key) : value_of(counter, size);

	value -= noted(&c->at_begin, key);
	if (size == sizeof(kvs_u128))
		*(kvs_u128 *)counter = value;
	else
		*(u64 *)counter = value;
}

static void note_values(struct kvs_model *m, struct kvs_table *table)
{
	const struct visitor v = { .visit = note_value, .m = m, .table = table };

	visit_all(&v);
}

/*
 * A stretch of time in a state.  The time of a poll came as state exit before, and is taken
 * from that.  The ledger knows if state blocked is out of KVM_RUN, and unknown a loss.
 */
static void take_state(void *ctx, const struct kvs_span *span)
{
	const struct kvs_model *m = ctx;
	const struct kvs_ledger *l = &span->vcpu->ledger;
	struct kvs_ledger_part *p = &span->vcpu->part;
	u64 time = kvs_excerpt_part(&m->counting.excerpt, span->begin, span->end);

	/* Its life has begun anew. */
	if (p->begin != l->begin)
		*p = (struct kvs_ledger_part){ .begin = l->begin };
	p->states[span->state.state] += time;
	switch (span->state.state) {
	case KVMSCHED_STATE_POLL:
		p->states[KVMSCHED_STATE_EXIT] -= time;
		break;
	case KVMSCHED_STATE_BLOCKED:
		p->paused += l->loaded ? 0 : time;
		break;
	case KVMSCHED_STATE_UNKNOWN:
		p->lost += l->lost != p->lost_before ? time : 0;
		break;
	}
	p->lost_before = l->lost;
}

void kvs_model_excerpt(struct kvs_model *m, u64 from, u64 to)
{
	const struct kvs_excerpt excerpt = { .on = true, .from = from, .to = to };

	m->counting.excerpt = m->sinks.excerpt = m->queues.excerpt = m->quotas.excerpt = excerpt;
	m->queues.idles.excerpt = excerpt;
	kvs_sinks_add_whole(&m->sinks, KVS_SPAN_BIT(STATE), take_state, m);
}

void kvs_excerpt_pass(struct kvs_model *m, u64 ts)
{
	struct kvs_counting *c = &m->counting;

	if (!c->begun && ts >= c->excerpt.from) {
		note_values(m, &c->at_begin);
		c->begun = true;
	}
	if (!c->ended && ts >= c->excerpt.to) {
		note_values(m, &c->at_end);
		c->ended = true;
	}
}

static void cut_ledger(const struct kvs_excerpt *w, struct kvs_vcpu *v)
{
	struct kvs_ledger *l = &v->ledger;

	v->outside = !kvs_excerpt_part(w, l->begin, l->since) &&
		     (v->first_ts >= w->to || (v->ended && l->since <= w->from));
	/* It began before, or goes on afterwards. */
	v->born &= l->begin >= w->from;
	v->ended &= l->since <= w->to;
	if (v->part.begin == l->begin) {
		memcpy(l->states, v->part.states, sizeof(l->states));
		l->paused = v->part.paused;
		l->lost = v->part.lost;
	}
	l->since = kvs_excerpt_part(w, l->begin, l->since);
	l->begin = l->begin > w->from ? l->begin : w->from;
	l->since += l->begin;
}

/* Who took the CPU, and is there only since that wait might have ended in the excerpt */
static void drop_empty_takers(struct kvs_switch_stats *sw)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < sw->nr_takers; i++) {
		u64 count = sw->takers[i].wait_cycles.count;

		for (unsigned int kind = 0; kind < KVS_SWITCH_KINDS; kind++)
			count += sw->takers[i].count[kind];
		if (count)
			sw->takers[kept++] = sw->takers[i];
		else
			kvs_hist_free(&sw->takers[i].wait_cycles);
	}
	sw->nr_takers = kept;
	sw->last_taker = -1;
}

/* Vectors and senders that had no interrupt in the excerpt */
static void drop_empty_vectors(struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		struct kvs_vector_stats *s = v->vector[i];
		unsigned int kept = 0;

		if (!s)
			continue;
		for (unsigned int row = 0; row < s->nr_senders; row++) {
			struct kvs_sender_stats *sender = &s->senders[row];

			/* Its interrupt may have been accepted before, and injected now. */
			if (sender->accepted || sender->accept_to_inject_ts.count)
				s->senders[kept++] = *sender;
		}
		s->nr_senders = kept;
		if (s->accepted || s->merged || s->injected || s->posted || s->soft ||
		    s->reinjected || s->eoi)
			continue;
		kvs_vector_free(s);
		v->vector[i] = NULL;
	}
}

static void drop_empty_tasks(struct kvs_model *m)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < m->nr_tasks; i++) {
		struct kvs_task *t = m->tasks[i];

		if (t->slices || t->preempted || t->blocked || t->preempted_wait_ts.count) {
			m->tasks[kept++] = t;
			continue;
		}
		kvs_hist_free(&t->slice_ts);
		kvs_hist_free(&t->preempted_wait_ts);
		free(t);
	}
	m->nr_tasks = kept;
}

void kvs_excerpt_finish(struct kvs_model *m)
{
	const struct visitor v = { .visit = take_difference, .m = m };
	struct kvs_counting *c = &m->counting;

	/* It begins after the last record. */
	if (!c->begun)
		note_values(m, &c->at_begin);
	memcpy(c->records, m->records, sizeof(c->records));
	visit_all(&v);
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		cut_ledger(&c->excerpt, m->vcpus[i]);
		drop_empty_takers(&m->vcpus[i]->sw);
		drop_empty_vectors(m->vcpus[i]);
		m->vcpus[i]->kernel.known = false;
		if (c->ended)
			m->vcpus[i]->timer.far.ahead_ts = 0;
	}
	drop_empty_tasks(m);
	for (unsigned int i = 0; i < m->quotas.nr; i++) {
		m->quotas.cgroups[i]->throttled_ts = m->quotas.cgroups[i]->part_ts;
		m->quotas.cgroups[i]->open_ts = m->quotas.cgroups[i]->open_part_ts;
	}
}

void kvs_excerpt_free(struct kvs_model *m)
{
	kvs_table_free(&m->counting.at_begin);
	kvs_table_free(&m->counting.at_end);
}
