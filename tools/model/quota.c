// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas of cgroups; see quota.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/quota.h"

/* No host has more cgroups with vCPUs, or nests them deeper; a damaged file may seem to. */
#define MAX_CGROUPS	16384
#define MAX_DEPTH	64

/* A cgroup on a CPU */
struct barred {
	bool on;		/* throttled since ... */
	u64 since;		/* ... this time stamp */
	u32 epoch;		/* if no records were lost since then */
};

void kvs_quotas_free(struct kvs_quotas *q)
{
	for (size_t i = 0; i < q->barred.room; i++)
		free(q->barred.slots[i].value);
	for (unsigned int i = 0; i < q->nr; i++) {
		free(q->cgroups[i]->label);
		free(q->cgroups[i]);
	}
	free(q->cgroups);
	kvs_table_free(&q->by_id);
	kvs_table_free(&q->threads);
	kvs_table_free(&q->barred);
}

static void set_label(struct kvs_cgroup *c)
{
	char name[KVMSCHED_QUOTA_NAME + 1], limit[64] = "";

	snprintf(name, sizeof(name), "%" PRIu64, c->id);
	if (kvs_cgroup_limited(c))
		snprintf(limit, sizeof(limit), " (cpu.max %" PRId64 " %" PRIu64 ")",
			 c->quota_us, c->period_us);
	free(c->label);
	c->label = xasprintf("throttled by cgroup %s%s", *c->name ? c->name : name, limit);
}

/* NULL: there is none of that number, or there are too many. */
static struct kvs_cgroup *get_cgroup(struct kvs_quotas *q, u64 id)
{
	struct kvs_cgroup *c = kvs_table_get(&q->by_id, id);

	if (c || !id || q->nr == MAX_CGROUPS)
		return c;
	c = xcalloc(1, sizeof(*c));
	c->id = id;
	set_label(c);
	q->cgroups = xrealloc(q->cgroups, (q->nr + 1) * sizeof(*q->cgroups));
	q->cgroups[q->nr++] = c;
	kvs_table_put(&q->by_id, id, c);
	return c;
}

/* The cgroup of threads that have left all cgroups */
static struct kvs_cgroup nowhere;

void kvs_quota_cgroup(struct kvs_quotas *q, const struct kvs_record *rec)
{
	struct kvs_cgroup *c = get_cgroup(q, rec->cgroup.id);
	const struct kvs_cgroup *before;

	if (c && rec->cgroup.parent)
		c->parent = get_cgroup(q, rec->cgroup.parent);
	if (c && !(c->watched.on && c->watched.epoch == q->epoch)) {
		c->watched.on = true;
		c->watched.ts = rec->ts;
		c->watched.epoch = q->epoch;
	}
	if (rec->cgroup.tid <= 0)
		return;
	before = kvs_table_get(&q->threads, (u32)rec->cgroup.tid);
	if (c && before && before != c)
		c->strange = true;
	kvs_table_put(&q->threads, (u32)rec->cgroup.tid, c ? c : &nowhere);
}

void kvs_quota_foretold(struct kvs_quotas *q, const struct kvs_record *rec)
{
	struct kvs_cgroup *c = get_cgroup(q, rec->cgroup.id);

	if (c && rec->cgroup.parent && !c->parent)
		c->parent = get_cgroup(q, rec->cgroup.parent);
	if (rec->cgroup.tid > 0 && !kvs_table_get(&q->threads, (u32)rec->cgroup.tid))
		kvs_table_put(&q->threads, (u32)rec->cgroup.tid, c ? c : &nowhere);
}

/* The kernel gives cgroups numbers of 64 bits, the upper half being a generation. */
static u64 barred_key(const struct kvs_cgroup *c, u16 cpu)
{
	return (c->id << 16 | c->id >> 48) ^ cpu;
}

static struct barred *get_barred(struct kvs_quotas *q, const struct kvs_cgroup *c, u16 cpu)
{
	u64 key = barred_key(c, cpu);
	struct barred *b = kvs_table_get(&q->barred, key);

	if (!b) {
		/* Nothing is known of it: no epoch is that high. */
		b = xcalloc(1, sizeof(*b));
		b->epoch = UINT32_MAX;
		kvs_table_put(&q->barred, key, b);
	}
	return b;
}

/*
 * An end whose begin was not seen: that came before the cgroup was watched.  The module
 * watches, from the start on, the cgroups of all threads that it knows then.
 */
static void count_open_end(const struct kvs_quotas *q, struct kvs_cgroup *c, u64 start, u64 end)
{
	u64 since = c->watched.on ? c->watched.ts : start;

	c->open++;
	if (q->epoch != (c->watched.on ? c->watched.epoch : 0))
		return;
	c->open_ts += since && since < end ? end - since : 0;
	c->open_part_ts += since ? kvs_excerpt_part(&q->excerpt, since, end) : 0;
}

const struct kvs_cgroup *kvs_quota_throttle(struct kvs_quotas *q, const struct kvs_record *rec,
					    u64 start)
{
	struct kvs_cgroup *c = get_cgroup(q, rec->throttle.cgroup);
	bool on = rec->throttle.on, known;
	struct barred *b;

	if (!c)
		return NULL;
	b = get_barred(q, c, rec->throttle.cpu);
	known = b->on && b->epoch == q->epoch;
	if (on && known)
		return NULL;
	if (!on && known) {
		c->count++;
		c->throttled_ts += rec->ts > b->since ? rec->ts - b->since : 0;
		c->part_ts += kvs_excerpt_part(&q->excerpt, b->since, rec->ts);
	} else if (!on) {
		count_open_end(q, c, start, rec->ts);
	}
	*b = (struct barred){ .on = on, .since = rec->ts, .epoch = q->epoch };
	return on || known ? NULL : c;
}

bool kvs_quota_told(struct kvs_quotas *q, const struct kvs_record *rec)
{
	struct kvs_cgroup *c = get_cgroup(q, rec->quota.cgroup);
	bool limited;

	if (!c)
		return false;
	limited = kvs_cgroup_limited(c);
	memcpy(c->name, rec->quota.name, sizeof(rec->quota.name));
	c->limit_told = true;
	c->quota_us = rec->quota.quota_us;
	c->period_us = rec->quota.period_us;
	set_label(c);
	if (!kvs_excerpt_has(&q->excerpt, rec->ts))
		return kvs_cgroup_limited(c) && !limited;
	c->last = (struct kvs_cpu_stat){
		.periods = rec->quota.periods, .throttled = rec->quota.throttled,
		.throttled_us = rec->quota.throttled_us,
		.told_ts = c->throttled_ts, .open = c->open,
	};
	if (!c->stats++)
		c->first = c->last;
	return kvs_cgroup_limited(c) && !limited;
}

void kvs_quota_lost(struct kvs_quotas *q)
{
	q->epoch++;
}

const struct kvs_cgroup *kvs_quota_cgroup_of(const struct kvs_quotas *q, s32 tid)
{
	const struct kvs_cgroup *c = kvs_table_get(&q->threads, (u32)tid);

	return c == &nowhere ? NULL : c;
}

bool kvs_quota_knows(const struct kvs_quotas *q, s32 tid)
{
	return kvs_table_get(&q->threads, (u32)tid);
}

/* The cgroups that a thread is in, from the innermost on */
#define for_each_cgroup(c, q, tid)						\
	for (unsigned int depth_ = ((c) = kvs_quota_cgroup_of(q, tid), 0);	\
	     (c) && depth_ < MAX_DEPTH; (c) = (c)->parent, depth_++)

bool kvs_quota_has(const struct kvs_quotas *q, s32 tid, const struct kvs_cgroup *cgroup)
{
	const struct kvs_cgroup *c;

	for_each_cgroup(c, q, tid)
		if (c == cgroup)
			return true;
	return false;
}

enum kvs_quota_doubt kvs_quota_doubt(const struct kvs_quotas *q, s32 tid, u16 cpu)
{
	enum kvs_quota_doubt doubt = KVS_QUOTA_NO_DOUBT;
	const struct kvs_cgroup *c;
	bool strange = false;

	for_each_cgroup(c, q, tid) {
		const struct barred *b = kvs_table_get(&q->barred, barred_key(c, cpu));

		strange |= c->strange;
		if (b && b->epoch == q->epoch)
			continue;
		if ((strange && !c->limit_told) || kvs_cgroup_limited(c) || c->count || c->open)
			return KVS_QUOTA_IN_DOUBT;
		doubt = KVS_QUOTA_UNLIKELY;
	}
	return doubt;
}

void kvs_quota_ran(struct kvs_quotas *q, s32 tid, u16 cpu)
{
	const struct kvs_cgroup *c;

	for_each_cgroup(c, q, tid) {
		struct barred *b = get_barred(q, c, cpu);

		if (b->epoch != q->epoch)
			*b = (struct barred){ .epoch = q->epoch };
	}
}

const struct kvs_cgroup *kvs_quota_of(const struct kvs_quotas *q, s32 tid, u16 cpu)
{
	const struct kvs_cgroup *c, *first = NULL;
	u64 since = 0;

	for_each_cgroup(c, q, tid) {
		const struct barred *b = kvs_table_get(&q->barred, barred_key(c, cpu));

		if (!b || !b->on || b->epoch != q->epoch || (first && b->since >= since))
			continue;
		first = c;
		since = b->since;
	}
	return first;
}
