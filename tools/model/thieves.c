// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits cut by who held the CPU; see thieves.h.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/thieves.h"

#define MAX_THIEVES	1024	/* of one vCPU; all beyond go to the last row */
#define MAX_CPUS	65536

static const char *const kinds[KVS_THIEF_KINDS] = {
	[KVS_THIEF_UNKNOWN]	= "unknown",
	[KVS_THIEF_TASK]		= "task",
	[KVS_THIEF_IDLE]		= "idle",
	[KVS_THIEF_MIGRATION]	= "migration",
	[KVS_THIEF_INTERRUPT]	= "interrupt",
	[KVS_THIEF_THROTTLED]	= "throttled",
	[KVS_THIEF_QUOTA]		= "quota",
	[KVS_THIEF_RT_THROTTLED]	= "rt_throttled",
};

const char *kvs_thief_kind_name(unsigned int kind)
{
	return kind < KVS_THIEF_KINDS ? kinds[kind] : NULL;
}

const char *kvs_thief_name(const struct kvs_holder *who)
{
	static const char *const names[KVS_THIEF_KINDS] = {
		[KVS_THIEF_UNKNOWN]	= "(unknown)",
		[KVS_THIEF_IDLE]		= "(idle: waking or throttled)",
		[KVS_THIEF_MIGRATION]	= "(migration)",
		[KVS_THIEF_THROTTLED]	= "(idle: throttled, inferred)",
		[KVS_THIEF_RT_THROTTLED]	= "(real-time throttling, inferred)",
	};

	if (who->kind == KVS_THIEF_QUOTA)
		return who->cgroup->label;

	if (who->kind < KVS_THIEF_KINDS && names[who->kind])
		return names[who->kind];
	return who->comm;
}

void kvs_queues_free(struct kvs_queues *q)
{
	free(q->queues);
	kvs_idles_free(&q->idles);
}

void kvs_waiter_free(struct kvs_waiter *w)
{
	kvs_culprits_free(&w->open);
	kvs_culprits_free(&w->part);
	kvs_idle_free(&w->idle);
	free(w->late);
	free(w->thieves);
}

struct kvs_holder kvs_holder_of(int32_t pid, int16_t prio, uint16_t cpu,
				const char *comm)
{
	struct kvs_holder h = { .pid = pid, .prio = prio, .cpu = cpu };

	if (pid < 0) {
		h.pid = -1;
	} else if (!pid) {
		h.kind = KVS_THIEF_IDLE;
	} else {
		memcpy(h.comm, comm, strnlen(comm, sizeof(h.comm) - 1));
		h.kind = strncmp(h.comm, "migration/", 10) ? KVS_THIEF_TASK :
							     KVS_THIEF_MIGRATION;
	}
	return h;
}

struct kvs_thief *kvs_thief_get(struct kvs_waiter *w, const struct kvs_holder *who)
{
	const struct kvs_holder others = kvs_others();
	struct kvs_thief *t;

	for (t = w->thieves; t < w->thieves + w->nr; t++)
		if (kvs_same_culprit(&t->who, who))
			return t;
	if (w->nr >= MAX_THIEVES - 1 && !kvs_is_others(who))
		return kvs_thief_get(w, &others);
	w->thieves = xrealloc(w->thieves, (w->nr + 1) * sizeof(*t));
	t = &w->thieves[w->nr++];
	*t = (struct kvs_thief){ .who = *who };
	return t;
}

static struct kvs_queue *get_queue(struct kvs_queues *q, unsigned int cpu)
{
	q->queues = xgrow(q->queues, &q->nr, cpu, sizeof(*q->queues));
	return &q->queues[cpu];
}

static struct kvs_waiter *first_waiter(const struct kvs_queues *q, unsigned int cpu)
{
	return cpu < q->nr ? q->queues[cpu].first : NULL;
}

/* Where the queue is full, whoever holds that CPU is one of the "(others)". */
static void enqueue(struct kvs_queues *q, struct kvs_waiter *w)
{
	struct kvs_queue *queue = get_queue(q, w->holder.cpu);

	w->queued = queue->nr < KVS_QUEUE_MAX;
	if (!w->queued) {
		uint16_t cpu = w->holder.cpu;

		w->holder = kvs_others();
		w->holder.cpu = cpu;
		return;
	}
	w->next = queue->first;
	queue->first = w;
	queue->nr++;
}

static void dequeue(struct kvs_queues *q, struct kvs_waiter *w)
{
	struct kvs_queue *queue = get_queue(q, w->holder.cpu);
	struct kvs_waiter **at = &queue->first;

	if (!w->queued)
		return;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	queue->nr--;
}

/* What of a piece lies in the excerpt; it is counted where it ends. */
static void add_part(const struct kvs_excerpt *excerpt, struct kvs_waiter *w,
		     const struct kvs_piece *piece)
{
	uint64_t time = kvs_excerpt_part(excerpt, piece->from, piece->to);
	bool ends = kvs_excerpt_has(excerpt, piece->to);

	if (time || ends)
		kvs_culprits_add_part(&w->part, &piece->holder, time, ends);
}

/* A piece is the wait's for good: it is summed, and handed over. */
static void settle_piece(struct kvs_queues *q, struct kvs_waiter *w,
			 const struct kvs_piece *piece)
{
	if (q->piece)
		q->piece(w, piece->from, piece->to, &piece->holder);
	w->settled = piece->to;
	kvs_culprits_add(&w->open, &piece->holder, piece->to - piece->from);
	if (q->excerpt.on)
		add_part(&q->excerpt, w, piece);
	for (struct kvs_trail *trail = w->trails; trail; trail = trail->next) {
		uint64_t from = piece->from > trail->begin ? piece->from : trail->begin;

		if (trail->on && from < piece->to)
			kvs_culprits_add(&trail->culprits, &piece->holder, piece->to - from);
	}
}

static void settle_first(struct kvs_queues *q, struct kvs_waiter *w, unsigned int nr)
{
	if (!nr)
		return;
	for (unsigned int i = 0; i < nr; i++)
		settle_piece(q, w, &w->late[i]);
	w->nr_late -= nr;
	memmove(&w->late[0], &w->late[nr], w->nr_late * sizeof(w->late[0]));
}

static struct kvs_holder quota_on(const struct kvs_cgroup *quota, uint16_t cpu)
{
	return (struct kvs_holder){
		.pid = -1, .cpu = cpu, .kind = KVS_THIEF_QUOTA, .cgroup = quota,
	};
}

/* Whose the current piece is, as it seems */
static struct kvs_holder apparent_culprit(const struct kvs_waiter *w)
{
	return w->quota ? quota_on(w->quota, w->holder.cpu) : w->holder;
}

static bool is_in_doubt(const struct kvs_waiter *w, uint64_t from, const struct kvs_holder *who)
{
	return w->doubt.on && from >= w->doubt.since && who->kind != KVS_THIEF_QUOTA;
}

struct kvs_holder kvs_wait_culprit(const struct kvs_waiter *w)
{
	const struct kvs_holder unknown = { .pid = -1, .cpu = w->holder.cpu };
	struct kvs_holder who = apparent_culprit(w);

	return w->doubt.limited && is_in_doubt(w, w->since, &who) ? unknown : who;
}

/* Of what is in doubt, the first @nr pieces belong to the quota, or are unknown. */
static void give_doubted(struct kvs_waiter *w, unsigned int nr, const struct kvs_cgroup *quota)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < w->nr_late; i++) {
		struct kvs_piece piece = w->late[i];
		struct kvs_piece *last = kept ? &w->late[kept - 1] : NULL;

		if (i < nr && is_in_doubt(w, piece.from, &piece.holder)) {
			uint16_t cpu = piece.holder.cpu;

			piece.holder = quota ? quota_on(quota, cpu) :
				       (struct kvs_holder){ .pid = -1, .cpu = cpu };
			/* Whether an idle CPU would have helped is not known, either. */
			w->idle.unknown = true;
			if (last && last->to == piece.from && last->holder.cpu == cpu &&
			    kvs_same_culprit(&last->holder, &piece.holder)) {
				last->to = piece.to;
				continue;
			}
		}
		w->late[kept++] = piece;
	}
	w->nr_late = kept;
}

void kvs_wait_settle(struct kvs_queues *q, struct kvs_waiter *w)
{
	if (w->doubt.limited)
		give_doubted(w, w->nr_late, NULL);
	settle_first(q, w, w->nr_late);
}

/* Somebody else has its CPU: it could have run on one that idles. */
static bool idle_counts(const struct kvs_waiter *w)
{
	struct kvs_holder culprit = apparent_culprit(w);

	return culprit.kind != KVS_THIEF_IDLE && !kvs_thief_is_throttling(&culprit);
}

/* Its CPU, or whoever has that, may have changed. */
static void note_home(struct kvs_waiter *w, uint64_t ts)
{
	kvs_idle_move(&w->idle, ts, w->holder.cpu, idle_counts(w));
}

/*
 * Room for a piece: the first ones are settled.  Many are kept while they are in doubt, and
 * if there are more, half of them become one, which is unknown unless it is the quota's.
 */
static void make_room(struct kvs_queues *q, struct kvs_waiter *w)
{
	bool doubt = w->doubt.on && w->doubt.limited;
	unsigned int room = doubt ? KVS_DOUBT_PIECES : KVS_LATE_PIECES;

	if (w->nr_late >= room) {
		if (doubt)
			give_doubted(w, room / 2, NULL);
		/* Where there is not much to join, as quotas that are known lie between: */
		if (w->nr_late >= room * 3 / 4)
			settle_first(q, w, doubt ? room / 2 : w->nr_late - room + 1);
	}
	if (w->late_room < room) {
		w->late = xrealloc(w->late, room * sizeof(*w->late));
		w->late_room = room;
	}
}

/* The piece since the last change is its holder's, or the quota's. */
static void add_piece(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts)
{
	/* Time goes back only in a damaged file: no piece then, and none twice. */
	if (ts <= w->since)
		return;
	make_room(q, w);
	w->late[w->nr_late++] = (struct kvs_piece){
		.from = w->since, .to = ts, .holder = apparent_culprit(w),
	};
	w->since = ts;
	if (w->doubt.since == KVS_NEXT_PIECE)
		w->doubt.since = ts;
}

static void begin_pieces(struct kvs_waiter *w, uint64_t begin, const struct kvs_holder *holder)
{
	w->begin = w->since = w->settled = begin;
	w->holder = *holder;
	w->interrupted = false;
	w->quota = NULL;
	kvs_wait_trust(w);
	w->nr_late = 0;
	kvs_culprits_clear(&w->open);
	kvs_culprits_clear(&w->part);
}

/* The wait was none, or another one: so is what was learnt of it. */
static void drop_pieces(struct kvs_waiter *w)
{
	if (w->open.nr)
		for (struct kvs_trail *trail = w->trails; trail; trail = trail->next)
			kvs_culprits_clear(&trail->culprits);
	w->nr_late = 0;
	kvs_culprits_clear(&w->open);
	kvs_culprits_clear(&w->part);
}

/* Does the scheduler run it only where nobody of a real-time policy may run? */
static bool is_least(const struct kvs_holder *who)
{
	if (who->kind == KVS_THIEF_IDLE)
		return true;
	return who->kind == KVS_THIEF_TASK && who->flags & KS_TASK_TOLD &&
	       !(who->flags & KS_TASK_SERVER) && who->prio >= KVS_MAX_RT_PRIO &&
	       (who->policy == SCHED_OTHER || who->policy == SCHED_BATCH ||
		who->policy == SCHED_IDLE || who->policy == SCHED_EXT);
}

/*
 * The scheduler has given the CPU to @who, though the vCPU was runnable.  If @who should not
 * have got it, the vCPU is kept from it: by the quota of its cgroup, or, if it has real-time
 * priority, by the one quota for all real-time tasks.
 */
static void note_choice(const struct kvs_waiter *w, struct kvs_holder *who)
{
	if (w->real_time && is_least(who))
		who->kind = KVS_THIEF_RT_THROTTLED;
	else if (who->kind == KVS_THIEF_IDLE)
		who->kind = KVS_THIEF_THROTTLED;
}

void kvs_wait_begin(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		    struct kvs_holder holder, bool preempted)
{
	if (w->waiting) {
		dequeue(q, w);
		drop_pieces(w);
	}
	if (preempted)
		note_choice(w, &holder);
	w->waiting = true;
	begin_pieces(w, ts, &holder);
	enqueue(q, w);
	kvs_idle_begin(&w->idle, ts, w->holder.cpu, idle_counts(w));
	w->idle.unknown |= !w->queued;
}

void kvs_wait_move(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		   struct kvs_holder holder)
{
	if (!w->waiting)
		return;
	add_piece(q, w, ts);
	dequeue(q, w);
	w->interrupted = false;
	w->holder = holder;
	enqueue(q, w);
	note_home(w, ts);
	w->idle.unknown |= !w->queued;
}

void kvs_wait_holder(struct kvs_queues *q, uint64_t ts, const struct kvs_holder *holder)
{
	for (struct kvs_waiter *w = first_waiter(q, holder->cpu); w; w = w->next) {
		/* It has the CPU at last: the switch there is part of its wait. */
		if (holder->pid == w->tid)
			continue;
		if (!w->quota)
			add_piece(q, w, ts);
		w->holder = *holder;
		note_choice(w, &w->holder);
		note_home(w, ts);
	}
}

void kvs_wait_throttle(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		       const struct kvs_cgroup *quota)
{
	if (!w->waiting || w->quota == quota)
		return;
	add_piece(q, w, ts);
	w->quota = quota;
	/* What the CPU idled for is over: it may have to wake up first. */
	if (!quota && w->holder.kind == KVS_THIEF_THROTTLED)
		w->holder.kind = KVS_THIEF_IDLE;
	w->interrupted = false;
	note_home(w, ts);
}

void kvs_wait_doubt(struct kvs_queues *q, struct kvs_waiter *w, uint64_t since, bool limited,
		    bool certain)
{
	if (!w->doubt.on) {
		if (since != KVS_NEXT_PIECE)
			add_piece(q, w, since);
		w->doubt.since = since;
	}
	w->doubt.on = true;
	w->doubt.limited = limited || certain;
	w->doubt.certain = certain;
}

void kvs_wait_trust(struct kvs_waiter *w)
{
	w->doubt = (struct kvs_doubt){ 0 };
}

void kvs_wait_lose_doubt(struct kvs_waiter *w)
{
	if (w->doubt.limited)
		give_doubted(w, w->nr_late, NULL);
	kvs_wait_trust(w);
}

void kvs_wait_decide(struct kvs_queues *q, struct kvs_waiter *w, uint64_t ts,
		     const struct kvs_cgroup *quota)
{
	if (!w->doubt.on)
		return;
	add_piece(q, w, ts);
	if (quota || w->doubt.limited)
		give_doubted(w, w->nr_late, quota);
	kvs_wait_trust(w);
}

/*
 * The piece up to an interrupt.  An idle CPU is awake after its interrupt, and takes
 * whoever may run there before it idles on: if it did not, the vCPU was throttled.
 */
static void add_piece_before_interrupt(struct kvs_queues *q, struct kvs_waiter *w,
				       uint64_t begin)
{
	if (begin <= w->since)
		return;
	if (w->holder.kind == KVS_THIEF_IDLE && w->interrupted &&
	    begin - w->since >= q->surely_awake)
		note_choice(w, &w->holder);
	add_piece(q, w, begin);
}

void kvs_wait_interrupt(struct kvs_queues *q, unsigned int cpu, int32_t tid,
			uint64_t ts, uint64_t length, const char *name)
{
	struct kvs_holder interrupt = {
		.pid = -1, .cpu = cpu, .kind = KVS_THIEF_INTERRUPT,
	};

	memcpy(interrupt.comm, name, strnlen(name, sizeof(interrupt.comm) - 1));
	for (struct kvs_waiter *w = first_waiter(q, cpu); w; w = w->next) {
		struct kvs_holder holder = w->holder;

		/* It has the CPU: its switch in is still to come. */
		if (w->tid == tid || w->quota)
			continue;
		/* A wait may begin in the interrupt that wakes it. */
		add_piece_before_interrupt(q, w, ts > length ? ts - length : 0);
		w->holder = interrupt;
		add_piece(q, w, ts);
		w->holder = holder;
		w->interrupted = true;
	}
}

void kvs_wait_loss(struct kvs_queues *q, unsigned int cpu)
{
	for (struct kvs_waiter *w = first_waiter(q, cpu); w; w = w->next) {
		w->holder = (struct kvs_holder){ .pid = -1, .cpu = cpu };
		w->quota = NULL;
	}
	/* Whether it idled, either. */
	kvs_idle_loss(&q->idles);
}

/* Whatever was seen after the end of the wait is no part of it. */
static void cut_pieces(struct kvs_waiter *w, uint64_t end)
{
	while (w->nr_late && w->late[w->nr_late - 1].from >= end)
		w->nr_late--;
	if (w->nr_late && w->late[w->nr_late - 1].to > end)
		w->late[w->nr_late - 1].to = end;
	if (w->since > end)
		w->since = end;
}

/* The pieces are the thieves' for good; the largest part names the wait. */
static void commit_pieces(const struct kvs_queues *q, struct kvs_waiter *w,
			  struct kvs_past_wait *past)
{
	const struct kvs_culprits *pieces = q->excerpt.on ? &w->part : &w->open;

	kvs_culprits_shares(&w->open, &past->shares);
	for (const struct kvs_culprit *c = pieces->rows; c < pieces->rows + pieces->nr; c++) {
		struct kvs_thief *t = kvs_thief_get(w, &c->who);
		uint16_t cpu = c->max > t->max ? c->who.cpu : t->who.cpu;

		t->time += c->time;
		t->count += c->count;
		if (c->max > t->max)
			t->max = c->max;
		/* Name and policy may change: the latest are the best known. */
		if (t->who.pid == c->who.pid && t->who.kind == KVS_THIEF_TASK)
			t->who = c->who;
		t->who.cpu = cpu;
	}
	kvs_culprits_clear(&w->open);
	kvs_culprits_clear(&w->part);
}

const struct kvs_past_wait *kvs_wait_end(struct kvs_queues *q, struct kvs_waiter *w,
					 const struct kvs_ledger_wait *span)
{
	static const struct kvs_holder nobody = { .pid = -1 };
	struct kvs_past_wait *past;
	bool seen = w->waiting, begun;

	if (seen)
		dequeue(q, w);
	w->waiting = false;
	if (!span) {
		drop_pieces(w);
		kvs_idle_drop(&q->idles, &w->idle);
		return NULL;
	}
	/*
	 * Its wakeup was not recorded, and so it is unknown who had the CPU.  In a damaged
	 * file, it is the wait of the ledger's that counts, too.
	 */
	begun = seen && w->begin == span->begin && w->settled <= span->end;
	if (!begun) {
		drop_pieces(w);
		begin_pieces(w, span->begin, &nobody);
	}
	cut_pieces(w, span->end);
	add_piece(q, w, span->end);
	kvs_wait_settle(q, w);
	past = &w->past[w->nr_past++ % KVS_PAST_WAITS];
	past->span = *span;
	kvs_idle_end(&q->idles, &w->idle, span->begin, span->end, begun, &past->idle);
	commit_pieces(q, w, past);
	return past;
}

void kvs_wait_cut(struct kvs_queues *q, struct kvs_waiter *w, uint64_t begin, uint64_t ts)
{
	struct kvs_ledger_wait span = { .begin = begin, .end = ts > begin ? ts : begin };

	if (w->waiting || begin)
		kvs_wait_end(q, w, begin ? &span : NULL);
}

void kvs_trail_begin(struct kvs_waiter *w, struct kvs_trail *trail, uint64_t ts)
{
	if (!trail->listed) {
		trail->next = w->trails;
		w->trails = trail;
	}
	trail->listed = trail->on = true;
	trail->begin = ts;
	kvs_culprits_clear(&trail->culprits);
}

void kvs_trail_end(struct kvs_trail *trail)
{
	trail->on = false;
}

const struct kvs_past_wait *kvs_wait_within(const struct kvs_waiter *w,
					    uint64_t from, uint64_t to)
{
	const struct kvs_past_wait *best = NULL;

	for (unsigned int i = 0; i < KVS_PAST_WAITS && i < w->nr_past; i++) {
		const struct kvs_past_wait *p = &w->past[i];

		if (p->span.end <= from || p->span.begin >= to)
			continue;
		if (!best || p->shares.top[0].time > best->shares.top[0].time)
			best = p;
	}
	return best;
}
