// SPDX-License-Identifier: GPL-2.0-only
/*
 * Says why a guest's trace can't be joined, and what to do about it; see join.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "merge/join.h"

/* How far away a shift is looked for that would do, in cycles: some ms */
#define LIMIT	10000000

/* The way that comes nearest to being one: each CPU on the vCPU that fits it best */
struct guess {
	const struct kvs_candidate *vm;
	struct kvs_placing *placings;	/* by CPU with events */
	size_t nr;
	struct kvs_placed sum;
	struct kvs_shifts would;	/* fit, with most events in guest mode ... */
	u64 away;			/* ... and are so far from 0; UINT64_MAX: none do */
};

static bool is_better(const struct kvs_placed *a, const struct kvs_placed *b)
{
	return a->inside != b->inside ? a->inside > b->inside : a->outside < b->outside;
}

static bool is_better_guess(const struct guess *a, const struct guess *b)
{
	return a->away != b->away ? a->away < b->away : is_better(&a->sum, &b->sum);
}

/*
 * Which shifts would fit?  One that puts most events where nothing is known of the vCPU
 * fits anything.
 */
static void find_shifts(struct guess *guess, u64 events)
{
	u64 inside = 0;
	s64 shift;

	guess->away = UINT64_MAX;
	if (!guess->sum.outside ||
	    !kvs_causal_nearest(guess->placings, guess->nr, LIMIT, &guess->would))
		return;
	shift = guess->would.from > 0 ? guess->would.from : guess->would.to;
	for (size_t i = 0; i < guess->nr; i++)
		inside += kvs_causal_place(&guess->placings[i], shift).inside;
	if (inside > events / 2)
		guess->away = shift < 0 ? -shift : shift;
}

static struct guess guess_of(const struct kvs_joined *g, const struct kvs_candidates *c,
			     const struct kvs_candidate *vm)
{
	struct guess guess = {
		.vm = vm, .nr = c->nr_cpus,
		.placings = xcalloc(c->nr_cpus, sizeof(*guess.placings)),
	};

	for (size_t i = 0; i < c->nr_cpus; i++) {
		struct kvs_placed *placed = &vm->placed[i * vm->nr];
		struct kvs_placing p = {
			.events = g->side.cpus[c->cpus[i]].at,
			.nr = g->side.cpus[c->cpus[i]].nr,
		};
		size_t best = 0;

		for (size_t v = 0; v < vm->nr; v++) {
			p.vcpu = vm->vcpus[v];
			if (placed[v].outside != KVS_NOT_TOLD)
				placed[v] = kvs_causal_place(&p, 0);
			if (is_better(&placed[v], &placed[best]))
				best = v;
		}
		p.vcpu = vm->vcpus[best];
		guess.placings[i] = p;
		guess.sum.inside += placed[best].inside;
		guess.sum.outside += placed[best].outside;
		guess.sum.unknown += placed[best].unknown;
		guess.sum.early += placed[best].early;
		guess.sum.between += placed[best].between;
	}
	find_shifts(&guess, g->side.events);
	return guess;
}

static struct guess best_guess(const struct kvs_joined *g, const struct kvs_candidates *c)
{
	struct guess best = guess_of(g, c, &c->vms[0]);

	for (size_t i = 1; i < c->nr; i++) {
		struct guess other = guess_of(g, c, &c->vms[i]);
		bool better = is_better_guess(&other, &best);

		free(better ? best.placings : other.placings);
		if (better)
			best = other;
	}
	return best;
}

static double seconds(const struct kvs_host_side *h, s64 cycles)
{
	double ns = kvs_scale(&h->ns, cycles < 0 ? -(u64)cycles : (u64)cycles);

	return (cycles < 0 ? -ns : ns) / 1e9;
}

static void say_elsewhen(const struct kvs_joined *g, const struct kvs_host_side *h,
			 const struct guess *guess)
{
	u64 first = UINT64_MAX, last = 0;
	char label[KVS_VM_LEN];

	for (size_t i = 0; i < guess->nr; i++) {
		const struct kvs_placing *p = &guess->placings[i];
		const struct kvs_guest_tsc *tsc = &kvs_last_tsc(p->vcpu)->tsc;
		u64 from = kvs_host_of_guest(tsc, p->events[0]);
		u64 to = kvs_host_of_guest(tsc, p->events[p->nr - 1]);

		/* Before the host's TSC was 0, times are negative. */
		first = !i || (s64)(from - first) < 0 ? from : first;
		last = !i || (s64)(to - last) > 0 ? to : last;
	}
	kvs_err("%s: none of its events is from the time for which the host's recording tells guest mode: by the TSC offset of VM %s they are from %.3f to %.3f s after its begin, and it is %.3f s long",
		g->side.path, kvs_host_vm_label(label, guess->vm->vcpus[0]),
		seconds(h, first - h->begin), seconds(h, last - h->begin),
		seconds(h, h->end - h->begin));
	kvs_hint("a guest's TSC tells the time of one boot alone: record host and guest at the same time");
}

static void say_changed(const struct kvs_joined *g, const struct kvs_host_side *h,
			const struct guess *guess)
{
	u64 since = 0;

	for (size_t i = 0; i < guess->nr; i++) {
		const struct kvs_host_vcpu *v = guess->placings[i].vcpu;

		if (v->epochs[v->first_epoch].since > since)
			since = v->epochs[v->first_epoch].since;
	}
	kvs_err("%s: %" PRIu64 " of its %" PRIu64 " events are from before its TSC was set back, %.6f s after the begin of the host's recording",
		g->side.path, guess->sum.early, g->side.events, seconds(h, since - h->begin));
	kvs_hint("a guest that boots, is restored or migrated gets a new TSC: record after that");
}

/* What the guess would need to fit, as the end of a sentence; the caller frees it. */
static char *what_would(const struct kvs_host_side *h, const struct guess *guess)
{
	double from = 1e9 * seconds(h, guess->would.from), to = 1e9 * seconds(h, guess->would.to);

	if (guess->away == UINT64_MAX)
		return xstrdup("");
	if (to > 0)
		return xasprintf("; none would if they were all later by %.0f to %.0f ns", from, to);
	return xasprintf("; none would if they were all earlier by %.0f to %.0f ns", -to, -from);
}

static void say_outside(const struct kvs_joined *g, const struct kvs_host_side *h,
			const struct guess *guess)
{
	char label[KVS_VM_LEN], *would = what_would(h, guess);

	kvs_err("%s: by KVM's TSC offset of VM %s %" PRIu64 " of its %" PRIu64 " events lie outside of guest mode%s",
		g->side.path, kvs_host_vm_label(label, guess->vm->vcpus[0]),
		guess->sum.outside, g->side.events, would);
	kvs_hint("it is of another VM, another vCPU or another boot, or the guest's TSC was written while the host recorded");
	free(would);
}

static void say_too_few(const struct kvs_joined *g, const struct kvs_candidates *c)
{
	kvs_err("%s: has events of %zu CPUs, and the host's recording has no VM with so many vCPUs that fit one CPU each",
		g->side.path, c->nr_cpus);
	kvs_hint("record all of the VM's vCPUs on the host");
}

static void say_several(const struct kvs_joined *g, const struct kvs_candidates *c)
{
	char label[KVS_VM_LEN];
	char *vms = xstrdup("");
	size_t nr = 0;

	for (size_t i = 0; i < c->nr; i++) {
		char *more;

		if (c->vms[i].ways == KVS_CANDIDATE_NO)
			continue;
		more = xasprintf("%s%s%s", vms, nr++ ? ", " : "",
				 kvs_host_vm_label(label, c->vms[i].vcpus[0]));
		free(vms);
		vms = more;
	}
	if (nr > 1) {
		kvs_err("%s: its events fit more than one VM: %s", g->side.path, vms);
		kvs_hint("say which: VM=%s; or record more events", g->side.path);
	} else {
		kvs_err("%s: its CPUs fit the vCPUs of VM %s in more than one way", g->side.path,
			vms);
		kvs_hint("say which is which: --cpu CPU=VCPU; or record more events");
	}
	free(vms);
}

static bool has_several(const struct kvs_candidates *c)
{
	for (size_t i = 0; i < c->nr; i++)
		if (c->vms[i].ways != KVS_CANDIDATE_NO)
			return true;
	return false;
}

static bool has_room(const struct kvs_candidates *c)
{
	for (size_t i = 0; i < c->nr; i++)
		if (c->vms[i].nr >= c->nr_cpus)
			return true;
	return false;
}

static void say_none(const struct kvs_joined *g, const struct kvs_host_side *h,
		     const struct kvs_candidates *c)
{
	struct guess guess = best_guess(g, c);

	if (!guess.sum.inside && !guess.sum.outside)
		say_elsewhen(g, h, &guess);
	else if (guess.sum.early)
		say_changed(g, h, &guess);
	else if (guess.sum.outside && has_room(c))
		say_outside(g, h, &guess);
	else
		say_too_few(g, c);
	free(guess.placings);
}

static void say_no_vm(const struct kvs_joined *g, const struct kvs_host_side *h)
{
	char label[KVS_VM_LEN];
	char *vms = xstrdup("");

	for (size_t i = 0; i < h->nr; i++) {
		char *more;

		if (i && h->vcpus[i]->vm == h->vcpus[i - 1]->vm)
			continue;
		more = xasprintf("%s%s%s", vms, i ? ", " : "",
				 kvs_host_vm_label(label, h->vcpus[i]));
		free(vms);
		vms = more;
	}
	kvs_err("%s: the host recorded no such VM", g->side.path);
	kvs_hint("it recorded %s", vms);
	free(vms);
}

void kvs_join_refuse(const struct kvs_joined *g, const struct kvs_host_side *h,
		     const struct kvs_candidates *c)
{
	if (!c->nr)
		say_no_vm(g, h);
	else if (has_several(c))
		say_several(g, c);
	else
		say_none(g, h, c);
}
