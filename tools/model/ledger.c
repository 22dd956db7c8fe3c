// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state machine of the ledger; see ledger.h and docs/states.dot.
 */
#include <string.h>

#include "base/base.h"
#include "model/ledger.h"
#include "trace/schema.h"

/*
 * The clocks of two records may differ by this where the tracer reads its own:
 * differences that are larger hide what was lost.
 */
#define SLACK	256

#define NAME(symbol, number, name)	[number] = name
static const char *const names[KVMSCHED_NR_STATES] = { KVMSCHED_STATES(NAME) };

const char *kvs_ledger_state_name(unsigned int state)
{
	return state < KVMSCHED_NR_STATES ? names[state] : NULL;
}

static void book_state(struct kvs_ledger *l, unsigned int state, uint64_t from, uint64_t to)
{
	l->states[state] += to - from;
	if (l->booked && to > from)
		l->booked(l, state, from, to);
}

void kvs_ledger_book_exit(struct kvs_ledger *l, uint64_t exit, uint64_t ts)
{
	l->booked(l, KVMSCHED_STATE_GUEST, l->since, exit);
	if (ts > exit)
		l->booked(l, KVMSCHED_STATE_EXIT, exit, ts);
}

static uint64_t paused_at(const struct kvs_ledger *l, uint64_t ts)
{
	if (l->state != KVMSCHED_STATE_BLOCKED || l->loaded || ts < l->since)
		return l->paused;
	return l->paused + ts - l->since;
}

static void change_state(struct kvs_ledger *l, unsigned int state, uint64_t at)
{
	if (state == KVMSCHED_STATE_EXIT && (l->no_exits || l->no_switches))
		state = KVMSCHED_STATE_UNKNOWN;
	if (at < l->since)
		at = l->since;
	book_state(l, l->state, l->since, at);
	l->paused = paused_at(l, at);
	if (l->state == KVMSCHED_STATE_EXIT)
		l->exit_time += at - l->since;
	if (l->state == KVMSCHED_STATE_EXIT && state == KVMSCHED_STATE_HALTED)
		l->halted = at;
	l->since = at;
	l->state = state;
	if (state == KVMSCHED_STATE_GUEST || state == KVMSCHED_STATE_UNKNOWN)
		l->exit_time = l->halted = 0;
}

/*
 * Books the time before the switch, whose exit was recorded now or never will be: @guest
 * of it for state guest, the rest for state @rest.
 */
static void book_pending(struct kvs_ledger *l, uint64_t guest, unsigned int rest)
{
	uint64_t whole = l->pending_to - l->pending_from;

	if (guest > whole)
		guest = whole;
	book_state(l, KVMSCHED_STATE_GUEST, l->pending_from, l->pending_from + guest);
	if (rest == KVMSCHED_STATE_UNKNOWN)
		l->lost += whole - guest;
	book_state(l, rest, l->pending_from + guest, l->pending_to);
	l->pending_from = l->pending_to = 0;
}

/* Records are missing: books the time since the last change as unknown. */
static void book_unknown(struct kvs_ledger *l, uint64_t until)
{
	if (l->pending_to)
		book_pending(l, 0, KVMSCHED_STATE_UNKNOWN);
	if (until > l->since && l->state != KVMSCHED_STATE_UNKNOWN)
		l->lost += until - l->since;
	l->state = KVMSCHED_STATE_UNKNOWN;
	change_state(l, KVMSCHED_STATE_UNKNOWN, until);
	l->gap = l->doubt = false;
	l->woken = l->polled = 0;
}

void kvs_ledger_begin(struct kvs_ledger *l, uint64_t ts)
{
	memset(l, 0, sizeof(*l));
	l->begin = l->since = ts;
}

void kvs_ledger_loss(struct kvs_ledger *l, bool own)
{
	if (kvs_ledger_off_cpu(l))
		l->doubt = true;
	else if (own && l->state != KVMSCHED_STATE_UNKNOWN)
		l->gap = true;
}

bool kvs_ledger_end(struct kvs_ledger *l, uint64_t ts)
{
	bool known = !l->gap && !l->doubt;

	/* Off the CPU, and records were lost: it may have run and been switched out again. */
	if (!known)
		book_unknown(l, ts);
	if (l->pending_to)
		book_pending(l, UINT64_MAX, KVMSCHED_STATE_GUEST);
	if (l->woken)
		change_state(l, KVMSCHED_STATE_WAIT_WOKEN, l->woken);
	change_state(l, l->state, ts);
	return known;
}

bool kvs_ledger_leave(struct kvs_ledger *l, uint64_t ts)
{
	bool known = kvs_ledger_end(l, ts);

	change_state(l, KVMSCHED_STATE_UNKNOWN, ts);
	l->woken = 0;
	return known;
}

/* The coming record is possible in state @from only, or where nothing is known yet. */
static void expect_state(struct kvs_ledger *l, unsigned int from, uint64_t ts)
{
	if (l->pending_to)
		book_pending(l, 0, KVMSCHED_STATE_UNKNOWN);
	if (l->state == KVMSCHED_STATE_UNKNOWN)
		return;
	if (l->gap || l->state != from)
		book_unknown(l, ts);
}

void kvs_ledger_load(struct kvs_ledger *l, uint64_t ts)
{
	l->no_switches = false;
	expect_state(l, KVMSCHED_STATE_USER, ts);
	change_state(l, KVMSCHED_STATE_EXIT, ts);
	l->exit_time = l->halted = 0;
}

void kvs_ledger_put(struct kvs_ledger *l, uint64_t ts)
{
	l->no_switches = false;
	expect_state(l, KVMSCHED_STATE_EXIT, ts);
	change_state(l, KVMSCHED_STATE_USER, ts);
}

void kvs_ledger_entry(struct kvs_ledger *l, uint64_t ts)
{
	l->no_exits = false;
	expect_state(l, KVMSCHED_STATE_EXIT, ts);
	change_state(l, KVMSCHED_STATE_GUEST, ts);
}

/*
 * State exit is booked up to now: moves the last @polled of it to state poll.  Who polled
 * in vain did so right before it slept.
 */
static void book_poll(struct kvs_ledger *l, uint64_t polled)
{
	uint64_t until = l->halted ? l->halted : l->since;

	if (polled > l->exit_time)
		polled = l->exit_time;
	l->states[KVMSCHED_STATE_EXIT] -= polled;
	book_state(l, KVMSCHED_STATE_POLL, until - polled, until);
	l->exit_time -= polled;
}

/* After a loss: does what the exit record measured reach back to the last change? */
static bool reaches_last_change(const struct kvs_ledger *l, uint64_t ts, uint64_t measured)
{
	return l->state == KVMSCHED_STATE_GUEST && measured + SLACK >= ts - l->since;
}

/* A damaged file may claim more guest time than there was: nothing ends after @ts. */
static uint64_t end_of_guest(uint64_t entry, uint64_t guest, uint64_t ts)
{
	return guest < ts - entry ? entry + guest : ts;
}

void kvs_ledger_exit_slow(struct kvs_ledger *l, uint64_t ts, uint64_t guest,
			  uint64_t host, bool entered)
{
	uint64_t exit, entry;

	l->no_exits = false;
	/* Only a damaged file goes back in time. */
	if (ts < l->since)
		ts = l->since;
	exit = host < ts - l->since ? ts - host : l->since;
	entry = guest < exit - l->since ? exit - guest : l->since;
	if (l->gap && !reaches_last_change(l, ts, guest + host))
		book_unknown(l, entry);
	l->gap = false;
	if (l->pending_to && !kvs_ledger_off_cpu(l)) {
		/* Recorded after the switch in: @host counts from there. */
		book_pending(l, guest, guest ? KVMSCHED_STATE_EXIT : KVMSCHED_STATE_UNKNOWN);
	} else if (l->state == KVMSCHED_STATE_GUEST) {
		change_state(l, KVMSCHED_STATE_EXIT, guest ? end_of_guest(entry, guest, ts) : exit);
	} else {
		/* The entry is not recorded: a vCPU's first one was not in older recordings. */
		if (l->state != KVMSCHED_STATE_EXIT)
			book_unknown(l, entry);
		if (guest)
			change_state(l, KVMSCHED_STATE_GUEST, entry);
		change_state(l, KVMSCHED_STATE_EXIT, exit);
	}
	change_state(l, KVMSCHED_STATE_EXIT, ts);
	book_poll(l, l->polled);
	l->polled = 0;
	if (entered)
		change_state(l, KVMSCHED_STATE_GUEST, ts);
}

void kvs_ledger_switch_out(struct kvs_ledger *l, uint64_t ts, unsigned int kind,
			   bool loaded)
{
#define STATE_OF(kind, state)	[KS_SWITCH_##kind] = KVMSCHED_STATE_##state
	static const uint8_t state_of[] = { KVMSCHED_SWITCH_STATES(STATE_OF) };

	l->no_switches = false;
	if (l->gap || kvs_ledger_off_cpu(l))
		book_unknown(l, ts);
	if (l->state == KVMSCHED_STATE_GUEST && ts > l->since) {
		/* The exit that led here is recorded later, when the thread runs again. */
		l->pending_from = l->since;
		l->pending_to = ts;
		l->since = ts;
	}
	change_state(l, kind < ARRAY_SIZE(state_of) ? state_of[kind] : KVMSCHED_STATE_UNKNOWN, ts);
	l->loaded = loaded;
	l->woken = 0;
	l->doubt = false;
}

void kvs_ledger_wake(struct kvs_ledger *l, uint64_t ts)
{
	if (l->state == KVMSCHED_STATE_HALTED || l->state == KVMSCHED_STATE_BLOCKED)
		l->woken = ts;
}

bool kvs_ledger_switch_in(struct kvs_ledger *l, uint64_t ts, uint64_t off,
			  uint64_t waited, struct kvs_ledger_wait *wait)
{
	bool slept = l->state == KVMSCHED_STATE_HALTED ||
		     l->state == KVMSCHED_STATE_BLOCKED;
	uint64_t whole = ts > l->since ? ts - l->since : 0, got;

	/* A switch out was lost, or one more pair of in and out. */
	if (!kvs_ledger_off_cpu(l) || (l->doubt && off + SLACK < whole)) {
		book_unknown(l, ts);
		return false;
	}
	got = kvs_got_cpu(l->since, off, ts);
	if (slept && !l->woken)
		l->woken = got > l->since && waited < got - l->since ? got - waited : l->since;
	if (slept)
		change_state(l, KVMSCHED_STATE_WAIT_WOKEN, l->woken);
	*wait = (struct kvs_ledger_wait){
		.begin = l->since, .end = l->since > got ? l->since : got, .preempted = !slept,
	};
	change_state(l, l->loaded ? KVMSCHED_STATE_EXIT : KVMSCHED_STATE_USER, got);
	l->doubt = false;
	l->woken = 0;
	return true;
}

void kvs_ledger_poll(struct kvs_ledger *l, uint64_t ts, uint64_t polled)
{
	/* It never slept: the record of the exit is still to come, and covers the poll. */
	if (l->state == KVMSCHED_STATE_GUEST && !l->gap) {
		l->polled += polled;
		return;
	}
	/* The exit's record may come only later, as the exit came before the last switch. */
	if (!l->pending_to || l->state != KVMSCHED_STATE_EXIT || l->gap)
		expect_state(l, KVMSCHED_STATE_EXIT, ts);
	change_state(l, KVMSCHED_STATE_EXIT, ts);
	book_poll(l, polled);
}

uint64_t kvs_ledger_wait_begin(const struct kvs_ledger *l)
{
	if (l->gap || l->doubt)
		return 0;
	if (l->state == KVMSCHED_STATE_WAIT_PREEMPTED)
		return l->since;
	if (!l->woken)
		return 0;
	return l->woken > l->since ? l->woken : l->since;
}

uint64_t kvs_ledger_wall(const struct kvs_ledger *l)
{
	return l->since - l->begin;
}

int64_t kvs_ledger_residual(const struct kvs_ledger *l)
{
	uint64_t sum = l->pending_to - l->pending_from;

	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		sum += l->states[i];
	return kvs_ledger_wall(l) - sum;
}

void kvs_ledger_at(const struct kvs_ledger *l, uint64_t ts,
		   uint64_t states[KVMSCHED_NR_STATES])
{
	memcpy(states, l->states, sizeof(l->states));
	states[KVMSCHED_STATE_GUEST] += l->pending_to - l->pending_from;
	if (ts > l->since)
		states[l->state] += ts - l->since;
}

struct kvs_ledger_mark kvs_ledger_mark(const struct kvs_ledger *l, uint64_t ts)
{
	struct kvs_ledger_mark mark = { .ts = ts, .paused = paused_at(l, ts) };

	kvs_ledger_at(l, ts, mark.states);
	return mark;
}
