// SPDX-License-Identifier: GPL-2.0-only
/*
 * Causality of a guest's events; see causal.h.
 */
#include "merge/causal.h"

/* Events that are looked at in a search before it gives up: some seconds */
#define MAX_LOOKS	100000000

static bool within(const struct kvs_stretches *s, u64 at)
{
	size_t before = kvs_stretches_before(s, at + 1);

	return before && s->at[before - 1].end >= at;
}

/* The stretch that has @at strictly between its ends; NULL: none */
static const struct kvs_stretch *around(const struct kvs_stretches *s, u64 at)
{
	size_t before = kvs_stretches_before(s, at);

	return before && s->at[before - 1].end > at ? &s->at[before - 1] : NULL;
}

static void place_event(const struct kvs_host_vcpu *v, u64 event, s64 shift,
			struct kvs_placed *placed)
{
	struct kvs_host_time time = kvs_host_time(v, event);
	u64 at = time.at + shift;

	placed->between += time.told == KVS_TIME_BETWEEN;
	placed->outside += time.told == KVS_TIME_NEVER;
	if (time.told == KVS_TIME_BETWEEN || time.told == KVS_TIME_NEVER)
		return;
	placed->early += time.told == KVS_TIME_EARLY;
	if (around(&v->out, at))
		placed->outside++;
	else if (within(&v->guest, at))
		placed->inside++;
	else
		placed->unknown++;
}

struct kvs_placed kvs_causal_place(const struct kvs_placing *p, s64 shift)
{
	struct kvs_placed placed = { 0 };

	for (size_t i = 0; i < p->nr; i++)
		place_event(p->vcpu, p->events[i], shift, &placed);
	return placed;
}

bool kvs_causal_fits(const struct kvs_placing *p, struct kvs_placed *placed)
{
	*placed = (struct kvs_placed){ 0 };
	for (size_t i = 0; i < p->nr && !placed->outside && !placed->early; i++)
		place_event(p->vcpu, p->events[i], 0, placed);
	return placed->inside && !placed->outside && !placed->early;
}

static s64 limited(u64 distance)
{
	return distance < (u64)KVS_SHIFT_MAX ? (s64)distance : KVS_SHIFT_MAX;
}

/* Narrows @shifts to what is possible for one event, which is at @at by now. */
static bool narrow(const struct kvs_stretches *out, u64 at, s64 shift, struct kvs_shifts *shifts)
{
	size_t before = kvs_stretches_before(out, at);
	s64 earlier = KVS_SHIFT_MAX, later = KVS_SHIFT_MAX;

	if (before) {
		if (out->at[before - 1].end > at)
			return false;
		earlier = limited(at - out->at[before - 1].end);
	}
	if (before < out->nr)
		later = limited(out->at[before].begin - at);
	if (earlier < KVS_SHIFT_MAX && shift - earlier > shifts->from)
		shifts->from = shift - earlier;
	if (later < KVS_SHIFT_MAX && shift + later < shifts->to)
		shifts->to = shift + later;
	return true;
}

bool kvs_causal_shifts(const struct kvs_placing *p, size_t nr, s64 shift,
		       struct kvs_shifts *shifts)
{
	*shifts = (struct kvs_shifts){ .from = -KVS_SHIFT_MAX, .to = KVS_SHIFT_MAX };
	for (const struct kvs_placing *end = p + nr; p < end; p++) {
		for (size_t i = 0; i < p->nr; i++) {
			struct kvs_host_time time = kvs_host_time(p->vcpu, p->events[i]);

			if (time.told == KVS_TIME_NEVER ||
			    (time.told != KVS_TIME_BETWEEN &&
			     !narrow(&p->vcpu->out, time.at + shift, shift, shifts)))
				return false;
		}
	}
	return true;
}

/*
 * How much further, in the direction of @sign, each shift must at least be that has no
 * event outside: none can be where an event is still in the stretch that it is in now.
 * UINT64_MAX: no shift helps.
 */
static u64 least_step(const struct kvs_placing *p, size_t nr, s64 shift, int sign)
{
	u64 step = 0;

	for (const struct kvs_placing *end = p + nr; p < end; p++) {
		for (size_t i = 0; i < p->nr; i++) {
			struct kvs_host_time time = kvs_host_time(p->vcpu, p->events[i]);
			u64 at = time.at + shift;
			const struct kvs_stretch *out = around(&p->vcpu->out, at);
			u64 need = !out ? 0 : sign > 0 ? out->end - at : at - out->begin;

			if (time.told == KVS_TIME_NEVER)
				return UINT64_MAX;
			if (time.told != KVS_TIME_BETWEEN && need > step)
				step = need;
		}
	}
	return step;
}

/* The first shift from 0 on in one direction that has no event outside */
static bool search(const struct kvs_placing *p, size_t nr, s64 limit, int sign, s64 *found)
{
	u64 looks = 0, events = 0;
	s64 shift = 0;

	for (size_t i = 0; i < nr; i++)
		events += p[i].nr;
	while ((sign > 0 ? shift : -shift) <= limit && looks <= MAX_LOOKS) {
		u64 step = least_step(p, nr, shift, sign);

		if (!step) {
			*found = shift;
			return true;
		}
		shift += sign * limited(step);
		looks += events;
	}
	return false;
}

bool kvs_causal_nearest(const struct kvs_placing *p, size_t nr, s64 limit,
			struct kvs_shifts *shifts)
{
	s64 later, earlier;
	bool can_later = search(p, nr, limit, 1, &later);
	bool can_earlier = search(p, nr, limit, -1, &earlier);

	if (!can_later && !can_earlier)
		return false;
	if (!can_later || (can_earlier && -earlier < later))
		later = earlier;
	return kvs_causal_shifts(p, nr, later, shifts);
}
