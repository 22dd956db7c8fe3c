// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands out: the figures that the tables have, against the thresholds of short.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "report/short.h"

/* A finding of each kind; @harm is 0 where nothing stands out. */
struct search {
	const struct kvs_view *view;
	struct kvs_finding kinds[KVS_FINDING_KINDS];
};

static void found(struct search *s, enum kvs_finding_kind kind, const struct kvs_vcpu *v,
		  u64 harm, double share)
{
	struct kvs_finding *f = &s->kinds[kind];
	unsigned int others = f->harm ? f->others + 1 : 0;

	if (!harm)
		return;
	if (harm > f->harm)
		*f = (struct kvs_finding){
			.kind = kind, .vcpu = v, .harm = harm, .share = share,
		};
	f->others = others;
}

/* A part of a vCPU's life that stands out by its share, and is no mere trifle */
static void found_share(struct search *s, enum kvs_finding_kind kind,
			const struct kvs_vcpu *v, u64 ns, u64 life, double share, u64 least)
{
	if (ns >= least && ns >= share * life)
		found(s, kind, v, ns, (double)ns / life);
}

static u64 throttled_ns(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < v->waiter.nr; i++)
		if (kvs_thief_is_throttling(&v->waiter.thieves[i].who))
			sum += v->waiter.thieves[i].time;
	return kvs_scale(&view->times.ts, sum);
}

/*
 * Where a vCPU was throttled, whoever had its CPU meanwhile took nothing from it, and
 * where that is inferred, nobody knows how long it was: so all its waits are one finding.
 */
static void look_at_waits(struct search *s, const struct kvs_vcpu *v,
			  const struct kvs_ledger_ns *ns)
{
	u64 waited = ns->states[KVMSCHED_STATE_WAIT_PREEMPTED] +
		     ns->states[KVMSCHED_STATE_WAIT_WOKEN];
	u64 throttled = throttled_ns(s->view, v);
	struct kvs_hist waits;
	bool is_long;

	if (throttled >= KVS_SHORT_NS && throttled >= KVS_SHORT_THROTTLED * ns->wall) {
		found(s, KVS_FINDING_THROTTLED, v, waited, (double)waited / ns->wall);
		return;
	}
	kvs_waits(&s->view->times, v, &waits);
	is_long = waits.count && waits.max >= KVS_SHORT_NS;
	kvs_hist_free(&waits);
	found_share(s, KVS_FINDING_WAIT, v, waited, ns->wall, is_long ? 0 : KVS_SHORT_SHARE,
		    KVS_SHORT_NS);
}

/*
 * What it sleeps until a SIPI is no harm.  Older files do not tell that from other sleep
 * before its first entry.
 */
static u64 blocked_ns(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	kvs_u128 sum = v->blocked_page_ts.sum;

	if (v->sleeps_told)
		sum += v->blocked_before_ts.sum;
	for (unsigned int i = 0; i < v->nr_exits; i++)
		sum += v->exits[i].blocked_ts.sum;
	return kvs_scale_sum(&view->times.ts, sum);
}

static void look_at_spins(struct search *s, const struct kvs_vcpu *v, u64 wall_ns)
{
	u64 all = 0;

	for (unsigned int i = 0; i < KVS_SPINS; i++)
		all += v->spins[i];
	if (all >= KVS_SHORT_SPINS && all >= KVS_SHORT_SPINS_HZ * (wall_ns / 1e9))
		found(s, KVS_FINDING_SPIN, v, all, 0);
}

static void look_at_ledger(struct search *s, const struct kvs_vcpu *v)
{
	struct kvs_ledger_ns ns;

	if (!kvs_model_has_ledger(s->view->model) || !s->view->times.ts.known)
		return;
	kvs_ledger_ns(&s->view->times, &v->ledger, &ns);
	if (!ns.wall)
		return;
	look_at_waits(s, v, &ns);
	look_at_spins(s, v, ns.wall);
	found_share(s, KVS_FINDING_OUT, v, kvs_scale(&s->view->times.ts, v->ledger.paused),
		    ns.wall, KVS_SHORT_SHARE, KVS_SHORT_OUT_NS);
	found_share(s, KVS_FINDING_BLOCKED, v, blocked_ns(s->view, v), ns.wall,
		    KVS_SHORT_SHARE, KVS_SHORT_NS);
	found_share(s, KVS_FINDING_EXITS, v, ns.states[KVMSCHED_STATE_EXIT] +
		    ns.states[KVMSCHED_STATE_USER], ns.wall, KVS_SHORT_EXITS, KVS_SHORT_NS);
}

/* Not a matter of degree: how much of Guest is idle, nobody can see. */
static void look_for_idle(struct search *s, const struct kvs_vcpu *v)
{
	struct kvs_ledger_ns ns = { 0 };
	u64 guest = 0;

	if (!kvs_idles_in_guest(v))
		return;
	if (kvs_model_has_ledger(s->view->model) && s->view->times.ts.known) {
		kvs_ledger_ns(&s->view->times, &v->ledger, &ns);
		guest = ns.states[KVMSCHED_STATE_GUEST];
	}
	found(s, KVS_FINDING_IDLE, v, guest ? : 1, ns.wall ? (double)guest / ns.wall : 0);
}

/* A vCPU that a new thread ran, in files of older versions */
static void look_for_former_selves(struct search *s, const struct kvs_vcpu *v)
{
	const struct kvs_model *m = s->view->model;
	u64 more = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		more += m->vcpus[i]->once == v;
	found(s, KVS_FINDING_ONE_VM, v, more, 0);
}

static void look_at_timer(struct search *s, const struct kvs_vcpu *v)
{
	const struct kvs_timer_stats *t = &v->timer;
	const struct kvs_overdue *o = &t->overdue;
	u64 left_out = t->merged + t->skipped + t->left_out;
	struct kvs_summary late;
	u64 far;

	if (!kvs_model_has_class(s->view->model, KVMSCHED_CLASS_TIMER))
		return;
	if (kvs_overdue(v))
		found(s, KVS_FINDING_LOST_TIMER, v, o->not_expired + o->not_accepted +
		      o->not_injected + o->unanswered, 0);
	if (left_out && left_out >= KVS_SHORT_PART * (t->expired + t->skipped + t->left_out))
		found(s, KVS_FINDING_TICKS, v, left_out, 0);
	if (!s->view->times.ts.known)
		return;
	far = kvs_scale(&s->view->times.ts, t->far.ahead_ts);
	if (t->far.asleep && far >= KVS_SHORT_FAR_NS)
		found(s, KVS_FINDING_FAR_TIMER, v, far, 0);
	if (kvs_shist_summary(&t->deadline_to_inject_ts, &s->view->times.ts, &late) &&
	    late.max >= KVS_SHORT_NS)
		found(s, KVS_FINDING_LATE_TIMER, v, late.max, 0);
}

/* No interrupt came to it, and no timer of it was seen. */
static bool is_quiet(const struct kvs_vcpu *v)
{
	const struct kvs_timer_stats *t = &v->timer;

	for (unsigned int i = 0; i < KVS_VECTORS; i++)
		if (v->vector[i] && (v->vector[i]->accepted || v->vector[i]->injected))
			return false;
	for (unsigned int mode = 0; mode < KVS_TIMER_MODES; mode++)
		if (t->armed[mode])
			return false;
	return !v->other_accepts && !t->rearmed && !t->found && !t->by_vmm && !t->expired;
}

static void look_asleep(struct search *s, const struct kvs_vcpu *v)
{
	struct kvs_ledger_ns ns;

	kvs_ledger_ns(&s->view->times, &v->ledger, &ns);
	if (ns.wall && kvs_selected(&s->view->select, v))
		found_share(s, KVS_FINDING_ASLEEP, v, ns.states[KVMSCHED_STATE_HALTED],
			    ns.wall, KVS_SHORT_ASLEEP, KVS_SHORT_ASLEEP_NS);
}

/* As long as one vCPU of a VM is awake, it may wake the others. */
static void look_for_sleepers(struct search *s)
{
	const struct kvs_model *m = s->view->model;
	unsigned int next;

	if (!kvs_model_has_ledger(m) || !kvs_model_has_class(m, KVMSCHED_CLASS_IRQ) ||
	    !kvs_model_has_class(m, KVMSCHED_CLASS_TIMER) || !s->view->times.ts.known)
		return;
	/* The vCPUs of a VM follow one another. */
	for (unsigned int i = 0; i < m->nr_vcpus; i = next) {
		bool quiet = true;

		for (next = i; next < m->nr_vcpus && m->vcpus[next]->vm == m->vcpus[i]->vm;
		     next++)
			quiet &= is_quiet(m->vcpus[next]);
		for (; quiet && i < next; i++)
			look_asleep(s, m->vcpus[i]);
	}
}

static void look_at_recording(struct search *s)
{
	const struct kvs_model *m = s->view->model;
	u64 lost, missed = 0, refused = 0;
	bool exact = kvs_model_lost(m, &lost);

	for (unsigned int i = 0; i < m->nr_missed; i++)
		missed += m->missed[i].count;
	if (lost || !exact)
		found(s, KVS_FINDING_LOSS, NULL, lost + !exact, 0);
	if (missed && missed >= KVS_SHORT_PART * kvs_model_all_records(m))
		found(s, KVS_FINDING_HITS, NULL, missed, 0);
	if (kvs_model_vcpus_missing(m))
		found(s, KVS_FINDING_MISSING, NULL, m->refused + m->beyond, 0);
	/* What another CPU vendor or kernel has is missing everywhere. */
	for (unsigned int i = 0; i < m->nr_hooks; i++)
		refused += m->hooks[i].status && m->hooks[i].status != -ENOENT;
	if (refused)
		found(s, KVS_FINDING_HOOK, NULL, refused, 0);
}

/* Whatever keeps a vCPU from running is one rank: the longest comes first. */
static int worst_first(const void *left, const void *right)
{
	static const u8 ranks[KVS_FINDING_KINDS] = {
		[KVS_FINDING_LOST_TIMER] = 0, [KVS_FINDING_FAR_TIMER] = 1,
		[KVS_FINDING_ASLEEP] = 2, [KVS_FINDING_WAIT] = 3,
		[KVS_FINDING_THROTTLED] = 3, [KVS_FINDING_OUT] = 3,
		[KVS_FINDING_BLOCKED] = 3,
		[KVS_FINDING_LATE_TIMER] = 4, [KVS_FINDING_TICKS] = 5,
		[KVS_FINDING_SPIN] = 6, [KVS_FINDING_EXITS] = 7, [KVS_FINDING_IDLE] = 8,
		[KVS_FINDING_ONE_VM] = 9, [KVS_FINDING_LOSS] = 10,
		[KVS_FINDING_HITS] = 11, [KVS_FINDING_MISSING] = 12,
		[KVS_FINDING_HOOK] = 13,
	};
	const struct kvs_finding *a = left, *b = right;

	if (ranks[a->kind] != ranks[b->kind])
		return ranks[a->kind] < ranks[b->kind] ? -1 : 1;
	if (a->harm != b->harm)
		return a->harm > b->harm ? -1 : 1;
	return a->kind < b->kind ? -1 : 1;
}

/* It is no harm itself, but says what the figures of others are worth. */
static bool is_about_figures(const struct kvs_finding *f)
{
	return f->kind >= KVS_FINDING_IDLE;
}

unsigned int kvs_short_find(const struct kvs_view *view,
			    struct kvs_finding findings[KVS_SHORT])
{
	struct search s = { .view = view };
	unsigned int room = KVS_SHORT, nr = 0;

	for (unsigned int i = 0; i < view->model->nr_vcpus; i++) {
		if (!kvs_selected(&view->select, view->model->vcpus[i]))
			continue;
		look_at_ledger(&s, view->model->vcpus[i]);
		look_for_idle(&s, view->model->vcpus[i]);
		look_for_former_selves(&s, view->model->vcpus[i]);
		look_at_timer(&s, view->model->vcpus[i]);
	}
	look_for_sleepers(&s);
	look_at_recording(&s);
	qsort(s.kinds, KVS_FINDING_KINDS, sizeof(s.kinds[0]), worst_first);
	/* Whether the figures can be trusted is said in any case. */
	for (unsigned int i = 0; i < KVS_FINDING_KINDS; i++)
		room -= s.kinds[i].harm && is_about_figures(&s.kinds[i]);
	for (unsigned int i = 0; i < KVS_FINDING_KINDS; i++) {
		bool spared = is_about_figures(&s.kinds[i]);

		if (!s.kinds[i].harm || (!spared && !room))
			continue;
		room -= !spared;
		findings[nr++] = s.kinds[i];
	}
	return nr;
}
