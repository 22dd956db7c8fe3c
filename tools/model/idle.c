// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that idle while a vCPU waits; see idle.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/idle.h"

enum { IDLES, WORKS, HOME, COUNTS, COUNTS_NOT };

void kvs_idles_free(struct kvs_idles *all)
{
	free(all->on);
}

void kvs_idle_free(struct kvs_idle *w)
{
	free(w->blocks);
}

static void list_wait(struct kvs_idles *all, struct kvs_idle *w)
{
	if (w->listed)
		return;
	all->on = xrealloc(all->on, (all->nr + 1) * sizeof(*all->on));
	all->on[all->nr++] = w;
	w->listed = true;
}

static void unlist_wait(struct kvs_idles *all, struct kvs_idle *w)
{
	unsigned int i = 0;

	if (!w->listed)
		return;
	while (all->on[i] != w)
		i++;
	all->on[i] = all->on[--all->nr];
	w->listed = false;
}

static struct kvs_idle_block *find_block(struct kvs_idle *w, uint16_t cpu)
{
	for (unsigned int i = 0; i < w->nr_blocks; i++)
		if (w->blocks[i].first == cpu / 64 * 64)
			return &w->blocks[i];
	return NULL;
}

static struct kvs_idle_block *get_block(struct kvs_idle *w, uint16_t cpu)
{
	struct kvs_idle_block *b = find_block(w, cpu);

	if (b)
		return b;
	w->blocks = xrealloc(w->blocks, (w->nr_blocks + 1) * sizeof(*b));
	b = &w->blocks[w->nr_blocks++];
	memset(b, 0, sizeof(*b));
	b->first = cpu / 64 * 64;
	return b;
}

/* A CPU begins to count, or ends that: it idles, and is not the one that is waited for. */
static void count_cpu(struct kvs_idle *w, struct kvs_idle_block *b, unsigned int bit, bool on)
{
	if (on) {
		b->since[bit] = w->clock;
		if (!w->counting++)
			w->since = w->clock;
		return;
	}
	b->time[bit] += w->clock - b->since[bit];
	if (!--w->counting)
		w->time += w->clock - w->since;
}

static void set_idle(struct kvs_idle *w, uint16_t cpu, bool idle)
{
	struct kvs_idle_block *b = get_block(w, cpu);
	uint64_t bit = 1ULL << cpu % 64;

	if (!(b->on & bit) == !idle)
		return;
	b->on ^= bit;
	if (cpu != w->home)
		count_cpu(w, b, cpu % 64, idle);
}

static void set_home(struct kvs_idle *w, uint16_t cpu)
{
	struct kvs_idle_block *from = find_block(w, w->home), *to = find_block(w, cpu);

	if (cpu == w->home)
		return;
	if (from && from->on >> w->home % 64 & 1)
		count_cpu(w, from, w->home % 64, true);
	if (to && to->on >> cpu % 64 & 1)
		count_cpu(w, to, cpu % 64, false);
	w->home = cpu;
}

/* Time passes until @ts. */
static void pass_time(struct kvs_idle *w, uint64_t ts)
{
	if (ts <= w->at)
		return;
	if (w->runs)
		w->clock += ts - w->at;
	w->at = ts;
}

static void apply_change(struct kvs_idle *w, const struct kvs_idle_change *c)
{
	pass_time(w, c->ts);
	switch (c->what) {
	case IDLES:
	case WORKS:
		set_idle(w, c->cpu, c->what == IDLES);
		break;
	case HOME:
		set_home(w, c->cpu);
		break;
	default:
		w->runs = c->what == COUNTS;
	}
}

static void queue_change(struct kvs_idle *w, uint64_t ts, uint8_t what, uint16_t cpu)
{
	if (w->nr_late == KVS_IDLE_LATE) {
		apply_change(w, &w->late[0]);
		memmove(&w->late[0], &w->late[1], --w->nr_late * sizeof(w->late[0]));
	}
	w->late[w->nr_late++] = (struct kvs_idle_change){ .ts = ts, .what = what, .cpu = cpu };
}

/* What was known of the CPUs is so no more. */
static void forget_cpus(struct kvs_idle *w)
{
	for (unsigned int i = 0; i < w->nr_blocks; i++) {
		struct kvs_idle_block *b = &w->blocks[i];

		b->allowed = b->idle = b->on = 0;
		memset(b->time, 0, sizeof(b->time));
	}
	w->counting = 0;
	w->nr_late = 0;
	w->clock = w->since = w->time = 0;
	w->runs = w->runs_told = false;
	w->told = w->waits = w->unknown = false;
}

/* Note of 64 CPUs those whose state differs from what the records before said. */
static void note_cpus(struct kvs_idle *w, uint64_t ts, struct kvs_idle_block *b, uint64_t allowed,
		      uint64_t idle)
{
	uint64_t differ = (b->allowed & b->idle) ^ (allowed & idle);
	uint16_t first = b->first;

	b->allowed = allowed;
	b->idle = idle;
	for (; differ; differ &= differ - 1) {
		unsigned int bit = __builtin_ctzll(differ);

		queue_change(w, ts, allowed & idle & 1ULL << bit ? IDLES : WORKS, first + bit);
	}
}

void kvs_idle_allowed(struct kvs_idles *all, struct kvs_idle *w, uint64_t ts, bool begins,
		      uint16_t first, uint64_t cpus, uint64_t idle)
{
	if (begins && !w->waits)
		forget_cpus(w);
	if (begins && w->waits)
		for (unsigned int i = 0; i < w->nr_blocks; i++)
			if (w->blocks[i].first != first / 64 * 64)
				note_cpus(w, ts, &w->blocks[i], 0, 0);
	note_cpus(w, ts, get_block(w, first), cpus, idle);
	w->told = true;
	list_wait(all, w);
}

void kvs_idle_cpu(struct kvs_idles *all, uint64_t ts, uint16_t cpu, bool idle)
{
	uint64_t bit = 1ULL << cpu % 64;

	for (unsigned int i = 0; i < all->nr; i++) {
		struct kvs_idle_block *b = find_block(all->on[i], cpu);

		if (b && b->allowed & bit)
			note_cpus(all->on[i], ts, b, b->allowed, idle ? b->idle | bit : b->idle & ~bit);
	}
}

void kvs_idle_begin(struct kvs_idle *w, uint64_t ts, uint16_t home, bool counts)
{
	bool told = w->told && !w->waits;

	if (!told)
		forget_cpus(w);
	/* Changes that were recorded just before the wait hold when it begins. */
	for (unsigned int i = 0; i < w->nr_late; i++)
		apply_change(w, &w->late[i]);
	w->nr_late = 0;
	w->told = told;
	w->waits = true;
	w->at = ts;
	set_home(w, home);
	w->runs = w->runs_told = counts;
}

void kvs_idle_move(struct kvs_idle *w, uint64_t ts, uint16_t home, bool counts)
{
	uint16_t before = w->home;

	if (!w->waits)
		return;
	for (unsigned int i = 0; i < w->nr_late; i++)
		if (w->late[i].what == HOME)
			before = w->late[i].cpu;
	if (home != before)
		queue_change(w, ts, HOME, home);
	if (counts != w->runs_told)
		queue_change(w, ts, counts ? COUNTS : COUNTS_NOT, 0);
	w->runs_told = counts;
}

void kvs_idle_loss(struct kvs_idles *all)
{
	for (unsigned int i = 0; i < all->nr; i++)
		all->on[i]->unknown = true;
}

/* Who idled longest; all that still count end that. */
static void find_longest(struct kvs_idle *w, struct kvs_idle_wait *past)
{
	for (unsigned int i = 0; i < w->nr_blocks; i++) {
		struct kvs_idle_block *b = &w->blocks[i];

		for (unsigned int bit = 0; bit < 64; bit++) {
			uint16_t cpu = b->first + bit;

			if (b->on >> bit & 1 && cpu != w->home)
				count_cpu(w, b, bit, false);
			if (b->time[bit] > past->cpu_time) {
				past->cpu_time = b->time[bit];
				past->cpu = cpu;
			}
		}
	}
	past->time = w->time;
}

static void sum_up(struct kvs_idles *all, struct kvs_idle_sum *sum, uint64_t waited,
		   const struct kvs_idle_wait *past)
{
	if (!past->known) {
		sum->unknown += waited;
		return;
	}
	sum->waited += waited;
	sum->time += past->time;
	sum->count += past->time && past->time >= all->tick;
	if (past->time > sum->max) {
		sum->max = past->time;
		sum->cpu = past->cpu;
	}
}

void kvs_idle_end(struct kvs_idles *all, struct kvs_idle *w, uint64_t begin, uint64_t end,
		  bool seen, struct kvs_idle_wait *past)
{
	*past = (struct kvs_idle_wait){
		.known = !all->blind && seen && w->told && w->waits && !w->unknown &&
			 w->at <= end,
	};
	if (past->known) {
		for (unsigned int i = 0; i < w->nr_late && w->late[i].ts < end; i++)
			apply_change(w, &w->late[i]);
		pass_time(w, end);
		find_longest(w, past);
	}
	if (kvs_excerpt_has(&all->excerpt, end))
		sum_up(all, &w->sum, end - begin, past);
	kvs_idle_drop(all, w);
}

void kvs_idle_drop(struct kvs_idles *all, struct kvs_idle *w)
{
	forget_cpus(w);
	unlist_wait(all, w);
}
